//! Tickets that begin in the PSA, and what people do to the ticket of any case.
//!
//! Whoever can send mail can open a ticket in anybody's name. So its contact is asked in the client's own chat, and only that user's button goes on.
//! As soon as a technician takes part in a ticket, the agent stands down.

use super::{Case, Note, Phase, Purpose, State, ask, blank, find, hand_over, put_off, set_handover, settle};
use crate::figures::REOPENED;
use crate::journal::{Press, conversation_of};
use crate::mailbox::{Event, Place};
use crate::record::Record;
use crate::stage::{Button, ChatAct, Message, Outcome, Profile, PsaAct, Question, Seen, Waiting, Work};
use crate::tenant::{Connection, MSP, Role, Tenant};
use crate::{Instant, keys};
use serde::{Deserialize, Serialize};

/// Code of a case whose ticket a technician has taken over.
pub const STOOD_DOWN: &str = "stood-down";
/// How long the contact of a ticket may take to answer; reminded of it halfway.
pub(super) const ASK_TIME: u64 = 60 * 60_000;
/// Offers that are made in the mailbox of a ticket have names of their own: their buttons are pressed elsewhere.
pub(super) const SERIES: &str = "d";
/// So many written answers to one question are answered with its buttons.
const MOST_WORDS: u32 = 3;
/// Ends the id of what comes back to where it was written.
const BACK: &str = "/back";
/// What the PSA connector says when nobody answered.
const DOWN: &str = "vendor-unavailable";
/// Sources and types with one of these words are of machines.
const MACHINES: [&str; 4] = ["monitor", "alert", "rmm", "backup"];

/// The ticket whose mailbox this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtDesk {
    /// Connection of the PSA.
    pub connection: String,
    /// Id of the ticket.
    pub ticket: u64,
}

/// How a ticket came that the agent did not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intake {
    /// The PSA's word for it: `Email` …
    pub source: String,
    /// Name of its contact.
    pub name: String,
    /// Address of its contact.
    pub address: Option<String>,
    /// The contact has pressed the button.
    pub confirmed: bool,
}

/// A question that waits in a conversation with the contact of a ticket, for whatever is written there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// The ticket's case.
    pub case: String,
    /// Over from then on.
    pub expires: Instant,
}

impl Record for Asking {
    const SCHEMA: u64 = 1;
}

/// The question that this ticket's contact is asked, and in which conversation.
#[must_use]
pub fn asking(state: &State) -> Option<(String, Asking)> {
    let case = state.case.as_ref().filter(|case| state.desk.is_some() && case.phase == Phase::Offering)?;
    let offer = case.offer.as_ref().filter(|offer| offer.message.is_some())?;
    let conversation = keys::conversation(&state.tenant, &state.connection, &state.channel, None);
    Some((conversation, Asking { case: case.id.clone(), expires: offer.expires }))
}

/// Whatever is written in this conversation would begin something new.
#[must_use]
pub fn is_free(state: &State) -> bool {
    let own = state.tenant == MSP || state.desk.is_some() || state.place != Place::Direct;
    !own && state.unread.is_empty() && state.case.as_ref().is_none_or(Case::idle)
}

/// Whoever is asked about tickets here has written something instead of pressing a button: it belongs to their cases, and opens nothing.
/// Which of several is meant is not guessed: each shows its own buttons again.
pub(super) fn passed_on(state: &mut State, event: &Event, asked: &[String]) -> Vec<Note> {
    if !is_free(state) {
        return Vec::new();
    }
    let to: Vec<Note> =
        asked.iter().filter_map(|case| Some(Note::Forward(Box::new(Event { to: Some(conversation_of(case)?.into()), ..event.clone() })))).collect();
    if !to.is_empty() {
        // Who has only been greeted is answered there.
        state.case = None;
    }
    to
}

