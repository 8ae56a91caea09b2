//! ConnectWise PSA.
//!
//! What the agent writes ends in a tag of case and step, so that a repeat finds its own and writes nothing twice.
//! Status and board that a human set stay; the check is made on a reading of the batch just before the change.
//! Time is `DoNotBill` unless the desk says `billable`: `NoCharge` would still put a line on the client's invoice, and `NoDefault` leaves the choice to the ticket.
//! What is billed are the minutes that the desk names for a type; a case that is handed over is never billed, and has one time entry even if it was closed before.
//! Nothing is logged on an agreement that is closed or cannot be read.

mod wire;

#[cfg(test)]
mod tests;

use crate::bindings::exports::firstline::psa::psa::{self, Closeout, Desk, NewTicket, Outcome, Task, View, Waiting};
use crate::span::{fixed, span};
use crate::text;
use crate::vendor::{Flow, Vendor};
use firstline_connector::replay::{Changed, Io, Read, as_change, end, json};
use firstline_connector::types::Error;
use firstline_connector::wire::{Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use wire::{Agreement, Contact, Note, Reference, Section, Status, Ticket, TimeEntry};

/// A change whose fate is unknown is sent once more.
const ATTEMPTS: usize = 2;
/// ConnectWise may still be writing when the connection is lost.
const SETTLE_SECONDS: u32 = 5;
/// ConnectWise's limits.
const SUMMARY: usize = 100;
const CONTACT_NAME: usize = 62;
const CONTACT_ADDRESS: usize = 250;
/// Our own: enough for evidence, and a page of notes stays well below what a reply may hold.
const NOTE: usize = 30_000;

/// The vendor.
pub struct ConnectWise;

impl Vendor for ConnectWise {
    fn open(&self, io: &mut Io, task: &Task, new: &NewTicket) -> Flow {
        let desk = &task.desk;
        let find = wire::tickets_of_case(&mark(&task.case), desk.company);
        let address = new.contact_email.as_deref().map(str::trim).filter(|address| !address.is_empty());
        let (found, statuses, contacts) = match address {
            Some(address) => {
                let [found, statuses, contacts] = io.read_all([find.clone(), wire::statuses(desk.board), wire::contacts(desk.company, address)])?;
                (found, statuses, if_any::<Contact>(&contacts)?)
            }
            None => {
                let [found, statuses] = io.read_all([find.clone(), wire::statuses(desk.board)])?;
                (found, statuses, Vec::new())
            }
        };
        if let Some(ticket) = own_ticket(task, &found)? {
            return Ok(Outcome::Opened(ticket.into()));
        }
        let request = wire::open_ticket(&ticket_body(task, new, &if_any(&statuses)?, &contacts, address));
        for _ in 0..ATTEMPTS {
            if let Some(response) = applied("the ticket", io.change(request.clone())?)? {
                return Ok(Outcome::Opened(json::<Ticket>(&response)?.into()));
            }
            io.wait(SETTLE_SECONDS)?;
            let found = io.read(find.clone())?;
            if let Some(ticket) = own_ticket(task, &found)? {
                return Ok(Outcome::Opened(ticket.into()));
            }
        }
        Ok(unavailable("the ticket"))
    }

    fn close(&self, io: &mut Io, task: &Task, out: &Closeout) -> Flow {
        let (ticket, statuses) = write(io, task, out, Step::Close)?;
        let Some(target) = closed_status(&statuses, &task.desk) else {
            return Ok(if ticket.is_as_left(&wire::left(out), &task.desk) {
                escalate("no-closed-status", "the ticket's board has no closed status".into())
            } else {
                by_human(&ticket)
            });
        };
        let ticket = set_status(io, task, &wire::left(out), ticket, target)?;
        // A status that the desk names need not count as closed; the board's own one must.
        Ok(if ticket.status.id == target.id && (is(ticket.closed_flag) || !is(target.closed_status)) {
            Outcome::Closed(ticket.into())
        } else if ticket.is_as_left(&wire::left(out), &task.desk) || ticket.status.id == target.id {
            escalate("not-closed", "the ticket did not take its closed status".into())
        } else {
            by_human(&ticket)
        })
    }

    fn hand_over(&self, io: &mut Io, task: &Task, out: &Closeout) -> Flow {
        let (mut ticket, statuses) = write(io, task, out, Step::HandOver)?;
        if out.stand_down {
            return Ok(Outcome::HandedOver(ticket.into()));
        }
        let named = named_status(&statuses, task.desk.dispatch_status.as_deref());
        // A ticket that the agent itself had closed opens again, and one that waited for its requester waits no more; any other keeps its status unless the desk names one.
        let ours = [&task.desk.waiting_status, &task.desk.responded_status].into_iter().flatten().any(|name| same(name, &ticket.status.name));
        if let Some(target) = named.or_else(|| first_status(&statuses).filter(|_| is(ticket.closed_flag) || ours)) {
            ticket = set_status(io, task, &wire::left(out), ticket, target)?;
            if ticket.status.id != target.id && ticket.is_as_left(&wire::left(out), &task.desk) {
                return Ok(escalate("status-not-set", "the ticket did not take its dispatch status".into()));
            }
        }
        Ok(Outcome::HandedOver(ticket.into()))
    }

    fn note(&self, io: &mut Io, task: &Task, out: &Closeout) -> Flow {
        let (ticket, _) = write(io, task, out, Step::Plan)?;
        Ok(Outcome::HandedOver(ticket.into()))
    }

    fn wait(&self, io: &mut Io, task: &Task, at: &Waiting) -> Flow {
        let desk = &task.desk;
        let [ticket, statuses] = io.read_all([wire::ticket(at.ticket), wire::statuses(at.board)])?;
        let mut ticket: Ticket = own(task, decoded("the ticket", Some(&ticket))?)?;
        let statuses: Vec<Status> = decoded("the board's statuses", Some(&statuses))?;
        let responded = desk.responded_status.as_deref().filter(|_| ticket.date_responded.is_none());
        let mut left = *at;
        for name in [responded, desk.waiting_status.as_deref()] {
            // A name that the board does not have changes nothing.
            let Some(target) = named_status(&statuses, name) else { continue };
            ticket = set_status(io, task, &left, ticket, target)?;
            if ticket.status.id == target.id {
                left.status = target.id;
            }
        }
        // INVARIANT: what a human has set is not handed back as the agent's, so that it stays later on as well.
        Ok(Outcome::Waits(psa::Ticket { board: at.board, status: left.status, ..ticket.into() }))
    }

    fn look(&self, io: &mut Io, task: &Task, ticket: u64) -> Flow {
        let ticket: Ticket = own(task, decoded("the ticket", Some(&io.read(wire::ticket(ticket))?))?)?;
        // Only now: what hangs below another company's ticket is none of ours.
        let [notes, times] = io.read_all([wire::notes(ticket.id), wire::time_entries(ticket.id)])?;
        let notes: Vec<Note> = decoded("the notes", Some(&notes))?;
        let times: Vec<TimeEntry> = decoded("the time entries", Some(&times))?;
        let described = |note: &&Note| is(note.detail_description_flag) && !is(note.internal_analysis_flag) && !is(note.resolution_flag);
        let texts: Vec<&str> = notes.iter().rev().filter(described).filter_map(|note| note.text.as_deref()).collect();
        let name = |reference: &Option<Reference>| reference.as_ref().map_or_else(String::new, |found| found.name.clone());
        let address = ticket.contact_email_address.as_deref().map(str::trim).filter(|address| !address.is_empty());
        Ok(Outcome::Seen(View {
            summary: text::line(ticket.summary.as_deref().unwrap_or_default(), SUMMARY),
            text: text::lines(&texts.join("\n"), NOTE),
            kind: name(&ticket.kind),
            source: name(&ticket.source),
            contact_name: text::line(ticket.contact_name.as_deref().unwrap_or_default(), CONTACT_NAME),
            contact_email: address.map(|address| text::line(address, CONTACT_ADDRESS)),
            closed: is(ticket.closed_flag),
            owner: ticket.owner.as_ref().map(|owner| owner.identifier.clone()),
            case: ticket.external_x_ref.as_deref().and_then(|mark| mark.strip_prefix(MARK)).map(str::to_string),
            worked: times.iter().any(|entry| !is_own(entry.notes.as_deref())),
            ticket: ticket.into(),
        }))
    }

    /// One read for each type: that conditions on children take an `or` is documented nowhere.
    fn contacts(&self, io: &mut Io, task: &Task, types: &[String]) -> Flow {
        let company = task.desk.company;
        let mut found: Vec<psa::Contact> = Vec::new();
        for read in io.reads(types.iter().map(|kind| wire::contacts_of_type(company, kind)).collect())? {
            let page: Vec<Contact> = decoded("the contacts by type", Some(&read))?;
            if page.len() >= wire::CONTACTS {
                return Ok(escalate("too-many-contacts", format!("{} contacts or more have one type", wire::CONTACTS)));
            }
            for contact in page.into_iter().filter(|contact| contact.company.as_ref().is_some_and(|own| own.id == company) && !is(contact.inactive_flag)) {
                if found.iter().all(|known| known.id != contact.id) {
                    found.push(contact.of_types(types));
                }
            }
        }
        Ok(Outcome::Contacts(found))
    }
}

/// What a desk can filter on: the external reference of every ticket that the agent opened or took in begins so.
const MARK: &str = "firstline/";

fn mark(case: &str) -> String {
    format!("{MARK}{case}")
}

/// Whether a text ends in a tag of the agent's.
fn is_own(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.trim_end().ends_with(']') && text.contains("[firstline "))
}

