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
