//! Duo's Auth API v2: asks people on their enrolled devices. Every request is signed.

use crate::web::{Answer, Ask, Outcome, merge, only};
use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::Sha512;

/// How long a push may be answered.
const LIFETIME: u64 = 60_000;
/// Signatures that are older or newer are refused.
const TOLERANCE: u64 = 300_000;

/// One account with one Auth API application.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Duo {
    /// Its API host, integration key and secret key.
    pub host: String,
    pub integration_key: String,
    pub secret_key: String,
    pub users: Vec<User>,
    pub pushes: Vec<Push>,
}

/// Somebody who is enrolled, and what they do about a push.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub username: String,
    /// What the policy says before anybody is asked: `auth`, `allow` (not asked at all), `deny`.
    #[serde(default = "auth")]
    pub policy: String,
    /// A device takes pushes.
    #[serde(default)]
    pub push: bool,
    #[serde(default)]
    pub manner: Manner,
    /// Milliseconds until they answer.
    #[serde(default)]
    pub after: u64,
}

fn auth() -> String {
    "auth".into()
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Manner {
    /// Looks elsewhere.
    #[default]
    Ignores,
    Approves,
    Denies,
    /// Denies, and says that they did not ask.
    Reports,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Push {
    pub txid: String,
    pub username: String,
    pub at: u64,
}

fn no(status: u16, code: u32, message: &str) -> Answer {
    Answer::json(status, json!({"stat": "FAIL", "code": code, "message": message}))
}

fn bad(what: impl Into<String>) -> Answer {
    let what = what.into();
    no(400, 40_002, &what).violating(what)
}

fn ok(response: Value) -> Answer {
    Answer::json(200, json!({"stat": "OK", "response": response}))
}

impl Duo {
    /// What its administrator, or a person, changes: `{"set": {…}}`, or `{"user": name, "set": {…}}`, members as in the seed.
    pub fn act(&mut self, deed: &Map<String, Value>) -> Result<(), String> {
        only(deed, &["user", "set"])?;
        let set = deed.get("set").and_then(Value::as_object).ok_or("`set` is missing")?;
        match deed.get("user").and_then(Value::as_str) {
            None => merge(self, set),
            Some(name) => merge(self.users.iter_mut().find(|user| user.username == name).ok_or("no such user")?, set),
        }
    }

    pub fn handle(&mut self, ask: &Ask) -> Outcome {
        let parameters = if ask.method == "GET" { ask.query.clone() } else { ask.form().map_err(bad)? };
        self.signed(ask, &parameters)?;
        let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
        let value = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default();
        match (ask.method.as_str(), ask.segments().as_slice()) {
            ("GET", ["auth", "v2", "check"]) if names.is_empty() => Ok(ok(json!({"time": ask.now / 1_000}))),
            ("POST", ["auth", "v2", "preauth"]) if names == ["username"] => Ok(ok(self.preauth(value("username")))),
            ("POST", ["auth", "v2", "auth"]) => {
                let mut given = names.clone();
                given.sort_unstable();
                if given != ["async", "device", "factor", "username"] || value("factor") != "push" || value("async") != "1" || value("device") != "auto" {
                    return Err(bad("Invalid request parameters"));
                }
                let user = self.users.iter().find(|user| user.username.eq_ignore_ascii_case(value("username")) && user.push && user.policy == "auth");
                let user = user.ok_or_else(|| bad("a push to somebody who takes none"))?;
                let txid = format!("{:08x}-push", self.pushes.len() + 1);
                self.pushes.push(Push { txid: txid.clone(), username: user.username.clone(), at: ask.now });
                Ok(ok(json!({ "txid": txid })).changed())
            }
            ("GET", ["auth", "v2", "auth_status"]) if names == ["txid"] => {
                let push = self.pushes.iter().find(|push| push.txid == value("txid")).ok_or_else(|| bad("no such transaction"))?;
                Ok(ok(self.status(push, ask.now)))
            }
            _ => Err(no(404, 40_401, "Resource not found").violating("an unknown path, method or parameter")),
        }
    }

    fn preauth(&self, username: &str) -> Value {
        match self.users.iter().find(|user| user.username.eq_ignore_ascii_case(username)) {
            Some(user) if user.policy == "auth" => {
                let capabilities = if user.push { json!(["auto", "push", "sms"]) } else { json!(["auto", "sms"]) };
                json!({"result": "auth", "status_msg": "Account is active", "devices": [{"device": "DP1", "type": "phone", "number": "XXX-XXX-0123", "capabilities": capabilities}]})
            }
            Some(user) => json!({"result": user.policy, "status_msg": "Account is set by policy"}),
            None => json!({"result": "enroll", "status_msg": "Enroll an authentication device to proceed", "enroll_portal_url": "https://enroll.example"}),
        }
    }

    fn status(&self, push: &Push, now: u64) -> Value {
        let user = self.users.iter().find(|user| user.username == push.username);
        let answered = user.filter(|user| now >= push.at + user.after && user.after < LIFETIME).map_or(Manner::Ignores, |user| user.manner);
        let (result, status) = match answered {
            Manner::Approves => ("allow", "allow"),
            Manner::Denies => ("deny", "deny"),
            Manner::Reports => ("deny", "fraud"),
            Manner::Ignores if now >= push.at + LIFETIME => ("deny", "timeout"),
            Manner::Ignores => ("waiting", "pushed"),
        };
        json!({"result": result, "status": status, "status_msg": status})
    }

    /// Basic over the integration key and a signature of date, method, host, path and sorted parameters.
    fn signed(&self, ask: &Ask, parameters: &[(String, String)]) -> Result<(), Answer> {
        let refused = |why: &str| no(401, 40_103, why);
        let date = ask.header("date").ok_or_else(|| refused("Missing request credentials").violating("a request without a date"))?;
        let at = httpdate::parse_http_date(date).ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |since| since.as_millis() as u64);
        if ask.now.abs_diff(at) > TOLERANCE {
            return Err(no(401, 40_105, "Bad request timestamp"));
        }
        let given = ask.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let given = given.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
        let strict = crate::SEGMENT;
        let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, strict).to_string();
        let mut pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        pairs.sort_unstable();
        let path = format!("/{}", ask.path.join("/"));
        let text = [date, &ask.method, &self.host, &path, &pairs.join("&")].join("\n");
        let mut mac = Hmac::<Sha512>::new_from_slice(self.secret_key.as_bytes()).map_err(|_| refused("no key"))?;
        mac.update(text.as_bytes());
        let right: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        if self.integration_key.is_empty() || given != Some(format!("{}:{right}", self.integration_key)) {
            return Err(refused("Invalid signature in request credentials"));
        }
        Ok(())
    }
}
