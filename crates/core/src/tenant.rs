//! A client as its cases see it: its own document and what it inherits of the MSP's. Written by the console, read by all.

mod document;
mod messages;

use crate::hours::{Calendar, Hours};
use crate::keys;
use crate::record::Record;
use crate::seal::credential_context;
use crate::stage::{CODE, PUSH};
pub use document::{
    ACTIONS, Approvals, Autonomy, Brand, Connection, DEFAULT_ACTION, Demotion, DeskDocument, DeskSettings, Digest, Document, Freeze, Gap, Guardrails, Intake,
    Limits, Msp, Named, Notices, OnCall, Promotion, Settings, Source, Staff, StaffRole, Vips, gaps, msp_gaps, outline, parse, read, read_msp, resolve,
};
pub use messages::{LANGUAGES, Messages};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a vendor's system is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Where people write.
    Chat,
    /// Where accounts live.
    Idp,
    /// Where tickets live.
    Psa,
    /// What is asked about a text that was not understood.
    Model,
    /// What a requester proves themselves with.
    Proof,
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
    /// Where its base URL usually is; empty if every customer has another.
    pub base_url: &'static str,
    /// Where its tokens usually come from, with `{directory}` for that member of `account`.
    pub token_url: &'static str,
    /// Secrets of a connection, and who opens each.
    pub secrets: &'static [(&'static str, Opener)],
    /// Secrets that belong to an application, and not to its installation at one customer.
    pub of_application: &'static [&'static str],
    /// The member of `account` that names the customer; never taken over from an application.
    pub customer: &'static str,
    /// The member of `account` that the vendor tells whoever has the secrets; empty if there is none.
    pub found_out: &'static str,
}

/// Every vendor of this version.
pub const VENDORS: &[Vendor] = &[
    Vendor {
        name: "slack",
        role: Role::Chat,
        hosts: &["slack.com"],
        token_hosts: &[],
        account: &["team"],
        base_url: "https://slack.com/api",
        token_url: "",
        secrets: &[("signing-secret", Opener::Intake), ("signing-secret-next", Opener::Intake), ("bot-token", Opener::Technician)],
        of_application: &["signing-secret", "signing-secret-next"],
        customer: "team",
        found_out: "team",
    },
    Vendor {
        name: "entra",
        role: Role::Idp,
        hosts: &["graph.microsoft.com"],
        token_hosts: &["login.microsoftonline.com"],
        account: &["directory", "client_id"],
        base_url: "https://graph.microsoft.com/v1.0",
        token_url: "https://login.microsoftonline.com/{directory}/oauth2/v2.0/token",
        secrets: &[("client-secret", Opener::Technician)],
        of_application: &["client-secret"],
        customer: "directory",
        found_out: "",
    },
    Vendor {
        name: "okta",
        role: Role::Idp,
        hosts: &["*.okta.com", "*.oktapreview.com", "*.okta-emea.com"],
        token_hosts: &[],
        account: &["org"],
        base_url: "",
        token_url: "",
        secrets: &[("api-token", Opener::Technician)],
        of_application: &[],
        customer: "org",
        found_out: "",
    },
    Vendor {
        name: "connectwise",
        role: Role::Psa,
        hosts: &["*.myconnectwise.net"],
        token_hosts: &[],
        account: &["login_company", "client_id"],
        base_url: "",
        token_url: "",
        secrets: &[("public-key", Opener::Technician), ("private-key", Opener::Technician)],
        of_application: &[],
        customer: "login_company",
        found_out: "",
    },
    Vendor {
        // Whoever speaks its wire: there is no host that all of them share, so the operator lists each.
        name: "openai",
        role: Role::Model,
        hosts: &[],
        token_hosts: &[],
        account: &["model"],
        base_url: "",
        token_url: "",
        secrets: &[("api-key", Opener::Technician)],
        of_application: &[],
        customer: "",
        found_out: "",
    },
    Vendor {
        // Codes by SMS. An API key of Twilio is a pair: its id begins with `SK`; account id and auth token do as well.
        name: "twilio",
        role: Role::Proof,
        hosts: &["verify.twilio.com"],
        token_hosts: &[],
        account: &["service", "key"],
        base_url: "https://verify.twilio.com/v2",
        token_url: "",
        secrets: &[("key-secret", Opener::Technician)],
        of_application: &[],
        customer: "",
        found_out: "",
    },
    Vendor {
        name: "duo",
        role: Role::Proof,
        hosts: &["*.duosecurity.com"],
        token_hosts: &[],
        account: &["integration_key"],
        base_url: "",
        token_url: "",
        secrets: &[("secret-key", Opener::Technician)],
        of_application: &[],
        customer: "",
        found_out: "",
    },
];

