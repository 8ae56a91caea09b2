//! The outside world in memory: store, clock, vendors that keep state, and honest stages.

pub use crate::host::Store;
use crate::host::{Fault, Host, Incoming, Outgoing, SendError, Signed, StageFault, Stages};
use crate::runner::{Settings, post, run};
use crate::tick::sweep;
use firstline_core::case::Task;
use firstline_core::journal::{Snapshot, Summary};
use firstline_core::mailbox::{Act, Event, Place};
use firstline_core::past::{Familiar, Lesson};
use firstline_core::record::{read, write};
use firstline_core::seal::{PrivateKey, Secret, base64, key_pair};
use firstline_core::stage::*;
use firstline_core::tenant::{Credential, Document, Reach, Tenant, parse};
use firstline_core::wire::{Body, Effect, Fill, Reply, Request, Response, Step, Target};
use firstline_core::{Instant, keys};
pub use futures::executor::block_on;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

pub const START: Instant = 1_800_000_000_000;
pub const MINUTE: u64 = 60_000;

/// What a vendor does instead of answering.
#[derive(Clone)]
pub enum Trouble {
    /// Answers so, and applies nothing.
    Answers(u16, &'static [(&'static str, &'static str)]),
    /// Cannot be reached.
    Refuses,
    /// The answer gets lost: applied or not.
    Loses(bool),
}

/// A request that left.
#[derive(Clone)]
pub struct Sent {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub at: Instant,
}

#[derive(Default)]
pub struct Vendors {
    /// Slack's messages.
    pub messages: Vec<Value>,
    /// The one account's password, and how often it was changed.
    pub password: String,
    pub changes: u64,
    pub revoked: u64,
    /// Good access tokens are numbered; the last one is valid.
    pub tokens: u64,
    /// ConnectWise's tickets: external reference, company, status, notes.
    pub tickets: Vec<(String, u64, u64, Vec<String>)>,
}

pub struct World {
    pub values: RefCell<BTreeMap<String, Vec<u8>>>,
    pub counters: RefCell<BTreeMap<String, i64>>,
    /// Everything that was ever stored or logged.
    pub seen: RefCell<Vec<Vec<u8>>>,
    pub sent: RefCell<Vec<Sent>>,
    pub now: Cell<Instant>,
    /// Effects so far: commits, increments and sends.
    pub effects: Cell<u32>,
    /// The process dies at this effect: before it or after it.
    pub crash: Cell<Option<(u32, bool)>>,
    pub dead: Cell<bool>,
    /// The next request whose line contains this meets trouble.
    pub troubles: RefCell<VecDeque<(&'static str, Trouble)>>,
    /// When a body with this text has been sent, the user writes that, or presses the button: `press yes`.
    pub arrivals: RefCell<VecDeque<(&'static str, &'static str)>>,
    pub vendors: RefCell<Vendors>,
    random: Cell<u8>,
    /// Milliseconds that one effect takes.
    pub pace: Cell<u64>,
    pub variables: BTreeMap<&'static str, String>,
    link_key: PrivateKey,
    events: Cell<i64>,
}

pub fn document() -> Value {
    json!({
        "tenant": "acme", "name": "Acme", "msp": {"name": "Northwind IT", "phone": "+1 555 0100"},
        "connections": [
            {"id": "chat", "vendor": "slack", "base_url": "https://slack.com/api", "account": {"team": "T1"}},
            {"id": "idp", "vendor": "entra", "base_url": "https://graph.microsoft.com/v1.0",
             "token_url": "https://login.microsoftonline.com/d/oauth2/v2.0/token", "account": {"directory": "d", "client_id": "app 1"}},
            {"id": "okta", "vendor": "okta", "base_url": "https://acme.okta.com", "account": {"org": "o"}},
            {"id": "desk", "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4/apis/3.0", "account": {"login_company": "nw", "client_id": "cw-app"}}
        ],
        "desk": {"company": 19, "board": 1},
        "guardrails": {"autonomy": {"default": {"mode": "autonomous"}}}
    })
}

pub fn tenant() -> Tenant {
    parse("acme", document().to_string().as_bytes(), &Reach::default()).unwrap()
}

/// Values of the credentials, none of which may ever be stored or logged in the clear.
pub const CREDENTIALS: [(&str, &str, &str); 5] = [
    ("chat", "bot-token", "xoxb-bot-token"),
    ("idp", "client-secret", "client secret/1"),
    ("okta", "api-token", "okta-api-token"),
    ("desk", "public-key", "cw-public"),
    ("desk", "private-key", "cw-private"),
];

impl World {
    pub fn new() -> Self {
        let ((mine, my_public), (link, link_public)) = (key_pair(), key_pair());
        let variables = BTreeMap::from([
            ("technician_private_key", mine.expose().to_string()),
            ("technician_public_key", my_public),
            ("link_public_key", link_public),
            ("integrity_key", base64(&[7; 32])),
            ("public_url", "https://help.example/".to_string()),
        ]);
        let world = World {
            values: RefCell::default(),
            counters: RefCell::default(),
            seen: RefCell::default(),
            sent: RefCell::default(),
            now: START.into(),
            effects: 0.into(),
            crash: None.into(),
            dead: false.into(),
            troubles: RefCell::default(),
            arrivals: RefCell::default(),
            vendors: RefCell::default(),
            random: 1.into(),
            pace: 1.into(),
            variables,
            link_key: PrivateKey::parse("k", link.expose()).unwrap(),
            events: 0.into(),
        };
        world.save(&tenant());
        for (connection, name, secret) in CREDENTIALS {
            world.enter(connection, name, secret);
        }
        world
    }