/// A ticket of the desk's own company.
fn own(task: &Task, ticket: Ticket) -> Flow<Ticket> {
    if ticket.company.id == task.desk.company { Ok(ticket) } else { end(escalate("foreign-ticket", "the ticket belongs to another company".into())) }
}

/// Which end of a case is being written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Close,
    HandOver,
    Plan,
}

/// How the desk wants time logged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Logging {
    Nothing,
    /// Nothing, because the ticket's agreement does not cover it.
    Uncovered,
    NonBillable,
    Billable,
}

impl Logging {
    fn of(desk: &Desk, step: Step) -> Result<Self, Error> {
        match (desk.time_entry.as_str(), step) {
            ("none", _) => Ok(Logging::Nothing),
            ("non-billable", _) | ("billable", Step::HandOver | Step::Plan) => Ok(Logging::NonBillable),
            ("billable", Step::Close) => Ok(Logging::Billable),
            (other, _) => Err(Error::Invalid(format!("`{other}` is no kind of time entry"))),
        }
    }
}

/// Where an object that the agent writes once is looked for.
#[derive(Clone, Copy)]
enum Place {
    Note(Section),
    Time,
    Mark,
    Priority,
}

/// An object that is written once: a note or a time entry.
struct Object {
    what: &'static str,
    place: Place,
    /// What it ends in; of a priority, the one that it takes the place of.
    tag: String,
    request: Request,
}

