use super::*;
use crate::fake::{Fake, document, request, run};
use crate::host::Store as _;
use firstline_core::record;
use firstline_core::seal::{credential_context, unbase64};
use firstline_core::tenant::{Address, Credential, Workspace};
use serde_json::json;

const CASE: &str = "0123456789abcdef0123456789abcdef-1";

/// Status, and a part of the answer's JSON.
fn check(host: &Fake, request: &Request, status: u16, part: &str) -> Value {
    let answer = run(handle(host, request));
    let text = answer.body.as_ref().map_or_else(String::new, Value::to_string);
    assert_eq!(answer.status, status, "{} {} answered {text}", request.method, request.path);
    assert!(text.contains(part), "{text} should contain {part}");
    answer.body.unwrap_or_default()
}

fn put(host: &Fake, name: &str, document: &Value, status: u16, part: &str) -> Value {
    check(host, &request("a", "PUT", &format!("/api/tenants/{name}"), document.to_string().as_bytes()), status, part)
}

/// A host that holds these tenants.
fn world(names: &[&str]) -> Fake {
    let host = Fake::new();
    for name in names {
        put(&host, name, &document(name), 200, "\"missing\"");
    }
    host
}

#[test]
fn nobody_gets_in_without_a_token_of_their_own() {
    let host = world(&["acme"]);
    for authorization in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Bearer c"), Some("Basic a"), Some("a"), Some("Bearer  \u{0}")] {
        for (method, path) in [("GET", "/api/tenants"), ("PUT", "/api/tenants/acme"), ("GET", "/api/nothing"), ("POST", "/api/tick")] {
            let request = Request { authorization: authorization.map(Into::into), ..request("", method, path, b"") };
            check(&host, &request, 401, "Authorization: Bearer");
        }
    }
    let long = "x".repeat(100_000);
    check(&host, &request(&long, "GET", "/api/tenants", b""), 401, "error");
    check(&host, &Request { authorization: Some("bearer  b ".into()), ..request("", "GET", "/api/tenants", b"") }, 200, "acme");
}

#[test]
fn a_technician_reads_and_ticks_and_changes_nothing() {
    let host = world(&["acme"]);
    let before = host.values.borrow().clone();
    check(&host, &request("b", "GET", "/api/tenants/acme", b""), 200, "\"tenant\"");
    check(&host, &request("b", "POST", "/api/tick", b""), 200, "\"ran\":0");
    check(&host, &request("b", "PUT", "/api/tenants/acme", b"{}"), 403, "owner");
    check(&host, &request("b", "PUT", "/api/tenants/acme/connections/acme-slack/secrets/bot-token", b"x"), 403, "owner");
    assert_eq!(*host.values.borrow(), before);
}

#[test]
fn a_missing_variable_is_named() {
    for (variable, method, path, body) in [
        ("console_people", "GET", "/api/tenants", ""),
        ("integrity_key", "GET", "/api/tenants", ""),
        ("integrity_key", "GET", "/api/tenants/acme/cases", ""),
        ("intake_public_key", "PUT", "/api/tenants/acme/connections/acme-slack/secrets/signing-secret", "x"),
        ("technician_public_key", "PUT", "/api/tenants/acme/connections/acme-slack/secrets/bot-token", "x"),
    ] {
        let mut host = world(&["acme"]);
        for value in ["", "[]", "not base64!"] {
            host.variables.insert(variable.into(), value.into());
            check(&host, &request("a", method, path, body.as_bytes()), 503, variable);
        }
    }
}

#[test]
fn unknown_paths_and_wrong_methods_say_what_to_do() {
    let host = world(&["acme"]);
    let name = format!("/api/tenants/{}", "a".repeat(100_000));
    for path in [
        "",
        "/",
        "/api",
        "/api/",
        "/api/tenants/",
        "/api/tenants/../x",
        "/api/tenants/ACME",
        "/api/tenants/acme/x",
        "/api/tenants/acme/connections",
        "/api/cases",
        "/api/cases/x",
        "/api/cases/0123456789abcdef0123456789abcdef",
        "/api/cases/0123456789abcdef0123456789abcdef-",
        "/api/tick/",
        "/api/cases/0123456789abcdef0123456789abcdef-1/x",
        "/api/cases/0123456789abcdef0123456789abcdef-00000000000000000000",
        "/console",
        &name,
    ] {
        check(&host, &request("a", "GET", path, b""), 404, "error");
    }
    for (method, path, allow) in [
        ("POST", "/api/tenants", "GET"),
        ("HEAD", "/api/tenants", "GET"),
        ("DELETE", "/api/tenants/acme", "GET, PUT"),
        ("DELETE", "/api/tenants/acme/connections/acme-slack/secrets/bot-token", "GET, PUT"),
        ("PUT", "/api/tenants/acme/cases", "GET"),
        ("", "/api/tick", "POST"),
        ("GET", "/api/tick", "POST"),
        ("PUT", &format!("/api/cases/{CASE}/journal"), "GET"),
    ] {
        check(&host, &request("a", method, path, b""), 405, allow);
        assert_eq!(run(handle(&host, &request("a", method, path, b""))).allow, Some(allow));
    }
}