    pub fn settings(&self) -> Settings {
        let dead = self.dead.replace(false);
        let settings = block_on(Settings::load(self)).unwrap();
        self.dead.set(dead);
        settings
    }

    pub fn save(&self, tenant: &Tenant) {
        let key = keys::tenant("acme");
        // What holds for a tenant that stands alone is also what its document says.
        let document: Document = serde_json::from_value(serde_json::to_value(tenant).unwrap()).unwrap();
        let bytes = self.settings().integrity.write(&key, &document);
        self.values.borrow_mut().insert(key, bytes);
    }

    /// Lists a tenant as the console does.
    pub fn list_tenant(&self, tenant: &str) {
        let number = block_on(self.increment(&keys::tenant_counter(), 1)).unwrap();
        let bytes = self.settings().integrity.write(&keys::listed(number), &firstline_core::tenant::Listed { tenant: tenant.into() });
        self.values.borrow_mut().insert(keys::listed(number), bytes);
    }

    /// Seals a credential as the console does.
    pub fn enter(&self, connection: &str, name: &str, secret: &str) {
        let settings = self.settings();
        let tenant = block_on(crate::tenants::load(self, &settings.integrity, "acme")).unwrap();
        let firstline_core::tenant::Place { key, context, .. } = tenant.connection(connection).unwrap().place("acme", name);
        let sealed = settings.public_key.seal(&Secret::new(secret.into()), &context).unwrap();
        self.values.borrow_mut().insert(key, write(&Credential { sealed: base64(&sealed), entered: 0, by: "Ada".into() }));
    }

    pub fn event(&self, act: Act) -> Event {
        self.events.set(self.events.get() + 1);
        let id = format!("D1:{}", self.events.get());
        Event {
            message: id.clone(),
            id,
            tenant: "acme".into(),
            connection: "chat".into(),
            workspace: "T1".into(),
            author: "U1".into(),
            author_workspace: None,
            channel: "D1".into(),
            thread: None,
            place: Place::Direct,
            act,
            at: self.now.get(),
            received: self.now.get(),
            to: None,
        }
    }

    pub fn conversation() -> String {
        keys::conversation("acme", "chat", "D1", None)
    }

    /// Takes an event in and works, as intake and its poke do. False if the sender gets an error and sends it again.
    pub fn deliver(&self, stages: &Script, event: &Event) -> bool {
        let Ok(woken) = block_on(post(self, event)) else { return false };
        if let Some((conversation, epoch)) = woken {
            block_on(run(self, stages, &self.settings(), &conversation, epoch));
        }
        true
    }

    pub fn say(&self, stages: &Script, text: &str) {
        assert!(self.deliver(stages, &self.event(Act::Message(text.into()))));
    }

    /// The value of the button that stands in Slack.
    pub fn button(&self, choice: &str) -> Option<String> {
        let vendors = self.vendors.borrow();
        let message = vendors.messages.iter().rev().find(|message| message["blocks"]["buttons"].is_array())?;
        message["blocks"]["buttons"].as_array()?.iter().filter_map(Value::as_str).find(|value| value.contains(choice)).map(Into::into)
    }

    pub fn press(&self, stages: &Script, choice: &str) {
        let value = self.button(choice).expect("a button stands there");
        assert!(self.deliver(stages, &self.event(Act::Press(value))));
    }

    /// One tick of the scheduler, and the work it leads to.
    pub fn tick(&self, stages: &Script) -> usize {
        let settings = self.settings();
        let Ok(runs) = block_on(sweep(self, &settings)) else { return 0 };
        for (conversation, epoch) in &runs {
            block_on(run(self, stages, &settings, conversation, *epoch));
        }
        runs.len()
    }

