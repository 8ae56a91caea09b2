//! What people enter: the MSP's document and those of its clients, and how a client inherits.
//!
//! A document may be half-filled: what is wrong is refused, what is missing is listed ([`gaps`]) and kept as a draft.

use super::messages::{LANGUAGES, Messages, language};
use super::{Desk, Reach, Role, Tenant, VENDORS, check_url, vendor};
use crate::hours::{self, Calendar, Hours};
use crate::keys::is_name;
use crate::logo::Logo;
use crate::record::Record;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What all clients share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Msp {
    /// How users see the MSP.
    pub brand: Option<Brand>,
    /// The PSA, the MSP's own chat, and applications that clients install.
    pub connections: Vec<Connection>,
    /// Where tickets go.
    pub desk: DeskSettings,
    /// What its people are told once a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The rest.
    #[serde(flatten)]
    pub settings: Settings,
}

impl Record for Msp {
    const SCHEMA: u64 = 1;
}

/// A client's own document. One with `msp` stands alone; any other inherits what it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    /// Its id.
    pub tenant: String,
    /// Its name, for people.
    pub name: String,
    /// The MSP as its users see it; whoever names it inherits nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msp: Option<Brand>,
    /// The systems of this client.
    pub connections: Vec<Connection>,
    /// Where its tickets go.
    pub desk: DeskDocument,
    /// What may be done without a person.
    pub guardrails: Guardrails,
    /// The rest.
    #[serde(flatten)]
    pub settings: Settings,
}

impl Record for Document {
    const SCHEMA: u64 = 1;
}

/// What an MSP says for all clients, and a client for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `en`, `de` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The MSP's own words, by language and sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Messages>,
    /// How long a view-once link works, in minutes: 5 to 1440.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_minutes: Option<u64>,
    /// After how many days what people wrote in an ended case is erased: 1 to 3650.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u64>,
    /// IANA name of the desk's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// When people are at the desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Days on which nobody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holidays: Option<Vec<String>>,
    /// Who is called when nobody is at the desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_call: Option<OnCall>,
    /// The MSP's people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff: Option<Vec<Staff>>,
    /// Who is asked for a yes, and how long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// How many changes there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// When nothing is changed without an approver of the MSP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freezes: Option<Vec<Freeze>>,
    /// Who is told of a new password or factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notices: Option<Notices>,
    /// When an action may be proposed to go by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// When it may no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demotion: Option<Demotion>,
    /// A language model may be asked, where there is a connection to one; `false` keeps what people write from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language_model: Option<bool>,
}

/// How many changes there may be before a human has the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Of one account, on one day (UTC).
    pub person_a_day: u64,
    /// Of one client, in one hour.
    pub tenant_an_hour: u64,
    /// Of all clients, in one hour.
    pub msp_an_hour: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { person_a_day: 5, tenant_an_hour: 30, msp_an_hour: 100 }
    }
}

/// What an action has to show before it is proposed that it goes by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Promotion {
    /// Done and read back, at all clients of the MSP together.
    pub verified: u32,
    /// Of these, at the client itself.
    pub here: u32,
    /// Failures in that time.
    pub failed: u32,
    /// Days since the first of them.
    pub days: u64,
}

impl Default for Promotion {
    fn default() -> Self {
        Promotion { verified: 20, here: 3, failed: 0, days: 14 }
    }
}

/// How often users may say that it is still broken before an action no longer goes by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Demotion {
    /// The time that is one too many.
    pub still_broken: u32,
    /// Within so many days.
    pub days: u64,
}

impl Default for Demotion {
    fn default() -> Self {
        Demotion { still_broken: 2, days: 14 }
    }
}

/// What the MSP's people are told once a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Digest {
    /// Channel of the MSP's own chat; that of `approvals` if none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// At what time, `08:00`; when the desk opens, if none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// A time in which changes are frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Why, for people.
    pub name: String,
    /// Begin by the clock of its time zone, `2026-12-24T18:00`.
    pub from: String,
    /// End.
    pub to: String,
    /// IANA name; the desk's if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

impl Freeze {
    /// From when to when, in the zone that holds if it names none.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn span(&self, otherwise: &str) -> Result<(crate::Instant, crate::Instant), String> {
        let zone = hours::zone(self.time_zone.as_deref().unwrap_or(otherwise))?;
        let at = |text: &str| {
            let time: jiff::civil::DateTime = text.parse().map_err(|_| format!("`{text}` is written as in `2026-12-24T18:00`"))?;
            let time = zone.to_ambiguous_zoned(time).compatible().map_err(|_| format!("`{text}` is no time"))?;
            u64::try_from(time.timestamp().as_millisecond()).map_err(|_| format!("`{text}` is before 1970"))
        };
        let (from, to) = (at(&self.from)?, at(&self.to)?);
        if from < to { Ok((from, to)) } else { Err(format!("`{}` is not before `{}`", self.from, self.to)) }
    }
}

