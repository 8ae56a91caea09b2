//! Twilio Verify v2: makes codes, sends them by SMS and checks them.

use crate::web::{Answer, Ask, Outcome, iso, merge, only};
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How long a code works, and the time in which sends are counted.
const LIFETIME: u64 = 10 * 60_000;
/// Sends of one verification, and checks.
const MOST: usize = 5;
/// Languages of the SMS that are known here, of the fifty that there are.
const LOCALES: [&str; 4] = ["en", "de", "es", "pt"];

/// One account with one Verify service.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Twilio {
    /// Id of the API key, and its secret.
    pub key: String,
    pub secret: String,
    /// Id of the Verify service.
    pub service: String,
    /// Numbers that take no SMS.
    pub landlines: Vec<String>,
    /// Codes that were sent; what was approved stays for whoever looks, and is gone for the API.
    pub verifications: Vec<Verification>,
    pub serial: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verification {
    pub sid: String,
    pub to: String,
    pub code: String,
    /// When it was sent.
    pub sent: Vec<u64>,
    /// How often it was checked in vain.
    pub checks: usize,
    pub approved: bool,
}

impl Verification {
    fn live(&self, now: u64) -> bool {
        !self.approved && self.sent.first().is_some_and(|first| now < first + LIFETIME)
    }
}

fn no(status: u16, code: u32, message: &str) -> Answer {
    Answer::json(status, json!({"code": code, "message": message, "more_info": format!("https://www.twilio.com/docs/errors/{code}"), "status": status}))
}

fn bad(what: impl Into<String>) -> Answer {
    let what = what.into();
    no(400, 60_200, &what).violating(what)
}

impl Twilio {
    /// What its operator changes: `{"set": {…}}`, members as in the seed.
    pub fn act(&mut self, deed: &Map<String, Value>) -> Result<(), String> {
        only(deed, &["set"])?;
        merge(self, deed.get("set").and_then(Value::as_object).ok_or("`set` is missing")?)
    }

    /// The code that was sent last.
    pub fn newest(&self) -> Option<&str> {
        self.verifications.last().map(|verification| verification.code.as_str())
    }

    pub fn handle(&mut self, ask: &Ask) -> Outcome {
        let given = ask
            .header("authorization")
            .and_then(|value| value.strip_prefix("Basic "))
            .ok_or_else(|| no(401, 20_003, "Authenticate").violating("the authorization scheme is not Basic"))?;
        let login = base64::engine::general_purpose::STANDARD.decode(given).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if self.key.is_empty() || login != Some(format!("{}:{}", self.key, self.secret)) {
            return Err(no(401, 20_003, "Authenticate"));
        }
        ask.only_query(&[]).map_err(bad)?;
        match (ask.method.as_str(), ask.segments().as_slice()) {
            (method, ["v2", "Services", service, rest @ ..]) => {
                if *service != self.service {
                    return Err(no(404, 20_404, "The requested resource was not found"));
                }
                match (method, rest) {
                    ("GET", []) => {
                        ask.no_body().map_err(bad)?;
                        Ok(Answer::json(200, json!({"sid": self.service, "friendly_name": "Firstline", "code_length": 6})))
                    }
                    ("POST", ["Verifications"]) => self.send(ask),
                    ("POST", ["VerificationCheck"]) => self.check(ask),
                    _ => Err(no(404, 20_404, "The requested resource was not found").violating("an unknown path or method")),
                }
            }
            _ => Err(no(404, 20_404, "The requested resource was not found").violating("an unknown path or method")),
        }
    }

    fn send(&mut self, ask: &Ask) -> Outcome {
        let form = fields(ask, &["To", "Channel", "Locale"])?;
        let to = form.get("To").and_then(Value::as_str).unwrap_or_default().to_string();
        if form.get("Channel").and_then(Value::as_str) != Some("sms") {
            return Err(bad("`Channel` is not sms"));
        }
        if form.get("Locale").is_some_and(|locale| !LOCALES.iter().any(|known| locale == known)) {
            return Err(bad("`Locale` is not known"));
        }
        if !e164(&to) {
            return Err(bad("`To` is no number in the form of E.164"));
        }
        if self.landlines.contains(&to) {
            return Err(no(400, 60_205, "SMS is not supported by landline phone number"));
        }
        let now = ask.now;
        if let Some(verification) = self.verifications.iter_mut().find(|verification| verification.to == to && verification.live(now)) {
            if verification.sent.len() >= MOST {
                return Err(no(429, 60_203, "Max send attempts reached"));
            }
            // The same code goes again.
            verification.sent.push(now);
            let verification = verification.clone();
            return Ok(Answer::json(201, self.shown(&verification, "pending", now)).changed());
        }
        self.serial += 1;
        let (sid, code) = (format!("VE{:032x}", self.serial), format!("{:06}", (self.serial * 611_953 + 104_729) % 1_000_000));
        let verification = Verification { sid, to, code, sent: vec![now], checks: 0, approved: false };
        self.verifications.push(verification.clone());
        Ok(Answer::json(201, self.shown(&verification, "pending", now)).changed())
    }

    fn check(&mut self, ask: &Ask) -> Outcome {
        let form = fields(ask, &["To", "Code"])?;
        let field = |name: &str| form.get(name).and_then(Value::as_str).unwrap_or_default();
        let (to, code, now) = (field("To"), field("Code"), ask.now);
        if !(4..=10).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad("`Code` is no code"));
        }
        let Some(verification) = self.verifications.iter_mut().find(|verification| verification.to == to && verification.live(now)) else {
            return Err(no(404, 20_404, "The requested resource was not found"));
        };
        if verification.checks >= MOST {
            return Err(no(429, 60_202, "Max check attempts reached"));
        }
        let right = verification.code == code;
        verification.approved = right;
        verification.checks += usize::from(!right);
        let verification = verification.clone();
        Ok(Answer::json(200, self.shown(&verification, if right { "approved" } else { "pending" }, now)).changed())
    }

    /// What the API shows of one: never its code.
    fn shown(&self, verification: &Verification, status: &str, now: u64) -> Value {
        json!({
            "sid": verification.sid, "service_sid": self.service, "account_sid": "AC00000000000000000000000000000001",
            "to": verification.to, "channel": "sms", "status": status, "valid": status == "approved", "amount": null, "payee": null,
            "date_created": verification.sent.first().map(|at| iso(*at)), "date_updated": iso(now),
        })
    }
}

fn e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| (8..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn fields(ask: &Ask, allowed: &[&str]) -> Result<Map<String, Value>, Answer> {
    let pairs = ask.form().map_err(bad)?;
    let fields: Map<String, Value> = pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    if fields.len() != pairs.len() {
        return Err(bad("a field stands twice"));
    }
    only(&fields, allowed).map_err(bad)?;
    Ok(fields)
}