/// The contact wrote something. If nothing is asked any more, it goes back to where it was written.
pub(super) fn wrote(state: &mut State, event: &Event, text: &str, notes: &mut Vec<Note>) {
    // Another ticket has given it back, and this one has had it as well.
    if event.id.strip_suffix(BACK).is_some_and(|id| state.seen.iter().any(|seen| seen == id)) {
        return;
    }
    match state.case.as_mut().filter(|case| case.user == event.author && case.phase != Phase::Telling) {
        Some(case) => {
            case.course.messages += 1;
            state.unread.push_back((event.id.clone(), text.into()));
        }
        None => notes.push(Note::Forward(Box::new(Event { to: None, id: format!("{}{BACK}", event.id), ..event.clone() }))),
    }
}

/// Words are no answer: the buttons are shown again.
pub(super) fn ask_again(state: &mut State, now: Instant) {
    let ticket = state.desk.as_ref().map_or_else(String::new, |desk| desk.ticket.to_string());
    if state.case.as_ref().is_some_and(|case| case.course.messages <= MOST_WORDS) {
        let message = Message { buttons: yes_or_no(), ..state.message("ask-again", &[("ticket", &ticket)]) };
        state.chat(ChatAct::Say(message), Purpose::Aside, now);
    }
}

/// A hint that a ticket may have changed.
pub(super) fn changed(state: &mut State, number: i64, event: &Event, tenant: &Tenant, now: Instant) {
    let Some(ticket) = event.ticket().filter(|_| psa(tenant).is_some_and(|psa| psa.id == event.connection)) else { return };
    let ours = match &state.desk {
        // A ticket that was brought to an end is the technicians' from then on; it only matters whether it is opened again.
        Some(desk) => desk.ticket == ticket && state.ended.as_ref().is_none_or(|ended| ended.closed && now.saturating_sub(ended.at) <= REOPENED),
        None => state.case.as_ref().and_then(|case| case.ticket.as_ref()).is_some_and(|known| known.id == ticket),
    };
    if !ours {
        return;
    }
    if state.case.is_none() {
        let mut case = blank(format!("{}-{number}", state.id), "", now);
        case.times.received = event.received;
        case.quiet = tenant.shadow();
        state.case = Some(case);
    }
    look(state, tenant, now);
}

fn psa(tenant: &Tenant) -> Option<&Connection> {
    tenant.connection_of(Role::Psa)
}

/// Reads the ticket, or reads it once more if that is under way.
fn look(state: &mut State, tenant: &Tenant, now: Instant) {
    let busy = state.running(&Purpose::Look);
    let Some(case) = &mut state.case else { return };
    let ticket = case.ticket.as_ref().map(|ticket| ticket.id).or(state.desk.as_ref().map(|desk| desk.ticket));
    if busy {
        case.look_again = true;
    } else if let (Some(psa), Some(ticket)) = (psa(tenant), ticket) {
        state.start(&psa.id, Work::Psa(PsaAct::Look(ticket)), Purpose::Look, now);
    }
}

/// The case can only go on once the ticket was read.
fn must_look(state: &State) -> bool {
    let goes_on = |case: &Case| case.phase == Phase::Acting || case.phase == Phase::Approving && case.ask.is_none();
    let pressed = |case: &Case| goes_on(case) && case.times.decided.is_none() && case.handover.is_none() && state.asked.is_none();
    state.desk.is_some() && state.case.as_ref().is_some_and(|case| case.ticket.is_none() || pressed(case))
}

/// Reads the ticket again once the PSA may answer again. False if the case does not wait for that.
pub(super) fn look_on(state: &mut State, tenant: &Tenant, now: Instant) -> bool {
    let must = must_look(state);
    if must {
        look(state, tenant, now);
    }
    must
}