/// Who is asked for a yes, and how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Approvals {
    /// Channel of the MSP's own chat in which its people are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// People of the client who are asked first for what the matrix wants an approval for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Named>,
    /// Contacts of the client that have one of these types in the PSA are asked like these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contact_types: Vec<String>,
    /// The requester's manager, as the directory names them, is asked like these.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub manager: bool,
    /// The requester's manager may say that it is them, where the chat is too weak a proof.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub manager_vouches: bool,
    /// After so many minutes whoever was asked is reminded, and the MSP's people are asked too.
    pub remind_minutes: u64,
    /// After so many minutes a human has it.
    pub expire_minutes: u64,
    /// Only minutes in which the desk is open count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub business_hours: bool,
}

impl Default for Approvals {
    fn default() -> Self {
        Approvals {
            channel: None,
            people: Vec::new(),
            contact_types: Vec::new(),
            manager: false,
            manager_vouches: false,
            remind_minutes: 30,
            expire_minutes: 240,
            business_hours: false,
        }
    }
}

/// Who is told that a password or a second factor was changed, beside the chat that it was asked for in (P-9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notices {
    /// The ticket's contact, by mail of the PSA.
    pub contact: bool,
    /// The requester's manager, in the client's chat.
    pub manager: bool,
}

impl Default for Notices {
    fn default() -> Self {
        Notices { contact: true, manager: false }
    }
}

/// A person of the client who may say yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Name.
    pub name: String,
    /// User id in the client's chat.
    pub user: String,
}

/// The MSP, as users see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Brand {
    /// Name.
    pub name: String,
    /// Telephone number of the desk.
    pub phone: String,
    /// Where view-once links lead, if not to the application's own address: `https://help.example.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_domain: Option<String>,
    /// The logo on the page of a link: entered as `data:image/png;base64,…`, kept as its hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
}

/// One system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// Unique over all documents; webhooks are addressed to it.
    pub id: String,
    /// One of [`VENDORS`].
    pub vendor: String,
    /// `https://…` without a trailing slash.
    pub base_url: String,
    /// Where OAuth2 tokens come from.
    pub token_url: String,
    /// The vendor's own ids (`team`, `directory`, `client_id` …).
    pub account: BTreeMap<String, String>,
    /// When a secret expires, by its name: `2027-01-31`. Whoever asks for the health hears of it before.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub expires: BTreeMap<String, String>,
    /// For a chat: ids of identity providers whose password reset ends the user's chat session, so that nothing can be delivered there.
    pub cut_off_by: Vec<String>,
    /// The MSP's connection whose application it uses: addresses, client id and the application's secrets are taken from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// For a chat: nothing is installed at the client, whose people write in channels of the MSP's own workspace (Slack Connect).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub connect: bool,
    /// Where secrets stand that are not its own; filled in by [`resolve`].
    #[serde(skip)]
    pub source: Option<Source>,
}

/// A connection of the MSP, as another one refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub id: String,
    /// Its base URL.
    pub base_url: String,
    /// Its token URL, as entered.
    pub token_url: String,
}

/// Where an MSP's tickets go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeskSettings {
    /// Board of new tickets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<u64>,
    /// Name of the closed status, if not the board's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_status: Option<String>,
    /// Name of the status for tickets that need a human.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatch_status: Option<String>,
    /// Name of the status of a ticket whose requester has been answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responded_status: Option<String>,
    /// Name of the status of a ticket that waits for its requester.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_status: Option<String>,
    /// `none`, `non-billable` or `billable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_entry: Option<String>,
    /// Minutes that are billed, by action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<BTreeMap<String, u32>>,
    /// Name of the priority of a ticket that calls for a person at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_priority: Option<String>,
    /// Member identifier that time is logged for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Work type of time entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_type: Option<String>,
    /// Tickets that are taken in from the PSA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intake: Option<Vec<Intake>>,
}

/// Where a client's tickets go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeskDocument {
    /// The client's company id in the PSA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<u64>,
    /// What differs from the MSP's.
    #[serde(flatten)]
    pub settings: DeskSettings,
}

/// Tickets of one board that are taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intake {
    /// The board.
    pub board: u64,
    /// Names of types; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Names of statuses; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<String>,
}

/// A person of the MSP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// Name.
    pub name: String,
    /// What the person may do.
    pub role: StaffRole,
    /// Chat workspace.
    pub workspace: String,
    /// User id within it.
    pub user: String,
    /// Identifier as a member of the PSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

/// What a person of the MSP may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StaffRole {
    /// Works on tickets.
    Technician,
    /// Also says yes to what needs a yes.
    Approver,
    /// Also changes documents.
    Owner,
}

/// Who is called when nobody is at the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnCall {
    /// Name, for people.
    pub name: String,
    /// User id in the MSP's own chat workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// What calls: types (`phishing`), reasons (`requester-denied`), names of priorities; nothing if empty.
    #[serde(default)]
    pub urgencies: Vec<String>,
}

/// What may be done without a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Guardrails {
    /// Action → `autonomous`, `approval`, `human`, `deny`; missing actions take the built-in default.
    pub matrix: BTreeMap<String, String>,
    /// Action → the proof of identity that it needs: `chat`, `challenge`, `strong`; missing actions take the built-in default.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub proof: BTreeMap<String, String>,
    /// Sign-in names, aliases and object ids that are never touched.
    pub protected: Vec<String>,
    /// Who needs a strong proof, and who is told of them.
    #[serde(skip_serializing_if = "Vips::is_empty")]
    pub vips: Vips,
    /// On-premises write-back of passwords is set up.
    pub password_writeback: bool,
    /// Action, or `default`, → how far it goes without anybody; supervised where nothing is said.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub autonomy: BTreeMap<String, Autonomy>,
}