#[test]
fn a_document_is_kept_with_its_addresses_and_what_is_missing_is_listed() {
    let host = Fake::new();
    let answer = put(&host, "acme", &document("acme"), 200, "");
    let missing = [
        "connections.acme-slack.secrets.signing-secret",
        "connections.acme-slack.secrets.bot-token",
        "connections.acme-desk.secrets.public-key",
        "connections.acme-desk.secrets.private-key",
    ];
    assert_eq!(answer["missing"], json!(missing));
    assert_eq!(answer["tenant"]["desk"]["time_entry"], "non-billable");
    assert_eq!(host.keys(), ["connection/acme-desk", "connection/acme-slack", "listed/1", "tenant/acme"]);
    let address: Address = record::read(&host.values.borrow()["connection/acme-slack"]).unwrap();
    assert_eq!((address.tenant.as_str(), address.vendor.as_str(), address.account["team"].as_str()), ("acme", "slack", "T-acme"));
    assert_eq!(check(&host, &request("b", "GET", "/api/tenants/acme", b""), 200, ""), answer);
    put(&host, "globex", &document("globex"), 200, "");
    let list = check(&host, &request("b", "GET", "/api/tenants", b""), 200, "");
    assert_eq!(list, json!({"tenants": [{"tenant": "acme", "name": "ACME"}, {"tenant": "globex", "name": "GLOBEX"}]}));
    check(&host, &request("b", "GET", "/api/tenants/initech", b""), 404, "no tenant `initech`");
}

#[test]
fn a_wrong_document_is_refused_with_every_problem_and_nothing_is_written() {
    let host = Fake::new();
    let mut wrong = document("acme");
    wrong["connections"][0]["vendor"] = json!("slacc");
    wrong["connections"][1]["base_url"] = json!("http://10.0.0.1");
    wrong["desk"]["board"] = json!(0);
    let answer = put(&host, "acme", &wrong, 422, "slacc");
    assert_eq!(answer["problems"].as_array().unwrap().len(), 3, "{answer}");
    put(&host, "globex", &document("acme"), 422, "the address says `globex`");
    let many: serde_json::Map<String, Value> = (0..5_000).map(|i| (format!("{i}{}", "x".repeat(20)), json!(1))).collect();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = format!("{{\"{}\":1}}", "k".repeat(200_000));
    let many = Value::from(many).to_string();
    for body in [b"null".as_slice(), b"[]", b"\"x\"", huge.as_bytes(), many.as_bytes()] {
        let answer = check(&host, &request("a", "PUT", "/api/tenants/acme", body), 422, "problems");
        assert!(answer.to_string().len() < 60_000);
    }
    for body in [b"".as_slice(), b"{", &[0xff, 0xfe], deep.as_bytes()] {
        check(&host, &request("a", "PUT", "/api/tenants/acme", body), 400, "not JSON");
    }
    for (body, status) in [(Body::TooLong, 413), (Body::Broken, 400)] {
        check(&host, &Request { body, ..request("a", "PUT", "/api/tenants/acme", b"") }, status, "body");
    }
    assert_eq!(host.keys(), Vec::<String>::new());
}

#[test]
fn a_loopback_url_needs_the_operators_variables() {
    let mut host = Fake::new();
    let mut local = document("acme");
    local["connections"][0]["base_url"] = json!("http://127.0.0.1:4000/slack");
    put(&host, "acme", &local, 422, "allow_loopback");
    host.variables.insert("allow_loopback".into(), "true".into());
    put(&host, "acme", &local, 422, "extra_host_1");
    host.variables.insert("extra_host_8".into(), "http://127.0.0.1:4000".into());
    put(&host, "acme", &local, 200, "127.0.0.1");
}

