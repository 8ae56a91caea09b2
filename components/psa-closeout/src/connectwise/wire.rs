//! ConnectWise PSA's REST API 3.0: the requests that the stage sends and the members that it reads.
//!
//! Fields and limits are those of ConnectWise's OpenAPI document.

use crate::bindings::exports::firstline::psa::psa::{self, Closeout, Desk, Waiting};
use crate::span::Span;
use firstline_connector::quote::connectwise as quote;
use firstline_connector::replay::{change, get};
use firstline_connector::wire::Request;
use serde::Deserialize;
use serde_json::{Value, json};

/// A reference to another object.
#[derive(Debug, Clone, Deserialize)]
pub struct Reference {
    /// Its id.
    pub id: u64,
    /// Its name, where it has one.
    #[serde(default)]
    pub name: String,
}

/// A ticket.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// Id and number.
    pub id: u64,
    /// Whose it is.
    pub company: Reference,
    /// Where it is.
    pub board: Reference,
    /// Its status, one of its board's.
    pub status: Reference,
    /// The requester, if known.
    pub contact: Option<Reference>,
    /// The status counts as closed.
    pub closed_flag: Option<bool>,
    /// The mark of the case that opened it, or that it was taken into.
    #[serde(rename = "externalXRef")]
    pub external_x_ref: Option<String>,
    /// Who has it.
    pub owner: Option<Member>,
    /// Its summary.
    pub summary: Option<String>,
    /// Its type, one of its board's.
    #[serde(rename = "type")]
    pub kind: Option<Reference>,
    /// How it came.
    pub source: Option<Reference>,
    /// The contact's name.
    pub contact_name: Option<String>,
    /// The contact's address.
    pub contact_email_address: Option<String>,
    /// How urgent it is.
    pub priority: Option<Reference>,
    /// What it is covered by.
    pub agreement: Option<Reference>,
    /// When its requester was first answered.
    pub date_responded: Option<String>,
    /// What is left of the time that was promised, in ConnectWise's words.
    pub sla_status: Option<String>,
}

/// What work is covered by.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agreement {
    /// It was cancelled.
    pub cancelled_flag: Option<bool>,
    /// `Active`, `Inactive`, `Expired` …
    pub agreement_status: Option<String>,
    /// It never ends.
    pub no_ending_date_flag: Option<bool>,
    /// Its last day.
    pub end_date: Option<String>,
}

impl Agreement {
    /// Whether it covers work at this time, in ISO 8601.
    pub fn is_open(&self, at: &str) -> bool {
        let day = |text: &str| text.get(..10).map(str::to_string);
        let ended = self.end_date.as_deref().filter(|_| self.no_ending_date_flag != Some(true)).and_then(day).is_some_and(|end| Some(end) < day(at));
        let active = self.agreement_status.as_deref().is_none_or(|status| status.eq_ignore_ascii_case("active"));
        self.cancelled_flag != Some(true) && active && !ended
    }
}

/// Reads an agreement.
pub fn agreement(id: u64) -> Request {
    get(&["finance", "agreements", &id.to_string()])
}

/// The ticket as the agent left it.
pub fn left(out: &Closeout) -> Waiting {
    Waiting { ticket: out.ticket, board: out.board, status: out.status }
}

/// A member.
#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    /// Login name.
    pub identifier: String,
}

impl Ticket {
    /// Nobody but the agent has set status or board, and nobody has taken it.
    pub fn is_as_left(&self, left: &Waiting, desk: &Desk) -> bool {
        self.board.id == left.board && self.status.id == left.status && !self.is_assigned(desk)
    }

    /// A technician has it.
    pub fn is_assigned(&self, desk: &Desk) -> bool {
        self.owner.as_ref().is_some_and(|owner| desk.member.as_deref() != Some(&owner.identifier))
    }
}

