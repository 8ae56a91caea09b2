//! Asking somebody else for a yes: the MSP's people while a client is supervised, an approver where the matrix wants one.
//!
//! A yes counts only as a button in a chat or as a call of the API, from somebody whom the documents name, for exactly one change of one account.
//! The guardrails judge it, so that nobody says yes to their own request.

use super::{
    Case, GRANT_TIME, LOST_PHONE, Note, Phase, Purpose, State, Task, arguments_hash, hand_over, leave_note, look_up, proof, say_again, set_handover, settle,
    staff, system,
};
use crate::Instant;
use crate::journal::Press;
use crate::mailbox::{Act, Event};
use crate::stage::{Approval, Approver, Button, ChatAct, Decision, MANAGER, Manager, Message, Outcome, Profile, Question, Words, Work, api_name};
use crate::tenant::{Connection, MSP, Role, StaffRole, Tenant};
use serde::{Deserialize, Serialize};

/// Requests for approval have names of their own: their buttons are pressed elsewhere.
const SERIES: &str = "a";
/// So often a request is shown at most.
const MOST_POSTS: usize = 5;
/// So many contacts of the client are asked at most.
const MOST_CONTACTS: usize = 4;
/// So many requests a case has at most; a person answers the next.
const MOST_ASKS: u32 = 4;
/// The rule that wants an approver of the client or of the MSP.
const BY_MATRIX: &str = "approval-by-settings";

/// What waits for somebody's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Its id, signed into the buttons.
    pub id: String,
    /// The action.
    pub action: String,
    /// Object id of the account.
    pub target: String,
    /// Hash of the arguments.
    pub arguments: String,
    /// The account's login.
    pub login: String,
    /// The rules that want it.
    pub rules: Vec<String>,
    /// When it was asked.
    pub asked: Instant,
    /// Then whoever was asked is reminded, and the MSP's people are asked too; none once that was done.
    pub remind: Option<Instant>,
    /// Dead from then on.
    pub expires: Instant,
    /// The MSP's people were asked.
    pub staff: bool,
    /// Where the buttons stand.
    pub posts: Vec<Post>,
    /// Somebody has answered, and who they are is being found out.
    pub answer: Option<Given>,
    /// The chat user of the requester's manager, who was asked, and their account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<(String, String)>,
    /// Chat users who were asked because of their type as contacts in the PSA, and the address that they have there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<(String, String)>,
    /// What is asked for is no yes but a proof of who asks, of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// A message with the buttons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Connection of the chat.
    pub connection: String,
    /// Channel.
    pub channel: String,
    /// The message.
    pub message: String,
}

/// An answer whose giver is being looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Who.
    pub by: Approver,
    /// Where the button stood.
    pub channel: String,
    /// The button's name.
    pub choice: String,
}

impl Ask {
    /// A technician's yes is not enough.
    #[must_use]
    pub fn wants_approver(&self) -> bool {
        self.proof.is_none() && self.rules.iter().any(|rule| rule != "supervised")
    }

    /// Somebody's manager is asked to vouch for them.
    #[must_use]
    pub fn of_manager(&self) -> bool {
        self.proof.as_deref() == Some(MANAGER)
    }

    /// What may be pressed, the one that goes on first.
    #[must_use]
    pub fn choices(&self) -> &'static [&'static str] {
        match self.proof.as_deref() {
            Some(MANAGER) => &proof::VOUCHES,
            Some(_) => &proof::CHOICES,
            None => &["approve", "changes", "decline", "take-over"],
        }
    }

    /// When something has to happen though nobody answers.
    #[must_use]
    pub fn wake_at(&self) -> Instant {
        self.remind.map_or(self.expires, |remind| remind.min(self.expires))
    }
}

/// The button belongs to a request for approval.
pub(super) fn is_of(press: &Press) -> bool {
    press.offer.starts_with(SERIES)
}

/// It was done in the MSP's own chat, by somebody of that workspace.
pub(super) fn is_elsewhere(event: &Event, tenant: &Tenant) -> bool {
    let Some(chat) = tenant.staff_chat().filter(|_| event.tenant == MSP) else { return false };
    chat.id == event.connection
        && chat.account.get("team") == Some(&event.workspace)
        && event.author_workspace.as_ref().is_none_or(|own| *own == event.workspace)
}