/// People whose accounts need a strong proof, and who are never silently queued.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vips {
    /// Their names, aliases or object ids, or object ids of groups that they are in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Who is a contact with one of these types in the PSA, by any of their addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contact_types: Vec<String>,
    /// User id, in the MSP's own chat, of the technician who is told at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl Guardrails {
    /// A list of it names this account, alias or group.
    #[must_use]
    pub fn lists(&self, name: &str) -> bool {
        self.listed().any(|listed| listed.trim().eq_ignore_ascii_case(name.trim()))
    }

    /// Whatever stands in a list of it.
    pub fn listed(&self) -> impl Iterator<Item = &String> {
        let pilots = self.autonomy.values().flat_map(|entry| &entry.pilot);
        self.protected.iter().chain(&self.vips.names).chain(pilots)
    }
}

impl Vips {
    fn is_empty(&self) -> bool {
        *self == Vips::default()
    }
}

/// So many types of contacts one list may name.
const MOST_TYPES: usize = 4;

/// The key of [`Guardrails::autonomy`] for every action that has none of its own.
pub const DEFAULT_ACTION: &str = "default";

/// How far an action goes without anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Autonomy {
    /// `shadow`, `supervised` or `autonomous`.
    pub mode: String,
    /// Names, aliases or object ids of the accounts that it holds for; all if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pilot: Vec<String>,
    /// Who set it, by the API's token; written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When; written by the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<crate::Instant>,
}

impl Guardrails {
    /// Records who set what differs from before. Whatever a document says about that itself counts for nothing.
    pub fn record(&mut self, before: Option<&Guardrails>, person: &str, now: crate::Instant) {
        for (action, entry) in &mut self.autonomy {
            let old = before.and_then(|before| before.autonomy.get(action)).filter(|old| old.mode == entry.mode && old.pilot == entry.pilot);
            (entry.by, entry.at) = old.map_or_else(|| (Some(person.into()), Some(now)), |old| (old.by.clone(), old.at));
        }
    }
}

/// Something that is still to be entered, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The part of the work that needs it; none if all does.
    pub role: Option<Role>,
    /// Member and what to write.
    pub text: String,
}

/// Names of members: what an object may hold.
type Members = &'static [&'static str];
const SETTINGS: Members = &[
    "locale",
    "messages",
    "link_minutes",
    "retention_days",
    "time_zone",
    "hours",
    "holidays",
    "on_call",
    "staff",
    "approvals",
    "limits",
    "freezes",
    "notices",
    "language_model",
    "promotion",
    "demotion",
];
const DESK: Members = &[
    "board",
    "closed_status",
    "dispatch_status",
    "responded_status",
    "waiting_status",
    "time_entry",
    "minutes",
    "alert_priority",
    "member",
    "work_type",
    "intake",
];
/// What is done without a person, and can be billed.
pub const ACTIONS: &[&str] = &["password_reset", "account_unlock", "mfa_reset"];
const BRAND: Members = &["name", "phone", "link_domain", "logo"];
const CONNECTION: Members = &["id", "vendor", "base_url", "token_url", "account", "expires", "cut_off_by"];

/// Reads a client's document, whole or half-filled.
///
/// # Errors
/// Everything that is wrong at once, each naming its member.
pub fn read(id: &str, document: &[u8], reach: &Reach) -> Result<Document, Vec<String>> {
    let mut problems = Vec::new();
    let value = json(document)?;
    known("", Some(&value), &[&["tenant", "name", "msp", "connections", "desk", "guardrails"], SETTINGS], &mut problems);
    known("msp.", value.get("msp"), &[BRAND], &mut problems);
    known("desk.", value.get("desk"), &[&["company"], DESK], &mut problems);
    known("guardrails.", value.get("guardrails"), &[&["matrix", "proof", "protected", "vips", "password_writeback", "autonomy"]], &mut problems);
    known("guardrails.vips.", value.pointer("/guardrails/vips"), &[&["names", "contact_types", "page"]], &mut problems);
    known_lists(&value, &["from", "connect"], &mut problems);
    let mut document: Document = typed(value, &mut problems)?;
    if document.tenant.is_empty() {
        document.tenant = id.into();
    }
    let mut problem = Problems(&mut problems);
    problem.unless(document.tenant == id, || format!("`tenant` is `{}`, but the address says `{id}`", document.tenant));
    problem.unless(is_name(&document.tenant), || "`tenant` must be 1 to 40 of a-z, 0-9 and -".into());
    problem.text("name", &document.name);
    document.msp.iter().for_each(|brand| problem.brand("msp", brand));
    problem.unless(document.desk.company != Some(0), || "`desk.company` must be the company's id in the PSA".into());
    problem.desk(&document.desk.settings);
    problem.settings(&document.settings);
    for (action, mode) in &document.guardrails.matrix {
        problem.unless(["autonomous", "approval", "human", "deny"].contains(&mode.as_str()), || {
            format!("`guardrails.matrix.{action}` is `{mode}`, not autonomous, approval, human or deny")
        });
    }
    problem.types("guardrails.vips", &document.guardrails.vips.contact_types);
    for (action, proof) in &document.guardrails.proof {
        problem.unless(["chat", "challenge", "strong"].contains(&proof.as_str()), || {
            format!("`guardrails.proof.{action}` is `{proof}`, not chat, challenge or strong")
        });
    }
    for (action, Autonomy { mode, pilot, by: _, at: _ }) in &document.guardrails.autonomy {
        problem.unless(["shadow", "supervised", "autonomous"].contains(&mode.as_str()), || {
            format!("`guardrails.autonomy.{action}.mode` is `{mode}`, not shadow, supervised or autonomous")
        });
        problem.unless(action != DEFAULT_ACTION || pilot.is_empty(), || {
            format!("`guardrails.autonomy.{DEFAULT_ACTION}.pilot`: a pilot group is named for one action; the default is for all others")
        });
    }
    problem.connections(&document.connections, reach);
    for (i, connection) in document.connections.iter().enumerate() {
        let at = format!("connections.{i}");
        problem.unless(!connection.connect || connection.from.is_some(), || format!("`{at}.connect` needs `from`: the MSP's own chat"));
        problem.unless(!connection.connect || connection.role() == Some(Role::Chat), || format!("`{at}.connect` is for a chat"));
        problem.unless(connection.from.is_none() || (connection.base_url.is_empty() && connection.token_url.is_empty()), || {
            format!("`{at}.from`: the addresses are taken over, so `base_url` and `token_url` must not be given")
        });
        problem
            .unless(connection.from.is_none() || document.msp.is_none(), || format!("`{at}.from`: a document with `msp` stands alone, and inherits nothing"));
    }
    if problems.is_empty() { Ok(document) } else { Err(problems) }
}