/// Kinds of proof that a vendor checks, the vendor, and whether a connection of the MSP will do: sign-in names of two clients may be the same.
const PROVERS: [(&str, &str, bool); 2] = [(CODE, "twilio", true), (PUSH, "duo", false)];

/// Looks a vendor up.
#[must_use]
pub fn vendor(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name == name)
}

/// A client of the MSP, with everything that it inherits: what holds for its cases. Made by [`resolve`] and by nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tenant {
    /// Its id: 1 to 40 of `a-z`, `0-9`, `-`.
    pub tenant: String,
    /// Its name, for people.
    pub name: String,
    /// The MSP, as users see it.
    pub msp: Brand,
    /// `en`, `de` …, of its users where nothing else is known.
    pub locale: String,
    /// That of the MSP's own people.
    #[serde(skip)]
    pub msp_locale: String,
    /// The MSP's own words: language, sentence, text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub messages: Messages,
    /// The systems of this client.
    pub connections: Vec<Connection>,
    /// The MSP's own systems.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<Connection>,
    /// Where its tickets go.
    pub desk: Desk,
    /// What may be done without a person.
    pub guardrails: Guardrails,
    /// How long a view-once link works, in minutes.
    pub link_minutes: u64,
    /// After how many days what people wrote in an ended case is erased.
    pub retention_days: u64,
    /// IANA name of the desk's time zone.
    pub time_zone: String,
    /// When people are at the desk; empty if nobody has said.
    pub hours: Hours,
    /// Days on which nobody is, `2026-12-25`.
    pub holidays: Vec<String>,
    /// Who is called when nobody is at the desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_call: Option<OnCall>,
    /// The MSP's people.
    pub staff: Vec<Staff>,
    /// Who is asked for a yes, and how long.
    pub approvals: Approvals,
    /// How many changes there may be.
    pub limits: Limits,
    /// When nothing is changed without an approver of the MSP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// Who is told of a new password or factor.
    pub notices: Notices,
    /// A language model may be asked, where there is a connection to one.
    pub language_model: bool,
    /// When an action may be proposed to go by itself.
    pub promotion: Promotion,
    /// When it may no more.
    pub demotion: Demotion,
    /// What the MSP's people are told once a day; nothing if nobody has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// Where tickets go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Desk {
    /// The client's company id in the PSA.
    pub company: u64,
    /// Board of new tickets.
    pub board: u64,
    /// Name of the closed status, if not the board's own.
    pub closed_status: Option<String>,
    /// Name of the status for tickets that need a human.
    pub dispatch_status: Option<String>,
    /// Name of the status of a ticket whose requester has been answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responded_status: Option<String>,
    /// Name of the status of a ticket that waits for its requester.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_status: Option<String>,
    /// `none`, `non-billable` or `billable`.
    pub time_entry: String,
    /// Minutes that are billed, by action; nothing is billed for any other.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub minutes: BTreeMap<String, u32>,
    /// Name of the priority of a ticket that calls for a person at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_priority: Option<String>,
    /// Member identifier that time is logged for.
    pub member: Option<String>,
    /// Work type of time entries.
    pub work_type: Option<String>,
    /// Tickets that are taken in from the PSA; none if empty.
    pub intake: Vec<Intake>,
}

