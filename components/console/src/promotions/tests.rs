use super::*;
use crate::api::handle;
use crate::fake::{Fake, document, request, run};
use firstline_core::autonomy::{Mode, READ_BACK_FAILED, Trial};
use firstline_core::case::Times;
use firstline_core::figures::Tally;
use firstline_core::journal::Summary;
use firstline_core::mailbox::{Act, Event};
use firstline_core::record::read;

/// A supervised reset of a tenant that ended so many days ago.
fn tried(host: &Fake, tenant: &str, days: u64, number: i64, failed: bool) {
    let at = host.now() - days * DAY;
    let case = format!("{}-{number}", keys::conversation(tenant, "c", "D", None));
    let failed = failed.then(|| (READ_BACK_FAILED.to_string(), at));
    let trial = Trial { action: "password_reset".into(), vendor: "entra".into(), version: "v".into(), verified: failed.is_none(), failed };
    let times = Times { received: at, ended: Some(at), ..Times::default() };
    let summary = Summary {
        case: case.clone(),
        tenant: tenant.into(),
        state: "closed".into(),
        kind: "password_reset".into(),
        ticket: Some(1_000 + u64::try_from(number).unwrap()),
        received: at,
        ended: Some(at),
        reason: None,
        from: (0, 0),
        to: None,
        tally: Some(Tally { mode: Some(Mode::Supervised), trial: Some(trial), times, ..Tally::default() }),
    };
    host.write(&keys::case(&case), &summary);
    let counter = keys::case_counter(tenant, at / DAY);
    let of_day = host.counters.borrow().get(&counter).copied().unwrap_or(0) + 1;
    host.counters.borrow_mut().insert(counter, of_day);
    host.values.borrow_mut().insert(keys::case_of_day(tenant, at / DAY, of_day), case.into_bytes());
}

/// Two clients of one MSP; what is asked for is 4 at both, 2 at home, in 14 days.
fn host(people: &str) -> Fake {
    let mut host = Fake::new();
    host.now = 1_800_000_000_000;
    if !people.is_empty() {
        host.variables.insert("console_people".into(), people.into());
    }
    let msp = json!({"brand": {"name": "Northwind IT", "phone": "+1 555 0100"}, "desk": {"board": 1},
        "promotion": {"verified": 4, "here": 2, "failed": 0, "days": 14}, "approvals": {"channel": "C0STAFF"},
        "connections": [{"id": "nw-slack", "vendor": "slack", "account": {"team": "T0NW"}},
            {"id": "nw-desk", "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4/apis/3.0", "account": {"login_company": "nw", "client_id": "c"}}]});
    assert_eq!(put(&host, "/api/msp", &msp).0, 200);
    for tenant in ["acme", "globex"] {
        let (status, answer) = put(&host, &format!("/api/tenants/{tenant}"), &client(tenant));
        assert_eq!(status, 200, "{answer}");
    }
    for (tenant, days, number) in [("acme", 15, 1), ("globex", 9, 2), ("globex", 5, 3), ("acme", 1, 4)] {
        tried(&host, tenant, days, number, false);
    }
    host
}

fn client(tenant: &str) -> Value {
    let mut document = document(tenant);
    let own = json!([{"id": format!("{tenant}-idp"), "vendor": "entra", "account": {"directory": tenant, "client_id": "c"}}]);
    let members = document.as_object_mut().unwrap();
    members.remove("msp");
    members.insert("connections".into(), own);
    members.insert("desk".into(), json!({"company": if tenant == "acme" { 19 } else { 20 }}));
    document
}

fn send(host: &Fake, token: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let answer = run(handle(host, &request(token, method, path, body.as_bytes())));
    (answer.status, answer.body.unwrap_or_default())
}

fn put(host: &Fake, path: &str, body: &Value) -> (u16, Value) {
    send(host, "a", "PUT", path, &body.to_string())
}

