//! Strict, stateful emulators of the vendors: Slack, Entra ID with Microsoft Graph, Okta, ConnectWise PSA, an OpenAI-compatible endpoint, Twilio Verify, Duo.
//!
//! Plain synchronous code without a network: [`Vendors::handle`] answers one request.
//! What no correct client would send is refused as the vendor would, and noted in [`Vendors::violations`].

#![allow(clippy::result_large_err, reason = "an answer that ends a request early is the usual way here, and speed is nobody's concern")]

mod connectwise;
mod duo;
mod entra;
mod golden;
mod okta;
mod openai;
mod query;
pub mod slack;
mod twilio;
mod web;
mod wire;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use web::{Answer, Ask};

/// Everything but what RFC 3986 leaves as it is.
pub(crate) const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The demo's world, as JSON for [`Vendors::seed`].
pub const DEMO: &str = include_str!("../worlds/demo.json");

/// All vendors, with one shared state. Clones are the same vendors.
#[derive(Clone)]
pub struct Vendors {
    now: Arc<dyn Fn() -> u64 + Send + Sync>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default, Clone)]
struct Inner {
    slack: slack::Slack,
    entra: entra::Entra,
    okta: okta::Okta,
    connectwise: connectwise::ConnectWise,
    openai: openai::OpenAi,
    twilio: twilio::Twilio,
    duo: duo::Duo,
    faults: Vec<Fault>,
    calls: Vec<Call>,
    violations: Vec<String>,
    /// Requests after which something may be different here.
    felt: u64,
}

/// One request that reached a vendor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call {
    /// `slack`, `entra`, `okta`, `connectwise`, `openai`, `twilio`, `duo`, or `unknown`.
    pub vendor: String,
    /// In upper case.
    pub method: String,
    /// Path and query as they came, without the prefix of loopback serving.
    pub path: String,
    /// The body as text.
    pub body: String,
    /// What was answered; none if the answer was lost.
    pub status: Option<u16>,
    /// Something at the vendor is different since.
    pub changed: bool,
    /// Milliseconds since 1970.
    pub at: u64,
}