impl Tenant {
    /// The connection that checks a kind of proof.
    #[must_use]
    pub fn prover(&self, kind: &str) -> Option<&Connection> {
        let (_, vendor, shared) = PROVERS.iter().find(|(of, ..)| *of == kind)?;
        let own = |connection: &Connection| *shared || self.connections.iter().any(|own| own.id == connection.id);
        self.serving().find(|connection| connection.vendor == *vendor && own(connection))
    }
    /// The first connection of a role. The MSP's own PSA and language model count, its own chat does not.
    #[must_use]
    pub fn connection_of(&self, role: Role) -> Option<&Connection> {
        self.serving().find(|c| c.role() == Some(role))
    }
    /// The connections that this client's tickets may go through.
    pub fn serving(&self) -> impl Iterator<Item = &Connection> {
        let shared = self.shared.iter().filter(|c| matches!(c.role(), Some(Role::Psa | Role::Model | Role::Proof)));
        self.connections.iter().chain(shared).filter(|c| self.language_model || c.role() != Some(Role::Model))
    }
    /// A connection by id.
    #[must_use]
    pub fn connection(&self, id: &str) -> Option<&Connection> {
        self.connections.iter().chain(&self.shared).find(|c| c.id == id)
    }
    /// The MSP's own chat, where its staff are.
    #[must_use]
    pub fn staff_chat(&self) -> Option<&Connection> {
        self.shared.iter().find(|c| c.role() == Some(Role::Chat))
    }
    /// The person of the MSP behind a user of a workspace.
    #[must_use]
    pub fn staff_member(&self, workspace: &str, user: &str) -> Option<&Staff> {
        self.staff.iter().find(|staff| staff.workspace == workspace && staff.user == user)
    }
    /// The language in which somebody with this locale is written to.
    #[must_use]
    pub fn language(&self, locale: &str) -> &'static str {
        [locale, &self.locale].into_iter().find_map(messages::language).unwrap_or("en")
    }
    /// The MSP's own words for a sentence.
    #[must_use]
    pub fn own_words(&self, sentence: &str, locale: &str) -> Option<String> {
        self.messages.get(self.language(locale))?.get(sentence).cloned()
    }
    /// The freeze that holds then. One that cannot be read any more holds always.
    #[must_use]
    pub fn frozen(&self, now: crate::Instant) -> Option<&Freeze> {
        self.freezes.iter().find(|freeze| freeze.span(&self.time_zone).map_or(true, |(from, to)| (from..to).contains(&now)))
    }
    /// Nothing is done and nothing is said; what would be is written down.
    #[must_use]
    pub fn shadow(&self) -> bool {
        self.guardrails.autonomy.get(DEFAULT_ACTION).is_some_and(|default| default.mode == "shadow")
    }
    /// The directory is asked for the requester's manager.
    #[must_use]
    pub fn wants_manager(&self) -> bool {
        self.approvals.manager || self.approvals.manager_vouches || self.notices.manager
    }
    /// The directory is asked for the requester's groups: only a name with an `@` is certainly none of a group's.
    #[must_use]
    pub fn wants_groups(&self) -> bool {
        self.guardrails.listed().any(|listed| !listed.contains('@'))
    }
    /// Types of contacts that the PSA is asked for.
    #[must_use]
    pub fn contact_types(&self) -> Vec<String> {
        let mut types: Vec<String> = Vec::new();
        for kind in self.approvals.contact_types.iter().chain(&self.guardrails.vips.contact_types) {
            if !types.contains(kind) {
                types.push(kind.clone());
            }
        }
        types
    }
    /// With an action that lost its autonomy then: what went by itself before is supervised. None if nothing did.
    #[must_use]
    pub fn without(&self, action: &str, lost: crate::Instant) -> Option<Tenant> {
        let held = |name: &str| self.guardrails.autonomy.get(name).filter(|entry| entry.mode == "autonomous" && entry.at.unwrap_or(0) <= lost);
        let (own, others) = (held(action), held(DEFAULT_ACTION));
        let spoken_for = self.guardrails.autonomy.get(action).is_some_and(|own| own.pilot.is_empty());
        let mut tenant = self.clone();
        let mut lower = |name: &str, held: Option<&Autonomy>| {
            let lowered = held.map(|held| Autonomy { mode: "supervised".into(), ..held.clone() });
            lowered.is_some_and(|lowered| tenant.guardrails.autonomy.insert(name.into(), lowered).is_some())
        };
        let changed = [lower(action, own), lower(DEFAULT_ACTION, others.filter(|_| !spoken_for))];
        changed.contains(&true).then_some(tenant)
    }
    /// Since when an action goes by itself for somebody; none if it does not.
    #[must_use]
    pub fn autonomous_since(&self, action: &str) -> Option<crate::Instant> {
        let (own, others) = (self.guardrails.autonomy.get(action), self.guardrails.autonomy.get(DEFAULT_ACTION));
        let others = others.filter(|_| own.is_none_or(|own| !own.pilot.is_empty()));
        [own, others].into_iter().flatten().filter(|entry| entry.mode == "autonomous").map(|entry| entry.at.unwrap_or(0)).max()
    }
    /// When so many minutes are over; those of the desk's hours, if approvals count them.
    #[must_use]
    pub fn in_minutes(&self, from: crate::Instant, minutes: u64) -> crate::Instant {
        let open = self.calendar().filter(|_| self.approvals.business_hours);
        open.and_then(|calendar| calendar.after(from, minutes * 60_000)).unwrap_or(from + minutes * 60_000)
    }
    /// The desk's hours; none if nobody has said any.
    #[must_use]
    pub fn calendar(&self) -> Option<Calendar> {
        if self.hours.is_empty() {
            return None;
        }
        Calendar::new(&self.time_zone, &self.hours, &self.holidays).ok()
    }
}