#[test]
fn what_belongs_to_another_tenant_cannot_be_taken() {
    let host = world(&["acme"]);
    let before = host.values.borrow().clone();
    let mut thief = document("globex");
    thief["connections"][0]["id"] = json!("acme-slack");
    thief["connections"][0]["account"]["team"] = json!("T-acme");
    thief["desk"]["company"] = document("acme")["desk"]["company"].clone();
    let answer = put(&host, "globex", &thief, 422, "`acme-slack` belongs to the tenant `acme`");
    assert_eq!(answer["problems"].as_array().unwrap().len(), 3, "{answer}");
    assert_eq!(*host.values.borrow(), before);
    put(&host, "acme", &document("acme"), 200, "");
}

#[test]
fn a_vanished_or_moved_connection_leaves_nothing_behind() {
    let host = world(&["acme"]);
    for name in ["signing-secret", "bot-token"] {
        secret(&host, "acme-slack", name, b"x", 204);
    }
    host.values.borrow_mut().insert(keys::token("acme-slack"), b"t".to_vec());
    let mut renamed = document("acme");
    renamed["connections"][0]["id"] = json!("chat");
    put(&host, "acme", &renamed, 200, "connections.chat.secrets.bot-token");
    assert_eq!(host.keys(), ["connection/acme-desk", "connection/chat", "listed/1", "tenant/acme"]);
    secret(&host, "acme-desk", "public-key", b"x", 204);
    put(&host, "acme", &renamed, 200, "");
    assert!(host.keys().contains(&keys::credential("acme-desk", "public-key")), "an unchanged connection keeps its secrets");
    renamed["connections"][1]["base_url"] = json!("https://api-eu.myconnectwise.net/v4_6_release/apis/3.0");
    put(&host, "acme", &renamed, 200, "connections.acme-desk.secrets.public-key");
    assert!(!host.keys().contains(&keys::credential("acme-desk", "public-key")), "a moved connection needs them again");
}

#[test]
fn a_forged_or_moved_document_is_not_believed_and_can_be_put_again() {
    let host = world(&["acme", "globex"]);
    let moved = host.values.borrow()["tenant/globex"].clone();
    host.values.borrow_mut().insert("tenant/acme".into(), moved);
    check(&host, &request("a", "GET", "/api/tenants/acme", b""), 500, "put it again");
    check(&host, &request("a", "GET", "/api/tenants", b""), 200, "put its document again");
    put(&host, "globex", &document("globex"), 200, "`acme` was not compared");
    put(&host, "acme", &document("acme"), 200, "");
    check(&host, &request("a", "GET", "/api/tenants/acme", b""), 200, "ACME");
    host.values.borrow_mut().insert("listed/1".into(), b"{}".to_vec());
    put(&host, "acme", &document("acme"), 500, "entry 1 of the list of tenants cannot be used");
}

/// Two owners put documents at once; the second is so many steps late.
fn at_once(host: &Fake, late: usize, documents: [(&str, &Value); 2]) -> [u16; 2] {
    let requests = documents.map(|(name, document)| request("a", "PUT", &format!("/api/tenants/{name}"), document.to_string().as_bytes()));
    let (first, second) = run(futures::future::join(handle(host, &requests[0]), async {
        for _ in 0..late {
            _ = host.get("nothing").await;
        }
        handle(host, &requests[1]).await
    }));
    [first.status, second.status]
}

#[test]
fn two_owners_who_put_new_tenants_at_once_lose_neither() {
    for late in 0..12 {
        let host = Fake { shared: true, ..Fake::new() };
        assert_eq!(at_once(&host, late, [("acme", &document("acme")), ("globex", &document("globex"))]), [200, 200], "{late}");
        let list = check(&host, &request("a", "GET", "/api/tenants", b""), 200, "");
        assert_eq!(list, json!({"tenants": [{"tenant": "acme", "name": "ACME"}, {"tenant": "globex", "name": "GLOBEX"}]}), "{late}");
    }
}

#[test]
fn two_owners_who_claim_one_workspace_at_once_do_not_both_get_it() {
    let mut thief = document("globex");
    thief["connections"][0]["account"]["team"] = json!("T-acme");
    for late in 0..25 {
        let host = Fake { shared: true, ..Fake::new() };
        let answers = at_once(&host, late, [("acme", &document("acme")), ("globex", &thief)]);
        let live = ["tenant/acme", "tenant/globex"].into_iter().filter(|key| host.values.borrow().contains_key(*key)).count();
        assert!(live <= 1 && answers.contains(&422), "{late} steps late: {answers:?}, {live} hold");
        assert_eq!(live, answers.iter().filter(|status| **status == 200).count(), "{late}");
        let open = ["connection/acme-slack", "connection/globex-slack"].into_iter().filter(|key| host.values.borrow().contains_key(*key)).count();
        assert_eq!(open, live, "{late}");
    }
}