/// Every name that a chat user is known by.
pub(super) fn names(profile: &Profile) -> Vec<String> {
    [Some(format!("{}/{}", profile.workspace, profile.id)), profile.email.clone()].into_iter().flatten().collect()
}

/// What would be done, in one line for a technician.
pub(super) fn plan(question: &Question) -> String {
    let what = match question.action.as_str() {
        "account_unlock" => "unlock the account",
        LOST_PHONE => {
            "issue a Temporary Access Pass, remove what hung on the lost phone, deliver the pass by a link that works once, end old sessions, read the new factor back"
        }
        _ => "set a temporary password, deliver it by a link that works once, end old sessions",
    };
    format!("plan: ask the requester by a button; {what} (`{}` of `{}`); close the ticket", question.action, question.subject.login)
}

/// The yeses that fit this very change.
pub(super) fn bound(case: &Case, action: &str, target: &str, now: Instant) -> Vec<Approval> {
    let arguments = arguments_hash(&Default::default());
    let fits = |approval: &&Approval| approval.action == action && approval.target == target && approval.arguments == arguments && now < approval.expires;
    case.approvals.iter().filter(fits).cloned().collect()
}

/// Asks whoever may say yes.
pub(super) fn ask(state: &mut State, question: &Question, decision: &Decision, tenant: &Tenant, now: Instant) {
    let named = decision.rules.iter().any(|rule| rule == BY_MATRIX) && question.standing(tenant, now).all(|approval| !approval.approver(tenant));
    if state.case.as_ref().is_some_and(|case| case.asks >= MOST_ASKS) {
        hand_over(state, "asked-too-often", "whoever may approve was asked again and again", tenant, now);
        return;
    }
    state.phase(Phase::Approving, now);
    let Some(case) = &mut state.case else { return };
    let people: Vec<String> = tenant.approvals.people.iter().map(|person| person.user.clone()).filter(|user| named && *user != case.user).collect();
    let manager = question.subject.manager.clone().filter(|_| named && tenant.approvals.manager);
    let contacts = if named { contacts(case, tenant) } else { Vec::new() };
    let staff = people.is_empty() && manager.is_none() && contacts.is_empty();
    case.ask = Some(Ask { staff, ..request(case, question, decision, tenant, now) });
    case.evidence.push(plan(question));
    if named && tenant.approvals.manager && manager.is_none() {
        case.evidence.push("the directory names no manager who could be asked".into());
    }
    if named && !tenant.approvals.contact_types.is_empty() && contacts.is_empty() {
        case.evidence.push(format!("the PSA knows no other contact of type {} with an address", tenant.approvals.contact_types.join(", ")));
    }
    let connection = state.connection.clone();
    if staff {
        ask_staff(state, tenant, now);
    }
    for address in contacts {
        state.chat_on(&connection, ChatAct::Find(address), Purpose::Ask, now);
    }
    if let Some(Manager { address, .. }) = manager {
        state.chat_on(&connection, ChatAct::Find(address), Purpose::Ask, now);
    }
    for user in people {
        state.chat_on(&connection, ChatAct::OpenDirect(user), Purpose::Ask, now);
    }
    // Whoever works in the PSA sees it there.
    leave_note(state, Purpose::Aside, tenant, now);
    state.say_once("approval-awaited", &[("msp", &tenant.msp.name)], now);
}

/// Addresses of the contacts who may say yes: one of each, and none of whoever asks.
fn contacts(case: &Case, tenant: &Tenant) -> Vec<String> {
    let own = case.profile.iter().flat_map(names).chain(case.account.iter().flat_map(|account| account.names.clone())).collect::<Vec<_>>();
    let is_own = |address: &String| own.iter().any(|name| name.eq_ignore_ascii_case(address));
    let people = case.contacts.as_ref().and_then(|all| all.of(&tenant.approvals.contact_types)).unwrap_or_default();
    let others = people.into_iter().filter(|person| !person.addresses.iter().any(is_own));
    others.filter_map(|person| person.addresses.first().cloned()).take(MOST_CONTACTS).collect()
}

