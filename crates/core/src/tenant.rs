//! A tenant's document: its connections, its desk, its guardrails. Written by the console, read by all.

use crate::record::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a vendor's system is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Where people write.
    Chat,
    /// Where accounts live.
    Idp,
    /// Where tickets live.
    Psa,
}

/// The one component that may open a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// `chat-intake`, for signing secrets.
    Intake,
    /// `technician`, for vendor credentials.
    Technician,
}

/// What this version knows about a vendor.
#[derive(Debug)]
pub struct Vendor {
    /// As documents name it.
    pub name: &'static str,
    /// What it is to us.
    pub role: Role,
    /// Hosts that base URLs may name without being listed by the operator; `*.` stands for one or more labels.
    pub hosts: &'static [&'static str],
    /// Hosts of its token endpoint; empty if it has none.
    pub token_hosts: &'static [&'static str],
    /// Members of `account` that must be there.
    pub account: &'static [&'static str],
    /// Secrets of a connection, and who opens each.
    pub secrets: &'static [(&'static str, Opener)],
}

/// Every vendor of this version.
pub const VENDORS: &[Vendor] = &[
    Vendor {
        name: "slack",
        role: Role::Chat,
        hosts: &["slack.com"],
        token_hosts: &[],
        account: &["team"],
        secrets: &[("signing-secret", Opener::Intake), ("signing-secret-next", Opener::Intake), ("bot-token", Opener::Technician)],
    },
    Vendor {
        name: "entra",
        role: Role::Idp,
        hosts: &["graph.microsoft.com"],
        token_hosts: &["login.microsoftonline.com"],
        account: &["directory", "client_id"],
        secrets: &[("client-secret", Opener::Technician)],
    },
    Vendor {
        name: "okta",
        role: Role::Idp,
        hosts: &["*.okta.com", "*.oktapreview.com", "*.okta-emea.com"],
        token_hosts: &[],
        account: &["org"],
        secrets: &[("api-token", Opener::Technician)],
    },
    Vendor {
        name: "connectwise",
        role: Role::Psa,
        hosts: &["*.myconnectwise.net"],
        token_hosts: &[],
        account: &["login_company", "client_id"],
        secrets: &[("public-key", Opener::Technician), ("private-key", Opener::Technician)],
    },
];

/// Looks a vendor up.
#[must_use]
pub fn vendor(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name == name)
}

/// A client of the MSP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Its id: 1 to 40 of `a-z`, `0-9`, `-`.
    pub tenant: String,
    /// Its name, for people.
    pub name: String,
    /// The MSP, as users see it.
    pub msp: Msp,
    /// `en`, `de` …
    #[serde(default = "english")]
    pub locale: String,
    /// The systems of this client.
    pub connections: Vec<Connection>,
    /// Where its tickets go.
    pub desk: Desk,
    /// What may be done without a person.
    #[serde(default)]
    pub guardrails: Guardrails,
    /// How long a view-once link works, in minutes: 5 to 1440.
    #[serde(default = "an_hour")]
    pub link_minutes: u64,
}

fn english() -> String {
    "en".into()
}

fn an_hour() -> u64 {
    60
}

/// The MSP, as users see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Msp {
    /// Name.
    pub name: String,
    /// Telephone number of the desk.
    pub phone: String,
}

/// One system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Unique over all tenants; webhooks are addressed to it.
    pub id: String,
    /// One of [`VENDORS`].
    pub vendor: String,
    /// `https://…` without a trailing slash.
    pub base_url: String,
    /// Where OAuth2 tokens come from.
    #[serde(default)]
    pub token_url: String,
    /// The vendor's own ids (`team`, `directory`, `client_id` …).
    #[serde(default)]
    pub account: BTreeMap<String, String>,
    /// For a chat: ids of identity providers whose password reset ends the user's chat session, so that nothing can be delivered there.
    #[serde(default)]
    pub cut_off_by: Vec<String>,
}

/// Where tickets go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// The client's company id in the PSA.
    pub company: u64,
    /// Board of new tickets.
    pub board: u64,
    /// Name of the closed status, if not the board's own.
    #[serde(default)]
    pub closed_status: Option<String>,
    /// Name of the status for tickets that need a human.
    #[serde(default)]
    pub dispatch_status: Option<String>,
    /// `none`, `non-billable` or `billable`.
    #[serde(default = "non_billable")]
    pub time_entry: String,
    /// Member identifier that time is logged for.
    #[serde(default)]
    pub member: Option<String>,
    /// Work type of time entries.
    #[serde(default)]
    pub work_type: Option<String>,
}