/// The ticket was read, or could not be.
pub(super) fn looked(state: &mut State, since: Instant, outcome: &Outcome, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let busy = state.running(&Purpose::Wait);
    let Some(case) = &mut state.case else { return };
    // Whose status it is can only be told once our own is set.
    case.look_again |= busy;
    if busy {
        return;
    }
    if std::mem::take(&mut case.look_again) {
        look(state, tenant, now);
        return;
    }
    let known = case.ticket.as_ref().map(|ticket| ticket.id);
    match outcome {
        Outcome::TicketSeen(seen) if known == Some(seen.ticket.id) => watched(state, seen, tenant, now),
        Outcome::TicketSeen(seen) if known.is_none() && state.desk.as_ref().is_some_and(|desk| desk.ticket == seen.ticket.id) => {
            let before = state.ended.as_ref().map(|ended| ended.case.clone());
            let of = before.as_ref().or(seen.case.as_ref()).filter(|_| !seen.closed);
            notes.extend(of.map(|of| Note::Reopened(of.clone(), seen.ticket.id, since)));
            if before.is_some() {
                // A ticket's mailbox has one case.
                state.case = None;
                return;
            }
            take_in(state, seen, tenant, now, notes);
        }
        Outcome::Escalate(code, _) if code == DOWN && must_look(state) && put_off(state, now) => {}
        Outcome::Escalate(code, text) if known.is_some() && must_look(state) => {
            let (code, text) = (code.clone(), text.clone());
            hand_over(state, &code, &text, tenant, now);
        }
        _ if known.is_none() && state.desk.is_some() => {
            state.case = None;
            notes.push(Note::LeftAlone("it could not be read as a ticket of this client"));
        }
        // A hint is no more than that.
        _ => {}
    }
}

/// A ticket that no case knows yet.
fn take_in(state: &mut State, seen: &Seen, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let (Some(case), Some(desk)) = (&mut state.case, &state.desk) else { return };
    if case.handover.is_none()
        && let Some(why) = left_alone(seen, tenant)
    {
        // The case that the ticket belongs to may have to stand down.
        let of = seen.case.as_deref().and_then(conversation_of).filter(|to| *to != state.id);
        notes.extend(of.map(|to| {
            let id = format!("{}/{}", state.id, state.counted);
            Note::Forward(Box::new(Event { to: Some(to.into()), ..Event::of_ticket(desk.ticket, id, &state.tenant, &desk.connection, now) }))
        }));
        notes.push(Note::LeftAlone(why));
        state.case = None;
        return;
    }
    case.ticket = Some(seen.ticket.clone());
    case.intake = Some(Intake { source: seen.source.clone(), name: seen.contact_name.clone(), address: seen.contact_email.clone(), confirmed: false });
    if case.handover.is_some() {
        settle(state, tenant, now);
    } else {
        state.unread.push_back((format!("ticket {}", seen.ticket.id), format!("{}\n{}", seen.summary, seen.text)));
    }
}

/// Why a ticket is none of ours, if it is none.
#[must_use]
pub fn left_alone(seen: &Seen, tenant: &Tenant) -> Option<&'static str> {
    let named = |names: &[String], name: &str| names.is_empty() || names.iter().any(|known| known.trim().eq_ignore_ascii_case(name.trim()));
    let opted = tenant
        .desk
        .intake
        .iter()
        .any(|intake| intake.board == seen.ticket.board && named(&intake.types, &seen.kind) && named(&intake.statuses, &seen.ticket.status_name));
    let machine = [&seen.source, &seen.kind].iter().any(|text| MACHINES.iter().any(|word| text.to_lowercase().contains(word)));
    [
        (seen.case.is_some(), "it is a case's own"),
        (!opted, "its board, type or status is not taken in"),
        (seen.closed, "it is closed"),
        (machine, "it is of a machine"),
        (!seen.ticket.contact, "it has no contact"),
        (seen.owner.is_some(), "it is assigned"),
        (seen.worked, "somebody works on it"),
    ]
    .into_iter()
    .find_map(|(so, why)| so.then_some(why))
}