/// A request of the MSP's own people, with a name of its own.
pub(super) fn request(case: &mut Case, question: &Question, decision: &Decision, tenant: &Tenant, now: Instant) -> Ask {
    case.asks += 1;
    let expires = tenant.in_minutes(now, tenant.approvals.expire_minutes);
    Ask {
        id: format!("{SERIES}{}", case.asks),
        action: question.action.clone(),
        target: question.subject.id.clone(),
        arguments: arguments_hash(&Default::default()),
        login: question.subject.login.clone(),
        rules: decision.rules.clone(),
        asked: now,
        remind: Some(tenant.in_minutes(now, tenant.approvals.remind_minutes)).filter(|remind| *remind < expires),
        expires,
        staff: true,
        posts: Vec::new(),
        answer: None,
        manager: None,
        contacts: Vec::new(),
        proof: None,
    }
}

pub(super) fn ask_staff(state: &mut State, tenant: &Tenant, now: Instant) {
    if let Some(ask) = state.case.as_mut().and_then(|case| case.ask.as_mut()) {
        ask.staff = true;
    }
    match (tenant.staff_chat().map(|chat| chat.id.clone()), &tenant.approvals.channel) {
        (Some(chat), Some(channel)) => post(state, &chat, channel, None, tenant, now),
        _ => {
            if let Some(case) = &mut state.case {
                case.evidence.push("no channel of the MSP's own chat is named for approvals: it can only be answered by the API".into());
            }
        }
    }
}

fn post(state: &mut State, connection: &str, channel: &str, thread: Option<String>, tenant: &Tenant, now: Instant) {
    let Some(case) = &state.case else { return };
    let Some(ask) = &case.ask else { return };
    let ticket = case.ticket.as_ref().map_or_else(String::new, |ticket| ticket.id.to_string());
    let name = case.profile.as_ref().map_or_else(|| case.user.clone(), |profile| profile.name.clone());
    let phones = case.account.as_ref().map_or_else(String::new, |account| account.phones.join(", "));
    let sentence = match (&ask.proof, ask.action.as_str()) {
        (Some(kind), _) if kind == MANAGER => "vouch",
        (Some(_), _) => "call-back",
        (None, "account_unlock") => "approve-unlock",
        (None, LOST_PHONE) => "approve-mfa",
        (None, _) => "approve-reset",
    };
    let mut arguments = vec![("client", tenant.name.as_str()), ("name", &name), ("system", system(tenant)), ("login", &ask.login), ("ticket", &ticket)];
    arguments.extend((sentence == "call-back").then_some(("phone", phones.as_str())));
    let mut message = Message { thread, ..words(channel, sentence, &arguments) };
    let choices = ask.choices();
    message.buttons = choices.iter().map(|name| Button { label: (*name).into(), choice: (*name).into(), primary: choices.first() == Some(name) }).collect();
    state.chat_on(connection, ChatAct::Say(message), Purpose::Ask, now);
}

pub(super) fn words(channel: &str, sentence: &str, arguments: &[(&str, &str)]) -> Message {
    // Approvers are asked in the language of the client.
    Message { channel: channel.into(), thread: None, words: Words::new(sentence, arguments), locale: String::new(), buttons: Vec::new(), secret_link: None }
}