fn msp_document() -> Value {
    json!({
        "brand": {"name": "Northwind IT", "phone": "+1 555 0100"},
        "connections": [
            {"id": "nw-slack", "vendor": "slack", "account": {"team": "T-NW"}},
            {"id": "nw-entra", "vendor": "entra", "account": {"client_id": "app"}},
            {"id": "nw-desk", "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4_6_release/apis/3.0", "account": {"login_company": "nw", "client_id": "c"}}
        ],
        "desk": {"board": 1}
    })
}

/// A client of the MSP.
fn client(name: &str, company: u64) -> Value {
    json!({
        "name": name,
        "connections": [
            {"id": format!("{name}-slack"), "vendor": "slack", "from": "nw-slack", "account": {"team": format!("T-{name}")}},
            {"id": format!("{name}-entra"), "vendor": "entra", "from": "nw-entra", "account": {"directory": format!("d-{name}")}}
        ],
        "desk": {"company": company}
    })
}

fn put_msp(host: &Fake, document: &Value, status: u16, part: &str) -> Value {
    check(host, &request("a", "PUT", "/api/msp", document.to_string().as_bytes()), status, part)
}

/// An MSP with these clients.
fn desk(clients: &[(&str, u64)]) -> Fake {
    let host = Fake::new();
    put_msp(&host, &msp_document(), 200, "");
    for (name, company) in clients {
        put(&host, name, &client(name, *company), 200, "");
    }
    host
}

#[test]
fn only_an_owner_sees_and_changes_the_msps_document() {
    let host = desk(&[]);
    for (method, path) in [
        ("GET", "/api/msp"),
        ("PUT", "/api/msp"),
        ("GET", "/api/msp/connections/nw-slack/secrets/bot-token"),
        ("PUT", "/api/msp/connections/nw-slack/secrets/bot-token"),
    ] {
        check(&host, &request("b", method, path, b"{}"), 403, "owner");
        check(&host, &request("", method, path, b"{}"), 401, "");
    }
    check(&host, &request("a", "GET", "/api/msp", b""), 200, "Northwind IT");
    check(&Fake::new(), &request("a", "GET", "/api/msp", b""), 404, "no document of the MSP");
}

#[test]
fn clients_inherit_and_the_msps_secrets_are_entered_once() {
    let host = desk(&[("globex", 20)]);
    let shown = check(&host, &request("a", "GET", "/api/tenants/globex", b""), 200, "");
    let missing = json!([
        "msp.connections.nw-slack.secrets.signing-secret",
        "connections.globex-slack.secrets.bot-token",
        "msp.connections.nw-entra.secrets.client-secret",
        "msp.connections.nw-desk.secrets.public-key",
        "msp.connections.nw-desk.secrets.private-key",
    ]);
    assert_eq!(shown["missing"], missing);
    assert_eq!(shown["actions"]["ticket"], json!(["msp.connections.nw-desk.secrets.public-key", "msp.connections.nw-desk.secrets.private-key"]));
    assert_eq!(shown["tenant"]["msp"]["name"], "Northwind IT");
    let enter = |path: &str, status, part: &str| check(&host, &request("a", "PUT", path, b"s3cret"), status, part);
    enter("/api/tenants/globex/connections/globex-slack/secrets/signing-secret", 404, "enter it for the MSP's connection `nw-slack`");
    enter("/api/tenants/globex/connections/nw-desk/secrets/public-key", 404, "no connection `nw-desk`");
    enter("/api/msp/connections/globex-slack/secrets/bot-token", 404, "the MSP has no connection");
    for path in ["nw-slack/secrets/signing-secret", "nw-entra/secrets/client-secret", "nw-desk/secrets/public-key", "nw-desk/secrets/private-key"] {
        enter(&format!("/api/msp/connections/{path}"), 204, "");
    }
    enter("/api/tenants/globex/connections/globex-slack/secrets/bot-token", 204, "");
    let shown = check(&host, &request("a", "GET", "/api/tenants/globex", b""), 200, "");
    assert_eq!(shown["missing"], json!([]));
    assert_eq!(shown["actions"], json!({"ticket": [], "chat": [], "password_reset": [], "account_unlock": []}));
    // Sealed to the MSP's own address, so that no tenant's document can redirect it.
    let stored: Credential = record::read(&host.values.borrow()["credential/nw-entra/client-secret"]).unwrap();
    let open = |owner: &str| host.private.open(&unbase64(&stored.sealed).unwrap(), &credential_context(owner, "nw-entra", "client-secret", "", ""));
    assert!(open("@msp").is_some() && open("globex").is_none());
}