/// Reads the MSP's document, whole or half-filled.
///
/// # Errors
/// Everything that is wrong at once, each naming its member.
pub fn read_msp(document: &[u8], reach: &Reach) -> Result<Msp, Vec<String>> {
    let mut problems = Vec::new();
    let value = json(document)?;
    known("", Some(&value), &[&["brand", "connections", "desk", "digest"], SETTINGS], &mut problems);
    known("digest.", value.get("digest"), &[&["channel", "at"]], &mut problems);
    known("brand.", value.get("brand"), &[BRAND], &mut problems);
    known("desk.", value.get("desk"), &[DESK], &mut problems);
    known_lists(&value, &[], &mut problems);
    let msp: Msp = typed(value, &mut problems)?;
    let mut problem = Problems(&mut problems);
    msp.brand.iter().for_each(|brand| problem.brand("brand", brand));
    problem.desk(&msp.desk);
    if let Some(Digest { channel, at }) = &msp.digest {
        channel.iter().for_each(|channel| problem.text("digest.channel", channel));
        problem.unless(at.as_deref().is_none_or(|at| hours::minutes(at).is_some()), || "`digest.at` must be a time like `08:00`".into());
    }
    problem.settings(&msp.settings);
    problem.connections(&msp.connections, reach);
    if problems.is_empty() { Ok(msp) } else { Err(problems) }
}

/// Reads a client's document that stands alone and is whole.
///
/// # Errors
/// Everything that is wrong or missing.
pub fn parse(id: &str, document: &[u8], reach: &Reach) -> Result<Tenant, Vec<String>> {
    let document = read(id, document, reach)?;
    let gaps = gaps(None, &document);
    if !gaps.is_empty() {
        return Err(gaps.into_iter().map(|gap| gap.text).collect());
    }
    resolve(None, &document)
}

/// A client with everything that it inherits. A connection that is not whole is left out, so that its cases go to a human.
///
/// # Errors
/// What is missing without which nothing can be said or written: such a client is served by nobody.
pub fn resolve(msp: Option<&Msp>, document: &Document) -> Result<Tenant, Vec<String>> {
    let (tenant, gaps) = build(msp, document);
    let fatal: Vec<String> = gaps.into_iter().filter(|gap| gap.role.is_none()).map(|gap| gap.text).collect();
    if fatal.is_empty() { Ok(tenant) } else { Err(fatal) }
}

/// A client as far as its documents are filled, whatever they lack: for comparing, not for serving.
#[must_use]
pub fn outline(msp: Option<&Msp>, document: &Document) -> Tenant {
    build(msp, document).0
}

/// What a client's document still lacks, of its own or of the MSP's.
#[must_use]
pub fn gaps(msp: Option<&Msp>, document: &Document) -> Vec<Gap> {
    build(msp, document).1
}

/// What the MSP's document lacks by itself.
#[must_use]
pub fn msp_gaps(msp: &Msp) -> Vec<Gap> {
    let mut gaps = Vec::new();
    brand("brand", msp.brand.as_ref(), &mut gaps);
    for (i, connection) in msp.connections.iter().enumerate() {
        shared(&format!("connections.{i}"), connection, &mut gaps);
    }
    gaps
}

fn gap(role: Option<Role>, text: impl Into<String>) -> Gap {
    Gap { role, text: text.into() }
}

fn brand(at: &str, brand: Option<&Brand>, gaps: &mut Vec<Gap>) -> Brand {
    let brand = brand.cloned().unwrap_or_default();
    for (name, text) in [("name", &brand.name), ("phone", &brand.phone)] {
        if text.trim().is_empty() {
            gaps.push(gap(None, format!("`{at}.{name}` is missing")));
        }
    }
    brand
}