/// A request for approval stands in a chat, or a conversation for it is open, or neither could be done.
pub(super) fn posted(state: &mut State, task: &Task, outcome: &Outcome, tenant: &Tenant, now: Instant) {
    match (&task.work, outcome) {
        (Work::Chat(ChatAct::Find(_)), Outcome::Profile(profile)) if is_manager(state, profile) => {
            let account = state.case.as_ref().and_then(|case| case.account.as_ref()?.manager.as_ref()).map(|manager| manager.id.clone());
            if let Some(ask) = state.case.as_mut().and_then(|case| case.ask.as_mut()) {
                ask.manager = account.map(|account| (profile.id.clone(), account));
                state.chat_on(&task.connection, ChatAct::OpenDirect(profile.id.clone()), Purpose::Ask, now);
            }
        }
        (Work::Chat(ChatAct::Find(address)), Outcome::Profile(profile)) if is_contact(state, profile, address, tenant) => {
            let Some(ask) = state.case.as_mut().and_then(|case| case.ask.as_mut()) else { return };
            // Somebody may be asked for more than one reason, and hears of it once.
            let named = tenant.approvals.people.iter().any(|person| person.user == profile.id);
            let asked = ask.manager.iter().chain(&ask.contacts).any(|(user, _)| *user == profile.id);
            if !named && !asked {
                ask.contacts.push((profile.id.clone(), address.clone()));
                state.chat_on(&task.connection, ChatAct::OpenDirect(profile.id.clone()), Purpose::Ask, now);
            }
        }
        (Work::Chat(ChatAct::OpenDirect(_)), Outcome::Opened(channel)) => {
            post(state, &task.connection, channel, None, tenant, now);
            // Only now is it sure that it is the manager who is waited for: of such notes a ticket has one.
            if state.case.as_ref().and_then(|case| case.ask.as_ref()).is_some_and(Ask::of_manager) {
                leave_note(state, Purpose::Aside, tenant, now);
            }
        }
        (Work::Chat(ChatAct::Say(message)), Outcome::Posted(posted)) => {
            let post = Post { connection: task.connection.clone(), channel: message.channel.clone(), message: posted.clone() };
            match state.case.as_mut().and_then(|case| case.ask.as_mut()) {
                Some(ask) => ask.posts.push(post),
                // It was answered elsewhere before it stood there.
                None => replace(state, &post, "approval-over", &[], now),
            }
        }
        (_, other) if state.case.as_ref().and_then(|case| case.ask.as_ref()).is_some_and(Ask::of_manager) => {
            let why = format!("the manager could not be asked: {}", super::describe(other));
            withdraw(state, "approval-over", &[], now);
            proof::vain(state, MANAGER, &why, tenant, now);
        }
        (_, other) => {
            let Some(case) = &mut state.case else { return };
            case.evidence.push(format!("an approver could not be asked: {}", super::describe(other)));
            // Somebody has to hear of it.
            if case.ask.as_ref().is_some_and(|ask| !ask.staff) {
                ask_staff(state, tenant, now);
            }
        }
    }
}

/// A member of the client's workspace who has the address of the requester's manager, and is not the requester.
fn is_manager(state: &State, profile: &Profile) -> bool {
    let Some(case) = &state.case else { return false };
    let manager = case.account.as_ref().and_then(|account| account.manager.as_ref());
    is_another_member(case, profile) && manager.is_some_and(|manager| has(profile, &manager.address))
}

/// A member of the client's workspace who has this address, which is that of a contact who may say yes.
fn is_contact(state: &State, profile: &Profile, address: &str, tenant: &Tenant) -> bool {
    let Some(case) = state.case.as_ref().filter(|case| case.ask.as_ref().is_some_and(|ask| ask.proof.is_none())) else { return false };
    let known = case.contacts.as_ref().is_some_and(|all| all.names(&tenant.approvals.contact_types, address));
    known && is_another_member(case, profile) && has(profile, address)
}

/// A full member of the client's workspace, other than the requester.
fn is_another_member(case: &Case, profile: &Profile) -> bool {
    !profile.guest && !profile.inactive && profile.id != case.user
}

/// Their address is this one.
fn has(profile: &Profile, address: &str) -> bool {
    profile.email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(address))
}

fn replace(state: &mut State, post: &Post, sentence: &str, arguments: &[(&str, &str)], now: Instant) {
    let text = words(&post.channel, sentence, arguments);
    state.chat_on(&post.connection, ChatAct::Replace(post.message.clone(), text), Purpose::Aside, now);
}

/// Takes the buttons away, wherever they stand.
pub(super) fn withdraw(state: &mut State, sentence: &str, arguments: &[(&str, &str)], now: Instant) {
    let Some(ask) = state.case.as_mut().and_then(|case| case.ask.take()) else { return };
    for post in ask.posts {
        replace(state, &post, sentence, arguments, now);
    }
}