/// The ticket and what stands on it.
struct Seen {
    ticket: Ticket,
    notes: Vec<Note>,
    times: Vec<TimeEntry>,
}

impl Seen {
    /// A contact may quote a tag, but cannot write into these sections.
    fn holds(&self, object: &Object) -> bool {
        let tagged = |text: &Option<String>| text.as_deref().is_some_and(|text| text.trim_end().ends_with(&object.tag));
        match object.place {
            Place::Note(Section::Internal) => self.notes.iter().any(|note| is(note.internal_analysis_flag) && tagged(&note.text)),
            Place::Note(Section::Resolution) => self.notes.iter().any(|note| is(note.resolution_flag) && tagged(&note.text)),
            // Another reference is a person's, and stays.
            Place::Mark => self.ticket.external_x_ref.as_deref().is_some_and(|mark| !mark.trim().is_empty()),
            // Another than the one that was first seen is a person's, or our own already.
            Place::Priority => self.ticket.priority.as_ref().map_or("", |priority| priority.name.as_str()) != object.tag,
            Place::Time => self.times.iter().any(|entry| tagged(&entry.notes)),
        }
    }
}

/// Writes notes and time that are not there yet. Hands back the ticket as it is then, and its board's statuses.
fn write(io: &mut Io, task: &Task, out: &Closeout, step: Step) -> Flow<(Ticket, Vec<Status>)> {
    let desk = &task.desk;
    let logging = if out.stand_down || step == Step::Plan { Logging::Nothing } else { Logging::of(desk, step)? };
    let logs = logging != Logging::Nothing;
    let work_type = desk.work_type.as_deref().filter(|_| logs);
    let mut more = vec![wire::statuses(out.board)];
    let alert = desk.alert_priority.as_deref().filter(|_| out.alert && !out.stand_down && step == Step::HandOver);
    more.extend(work_type.map(wire::work_types));
    more.extend(alert.map(wire::priorities));
    let (mut seen, more) = look(io, task, out, logs, more)?;
    let mut more = more.iter();
    let statuses = decoded("the board's statuses", more.next())?;
    let work_type = match work_type {
        Some(name) => decoded::<Vec<Reference>>("the work types", more.next())?.into_iter().find(|found| same(&found.name, name)).ok_or(()).map(Some),
        None => Ok(None),
    };
    let covered = match &seen.ticket.agreement {
        Some(agreement) if logs => covers(io, agreement.id, out)?,
        Some(_) | None => true,
    };
    let logging = if covered { logging } else { Logging::Uncovered };
    let mut objects = objects(task, out, &seen.ticket, step, logging, work_type)?;
    if let Some(name) = alert {
        let found: Vec<Reference> = decoded("the priorities", more.next())?;
        // A name that the PSA does not have changes nothing; the note calls for a person as well.
        let found = found.into_iter().find(|found| same(&found.name, name));
        objects.extend(found.map(|found| Object {
            what: "the priority",
            place: Place::Priority,
            tag: out.priority.clone(),
            request: wire::set_priority(out.ticket, found.id),
        }));
    }
    for attempt in 0..=ATTEMPTS {
        let missing: Vec<&Object> = objects.iter().filter(|object| !seen.holds(object)).collect();
        if missing.is_empty() {
            return Ok((seen.ticket, statuses));
        }
        if attempt == ATTEMPTS {
            break;
        }
        // The ticket is read along, so that its status is fresh when it is judged.
        let requests = missing.iter().map(|object| object.request.clone()).chain([wire::ticket(out.ticket)]).collect();
        let mut replies = io.send_all(requests)?;
        let ticket = replies.pop().map(as_change).transpose()?.map(as_read);
        let mut settled = true;
        for (object, reply) in missing.iter().zip(replies) {
            settled &= applied(object.what, as_change(reply)?)?.is_some();
        }
        if settled {
            return Ok((decoded("the ticket", ticket.as_ref())?, statuses));
        }
        io.wait(SETTLE_SECONDS)?;
        (seen, _) = look(io, task, out, logs, Vec::new())?;
    }
    end(unavailable("the notes"))
}