#[test]
fn events_through_the_msps_application_find_the_tenant_by_the_workspace() {
    let host = desk(&[("globex", 20)]);
    let route = |team: &str| host.values.borrow().get(&keys::workspace_of("nw-slack", team, false)).map(|bytes| record::read::<Workspace>(bytes).unwrap());
    assert_eq!(route("T-globex"), Some(Workspace { tenant: "globex".into(), connection: "globex-slack".into() }));
    assert_eq!(route("T-NW"), None);
    let mut moved = client("globex", 20);
    moved["connections"][0]["account"]["team"] = json!("T-2");
    put(&host, "globex", &moved, 200, "");
    assert_eq!((route("T-globex"), route("T-2").is_some()), (None, true));
    moved["connections"].as_array_mut().unwrap().remove(0);
    put(&host, "globex", &moved, 200, "no connection to a chat");
    assert_eq!(route("T-2"), None);
}

#[test]
fn a_half_filled_document_is_a_draft_that_serves_nobody() {
    let host = desk(&[]);
    let half = json!({"connections": [{"id": "globex-entra", "vendor": "entra", "from": "nw-entra"}]});
    let shown = put(&host, "globex", &half, 200, "");
    assert_eq!((&shown["draft"], &shown["serves"]), (&json!(true), &json!(false)));
    let lacks = |action: &str| shown["actions"][action].to_string();
    for (action, part, there) in [
        ("ticket", "`name` is missing", true),
        ("ticket", "`desk.company` is missing", true),
        ("ticket", "directory", false),
        ("chat", "no connection to a chat", true),
        ("password_reset", "`connections.0.account.directory` is missing", true),
        ("password_reset", "no connection to a chat", true),
    ] {
        assert_eq!(lacks(action).contains(part), there, "{action}: {part} in {}", lacks(action));
    }
    assert!(!host.keys().iter().any(|key| key.starts_with("tenant/") || key == "connection/globex-entra"), "{:?}", host.keys());
    check(&host, &request("b", "GET", "/api/tenants/globex", b""), 200, "\"draft\":true");
    check(&host, &request("b", "GET", "/api/tenants", b""), 200, "\"draft\":true");
    // Filled in, it holds; half-filled again, what held still holds.
    let whole = put(&host, "globex", &client("globex", 20), 200, "");
    assert_eq!(whole.get("draft"), None);
    let before = host.values.borrow()["tenant/globex"].clone();
    let shown = put(&host, "globex", &half, 200, "");
    assert_eq!((&shown["draft"], &shown["serves"]), (&json!(true), &json!(true)));
    assert_eq!(host.values.borrow()["tenant/globex"], before);
    // Without the MSP's document nobody can inherit.
    let alone = Fake::new();
    assert_eq!(put(&alone, "globex", &client("globex", 20), 200, "put the MSP's document")["draft"], true);
    let shown = put_msp(&alone, &json!({"brand": {"name": "Northwind IT"}}), 200, "`brand.phone` is missing");
    assert_eq!((&shown["draft"], &shown["serves"]), (&json!(true), &json!(false)));
    assert!(!alone.keys().contains(&"msp".to_string()));
    put_msp(&alone, &json!({"brand": {"name": 1}}), 422, "problems");
}

#[test]
fn what_is_claimed_twice_is_refused_naming_both() {
    let host = desk(&[("globex", 20), ("initech", 21)]);
    for (change, part) in [
        (
            (|client: &mut Value| client["connections"][0]["account"]["team"] = json!("T-globex")) as fn(&mut Value),
            "the workspace `T-globex` is claimed by `globex-slack` of the tenant `globex`",
        ),
        (
            |client| client["connections"][1]["account"]["directory"] = json!("D-globex"),
            "the directory `D-globex` is claimed by `globex-entra` of the tenant `globex`",
        ),
        (|client| client["desk"]["company"] = json!(20), "company 20 of the same PSA is claimed by the tenant `globex`"),
        (|client| client["connections"][0]["account"]["team"] = json!("T-NW"), "the workspace is the MSP's own"),
        (|client| client["connections"][0]["id"] = json!("nw-slack"), "`nw-slack` belongs to the MSP"),
        (|client| client["connections"][0]["id"] = json!("globex-slack"), "`globex-slack` belongs to the tenant `globex`"),
    ] {
        let mut wrong = client("initech", 21);
        change(&mut wrong);
        let before = host.values.borrow().clone();
        put(&host, "initech", &wrong, 422, part);
        assert_eq!(*host.values.borrow(), before);
    }
    // The MSP takes nothing from its tenants either.
    let mut greedy = msp_document();
    greedy["connections"][0]["account"]["team"] = json!("T-globex");
    put_msp(&host, &greedy, 422, "tenant `globex`: `connections.0.account`: the workspace is the MSP's own");
}