/// No answer: the connection broke, or nothing came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The request was carried out all the same.
    pub applied: bool,
    /// Nothing comes back and the connection stays open, instead of breaking at once.
    pub silent: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    vendor: String,
    #[serde(default = "any")]
    method: String,
    #[serde(default = "any")]
    path: String,
    #[serde(default = "once")]
    times: u64,
    #[serde(default)]
    skip: u64,
    answer: FaultAnswer,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum FaultAnswer {
    Lost(FaultLoss),
    Reply(FaultReply),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FaultLoss {
    LostBefore,
    LostAfter,
    Timeout,
    TimeoutAfter,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultReply {
    status: u16,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    body: Option<Value>,
    /// The request is carried out before this is answered instead.
    #[serde(default)]
    applied: bool,
}

fn any() -> String {
    "*".into()
}

fn once() -> u64 {
    1
}

/// Which emulator a request is for.
#[derive(Clone, Copy, PartialEq)]
enum Service {
    Slack,
    Graph,
    Login,
    Okta,
    ConnectWise,
    OpenAi,
    Twilio,
    Duo,
}

impl Service {
    fn vendor(self) -> &'static str {
        match self {
            Service::Slack => "slack",
            Service::Graph | Service::Login => "entra",
            Service::Okta => "okta",
            Service::ConnectWise => "connectwise",
            Service::OpenAi => "openai",
            Service::Twilio => "twilio",
            Service::Duo => "duo",
        }
    }

    fn of_host(host: &str) -> Option<Self> {
        match host {
            "slack.com" => Some(Service::Slack),
            "graph.microsoft.com" => Some(Service::Graph),
            "login.microsoftonline.com" => Some(Service::Login),
            host if [".okta.com", ".oktapreview.com", ".okta-emea.com"].iter().any(|tail| host.ends_with(tail)) => Some(Service::Okta),
            host if host.ends_with(".myconnectwise.net") => Some(Service::ConnectWise),
            // Each has a host of its own; this is the one of the demo.
            host if host.ends_with(".duosecurity.com") => Some(Service::Duo),
            "verify.twilio.com" => Some(Service::Twilio),
            "llm.northwind.example" => Some(Service::OpenAi),
            _ => None,
        }
    }

    fn of_prefix(segment: &str) -> Option<Self> {
        match segment {
            "slack" => Some(Service::Slack),
            "graph" => Some(Service::Graph),
            "login" => Some(Service::Login),
            "okta" => Some(Service::Okta),
            "connectwise" => Some(Service::ConnectWise),
            "openai" => Some(Service::OpenAi),
            "twilio" => Some(Service::Twilio),
            "duo" => Some(Service::Duo),
            _ => None,
        }
    }
}

impl Vendors {
    /// Empty vendors with this clock (milliseconds since 1970).
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Vendors { now: Arc::new(now), inner: Arc::default() }
    }

    /// A copy with this clock that goes its own way from here on.
    #[must_use]
    pub fn fork(&self, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Vendors { now: Arc::new(now), inner: Arc::new(Mutex::new(self.lock().clone())) }
    }

    /// Replaces the state of each vendor that is named: `{"slack", "entra", "okta", "connectwise", "openai", "twilio", "duo"}`.
    ///
    /// # Errors
    /// Names the member that is unknown or wrong; then nothing is replaced.
    pub fn seed(&self, world: &Value) -> Result<(), String> {
        let world = world.as_object().ok_or("the world is not an object")?;
        web::only(world, &["slack", "entra", "okta", "connectwise", "openai", "twilio", "duo"])?;
        let slack = part::<slack::Slack>(world.get("slack"), "slack")?;
        let entra = part::<entra::Entra>(world.get("entra"), "entra")?;
        let okta = part::<okta::Okta>(world.get("okta"), "okta")?;
        let connectwise = part::<connectwise::ConnectWise>(world.get("connectwise"), "connectwise")?;
        let openai = part::<openai::OpenAi>(world.get("openai"), "openai")?;
        let twilio = part::<twilio::Twilio>(world.get("twilio"), "twilio")?;
        let duo = part::<duo::Duo>(world.get("duo"), "duo")?;
        if let Some(entra) = &entra {
            entra.check()?;
        }
        if let Some(okta) = &okta {
            okta.check()?;
        }
        let mut guard = self.lock();
        let inner = &mut *guard;
        inner.slack = slack.unwrap_or_else(|| std::mem::take(&mut inner.slack));
        inner.entra = entra.unwrap_or_else(|| std::mem::take(&mut inner.entra));
        inner.okta = okta.unwrap_or_else(|| std::mem::take(&mut inner.okta));
        inner.connectwise = connectwise.unwrap_or_else(|| std::mem::take(&mut inner.connectwise));
        inner.openai = openai.unwrap_or_else(|| std::mem::take(&mut inner.openai));
        inner.duo = duo.unwrap_or_else(|| std::mem::take(&mut inner.duo));
        inner.twilio = twilio.unwrap_or_else(|| std::mem::take(&mut inner.twilio));
        Ok(())
    }

    /// The whole state, in the form of the seed.
    #[must_use]
    pub fn state(&self) -> Value {
        let inner = self.lock();
        json!({ "slack": inner.slack, "entra": inner.entra, "okta": inner.okta, "connectwise": inner.connectwise, "openai": inner.openai, "twilio": inner.twilio, "duo": inner.duo })
    }

    /// What a person does at a vendor by hand, such as `{"connectwise": {"ticket": 1001, "status": "In Progress"}}`.
    ///
    /// # Errors
    /// Says what is unknown.
    pub fn act(&self, deed: &Value) -> Result<(), String> {
        let deed = deed.as_object().ok_or("a deed is an object")?;
        let now = (self.now)();
        let mut inner = self.lock();
        inner.felt += 1;
        for (vendor, deed) in deed {
            let deed = deed.as_object().ok_or("a deed is an object")?;
            match vendor.as_str() {
                "slack" => inner.slack.act(deed),
                "entra" => inner.entra.act(deed, now),
                "okta" => inner.okta.act(deed, now),
                "connectwise" => inner.connectwise.act(deed, now),
                "openai" => inner.openai.act(deed),
                "twilio" => inner.twilio.act(deed),
                "duo" => inner.duo.act(deed),
                _ => Err(format!("unknown vendor `{vendor}`")),
            }?;
        }
        Ok(())
    }

    /// Adds a fault: `{"vendor", "method"?, "path"?, "times"?, "skip"?, "answer"}`.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn fault(&self, rule: &Value) -> Result<(), String> {
        let fault: Fault = serde_json::from_value(rule.clone()).map_err(|error| format!("fault: {error}"))?;
        if !["slack", "entra", "okta", "connectwise", "openai", "twilio", "duo"].contains(&fault.vendor.as_str()) {
            return Err(format!("fault: unknown vendor `{}`", fault.vendor));
        }
        if let FaultAnswer::Reply(reply) = &fault.answer
            && StatusCode::from_u16(reply.status).is_err()
        {
            return Err(format!("fault: {} is not a status", reply.status));
        }
        self.lock().faults.push(fault);
        Ok(())
    }

    /// Takes every fault of a vendor away.
    pub fn mend(&self, vendor: &str) {
        self.lock().faults.retain(|fault| fault.vendor != vendor);
    }

    /// Every request so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How many requests and deeds there were that may have left something behind: all but those that only read while nothing is broken.
    #[must_use]
    pub fn felt(&self) -> u64 {
        self.lock().felt
    }

    /// What no correct client would have sent.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// The code that was sent last by SMS.
    #[must_use]
    pub fn newest_code(&self) -> Option<String> {
        self.lock().twilio.newest().map(Into::into)
    }

    /// Writes a message in Slack as a person; the signed event that Slack would send.
    ///
    /// # Errors
    /// If the workspace, person or channel does not exist, or the person is not in the channel.
    pub fn slack_message(&self, said: &slack::human::Said) -> Result<Request<Bytes>, String> {
        let now = (self.now)();
        self.lock().slack.say(said, now)
    }

    /// Presses a button in Slack as a person; the signed interaction that Slack would send.
    ///
    /// # Errors
    /// If no such button stands where the person can see it.
    pub fn slack_press(&self, pressed: &slack::human::Pressed) -> Result<Request<Bytes>, String> {
        let now = (self.now)();
        self.lock().slack.press(pressed, now)
    }

    /// Slack's event about a message that the bot itself posted.
    ///
    /// # Errors
    /// If there is no such message.
    pub fn slack_echo(&self, workspace: &str, channel: &str, ts: &str) -> Result<Request<Bytes>, String> {
        let now = (self.now)();
        self.lock().slack.echo(workspace, channel, ts, now)
    }

    /// A person changes their message in Slack; the event that Slack would send.
    ///
    /// # Errors
    /// If there is no such message of a person.
    pub fn slack_edit(&self, workspace: &str, channel: &str, ts: &str, text: &str) -> Result<Request<Bytes>, String> {
        let now = (self.now)();
        self.lock().slack.edit(workspace, channel, ts, text, now)
    }

    /// Slack's check of a webhook's address.
    ///
    /// # Errors
    /// If there is no such workspace.
    pub fn slack_url_verification(&self, workspace: &str, challenge: &str) -> Result<Request<Bytes>, String> {
        let now = (self.now)();
        self.lock().slack.url_verification(workspace, challenge, now)
    }

    /// What ConnectWise sends about a ticket to the callback that is registered for this path, signed. `forge` replaces members, by JSON pointer,
    /// before (`key_url` and the like) it is signed; `signature` replaces the signature.
    ///
    /// # Errors
    /// If there is no such callback or ticket, or a pointer leads nowhere.
    pub fn connectwise_callback(&self, path: &str, ticket: u64, action: &str, forge: &serde_json::Map<String, Value>) -> Result<Request<Bytes>, String> {
        let inner = self.lock();
        let (mut body, mut signature) = inner.connectwise.callback(path, ticket, action, "https://api-eu.myconnectwise.net")?;
        for (pointer, value) in forge.iter().filter(|(pointer, _)| pointer.starts_with('/')) {
            let mut changed: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
            *changed.pointer_mut(pointer).ok_or_else(|| format!("the callback has no `{pointer}`"))? = value.clone();
            body = changed.to_string();
            signature = connectwise::sign(&inner.connectwise.signing_key, body.as_bytes());
        }
        if let Some(forged) = forge.get("signature").and_then(Value::as_str) {
            signature = forged.into();
        }
        connectwise::call_back(path, &signature, Bytes::from(body))
    }

    /// Any body as a callback that is signed like ConnectWise's.
    ///
    /// # Errors
    /// If the path is none.
    pub fn connectwise_signed(&self, path: &str, body: &[u8]) -> Result<Request<Bytes>, String> {
        let signature = connectwise::sign(&self.lock().connectwise.signing_key, body);
        connectwise::call_back(path, &signature, Bytes::copy_from_slice(body))
    }

    /// Any body as a webhook that is signed with this workspace's secret.
    ///
    /// # Errors
    /// If there is no such workspace, or the path is none.
    pub fn slack_signed(&self, workspace: &str, path: &str, media: &str, body: &[u8]) -> Result<Request<Bytes>, String> {
        let now = (self.now)();
        slack::human::signed(&self.lock().slack.workspace(workspace)?.signing_secret, path, media, Bytes::copy_from_slice(body), now)
    }

    /// Answers one request.
    ///
    /// # Errors
    /// [`Lost`] where a fault takes the answer away.
    pub fn handle(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let now = (self.now)();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let (service, ask, path) = match read(request, now) {
            Ok(read) => read,
            Err(refused) => {
                let (what, mut call) = *refused;
                call.status = Some(404);
                inner.violations.push(format!("{} {}: {what}", call.method, call.path));
                inner.calls.push(call);
                return Ok(respond(Answer::json(404, json!({ "error": what }))));
            }
        };
        let vendor = service.vendor();
        let mut call = Call {
            vendor: vendor.into(),
            method: ask.method.clone(),
            path,
            body: String::from_utf8_lossy(&ask.body).into_owned(),
            status: None,
            changed: false,
            at: now,
        };
        inner.felt += u64::from(ask.method != "GET" || inner.faults.iter().any(|fault| fault.times > 0));
        let fault = inner.fault(vendor, &ask);
        let loss = match &fault {
            Some(FaultAnswer::Lost(FaultLoss::LostBefore)) => Some(Lost { applied: false, silent: false }),
            Some(FaultAnswer::Lost(FaultLoss::LostAfter)) => Some(Lost { applied: true, silent: false }),
            Some(FaultAnswer::Lost(FaultLoss::Timeout)) => Some(Lost { applied: false, silent: true }),
            Some(FaultAnswer::Lost(FaultLoss::TimeoutAfter)) => Some(Lost { applied: true, silent: true }),
            Some(FaultAnswer::Reply(_)) | None => None,
        };
        let applied = match (&fault, loss) {
            (Some(FaultAnswer::Reply(reply)), _) => reply.applied,
            (_, Some(loss)) => loss.applied,
            (_, None) => true,
        };
        let mut answer = if applied { inner.dispatch(service, &ask) } else { Answer::empty(500) };
        call.changed = answer.changed;
        inner.felt += u64::from(call.changed);
        if let Some(what) = answer.violation.take() {
            inner.violations.push(format!("{vendor} {} {}: {what}", call.method, call.path));
        }
        if let Some(FaultAnswer::Reply(reply)) = fault {
            answer = Answer { status: reply.status, headers: reply.headers.into_iter().collect(), body: reply.body, changed: false, violation: None };
        }
        match loss {
            // What was never carried out is not "applied", whatever the fault says of it.
            Some(loss) => {
                let lost = Lost { applied: loss.applied && call.changed, silent: loss.silent };
                inner.calls.push(call);
                Err(lost)
            }
            None => {
                call.status = Some(answer.status);
                inner.calls.push(call);
                Ok(respond(answer))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn part<T: serde::de::DeserializeOwned>(value: Option<&Value>, name: &str) -> Result<Option<T>, String> {
    value.map(|value| T::deserialize(value).map_err(|error| format!("{name}: {error}"))).transpose()
}

impl Inner {
    /// The first rule that matches, used up by one.
    fn fault(&mut self, vendor: &str, ask: &Ask) -> Option<FaultAnswer> {
        let fits =
            |fault: &&mut Fault| fault.times > 0 && fault.vendor == vendor && query::glob(&fault.method, &ask.method) && query::glob(&fault.path, &ask.plain);
        let fault = self.faults.iter_mut().find(fits)?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.answer.clone())
    }

    fn dispatch(&mut self, service: Service, ask: &Ask) -> Answer {
        let outcome = match service {
            Service::Slack => self.slack.handle(ask),
            Service::Graph => self.entra.graph(ask),
            Service::Login => self.entra.login(ask),
            Service::Okta => self.okta.handle(ask),
            Service::ConnectWise => self.connectwise.handle(ask),
            Service::OpenAi => self.openai.handle(ask),
            Service::Twilio => self.twilio.handle(ask),
            Service::Duo => self.duo.handle(ask),
        };
        let mut answer = match outcome {
            Ok(answer) | Err(answer) => answer,
        };
        // What the emulator takes must also be what the vendor documents, and what its own client sends.
        if answer.violation.is_none() && answer.status < 300 {
            let checks = [wire::check(service.vendor(), ask), golden::matches(service.vendor(), ask)];
            answer.violation = checks.into_iter().find_map(Result::err);
        }
        answer
    }
}

type Read = (Service, Ask, String);

/// Finds the vendor, and takes the request apart.
fn read(request: Request<Bytes>, now: u64) -> Result<Read, Box<(String, Call)>> {
    let (parts, body) = request.into_parts();
    let authority = parts
        .uri
        .authority()
        .map(ToString::to_string)
        .or_else(|| parts.headers.get("host").and_then(|host| host.to_str().ok()).map(str::to_string))
        .unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.chars().all(|c| c.is_ascii_digit()))
        .map_or(authority.as_str(), |(host, _)| host)
        .to_ascii_lowercase();
    let raw = parts.uri.path().to_string();
    let query = parts.uri.query().unwrap_or_default().to_string();
    let tail = |path: &str| if query.is_empty() { path.to_string() } else { format!("{path}?{query}") };
    let method = parts.method.as_str().to_string();
    let (service, base, path, host) = match Service::of_host(&host) {
        Some(service) => (service, format!("https://{authority}"), raw.clone(), Some(host)),
        None => {
            let (prefix, rest) = raw.trim_start_matches('/').split_once('/').unwrap_or((raw.trim_start_matches('/'), ""));
            match Service::of_prefix(prefix) {
                Some(service) => (service, format!("http://{authority}/{prefix}"), format!("/{rest}"), None),
                None => {
                    let call = Call {
                        vendor: "unknown".into(),
                        method,
                        path: tail(&raw),
                        body: String::from_utf8_lossy(&body).into_owned(),
                        status: None,
                        changed: false,
                        at: now,
                    };
                    return Err(Box::new((format!("no vendor at `{host}`"), call)));
                }
            }
        }
    };
    let segments: Vec<String> =
        path.trim_start_matches('/').split('/').map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
    let ask = Ask {
        method,
        plain: format!("/{}", segments.join("/")),
        path: segments,
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body,
        base,
        host,
        now,
    };
    let path = tail(&path);
    Ok((service, ask, path))
}

fn respond(answer: Answer) -> Response<Bytes> {
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
            headers.append(name, value);
        }
    }
    let body = match answer.body {
        Some(body) => {
            headers.entry("content-type").or_insert(HeaderValue::from_static("application/json; charset=utf-8"));
            Bytes::from(body.to_string())
        }
        None => Bytes::new(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A request to the vendor whose paths these are, taken apart.
    pub fn ask(request: &str, media: &str, body: &str) -> Ask {
        let (method, path) = request.split_once(' ').unwrap();
        let host = if path.starts_with("/v1.0") { "graph.microsoft.com" } else { "slack.com" };
        let mut builder = Request::builder().method(method).uri(format!("https://{host}{path}"));
        if !media.is_empty() {
            builder = builder.header("content-type", media);
        }
        read(builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap(), 0).unwrap_or_else(|refused| panic!("{}", refused.0)).1
    }
}

/// The emulators' own answers against the vendors' documents.
#[cfg(test)]
mod fidelity {
    use super::*;

    fn answer(vendors: &Vendors, line: &str, authorization: &str, body: &str) -> (Ask, u16, Value) {
        let (method, url) = line.split_once(' ').unwrap();
        let media = if url.contains("/oauth2/") { "application/x-www-form-urlencoded" } else { "application/json" };
        let make = || {
            let request = Request::builder().method(method).uri(url).header("authorization", authorization);
            let request = if body.is_empty() { request } else { request.header("content-type", media) };
            request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
        };
        let response = vendors.handle(make()).unwrap();
        let (_, ask, _) = read(make(), 0).unwrap_or_else(|refused| panic!("{}", refused.0));
        (ask, response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    fn demo() -> Vendors {
        let mut world: Value = serde_json::from_str(DEMO).unwrap();
        world["entra"]["tenants"][0]["apps"][0]["permissions"] =
            json!(["User.ReadWrite.All", "Directory.Read.All", "UserAuthenticationMethod.ReadWrite.All", "LicenseAssignment.Read.All"]);
        let vendors = Vendors::new(|| 1_790_000_000_000);
        vendors.seed(&world).unwrap();
        vendors
    }

    #[test]
    fn answers_are_what_the_documents_promise() {
        let vendors = demo();
        let form = "client_id=b7f0c2d4-5a3e-4c1b-8f6d-0e9a7b6c5d41&client_secret=northwind-client-secret&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
        let token = answer(&vendors, "POST https://login.microsoftonline.com/acme.example/oauth2/v2.0/token", "", form).2["access_token"].clone();
        let bearer = format!("Bearer {}", token.as_str().unwrap());
        let reset = r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"Xk3!vf9Qz7"}}"#;
        for (line, body, status) in [
            ("GET /users/jane@acme.example", "", 200),
            (
                "GET /users/jane@acme.example?$select=id,userType,proxyAddresses,otherMails,lastPasswordChangeDateTime,accountEnabled,onPremisesSyncEnabled",
                "",
                200,
            ),
            ("GET /users?$top=3", "", 200),
            ("GET /groups/4f1c0060-7c2d-4f5a-9b1e-6a0d8c3e2b60", "", 200),
            ("PATCH /users/jane@acme.example", reset, 204),
            ("POST /users/jane@acme.example/revokeSignInSessions", "", 200),
            ("POST /users/jane@acme.example/authentication/temporaryAccessPassMethods", r#"{"lifetimeInMinutes":60,"isUsableOnce":true}"#, 201),
            ("GET /users/jane@acme.example/authentication/temporaryAccessPassMethods", "", 200),
            ("GET /subscribedSkus", "", 200),
        ] {
            let (method, path) = line.split_once(' ').unwrap();
            let (ask, got, body) = answer(&vendors, &format!("{method} https://graph.microsoft.com/v1.0{path}"), &bearer, body);
            assert_eq!((got, wire::check_reply("entra", &ask, got, &body)), (status, Ok(true)), "{line}: {body}");
        }
        for (line, status) in [
            ("GET /users/00umia", 200),
            ("GET /users", 200),
            ("GET /users/00umia/groups", 200),
            ("GET /users/00umia/factors", 200),
            ("POST /users/00ulee/lifecycle/unlock", 200),
            ("POST /users/00ulee/lifecycle/unlock", 403),
            ("GET /users/nobody", 404),
            ("POST /users/00umia/lifecycle/reset_password?sendEmail=false", 200),
            ("POST /users/00umia/lifecycle/expire_password_with_temp_password", 200),
            ("DELETE /users/00umia/sessions", 204),
        ] {
            let (method, path) = line.split_once(' ').unwrap();
            let (ask, got, body) = answer(&vendors, &format!("{method} https://globex.okta.com/api/v1{path}"), "SSWS globex-api-token", "");
            assert_eq!((got, wire::check_reply("okta", &ask, got, &body)), (status, Ok(true)), "{line}: {body}");
        }
        assert_eq!(vendors.violations(), Vec::<String>::new());
    }

    #[test]
    fn an_answer_that_differs_from_its_document_is_found() {
        let vendors = demo();
        let (ask, _, mut body) = answer(&vendors, "GET https://globex.okta.com/api/v1/users/00umia", "SSWS globex-api-token", "");
        body["status"] = json!("HAPPY");
        assert!(wire::check_reply("okta", &ask, 200, &body).is_err());
        body["status"] = json!("ACTIVE");
        body["colour"] = json!("red");
        assert!(wire::check_reply("okta", &ask, 200, &body).is_err());
        assert!(wire::check_reply("okta", &ask, 201, &json!({})).is_err());
    }

    #[test]
    fn what_an_emulator_takes_is_also_held_against_the_recordings() {
        let vendors = demo();
        let (_, status, body) = answer(&vendors, "POST https://slack.com/api/conversations.open", "Bearer xoxb-acme", r#"{"users":"U0JANE"}"#);
        assert_eq!((status, &body["ok"]), (200, &json!(true)));
        assert_eq!(
            vendors.violations(),
            [
                "slack POST /api/conversations.open: differs from the recorded request: content type `application/json` instead of `application/x-www-form-urlencoded`"
            ]
        );
    }
}