/// Whether a ticket's agreement still covers work; one that cannot be read covers nothing (P-30).
fn covers(io: &mut Io, agreement: u64, out: &Closeout) -> Flow<bool> {
    let at = span(out.time_start, out.time_end)?.end;
    Ok(match io.read(wire::agreement(agreement))? {
        Read::Answered(response) if (200..300).contains(&response.status) => json::<Agreement>(&response)?.is_open(&at),
        Read::Answered(_) | Read::Down => false,
    })
}

/// Reads the ticket, what stands on it and whatever else is wanted, together.
fn look(io: &mut Io, task: &Task, out: &Closeout, logs: bool, more: Vec<Request>) -> Flow<(Seen, Vec<Read>)> {
    let mut requests = vec![wire::ticket(out.ticket), wire::notes(out.ticket)];
    requests.extend(logs.then(|| wire::time_entries(out.ticket)));
    requests.extend(more);
    let replies = io.send_all(requests)?;
    let mut reads = replies.into_iter().map(|reply| as_change(reply).map(as_read)).collect::<Flow<Vec<_>>>()?.into_iter();
    let ticket = own(task, decoded("the ticket", reads.next().as_ref())?)?;
    let notes = decoded("the notes", reads.next().as_ref())?;
    let times = if logs { decoded("the time entries", reads.next().as_ref())? } else { Vec::new() };
    Ok((Seen { ticket, notes, times }, reads.collect()))
}

