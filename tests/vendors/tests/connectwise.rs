//! ConnectWise PSA: what is accepted and what is refused.
mod common;
use common::*;
use serde_json::{Value, json};

fn ticket(more: &Value) -> String {
    let mut body = json!({ "summary": "locked out", "company": { "id": 19 }, "board": { "id": 1 } });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

fn time(more: &Value) -> String {
    let mut body = json!({ "chargeToId": 1001, "chargeToType": "ServiceTicket", "timeStart": "2026-09-21T14:00:00Z", "timeEnd": "2026-09-21T14:15:00Z", "billableOption": "DoNotBill", "notes": "x" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

#[test]
fn connectwise_accepts_and_refuses() {
    let patch = |path: &str, value: Value| json!([{ "op": "replace", "path": path, "value": value }]).to_string();
    for (line, body, expect, violation) in [
        ("GET /company/companies/19", String::new(), "200", false),
        ("GET /company/companies/7", String::new(), "404 NotFound", false),
        ("GET /company/contacts?conditions=company/id=19&childConditions=communicationItems/value=%22jane@acme.example%22", String::new(), "200", false),
        ("GET /company/contacts?conditions=communicationItems/value=%22jane@acme.example%22", String::new(), "400 ConnectWiseApi", true),
        ("GET /company/contacts?conditions=company/id=", String::new(), "400 ConnectWiseApi", true),
        ("GET /company/contacts?email=x", String::new(), "400 ConnectWiseApi", true),
        ("GET /service/boards/1", String::new(), "200", false),
        ("GET /service/boards/1/statuses?pageSize=1000&orderBy=id%20desc&fields=id,name", String::new(), "200", false),
        ("GET /service/boards/9/statuses", String::new(), "404 NotFound", false),
        ("GET /service/boards/1/statuses?pageSize=1001", String::new(), "400 ConnectWiseApi", true),
        ("GET /time/workTypes", String::new(), "200", false),
        ("GET /service/tickets?conditions=externalXRef=%22case-1%22", String::new(), "200", false),
        ("GET /service/tickets/1001", String::new(), "200", false),
        ("GET /service/tickets/77", String::new(), "404 NotFound", false),
        ("DELETE /service/tickets/1001", String::new(), "405 MethodNotAllowed", true),
        ("GET /service/desks", String::new(), "404 NotFound", true),
        ("POST /service/tickets", ticket(&json!({ "contact": { "id": 190 }, "externalXRef": "case-1", "initialDescription": "help" })), "201", false),
        (
            "POST /service/tickets",
            ticket(&json!({ "status": { "name": "Waiting" }, "priority": { "id": 3 }, "source": { "name": "Chat" }, "type": { "id": 1 } })),
            "201",
            false,
        ),
        ("POST /service/tickets", ticket(&json!({ "summary": "x".repeat(101) })), "400 InvalidObject", true),
        ("POST /service/tickets", r#"{"summary":"x","company":{"id":19}}"#.into(), "400 InvalidObject", true),
        ("POST /service/tickets", ticket(&json!({ "board": { "id": 9 } })), "400 InvalidObject", false),
        ("POST /service/tickets", ticket(&json!({ "status": { "id": 21 } })), "400 InvalidObject", false),
        ("POST /service/tickets", ticket(&json!({ "contact": { "id": 200 } })), "400 InvalidObject", false),
        ("POST /service/tickets", ticket(&json!({ "colour": "red" })), "400 ConnectWiseApi", true),
        ("PATCH /service/tickets/1001", patch("status", json!({ "id": 15 })), "200", false),
        ("PATCH /service/tickets/1001", patch("/status/id", json!(15)), "200", false),
        ("PATCH /service/tickets/1001", patch("status", json!({ "name": "Closed" })), "400 InvalidObject", false),
        ("PATCH /service/tickets/1001", patch("status", json!({ "id": 22 })), "400 InvalidObject", false),
        ("PATCH /service/tickets/1001", patch("colour", json!("red")), "400 ConnectWiseApi", true),
        ("PATCH /service/tickets/1001", json!({ "status": { "id": 15 } }).to_string(), "400 ConnectWiseApi", true),
        ("PATCH /service/tickets/77", patch("status", json!({ "id": 15 })), "404 NotFound", false),
        ("GET /service/tickets/1001/notes", String::new(), "200", false),
        ("POST /service/tickets/1001/notes", json!({ "text": "x", "internalAnalysisFlag": true }).to_string(), "201", false),
        ("POST /service/tickets/1001/notes", json!({ "text": "x" }).to_string(), "400 InvalidObject", true),
        ("POST /service/tickets/1001/notes", json!({ "text": "", "resolutionFlag": true }).to_string(), "400 InvalidObject", true),
        ("POST /service/tickets/1001/notes", json!({ "body": "x", "resolutionFlag": true }).to_string(), "400 ConnectWiseApi", true),
        ("POST /service/tickets/77/notes", json!({ "text": "x", "resolutionFlag": true }).to_string(), "404 NotFound", false),
        ("GET /time/entries?conditions=chargeToId=1001%20and%20chargeToType=%22ServiceTicket%22", String::new(), "200", false),
        ("POST /time/entries", time(&json!({ "member": { "identifier": "firstline" }, "workType": { "name": "Remote" } })), "201", false),
        ("POST /time/entries", time(&json!({ "workType": { "name": "Magic" } })), "400 InvalidObject", false),
        ("POST /time/entries", time(&json!({ "member": { "identifier": "nobody" } })), "400 InvalidObject", false),
        ("POST /time/entries", time(&json!({ "chargeToId": 77 })), "400 InvalidObject", false),
        ("POST /time/entries", time(&json!({ "timeEnd": "2026-09-21T14:00:00Z" })), "400 InvalidObject", true),
        ("POST /time/entries", time(&json!({ "timeStart": "2026-09-21T14:00:00.000Z" })), "400 InvalidObject", true),
        ("POST /time/entries", time(&json!({ "billableOption": "Free" })), "400 InvalidObject", true),
        ("POST /time/entries", time(&json!({ "hours": 1 })), "400 ConnectWiseApi", true),
    ] {
        let world = world();
        assert_eq!(world.psa("POST /service/tickets", &ticket(&json!({}))).1["id"], 1001);
        let (status, got) = world.psa(line, &body);
        let outcome = got.get("errors").and(got["code"].as_str()).map_or(status.to_string(), |code| format!("{status} {code}"));
        assert_eq!((outcome.as_str(), world.violations() > 0), (expect, violation), "{line} {body}: {got} {:?}", world.vendors.violations());
    }
}

#[test]
fn the_login_names_company_keys_and_client() {
    let login = |text: &str| format!("Basic {}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text));
    let client = "3c9e1f70-2b64-4d5a-8a17-9d2e6b4f0c83";
    for (authorization, client, accept, expect) in [
        (login("northwind+firstline-public:firstline-private"), client, "application/vnd.connectwise.com+json; version=2025.1", 200),
        (login("other+firstline-public:firstline-private"), client, "", 401),
        (login("northwind+firstline-public:wrong"), client, "", 401),
        (login("northwind+firstline-public:firstline-private"), "", "", 401),
        (String::new(), client, "", 401),
        (login("northwind+firstline-public:firstline-private"), client, "text/html", 406),
    ] {
        let world = world();
        let headers = [("authorization", authorization.as_str()), ("clientId", client), ("accept", accept)];
        assert_eq!(world.send("GET https://na.myconnectwise.net/v4_6_release/apis/3.0/service/boards/1", &headers, "").0, expect);
    }
}

#[test]
fn a_ticket_is_opened_worked_on_and_closed() {
    let world = world();
    let (_, opened) = world.psa("POST /service/tickets", &ticket(&json!({ "contact": { "id": 190 }, "externalXRef": "case-1", "initialDescription": "help" })));
    assert_eq!(
        (&opened["status"]["name"], &opened["contactEmailAddress"], &opened["closedFlag"], &opened["company"]["identifier"]),
        (&json!("New"), &json!("jane@acme.example"), &json!(false), &json!("Acme"))
    );
    let (_, found) = world.psa("GET /service/tickets?conditions=externalXRef=%22case-1%22%20and%20company/id=19&fields=id,status/name", "");
    assert_eq!(found, json!([{ "id": 1001, "status": { "name": "New" } }]));
    assert_eq!(world.psa("GET /service/tickets?conditions=externalXRef=%22case-2%22", "").1, json!([]));
    assert_eq!(world.psa("GET /company/contacts?conditions=company/id=20&childConditions=communicationItems/value=%22jane@acme.example%22", "").1, json!([]));
    world.vendors.act(&json!({ "connectwise": { "ticket": 1001, "status": "In Progress", "note": "on it" } })).unwrap();
    assert_eq!(world.psa("GET /service/tickets/1001", "").1["status"]["id"], 12);
    world.psa("POST /time/entries", &time(&json!({})));
    let (_, closed) = world.psa("PATCH /service/tickets/1001", r#"[{"op":"replace","path":"status","value":{"id":15}}]"#);
    assert_eq!((&closed["closedFlag"], &closed["closedDate"]), (&json!(true), &json!("2026-09-21T14:13:20Z")));
    let (_, entries) = world.psa("GET /time/entries?conditions=chargeToId=1001", "");
    assert_eq!(
        (&entries[0]["actualHours"], &entries[0]["billableOption"], &entries[0]["member"]["identifier"]),
        (&json!(0.25), &json!("DoNotBill"), &json!("firstline"))
    );
    let (_, notes) = world.psa("GET /service/tickets/1001/notes", "");
    assert_eq!(notes.as_array().unwrap().iter().map(|note| note["text"].as_str().unwrap()).collect::<Vec<_>>(), ["help", "on it"]);
    assert_eq!(world.vendors.violations(), Vec::<String>::new());
    assert!(world.vendors.act(&json!({ "connectwise": { "ticket": 1001, "status": "Magic" } })).is_err());
}

#[test]
fn a_status_may_forbid_time() {
    let world = world();
    world.psa("POST /service/tickets", &ticket(&json!({ "board": { "id": 2 } })));
    assert_eq!(world.psa("POST /time/entries", &time(&json!({}))).0, 201);
    world.psa("PATCH /service/tickets/1001", r#"[{"op":"replace","path":"status","value":{"id":22}}]"#);
    assert_eq!(world.psa("POST /time/entries", &time(&json!({}))).0, 400);
}
