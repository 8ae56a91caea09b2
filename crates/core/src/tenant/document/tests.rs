use super::*;
use crate::tenant::{MSP, Place};
use serde_json::json;

fn document() -> Value {
    json!({
        "tenant": "acme", "name": "Acme", "msp": {"name": "Northwind IT", "phone": "+1 555 0100"},
        "connections": [
            {"id": "acme-slack", "vendor": "slack", "base_url": "https://slack.com/api", "account": {"team": "T1"}},
            {"id": "acme-entra", "vendor": "entra", "base_url": "https://graph.microsoft.com/v1.0", "token_url": "https://login.microsoftonline.com/d/oauth2/v2.0/token", "account": {"directory": "d", "client_id": "c"}},
            {"id": "desk", "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4_6_release/apis/3.0", "account": {"login_company": "nw", "client_id": "c"}}
        ],
        "desk": {"company": 19, "board": 1}
    })
}

fn check(change: impl FnOnce(&mut Value), expect: &[&str]) {
    let mut value = document();
    change(&mut value);
    let got = parse("acme", value.to_string().as_bytes(), &Reach::default()).err().unwrap_or_default();
    assert_eq!(got.len(), expect.len(), "{got:?}");
    for (got, expect) in got.iter().zip(expect) {
        assert!(got.contains(expect), "{got} should contain {expect}");
    }
}

#[test]
fn a_good_document_is_taken() {
    check(|_| {}, &[]);
}

#[test]
fn every_problem_is_named_at_once() {
    check(
        |v| {
            v["connections"][0]["vendor"] = json!("slacc");
            v["connections"][1]["base_url"] = json!("https://graph.example.com/v1.0");
            v["connections"][1]["account"] = json!({"client_id": "c"});
            v["desk"]["time_entry"] = json!("free");
        },
        &["`desk.time_entry` is `free`", "`connections.0.vendor`: `slacc`", "`connections.1.base_url`"],
    );
    check(
        |v| {
            v.as_object_mut().unwrap().remove("desk");
            v["extra"] = json!(1);
            v["msp"] = json!({"nam": "x"});
        },
        &["`extra` is not known", "`msp.nam` is not known"],
    );
    check(
        |v| {
            v.as_object_mut().unwrap().remove("desk");
            v["msp"] = json!({});
            v["connections"][1]["account"] = json!({"client_id": "c"});
            v["connections"].as_array_mut().unwrap().pop();
        },
        &[
            "`msp.name` is missing",
            "`msp.phone` is missing",
            "`connections.1.account.directory` is missing",
            "`desk.company` is missing",
            "`desk.board` is missing",
            "no connection to a PSA",
        ],
    );
}

fn msp() -> Value {
    json!({
        "brand": {"name": "Northwind IT", "phone": "+44 20 7946 0100", "link_domain": "https://help.northwind.example"},
        "connections": [
            {"id": "nw-slack", "vendor": "slack", "account": {"team": "T0NW"}},
            {"id": "nw-entra", "vendor": "entra", "account": {"client_id": "app"}},
            {"id": "nw-desk", "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4_6_release/apis/3.0", "account": {"login_company": "nw", "client_id": "c"}}
        ],
        "desk": {"board": 1, "dispatch_status": "Needs Dispatch", "member": "firstline", "intake": [{"board": 1, "types": ["Request"]}]},
        "locale": "en", "time_zone": "Europe/London", "hours": {"mon": "08:00-18:00"}, "holidays": ["2026-12-25"],
        "on_call": {"name": "Duty phone", "user": "U0DUTY", "urgencies": ["high"]},
        "staff": [{"name": "Nia", "role": "approver", "workspace": "T0NW", "user": "U0NIA"}]
    })
}

/// A client with three values of its own beside its name.
fn client() -> Value {
    json!({
        "name": "Globex",
        "connections": [
            {"id": "globex-slack", "vendor": "slack", "from": "nw-slack"},
            {"id": "globex-entra", "vendor": "entra", "from": "nw-entra", "account": {"directory": "d2"}}
        ],
        "desk": {"company": 20}
    })
}

fn resolved(change: impl FnOnce(&mut Value, &mut Value)) -> (Result<Tenant, Vec<String>>, Vec<String>) {
    let (mut above, mut below) = (msp(), client());
    change(&mut above, &mut below);
    let (above, below) = (read_msp(above.to_string().as_bytes(), &Reach::default()), read("globex", below.to_string().as_bytes(), &Reach::default()));
    let (above, below) = (above.unwrap(), below.unwrap());
    let gaps = gaps(Some(&above), &below).into_iter().map(|gap| gap.text).collect();
    (resolve(Some(&above), &below), gaps)
}