    pub fn snapshot(&self) -> Option<Snapshot> {
        let key = keys::snapshot(&World::conversation());
        let values = self.values.borrow();
        values.get(&key).map(|bytes| self.settings().integrity.read(&key, bytes).unwrap())
    }

    /// How the cases ended, or `open`.
    pub fn cases(&self) -> Vec<Summary> {
        let settings = self.settings();
        let values = self.values.borrow();
        values.iter().filter(|(key, _)| key.starts_with("case/")).map(|(key, bytes)| settings.integrity.read(key, bytes).unwrap()).collect()
    }

    /// `state reason` of the only case.
    pub fn end(&self) -> String {
        match self.cases().as_slice() {
            [case] => format!("{} {}", case.state, case.reason.clone().unwrap_or_default()).trim().to_string(),
            cases => format!("{} cases", cases.len()),
        }
    }

    /// Lines of what left, without reads of a kind that does not matter.
    pub fn lines(&self, with: &str) -> Vec<String> {
        self.sent.borrow().iter().filter(|sent| sent.line.contains(with)).map(|sent| sent.line.clone()).collect()
    }

    /// The secret behind a view-once link, as the credential link would show it.
    pub fn reveal(&self, url: &str) -> Option<String> {
        let hash = firstline_core::once::token_hash(url.rsplit('/').next()?)?;
        let once: firstline_core::once::Once = read(self.values.borrow().get(&keys::once(&hash))?).ok()?;
        let context = firstline_core::seal::once_context(&hash, &once.tenant, once.expires);
        self.link_key.open(&firstline_core::seal::unbase64(&once.sealed)?, &context).map(|secret| secret.expose().to_string())
    }

    /// Links that were delivered.
    pub fn links(&self) -> Vec<String> {
        self.vendors.borrow().messages.iter().filter_map(|m| m["blocks"][0]["elements"][0]["url"].as_str().map(Into::into)).collect()
    }