/// The ticket of the open case, as it is now.
fn watched(state: &mut State, seen: &Seen, tenant: &Tenant, now: Instant) {
    let Some(case) = &state.case else { return };
    // From there on the connector itself leaves alone what a person has set.
    if matches!(case.phase, Phase::Closing | Phase::HandingOver | Phase::Telling) {
        return;
    }
    let Some(left) = &case.ticket else { return };
    let taken = if seen.owner.is_some() && seen.owner != tenant.desk.member {
        Some("it was assigned to a technician")
    } else if seen.worked {
        Some("a technician has logged time on it")
    } else if (seen.ticket.board, seen.ticket.status) != (left.board, left.status) {
        Some("a technician has changed its board or status")
    } else {
        None
    };
    let other = case.intake.as_ref().is_some_and(|intake| intake.address != seen.contact_email);
    if let Some(why) = taken {
        hand_over(state, STOOD_DOWN, &format!("the agent steps back from the ticket, because {why}"), tenant, now);
    } else if other {
        hand_over(state, "contact-changed", "the ticket's contact was changed while its former one was being asked", tenant, now);
    } else if must_look(state) {
        ask(state, tenant, now);
    }
}

/// The requester was answered for the first time, and has the next word.
pub(super) fn wait(state: &mut State, tenant: &Tenant, now: Instant) {
    let named = tenant.desk.responded_status.is_some() || tenant.desk.waiting_status.is_some();
    let open = state.case.as_ref().filter(|case| named && case.phase == Phase::Offering && case.offers == 1 && case.handover.is_none());
    let (Some(ticket), Some(psa)) = (open.and_then(|case| case.ticket.clone()), psa(tenant)) else { return };
    let waiting = Waiting { ticket: ticket.id, board: ticket.board, status: ticket.status };
    let task = state.start(&psa.id, Work::Psa(PsaAct::Wait(waiting)), Purpose::Wait, now);
    state.grant(&task, &psa.id, "ticket_status", &ticket.id.to_string(), None, now);
}

/// The ticket has the status that it has. If it could not be set, that is the less important thing.
pub(super) fn waits(state: &mut State, outcome: &Outcome, tenant: &Tenant, now: Instant) {
    let looking = state.running(&Purpose::Look);
    let Some(case) = &mut state.case else { return };
    if let (Outcome::TicketWaits(ticket), Some(known)) = (outcome, &mut case.ticket)
        && known.id == ticket.id
    {
        (known.status, known.status_name) = (ticket.status, ticket.status_name.clone());
    }
    if looking {
        // It may have read the ticket as it was before.
        case.look_again = true;
    } else if std::mem::take(&mut case.look_again) {
        look(state, tenant, now);
    }
    settle(state, tenant, now);
}

/// Whether the ticket is a technician's, and only a note may be left on it.
pub(super) fn stood_down(case: &Case) -> bool {
    case.handover.as_ref().is_some_and(|(code, _)| code == STOOD_DOWN)
}

/// The user has heard from the agent.
pub(super) fn spoken(case: &Case) -> bool {
    case.times.replied.is_some() || case.offer.is_some() || case.course.presses > 0
}

/// What was asked for is known: ask the contact, unless a human has it anyway.
pub(super) fn begin(state: &mut State, tenant: &Tenant, now: Instant) {
    let Some(case) = &state.case else { return };
    if case.ticket.is_none() {
        look(state, tenant, now);
        return;
    }
    let chat = tenant.connections.iter().find(|connection| connection.role() == Some(Role::Chat) && !connection.connect);
    let address = case.intake.as_ref().and_then(|intake| intake.address.clone());
    match (case.handover.is_some(), chat, address) {
        (false, Some(chat), Some(address)) => {
            state.connection.clone_from(&chat.id);
            state.phase(Phase::Identifying, now);
            state.chat(ChatAct::Find(address), Purpose::Who, now);
            return;
        }
        (false, None, _) => set_handover(state, "no-chat", "the client has no chat in which the ticket's contact could be asked"),
        (false, Some(_), None) => set_handover(state, "no-address", "the ticket's contact has no address, so nobody can be asked"),
        (true, _, _) => {}
    }
    settle(state, tenant, now);
}