#[test]
fn a_client_inherits_what_it_does_not_say() {
    let (tenant, gaps) = resolved(|_, client| client["desk"]["member"] = json!("other"));
    let tenant = tenant.unwrap();
    assert_eq!(gaps, ["`connections.0.account.team` is missing: it is found out as soon as the connection's secrets are entered"]);
    assert_eq!((tenant.tenant.as_str(), tenant.msp.name.as_str(), tenant.time_zone.as_str()), ("globex", "Northwind IT", "Europe/London"));
    let desk = &tenant.desk;
    assert_eq!((desk.company, desk.board, desk.member.as_deref(), desk.intake.len()), (20, 1, Some("other"), 1));
    assert_eq!((desk.dispatch_status.as_deref(), desk.time_entry.as_str()), (Some("Needs Dispatch"), "non-billable"));
    let entra = tenant.connection_of(Role::Idp).unwrap();
    assert_eq!(entra.token_url, "https://login.microsoftonline.com/d2/oauth2/v2.0/token");
    assert_eq!((entra.base_url.as_str(), entra.account["client_id"].as_str()), ("https://graph.microsoft.com/v1.0", "app"));
    assert_eq!(tenant.connection_of(Role::Psa).unwrap().id, "nw-desk");
    assert_eq!(tenant.connection_of(Role::Chat).unwrap().id, "globex-slack");
    assert_eq!(tenant.staff_chat().unwrap().id, "nw-slack");
    assert_eq!(tenant.staff_member("T0NW", "U0NIA").map(|staff| staff.role), Some(StaffRole::Approver));
    assert_eq!(tenant.staff_member("T0GLOBEX", "U0NIA"), None);
    assert!(tenant.calendar().is_some());
}

#[test]
fn an_applications_secret_stands_with_the_msp_and_an_installations_with_the_client() {
    let tenant = resolved(|_, _| {}).0.unwrap();
    let place = |connection: &str, name: &str| tenant.connection(connection).unwrap().place("globex", name);
    let own = |connection: &str, name: &str, base: &str| Place::new("globex", connection, name, base, "");
    let msps = |connection: &str, name: &str, base: &str| Place::new(MSP, connection, name, base, "");
    let desk = "https://api-na.myconnectwise.net/v4_6_release/apis/3.0";
    assert_eq!(place("globex-slack", "bot-token"), own("globex-slack", "bot-token", "https://slack.com/api"));
    assert_eq!(place("globex-slack", "signing-secret"), msps("nw-slack", "signing-secret", ""));
    assert_eq!(place("globex-entra", "client-secret"), msps("nw-entra", "client-secret", ""));
    assert_eq!(place("nw-desk", "public-key"), msps("nw-desk", "public-key", desk));
    assert_eq!(place("nw-slack", "bot-token"), msps("nw-slack", "bot-token", ""));
    // Where nothing is installed at the client, everything is the MSP's.
    let tenant = resolved(|_, client| client["connections"][0]["connect"] = json!(true)).0.unwrap();
    assert_eq!(tenant.connection("globex-slack").unwrap().place("globex", "bot-token"), msps("nw-slack", "bot-token", ""));
    // A client that stands alone keeps its own, as before there was an MSP's document.
    let alone = parse("acme", document().to_string().as_bytes(), &Reach::default()).unwrap();
    let token = "https://login.microsoftonline.com/d/oauth2/v2.0/token";
    let expect = Place::new("acme", "acme-entra", "client-secret", "https://graph.microsoft.com/v1.0", token);
    assert_eq!(alone.connection("acme-entra").unwrap().place("acme", "client-secret"), expect);
}

#[test]
fn what_is_missing_is_told_apart_from_what_only_some_work_needs() {
    // Without these nobody is served.
    for (change, expect) in [
        ((|msp: &mut Value, _: &mut Value| msp["brand"] = json!({})) as fn(&mut Value, &mut Value), "`brand.name` is missing"),
        (|_, client| client["desk"] = json!({}), "`desk.company` is missing"),
        (|msp, _| msp["desk"] = json!({}), "`desk.board` is missing"),
        (|_, client| drop(client.as_object_mut().unwrap().remove("name")), "`name` is missing"),
        (|msp, _| drop(msp["connections"].as_array_mut().unwrap().pop()), "the MSP has none"),
        (|msp, _| drop(msp["connections"][2]["account"].as_object_mut().unwrap().remove("client_id")), "the MSP has none"),
    ] {
        let (tenant, gaps) = resolved(change);
        assert!(tenant.unwrap_err().iter().any(|text| text.contains(expect)) && gaps.iter().any(|text| text.contains(expect)), "{expect}");
    }
    // Without these, the connection is not there, and a human gets what would have needed it.
    for (change, role, expect) in [
        (
            (|msp: &mut Value, _: &mut Value| drop(msp["connections"].as_array_mut().unwrap().remove(1))) as fn(&mut Value, &mut Value),
            Role::Idp,
            "no connection `nw-entra`",
        ),
        (|_, client| client["connections"][1]["account"] = json!({}), Role::Idp, "`connections.1.account.directory` is missing"),
        (|_, client| client["connections"][0]["from"] = json!("nw-desk"), Role::Chat, "no connection `nw-desk` to slack"),
    ] {
        let (tenant, gaps) = resolved(change);
        assert_eq!(tenant.unwrap().connection_of(role), None, "{expect}");
        assert!(gaps.iter().any(|text| text.contains(expect)), "{gaps:?} should contain {expect}");
    }
    let below = read("globex", client().to_string().as_bytes(), &Reach::default()).unwrap();
    assert!(resolve(None, &below).unwrap_err()[0].contains("put the MSP's document"));
    let mut alone = document();
    alone["connections"].as_array_mut().unwrap().pop();
    let alone = read("acme", alone.to_string().as_bytes(), &Reach::default()).unwrap();
    let above = read_msp(msp().to_string().as_bytes(), &Reach::default()).unwrap();
    assert!(resolve(Some(&above), &alone).is_err(), "whoever stands alone inherits no PSA");
}