/// Somebody pressed a button of a request, answered by the API, or wrote something about it.
pub(super) fn answered(state: &mut State, event: &Event, press: Option<&Press>, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    if staff::faulted(state, event, press, tenant, now, notes) {
        return;
    }
    if matches!(event.act, Act::Message(_)) {
        in_words(state, event, tenant, now);
        return;
    }
    // A MAC that is wrong was never ours.
    let Some(press) = press.filter(|press| is_of(press)) else { return };
    let staff = is_elsewhere(event, tenant);
    let chat: Option<&Connection> = if staff { tenant.staff_chat() } else { tenant.connection(&state.connection) };
    let chat = chat.map(|chat| chat.id.clone()).unwrap_or_default();
    let open = state.case.as_ref().filter(|case| case.id == press.case && case.phase == Phase::Approving).and_then(|case| case.ask.as_ref());
    if open.is_none_or(|ask| ask.id != press.offer || now >= ask.expires) {
        if !matches!(event.act, Act::Answer(_)) {
            let post = Post { connection: chat, channel: event.channel.clone(), message: event.message.clone() };
            replace(state, &post, "approval-over", &[], now);
        }
        return;
    }
    let wants_approver = open.is_some_and(Ask::wants_approver);
    let requester = state.case.as_ref().map_or("", |case| case.user.as_str());
    // Whoever vouches for a person has spoken with them, and is one of the MSP's own, or the manager who was asked.
    let of_manager = open.is_some_and(Ask::of_manager);
    let vouches = open.is_some_and(|ask| ask.proof.is_some());
    let by = match &event.act {
        _ if open.is_none_or(|ask| !ask.choices().contains(&press.choice.as_str())) => None,
        Act::Answer(_) if vouches => None,
        Act::Answer(answer) => Some(Approver::Api { name: answer.by.clone(), owner: answer.owner }).filter(|_| answer.owner || !wants_approver),
        _ if staff && of_manager => None,
        _ if staff => {
            let member = tenant.staff_member(&event.workspace, &event.author);
            let enough = member.filter(|member| !wants_approver || member.role != StaffRole::Technician || press.choice != "approve");
            enough.map(|_| Approver::Staff { workspace: event.workspace.clone(), user: event.author.clone() })
        }
        _ if vouches && !of_manager || event.author == requester => None,
        _ if !of_manager && tenant.approvals.people.iter().any(|person| person.user == event.author) => Some(Approver::Named { user: event.author.clone() }),
        _ => open.and_then(|ask| {
            let own = |list: &[(String, String)]| list.iter().find(|(user, _)| *user == event.author).cloned();
            let manager = own(ask.manager.as_slice()).map(|(user, account)| Approver::Manager { user, account });
            manager.or_else(|| own(&ask.contacts).map(|(user, address)| Approver::Contact { user, address }))
        }),
    };
    let Some(case) = &mut state.case else { return };
    let Some(by) = by else {
        case.evidence.push(format!("`{}` pressed `{}` of request {} at {now}, and may not", event.author, press.choice, press.offer));
        if !matches!(event.act, Act::Answer(_)) {
            let text = words(&event.channel, "approval-not-yours", &[]);
            state.chat_on(&chat, ChatAct::Say(text), Purpose::Aside, now);
        }
        return;
    };
    // The first answer counts; a second one while the first is looked into is no news.
    let Some(ask) = case.ask.as_mut().filter(|ask| ask.answer.is_none()) else { return };
    ask.answer = Some(Given { by: by.clone(), channel: event.channel.clone(), choice: press.choice.clone() });
    if let Some(user) = by.user() {
        state.chat_on(&chat, ChatAct::Who(user.to_owned()), Purpose::Approver, now);
    } else if let Approver::Api { name, .. } = &by {
        decide(state, name, Vec::new(), tenant, now, notes);
    }
}

/// One of the MSP's people wrote something about a request: words are no answer, so the buttons are shown again.
fn in_words(state: &mut State, event: &Event, tenant: &Tenant, now: Instant) {
    let Some(chat) = tenant.staff_chat().map(|chat| chat.id.clone()) else { return };
    let Some(ask) = state.case.as_ref().filter(|case| case.phase == Phase::Approving).and_then(|case| case.ask.as_ref()) else { return };
    // Nobody is answered for ever.
    if ask.posts.len() < MOST_POSTS && tenant.staff_member(&event.workspace, &event.author).is_some() {
        state.chat_on(&chat, ChatAct::Say(Message { thread: event.thread.clone(), ..words(&event.channel, "approval-press", &[]) }), Purpose::Aside, now);
        post(state, &chat, &event.channel, event.thread.clone(), tenant, now);
    }
}

/// Whoever answered is known, or cannot be.
pub(super) fn recognized(state: &mut State, outcome: &Outcome, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = &mut state.case else { return };
    let Some(ask) = &mut case.ask else {
        settle(state, tenant, now);
        return;
    };
    let by = ask.answer.as_ref().map(|answer| &answer.by);
    let asked = by.and_then(Approver::user).unwrap_or_default().to_owned();
    let same = |profile: &Profile| if let Some(Approver::Contact { address, .. }) = by { has(profile, address) } else { true };
    match outcome {
        Outcome::Profile(profile) if profile.id == asked && !profile.guest && !profile.inactive && same(profile) => {
            let (name, names) = (profile.name.clone(), names(profile));
            decide(state, &name, names, tenant, now, notes);
        }
        other => {
            ask.answer = None;
            let why =
                if matches!(other, Outcome::Profile(_)) { "a guest, or no longer active, or with another address".into() } else { super::describe(other) };
            case.evidence.push(format!("the answer of `{asked}` does not count: {why}"));
        }
    }
}