/// Everything that shall stand on the ticket. They are new objects of their own, so that they are written together.
fn objects(task: &Task, out: &Closeout, ticket: &Ticket, step: Step, logging: Logging, work_type: Result<Option<Reference>, ()>) -> Result<Vec<Object>, Error> {
    let tag = |step: &str| format!("[firstline {}/{step}]", task.case);
    let note = |what, section, text: &str, step| {
        let tag = tag(step);
        let mailed = out.notify && section == Section::Resolution;
        let request = wire::add_note(out.ticket, section, mailed, &format!("{}\n\n{tag}", text::lines(text, NOTE)));
        Object { what, place: Place::Note(section), request, tag }
    };
    let internal = match step {
        Step::Close => "note",
        Step::HandOver => "hand-over",
        Step::Plan => "plan",
    };
    let sla = ticket.sla_status.as_deref().filter(|sla| step == Step::HandOver && !sla.trim().is_empty());
    let sla = sla.map_or_else(String::new, |sla| format!("\nSLA: {}", text::line(sla, 100)));
    let said = &out.time_words;
    let uncovered = if logging == Logging::Uncovered { format!("\n{}", said.no_agreement) } else { String::new() };
    let words = format!("{}{sla}{uncovered}", out.internal_note);
    let mut objects = vec![
        note("the internal note", Section::Internal, &words, internal),
        Object { what: "the mark", place: Place::Mark, request: wire::set_mark(out.ticket, &mark(&task.case)), tag: String::new() },
    ];
    if step == Step::Plan {
        // The ticket is no case's work yet.
        objects.truncate(1);
    }
    if step == Step::Close && !out.resolution_note.trim().is_empty() {
        objects.push(note("the resolution note", Section::Resolution, &out.resolution_note, "resolution"));
    }
    if matches!(logging, Logging::NonBillable | Logging::Billable) {
        let minutes = out.billed_minutes.filter(|_| logging == Logging::Billable);
        // Without the right work type the rate would be wrong, and without fixed minutes the user's own time would be billed (P-30).
        let (work_type, minutes, words) = match (work_type, logging) {
            (Ok(found), Logging::Billable) if minutes.is_none() => (found, None, format!(" {}", said.no_minutes)),
            (Ok(found), _) => (found, minutes, String::new()),
            (Err(()), _) => (None, None, format!(" {}", said.no_work_type)),
        };
        let tag = tag("time");
        let span = match minutes {
            Some(minutes) => fixed(out.time_end, minutes)?,
            None => span(out.time_start, out.time_end)?,
        };
        let (work_type, words) = (work_type.map(|found| found.id), format!("{}{words} {tag}", text::line(&said.done, NOTE)));
        let request = wire::add_time(out.ticket, &task.desk, work_type, minutes.is_some(), &span, &words);
        objects.push(Object { what: "the time entry", place: Place::Time, tag, request });
    }
    Ok(objects)
}

/// Sets the status while the ticket is as the agent left it, and reads back. A human's status stays (P-29).
fn set_status(io: &mut Io, task: &Task, left: &Waiting, mut ticket: Ticket, target: &Status) -> Flow<Ticket> {
    for _ in 0..ATTEMPTS {
        if ticket.status.id == target.id || !ticket.is_as_left(left, &task.desk) {
            break;
        }
        if applied("the status", io.change(wire::set_status(left.ticket, target.id))?)?.is_none() {
            io.wait(SETTLE_SECONDS)?;
        }
        ticket = decoded("the ticket", Some(&io.read(wire::ticket(left.ticket))?))?;
    }
    Ok(ticket)
}

/// The ticket that this case opened before; the oldest, should there be two.
fn own_ticket(task: &Task, found: &Read) -> Flow<Option<Ticket>> {
    let tickets: Vec<Ticket> = decoded("the tickets of the case", Some(found))?;
    let own = |ticket: &Ticket| ticket.company.id == task.desk.company && ticket.external_x_ref.as_ref() == Some(&mark(&task.case));
    Ok(tickets.into_iter().filter(own).min_by_key(|ticket| ticket.id))
}

fn ticket_body(task: &Task, new: &NewTicket, statuses: &[Status], contacts: &[Contact], address: Option<&str>) -> serde_json::Value {
    let summary = Some(text::line(&new.summary, SUMMARY)).filter(|summary| !summary.is_empty()).unwrap_or_else(|| "(no summary)".into());
    let mut body = json!({
        "summary": summary,
        "recordType": "ServiceTicket",
        "company": { "id": task.desk.company },
        "board": { "id": task.desk.board },
        "initialDescription": text::lines(&new.description, NOTE),
        "externalXRef": mark(&task.case),
    });
    let Some(members) = body.as_object_mut() else { return body };
    // Without a status ConnectWise takes the board's default itself.
    members.extend(first_status(statuses).map(|status| ("status".into(), json!({ "id": status.id }))));
    match only_contact(contacts, task.desk.company, address) {
        Some(id) => members.extend([("contact".into(), json!({ "id": id }))]),
        None => {
            members.extend([("contactName".into(), json!(text::line(&new.contact_name, CONTACT_NAME)))]);
            members.extend(address.map(|address| ("contactEmailAddress".into(), json!(text::line(address, CONTACT_ADDRESS)))));
        }
    }
    body
}