#[test]
fn the_msps_document_leaves_no_tenant_unable_to_write_a_ticket() {
    let host = desk(&[("globex", 20)]);
    let mut without = msp_document();
    without["connections"].as_array_mut().unwrap().pop();
    put_msp(&host, &without, 422, "tenant `globex`: `connections` holds no connection to a PSA");
    without = msp_document();
    without["desk"] = json!({});
    put_msp(&host, &without, 422, "tenant `globex`: `desk.board` is missing");
    without = msp_document();
    without["connections"].as_array_mut().unwrap().remove(1);
    host.values.borrow_mut().insert(keys::token("globex-entra"), b"t".to_vec());
    let shown = put_msp(&host, &without, 200, "");
    assert!(shown["warnings"][0].as_str().unwrap().contains("tenant `globex`: `connections.1.from`: the MSP has no connection `nw-entra`"), "{shown}");
    assert!(!host.keys().contains(&"connection/nw-entra".to_string()) && !host.keys().contains(&keys::token("globex-entra")));
    // A damaged one is named, and can be put again.
    host.values.borrow_mut().insert("msp".into(), b"{}".to_vec());
    check(&host, &request("a", "GET", "/api/msp", b""), 500, "the MSP's document");
    check(&host, &request("a", "GET", "/api/tenants/globex", b""), 500, "the MSP's document");
    put_msp(&host, &msp_document(), 200, "");
    check(&host, &request("a", "GET", "/api/tenants/globex", b""), 200, "");
}

fn path(connection: &str, name: &str) -> String {
    format!("/api/tenants/acme/connections/{connection}/secrets/{name}")
}

fn secret(host: &Fake, connection: &str, name: &str, body: &[u8], status: u16) {
    check(host, &request("a", "PUT", &path(connection, name), body), status, "");
}

#[test]
fn a_secret_is_sealed_to_its_place_and_never_shown() {
    let host = world(&["acme"]);
    host.values.borrow_mut().insert(keys::token("acme-slack"), b"t".to_vec());
    check(&host, &request("b", "GET", &path("acme-slack", "bot-token"), b""), 404, "has not been entered");
    secret(&host, "acme-slack", "bot-token", b"xoxb-\xc3\xbc\r\n", 204);
    assert!(!host.keys().contains(&keys::token("acme-slack")), "a cached token is forgotten");
    let shown = check(&host, &request("b", "GET", &path("acme-slack", "bot-token"), b""), 200, "");
    assert_eq!(shown, json!({"entered": crate::fake::NOW, "by": "Ada"}));
    let stored: Credential = record::read(&host.values.borrow()[&keys::credential("acme-slack", "bot-token")]).unwrap();
    assert!(!format!("{stored:?}").contains("xoxb"));
    let open = |name: &str| {
        let context = credential_context("acme", "acme-slack", name, "https://slack.com/api", "");
        host.private.open(&unbase64(&stored.sealed).unwrap(), &context).map(|secret| secret.expose().to_string())
    };
    assert_eq!((open("bot-token").as_deref(), open("signing-secret")), (Some("xoxb-ü"), None));
    let answer = check(&host, &request("b", "GET", "/api/tenants/acme", b""), 200, "");
    assert!(!answer["missing"].to_string().contains("bot-token"));
}

#[test]
fn only_a_line_of_text_at_a_known_place_is_a_secret() {
    let host = world(&["acme", "globex"]);
    let long = vec![b'x'; 4_097];
    for (body, status) in [
        (b"".as_slice(), 422),
        (b"\n", 422),
        (b"a\nb", 422),
        (b"a\0", 422),
        (b"a\n\n", 422),
        (&[0xff], 422),
        (&long, 413),
        (&long[1..], 204),
        (b" {{secret:pw}} ", 204),
    ] {
        secret(&host, "acme-slack", "bot-token", body, status);
    }
    for (connection, name, part) in [
        ("acme-slack", "api-token", "known are signing-secret, signing-secret-next, bot-token"),
        ("acme-slack", "bot_token", "nothing here"),
        ("globex-slack", "bot-token", "no connection `globex-slack`"),
        ("none", "bot-token", "no connection `none`"),
    ] {
        check(&host, &request("a", "PUT", &path(connection, name), b"x"), 404, part);
        check(&host, &request("a", "GET", &path(connection, name), b""), 404, part);
    }
}

