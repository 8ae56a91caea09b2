//! The call catalogue: what each request to a vendor is, read from data and not from what a stage says. Format: `catalogue/README.md`.

use firstline_core::keys;
use firstline_core::wire::{Body, Effect, Request, Target};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A vendor's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// As connections name it.
    pub vendor: String,
    /// Hosts that base URLs may name.
    pub hosts: Vec<String>,
    /// One system for all clients of the MSP.
    pub shared: bool,
    /// Sent with every request.
    pub headers: BTreeMap<String, String>,
    /// How requests are authorized.
    pub credential: Scheme,
    /// The calls.
    pub calls: Vec<Call>,
    /// Of these rows and of the policies that no setting relaxes: what was shown under another proves nothing.
    #[serde(skip)]
    pub version: String,
}

/// How requests are authorized.
#[derive(Debug, Deserialize)]
#[serde(tag = "scheme", rename_all = "lowercase", deny_unknown_fields)]
pub enum Scheme {
    /// `Authorization: Bearer` and the secret.
    Bearer {
        /// Name of the secret.
        secret: String,
    },
    /// `Authorization: SSWS` and the secret.
    Ssws {
        /// Name of the secret.
        secret: String,
    },
    /// ConnectWise: Basic over login company and both keys, and the client id.
    Connectwise {
        /// Names of the public and the private key.
        secrets: [String; 2],
    },
    /// Basic over a member of `account` and the secret.
    Basic {
        /// Name of the member.
        user: String,
        /// Name of the secret.
        secret: String,
    },
    /// Basic over a member of `account` and an HMAC-SHA512 of the request and its date, with the secret as key.
    Duo {
        /// Name of the member.
        user: String,
        /// Name of the secret.
        secret: String,
    },
    /// OAuth2 client credentials.
    Oauth2 {
        /// Name of the client secret.
        secret: String,
        /// Hosts of the token endpoint.
        token_hosts: Vec<String>,
        /// The scope that is asked for.
        scope: String,
    },
}

/// One row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Unique within the file.
    pub name: String,
    /// HTTP method.
    pub method: String,
    /// Segments; `{name}` stands for one.
    pub path: Vec<String>,
    /// What it does.
    pub effect: Effect,
    /// What a grant must name.
    #[serde(default)]
    pub action: String,
    /// Where the target's id stands.
    #[serde(default)]
    pub target: Option<Place>,
    /// Tells independent new objects under one target apart.
    #[serde(default)]
    pub slot: String,
    /// Names of query pairs.
    #[serde(default)]
    pub query: Vec<String>,
    /// Members of the body.
    pub body: BodyRule,
    /// Content type.
    #[serde(default)]
    pub content_type: String,
    /// Request headers that a stage may set.
    #[serde(default)]
    pub set_headers: Vec<String>,
    /// Reply headers that are kept.
    #[serde(default)]
    pub keep_headers: Vec<String>,
    /// Secret members of the reply.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Members of the reply that are not kept, because a filled-in secret may come back in them.
    #[serde(default)]
    pub drop: Vec<String>,
    /// May be continued by the vendor's link.
    #[serde(default)]
    pub follow: bool,
    /// Sending it twice does no harm.
    #[serde(default)]
    pub repeat: bool,
    /// What a reply proves.
    #[serde(default)]
    pub attests: Option<Attests>,
    /// Whose the target must be, on a shared connection.
    #[serde(default)]
    pub owner: Option<Owner>,
    /// Which account a reply shows under which names.
    #[serde(default)]
    pub identifies: Option<Identifies>,
    /// A reply with all of these, by pointer, proves what was asked about the target.
    #[serde(default)]
    pub proves: BTreeMap<String, Value>,
    /// Where a reply names what was begun with the target.
    #[serde(default)]
    pub begins: Option<String>,
    /// The query pair that names what was begun: its target is what a reply proves something about.
    #[serde(default)]
    pub begun: Option<String>,
}

/// Where an id stands.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In this segment of the path.
    Segment(String),
    /// At this pointer of the body.
    Body(String),
    /// In this form field.
    Form(String),
    /// Nowhere: the tenant as a whole.
    Tenant(bool),
}

/// Members of a body.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum BodyRule {
    /// The word `none`.
    None(NoBody),
    /// Pointer → rule.
    Members(BTreeMap<String, Member>),
}