#[test]
fn what_is_wrong_is_refused_also_in_a_half_filled_document() {
    let client = |change: &dyn Fn(&mut Value), expect: &str| {
        let mut value = client();
        change(&mut value);
        let problems = read("globex", value.to_string().as_bytes(), &Reach::default()).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(expect), "{problems:?} should be about {expect}");
    };
    client(&|v| v["connections"][1]["token_url"] = json!("https://login.microsoftonline.com/x"), "must not be given");
    client(&|v| v["connections"][1]["account"]["directory"] = json!("common"), "one directory");
    client(&|v| v["connections"][1]["account"]["directory"] = json!("a/../b"), "one directory");
    client(&|v| v["connections"][0] = json!({"id": "s", "vendor": "slack", "connect": true}), "needs `from`");
    client(&|v| v["connections"][1]["connect"] = json!(true), "is for a chat");
    client(&|v| v["tenant"] = json!("acme"), "the address says");
    client(&|v| v["time_zone"] = json!("Mars/Olympus"), "`time_zone`");
    client(&|v| v["hours"] = json!({"mon": "9-5"}), "`hours.mon`");
    client(&|v| v["connections"][0]["expires"] = json!({"nothing": "2027-01-31"}), "`connections.0.expires.nothing` is no secret");
    client(&|v| v["connections"][0]["expires"] = json!({"bot-token": "31.1.2027"}), "`connections.0.expires.bot-token` is written as in 2027-01-31");
    client(&|v| v["retention_days"] = json!(0), "`retention_days` must be between 1 and 3650");
    client(&|v| v["staff"] = json!([{"name": "Nia", "role": "approver", "workspace": "", "user": "U"}]), "known by their ids");
    client(&|v| v["staff"] = json!([{"name": "Nia", "role": "king", "workspace": "T", "user": "U"}]), "king");
    client(&|v| v["desk"]["intake"] = json!([{"board": 1, "type": ["x"]}]), "`desk.intake.0.type` is not known");
    client(&|v| v["approvals"] = json!({"contact_types": ["a", "b", "c", "d", "e"]}), "`approvals.contact_types` may name 4 types at most");
    client(&|v| v["guardrails"]["vips"] = json!({"contact_types": [" "]}), "`guardrails.vips.contact_types` names a type without a name");
    let msp = |change: &dyn Fn(&mut Value), expect: &str| {
        let mut value = msp();
        change(&mut value);
        let problems = read_msp(value.to_string().as_bytes(), &Reach::default()).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(expect), "{problems:?} should be about {expect}");
    };
    msp(&|v| v["brand"]["link_domain"] = json!("http://help.northwind.example"), "link_domain");
    msp(&|v| v["brand"]["link_domain"] = json!("https://help.northwind.example/x"), "link_domain");
    msp(&|v| v["connections"][0]["from"] = json!("x"), "`connections.0.from` is not known");
    msp(&|v| v["connections"][1]["token_url"] = json!("https://evil.example/{directory}"), "is not covered");
    msp(&|v| v["desk"]["company"] = json!(1), "`desk.company` is not known");
    msp(&|v| v["msp"] = json!({}), "`msp` is not known");
}

/// What the guide has people paste is taken as it is, and lacks only what is found out.
#[test]
fn the_documents_of_the_guide_are_whole() {
    let msp = read_msp(include_bytes!("../../../../../docs/for-real/msp.json"), &Reach::default()).unwrap();
    let client = read("acme", include_bytes!("../../../../../docs/for-real/client.json"), &Reach::default()).unwrap();
    assert_eq!(msp_gaps(&msp), []);
    let gaps: Vec<String> = gaps(Some(&msp), &client).into_iter().map(|gap| gap.text).collect();
    assert_eq!(gaps, ["`connections.0.account.team` is missing: it is found out as soon as the connection's secrets are entered"]);
}