/// An answer of somebody who may give it.
fn decide(state: &mut State, name: &str, names: Vec<String>, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = &mut state.case else { return };
    let Some((ask, given)) = case.ask.as_mut().and_then(|ask| ask.answer.take().map(|given| (ask.clone(), given))) else { return };
    let by = match &given.by {
        Approver::Api { .. } => format!("{name} by the API"),
        Approver::Staff { workspace, user } => format!("{name} ({workspace}/{user}) in {}", given.channel),
        Approver::Named { user } => format!("{name} ({user}) in {}", given.channel),
        Approver::Manager { user, .. } => format!("{name} ({user}), the requester's manager, in {}", given.channel),
        Approver::Contact { user, address } => format!("{name} ({user}), {address}, a contact who may approve by their type in the PSA, in {}", given.channel),
    };
    let texts: Vec<&str> = ask.posts.iter().map(|post| post.message.as_str()).collect();
    case.evidence.push(format!("{by} answered request {} (message {}) with `{}` at {now}", ask.id, texts.join(", "), given.choice));
    if proof::answered(state, &ask, &given, name, &names, tenant, now, notes) {
        return;
    }
    let Some(case) = &mut state.case else { return };
    if given.choice == "approve" {
        let names = if names.is_empty() { vec![api_name(name)] } else { names };
        let (action, target, arguments) = (ask.action, ask.target, ask.arguments);
        case.approvals.push(Approval { by: given.by, names, at: now, expires: now + GRANT_TIME, action, target, arguments });
        withdraw(state, "approval-given", &[("name", name)], now);
        find_again(state, tenant, now);
        return;
    }
    if given.choice == "changes" && case.asks < MOST_ASKS && state.desk.is_none() {
        withdraw(state, "approval-changes", &[("name", name)], now);
        state.say("approval-differently", &[("msp", &tenant.msp.name)], now);
        say_again(state, now);
        return;
    }
    let (sentence, code) = match given.choice.as_str() {
        "decline" => ("approval-declined", "approval-declined"),
        "changes" => ("approval-declined", "approver-wants-changes"),
        _ => ("approval-taken", "approver-took-over"),
    };
    withdraw(state, sentence, &[("name", name)], now);
    set_handover(state, code, &format!("{by} answered the request for approval with `{}`", given.choice));
    settle(state, tenant, now);
}

/// The account may have changed since somebody was asked.
pub(super) fn find_again(state: &mut State, tenant: &Tenant, now: Instant) {
    let email = state.case.as_ref().and_then(|case| case.profile.as_ref()).and_then(|profile| profile.email.clone());
    match (email, tenant.connection_of(Role::Idp).map(|idp| idp.id.clone())) {
        (Some(email), Some(idp)) => look_up(state, email, &idp, tenant, now),
        _ => hand_over(state, "not-configured", super::NOT_CONFIGURED, tenant, now),
    }
}

/// Reminds, asks the MSP's people too, and gives up when the time is over.
pub(super) fn tick(state: &mut State, tenant: &Tenant, at: Instant) {
    let Some(ask) = state.case.as_mut().and_then(|case| case.ask.as_mut()) else { return };
    if at >= ask.expires && ask.of_manager() {
        withdraw(state, "approval-over", &[], at);
        proof::vain(state, MANAGER, "the manager did not answer in time", tenant, at);
    } else if at >= ask.expires {
        let code = if ask.proof.is_some() { "call-back-expired" } else { "approval-expired" };
        hand_over(state, code, "nobody answered the request in time", tenant, at);
    } else if ask.remind.is_some_and(|remind| at >= remind) {
        ask.remind = None;
        let posts = ask.posts.clone();
        if !ask.staff && !ask.of_manager() {
            ask_staff(state, tenant, at);
        }
        for post in posts {
            let text = words(&post.channel, "approval-reminder", &[]);
            state.chat_on(&post.connection, ChatAct::Say(text), Purpose::Aside, at);
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