/// The chat knows somebody by the contact's address.
pub(super) fn recognized(state: &mut State, profile: &Profile, tenant: &Tenant, now: Instant) {
    let Some(case) = &mut state.case else { return };
    let address = case.intake.as_ref().and_then(|intake| intake.address.as_deref()).unwrap_or_default();
    // INVARIANT: the account that is changed is found by this profile's address, so it is the one of whoever presses the button.
    if !profile.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(address.trim())) {
        set_handover(state, "unknown-requester", "the chat knows nobody by the address of the ticket's contact");
    } else if profile.guest || profile.inactive {
        set_handover(state, "chat-guest", "the ticket's contact is a guest of the chat workspace, not an employee");
    } else {
        case.user.clone_from(&profile.id);
        case.profile = Some(profile.clone());
        if case.quiet {
            find(state, tenant, now);
            return;
        }
        state.chat(ChatAct::OpenDirect(profile.id.clone()), Purpose::Meet, now);
        return;
    }
    settle(state, tenant, now);
}

/// Asks whether the contact wants this at all.
pub(super) fn question(state: &State, question: &Question, system: &str, tenant: &Tenant) -> Message {
    let ticket = state.desk.as_ref().map_or_else(String::new, |desk| desk.ticket.to_string());
    let sentence = if question.action == "account_unlock" { "ask-unlock" } else { "ask-reset" };
    let mut message = state.message(sentence, &[("system", system), ("login", &question.subject.login), ("ticket", &ticket), ("msp", &tenant.msp.name)]);
    message.buttons = yes_or_no();
    message
}

fn yes_or_no() -> Vec<Button> {
    ["yes", "no"].map(|name| Button { label: name.into(), choice: name.into(), primary: name == "yes" }).into()
}

/// The mailbox of the ticket that a button belongs to; none if it is pressed where it was offered.
pub(super) fn mailbox_of(press: &Press) -> Option<&str> {
    (press.offer.starts_with(SERIES) || press.offer.starts_with(super::second::SERIES) || super::approval::is_of(press) || super::after::is_of(press))
        .then(|| conversation_of(&press.case))
        .flatten()
}

/// The contact pressed yes. A technician may have taken the ticket since, though no callback said so.
pub(super) fn confirmed(state: &mut State, tenant: &Tenant, now: Instant) {
    if let Some(intake) = state.case.as_mut().and_then(|case| case.intake.as_mut()) {
        intake.confirmed = true;
    }
    look(state, tenant, now);
}

/// The contact pressed no: somebody asks in their name.
pub(super) fn denied(state: &mut State, tenant: &Tenant, now: Instant) {
    let text = "HIGH PRIORITY: the ticket's contact says in the chat that they did not ask for this. Somebody may be impersonating them; nothing was changed";
    set_handover(state, "requester-denied", text);
    settle(state, tenant, now);
}

/// When the contact is reminded of the question.
pub(super) fn remind_at(state: &State) -> Option<Instant> {
    let case = state.case.as_ref().filter(|case| state.desk.is_some() && case.phase == Phase::Offering && !case.said.contains("ask-reminder"))?;
    let offer = case.offer.as_ref().filter(|offer| offer.message.is_some())?;
    Some(offer.expires.saturating_sub(ASK_TIME / 2))
}

/// Whether to remind now. Once the time is up it is too late for that.
pub(super) fn reminds(state: &State, at: Instant) -> bool {
    let offer = state.case.as_ref().and_then(|case| case.offer.as_ref());
    remind_at(state).is_some_and(|remind| at >= remind) && offer.is_some_and(|offer| at < offer.expires)
}

/// Reminds, once.
pub(super) fn remind(state: &mut State, now: Instant) {
    let ticket = state.desk.as_ref().map_or_else(String::new, |desk| desk.ticket.to_string());
    state.say_once("ask-reminder", &[("ticket", &ticket)], now);
}

/// The sentence with which a case ends that is handed over, where the usual one would not be true.
pub(super) fn last_words(state: &State) -> Option<&'static str> {
    match state.case.as_ref()?.handover.as_ref()?.0.as_str() {
        STOOD_DOWN => Some("stood-down"),
        "requester-denied" => Some("denied-request"),
        _ => None,
    }
}

/// The contact can be spoken to.
pub(super) fn met(state: &mut State, channel: &str, tenant: &Tenant, now: Instant) {
    state.channel = channel.into();
    find(state, tenant, now);
}

#[cfg(test)]
mod tests;
