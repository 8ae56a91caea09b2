//! Hours: what a user is told when nobody is at the desk, and whom that wakes.
//!
//! The desk's own clock decides, by the hours, time zone and holidays of the client or of the MSP. Nobody is woken by what a user writes:
//! what calls is a type, a reason or a priority that the MSP has listed.

use super::{Case, Purpose, State, Task, proof, ticket};
use crate::Instant;
use crate::hours::Opening;
use crate::mailbox::Place;
use crate::stage::{ChatAct, Message, Outcome};
use crate::tenant::Tenant;

/// Said once a page is on its way, so that there is one a case.
const PAGE: &str = "page";
/// Said once it has arrived.
const PAGED: &str = "paged";
/// What a manager is told.
const NOTICE: &str = "notice-manager";
/// The policy of people who need a strong proof.
const VIP: &str = "vip";
/// Somebody asks in another's name.
const DENIED: &str = "requester-denied";

/// Whether the ticket calls for a person at once, at whatever hour.
pub(super) fn alerts(case: &Case) -> bool {
    case.said.contains(PAGE) || case.handover.as_ref().is_some_and(|(code, _)| code == DENIED || code == proof::DENIED)
}

/// When somebody is there again; none while somebody is, or if nobody has said any hours.
fn closed(tenant: &Tenant, now: Instant) -> Option<Opening> {
    let calendar = tenant.calendar()?;
    let opens = calendar.next_opening(now).filter(|opens| *opens > now)?;
    calendar.shown(opens)
}

/// What the MSP has listed that this case is.
fn urgency<'a>(case: &Case, tenant: &'a Tenant) -> Option<&'a str> {
    let (reason, _) = case.handover.as_ref()?;
    let priority = case.ticket.as_ref().map_or("", |ticket| ticket.priority.as_str());
    let is = |listed: &&String| [case.kind.as_str(), reason, priority].iter().any(|name| !name.is_empty() && name.eq_ignore_ascii_case(listed.trim()));
    tenant.on_call.as_ref()?.urgencies.iter().find(is).map(String::as_str)
}

/// Nobody is at the desk, and the case is of what the MSP wants to be woken for: the person on call is told, once.
pub(super) fn page(state: &mut State, tenant: &Tenant, now: Instant) {
    vip(state, tenant, now);
    let shut = tenant.calendar().is_some_and(|calendar| !calendar.is_open(now));
    let Some(case) = state.case.as_ref().filter(|case| shut && !case.quiet && !case.said.contains(PAGE) && !ticket::stood_down(case)) else { return };
    let (Some(urgency), Some(contact)) = (urgency(case, tenant), &tenant.on_call) else { return };
    let ticket = case.ticket.as_ref().map_or_else(String::new, |ticket| ticket.id.to_string());
    let message = state.message("page", &[("client", &tenant.name), ("ticket", &ticket), ("urgency", urgency)]);
    let phone = contact.phone.as_ref().map_or_else(String::new, |phone| format!(", {phone}"));
    let why = format!("outside the desk's hours, and `{urgency}` calls: {}{phone} is on call", contact.name);
    tell(state, contact.user.as_deref(), message, why, tenant, now);
}

/// Tells one of the MSP's people, once a case, and says so on the ticket. Whoever has no chat is named there only.
fn tell(state: &mut State, user: Option<&str>, message: Message, why: String, tenant: &Tenant, now: Instant) {
    let Some(case) = &mut state.case else { return };
    case.said.insert(PAGE.into());
    case.evidence.push(why);
    if let (Some(chat), Some(user)) = (tenant.staff_chat(), user) {
        let message = Message { channel: String::new(), thread: None, locale: tenant.msp_locale.clone(), ..message };
        state.chat_on(&chat.id, ChatAct::OpenDirect(user.into()), Purpose::Page(Box::new(message)), now);
    }
}

