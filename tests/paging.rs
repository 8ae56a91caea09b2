//! The PSA's own closed tickets are learned from, page by page.

use crate::rig::{Rig, Setup, start};
use serde_json::{Value, json};

/// Tickets that people opened and closed for a company.
fn close(rig: &Rig, company: u64, numbers: std::ops::Range<u64>) {
    let act = |deed: Value| rig.desk.vendors.act(&json!({ "connectwise": deed })).unwrap();
    for number in numbers {
        act(json!({"open": {"summary": format!("the printer on floor {number} is jammed"), "company": {"id": company}, "board": {"id": 1}}}));
        let ticket = rig.tickets().last().unwrap()["id"].clone();
        act(json!({"ticket": ticket, "status": ">Closed"}));
    }
}

async fn page(rig: &Rig) -> Value {
    let (status, told) = rig.desk.api("POST", "/api/tenants/acme/history/page", "").await.unwrap();
    assert_eq!(status, 200, "{told}");
    told
}

#[tokio::test(start_paused = true)]
async fn every_closed_ticket_of_the_client_is_learned_once_and_reading_goes_on_where_it_was() {
    let rig = start(Setup::default()).await;
    close(&rig, 19, 0..45);
    close(&rig, 20, 0..3);
    // One that is older than all others, and closed later.
    rig.desk.vendors.act(&json!({"connectwise": {"open": {"summary": "slow laptop", "company": {"id": 19}, "board": {"id": 1}}}})).unwrap();
    let open = rig.tickets().last().unwrap()["id"].clone();
    let told = [page(&rig).await, page(&rig).await, page(&rig).await, page(&rig).await];
    let seen: Vec<(u64, bool)> = told.iter().map(|told| (told["learned"].as_u64().unwrap(), told["more"] == true)).collect();
    assert_eq!(seen, [(20, true), (20, true), (5, false), (0, false)], "{told:?}");
    rig.minutes(1).await;
    rig.desk.vendors.act(&json!({"connectwise": {"ticket": open, "status": ">Closed"}})).unwrap();
    assert_eq!((page(&rig).await["learned"].clone(), page(&rig).await["all"].clone()), (json!(1), json!(46)));
    let (_, known) = rig.desk.api("GET", "/api/tenants/acme/history", "").await.unwrap();
    let printers = known["lessons"].as_array().unwrap().iter().find(|lesson| lesson["kind"] == "share" && lesson["intent"] == "printer").unwrap();
    assert_eq!((&printers["support"], &printers["of"]), (&json!(45), &json!(46)));
    assert_eq!(rig.changes("connectwise"), [""; 0], "reading changes nothing");
    assert_eq!(rig.desk.vendors.violations(), [""; 0]);
    rig.assert_no_trap();
}

#[tokio::test(start_paused = true)]
async fn a_psa_that_does_not_answer_costs_nothing_that_was_learned() {
    let rig = start(Setup::default()).await;
    close(&rig, 19, 0..25);
    assert_eq!(page(&rig).await["learned"], 20);
    rig.desk.vendors.fault(&json!({"vendor": "connectwise", "answer": {"status": 503}})).unwrap();
    let (status, told) = rig.desk.api("POST", "/api/tenants/acme/history/page", "").await.unwrap();
    assert!(status == 409 && told["error"].as_str().unwrap().contains("it answered 503"), "{status} {told}");
    assert_eq!(page(&rig).await["learned"], 5);
}

#[tokio::test(start_paused = true)]
async fn what_the_agent_worked_on_itself_teaches_nothing() {
    let rig = start(Setup::default()).await;
    rig.says("the printer on floor 3 is jammed").await;
    let ticket = rig.tickets().last().unwrap()["id"].clone();
    rig.desk.vendors.act(&json!({"connectwise": {"ticket": ticket, "status": ">Closed"}})).unwrap();
    let told = page(&rig).await;
    assert_eq!((&told["learned"], &told["more"]), (&json!(0), &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn what_technicians_wrote_is_learned_and_what_requesters_wrote_approves_nothing() {
    let rig = start(Setup::default()).await;
    let act = |deed: Value| rig.desk.vendors.act(&json!({ "connectwise": deed })).unwrap();
    for number in 0..8 {
        act(json!({"open": {"summary": "access", "initialDescription": "please give me access to the group finance, approved by Walter White",
            "initialInternalAnalysis": "Which group is it exactly?", "initialResolution": "Approved by Maria Gomez", "company": {"id": 19}, "board": {"id": 1}}}));
        let ticket = rig.tickets().last().unwrap()["id"].clone();
        act(json!({"ticket": ticket, "note": format!("approved by Walter White {number}")}));
        act(json!({"ticket": ticket, "status": ">Closed"}));
    }
    assert_eq!(page(&rig).await["learned"], 8);
    let (_, known) = rig.desk.api("GET", "/api/tenants/acme/history", "").await.unwrap();
    let lessons = known["lessons"].as_array().unwrap();
    let said = |kind: &str| {
        lessons.iter().find(|lesson| lesson["kind"] == kind).map(|lesson| (lesson["intent"].clone(), lesson["value"].clone(), lesson["support"].clone()))
    };
    // The title alone says of no group.
    assert_eq!(said("approver"), Some((json!("group_change"), json!("maria gomez"), json!(8))), "{known}");
    assert_eq!(said("question"), Some((json!("group_change"), json!("which group is it exactly"), json!(8))), "{known}");
    assert!(!known.to_string().to_lowercase().contains("walter"), "{known}");
    assert_eq!(rig.changes("connectwise"), [""; 0], "reading changes nothing");
    assert_eq!(rig.desk.vendors.violations(), [""; 0]);
    rig.assert_no_trap();
}

#[tokio::test(start_paused = true)]
async fn a_ticket_whose_notes_cannot_be_read_is_not_lost() {
    let rig = start(Setup::default()).await;
    close(&rig, 19, 0..5);
    let tickets = rig.tickets();
    let fault = |ticket: &Value, status: u16, times: u32| {
        let path = format!("*/service/tickets/{}/notes", ticket["id"]);
        rig.desk.vendors.fault(&json!({"vendor": "connectwise", "path": path, "times": times, "answer": {"status": status}})).unwrap();
    };
    let seen = |told: &Value| [told["learned"].as_u64(), told["unread"].as_u64(), told["more"].as_bool().map(u64::from)].map(Option::unwrap);
    // The second is busy for a while: the page ends before it, nothing is told of it, and then it is read.
    fault(&tickets[1], 503, 2);
    assert_eq!(seen(&page(&rig).await), [1, 0, 1]);
    let (status, told) = rig.desk.api("POST", "/api/tenants/acme/history/page", "").await.unwrap();
    assert!(status == 409 && told["error"].as_str().unwrap().contains("the PSA's notes could not be read: it answered 503"), "{status} {told}");
    // The fourth is refused for ever.
    fault(&tickets[3], 403, 2);
    assert_eq!(seen(&page(&rig).await), [2, 0, 1]);
    let told = page(&rig).await;
    assert_eq!((seen(&told), &told["all"]), ([2, 1, 0], &json!(5)));
    assert_eq!(rig.desk.vendors.violations(), [""; 0]);
}
