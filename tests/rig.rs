//! A desk for tests: a chosen world, one stage swapped for the stub, and everything that came of it.

use bytes::Bytes;
use firstline_core::{keys, record::IntegrityKey};
use firstline_host::desk::{Desk, Keys, TENANTS, vendors};
use firstline_host::{Clock, Config, Event, Memory, build, simulated};
use firstline_vendors::{DEMO, slack::human};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The folder with `spin.toml`.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The stub of every stage, built once.
pub fn stub() -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        // The stages' own build brings the target.
        build::once(&root()).unwrap();
        build::cargo(&root(), &["build", "--profile", "component", "--target", "wasm32-unknown-unknown", "-p", "firstline-stubs"]).unwrap();
    });
    root().join("target/wasm32-unknown-unknown/component/firstline_stubs.wasm")
}

/// The demo's desk with parts of it exchanged.
pub struct Rig {
    /// The running application and its vendors.
    pub desk: Desk,
    /// Its store.
    pub memory: Arc<Memory>,
    /// What the components printed.
    pub lines: Arc<Mutex<Vec<String>>>,
    clock: Clock,
}

/// What differs from the demo.
#[derive(Default)]
pub struct Setup<'a> {
    /// The stage that the stub stands in for; empty for none.
    pub stub_for: &'a str,
    /// Jane's name before the `@`, everywhere; empty for her own.
    pub jane: &'a str,
    /// Variables beside the keys.
    pub variables: &'a [(&'a str, &'a str)],
    /// No tenants are entered.
    pub empty: bool,
    /// Acme has a language model.
    pub language_model: bool,
    /// A manifest other than the product's.
    pub manifest: Option<PathBuf>,
}

/// Starts a desk under a paused clock.
pub async fn start(setup: Setup<'_>) -> Rig {
    build::once(&root()).unwrap();
    let memory = Arc::new(Memory::default());
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = lines.clone();
    let mut config = Config::new(setup.manifest.unwrap_or_else(|| root().join("spin.toml")));
    config.backend = memory.clone();
    config.clock = simulated(at());
    config.trace = Arc::new(move |event| match event {
        Event::Line { text, .. } => told.lock().unwrap().push(text),
        Event::Trap { component, why } => told.lock().unwrap().push(format!("trap: {component}: {why}")),
        _ => {}
    });
    if !setup.stub_for.is_empty() {
        config.sources.insert(setup.stub_for.into(), stub());
    }
    if setup.language_model {
        config.variables.insert("extra_host_8".into(), "https://llm.northwind.example".into());
    }
    config.variables.extend(setup.variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    let clock = config.clock.clone();
    let vendors = vendors(&clock);
    let world = if setup.jane.is_empty() { DEMO.to_string() } else { DEMO.replace("jane@acme.example", &format!("{}@acme.example", setup.jane)) };
    vendors.seed(&serde_json::from_str(&world).unwrap()).unwrap();
    let desk = Desk::start(config, vendors, Duration::ZERO, Keys::make().unwrap()).unwrap();
    if !setup.empty {
        let mut tenants: Value = serde_json::from_str(TENANTS).unwrap();
        if setup.language_model {
            let model = json!({"id": "acme-mind", "vendor": "openai", "base_url": "https://llm.northwind.example/v1", "account": {"model": "small"}});
            tenants["tenants"][0]["connections"].as_array_mut().unwrap().push(model);
            tenants["secrets"]["acme-mind"] = json!({"api-key": "northwind-model-key"});
        }
        desk.enter(&tenants).await.unwrap();
    }
    Rig { desk, memory, lines, clock }
}

/// 22 November 2026, noon UTC.
fn at() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_348_800)
}

impl Rig {
    /// Jane writes to the assistant; the webhook's status.
    pub async fn says(&self, text: &str) -> u16 {
        let said = human::Said { workspace: "T0ACME", user: "U0JANE", text, ..Default::default() };
        self.desk.deliver(self.desk.vendors.slack_message(&said).unwrap()).await.status().as_u16()
    }

