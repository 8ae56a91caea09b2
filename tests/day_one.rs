//! The guide, followed to the letter: from nothing to a second client, over real sockets, against served emulators.

use bytes::Bytes;
use firstline_host::desk::{Keys, vendors};
use firstline_host::loopback::{self, Loopback};
use firstline_host::playground::{GUIDE_SECRETS, Playground, guide_world, msp_at, to_address};
use firstline_host::{App, Config, Memory, build};
use firstline_vendors::Vendors;
use firstline_vendors::slack::human::{Pressed, Said};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

const GUIDE: &str = include_str!("../docs/for-real/README.md");
const MSP: &str = include_str!("../docs/for-real/msp.json");
const CLIENT: &str = include_str!("../docs/for-real/client.json");
/// The address that the guide stands for its reader's own.
const ADDRESS: &str = "https://firstline.example.com";

/// A reader of the guide: an application that holds nothing, vendors, and a token of the API.
struct Reader {
    running: Arc<App>,
    app: String,
    vendors: Vendors,
    people: String,
    token: String,
    memory: Arc<Memory>,
}

/// What the reader does: a document or a secret that is put, as the guide's lines say.
#[derive(Debug, PartialEq)]
enum Line {
    Document { path: String, file: String },
    Secret { at: String, name: String },
}

/// The commands of one section, without their comments.
fn commands(section: &str) -> Vec<Line> {
    let text = GUIDE.split("\n## ").find(|part| part.starts_with(section)).unwrap_or_else(|| panic!("the guide has no section `{section}`"));
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split('#').next().unwrap().trim()).filter(|line| !line.is_empty());
    // The two shell functions stand for what this reader does itself.
    let lines = lines.filter(|line| !line.starts_with("api() {") && !line.starts_with("secret() {"));
    lines
        .map(|line| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["api", "-X", "PUT", url, "--json", file] => Line::Document {
                path: url.strip_prefix(ADDRESS).unwrap_or_else(|| panic!("{line}")).into(),
                file: file.strip_prefix("@docs/for-real/").unwrap_or_else(|| panic!("{line}")).into(),
            },
            ["secret", at, name] => Line::Secret { at: (*at).into(), name: (*name).into() },
            other => panic!("the guide says something that this test cannot follow: {other:?}"),
        })
        .collect()
}

async fn reader() -> Reader {
    let root = crate::rig::root();
    build::once(&root).unwrap();
    let (outside, inside) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let people = format!("http://{}", outside.local_addr().unwrap());
    let app = format!("http://{}", inside.local_addr().unwrap());
    let keys = Keys::make().unwrap();
    let memory = Arc::new(Memory::default());
    let mut config = Config::new(root.join("spin.toml"));
    config.backend = memory.clone();
    config.outbound = Arc::new(Loopback);
    config.variables.extend(keys.variables.clone());
    for (name, value) in [("public_url", app.as_str()), ("allow_loopback", "true"), ("extra_host_1", &people)] {
        config.variables.insert(name.into(), value.into());
    }
    let vendors = vendors(&config.clock);
    vendors.seed(&serde_json::from_str(&guide_world()).unwrap()).unwrap();
    let running = App::start(config).unwrap();
    tokio::spawn(firstline_host::serve::serve(running.clone(), inside));
    tokio::spawn(Playground { vendors: vendors.clone(), deliver: to_address(&app, &vendors) }.serve(outside));
    Reader { running, app, vendors, people, token: keys.owner_token, memory }
}