fn non_billable() -> String {
    "non-billable".into()
}

/// What may be done without a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guardrails {
    /// Action → `autonomous`, `approval`, `human`, `deny`; missing actions take the built-in default.
    #[serde(default)]
    pub matrix: BTreeMap<String, String>,
    /// Sign-in names, aliases and object ids that are never touched.
    #[serde(default)]
    pub protected: Vec<String>,
    /// On-premises write-back of passwords is set up.
    #[serde(default)]
    pub password_writeback: bool,
}

impl Record for Tenant {
    const SCHEMA: u64 = 1;
}

impl Tenant {
    /// The first connection of a role.
    #[must_use]
    pub fn connection_of(&self, role: Role) -> Option<&Connection> {
        self.connections.iter().find(|c| vendor(&c.vendor).is_some_and(|v| v.role == role))
    }
    /// A connection by id.
    #[must_use]
    pub fn connection(&self, id: &str) -> Option<&Connection> {
        self.connections.iter().find(|c| c.id == id)
    }
}

/// What `connection/<id>` holds: enough for `chat-intake`, which cannot check a tenant's MAC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The connection's tenant.
    pub tenant: String,
    /// Its vendor.
    pub vendor: String,
    /// Its base URL, part of the associated data of its secrets.
    pub base_url: String,
    /// Its token URL, likewise.
    pub token_url: String,
    /// The vendor's own ids.
    pub account: BTreeMap<String, String>,
}

impl Record for Address {
    const SCHEMA: u64 = 1;
}

/// Names of all tenants, kept under a MAC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenants {
    /// In alphabetical order.
    pub names: BTreeSet<String>,
}

impl Record for Tenants {
    const SCHEMA: u64 = 1;
}

/// A stored secret of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Base64 of the sealed secret.
    pub sealed: String,
    /// When it was entered.
    pub entered: crate::Instant,
    /// Who entered it.
    pub by: String,
}

impl Record for Credential {
    const SCHEMA: u64 = 1;
}

/// What the operator allows beside the vendors' own hosts.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// `extra_host_1` … `extra_host_8`: scheme, host and port; empty ones are skipped.
    pub extra_hosts: Vec<String>,
    /// `allow_loopback`.
    pub loopback: bool,
}

/// Whether an absolute URL may be sent to. `vendor_hosts` are the vendor's own; everything else must be listed by the operator.
///
/// # Errors
/// What is wrong, for the person who entered it.
pub fn check_url(url: &str, vendor_hosts: &[&str], reach: &Reach) -> Result<(), String> {
    let uri: http::Uri = url.parse().map_err(|_| format!("`{url}` is not a URL"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(format!("`{url}` must begin with https://")) };
    let host = authority.host().to_ascii_lowercase();
    if authority.as_str().contains('@') {
        return Err(format!("`{url}` must not hold a user name"));
    }
    if uri.query().is_some() || url.contains('#') || url.ends_with('/') {
        return Err(format!("`{url}` must not end in a slash, nor hold a query or fragment"));
    }
    let loopback = host == "127.0.0.1" || host == "localhost" || host == "[::1]";
    if loopback && !reach.loopback {
        return Err(format!("`{url}` points to this machine; set the variable `allow_loopback` to allow that"));
    }
    if host == "spin.internal" || host.ends_with(".spin.internal") {
        return Err(format!("`{url}` points into this application"));
    }
    let literal = host.starts_with('[') || host.split('.').all(|label| label.parse::<u8>().is_ok()) || host.parse::<u64>().is_ok();
    if literal && !loopback {
        return Err(format!("`{url}` must name a host, not an address"));
    }
    if scheme != "https" && !loopback {
        return Err(format!("`{url}` must begin with https://"));
    }
    let own = scheme == "https" && authority.port_u16().unwrap_or(443) == 443 && vendor_hosts.iter().any(|pattern| host_matches(pattern, &host));
    let origin = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
    let extra = reach.extra_hosts.iter().filter(|e| !e.is_empty()).any(|e| e.trim_end_matches('/').eq_ignore_ascii_case(&origin));
    if own || extra {
        Ok(())
    } else {
        Err(format!(
            "`{url}` is not covered: this vendor's hosts are {}; set a variable `extra_host_1` … `extra_host_8` to `{origin}` to allow it",
            vendor_hosts.join(", ")
        ))
    }
}

/// Whether a host matches a pattern, where a leading `*.` stands for one or more labels.
#[must_use]
pub fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(suffix) => host.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')).is_some_and(|label| !label.is_empty()),
        None => pattern == host,
    }
}