/// The word `none`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoBody {
    /// No body at all.
    None,
}

/// What a member may be.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Member {
    /// Exactly this.
    pub fixed: Option<Value>,
    /// Part of what the grant is bound to.
    pub argument: Option<String>,
    /// Equal to the target.
    pub target: bool,
    /// A secret of one of these names is filled in.
    pub fill: Vec<String>,
    /// Anything.
    pub free: bool,
    /// The tenant's company.
    pub company: bool,
    /// Must be there.
    pub required: bool,
}

/// A reply that proves whose an object is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attests {
    /// Pointer to the id.
    pub id: String,
    /// Pointer to the company.
    pub company: String,
}

/// A reply that shows accounts with their names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifies {
    /// Pointer to the list of accounts; none if the reply is one account.
    #[serde(default)]
    pub list: Option<String>,
    /// Pointer to the id, within an account.
    pub id: String,
    /// Pointers to its names: texts, or lists of texts; `/*/` within one stands for every member of a list.
    pub names: Vec<String>,
    /// Pointer to the company that it belongs to, on a shared system: another company's shows nothing.
    #[serde(default)]
    pub company: Option<String>,
}

/// Whose the target must be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The target was attested.
    Target(bool),
    /// The body names the tenant's company here.
    Company(String),
}

const INVARIANTS: &str = include_str!("../../guardrails/policies/invariants.cedar");

const FILES: [(&str, &str); 7] = [
    ("slack", include_str!("catalogue/slack.json")),
    ("entra", include_str!("catalogue/entra.json")),
    ("okta", include_str!("catalogue/okta.json")),
    ("connectwise", include_str!("catalogue/connectwise.json")),
    ("openai", include_str!("catalogue/openai.json")),
    ("twilio", include_str!("catalogue/twilio.json")),
    ("duo", include_str!("catalogue/duo.json")),
];

/// The file of a vendor. `None` for an unknown vendor, or a file that does not read: then nothing is sent.
#[must_use]
pub fn vendor(name: &str) -> Option<Vendor> {
    let (_, text) = FILES.iter().find(|(vendor, _)| *vendor == name)?;
    let version = keys::sha256_hex([env!("CARGO_PKG_VERSION"), text, INVARIANTS].concat().as_bytes()).chars().take(8).collect();
    Some(Vendor { version, ..serde_json::from_str(text).ok()? })
}

/// What a request is, according to its row.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The row.
    pub call: &'a Call,
    /// The target's id; empty for reads without one.
    pub target: String,
    /// Arguments that a grant is bound to.
    pub arguments: BTreeMap<String, Value>,
}

impl Vendor {
    /// The row that a request matches.
    ///
    /// # Errors
    /// Why no row takes it, for the log and the case.
    pub fn read<'a>(&'a self, request: &Request, company: &str) -> Result<Reading<'a>, String> {
        let segments = match &request.target {
            Target::Path(segments) => segments,
            Target::Follow(_) => return Err("a link is read against its connection".into()),
        };
        let mut why = None;
        for call in self.calls.iter().filter(|call| call.method == request.method) {
            let Some(names) = match_path(&call.path, segments) else { continue };
            match read_row(call, request, &names, company) {
                Ok(reading) => return Ok(reading),
                Err(text) => {
                    why.get_or_insert(format!("row `{}`: {text}", call.name));
                }
            }
        }
        Err(why.unwrap_or_else(|| format!("no row of {} for {} {}", self.vendor, request.method, segments.join("/"))))
    }

    /// A vendor's own link continues a read of the same path; nothing else may be in it.
    ///
    /// # Errors
    /// Why it is not followed.
    pub fn read_follow<'a>(&'a self, request: &Request, segments: &[String]) -> Result<Reading<'a>, String> {
        let plain =
            request.method == "GET" && request.query.is_empty() && request.body == Body::Empty && request.fill.is_empty() && request.effect == Effect::Read;
        let headers: Vec<String> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        let call = self.calls.iter().find(|call| {
            let set: Vec<String> = call.set_headers.iter().map(|name| name.to_ascii_lowercase()).collect();
            let path = match_path(&call.path, segments).is_some();
            path && call.follow && call.effect == Effect::Read && headers.iter().all(|name| set.contains(name))
        });
        match call {
            Some(call) if plain => Ok(Reading { call, target: String::new(), arguments: BTreeMap::new() }),
            _ => Err("a link may only be followed by a plain GET of a path that may be continued".into()),
        }
    }
}