fn build(msp: Option<&Msp>, document: &Document) -> (Tenant, Vec<Gap>) {
    let mut gaps = Vec::new();
    let none = Msp::default();
    // INVARIANT: whoever stands alone takes nothing from the MSP's document, whatever it holds.
    let (above, brand) = match (&document.msp, msp) {
        (Some(own), _) => (&none, brand("msp", Some(own), &mut gaps)),
        (None, Some(msp)) => (msp, brand("brand", msp.brand.as_ref(), &mut gaps)),
        (None, None) => {
            gaps.push(gap(None, "`msp` is missing: put the MSP's document at `/api/msp`, or name it here"));
            (&none, Brand::default())
        }
    };
    if document.name.trim().is_empty() {
        gaps.push(gap(None, "`name` is missing"));
    }
    let mut connections = Vec::new();
    for (i, connection) in document.connections.iter().enumerate() {
        connections.extend(own(&format!("connections.{i}"), connection, &above.connections, &mut gaps));
    }
    let shared: Vec<Connection> =
        above.connections.iter().enumerate().filter_map(|(i, connection)| shared(&format!("msp.connections.{i}"), connection, &mut Vec::new())).collect();
    let (mine, theirs) = (&document.desk.settings, &above.desk);
    let either = |mine: &Option<String>, theirs: &Option<String>| mine.clone().or_else(|| theirs.clone());
    let mut number = |name: &str, value: Option<u64>| {
        value.unwrap_or_else(|| {
            gaps.push(gap(None, format!("`desk.{name}` is missing")));
            0
        })
    };
    let desk = Desk {
        company: number("company", document.desk.company),
        board: number("board", mine.board.or(theirs.board)),
        closed_status: either(&mine.closed_status, &theirs.closed_status),
        dispatch_status: either(&mine.dispatch_status, &theirs.dispatch_status),
        responded_status: either(&mine.responded_status, &theirs.responded_status),
        waiting_status: either(&mine.waiting_status, &theirs.waiting_status),
        minutes: mine.minutes.clone().or_else(|| theirs.minutes.clone()).unwrap_or_default(),
        time_entry: either(&mine.time_entry, &theirs.time_entry).unwrap_or_else(|| "non-billable".into()),
        alert_priority: either(&mine.alert_priority, &theirs.alert_priority),
        member: either(&mine.member, &theirs.member),
        work_type: either(&mine.work_type, &theirs.work_type),
        intake: mine.intake.clone().or_else(|| theirs.intake.clone()).unwrap_or_default(),
    };
    let (mine, theirs) = (&document.settings, &above.settings);
    let tenant = Tenant {
        tenant: document.tenant.clone(),
        name: document.name.clone(),
        msp: brand,
        locale: either(&mine.locale, &theirs.locale).unwrap_or_else(|| "en".into()),
        // Whoever stands alone is MSP and client in one.
        msp_locale: if document.msp.is_some() { mine.locale.clone() } else { theirs.locale.clone() }.unwrap_or_else(|| "en".into()),
        messages: mine.messages.clone().or_else(|| theirs.messages.clone()).unwrap_or_default(),
        connections,
        shared,
        desk,
        guardrails: document.guardrails.clone(),
        link_minutes: mine.link_minutes.or(theirs.link_minutes).unwrap_or(60),
        retention_days: mine.retention_days.or(theirs.retention_days).unwrap_or(90),
        time_zone: either(&mine.time_zone, &theirs.time_zone).unwrap_or_else(|| "UTC".into()),
        hours: mine.hours.clone().or_else(|| theirs.hours.clone()).unwrap_or_default(),
        holidays: mine.holidays.clone().or_else(|| theirs.holidays.clone()).unwrap_or_default(),
        on_call: mine.on_call.clone().or_else(|| theirs.on_call.clone()),
        staff: mine.staff.clone().or_else(|| theirs.staff.clone()).unwrap_or_default(),
        approvals: mine.approvals.clone().or_else(|| theirs.approvals.clone()).unwrap_or_default(),
        limits: mine.limits.clone().or_else(|| theirs.limits.clone()).unwrap_or_default(),
        // A freeze of the MSP holds for every client, whatever their own documents add.
        freezes: theirs.freezes.iter().chain(&mine.freezes).flatten().cloned().collect(),
        notices: mine.notices.clone().or_else(|| theirs.notices.clone()).unwrap_or_default(),
        language_model: mine.language_model.or(theirs.language_model).unwrap_or(true),
        promotion: mine.promotion.clone().or_else(|| theirs.promotion.clone()).unwrap_or_default(),
        demotion: mine.demotion.clone().or_else(|| theirs.demotion.clone()).unwrap_or_default(),
        digest: above.digest.clone(),
    };
    if tenant.connection_of(Role::Psa).is_none() {
        gaps.push(gap(None, "`connections` holds no connection to a PSA, and the MSP has none"));
    }
    (tenant, gaps)
}