    /// Whether this text stands anywhere in what was ever stored or logged.
    pub fn leaked(&self, text: &str) -> bool {
        !text.is_empty() && self.seen.borrow().iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    /// Counts an effect, and dies before or after it.
    fn effect<T>(&self, doing: impl FnOnce() -> T) -> Result<T, Fault> {
        if self.dead.get() {
            return Err(Fault("dead".into()));
        }
        let number = self.effects.get();
        self.effects.set(number + 1);
        self.now.set(self.now.get() + self.pace.get());
        let crash = self.crash.get().filter(|(at, _)| *at == number);
        if let Some((_, before)) = crash {
            self.dead.set(true);
            if before {
                return Err(Fault("died before".into()));
            }
        }
        let done = doing();
        if crash.is_some() { Err(Fault("died after".into())) } else { Ok(done) }
    }

    fn vendor(&self, line: &str, request: &Outgoing) -> Incoming {
        let mut vendors = self.vendors.borrow_mut();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let answer = |status: u16, body: Value| Incoming { status, headers: vec![("x-other".into(), "1".into())], body: body.to_string().into_bytes() };
        let token = format!("Bearer access-token-{}", vendors.tokens);
        if line.contains("graph.microsoft.com") && !request.headers.iter().any(|(name, value)| name == "authorization" && *value == token) {
            return answer(401, json!({"error": "InvalidAuthenticationToken"}));
        }
        let (method, url) = line.split_once(' ').unwrap();
        let path = url.split(['?']).next().unwrap().rsplit(".com").next().unwrap();
        match (method, path) {
            ("POST", "/d/oauth2/v2.0/token") => {
                vendors.tokens += 1;
                answer(200, json!({"access_token": format!("access-token-{}", vendors.tokens), "expires_in": 3600}))
            }
            ("POST", "/api/conversations.open") => answer(200, json!({"ok": true, "channel": {"id": "D1"}})),
            ("GET", "/api/users.info") | ("POST", "/api/users.lookupByEmail") => answer(200, json!({"ok": true})),
            ("GET", "/api/conversations.history") => answer(200, json!({"messages": vendors.messages})),
            ("POST", "/api/chat.postMessage" | "/api/chat.update") => {
                // A replaced message is one message, however often it is replaced.
                vendors.messages.retain(|message| body["ts"].is_null() || message["ts"] != body["ts"]);
                vendors.messages.push(body);
                answer(200, json!({"ok": true, "ts": vendors.messages.len().to_string()}))
            }
            ("GET", "/v1.0/users/jane@acme.example" | "/v1.0/users/jane%40acme.example") => {
                answer(200, json!({"id": "u1", "userPrincipalName": "jane@acme.example", "changes": vendors.changes}))
            }
            ("GET", "/v1.0/users/u1") => answer(200, json!({"id": "u1", "changes": vendors.changes})),
            ("PATCH", "/v1.0/users/u1") => {
                vendors.password = body["passwordProfile"]["password"].as_str().unwrap_or_default().into();
                vendors.changes += 1;
                answer(204, Value::Null)
            }
            ("POST", "/v1.0/users/u1/revokeSignInSessions") => {
                vendors.revoked += 1;
                answer(200, json!({"value": true}))
            }
            _ => {
                let path = url.split(['?']).next().unwrap().rsplit("apis/3.0").next().unwrap();
                let show = |id: usize, ticket: &(String, u64, u64, Vec<String>)| json!({"id": id, "externalXRef": ticket.0, "company": {"id": ticket.1}, "status": {"id": ticket.2}, "notes": ticket.3});
                match (method, path.split('/').skip(1).collect::<Vec<_>>().as_slice()) {
                    ("GET", ["service", "tickets"]) => answer(200, vendors.tickets.iter().enumerate().map(|(i, ticket)| show(i + 1, ticket)).collect()),
                    ("POST", ["service", "tickets"]) => {
                        let ticket = (body["externalXRef"].as_str().unwrap().to_string(), body["company"]["id"].as_u64().unwrap(), 1, Vec::new());
                        vendors.tickets.push(ticket);
                        answer(201, show(vendors.tickets.len(), &vendors.tickets[vendors.tickets.len() - 1]))
                    }
                    (method, ["service", "tickets", id, rest @ ..]) => {
                        let id: usize = id.parse().unwrap();
                        let ticket = &mut vendors.tickets[id - 1];
                        match (method, rest) {
                            ("POST", ["notes"]) => ticket.3.push(body["text"].as_str().unwrap().into()),
                            ("PATCH", []) => ticket.2 = body[0]["value"]["id"].as_u64().unwrap(),
                            _ => {}
                        }
                        answer(200, show(id, ticket))
                    }
                    _ => answer(404, json!({"no": line})),
                }
            }
        }
    }
}

impl Store for World {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        if self.dead.get() {
            return Err(Fault("dead".into()));
        }
        let counter = self.counters.borrow().get(key).map(|n| n.to_le_bytes().to_vec());
        Ok(counter.or_else(|| self.values.borrow().get(key).cloned()))
    }