/// The one contact with this address. The reply is checked, because ConnectWise ignores a condition whose name it does not know.
fn only_contact(contacts: &[Contact], company: u64, address: Option<&str>) -> Option<u64> {
    let address = address?;
    let has_address = |contact: &&Contact| match &contact.communication_items {
        Some(items) => items.iter().any(|item| item.value.as_deref().is_some_and(|value| same(value, address))),
        None => true,
    };
    let of_company = |contact: &&Contact| contact.company.as_ref().is_some_and(|found| found.id == company);
    let mut fitting = contacts.iter().filter(of_company).filter(has_address);
    match (fitting.next(), fitting.next()) {
        (Some(contact), None) => Some(contact.id),
        (Some(_) | None, _) => None,
    }
}

/// The status for new tickets: the board's default, else the first open one.
fn first_status(statuses: &[Status]) -> Option<&Status> {
    let open = || in_use(statuses).filter(|status| !is(status.closed_status));
    open().filter(|status| is(status.default_flag)).min_by_key(place).or_else(|| open().min_by_key(place))
}

/// The status for closed tickets: the one that the desk names, else the board's first closed one.
fn closed_status<'a>(statuses: &'a [Status], desk: &Desk) -> Option<&'a Status> {
    named_status(statuses, desk.closed_status.as_deref()).or_else(|| in_use(statuses).filter(|status| is(status.closed_status)).min_by_key(place))
}

fn named_status<'a>(statuses: &'a [Status], name: Option<&str>) -> Option<&'a Status> {
    let name = name?;
    in_use(statuses).filter(|status| same(&status.name, name)).min_by_key(place)
}

fn in_use(statuses: &[Status]) -> impl Iterator<Item = &Status> {
    statuses.iter().filter(|status| !is(status.inactive))
}

fn place(status: &&Status) -> (i64, u64) {
    (status.sort_order.unwrap_or(i64::MAX), status.id)
}

fn same(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}

fn is(flag: Option<bool>) -> bool {
    flag.unwrap_or(false)
}

/// The answer to a change that was applied; none if its fate is open. Ends the task if ConnectWise refused it.
fn applied(what: &str, changed: Changed) -> Flow<Option<Response>> {
    match changed {
        Changed::Answered(response) if (200..300).contains(&response.status) => Ok(Some(response)),
        Changed::Answered(response) => end(refused(what, &response)),
        Changed::NotApplied | Changed::Unknown => Ok(None),
    }
}

/// The body of a read that the task cannot do without.
fn decoded<D: DeserializeOwned>(what: &str, read: Option<&Read>) -> Flow<D> {
    match read {
        Some(Read::Answered(response)) if (200..300).contains(&response.status) => Ok(json(response)?),
        Some(Read::Answered(response)) if response.status < 500 && response.status != 429 => end(refused(what, response)),
        Some(Read::Answered(_) | Read::Down) | None => end(unavailable(what)),
    }
}

/// The list of a read that the task can do without: a ticket with less on it is better than none.
fn if_any<D: DeserializeOwned>(read: &Read) -> Result<Vec<D>, Error> {
    match read {
        Read::Answered(response) if (200..300).contains(&response.status) => json(response),
        Read::Answered(_) | Read::Down => Ok(Vec::new()),
    }
}

fn as_read(reply: Changed) -> Read {
    match reply {
        Changed::Answered(response) => Read::Answered(response),
        Changed::NotApplied | Changed::Unknown => Read::Down,
    }
}

fn by_human(ticket: &Ticket) -> Outcome {
    if let Some(owner) = &ticket.owner {
        return escalate("assigned-to-human", format!("the ticket was assigned to `{}`, and is left as it is", text::line(&owner.identifier, 50)));
    }
    escalate(
        "status-changed-by-human",
        format!("the ticket was moved to status `{}` of board {}, which stays", text::line(&ticket.status.name, 50), ticket.board.id),
    )
}

fn unavailable(what: &str) -> Outcome {
    escalate("vendor-unavailable", format!("ConnectWise did not answer for {what}"))
}

/// Quotes nothing of the body but the vendor's own code.
fn refused(what: &str, response: &Response) -> Outcome {
    #[derive(Deserialize)]
    struct Refusal {
        code: String,
    }
    let code = serde_json::from_str::<Refusal>(&response.body).ok().map(|refusal| refusal.code);
    let code = code.filter(|code| code.len() <= 40 && code.chars().all(|c| c.is_ascii_alphanumeric())).map(|code| format!(" `{code}`"));
    escalate("vendor-refused", format!("ConnectWise refused {what}: {}{}", response.status, code.unwrap_or_default()))
}

fn escalate(code: &str, text: String) -> Outcome {
    Outcome::Escalate((code.into(), text))
}