fn shown(host: &Fake) -> Vec<Value> {
    send(host, "b", "GET", "/api/tenants/acme/proposals", "").1["proposals"].as_array().unwrap().clone()
}

fn agree(host: &Fake, token: &str, id: &Value) -> (u16, String) {
    let (status, answer) = send(host, token, "POST", "/api/tenants/acme/proposals", &json!({ "accept": id }).to_string());
    (status, answer["error"].as_str().unwrap_or_default().to_string())
}

fn autonomy(host: &Fake) -> Value {
    send(host, "a", "GET", "/api/tenants/acme", "").1["document"]["guardrails"]["autonomy"].clone()
}

fn told(host: &Fake) -> Vec<String> {
    let values = host.values.borrow();
    let events = values.iter().filter(|(key, _)| key.starts_with("event/")).filter_map(|(_, bytes)| read::<Event>(bytes).ok());
    events.filter_map(|event| if let Act::Notice(notice) = event.act { Some(format!("{} {:?}", event.id, notice.words.arguments)) } else { None }).collect()
}

#[test]
fn what_was_earned_holds_once_two_people_agreed_and_is_told() {
    let host = host("");
    let all = shown(&host);
    assert_eq!(all.len(), 1, "{all:?}");
    let one = &all[0];
    assert_eq!((&one["propose"], &one["action"], &one["verified"], &one["here"]), (&json!("autonomous"), &json!("password_reset"), &json!(4), &json!(2)));
    assert_eq!(one["tickets"], json!([1004, 1001]));
    assert_eq!(autonomy(&host), Value::Null, "nothing holds because it was shown");
    // A technician may be one of the two.
    assert_eq!(agree(&host, "b", &one["id"]).0, 200);
    assert_eq!((autonomy(&host), shown(&host)[0]["agreed"]["name"].clone()), (Value::Null, json!("Bo")));
    assert!(agree(&host, "b", &one["id"]).1.contains("another person"));
    assert!(told(&host).is_empty());
    assert_eq!(agree(&host, "a", &one["id"]).0, 200);
    let entry = autonomy(&host)["password_reset"].clone();
    assert_eq!((&entry["mode"], &entry["by"], &entry["at"]), (&json!("autonomous"), &json!("Bo and Ada"), &json!(host.now)));
    assert_eq!(told(&host).len(), 1);
    assert!(told(&host)[0].contains("Bo and Ada") && told(&host)[0].contains("\"4\""), "{:?}", told(&host));
    // What holds is proposed no more.
    assert_eq!((shown(&host), agree(&host, "a", &one["id"]).0), (vec![], 409));
}

#[test]
fn one_of_the_two_is_an_owner_and_nobody_waits_for_ever() {
    let people = json!([
        {"name": "Ada", "role": "owner", "token_sha256": keys::sha256_hex(b"a")},
        {"name": "Bo", "role": "technician", "token_sha256": keys::sha256_hex(b"b")},
        {"name": "Cy", "role": "technician", "token_sha256": keys::sha256_hex(b"c")}
    ]);
    let mut host = host(&people.to_string());
    let id = shown(&host)[0]["id"].clone();
    assert_eq!(agree(&host, "b", &id).0, 200);
    assert_eq!(agree(&host, "c", &id).0, 403);
    host.now += AGREES;
    // Too late to be the second: she is the first of another two.
    assert_eq!((agree(&host, "a", &id).0, autonomy(&host)), (200, Value::Null));
}

#[test]
fn whoever_is_alone_agrees_once_more_a_day_later() {
    let mut host = host(&json!([{"name": "Ada", "role": "owner", "token_sha256": keys::sha256_hex(b"a")}]).to_string());
    let id = send(&host, "a", "GET", "/api/tenants/acme/proposals", "").1["proposals"][0]["id"].clone();
    assert_eq!(agree(&host, "a", &id).0, 200);
    assert!(agree(&host, "a", &id).1.contains("nobody else"));
    host.now += ALONE - 1;
    assert_eq!((agree(&host, "a", &id).0, autonomy(&host)), (409, Value::Null));
    host.now += 1;
    assert_eq!((agree(&host, "a", &id).0, autonomy(&host)["password_reset"]["by"].clone()), (200, json!("Ada")));
}