/// Whoever must not wait is never only queued: the technician whom the document names is told at once, at whatever hour.
fn vip(state: &mut State, tenant: &Tenant, now: Instant) {
    let Some(case) = state.case.as_ref().filter(|case| !case.said.contains(PAGE) && !ticket::stood_down(case)) else { return };
    let spoke = case.decision.as_ref().is_some_and(|decision| decision.rules.iter().any(|rule| rule == VIP));
    let Some(user) = tenant.guardrails.vips.page.as_ref().filter(|_| spoke) else { return };
    let ticket = case.ticket.as_ref().map_or_else(String::new, |ticket| ticket.id.to_string());
    let message = state.message("page-vip", &[("client", &tenant.name), ("ticket", &ticket)]);
    let why = format!("the technician `{user}` is told at once, since the account is of somebody who must not wait");
    tell(state, Some(user), message, why, tenant, now);
}

/// The requester's manager hears of a new password or factor, where the client wants it (P-9).
pub(super) fn notice(state: &mut State, tenant: &Tenant, now: Instant) {
    let account = state.case.as_ref().and_then(|case| case.account.as_ref()).filter(|_| tenant.notices.manager);
    let Some((manager, login, name)) = account.and_then(|account| Some((account.manager.clone()?, account.login.clone(), account.name.clone()))) else {
        return;
    };
    let words = [("name", name.as_str()), ("login", login.as_str()), ("msp", tenant.msp.name.as_str()), ("phone", tenant.msp.phone.as_str())];
    // Whose language it is, nobody knows.
    let message = Message { channel: String::new(), thread: None, locale: String::new(), ..state.message(NOTICE, &words) };
    if let Some(case) = &mut state.case {
        case.evidence.push(format!("{} is told, as the manager whom the directory names", manager.name));
    }
    let chat = state.connection.clone();
    state.chat_on(&chat, ChatAct::Find(manager.address), Purpose::Page(Box::new(message)), now);
}

/// The way to whoever is to be told is open, or they were told.
pub(super) fn paged(state: &mut State, task: &Task, message: &Message, outcome: &Outcome, now: Instant) {
    match outcome {
        Outcome::Profile(profile) if !profile.guest && !profile.inactive => {
            state.chat_on(&task.connection, ChatAct::OpenDirect(profile.id.clone()), Purpose::Page(Box::new(message.clone())), now);
        }
        Outcome::Opened(channel) => {
            let message = Message { channel: channel.clone(), ..message.clone() };
            state.chat_on(&task.connection, ChatAct::Say(message.clone()), Purpose::Page(Box::new(message)), now);
        }
        Outcome::Posted(_) if message.words.sentence != NOTICE => {
            if let Some(case) = state.case.as_mut().filter(|case| case.said.contains(PAGE)) {
                case.said.insert(PAGED.into());
            }
        }
        // The ticket says who is on call, and has the priority that the desk names.
        _ => {}
    }
}

/// What is true when a case is handed over while nobody is at the desk. None if somebody is.
pub(super) fn words(state: &State, tenant: &Tenant, now: Instant) -> Option<Message> {
    let case = state.case.as_ref().filter(|case| !ticket::stood_down(case))?;
    let Opening { day, date, time } = closed(tenant, now)?;
    let ticket = case.ticket.as_ref().map_or_else(String::new, |ticket| ticket.id.to_string());
    let (msp, phone) = (("msp", tenant.msp.name.as_str()), ("phone", tenant.msp.phone.as_str()));
    let when = [("day", day), ("date", date.as_str()), ("time", time.as_str()), ("zone", tenant.time_zone.as_str())];
    let direct = state.place == Place::Direct;
    let denied = case.handover.as_ref().is_some_and(|(code, _)| code == DENIED);
    Some(match (case.said.contains(PAGED), direct, denied) {
        (true, false, _) => state.message("passed-on-here", &[msp, phone]),
        // It says no more than that a person was alerted.
        (true, true, true) => return None,
        (true, true, false) => state.message("handed-over-paged", &[msp, ("ticket", &ticket), phone]),
        (false, false, _) => state.message("passed-on-later", &[&[msp, phone][..], &when].concat()),
        (false, true, true) => state.message("denied-request-later", &[&[msp, ("ticket", ticket.as_str()), phone][..], &when].concat()),
        (false, true, false) => state.message("handed-over-later", &[&[msp, ("ticket", ticket.as_str()), phone][..], &when].concat()),
    })
}

#[cfg(test)]
mod tests;