    async fn set_many(&self, writes: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
        self.effect(|| {
            assert!(writes.iter().all(|(key, _)| !key.starts_with("c/") && key.len() <= 256), "counters are never set");
            self.seen.borrow_mut().extend(writes.iter().map(|(key, value)| [key.as_bytes(), value].concat()));
            self.values.borrow_mut().extend(writes);
        })
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Fault> {
        self.effect(|| {
            assert!(key.starts_with("c/"), "counters have a prefix of their own");
            let mut counters = self.counters.borrow_mut();
            let counter = counters.entry(key.into()).or_default();
            *counter += delta;
            *counter
        })
    }
}

impl Host for World {
    fn now(&self) -> Instant {
        self.now.get()
    }
    fn random(&self) -> Result<[u8; 32], Fault> {
        self.random.set(self.random.get().wrapping_add(1));
        Ok([self.random.get(); 32])
    }
    async fn variable(&self, name: &str) -> String {
        self.variables.get(name).cloned().unwrap_or_default()
    }
    async fn send(&self, request: Outgoing) -> Result<Incoming, SendError> {
        let line = format!("{} {}", request.method, request.url);
        let trouble = {
            let mut troubles = self.troubles.borrow_mut();
            let at = troubles.iter().position(|(of, _)| line.contains(of));
            at.and_then(|at| troubles.remove(at)).map(|(_, trouble)| trouble)
        };
        let body = String::from_utf8(request.body.clone()).unwrap();
        let arrives = self.arrivals.borrow_mut().pop_front_if(|(text, _)| body.contains(*text));
        let answer = self
            .effect(|| {
                self.sent.borrow_mut().push(Sent { line: line.clone(), headers: request.headers.clone(), body, at: self.now.get() });
                match trouble {
                    None => Ok(self.vendor(&line, &request)),
                    Some(Trouble::Answers(status, headers)) => {
                        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
                        Ok(Incoming { status, headers, body: b"{}".to_vec() })
                    }
                    Some(Trouble::Refuses) => Err(SendError::NotSent),
                    Some(Trouble::Loses(applied)) => {
                        if applied {
                            self.vendor(&line, &request);
                        }
                        Err(SendError::Lost)
                    }
                }
            })
            .map_err(|_| SendError::Lost)?;
        if let Some((_, does)) = arrives {
            let act = match does.strip_prefix("press ") {
                Some(choice) => Act::Press(self.button(choice).unwrap()),
                None => Act::Message(does.into()),
            };
            let woken = post(self, &self.event(act)).await;
            assert!(self.dead.get() || matches!(woken, Ok(None)), "a runner is at work already");
        }
        answer
    }
    async fn sleep(&self, milliseconds: u64) {
        self.now.set(self.now.get() + milliseconds);
    }
    fn log(&self, line: String) {
        self.seen.borrow_mut().push(line.into_bytes());
    }
}

/// A step that a stage takes whatever it has seen.
pub type Claim = fn() -> Step<Outcome>;

/// Stages that do their work honestly, and lies that they can be told to tell.
#[derive(Default)]
pub struct Script {
    /// Instead of its first step, the task with this name sends these.
    pub lie: Option<(&'static str, Vec<Request>)>,
    /// Instead of its first step, the task with this name answers this.
    pub claim: Option<(&'static str, Claim)>,
    /// Verdicts of the guardrails, in order; then they let pass.
    pub verdicts: RefCell<VecDeque<Option<Verdict>>>,
    /// The connectors were upgraded: their requests differ.
    pub upgraded: Cell<bool>,
    /// The last question to the guardrails.
    pub asked: RefCell<Option<Question>>,
    /// The identity check fails.
    pub blind: Cell<bool>,
}

/// The name of a task, as scripts and lies use it.
pub fn name(work: &Work) -> &str {
    match work {
        Work::Chat(ChatAct::Who(_)) => "who",
        Work::Chat(ChatAct::Find(_)) => "find-user",
        Work::Chat(ChatAct::OpenDirect(_)) => "open-direct",
        Work::Chat(ChatAct::Say(message) | ChatAct::Replace(_, message)) => &message.words.sentence,
        Work::Idp(IdpAct::Find(_)) => "find",
        Work::Idp(IdpAct::Unlock(_)) => "unlock",
        Work::Idp(IdpAct::ResetPassword(_)) => "reset",
        Work::Idp(IdpAct::RevokeSessions(_)) => "revoke",
        Work::Idp(IdpAct::ResetFactors(_)) => "reset-factors",
        Work::Idp(IdpAct::CheckFactors(_)) => "check-factors",
        Work::Idp(IdpAct::LookUp(_) | IdpAct::LookUpGroup(_) | IdpAct::LookUpMailbox(_)) => "look-up",
        Work::Idp(IdpAct::FirstSignIn(..)) => "first-sign-in",
        Work::Psa(PsaAct::Open(_)) => "open",
        Work::Psa(PsaAct::Close(_)) => "close",
        Work::Psa(PsaAct::HandOver(_)) => "hand-over",
        Work::Psa(PsaAct::Note(_)) => "note",
        Work::Psa(PsaAct::Look(_)) => "look",
        Work::Psa(PsaAct::Wait(_)) => "wait",
        Work::Psa(PsaAct::Contacts(_)) => "contacts",
        Work::Model(_) => "consult",
        Work::Proof(_) => "prove",
    }
}

pub fn request(method: &str, path: &str, body: Option<Value>) -> Request {
    let effect = if method == "GET" { Effect::Read } else { Effect::Change };
    let body = body.map_or(Body::Empty, |body| Body::Json(body.to_string()));
    Request {
        method: method.into(),
        target: Target::Path(path.split('/').map(Into::into).collect()),
        query: vec![],
        headers: vec![],
        body,
        fill: vec![],
        effect,
    }
}

pub fn reset_request() -> Request {
    let body = json!({"passwordProfile": {"forceChangePasswordNextSignIn": true, "password": ""}});
    let fill = vec![Fill { pointer: "/passwordProfile/password".into(), name: "temporary-password".into() }];
    Request { fill, ..request("PATCH", "users/u1", Some(body)) }
}

struct Io<'a>(std::slice::Iter<'a, Reply>);
type Flow<T> = Result<T, Box<Step<Outcome>>>;

impl Io<'_> {
    fn send(&mut self, request: Request) -> Flow<Reply> {
        self.0.next().cloned().ok_or_else(|| Box::new(Step::SendAll(vec![request])))
    }
    /// Anything but an answer of 2xx goes to a human.
    fn read(&mut self, request: Request) -> Flow<Value> {
        match self.send(request)? {
            Reply::Response(Response { status: 200..300, body, .. }) => Ok(serde_json::from_str(&body).unwrap_or_default()),
            Reply::Response(Response { status, .. }) => Err(escalate(&format!("answered-{status}"))),
            Reply::NotApplied(_) | Reply::Unknown(_) | Reply::Waited(_) => Err(escalate("vendor-down")),
        }
    }
    /// Sends a change until what `done` reads back says that it stands.
    fn change(&mut self, request: &Request, mut done: impl FnMut(&mut Self) -> Flow<bool>) -> Flow<()> {
        for _ in 0..3 {
            match self.send(request.clone())? {
                Reply::Response(Response { status: 200..300, .. }) => return Ok(()),
                Reply::Response(Response { status, .. }) => return Err(escalate(&format!("refused-{status}"))),
                Reply::Unknown(_) if done(self)? => return Ok(()),
                Reply::Unknown(_) | Reply::NotApplied(_) | Reply::Waited(_) => {}
            }
        }
        Err(escalate("vendor-down"))
    }
}

fn escalate(code: &str) -> Box<Step<Outcome>> {
    Box::new(Step::Done(Outcome::Escalate(code.into(), "as told".into())))
}

fn report(secret: Option<&str>) -> Report {
    Report { evidence: vec!["read back".into()], secret: secret.map(Into::into) }
}

impl Script {
    fn work(&self, task: &Task, signed: &Signed) -> Flow<Outcome> {
        let mut io = Io(task.replies.iter());
        match &task.work {
            Work::Model(unread) => {
                let body = json!({"model": "m", "messages": unread.text, "response_format": {}, "max_tokens": 300, "temperature": 0, "stream": false});
                let answer = io.read(Request { effect: Effect::Read, ..request("POST", "chat/completions", Some(body)) })?;
                Ok(Outcome::Opinion(Opinion { intent: answer["intent"].as_str().unwrap().into(), entities: vec![] }))
            }
            Work::Chat(ChatAct::Who(user)) => {
                io.read(Request { query: vec![("user".into(), user.clone())], ..request("GET", "users.info", None) })?;
                let email = Some("jane@acme.example".into());
                Ok(Outcome::Profile(Profile {
                    id: user.clone(),
                    workspace: "T1".into(),
                    email,
                    name: "Jane".into(),
                    guest: false,
                    inactive: false,
                    locale: None,
                }))
            }
            Work::Chat(ChatAct::Find(address)) => {
                let body = Body::Form(vec![("email".into(), address.clone())]);
                io.read(Request { body, effect: Effect::Read, ..request("POST", "users.lookupByEmail", None) })?;
                Ok(Outcome::Profile(Profile {
                    id: "U1".into(),
                    workspace: "T1".into(),
                    email: Some(address.clone()),
                    name: "Jane".into(),
                    guest: false,
                    inactive: false,
                    locale: None,
                }))
            }
            Work::Chat(ChatAct::OpenDirect(user)) => {
                let open = Request { body: Body::Form(vec![("users".into(), user.clone())]), ..request("POST", "conversations.open", None) };
                io.change(&open, |_| Ok(true))?;
                Ok(Outcome::Opened("D1".into()))
            }
            Work::Chat(ChatAct::Say(message)) => {
                let mut body = json!({"channel": message.channel, "text": message.words.sentence, "blocks": {}, "metadata": {"tag": signed.tag}, "unfurl_links": false, "unfurl_media": false});
                if !message.buttons.is_empty() {
                    body["blocks"] = json!({"buttons": message.buttons.iter().map(|b| (signed.button)(&b.choice)).collect::<Vec<_>>()});
                }
                let mut post = request("POST", "chat.postMessage", None);
                if let Some(name) = &message.secret_link {
                    post.fill = vec![Fill { pointer: "/blocks/0/elements/0/url".into(), name: name.clone() }];
                    body["blocks"] = json!([{"elements": [{"url": ""}]}]);
                }
                post.body = Body::Json(body.to_string());
                let tag = signed.tag.clone();
                io.change(&post, |io| {
                    let history = io.read(Request { query: vec![("channel".into(), "D1".into())], ..request("GET", "conversations.history", None) })?;
                    Ok(history["messages"].as_array().into_iter().flatten().any(|m| m["metadata"]["tag"] == *tag))
                })?;
                Ok(Outcome::Posted("m".into()))
            }
            Work::Chat(ChatAct::Replace(message, words)) => {
                let body = json!({"channel": words.channel, "ts": message, "text": words.words.sentence, "blocks": {}, "parse": "none"});
                io.change(&request("POST", "chat.update", Some(body)), |_| Ok(true))?;
                Ok(Outcome::Posted(message.clone()))
            }
            Work::Idp(IdpAct::Find(sought)) => {
                let user = io.read(request("GET", &format!("users/{}", sought.name), None))?;
                let id = user["id"].as_str().unwrap_or_default().to_string();
                Ok(Outcome::Found(account(&id, &sought.name)))
            }
            Work::Idp(IdpAct::LookUp(_) | IdpAct::LookUpGroup(_) | IdpAct::LookUpMailbox(_)) => Ok(Outcome::People(Vec::new())),
            Work::Idp(IdpAct::FirstSignIn(..)) => Ok(Outcome::SignedIn(None)),
            Work::Idp(IdpAct::ResetPassword(_)) => {
                let before = io.read(request("GET", "users/u1", None))?["changes"].clone();
                io.change(&reset_request(), |io| Ok(io.read(request("GET", "users/u1", None))?["changes"] != before))?;
                io.read(request("GET", "users/u1", None))?;
                Ok(Outcome::Changed(report(Some("temporary-password"))))
            }
            Work::Idp(IdpAct::Unlock(_) | IdpAct::ResetFactors(_) | IdpAct::CheckFactors(_)) => Err(escalate("not-scripted")),
            Work::Idp(IdpAct::RevokeSessions(_)) => {
                io.change(&request("POST", "users/u1/revokeSignInSessions", None), |_| Ok(false))?;
                Ok(Outcome::Changed(report(None)))
            }
            Work::Psa(PsaAct::Open(new)) => {
                let ours = |list: &Value| list.as_array().into_iter().flatten().find(|t| t["externalXRef"] == *signed.case).cloned();
                let find = request("GET", "service/tickets", None);
                let mut ticket = ours(&io.read(find.clone())?);
                if ticket.is_none() {
                    let body =
                        json!({"summary": new.summary, "recordType": "ServiceTicket", "company": {"id": 19}, "board": {"id": 1}, "externalXRef": signed.case});
                    io.change(&request("POST", "service/tickets", Some(body)), |io| {
                        ticket = ours(&io.read(find.clone())?);
                        Ok(ticket.is_some())
                    })?;
                    if ticket.is_none() {
                        ticket = ours(&io.read(find.clone())?);
                    }
                }
                let ticket = ticket.ok_or(escalate("no-ticket"))?;
                Ok(Outcome::TicketOpened(shown(&ticket)))
            }
            Work::Proof(_) | Work::Psa(PsaAct::Wait(_) | PsaAct::Contacts(_)) => Err(escalate("not-scripted")),
            Work::Psa(PsaAct::Look(id)) => {
                let ticket = io.read(request("GET", &format!("service/tickets/{id}"), None))?;
                if ticket["company"]["id"] != 19 {
                    return Err(escalate("foreign-ticket"));
                }
                let notes = io.read(request("GET", &format!("service/tickets/{id}/notes"), None))?;
                assert_eq!(notes["id"], *id);
                Ok(Outcome::TicketSeen(Box::new(Seen {
                    ticket: Ticket { contact: true, ..shown(&ticket) },
                    summary: "password_reset".into(),
                    text: String::new(),
                    kind: String::new(),
                    source: "Email".into(),
                    contact_name: "Jane".into(),
                    contact_email: Some("jane@acme.example".into()),
                    closed: false,
                    owner: None,
                    case: None,
                    worked: false,
                })))
            }
            Work::Psa(PsaAct::Close(out) | PsaAct::HandOver(out) | PsaAct::Note(out)) => {
                let (path, name) = (format!("service/tickets/{}", out.ticket), name(&task.work));
                let tag = format!("[{name}]");
                let noted = |ticket: &Value| ticket["notes"].as_array().into_iter().flatten().any(|note| note.as_str().unwrap_or_default().ends_with(&tag));
                let seen = io.read(request("GET", &path, None))?;
                if !noted(&seen) {
                    let text = format!("{} {tag}", firstline_core::note::plain(&out.internal_note));
                    let body = json!({"text": text, "detailDescriptionFlag": false, "internalAnalysisFlag": true, "resolutionFlag": false});
                    io.change(&request("POST", &format!("{path}/notes"), Some(body)), |io| Ok(noted(&io.read(request("GET", &path, None))?)))?;
                }
                if name == "note" {
                    return Ok(Outcome::TicketHandedOver(shown(&io.read(request("GET", &path, None))?)));
                }
                let status = if name == "close" { 9 } else { 5 };
                io.change(&request("PATCH", &path, Some(json!([{"op": "replace", "path": "status", "value": {"id": status}}]))), |io| {
                    Ok(io.read(request("GET", &path, None))?["status"]["id"] == status)
                })?;
                let ticket = shown(&io.read(request("GET", &path, None))?);
                Ok(if name == "close" { Outcome::TicketClosed(ticket) } else { Outcome::TicketHandedOver(ticket) })
            }
        }
    }
}

fn shown(ticket: &Value) -> Ticket {
    Ticket {
        id: ticket["id"].as_u64().unwrap(),
        board: 1,
        status: ticket["status"]["id"].as_u64().unwrap(),
        status_name: String::new(),
        contact: false,
        priority: String::new(),
    }
}

impl Stages for Script {
    fn understand(&self, text: &str, _: &str, _: Vec<Familiar>) -> Result<Understanding, StageFault> {
        Ok(Understanding { candidates: vec![Candidate { intent: text.trim().into(), confidence: 900, because: vec![] }], ..Understanding::default() })
    }
    fn assess(&self, question: &Question, _: &Tenant, wanted: Assurance, challenges: u32, _: Instant) -> Result<Standing, StageFault> {
        if self.blind.get() {
            return Err(StageFault("stage-failed", "as told".into()));
        }
        let passed = question.vetting.proofs.iter().map(|proof| proof.kind.clone());
        let locked = (question.vetting.denied || challenges >= 5).then(|| "locked".to_string());
        let step_ups = if wanted > Assurance::Chat && locked.is_none() { vec![CALL_BACK.into()] } else { Vec::new() };
        Ok(Standing { assurance: Assurance::Chat, because: [String::from("chat")].into_iter().chain(passed).collect(), step_ups, locked })
    }
    fn decide(&self, question: &Question, _: Assurance, _: &Tenant, circumstances: &Circumstances, _: Instant) -> Result<Decision, StageFault> {
        self.asked.replace(Some(question.clone()));
        let stops = circumstances.over.first().map(String::as_str).or(circumstances.halted.then_some("halted"));
        if let Some(reason) = stops {
            return Ok(Decision { verdict: Verdict::Human, proof: None, rules: vec![reason.into()], reason: reason.into(), policies: String::new() });
        }
        assert_eq!((question.subject.id.as_str(), question.requester_account.as_deref()), ("u1", Some("u1")));
        match self.verdicts.borrow_mut().pop_front().unwrap_or(Some(Verdict::Autonomous)) {
            Some(verdict) => {
                let proof = (verdict == Verdict::Prove).then_some(Assurance::Challenge);
                Ok(Decision { verdict, proof, rules: vec!["scripted".into()], reason: "scripted".into(), policies: String::new() })
            }
            None => Err(StageFault("stage-failed", "as told".into())),
        }
    }
    fn next(&self, task: &Task, _: &Tenant, signed: &Signed) -> Result<Step<Outcome>, StageFault> {
        let of = name(&task.work);
        if let Some((_, claim)) = self.claim.as_ref().filter(|(name, _)| *name == of) {
            return Ok(claim());
        }
        if let Some((_, requests)) = self.lie.as_ref().filter(|(name, _)| *name == of && task.replies.is_empty()) {
            return Ok(Step::SendAll(requests.clone()));
        }
        let mut step = self.work(task, signed).map_or_else(|step| *step, Step::Done);
        if let (Step::SendAll(requests), true) = (&mut step, self.upgraded.get()) {
            requests.iter_mut().for_each(|request| request.query.push(("upgraded".into(), "1".into())));
        }
        Ok(step)
    }
    fn words(&self, words: &Words, _: &str, _: &Tenant) -> Result<String, StageFault> {
        Ok(words.sentence.clone())
    }
    fn recall(&self, memory: &str, kind: &str) -> Result<Vec<Lesson>, StageFault> {
        let lesson = Lesson { kind: "field".into(), intent: kind.into(), about: "board".into(), value: memory.into(), ..Lesson::default() };
        Ok(vec![lesson])
    }
}

/// An ordinary account of this name.
pub fn account(id: &str, name: &str) -> Account {
    Account {
        id: id.into(),
        login: name.into(),
        names: vec![name.into()],
        name: "Jane".into(),
        enabled: true,
        state: "sign-in allowed".into(),
        lock: Lock::Unknown,
        guest: false,
        synced: false,
        privileged: vec![],
        groups: vec![],
        locale: None,
        phones: vec!["+44 20 7946 0123".into()],
        mobile: None,
        manager: None,
    }
}