#[test]
fn whoever_was_interrupted_may_go_on_and_it_is_told_once() {
    let mut host = host("");
    let id = shown(&host)[0]["id"].clone();
    assert_eq!(agree(&host, "b", &id).0, 200);
    for fails in ["tenant/acme", "event/", "agreement/"] {
        host.fails = Some(fails);
        assert_ne!(agree(&host, "a", &id).0, 200, "{fails}");
        host.fails = None;
        if fails == "event/" {
            assert_eq!(autonomy(&host)["password_reset"]["mode"], json!("autonomous"));
        }
    }
    assert_eq!(agree(&host, "a", &id).0, 200);
    let mut told = told(&host);
    told.dedup();
    assert_eq!((told.len(), agree(&host, "a", &id).0), (1, 409));
}

#[test]
fn nothing_is_proposed_that_a_person_keeps_back_or_that_failed() {
    for (guardrails, expect) in [
        (json!({"matrix": {"password_reset": "approval"}}), 0),
        (json!({"autonomy": {"default": {"mode": "shadow"}}}), 0),
        (json!({"autonomy": {"password_reset": {"mode": "autonomous"}}}), 0),
        (json!({}), 1),
    ] {
        let mut host = host("");
        host.now -= 20 * DAY;
        assert_eq!(
            put(&host, "/api/tenants/acme", &{
                let mut document = client("acme");
                document["guardrails"] = guardrails.clone();
                document
            })
            .0,
            200
        );
        host.now += 20 * DAY;
        assert_eq!(shown(&host).len(), expect, "{guardrails}");
        tried(&host, "globex", 0, 9, true);
        assert_eq!(shown(&host).len(), 0, "a failure anywhere begins the count again");
    }
}

#[test]
fn what_was_lost_is_shown_with_its_cause_and_may_be_earned_again() {
    let host = host("");
    let mut document = client("acme");
    document["guardrails"]["autonomy"] = json!({"password_reset": {"mode": "autonomous"}});
    assert_eq!(put(&host, "/api/tenants/acme", &document).0, 200);
    let lost = |at| Lost { cause: READ_BACK_FAILED.into(), case: "c".into(), by: None, at };
    let shown_lost = |host: &Fake| send(host, "b", "GET", "/api/tenants/acme", "").1["lost"].clone();
    assert_eq!(shown_lost(&host), Value::Null);
    host.write(&keys::demoted("acme", "password_reset"), &lost(host.now + 1));
    assert_eq!(shown_lost(&host)["password_reset"]["cause"], json!(READ_BACK_FAILED));
    assert_eq!(shown(&host).len(), 0, "nothing ended at this client since then");
}

#[test]
fn a_technicians_word_about_a_case_goes_to_its_mailbox() {
    let host = host("");
    let case = format!("{}-4", keys::conversation("acme", "c", "D", None));
    assert_eq!(send(&host, "b", "POST", &format!("/api/cases/{case}/fault"), "").0, 200);
    let values = host.values.borrow();
    let event = values.iter().find(|(key, _)| key.starts_with("event/")).and_then(|(_, bytes)| read::<Event>(bytes).ok()).unwrap();
    let Act::Answer(answer) = &event.act else { panic!("{event:?}") };
    assert_eq!(
        (answer.signed.as_str(), answer.by.as_str(), event.conversation()),
        (format!("{case}.agents-fault.").as_str(), "Bo", keys::conversation("acme", "c", "D", None))
    );
    assert!(host.key().verify("answer", &answer.text("acme"), &answer.mac));
    drop(values);
    assert_eq!(send(&host, "b", "POST", &format!("/api/cases/{}-9/fault", "0".repeat(32)), "").0, 404);
}