/// A client's connection with what it takes over. None if it is not whole.
fn own(at: &str, connection: &Connection, above: &[Connection], gaps: &mut Vec<Gap>) -> Option<Connection> {
    let vendor = vendor(&connection.vendor)?;
    let role = Some(vendor.role);
    let mut whole = connection.clone();
    if let Some(from) = &connection.from {
        let Some(source) = above.iter().find(|source| source.id == *from && source.vendor == connection.vendor) else {
            gaps.push(gap(role, format!("`{at}.from`: the MSP has no connection `{from}` to {}", vendor.name)));
            return None;
        };
        whole.source = Some(Source { id: source.id.clone(), base_url: source.base_url.clone(), token_url: source.token_url.clone() });
        // INVARIANT: an application's secret is sent to the application's addresses only.
        (whole.base_url, whole.token_url) = (source.base_url.clone(), source.token_url.clone());
        for (name, value) in source.account.iter().filter(|(name, _)| *name != vendor.customer) {
            whole.account.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    finish(at, whole, vendor.account, gaps)
}

/// A connection of the MSP's own. None if it is not whole.
fn shared(at: &str, connection: &Connection, gaps: &mut Vec<Gap>) -> Option<Connection> {
    let vendor = vendor(&connection.vendor)?;
    // An application of the MSP's is installed in its clients' directories, so it names none.
    let account: Vec<&str> = vendor.account.iter().copied().filter(|name| vendor.role == Role::Psa || *name != vendor.customer).collect();
    let source = Source { id: connection.id.clone(), base_url: connection.base_url.clone(), token_url: connection.token_url.clone() };
    finish(at, Connection { source: Some(source), ..connection.clone() }, &account, gaps)
}

fn finish(at: &str, mut whole: Connection, account: &[&str], gaps: &mut Vec<Gap>) -> Option<Connection> {
    let vendor = vendor(&whole.vendor)?;
    let before = gaps.len();
    whole.base_url = first(&whole.base_url, vendor.base_url);
    whole.token_url = first(&whole.token_url, vendor.token_url);
    for (name, text) in [("id", &whole.id), ("base_url", &whole.base_url)] {
        if text.is_empty() {
            gaps.push(gap(Some(vendor.role), format!("`{at}.{name}` is missing")));
        }
    }
    let mut lacks = gaps.len() > before;
    for name in account.iter().filter(|name| whole.account.get(**name).is_none_or(|value| value.trim().is_empty())) {
        let found_out = vendor.found_out == *name;
        lacks |= !found_out;
        let how = if found_out { ": it is found out as soon as the connection's secrets are entered" } else { "" };
        gaps.push(gap(Some(vendor.role), format!("`{at}.account.{name}` is missing{how}")));
    }
    if let Some(directory) = whole.account.get("directory") {
        whole.token_url = whole.token_url.replace("{directory}", directory.trim());
    }
    (!lacks).then_some(whole)
}

fn first(mine: &str, otherwise: &str) -> String {
    if mine.is_empty() { otherwise.into() } else { mine.into() }
}

fn json(document: &[u8]) -> Result<Value, Vec<String>> {
    serde_json::from_slice(document).map_err(|e| vec![format!("not JSON: line {} column {}", e.line(), e.column())])
}

/// Unknown members, which serde would only name one at a time, or not at all.
fn known(path: &str, value: Option<&Value>, known: &[Members], problems: &mut Vec<String>) {
    match value {
        Some(Value::Object(members)) => {
            let unknown = members.keys().filter(|name| !known.iter().any(|known| known.contains(&name.as_str())));
            problems.extend(unknown.map(|name| format!("`{path}{name}` is not known")));
        }
        Some(_) => {
            problems.push(if path.is_empty() { "the document must be an object".into() } else { format!("`{}` must be an object", path.trim_end_matches('.')) })
        }
        None => {}
    }
}

fn known_lists(value: &Value, more: Members, problems: &mut Vec<String>) {
    let list = |value: Option<&Value>, name: &str| value.and_then(|value| value.get(name)).and_then(Value::as_array).cloned().unwrap_or_default();
    for (i, connection) in list(Some(value), "connections").iter().enumerate() {
        known(&format!("connections.{i}."), Some(connection), &[CONNECTION, more], problems);
    }
    for (i, staff) in list(Some(value), "staff").iter().enumerate() {
        known(&format!("staff.{i}."), Some(staff), &[&["name", "role", "workspace", "user", "member"]], problems);
    }
    for (i, intake) in list(value.get("desk"), "intake").iter().enumerate() {
        known(&format!("desk.intake.{i}."), Some(intake), &[&["board", "types", "statuses"]], problems);
    }
    known("on_call.", value.get("on_call"), &[&["name", "user", "phone", "urgencies"]], problems);
    known("notices.", value.get("notices"), &[&["contact", "manager"]], problems);
    known(
        "approvals.",
        value.get("approvals"),
        &[&["channel", "people", "contact_types", "manager", "manager_vouches", "remind_minutes", "expire_minutes", "business_hours"]],
        problems,
    );
    for (i, person) in list(value.get("approvals"), "people").iter().enumerate() {
        known(&format!("approvals.people.{i}."), Some(person), &[&["name", "user"]], problems);
    }
    known("limits.", value.get("limits"), &[&["person_a_day", "tenant_an_hour", "msp_an_hour"]], problems);
    for (i, freeze) in list(Some(value), "freezes").iter().enumerate() {
        known(&format!("freezes.{i}."), Some(freeze), &[&["name", "from", "to", "time_zone"]], problems);
    }
    for (action, entry) in value.pointer("/guardrails/autonomy").and_then(Value::as_object).into_iter().flatten() {
        known(&format!("guardrails.autonomy.{action}."), Some(entry), &[&["mode", "pilot", "by", "at"]], problems);
    }
}

fn typed<T: DeserializeOwned>(value: Value, problems: &mut Vec<String>) -> Result<T, Vec<String>> {
    serde_json::from_value(value).map_err(|error| {
        if problems.is_empty() {
            problems.push(error.to_string());
        }
        std::mem::take(problems)
    })
}

/// What is wrong; a member that is not there is not.
struct Problems<'a>(&'a mut Vec<String>);

impl Problems<'_> {
    fn unless(&mut self, good: bool, text: impl FnOnce() -> String) {
        if !good {
            self.0.push(text());
        }
    }

    fn text(&mut self, path: &str, text: &str) {
        self.unless(text.chars().count() <= 100 && !text.chars().any(char::is_control), || format!("`{path}` must hold at most 100 characters of one line"));
    }

    fn brand(&mut self, at: &str, brand: &Brand) {
        let Brand { name, phone, link_domain, logo } = brand;
        self.text(&format!("{at}.name"), name);
        self.text(&format!("{at}.phone"), phone);
        if let Some(Err(why)) = logo.as_deref().map(Logo::entered) {
            self.0.push(format!("`{at}.logo` {why}"));
        }
        if let Some(domain) = link_domain {
            let host =
                domain.strip_prefix("https://").filter(|host| host.contains('.') && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b)));
            self.unless(host.is_some(), || format!("`{at}.link_domain` must be `https://` and a host, without a path"));
        }
    }

    fn desk(&mut self, desk: &DeskSettings) {
        let DeskSettings {
            board,
            closed_status,
            dispatch_status,
            responded_status,
            waiting_status,
            time_entry,
            minutes,
            alert_priority,
            member,
            work_type,
            intake,
        } = desk;
        self.unless(*board != Some(0), || "`desk.board` must be the id of a service board".into());
        for (name, text) in [
            ("closed_status", closed_status),
            ("dispatch_status", dispatch_status),
            ("responded_status", responded_status),
            ("waiting_status", waiting_status),
            ("alert_priority", alert_priority),
            ("member", member),
            ("work_type", work_type),
        ] {
            text.iter().for_each(|text| self.text(&format!("desk.{name}"), text));
        }
        if let Some(mode) = time_entry {
            self.unless(["none", "non-billable", "billable"].contains(&mode.as_str()), || {
                format!("`desk.time_entry` is `{mode}`, not none, non-billable or billable")
            });
        }
        for (action, minutes) in minutes.iter().flatten() {
            self.unless(ACTIONS.contains(&action.as_str()), || format!("`desk.minutes.{action}` is nothing that is done here: {}", ACTIONS.join(", ")));
            self.unless((1..=480).contains(minutes), || format!("`desk.minutes.{action}` must be between 1 and 480"));
        }
        for (i, Intake { board, types, statuses }) in intake.iter().flatten().enumerate() {
            self.unless(*board > 0, || format!("`desk.intake.{i}.board` must be the id of a service board"));
            types.iter().chain(statuses).for_each(|text| self.text(&format!("desk.intake.{i}"), text));
        }
    }

    fn settings(&mut self, settings: &Settings) {
        let Settings {
            locale,
            messages,
            link_minutes,
            retention_days,
            time_zone,
            hours,
            holidays,
            on_call,
            staff,
            approvals,
            limits,
            freezes,
            notices: _,
            language_model: _,
            promotion,
            demotion,
        } = settings;
        if let Some(locale) = locale {
            self.unless(language(locale).is_some(), || format!("`locale` is `{locale}`; there are words in {}", LANGUAGES.join(", ")));
        }
        self.0.extend(messages.iter().flat_map(super::messages::problems));
        self.unless(link_minutes.is_none_or(|minutes| (5..=1_440).contains(&minutes)), || "`link_minutes` must be between 5 and 1440".into());
        self.unless(retention_days.is_none_or(|days| (1..=3_650).contains(&days)), || "`retention_days` must be between 1 and 3650".into());
        let calendar = Calendar::new(time_zone.as_deref().unwrap_or("UTC"), &hours.clone().unwrap_or_default(), holidays.as_deref().unwrap_or_default());
        self.0.extend(calendar.err().unwrap_or_default());
        if let Some(OnCall { name, user, phone, urgencies }) = on_call {
            for text in [Some(name), user.as_ref(), phone.as_ref()].into_iter().flatten().chain(urgencies) {
                self.text("on_call", text);
            }
        }
        let mut people = BTreeSet::new();
        for (i, Staff { name, role: _, workspace, user, member }) in staff.iter().flatten().enumerate() {
            for text in [Some(name), Some(workspace), Some(user), member.as_ref()].into_iter().flatten() {
                self.text(&format!("staff.{i}"), text);
            }
            self.unless(!workspace.is_empty() && !user.is_empty(), || format!("`staff.{i}` needs `workspace` and `user`: people are known by their ids"));
            self.unless(people.insert((workspace, user)), || format!("`staff.{i}`: the user `{user}` stands twice"));
        }
        approvals.iter().for_each(|approvals| self.approvals(approvals));
        if let Some(Limits { person_a_day, tenant_an_hour, msp_an_hour }) = limits {
            for (name, limit) in [("person_a_day", person_a_day), ("tenant_an_hour", tenant_an_hour), ("msp_an_hour", msp_an_hour)] {
                self.unless(*limit <= 1_000_000, || format!("`limits.{name}` must be at most 1000000"));
            }
        }
        if let Some(Promotion { verified, here, failed, days }) = promotion {
            self.unless((1..=10_000).contains(verified) && *here <= *verified && *failed <= *verified, || {
                "`promotion.verified` must be between 1 and 10000, and `here` and `failed` not more".into()
            });
            self.unless((1..=30).contains(days), || "`promotion.days` must be between 1 and 30".into());
        }
        if let Some(Demotion { still_broken, days }) = demotion {
            self.unless((1..=100).contains(still_broken), || "`demotion.still_broken` must be between 1 and 100".into());
            self.unless((1..=365).contains(days), || "`demotion.days` must be between 1 and 365".into());
        }
        for (i, freeze) in freezes.iter().flatten().enumerate() {
            self.text(&format!("freezes.{i}.name"), &freeze.name);
            if let Err(why) = freeze.span(time_zone.as_deref().unwrap_or("UTC")) {
                self.0.push(format!("`freezes.{i}`: {why}"));
            }
        }
    }

    /// Each is a read of its own.
    fn types(&mut self, whose: &str, types: &[String]) {
        self.unless(types.len() <= MOST_TYPES, || format!("`{whose}.contact_types` may name {MOST_TYPES} types at most"));
        for kind in types {
            self.text(&format!("{whose}.contact_types"), kind);
            self.unless(!kind.trim().is_empty(), || format!("`{whose}.contact_types` names a type without a name"));
        }
    }

    fn approvals(&mut self, approvals: &Approvals) {
        let Approvals { channel, people, contact_types, manager: _, manager_vouches: _, remind_minutes, expire_minutes, business_hours: _ } = approvals;
        channel.iter().for_each(|text| self.text("approvals.channel", text));
        for (i, Named { name, user }) in people.iter().enumerate() {
            [name, user].into_iter().for_each(|text| self.text(&format!("approvals.people.{i}"), text));
            self.unless(!user.trim().is_empty(), || format!("`approvals.people.{i}` needs `user`: people are known by their ids"));
        }
        self.types("approvals", contact_types);
        self.unless((10..=10_080).contains(expire_minutes), || "`approvals.expire_minutes` must be between 10 and 10080".into());
        self.unless((1..*expire_minutes).contains(remind_minutes), || "`approvals.remind_minutes` must be less than `approvals.expire_minutes`".into());
    }

    fn connections(&mut self, connections: &[Connection], reach: &Reach) {
        let mut ids = BTreeSet::new();
        for (i, connection) in connections.iter().enumerate() {
            let at = format!("connections.{i}");
            let Connection { id, vendor: name, base_url, token_url, account, expires, cut_off_by, from: _, connect: _, source: _ } = connection;
            self.unless(is_name(id), || format!("`{at}.id` must be 1 to 40 of a-z, 0-9 and -"));
            self.unless(ids.insert(id.as_str()), || format!("`{at}.id`: `{id}` stands twice"));
            for idp in cut_off_by {
                self.unless(connections.iter().any(|other| other.id == *idp), || {
                    format!("`{at}.cut_off_by` names `{idp}`, which is no connection of this document")
                });
            }
            let Some(vendor) = vendor(name) else {
                let known: Vec<&str> = VENDORS.iter().map(|vendor| vendor.name).collect();
                self.0.push(format!("`{at}.vendor`: `{name}` is not known; known are {}", known.join(", ")));
                continue;
            };
            for (name, day) in expires {
                self.unless(vendor.secrets.iter().any(|(known, _)| known == name), || format!("`{at}.expires.{name}` is no secret of {}", vendor.name));
                self.unless(day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok(), || format!("`{at}.expires.{name}` is written as in 2027-01-31"));
            }
            if !base_url.is_empty() {
                self.url(&format!("{at}.base_url"), base_url, vendor.hosts, reach);
            }
            match (vendor.token_hosts.is_empty(), token_url.is_empty()) {
                (true, false) => self.0.push(format!("`{at}.token_url`: {} has no token endpoint", vendor.name)),
                (false, false) => self.url(&format!("{at}.token_url"), &token_url.replace("{directory}", "directory"), vendor.token_hosts, reach),
                (_, true) => {}
            }
            for (name, value) in account {
                self.unless(vendor.account.contains(&name.as_str()), || format!("`{at}.account.{name}` is not known"));
                self.text(&format!("{at}.account.{name}"), value);
            }
            if let Some(directory) = account.get("directory") {
                let plain = directory.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
                // These stand for whichever directory somebody comes from.
                let one = !["common", "organizations", "consumers"].contains(&directory.to_ascii_lowercase().as_str());
                self.unless(plain && one, || format!("`{at}.account.directory` must be the id of one directory"));
            }
        }
    }

    fn url(&mut self, at: &str, url: &str, hosts: &[&str], reach: &Reach) {
        if let Err(text) = check_url(url, hosts, reach) {
            self.0.push(format!("`{at}`: {text}"));
        }
    }
}

#[cfg(test)]
mod tests;
