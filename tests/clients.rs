//! An MSP with its clients: what is entered once, what a further client costs, and what the check says.

use crate::rig::{Rig, Setup, start};
use firstline_host::visit::Visit;
use serde_json::{Value, json};

const IVY: (&str, &str) = ("T0INITECH", "U0IVY");
const APP: &str = "b7f0c2d4-5a3e-4c1b-8f6d-0e9a7b6c5d41";
const DIRECTORY: &str = "2c7a9f40-6d1e-4b52-8c3f-5e0b7d9a1c22";

fn msp() -> Value {
    json!({
        "brand": {"name": "Northwind IT", "phone": "+44 20 7946 0100"},
        "connections": [
            {"id": "northwind-slack", "vendor": "slack"},
            {"id": "northwind-entra", "vendor": "entra", "account": {"client_id": APP}},
            {"id": "northwind-desk", "vendor": "connectwise", "base_url": "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0",
             "account": {"login_company": "northwind", "client_id": "3c9e1f70-2b64-4d5a-8a17-9d2e6b4f0c83"}}
        ],
        "desk": {"board": 1, "dispatch_status": "Needs Dispatch", "member": "firstline", "work_type": "Remote"},
        "time_zone": "Europe/London", "hours": {"mon": "08:00-18:00"}
    })
}

const MSP_SECRETS: [(&str, &str, &str); 5] = [
    ("northwind-slack", "signing-secret", "northwind-signing-secret"),
    ("northwind-slack", "bot-token", "xoxb-northwind"),
    ("northwind-entra", "client-secret", "northwind-client-secret"),
    ("northwind-desk", "public-key", "firstline-public"),
    ("northwind-desk", "private-key", "firstline-private"),
];

/// The first client: its own Slack application, from before there was a distributed one.
fn acme() -> Value {
    json!({
        "name": "Acme Ltd",
        "connections": [
            {"id": "acme-slack", "vendor": "slack"},
            {"id": "acme-entra", "vendor": "entra", "from": "northwind-entra", "account": {"directory": "8d1c5b1e-3f0a-4b8e-9a61-2f6f5c1d7a10"}}
        ],
        "desk": {"company": 19}
    })
}

/// The second one: two ids are pasted into its document.
fn initech() -> Value {
    json!({
        "name": "Initech",
        "connections": [
            {"id": "initech-slack", "vendor": "slack", "from": "northwind-slack"},
            {"id": "initech-entra", "vendor": "entra", "from": "northwind-entra", "account": {"directory": DIRECTORY}}
        ],
        "desk": {"company": 21}
    })
}

async fn put(rig: &Rig, path: &str, body: impl ToString) -> Value {
    let (status, answer) = rig.desk.api("PUT", path, body.to_string()).await.unwrap();
    assert!(status == 200 || status == 204, "{path} was answered {status}: {answer}");
    answer
}

async fn get(rig: &Rig, path: &str) -> Value {
    let (status, answer) = rig.desk.api("GET", path, "").await.unwrap();
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

async fn secret(rig: &Rig, at: &str, connection: &str, name: &str, value: &str) {
    put(rig, &format!("/api/{at}/connections/{connection}/secrets/{name}"), value).await;
}

/// An MSP and its first client.
async fn day_one() -> Rig {
    let rig = start(Setup { empty: true, ..Setup::default() }).await;
    put(&rig, "/api/msp", msp()).await;
    for (connection, name, value) in MSP_SECRETS {
        secret(&rig, "msp", connection, name, value).await;
    }
    put(&rig, "/api/tenants/acme", acme()).await;
    secret(&rig, "tenants/acme", "acme-slack", "signing-secret", "acme-signing-secret").await;
    secret(&rig, "tenants/acme", "acme-slack", "bot-token", "xoxb-acme").await;
    rig.minutes(1).await;
    rig
}

/// The second client, from nothing.
async fn second(rig: &Rig) {
    put(rig, "/api/tenants/initech", initech()).await;
    secret(rig, "tenants/initech", "initech-slack", "bot-token", "xoxb-initech").await;
}

/// Ids and secrets that somebody else gave out: no name that the MSP chose, and nothing that stands in its own document.
fn pasted(document: &Value, out: &mut Vec<String>) {
    match document {
        Value::Object(members) => {
            members.iter().filter(|(name, _)| !["name", "id", "vendor", "from"].contains(&name.as_str())).for_each(|(_, value)| pasted(value, out))
        }
        Value::Array(items) => items.iter().for_each(|item| pasted(item, out)),
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) | Value::String(_) => out.push(document.to_string()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_client_costs_three_pasted_values_and_its_ticket_closes() {
    let rig = day_one().await;
    let mut values = Vec::new();
    pasted(&initech(), &mut values);
    values.push("xoxb-initech".into());
    assert_eq!(values.len(), 3, "{values:?}");
    second(&rig).await;
    for tenant in ["acme", "initech"] {
        let shown = get(&rig, &format!("/api/tenants/{tenant}")).await;
        assert_eq!(shown["missing"], json!([]), "{tenant}");
        let report = get(&rig, &format!("/api/tenants/{tenant}/check")).await;
        assert_eq!(report["ready"], true, "{report:#}");
    }
    let visit = Visit::new(&rig.desk, IVY);
    visit.main_job().await.unwrap_or_else(|why| panic!("{why}\n{}", rig.log()));
    assert_eq!(visit.ticket()["company"]["id"], 21);
    let visit = Visit::new(&rig.desk, firstline_host::visit::JANE);
    visit.main_job().await.unwrap_or_else(|why| panic!("{why}\n{}", rig.log()));
    assert_eq!(visit.ticket()["company"]["id"], 19);
    rig.assert_no_trap();
    // Neither client's data appears in the other's case.
    for (tenant, own, others) in
        [("acme", "jane@acme.example", ["initech", "Ivy", "T0INITECH"]), ("initech", "ivy@initech.example", ["acme", "Jane", "T0ACME"])]
    {
        let cases = get(&rig, &format!("/api/tenants/{tenant}/cases")).await;
        assert_eq!(cases["cases"].as_array().unwrap().len(), 1, "{cases}");
        let case = cases["cases"][0]["case"].as_str().unwrap();
        let journal = rig.desk.lines(&format!("/api/cases/{case}/evidence")).await.unwrap();
        assert!(journal.contains(own), "{tenant}");
        others.iter().for_each(|other| assert!(!journal.contains(other), "{tenant}'s case holds `{other}`"));
    }
    // No secret of the MSP or of a client stands anywhere in the clear.
    let text = |value: firstline_host::Value| {
        if let firstline_host::Value::Bytes(bytes) = value { String::from_utf8_lossy(&bytes).into_owned() } else { String::new() }
    };
    let stored: String = rig.memory.dump().into_values().map(text).collect();
    for secret in MSP_SECRETS.iter().map(|(_, _, secret)| *secret).chain(["xoxb-initech", "xoxb-acme", "acme-signing-secret"]) {
        assert!(!stored.contains(secret) && !rig.log().contains(secret), "`{secret}` stands in the clear");
    }
}
