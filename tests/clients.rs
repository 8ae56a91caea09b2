//! An MSP with its clients: what is entered once, what a further client costs, and what the check says.

use crate::rig::{Rig, Setup, start};
use firstline_host::visit::Visit;
use firstline_vendors::slack::human::Said;
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
    // A new client is supervised until its owner says otherwise.
    for tenant in ["acme", "initech"] {
        let mut document = get(&rig, &format!("/api/tenants/{tenant}")).await["document"].clone();
        assert_eq!(document["guardrails"].get("autonomy"), None);
        document["guardrails"]["autonomy"] = json!({"default": {"mode": "autonomous", "by": "Mallory"}});
        document["guardrails"]["proof"] = json!({"password_reset": "chat"});
        put(&rig, &format!("/api/tenants/{tenant}"), document).await;
        let shown = get(&rig, &format!("/api/tenants/{tenant}")).await;
        assert_eq!(shown["document"]["guardrails"]["autonomy"]["default"]["by"], "Owner", "who let it go is recorded by the token");
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

/// Something is broken by hand; what the check then finds, and which actions it holds up.
async fn broken(deeds: &[Value], tenant: &str, found: &[(&str, &str)], held_up: &[&str]) {
    let rig = day_one().await;
    second(&rig).await;
    deeds.iter().for_each(|deed| rig.desk.vendors.act(deed).unwrap());
    check(&rig, tenant, found, held_up).await;
}

/// The findings of a tenant that are not good, as mark and text, and the actions that are not ready.
async fn check(rig: &Rig, tenant: &str, found: &[(&str, &str)], held_up: &[&str]) {
    let before = rig.desk.vendors.calls().len();
    let report = get(rig, &format!("/api/tenants/{tenant}/check")).await;
    let calls = rig.desk.vendors.calls();
    let changed: Vec<_> = calls[before..].iter().filter(|call| call.changed && !call.path.ends_with("/oauth2/v2.0/token")).collect();
    assert!(changed.is_empty(), "a check changed something: {changed:?}");
    assert!(rig.desk.vendors.violations().is_empty(), "{:?}", rig.desk.vendors.violations());
    let findings: Vec<&Value> =
        report["findings"].as_array().unwrap().iter().filter(|finding| !["good", "unproven"].contains(&finding["mark"].as_str().unwrap())).collect();
    assert_eq!(findings.len(), found.len(), "{findings:#?}");
    for (finding, (mark, text)) in findings.iter().zip(found) {
        let line =
            format!("{} {} {}", finding["connection"].as_str().unwrap(), finding["what"].as_str().unwrap(), finding["advice"].as_str().unwrap_or_default());
        assert!(finding["mark"] == *mark && line.contains(text), "{finding} should be {mark}: {text}");
    }
    let waits: Vec<&str> = report["actions"].as_object().unwrap().iter().filter(|(_, lacks)| **lacks != json!([])).map(|(action, _)| action.as_str()).collect();
    assert_eq!(waits, held_up, "{report:#}");
    assert_eq!(report["ready"], held_up.iter().all(|action| *action == "mfa_reset"), "whoever lost a phone gets a person");
}

const ALL: &[&str] = &["account_unlock", "chat", "intake", "mfa_reset", "password_reset", "ticket"];
const TALK: &[&str] = &["account_unlock", "chat", "mfa_reset", "password_reset"];
const IDENTITY: &[&str] = &["account_unlock", "mfa_reset", "password_reset"];
/// What a client lacks whose lost phones a person looks after.
const PHONES: [(&str, &str); 2] =
    [("missing", "permission `UserAuthenticationMethod.ReadWrite.All`"), ("missing", "permission `Policy.Read.AuthenticationMethod`")];
/// Of a client without Entra.
const OKTA: &[&str] = &["account_unlock", "password_reset"];

fn app(set: Value) -> Value {
    json!({"entra": {"tenant": DIRECTORY, "app": APP, "set": set}})
}

fn site(set: Value) -> Value {
    json!({"connectwise": {"site": set}})
}

#[tokio::test(start_paused = true)]
async fn the_check_names_what_is_wrong_with_a_chat() {
    let bot = |set: Value| json!({"slack": {"workspace": "T0INITECH", "bot": set}});
    let full = ["chat:write", "users:read", "users:read.email", "im:write", "im:history", "app_mentions:read"];
    broken(&[bot(json!({"scopes": full}))], "initech", &[], &[]).await;
    broken(&[bot(json!({"scopes": full[..5]}))], "initech", &[("missing", "initech-slack permission `app_mentions:read`")], &["chat"]).await;
    let mut more = full.to_vec();
    more.push("channels:manage");
    more.retain(|scope| *scope != "users:read.email");
    let found = [("missing", "permission `users:read.email`"), ("excessive", "permission `channels:manage`")];
    broken(&[bot(json!({"scopes": more}))], "initech", &found, IDENTITY).await;
    broken(&[bot(json!({"revoked": true}))], "initech", &[("missing", "Slack refuses the bot token")], TALK).await;
}

#[tokio::test(start_paused = true)]
async fn an_installation_for_a_whole_organisation_is_named_and_nobody_is_served_through_it() {
    // A workspace of an organisation is a workspace like any other.
    let grid = json!({"slack": {"workspace": "T0INITECH", "set": {"organisation": "E0INITECH"}}});
    broken(std::slice::from_ref(&grid), "initech", &[], &[]).await;
    let org_wide = json!({"slack": {"workspace": "T0INITECH", "bot": {"org_wide": true}}});
    let found = [("missing", "initech-slack installation in one workspace it is installed for a whole organisation: install it in the workspace")];
    broken(&[grid.clone(), org_wide.clone()], "initech", &found, TALK).await;
    // From the beginning: its token tells no workspace, so nobody is found by one, and no event is taken.
    let rig = day_one().await;
    [grid, org_wide].iter().for_each(|deed| rig.desk.vendors.act(deed).unwrap());
    second(&rig).await;
    let shown = get(&rig, "/api/tenants/initech").await;
    assert!(shown["missing"].to_string().contains("account.team"), "{shown:#}");
    let said = Said { workspace: IVY.0, user: IVY.1, text: "I forgot my password", ..Said::default() };
    let answer = rig.desk.deliver(rig.desk.vendors.slack_message(&said).unwrap()).await;
    assert_eq!(answer.status(), 400);
    assert!(rig.log().contains("an installation for a whole organisation is not supported"), "{}", rig.log());
    assert!(Visit::new(&rig.desk, IVY).messages().iter().all(|message| message["user"] == IVY.1));
}

#[tokio::test(start_paused = true)]
async fn the_check_names_what_is_wrong_with_a_directory() {
    let permissions = [
        "UserAuthenticationMethod.ReadWrite.All",
        "Policy.Read.AuthenticationMethod",
        "User.Read.All",
        "GroupMember.Read.All",
        "RoleManagement.Read.Directory",
        "User-PasswordProfile.ReadWrite.All",
        "User.RevokeSessions.All",
    ];
    for (set, found, held_up) in [
        (json!({"permissions": permissions[..6]}), vec![("missing", "permission `User.RevokeSessions.All`")], &["password_reset"][..]),
        (json!({"permissions": permissions[2..]}), PHONES.to_vec(), &["mfa_reset"]),
        (json!({"permissions": permissions[1..]}), PHONES[..1].to_vec(), &["mfa_reset"]),
        (json!({"roles": []}), vec![("missing", "permission `User Administrator`")], &["password_reset"]),
        (json!({"roles": ["User Administrator", "Global Administrator"]}), vec![("excessive", "`Global Administrator`")], &[]),
        (
            json!({"permissions": ["Directory.ReadWrite.All", "User-PasswordProfile.ReadWrite.All"]}),
            // It covers what is not granted by itself.
            vec![PHONES[0], PHONES[1], ("excessive", "`Directory.ReadWrite.All`")],
            &["mfa_reset"],
        ),
        (
            json!({"no_consent": true}),
            vec![(
                "missing",
                "AADSTS7000229: nobody has consented to the application in this directory; an administrator does at https://login.microsoftonline.com/2c7a9f40-6d1e-4b52-8c3f-5e0b7d9a1c22/adminconsent?client_id=b7f0c2d4-5a3e-4c1b-8f6d-0e9a7b6c5d41",
            )],
            IDENTITY,
        ),
        (json!({"client_secret": "another"}), vec![("missing", "AADSTS7000215: `client-secret` is wrong")], IDENTITY),
    ] {
        broken(&[app(set)], "initech", &found, held_up).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_check_names_what_is_wrong_with_a_desk() {
    let boards = json!([{"id": 1, "name": "Help Desk", "statuses": [{"id": 11, "name": "New", "defaultFlag": true}, {"id": 14, "name": "Dispatch"}]}]);
    let psa = ALL;
    let found = [("missing", "northwind-desk status `Needs Dispatch` on board 1"), ("missing", "a closed status on board 1")];
    broken(&[site(json!({"boards": boards}))], "initech", &found, psa).await;
    broken(&[site(json!({"work_types": [{"id": 1, "name": "Remote", "inactiveFlag": true}]}))], "initech", &[("missing", "work type `Remote`")], psa).await;
    let mut wants = msp();
    (wants["desk"]["waiting_status"], wants["desk"]["responded_status"]) = (json!("On hold"), json!("In Progress"));
    wants["desk"]["alert_priority"] = json!("Urgent");
    let rig = day_one().await;
    second(&rig).await;
    put(&rig, "/api/msp", wants).await;
    check(&rig, "initech", &[("missing", "status `On hold` on board 1"), ("missing", "priority `Urgent`")], psa).await;
    let (rig, mut types) = (day_one().await, initech());
    types["guardrails"]["vips"] = json!({"contact_types": ["vip", "Director"]});
    put(&rig, "/api/tenants/initech", types).await;
    secret(&rig, "tenants/initech", "initech-slack", "bot-token", "xoxb-initech").await;
    check(&rig, "initech", &[("missing", "contact type `Director`")], psa).await;
    let finance = json!([{"public": "firstline-public", "private": "firstline-private", "member": "firstline", "denied": ["finance"]}]);
    broken(&[site(json!({"keys": finance}))], "initech", &[("missing", "read agreements the member may not read them")], &["ticket"]).await;
    broken(&[site(json!({"members": []}))], "initech", &[("missing", "member `firstline`")], psa).await;
    broken(&[site(json!({"companies": []}))], "initech", &[("missing", "read company it is not there")], psa).await;
    let denied = json!([{"public": "firstline-public", "private": "firstline-private", "member": "firstline", "denied": ["time"]}]);
    let found = [("missing", "read time entries the member may not read them"), ("missing", "read work types the member may not read them")];
    broken(&[site(json!({"keys": denied}))], "initech", &found, psa).await;
    broken(&[site(json!({"keys": []}))], "initech", &[("missing", "credentials the vendor does not take them")], ALL).await;
}

#[tokio::test(start_paused = true)]
async fn what_vanishes_from_the_desk_is_told_once_by_name_and_tickets_still_close() {
    let rig = day_one().await;
    second(&rig).await;
    let mut wants = msp();
    wants["desk"]["waiting_status"] = json!("Waiting");
    wants["desk"]["intake"] = json!([{"board": 1, "types": ["Account"]}]);
    put(&rig, "/api/msp", wants).await;
    let problems = async || {
        let (_, health) = rig.desk.api("GET", "/api/health", "").await.unwrap();
        let problems = health["problems"].as_array().cloned().unwrap_or_default();
        problems.iter().map(|one| format!("{}: {}", one["about"].as_str().unwrap(), one["what"].as_str().unwrap())).collect::<Vec<_>>()
    };
    let a_day = async || {
        tokio::time::sleep(std::time::Duration::from_secs(24 * 3_600)).await;
        rig.minutes(2).await;
    };
    a_day().await;
    assert_eq!(problems().await, Vec::<String>::new());
    let statuses = json!([{"id": 11, "name": "New", "defaultFlag": true}, {"id": 13, "name": "Waiting", "inactive": true}, {"id": 15, "name": ">Closed", "closedStatus": true}]);
    rig.desk.vendors.act(&site(json!({"boards": [{"id": 1, "name": "Help Desk", "statuses": statuses, "types": []}], "work_types": []}))).unwrap();
    a_day().await;
    // Two clients name them, and each is told once.
    let found = problems().await;
    let expect = [
        "northwind-desk statuses of board 1: there is no status `Needs Dispatch`, `Waiting` any more",
        "northwind-desk types of board 1: there is no type `Account` any more",
        "northwind-desk work types: there is no work type `Remote` any more: nothing is billed",
    ];
    assert!(found.len() == expect.len() && found.iter().zip(expect).all(|(found, expect)| found.starts_with(expect)), "{found:#?}");
    // While the PSA does not answer, nothing is known to be better.
    rig.desk.vendors.fault(&json!({"vendor": "connectwise", "times": 100_000, "answer": {"status": 503}})).unwrap();
    rig.minutes(12).await;
    assert_eq!(problems().await, found);
    rig.desk.vendors.mend("connectwise");
    // The ticket falls back to what the board has.
    let mut document = get(&rig, "/api/tenants/initech").await["document"].clone();
    document["guardrails"] = json!({"proof": {"password_reset": "chat"}, "autonomy": {"default": {"mode": "autonomous"}}});
    put(&rig, "/api/tenants/initech", document).await;
    Visit::new(&rig.desk, IVY).main_job().await.unwrap_or_else(|why| panic!("{why}\n{}", rig.log()));
    rig.desk
        .vendors
        .act(&site(
            serde_json::from_str::<Value>(firstline_vendors::DEMO).unwrap()["connectwise"]
                .as_object()
                .map(|all| json!({"boards": all["boards"], "work_types": all["work_types"]}))
                .unwrap(),
        ))
        .unwrap();
    rig.minutes(12).await;
    assert_eq!(problems().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_check_looks_for_the_callback_and_for_what_the_intake_names() {
    let rig = day_one().await;
    let mut wants = msp();
    wants["desk"]["intake"] = json!([{"board": 1, "types": ["Account", "Gone"], "statuses": ["New"]}]);
    put(&rig, "/api/msp", wants).await;
    let mut found = vec![PHONES[0], PHONES[1], ("missing", "type `Gone` on board 1")];
    found.push(("missing", "callback registered register one to `http://127.0.0.1:3000/webhooks/northwind-desk`"));
    check(&rig, "acme", &found, &["intake", "mfa_reset"]).await;
    let callback =
        json!({"id": 1, "url": "http://127.0.0.1:3000/webhooks/northwind-desk?id=", "type": "Ticket", "level": "Owner", "objectId": 1, "inactiveFlag": false});
    rig.desk.vendors.act(&site(json!({"callbacks": [callback]}))).unwrap();
    found.pop();
    check(&rig, "acme", &found, &["intake", "mfa_reset"]).await;
    // Nobody has called the tick for a while.
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    found.insert(0, ("missing", "ticks arriving"));
    check(&rig, "acme", &found, ALL).await;
}

#[tokio::test(start_paused = true)]
async fn the_read_only_set_must_be_free_of_writes() {
    let rig = day_one().await;
    second(&rig).await;
    let path = "/api/tenants/initech/check?use=read-only";
    let marks = |report: &Value, mark: &str| -> Vec<String> {
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["mark"] == mark)
            .map(|finding| finding["what"].as_str().unwrap().to_string())
            .collect()
    };
    let report = get(&rig, path).await;
    assert_eq!((&report["ready"], marks(&report, "missing")), (&json!(false), vec![]));
    let writes = [
        "permission `chat:write`",
        "permission `im:write`",
        "permission `Policy.Read.AuthenticationMethod`",
        "permission `User Administrator`",
        "permission `User-PasswordProfile.ReadWrite.All`",
        "permission `User.RevokeSessions.All`",
        "permission `UserAuthenticationMethod.ReadWrite.All`",
        "write `Service Service Tickets`",
        "write `Time Time Entry`",
    ];
    assert_eq!(marks(&report, "excessive"), writes);
    let reads = json!({"scopes": ["users:read", "users:read.email", "im:history", "app_mentions:read"]});
    rig.desk.vendors.act(&json!({"slack": {"workspace": "T0INITECH", "bot": reads}})).unwrap();
    rig.desk.vendors.act(&app(json!({"permissions": ["User.Read.All", "GroupMember.Read.All", "RoleManagement.Read.Directory"], "roles": []}))).unwrap();
    let settings = json!({"id": 1, "moduleIdentifier": "Service", "addLevel": "None", "editLevel": "None", "deleteLevel": "None", "inquireLevel": "All"});
    rig.desk.vendors.act(&site(json!({"security_roles": [{"id": 71, "settings": [settings]}]}))).unwrap();
    let report = get(&rig, path).await;
    assert_eq!(report["ready"], true, "{report:#}");
    // What cannot be read proves nothing.
    rig.desk.vendors.act(&site(json!({"security_roles": []}))).unwrap();
    let report = get(&rig, path).await;
    assert_eq!((&report["ready"], marks(&report, "unproven")), (&json!(false), vec!["no writes".to_string()]));
}

#[tokio::test(start_paused = true)]
async fn the_check_knows_the_rights_of_an_okta_token() {
    let token = |set: Value| json!({"okta": {"token": "globex-api-token", "set": set}});
    let owner = |roles: Value| json!({"okta": {"user": "00usvc", "set": {"roles": roles}}});
    for (deed, found, held_up) in [
        (owner(json!([{"type": "ORG_ADMIN"}])), vec![], &[][..]),
        (owner(json!([{"type": "SUPER_ADMIN"}])), vec![("excessive", "permission `SUPER_ADMIN`")], &[]),
        (owner(json!([])), vec![("missing", "permission `ORG_ADMIN`")], OKTA),
        (token(json!({"scopes": ["okta.users.manage"]})), vec![("missing", "permission to read roles")], OKTA),
        (token(json!({"token": "another"})), vec![("missing", "credentials")], OKTA),
    ] {
        let rig = start(Setup::default()).await;
        rig.minutes(1).await;
        rig.desk.vendors.act(&deed).unwrap();
        check(&rig, "globex", &found, held_up).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_chat_is_served_by_tickets_only() {
    let rig = day_one().await;
    let shown = put(&rig, "/api/tenants/hooli", json!({"name": "Hooli", "connections": [], "desk": {"company": 22}})).await;
    assert_eq!((shown.get("draft"), &shown["actions"]["ticket"]), (None, &json!([])));
    assert_eq!(shown["actions"]["chat"], json!(["`connections` holds no connection to a chat"]));
    let found = [("missing", "a connection to a chat"), ("missing", "a connection to an identity provider")];
    check(&rig, "hooli", &found, &["account_unlock", "chat", "password_reset"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_deleted_while_a_case_runs_sends_it_to_a_human() {
    let tenants: Value = serde_json::from_str(firstline_host::desk::TENANTS).unwrap();
    for (gone, told) in [(1, true), (0, false)] {
        let rig = start(Setup::default()).await;
        assert_eq!(rig.says("I forgot my password").await, 200);
        let mut document = tenants["tenants"][0].clone();
        document["connections"].as_array_mut().unwrap().remove(gone);
        put(&rig, "/api/tenants/acme", document).await;
        if told {
            rig.presses("Yes").await;
        }
        // Without the chat no press arrives, and the offer runs out.
        rig.minutes(60).await;
        let cases = rig.cases().await;
        assert_eq!(cases[0]["state"], "handed-over", "{cases:?}\n{}", rig.log());
        assert!(rig.notes().contains("Handed over"), "{}", rig.notes());
        assert_eq!(rig.messages().iter().any(|message| message.contains("passed this to a person")), told, "{:?}", rig.messages());
        assert!(rig.changes("entra").is_empty());
        rig.assert_no_trap();
    }
}