#[test]
fn a_tick_is_passed_on_or_reported_as_failed() {
    for (tick, status, part) in [
        (Ok((200, br#"{"ran":2}"#.to_vec())), 200, r#"{"ran":2}"#),
        (Ok((500, b"{}".to_vec())), 502, "technician"),
        (Ok((302, b"{}".to_vec())), 502, "technician"),
        (Ok((200, b"<html>".to_vec())), 502, "technician"),
        (Err(Fault("no answer in time".into())), 502, "technician"),
    ] {
        let host = Fake { tick, ..Fake::new() };
        check(&host, &request("b", "POST", "/api/tick", b""), status, part);
    }
}

#[test]
fn a_failing_store_asks_to_try_again_and_tells_the_log_why() {
    for (fails, method, path) in [
        ("c/tenant", "GET", "/api/tenants"),
        ("tenant/", "GET", "/api/tenants/acme"),
        ("connection/", "PUT", "/api/tenants/acme"),
        ("credential/", "GET", "/api/tenants/acme"),
        ("case/", "GET", &format!("/api/cases/{CASE}")),
        ("c/case/", "GET", "/api/tenants/acme/cases"),
    ] {
        let host = Fake { fails: Some(fails), ..world(&["acme"]) };
        let answer = run(handle(&host, &request("a", method, path, document("acme").to_string().as_bytes())));
        assert_eq!((answer.status, answer.log), (503, Some(format!("{fails} failed"))), "{path}");
        assert!(!answer.body.unwrap().to_string().contains(fails));
    }
}

#[test]
fn a_workspace_is_found_out_by_its_bot_token_and_nobody_has_to_paste_it() {
    let team = |team: &str| Ok((200, json!({ "team": team }).to_string().into_bytes()));
    let mut host = desk(&[("globex", 20)]);
    let mut without = client("initech", 21);
    without["connections"][0].as_object_mut().unwrap().remove("account");
    put(&host, "initech", &without, 200, "it is found out as soon as");
    let enter = |host: &Fake, path: &str, status, part: &str| check(host, &request("a", "PUT", path, b"xoxb"), status, part);
    let own = "/api/tenants/initech/connections/initech-slack/secrets/bot-token";
    // A vendor that says nothing, or nonsense, changes nothing.
    for answer in [Ok((200, b"{}".to_vec())), Ok((200, b"x".to_vec())), Ok((503, b"{}".to_vec())), Err(Fault("no".into())), team("T/../x"), team("")] {
        host.tick = answer;
        enter(&host, own, 204, "");
        assert!(check(&host, &request("a", "GET", "/api/tenants/initech", b""), 200, "").to_string().contains("found out"));
    }
    // One that is another's names it, and the token is forgotten.
    host.tick = team("T-globex");
    enter(&host, own, 422, "the workspace `T-globex` is claimed by `globex-slack` of the tenant `globex`");
    assert!(!host.keys().contains(&keys::credential("initech-slack", "bot-token")));
    host.tick = team("T-initech");
    enter(&host, own, 204, "");
    assert_eq!(host.asked.borrow().last().map(String::as_str), Some("customer/initech/initech-slack"));
    let shown = check(&host, &request("a", "GET", "/api/tenants/initech", b""), 200, "");
    assert_eq!(shown["document"]["connections"][0]["account"]["team"], "T-initech");
    assert!(host.keys().contains(&keys::workspace_of("nw-slack", "T-initech", false)));
    // What a document names is not asked for, and the MSP's own is found out as well.
    let asked = host.asked.borrow().len();
    enter(&host, "/api/tenants/globex/connections/globex-slack/secrets/bot-token", 204, "");
    assert_eq!(host.asked.borrow().len(), asked);
    let mut msp = msp_document();
    msp["connections"][0].as_object_mut().unwrap().remove("account");
    put_msp(&host, &msp, 200, "");
    host.tick = team("TNW");
    enter(&host, "/api/msp/connections/nw-slack/secrets/bot-token", 204, "");
    assert_eq!(check(&host, &request("a", "GET", "/api/msp", b""), 200, "")["document"]["connections"][0]["account"]["team"], "TNW");
}

#[test]
fn webhooks_open_the_secrets_of_a_connection_whose_address_is_the_usual_one() {
    let host = desk(&[]);
    let own = json!({"name": "Acme", "connections": [{"id": "acme-slack", "vendor": "slack", "account": {"team": "T1"}}], "desk": {"company": 19}});
    put(&host, "acme", &own, 200, "");
    for (path, connection) in [("tenants/acme", "acme-slack"), ("msp", "nw-slack")] {
        check(&host, &request("a", "PUT", &format!("/api/{path}/connections/{connection}/secrets/signing-secret"), b"s3cret"), 204, "");
        let read = |key: String| host.values.borrow()[&key].clone();
        let address: Address = record::read(&read(keys::connection(connection))).unwrap();
        let stored: Credential = record::read(&read(keys::credential(connection, "signing-secret"))).unwrap();
        let context = credential_context(&address.tenant, connection, "signing-secret", &address.base_url, &address.token_url);
        assert!(host.private.open(&unbase64(&stored.sealed).unwrap(), &context).is_some(), "{connection}");
    }
}

#[test]
fn a_check_is_passed_on_and_a_failed_one_reported() {
    for (answer, path, status, part) in [
        (Ok((200, br#"{"ready":true}"#.to_vec())), "/api/tenants/acme/check", 200, "ready"),
        (Ok((200, br#"{"ready":true}"#.to_vec())), "/api/tenants/acme/check?use=read-only", 200, "ready"),
        (Ok((200, b"{}".to_vec())), "/api/tenants/acme/check?use=all", 400, "read-only"),
        (Ok((200, b"{}".to_vec())), "/api/tenants/nobody/check", 404, "no tenant"),
        (Ok((409, br#"{"error":"cannot be used"}"#.to_vec())), "/api/tenants/acme/check", 409, "cannot be used"),
        (Ok((503, b"{}".to_vec())), "/api/tenants/acme/check", 502, "technician"),
        (Err(Fault("no".into())), "/api/tenants/acme/check", 502, "technician"),
    ] {
        let host = Fake { tick: answer, ..world(&["acme"]) };
        check(&host, &request("b", "GET", path, b""), status, part);
        if status == 200 {
            let purpose = if path.contains("read-only") { "read-only" } else { "full" };
            assert_eq!(*host.asked.borrow(), [format!("check/acme/{purpose}")]);
        }
    }
}

#[test]
fn a_backlog_is_only_taken_in_by_the_name_that_it_was_shown_with() {
    let plan = br#"{"plan":"0123456789abcdef","take":[]}"#;
    let host = Fake { tick: Ok((200, plan.to_vec())), ..world(&["acme"]) };
    let path = "/api/tenants/acme/backlog";
    check(&host, &request("b", "GET", path, b""), 200, "0123456789abcdef");
    assert_eq!(host.asked.borrow().last().map(String::as_str), Some("backlog/acme/14"));
    check(&host, &request("b", "POST", path, br#"{"days": 30, "plan": "0123456789abcdef"}"#), 200, "plan");
    assert_eq!(host.asked.borrow().last().map(String::as_str), Some("backlog/acme/30/0123456789abcdef"));
    let asked = host.asked.borrow().len();
    for (method, path, body, status, part) in [
        ("POST", path, "{}", 400, "as the plan was shown"),
        ("POST", path, r#"{"days": 14}"#, 400, "as the plan was shown"),
        ("POST", path, r#"{"days": 0, "plan": "0123456789abcdef"}"#, 400, "1 to 90"),
        ("POST", path, r#"{"days": 14, "plan": "../../tick"}"#, 400, "name"),
        ("POST", "/api/tenants/none/backlog", r#"{"days": 14, "plan": "0123456789abcdef"}"#, 404, "no tenant"),
        ("GET", "/api/tenants/none/backlog", "", 404, "no tenant"),
        ("PUT", path, "", 405, "this takes GET, POST"),
    ] {
        check(&host, &request("b", method, path, body.as_bytes()), status, part);
    }
    assert_eq!(host.asked.borrow().len(), asked);
    let changed = Fake { tick: Ok((409, br#"{"error":"it has changed"}"#.to_vec())), ..world(&["acme"]) };
    check(&changed, &request("a", "POST", path, br#"{"days": 14, "plan": "0123456789abcdef"}"#), 409, "it has changed");
}