impl Connection {
    /// What its vendor is to us.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        vendor(&self.vendor).map(|vendor| vendor.role)
    }
    /// Where a secret of this connection stands, and what it is bound to.
    #[must_use]
    pub fn place(&self, tenant: &str, name: &str) -> Place {
        let of_application = || vendor(&self.vendor).is_some_and(|vendor| vendor.of_application.contains(&name));
        match &self.source {
            Some(source) if self.connect || source.id == self.id || of_application() => Place::new(MSP, &source.id, name, &source.base_url, &source.token_url),
            Some(_) | None => Place::new(tenant, &self.id, name, &self.base_url, &self.token_url),
        }
    }
    /// The vendor's own id of the customer: a workspace, a directory, an installation of a PSA.
    #[must_use]
    pub fn customer(&self) -> Option<&str> {
        let name = vendor(&self.vendor)?.customer;
        self.account.get(name).map(|id| id.trim()).filter(|id| !id.is_empty())
    }
}

/// Whose a connection of the MSP is, where a tenant's name would stand; no tenant can have this name.
pub const MSP: &str = "@msp";

/// Where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Key of its record.
    pub key: String,
    /// Associated data that it was sealed with.
    pub context: String,
    /// The connection that it was entered for.
    pub connection: String,
    /// That connection is the MSP's.
    pub of_msp: bool,
}

impl Place {
    fn new(owner: &str, connection: &str, name: &str, base_url: &str, token_url: &str) -> Self {
        Place {
            key: keys::credential(connection, name),
            context: credential_context(owner, connection, name, base_url, token_url),
            connection: connection.into(),
            of_msp: owner == MSP,
        }
    }
}

/// What `connection/<id>` holds: enough for `chat-intake`, which cannot check a tenant's MAC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The connection's tenant, or [`MSP`].
    pub tenant: String,
    /// Its vendor.
    pub vendor: String,
    /// Its base URL, part of the associated data of its secrets.
    pub base_url: String,
    /// Its token URL, likewise.
    pub token_url: String,
    /// The vendor's own ids.
    pub account: BTreeMap<String, String>,
    /// The MSP's connection whose application it uses: its webhooks are addressed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl Record for Address {
    const SCHEMA: u64 = 1;
}

/// What `workspace/<connection>/<workspace>` holds: whose events they are that come through a connection of the MSP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The tenant.
    pub tenant: String,
    /// The tenant's connection.
    pub connection: String,
}

impl Record for Workspace {
    const SCHEMA: u64 = 1;
}

/// One tenant's name in the list of all. Entries are numbered by a counter, so that two people who add tenants at once lose none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its id.
    pub tenant: String,
}

impl Record for Listed {
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
        let own =
            if vendor_hosts.is_empty() { "this vendor has no host of its own".into() } else { format!("this vendor's hosts are {}", vendor_hosts.join(", ")) };
        Err(format!("`{url}` is not covered: {own}; set a variable `extra_host_1` … `extra_host_8` to `{origin}` to allow it"))
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

#[cfg(test)]
mod tests {
    use super::*;

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
