use super::*;
use crate::api::handle;
use crate::fake::{Fake, document, request, run};
use crate::host::Store as _;
use serde_json::Value;

const CSV: &str = "id,created,subject\n1,2026-11-02,a\n2,2026-11-03,b\nx,soon,c\n";

fn host() -> Fake {
    let host = Fake::new();
    let put = run(handle(&host, &request("a", "PUT", "/api/tenants/acme", document("acme").to_string().as_bytes())));
    assert_eq!(put.status, 200, "{put:?}");
    host
}

fn send(host: &Fake, token: &str, method: &str, body: &str) -> (u16, Value) {
    let answer = run(handle(host, &request(token, method, "/api/tenants/acme/history", body.as_bytes())));
    (answer.status, answer.body.unwrap_or_default())
}

#[test]
fn a_part_of_a_file_is_learned_once_however_often_it_is_sent() {
    let host = host();
    let (status, first) = send(&host, "b", "POST", CSV);
    assert_eq!((status, &first["learned"], &first["repeated"], &first["all"]), (200, &json!(2), &json!(0), &json!(2)), "{first}");
    assert_eq!(first["complaints"][0]["line"], 4, "{first}");
    let (_, again) = send(&host, "b", "POST", &format!("{CSV}3,2026-11-04,d\n"));
    assert_eq!((&again["learned"], &again["repeated"], &again["all"]), (&json!(1), &json!(2), &json!(3)), "{again}");
    let (status, told) = send(&host, "b", "GET", "");
    assert_eq!((status, &told["learned"], &told["lessons"][0]["value"]), (200, &json!(3), &json!("1:printer 2:printer 3:printer ")), "{told}");
}

#[test]
fn what_cannot_be_used_is_refused_and_changes_nothing() {
    let host = host();
    let many: String = (0..=MOST).map(|n| format!("{n},2026-11-02,a\n")).collect();
    for (body, status, expect) in [("a,b\n1,2\n", 422, "when a ticket came"), (&format!("id,created,subject\n{many}"), 413, "in parts"), ("", 422, "empty")] {
        let (found, answer) = send(&host, "a", "POST", body);
        assert!(found == status && answer["error"].as_str().unwrap().contains(expect), "{found} {answer}");
    }
    assert_eq!(send(&host, "a", "GET", "").1["learned"], 0);
    assert_eq!(send(&host, "", "POST", CSV).0, 401);
    let nobody = run(handle(&host, &request("a", "POST", "/api/tenants/nobody/history", CSV.as_bytes())));
    assert_eq!(nobody.status, 404);
}

#[test]
fn only_firm_names_of_what_is_handed_over_are_kept_for_reading_tickets() {
    let host = host();
    let word = |value: &str, intent: &str, support: u32, thin: bool| Lesson {
        kind: "word".into(),
        intent: intent.into(),
        value: value.into(),
        support,
        of: support,
        thin,
        ..Lesson::default()
    };
    let other = Lesson { kind: "field".into(), ..word("Service", "printer", 90, false) };
    host.lessons.replace(vec![
        word("till lane", "printer", 9, false),
        word("zorbex", "app_outage", 12, false),
        word("rare", "printer", 3, true),
        word("password desk", "password_reset", 80, false),
        word("vague", "", 80, false),
        other,
    ]);
    assert_eq!(send(&host, "a", "POST", CSV).0, 200);
    let key = keys::familiar("acme");
    let Vocabulary { names } = host.key().read(&key, &host.values.borrow()[&key]).unwrap();
    let names: Vec<(&str, &str)> = names.iter().map(|name| (name.phrase.as_str(), name.intent.as_str())).collect();
    assert_eq!(names, [("zorbex", "app_outage"), ("till lane", "printer")]);
}

#[test]
fn what_was_learned_is_not_overwritten_once_it_is_damaged() {
    let host = host();
    send(&host, "a", "POST", CSV);
    host.values.borrow_mut().get_mut("past/acme").unwrap()[20] ^= 1;
    let damaged = host.values.borrow()["past/acme"].clone();
    for method in ["GET", "POST"] {
        let (status, answer) = send(&host, "a", method, CSV);
        assert!(status == 500 && answer["error"].as_str().unwrap().contains("cannot be used"), "{status} {answer}");
    }
    assert_eq!(host.values.borrow()["past/acme"], damaged);
}

#[test]
fn of_two_imports_at_once_none_is_counted_that_is_not_kept() {
    // The second begins so many reads after the first.
    for later in 0..20 {
        let host = Fake { shared: true, ..host() };
        let [one, two] = [1, 2].map(|id| request("a", "POST", "/api/tenants/acme/history", format!("id,created,subject\n{id},2026-11-02,a\n").as_bytes()));
        let second = async {
            for _ in 0..later {
                host.get("nothing").await.unwrap();
            }
            handle(&host, &two).await
        };
        let (one, two) = run(async { futures::join!(handle(&host, &one), second) });
        let kept = send(&host, "a", "GET", "").1["learned"].as_u64().unwrap();
        let claimed = [&one, &two].iter().filter(|answer| answer.status == 200).count() as u64;
        assert_eq!(claimed, kept, "{later}: {one:?} {two:?}");
    }
}

#[test]
fn what_somebody_else_learned_meanwhile_is_not_overwritten() {
    let host = host();
    let theirs = Past { learned: 7, turn: 1, ..Past::default() };
    host.meanwhile.replace(Some(("past/acme".into(), host.key().write("past/acme", &theirs))));
    assert_eq!(send(&host, "a", "POST", CSV).0, 409);
    assert_eq!(send(&host, "a", "GET", "").1["learned"], 7);
    let (status, again) = send(&host, "a", "POST", CSV);
    assert_eq!((status, &again["all"]), (200, &json!(9)));
}