impl From<Ticket> for psa::Ticket {
    fn from(ticket: Ticket) -> Self {
        let Ticket { id, board, status, contact, priority, .. } = ticket;
        let priority = priority.map_or_else(String::new, |priority| priority.name);
        psa::Ticket { id, board: board.id, status: status.id, status_name: status.name, contact: contact.is_some(), priority }
    }
}

/// A status of a board.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Place in the board's list.
    pub sort_order: Option<i64>,
    /// Given to new tickets.
    pub default_flag: Option<bool>,
    /// Counts as closed.
    pub closed_status: Option<bool>,
    /// No longer in use.
    pub inactive: Option<bool>,
}

/// A note of a ticket.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Its words.
    pub text: Option<String>,
    /// For technicians only.
    pub internal_analysis_flag: Option<bool>,
    /// What solved it.
    pub resolution_flag: Option<bool>,
    /// What is asked for.
    pub detail_description_flag: Option<bool>,
}

/// A time entry.
#[derive(Debug, Clone, Deserialize)]
pub struct TimeEntry {
    /// Its words.
    pub notes: Option<String>,
}

/// A contact.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Id.
    pub id: u64,
    /// Whose contact.
    pub company: Option<Reference>,
    /// Addresses and numbers.
    pub communication_items: Option<Vec<Communication>>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Kinds of contact that it is.
    pub types: Option<Vec<Reference>>,
    /// No longer there.
    pub inactive_flag: Option<bool>,
}

impl Contact {
    /// With those of these types that it shows to have.
    pub fn of_types(self, types: &[String]) -> psa::Contact {
        let shown = |kind: &&String| self.types.iter().flatten().any(|own| own.name.trim().eq_ignore_ascii_case(kind.trim()));
        let types = types.iter().filter(shown).cloned().collect();
        let parts = [self.first_name, self.last_name].into_iter().flatten();
        let name = parts.map(|part| part.trim().to_string()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let values = self.communication_items.into_iter().flatten().filter_map(|item| item.value);
        psa::Contact { id: self.id, name, addresses: values.map(|value| value.trim().to_lowercase()).filter(|value| value.contains('@')).collect(), types }
    }
}

/// An address or a number.
#[derive(Debug, Clone, Deserialize)]
pub struct Communication {
    /// As it was entered.
    pub value: Option<String>,
}

/// Which section of the ticket a note stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// For technicians only.
    Internal,
    /// The resolution, which the user may see.
    Resolution,
}

/// Reads a ticket.
pub fn ticket(id: u64) -> Request {
    get(&["service", "tickets", &id.to_string()])
}

/// Finds the tickets of the company that carry this mark, oldest first.
pub fn tickets_of_case(mark: &str, company: u64) -> Request {
    query(
        get(&["service", "tickets"]),
        &[("conditions", format!("externalXRef={} and company/id={company}", quote(mark))), ("orderBy", "id asc".into()), ("pageSize", "5".into())],
    )
}

/// Reads every status of a board.
pub fn statuses(board: u64) -> Request {
    query(get(&["service", "boards", &board.to_string(), "statuses"]), &[("pageSize", "1000".into())])
}

/// Finds the company's active contacts with this address.
pub fn contacts(company: u64, address: &str) -> Request {
    active_contacts(company, &format!("communicationItems/value={}", quote(address)), 5)
}

/// So many contacts of one type are too many to ask, and a page of them stays well below what a reply may hold.
pub const CONTACTS: usize = 50;

/// Finds the company's active contacts of this type.
pub fn contacts_of_type(company: u64, kind: &str) -> Request {
    active_contacts(company, &format!("types/name={}", quote(kind)), CONTACTS)
}

fn active_contacts(company: u64, child: &str, most: usize) -> Request {
    query(
        get(&["company", "contacts"]),
        &[("conditions", format!("company/id={company} and inactiveFlag=false")), ("childConditions", child.to_owned()), ("pageSize", most.to_string())],
    )
}