    /// Jane presses a button.
    pub async fn presses(&self, button: &str) -> u16 {
        let pressed = human::Pressed { workspace: "T0ACME", user: "U0JANE", button, ..Default::default() };
        let pressed = self.desk.vendors.slack_press(&pressed).unwrap_or_else(|why| panic!("{why}\n{}", self.log()));
        self.desk.deliver(pressed).await.status().as_u16()
    }

    /// Time passes, and a scheduler ticks every minute.
    pub async fn minutes(&self, minutes: u32) {
        for _ in 0..minutes {
            tokio::time::sleep(Duration::from_secs(60)).await;
            self.desk.tick().await.unwrap();
        }
    }

    /// Requests that changed something at a vendor, or tried to, as `METHOD path`; the token endpoint is none, nor Slack's look at a token.
    pub fn changes(&self, vendor: &str) -> Vec<String> {
        let calls = self.desk.vendors.calls();
        let tried = calls.iter().filter(|call| call.vendor == vendor && (call.changed || call.method != "GET"));
        let tried = tried.filter(|call| !["/oauth2/v2.0/token", "/auth.test"].iter().any(|path| call.path.ends_with(path)));
        tried.map(|call| format!("{} {}", call.method, call.path)).collect()
    }

    /// The accounts of Acme's directory.
    pub fn accounts(&self) -> Value {
        self.desk.vendors.state()["entra"]["tenants"][0]["users"].clone()
    }

    /// What the assistant wrote to Jane.
    pub fn messages(&self) -> Vec<String> {
        let state = self.desk.vendors.state();
        let channels = state["slack"]["workspaces"][0]["channels"].as_array().cloned().unwrap_or_default();
        let direct = channels.into_iter().find(|channel| channel["id"] == "D0JANE").unwrap_or_default();
        let messages = direct["messages"].as_array().cloned().unwrap_or_default();
        messages.iter().filter(|message| message["user"] != "U0JANE").map(|message| message["text"].as_str().unwrap_or_default().to_string()).collect()
    }

    /// Tickets in the PSA.
    pub fn tickets(&self) -> Vec<Value> {
        self.desk.vendors.state()["connectwise"]["tickets"].as_array().cloned().unwrap_or_default()
    }

    /// All notes in the PSA as one text.
    pub fn notes(&self) -> String {
        self.desk.vendors.state()["connectwise"]["notes"].to_string()
    }

    /// Cases of Acme today.
    pub async fn cases(&self) -> Vec<Value> {
        let (status, answer) = self.desk.api("GET", "/api/tenants/acme/cases", "").await.unwrap();
        assert_eq!(status, 200, "{answer}");
        answer["cases"].as_array().cloned().unwrap()
    }

    /// The only case, and its whole journal.
    pub async fn case(&self) -> (Value, String) {
        let cases = self.cases().await;
        assert_eq!(cases.len(), 1, "{cases:?}\n{}", self.log());
        let (mut journal, mut from) = (String::new(), String::new());
        loop {
            let id = cases[0]["case"].as_str().unwrap();
            let (_, page) = self.desk.api("GET", &format!("/api/cases/{id}/journal{from}"), "").await.unwrap();
            journal += &page["entries"].to_string();
            match page["next"].as_str() {
                Some(next) => from = format!("?from={next}"),
                None => return (cases[0].clone(), journal),
            }
        }
    }

    /// The log, for complaints.
    pub fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// No component trapped.
    pub fn assert_no_trap(&self) {
        let log = self.log();
        assert!(!log.contains("trap: "), "{log}");
    }

    /// The key that only console and technician hold.
    pub fn integrity(&self) -> IntegrityKey {
        IntegrityKey::parse(&self.desk.keys.variables["integrity_key"]).unwrap()
    }

    /// The conversation of Jane's direct messages.
    pub fn conversation(&self) -> String {
        keys::conversation("acme", "acme-slack", "D0JANE", None)
    }

    /// Seconds since 1970.
    pub fn now(&self) -> u64 {
        firstline_host::desk::millis(&self.clock) / 1_000
    }

    /// Asks the application.
    pub async fn request(&self, request: http::Request<Bytes>) -> (u16, String) {
        let answer = self.desk.deliver(request).await;
        (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
    }
}