/// Reads and checks a tenant's document.
///
/// # Errors
/// Every problem at once, each naming its member.
pub fn parse(id: &str, document: &[u8], reach: &Reach) -> Result<Tenant, Vec<String>> {
    let value: Value = serde_json::from_slice(document).map_err(|e| vec![format!("not JSON: line {} column {}", e.line(), e.column())])?;
    let mut problems = Vec::new();
    shape(&value, &mut problems);
    let tenant = match serde_json::from_value::<Tenant>(value) {
        Ok(tenant) => tenant,
        Err(error) => {
            if problems.is_empty() {
                problems.push(error.to_string());
            }
            return Err(problems);
        }
    };
    content(id, &tenant, reach, &mut problems);
    if problems.is_empty() { Ok(tenant) } else { Err(problems) }
}

/// Missing and unknown members, which serde would only name one at a time.
fn shape(value: &Value, problems: &mut Vec<String>) {
    const DOCUMENT: (&[&str], &[&str]) = (&["tenant", "name", "msp", "connections", "desk"], &["locale", "guardrails", "link_minutes"]);
    const MSP: (&[&str], &[&str]) = (&["name", "phone"], &[]);
    const DESK: (&[&str], &[&str]) = (&["company", "board"], &["closed_status", "dispatch_status", "time_entry", "member", "work_type"]);
    const GUARDRAILS: (&[&str], &[&str]) = (&[], &["matrix", "protected", "password_writeback"]);
    const CONNECTION: (&[&str], &[&str]) = (&["id", "vendor", "base_url"], &["token_url", "account", "cut_off_by"]);
    let mut object = |path: &str, value: Option<&Value>, (required, optional): (&[&str], &[&str])| match value {
        Some(Value::Object(members)) => {
            for name in required.iter().filter(|name| !members.contains_key(**name)) {
                problems.push(format!("`{path}{name}` is missing"));
            }
            for name in members.keys().filter(|name| !required.contains(&name.as_str()) && !optional.contains(&name.as_str())) {
                problems.push(format!("`{path}{name}` is not known"));
            }
        }
        Some(_) => problems.push(format!("`{}` must be an object", path.trim_end_matches('.'))),
        None => {}
    };
    object("", Some(value), DOCUMENT);
    object("msp.", value.get("msp"), MSP);
    object("desk.", value.get("desk"), DESK);
    object("guardrails.", value.get("guardrails"), GUARDRAILS);
    for (i, connection) in value.get("connections").and_then(Value::as_array).into_iter().flatten().enumerate() {
        object(&format!("connections.{i}."), Some(connection), CONNECTION);
    }
}