impl Reader {
    async fn api(&self, method: &str, path: &str, body: String) -> (u16, Value) {
        let request = http::Request::builder().method(method).uri(format!("{}{path}", self.app)).header("authorization", format!("Bearer {}", self.token));
        let answer = loopback::send(request.body(Bytes::from(body)).unwrap()).await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    /// Does what a section says, with the reader's own values in the documents, and counts the secrets that are pasted.
    async fn follow(&self, lines: &[Line], document: impl Fn(&str) -> String, secrets: &[(&str, &str, &str)]) -> usize {
        let mut pasted = 0;
        for line in lines {
            let (path, body) = match line {
                Line::Document { path, file } => (path.clone(), document(file)),
                Line::Secret { at, name } => {
                    let value = secrets.iter().find(|(of, known, _)| at.ends_with(of) && known == name).unwrap_or_else(|| panic!("{line:?}")).2;
                    pasted += 1;
                    (format!("/api/{at}/secrets/{name}"), value.into())
                }
            };
            let (status, answer) = self.api("PUT", &path, body).await;
            assert!(matches!(status, 200 | 204), "{path} was answered {status}: {answer}");
        }
        pasted
    }

    /// The command that the README names, as it is built.
    async fn check(&self, tenant: &str) -> String {
        let arguments = ["check", tenant, "--api", &self.app, "--token", &self.token].map(str::to_string);
        let run = move || std::process::Command::new(env!("CARGO_BIN_EXE_firstline")).args(arguments).output().unwrap();
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{text}");
        text
    }

    /// Waits also for what goes on behind the answer.
    async fn deliver(&self, webhook: http::Request<Bytes>) {
        let (mut parts, body) = webhook.into_parts();
        parts.uri = format!("{}{}", self.app, parts.uri.path()).parse().unwrap();
        assert_eq!(loopback::send(http::Request::from_parts(parts, body)).await.unwrap().status(), 200);
        self.running.idle().await;
    }

    /// A new client is supervised: whoever reads the guide agrees to the plan, once it waits for that.
    async fn agrees(&self, tenant: &str) {
        let (_, cases) = self.api("GET", &format!("/api/tenants/{tenant}/cases"), String::new()).await;
        let path = format!("/api/cases/{}/approval", cases["cases"][0]["case"].as_str().unwrap());
        let (status, asked) = self.api("GET", &path, String::new()).await;
        assert_eq!(status, 200, "nobody is asked to agree: {asked}");
        let (status, answer) = self.api("POST", &path, json!({"request": asked["request"], "choice": "approve"}).to_string()).await;
        assert!((200..300).contains(&status), "{status}: {answer}");
        self.running.idle().await;
    }

    /// A locked-out user's ticket is closed.
    async fn ticket_closes(&self, tenant: &str, workspace: &str, user: &str, company: u64) {
        self.deliver(self.vendors.slack_message(&Said { workspace, user, text: "I forgot my password", ..Said::default() }).unwrap()).await;
        self.deliver(self.vendors.slack_press(&Pressed { workspace, user, button: "Yes", ..Pressed::default() }).unwrap()).await;
        // And nobody has said that the chat is enough: a technician calls back.
        let verified = Pressed { workspace: "T0NORTHWIND", user: "U0TOM", channel: Some("C0STAFF"), button: "Verified by call-back", ..Pressed::default() };
        self.deliver(self.vendors.slack_press(&verified).unwrap()).await;
        self.agrees(tenant).await;
        let state = self.vendors.state();
        let tickets = state["connectwise"]["tickets"].as_array().unwrap();
        assert!(tickets.iter().any(|one| one["company"]["id"] == company && one["closedFlag"] == true), "no ticket of {tenant} is closed: {tickets:?}");
    }
}

/// Values of a document that somebody else gave out, and not the MSP itself.
fn given(document: &Value) -> Vec<String> {
    match document {
        Value::Object(members) => {
            members.iter().filter(|(name, _)| !["name", "id", "vendor", "from"].contains(&name.as_str())).flat_map(|(_, value)| given(value)).collect()
        }
        Value::Array(items) => items.iter().flat_map(given).collect(),
        Value::Null | Value::Bool(_) => Vec::new(),
        Value::Number(_) | Value::String(_) => vec![document.to_string()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_leads_from_nothing_to_a_second_client() {
    let reader = reader().await;
    // Each address of a vendor is where this reader's vendors are served.
    let msp = msp_at(&reader.people, serde_json::from_str(MSP).unwrap());
    let document = |file: &str| match file {
        "msp.json" => msp.to_string(),
        "client.json" => CLIENT.to_string(),
        other => panic!("the guide has no `{other}`"),
    };
    assert!(GUIDE.contains(&format!("-X POST -H \"Authorization: Bearer $TOKEN\" {ADDRESS}/api/tick")));
    assert_eq!(reader.api("POST", "/api/tick", String::new()).await.0, 200);
    assert_eq!(reader.follow(&commands("3. The MSP, once"), document, &GUIDE_SECRETS).await, 5);
    // The first client is the guide's own; the second is the same file with its names and three values.
    let first = commands("4. A client: three values");
    assert_eq!(reader.follow(&first, document, &GUIDE_SECRETS).await, 1);
    let client = CLIENT.replace("Acme Ltd", "Initech").replace("acme", "initech");
    let client = client.replace("8d1c5b1e-3f0a-4b8e-9a61-2f6f5c1d7a10", "2c7a9f40-6d1e-4b52-8c3f-5e0b7d9a1c22").replace("19", "21");
    let values = given(&serde_json::from_str(&client).unwrap());
    let second: Vec<Line> = first
        .iter()
        .map(|line| match line {
            Line::Document { path, file } => Line::Document { path: path.replace("acme", "initech"), file: file.clone() },
            Line::Secret { at, name } => Line::Secret { at: at.replace("acme", "initech"), name: name.clone() },
        })
        .collect();
    let pasted = values.len() + reader.follow(&second, |_| client.clone(), &GUIDE_SECRETS).await;
    assert!(pasted <= 3, "a second client costs {pasted} values: {values:?} and its secrets");

    for (tenant, workspace, user, company) in [("acme", "T0ACME", "U0JANE", 19), ("initech", "T0INITECH", "U0IVY", 21)] {
        let (_, shown) = reader.api("GET", &format!("/api/tenants/{tenant}"), String::new()).await;
        assert_eq!(shown["missing"], json!([]), "{shown}");
        let told = reader.check(tenant).await;
        // For lost phones the first client's application was given nothing, which holds up nothing else.
        assert!(told.contains(", full: ready"), "{told}");
        assert_eq!(told.contains("mfa_reset: needs"), tenant == "acme", "{told}");
        reader.ticket_closes(tenant, workspace, user, company).await;
    }
    assert_eq!(reader.vendors.violations(), Vec::<String>::new());
    // Neither client's data appears in the other's case.
    for (tenant, own, others) in
        [("acme", "jane@acme.example", ["initech", "Ivy", "T0INITECH"]), ("initech", "ivy@initech.example", ["acme", "Jane", "T0ACME"])]
    {
        let (_, cases) = reader.api("GET", &format!("/api/tenants/{tenant}/cases"), String::new()).await;
        let case = cases["cases"][0]["case"].as_str().unwrap().to_string();
        assert_eq!(cases["cases"].as_array().unwrap().len(), 1, "{cases}");
        let request =
            http::Request::builder().uri(format!("{}/api/cases/{case}/evidence", reader.app)).header("authorization", format!("Bearer {}", reader.token));
        let answer = loopback::send(request.body(Bytes::new()).unwrap()).await.unwrap();
        let evidence = String::from_utf8(answer.body().to_vec()).unwrap();
        assert!(answer.status() == 200 && evidence.contains(own), "{tenant}: {evidence}");
        others.iter().for_each(|other| assert!(!evidence.contains(other), "{tenant}'s case holds `{other}`"));
    }
    let text = |value: firstline_host::Value| {
        if let firstline_host::Value::Bytes(bytes) = value { String::from_utf8_lossy(&bytes).into_owned() } else { String::new() }
    };
    let stored: String = reader.memory.dump().into_values().map(text).collect();
    GUIDE_SECRETS.iter().for_each(|(_, _, secret)| assert!(!stored.contains(secret), "`{secret}` stands in the clear"));
}

#[test]
fn a_line_that_the_guide_adds_is_followed_or_refused() {
    assert_eq!(commands("4. A client: three values").len(), 2);
    assert!(std::panic::catch_unwind(|| commands("9. Nothing")).is_err());
}