fn match_path<'a>(template: &'a [String], segments: &'a [String]) -> Option<BTreeMap<&'a str, &'a str>> {
    if template.len() != segments.len() {
        return None;
    }
    let mut names = BTreeMap::new();
    for (part, segment) in template.iter().zip(segments) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            // Encoded, a slash is harmless here; some servers decode it before they look for the path.
            Some(_) if matches!(segment.as_str(), "" | "." | "..") || segment.contains(['/', '\\']) => return None,
            Some(name) => {
                names.insert(name, segment.as_str());
            }
            None if part == segment => {}
            None => return None,
        }
    }
    Some(names)
}

fn read_row<'a>(call: &'a Call, request: &Request, names: &BTreeMap<&str, &str>, company: &str) -> Result<Reading<'a>, String> {
    if call.effect != request.effect {
        return Err(format!("the stage says {:?}, the catalogue says {:?}", request.effect, call.effect));
    }
    if let Some((name, _)) = request.query.iter().find(|(name, _)| !call.query.contains(name)) {
        return Err(format!("query `{name}` is not allowed"));
    }
    if let Some((name, _)) = request.headers.iter().find(|(name, _)| !call.set_headers.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))) {
        return Err(format!("header `{name}` is not allowed"));
    }
    let body = body_value(&request.body)?;
    let target = match &call.target {
        Some(Place::Segment(name)) => names.get(name.as_str()).map(|id| (*id).to_string()),
        Some(Place::Body(pointer)) => body.as_ref().and_then(|body| body.pointer(pointer)).and_then(id_text),
        Some(Place::Form(name)) => body.as_ref().and_then(|body| body.get(name)).and_then(id_text),
        Some(Place::Tenant(_)) => Some(company.to_string()),
        None => Some(String::new()),
    };
    let target = target.ok_or("the target is missing")?;
    let mut arguments = BTreeMap::new();
    match (&call.body, &body) {
        (BodyRule::None(NoBody::None), None) if request.fill.is_empty() => {}
        (BodyRule::None(NoBody::None), _) => return Err("it must have no body".into()),
        (BodyRule::Members(members), body) => {
            let body = body.as_ref().ok_or("the body is missing")?;
            check_body(members, body, request, &target, company, &mut arguments)?;
        }
    }
    Ok(Reading { call, target, arguments })
}

fn body_value(body: &Body) -> Result<Option<Value>, String> {
    match body {
        Body::Empty => Ok(None),
        Body::Json(text) => serde_json::from_str(text).map(Some).map_err(|_| "the body is not JSON".into()),
        Body::Form(pairs) => {
            let members: serde_json::Map<String, Value> = pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
            if members.len() == pairs.len() { Ok(Some(Value::Object(members))) } else { Err("a form field stands twice".into()) }
        }
    }
}