fn content(id: &str, tenant: &Tenant, reach: &Reach, problems: &mut Vec<String>) {
    let mut problem = |ok: bool, text: String| {
        if !ok {
            problems.push(text);
        }
    };
    problem(tenant.tenant == id, format!("`tenant` is `{}`, but the address says `{id}`", tenant.tenant));
    problem(crate::keys::is_name(&tenant.tenant), "`tenant` must be 1 to 40 of a-z, 0-9 and -".into());
    for (path, text) in [("name", &tenant.name), ("msp.name", &tenant.msp.name), ("msp.phone", &tenant.msp.phone)] {
        problem(!text.trim().is_empty() && text.chars().count() <= 100, format!("`{path}` must hold 1 to 100 characters"));
    }
    problem((5..=1_440).contains(&tenant.link_minutes), "`link_minutes` must be between 5 and 1440".into());
    problem(
        ["none", "non-billable", "billable"].contains(&tenant.desk.time_entry.as_str()),
        format!("`desk.time_entry` is `{}`, not none, non-billable or billable", tenant.desk.time_entry),
    );
    problem(tenant.desk.company > 0, "`desk.company` must be the company's id in the PSA".into());
    problem(tenant.desk.board > 0, "`desk.board` must be the id of a service board".into());
    for (action, mode) in &tenant.guardrails.matrix {
        problem(
            ["autonomous", "approval", "human", "deny"].contains(&mode.as_str()),
            format!("`guardrails.matrix.{action}` is `{mode}`, not autonomous, approval, human or deny"),
        );
    }
    let mut ids = BTreeSet::new();
    for (i, connection) in tenant.connections.iter().enumerate() {
        let at = format!("connections.{i}");
        problem(crate::keys::is_name(&connection.id), format!("`{at}.id` must be 1 to 40 of a-z, 0-9 and -"));
        problem(ids.insert(connection.id.as_str()), format!("`{at}.id`: `{}` stands twice", connection.id));
        for idp in &connection.cut_off_by {
            problem(tenant.connection(idp).is_some(), format!("`{at}.cut_off_by` names `{idp}`, which is no connection of this tenant"));
        }
        let Some(vendor) = vendor(&connection.vendor) else {
            problem(
                false,
                format!("`{at}.vendor`: `{}` is not known; known are {}", connection.vendor, VENDORS.iter().map(|v| v.name).collect::<Vec<_>>().join(", ")),
            );
            continue;
        };
        if let Err(text) = check_url(&connection.base_url, vendor.hosts, reach) {
            problem(false, format!("`{at}.base_url`: {text}"));
        }
        match (vendor.token_hosts.is_empty(), connection.token_url.is_empty()) {
            (true, false) => problem(false, format!("`{at}.token_url`: {} has no token endpoint", vendor.name)),
            (false, _) => {
                if let Err(text) = check_url(&connection.token_url, vendor.token_hosts, reach) {
                    problem(false, format!("`{at}.token_url`: {text}"));
                }
            }
            (true, true) => {}
        }
        for name in vendor.account {
            problem(connection.account.get(*name).is_some_and(|v| !v.trim().is_empty()), format!("`{at}.account.{name}` is missing"));
        }
        for name in connection.account.keys().filter(|name| !vendor.account.contains(&name.as_str())) {
            problem(false, format!("`{at}.account.{name}` is not known"));
        }
    }
    for (role, name) in [(Role::Chat, "a chat"), (Role::Psa, "a PSA")] {
        problem(tenant.connection_of(role).is_some(), format!("`connections` holds no connection to {name}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            &[
                "`desk.time_entry` is `free`",
                "`connections.0.vendor`: `slacc`",
                "`connections.1.base_url`",
                "`connections.1.account.directory` is missing",
                "no connection to a chat",
            ],
        );
        check(
            |v| {
                v.as_object_mut().unwrap().remove("desk");
                v["extra"] = json!(1);
                v["msp"] = json!({"nam": "x"});
            },
            &["`desk` is missing", "`extra` is not known", "`msp.name` is missing", "`msp.phone` is missing", "`msp.nam` is not known"],
        );
    }

    #[test]
    fn a_base_url_stays_within_the_vendor_or_what_the_operator_listed() {
        let hosts = &["*.okta.com", "slack.com"];
        let reach = |extra: &str, loopback| Reach { extra_hosts: vec![String::new(), extra.into()], loopback };
        for (url, extra, loopback, ok) in [
            ("https://acme.okta.com", "", false, true),
            ("https://a.b.okta.com", "", false, true),
            ("https://okta.com", "", false, false),
            ("https://evilokta.com", "", false, false),
            ("https://acme.okta.com.evil.com", "", false, false),
            ("https://slack.com/api", "", false, true),
            ("https://slack.com:8443/api", "", false, false),
            ("https://slack.com/api/", "", false, false),
            ("https://slack.com/api?x=1", "", false, false),
            ("https://user@slack.com/api", "", false, false),
            ("http://slack.com/api", "", false, false),
            ("slack.com/api", "", false, false),
            ("https://psa.example.com/api", "https://psa.example.com", false, true),
            ("https://psa.example.com:444/api", "https://psa.example.com", false, false),
            ("http://127.0.0.1:9/slack", "http://127.0.0.1:9", true, true),
            ("http://127.0.0.1:9/slack", "http://127.0.0.1:9", false, false),
            ("http://127.0.0.1:9/slack", "", true, false),
            ("https://10.0.0.1/x", "https://10.0.0.1", true, false),
            ("https://[::2]/x", "https://[::2]", true, false),
            ("https://2130706433/x", "https://2130706433", true, false),
            ("http://technician.spin.internal", "http://technician.spin.internal", true, false),
        ] {
            assert_eq!(check_url(url, hosts, &reach(extra, loopback)).is_ok(), ok, "{url} with {extra}");
        }
    }
}