/// Reads a ticket's newest notes.
pub fn notes(ticket: u64) -> Request {
    query(get(&["service", "tickets", &ticket.to_string(), "notes"]), &[("orderBy", "id desc".into()), ("pageSize", "50".into())])
}

/// Reads a ticket's newest time entries.
pub fn time_entries(ticket: u64) -> Request {
    query(
        get(&["time", "entries"]),
        &[("conditions", format!("chargeToId={ticket} and chargeToType=\"ServiceTicket\"")), ("orderBy", "id desc".into()), ("pageSize", "50".into())],
    )
}

/// Finds a work type by name.
pub fn work_types(name: &str) -> Request {
    query(get(&["time", "workTypes"]), &[("conditions", format!("name={} and inactiveFlag=false", quote(name))), ("pageSize", "5".into())])
}

/// Opens a ticket.
pub fn open_ticket(body: &Value) -> Request {
    change("POST", &["service", "tickets"], body)
}

/// Writes a note. Each flag is said, so that no default of the desk shows an internal note to the user.
/// `mailed`: the desk mails it to the ticket's contact, as it is set up to (`processNotifications` of a `ServiceNote`).
pub fn add_note(ticket: u64, section: Section, mailed: bool, text: &str) -> Request {
    let resolution = section == Section::Resolution;
    let mut body = json!({
        "text": text,
        "detailDescriptionFlag": false,
        "internalAnalysisFlag": section == Section::Internal,
        "resolutionFlag": resolution,
    });
    if let Some(members) = body.as_object_mut().filter(|_| resolution) {
        members.insert("processNotifications".into(), mailed.into());
    }
    change("POST", &["service", "tickets", &ticket.to_string(), "notes"], &body)
}

/// Logs time. Each flag is said, so that the entry adds no note of its own and mails nobody.
pub fn add_time(ticket: u64, desk: &Desk, work_type: Option<u64>, billable: bool, span: &Span, notes: &str) -> Request {
    let mut body = json!({
        "chargeToId": ticket,
        "chargeToType": "ServiceTicket",
        "timeStart": span.start,
        "timeEnd": span.end,
        "actualHours": span.hours,
        "billableOption": if billable { "Billable" } else { "DoNotBill" },
        "notes": notes,
        "addToDetailDescriptionFlag": false,
        "addToInternalAnalysisFlag": false,
        "addToResolutionFlag": false,
        "emailContactFlag": false,
        "emailResourceFlag": false,
        "emailCcFlag": false,
    });
    if let Some(members) = body.as_object_mut() {
        members.extend(desk.member.iter().map(|member| ("member".into(), json!({ "identifier": member }))));
        members.extend(work_type.map(|id| ("workType".into(), json!({ "id": id }))));
    }
    change("POST", &["time", "entries"], &body)
}

/// Sets the status, and nothing else.
pub fn set_status(ticket: u64, status: u64) -> Request {
    change("PATCH", &["service", "tickets", &ticket.to_string()], &json!([{ "op": "replace", "path": "status", "value": { "id": status } }]))
}

/// Finds a priority by name.
pub fn priorities(name: &str) -> Request {
    query(get(&["service", "priorities"]), &[("conditions", format!("name={}", quote(name))), ("pageSize", "5".into())])
}

/// Sets the priority, and nothing else.
pub fn set_priority(ticket: u64, priority: u64) -> Request {
    change("PATCH", &["service", "tickets", &ticket.to_string()], &json!([{ "op": "replace", "path": "priority", "value": { "id": priority } }]))
}

/// Marks a ticket, and nothing else.
pub fn set_mark(ticket: u64, mark: &str) -> Request {
    change("PATCH", &["service", "tickets", &ticket.to_string()], &json!([{ "op": "replace", "path": "externalXRef", "value": mark }]))
}

fn query(mut request: Request, pairs: &[(&str, String)]) -> Request {
    request.query = pairs.iter().map(|(name, value)| ((*name).to_string(), value.clone())).collect();
    request
}