fn check_body(
    members: &BTreeMap<String, Member>,
    body: &Value,
    request: &Request,
    target: &str,
    company: &str,
    arguments: &mut BTreeMap<String, Value>,
) -> Result<(), String> {
    for (pointer, rule) in members {
        if (rule.required || rule.fixed.is_some()) && body.pointer(pointer).is_none() {
            return Err(format!("`{pointer}` is missing"));
        }
    }
    let mut filled = 0;
    let mut leaves = Vec::new();
    leaves_of(body, String::new(), &mut leaves);
    for (pointer, value) in leaves {
        let fill = request.fill.iter().find(|fill| fill.pointer == pointer);
        // A fill must be named by a rule of its own, also within a free subtree.
        if let Some(fill) = fill {
            let allowed = members.iter().any(|(at, rule)| rule.fill.contains(&fill.name) && pointer_matches(at, &pointer));
            if !allowed || value.as_str() != Some("") {
                return Err(format!("`{}` must not be filled in at `{pointer}`", fill.name));
            }
            filled += 1;
            continue;
        }
        // Where a secret belongs, a stage may put nothing of its own: a link of a stranger's, for instance.
        if members.iter().any(|(at, rule)| !rule.fill.is_empty() && pointer_matches(at, &pointer)) {
            return Err(format!("`{pointer}` has a value that is not allowed"));
        }
        let exact = members.get(&pointer);
        let above =
            || members.iter().find(|(at, rule)| rule.free && pointer.strip_prefix(at.as_str()).is_some_and(|rest| rest.starts_with('/'))).map(|(_, rule)| rule);
        let rule = exact.or_else(above).ok_or_else(|| format!("`{pointer}` is not allowed"))?;
        let text = id_text(value);
        let good = match rule {
            Member { fixed: Some(fixed), .. } => fixed == value,
            Member { fill, .. } if !fill.is_empty() => false,
            Member { target: true, .. } => text.as_deref() == Some(target),
            Member { company: true, .. } => text.as_deref() == Some(company),
            Member { argument: Some(name), .. } => {
                arguments.insert(name.clone(), value.clone());
                true
            }
            Member { free, .. } => *free,
        };
        if !good {
            return Err(format!("`{pointer}` has a value that is not allowed"));
        }
    }
    if filled == request.fill.len() { Ok(()) } else { Err("a secret is to be filled in where no member is".into()) }
}

/// Scalars and empty containers, with their pointers.
fn leaves_of<'a>(value: &'a Value, at: String, out: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                leaves_of(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                leaves_of(item, format!("{at}/{i}"), out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => out.push((at, value)),
    }
}

/// Whether a pointer fits a pattern in which `*` stands for one step.
#[must_use]
pub fn pointer_matches(pattern: &str, pointer: &str) -> bool {
    let (pattern, pointer): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), pointer.split('/').collect());
    pattern.len() == pointer.len() && pattern.iter().zip(&pointer).all(|(pattern, step)| *pattern == "*" || pattern == step)
}

/// An id as text, whether JSON holds it as text or as a number.
#[must_use]
pub fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Ids that a reply shows to belong to a company.
#[must_use]
pub fn attested(attests: &Attests, body: &Value, company: &str) -> Vec<String> {
    let items: Vec<(&Value, &str, &str)> = match (attests.id.strip_prefix("/*"), attests.company.strip_prefix("/*"), body) {
        (Some(id), Some(owner), Value::Array(items)) => items.iter().map(|item| (item, id, owner)).collect(),
        _ => vec![(body, attests.id.as_str(), attests.company.as_str())],
    };
    items
        .into_iter()
        .filter(|(item, _, owner)| item.pointer(owner).and_then(id_text).as_deref() == Some(company))
        .filter_map(|(item, id, _)| item.pointer(id).and_then(id_text))
        .collect()
}

/// Names and ids of the accounts that a reply shows. Mail addresses may carry their kind (`SMTP:`).
#[must_use]
pub fn shown(identifies: &Identifies, body: &Value, company: &str) -> Vec<(String, String)> {
    let accounts = match &identifies.list {
        Some(list) => body.pointer(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default(),
        None => std::slice::from_ref(body),
    };
    let plain = |text: &str| {
        let text = text.to_lowercase();
        text.strip_prefix("smtp:").map(Into::into).unwrap_or(text)
    };
    let of = |account: &Value| {
        let owner = |pointer: &String| account.pointer(pointer).and_then(id_text).as_deref() == Some(company);
        let id = account.pointer(&identifies.id).and_then(id_text).filter(|_| identifies.company.as_ref().is_none_or(owner))?;
        let values = identifies.names.iter().flat_map(|pointer| match pointer.split_once("/*/") {
            Some((list, member)) => {
                let members = account.pointer(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                members.iter().filter_map(|one| one.get(member)).collect()
            }
            None => account.pointer(pointer).into_iter().collect::<Vec<_>>(),
        });
        let texts = values.flat_map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)).filter_map(Value::as_str);
        Some(texts.map(|text| (plain(text), id.clone())).collect::<Vec<_>>())
    };
    accounts.iter().filter_map(of).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str, body: &str, effect: Effect) -> Request {
        let body = if body.is_empty() { Body::Empty } else { Body::Json(body.into()) };
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

    fn check(vendor_name: &str, request: &Request, expect: &str) {
        let vendor = vendor(vendor_name).unwrap();
        let got = match vendor.read(request, "19") {
            Ok(reading) => format!("{} {}", reading.call.name, reading.target),
            Err(why) => format!("refused: {why}"),
        };
        assert!(got.contains(expect), "{got} should contain {expect}");
    }

    #[test]
    fn every_file_reads_and_agrees_with_the_core() {
        for (name, text) in FILES {
            let vendor: Vendor = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            let known = firstline_core::tenant::vendor(name).unwrap();
            assert_eq!((vendor.vendor.as_str(), vendor.hosts.iter().map(String::as_str).collect::<Vec<_>>()), (name, known.hosts.to_vec()));
            for call in &vendor.calls {
                let change = call.effect == Effect::Change;
                assert_eq!(change, !call.action.is_empty() && call.target.is_some(), "{name} {}: a change names action and target", call.name);
                assert!(!(vendor.shared && change) || call.owner.is_some(), "{name} {}: a change on a shared system names its owner", call.name);
                assert!(change || call.secrets.is_empty() || call.repeat, "{name} {}", call.name);
            }
        }
    }

    #[test]
    fn the_catalogue_decides_what_a_request_is() {
        let reset = r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":""}}"#;
        let mut filled = request("PATCH", "users/u1", reset, Effect::Change);
        filled.fill.push(firstline_core::wire::Fill { pointer: "/passwordProfile/password".into(), name: "temporary-password".into() });
        check("entra", &filled, "reset-password u1");
        check("entra", &request("PATCH", "users/u1", reset, Effect::Change), "refused");
        check("entra", &Request { effect: Effect::Read, ..filled.clone() }, "the stage says Read");
        let mut other = filled.clone();
        other.fill[0].name = "link".into();
        check("entra", &other, "must not be filled in");
        let mut extra = filled.clone();
        extra.body = Body::Json(r#"{"accountEnabled":true,"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":""}}"#.into());
        check("entra", &extra, "`/accountEnabled` is not allowed");
        let mut soft = filled.clone();
        soft.body = Body::Json(r#"{"passwordProfile":{"forceChangePasswordNextSignIn":false,"password":""}}"#.into());
        check("entra", &soft, "has a value that is not allowed");
        check("entra", &request("DELETE", "users/u1", "", Effect::Change), "no row");
        check("entra", &request("GET", "users/..", "", Effect::Read), "no row");
        let mut header = request("GET", "users/u1", "", Effect::Read);
        header.headers.push(("authorization".into(), "x".into()));
        check("entra", &header, "header `authorization` is not allowed");
        header.headers.clear();
        header.query.push(("$expand".into(), "manager".into()));
        check("entra", &header, "query `$expand` is not allowed");
    }

    #[test]
    fn what_a_language_model_may_cost_is_not_the_stages_choice() {
        let ask = |tokens: u32, stream: bool, more: &str| {
            let body = format!(r#"{{"model":"m","messages":[],"response_format":{{}},"max_tokens":{tokens},"temperature":0,"stream":{stream}{more}}}"#);
            request("POST", "chat/completions", &body, Effect::Read)
        };
        check("openai", &ask(300, false, ""), "complete");
        check("openai", &ask(4_000, false, ""), "`/max_tokens` has a value");
        check("openai", &ask(300, true, ""), "`/stream` has a value");
        check("openai", &ask(300, false, r#","tools":[1]"#), "is not allowed");
        check("openai", &request("POST", "files", "{}", Effect::Read), "no row");
    }

    #[test]
    fn a_code_goes_to_the_number_that_was_granted_and_is_never_the_stages_own() {
        let form = |path: &str, pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
            Request { body: Body::Form(pairs), ..request("POST", path, "", Effect::Change) }
        };
        let send = |pairs: &[(&str, &str)]| form("Services/VA1/Verifications", pairs);
        check("twilio", &send(&[("To", "+447700900123"), ("Channel", "sms"), ("Locale", "de")]), "send-code +447700900123");
        check("twilio", &send(&[("To", "+447700900123"), ("Channel", "call")]), "`/Channel` has a value");
        check("twilio", &send(&[("To", "+447700900123"), ("Channel", "sms"), ("CustomCode", "123456")]), "`/CustomCode` is not allowed");
        let typed = |code: &str, fill: &[&str]| {
            let fill = fill.iter().map(|name| firstline_core::wire::Fill { pointer: "/Code".into(), name: (*name).into() }).collect();
            Request { fill, ..form("Services/VA1/VerificationCheck", &[("To", "+447700900123"), ("Code", code)]) }
        };
        check("twilio", &typed("", &["code"]), "check-code +447700900123");
        check("twilio", &typed("123456", &[]), "`/Code` has a value");
        check("twilio", &typed("", &["temporary-password"]), "must not be filled");
    }

    #[test]
    fn a_shared_system_is_told_apart_by_company() {
        let ticket = |company: u32| {
            request(
                "POST",
                "service/tickets",
                &format!(r#"{{"summary":"x","recordType":"ServiceTicket","company":{{"id":{company}}},"board":{{"id":1}},"externalXRef":"c"}}"#),
                Effect::Change,
            )
        };
        check("connectwise", &ticket(19), "ticket_open 19");
        check("connectwise", &ticket(20), "`/company/id` has a value");
        let vendor = vendor("connectwise").unwrap();
        let row = vendor.calls.iter().find(|call| call.name == "ticket_find").unwrap();
        let list = serde_json::json!([{"id": 1, "company": {"id": 19}}, {"id": 2, "company": {"id": 20}}]);
        assert_eq!(attested(row.attests.as_ref().unwrap(), &list, "19"), ["1"]);
    }

    #[test]
    fn a_reply_shows_which_account_has_a_name() {
        let jane = serde_json::json!({"id": "u1", "userPrincipalName": "Jane@acme.example", "mail": null, "proxyAddresses": ["smtp:j.doe@acme.example", "x500:/o=acme"]});
        let row = |name: &str| {
            let vendor = vendor("entra").unwrap();
            vendor.calls.into_iter().find(|call| call.name == name).unwrap().identifies.unwrap()
        };
        for (name, expect) in [("jane@acme.example", "u1"), ("j.doe@acme.example", "u1"), ("bob@acme.example", ""), ("", "")] {
            let ids =
                |row: &Identifies, body: &Value| shown(row, body, "19").into_iter().filter(|(known, _)| *known == name).map(|(_, id)| id).collect::<String>();
            assert_eq!(ids(&row("read-user"), &jane), expect, "{name}");
            assert_eq!(ids(&row("find-user"), &serde_json::json!({"value": [jane]})), expect, "{name}");
        }
        assert!(shown(&row("find-user"), &jane, "19").is_empty());
        // On a shared system only what belongs to the company.
        let person = |id: u64, company: u64| {
            let items = serde_json::json!([{"value": "Mo@acme.example"}, {"value": null}]);
            serde_json::json!({"id": id, "company": {"id": company}, "communicationItems": items, "types": [{"id": 1, "name": "Approver"}]})
        };
        let vendor = vendor("connectwise").unwrap();
        let row = vendor.calls.into_iter().find(|call| call.name == "contact_find").unwrap().identifies.unwrap();
        let known = shown(&row, &serde_json::json!([person(1, 19), person(2, 20), {"id": 3}]), "19");
        assert_eq!(known, [("mo@acme.example".to_string(), "1".to_string()), ("approver".into(), "1".into())]);
    }

    #[test]
    fn a_secret_goes_only_where_a_row_says() {
        let post = |url: &str| {
            request(
                "POST",
                "chat.postMessage",
                &format!(
                    r#"{{"channel":"D1","text":"t","blocks":[{{"elements":[{{"url":"{url}"}}]}}],"metadata":{{}},"unfurl_links":false,"unfurl_media":false}}"#
                ),
                Effect::Change,
            )
        };
        let fill = |pointer: &str, name: &str| firstline_core::wire::Fill { pointer: pointer.into(), name: name.into() };
        check("slack", &post("https://x"), "refused");
        check("slack", &Request { fill: vec![fill("/blocks/0/elements/0/url", "link")], ..post("") }, "message_post D1");
        check("slack", &Request { fill: vec![fill("/blocks/0/elements/0/url", "temporary-password")], ..post("") }, "must not be filled");
        check("slack", &Request { fill: vec![fill("/text", "link")], ..post("") }, "refused");
        check("slack", &Request { fill: vec![fill("/nowhere", "link")], ..post("") }, "refused");
    }
}
