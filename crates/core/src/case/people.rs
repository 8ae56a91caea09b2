//! Whom a text is about, if not its writer, and which group or mailbox: the name is looked up in the client's directory before a human gets the case.
//!
//! Nothing follows from it but a line in the note. Ticket text gives no authority (P-35), so acting upon another's account, a group or a mailbox stays a human's, whichever is meant.

use super::{Case, LISTEN_TIME, Phase, Purpose, Reading, State, clarify, keep, replace_offer, second, settle, ticket};
use crate::Instant;
use crate::journal::Press;
use crate::mailbox::{Event, Place};
use crate::redact;
use crate::stage::{Button, ChatAct, Entity, IdpAct, Outcome, Person, Words, Work};
use crate::tenant::{Role, Tenant};
use serde::{Deserialize, Serialize};

/// The question who is meant.
pub(super) const WHOM: &str = "whom";
/// The question which group or mailbox is.
pub(super) const WHICH: &str = "which-one";
/// Nobody of those that were shown.
const NONE: &str = "none-of-these";
/// As many as there are buttons for. More than that are only counted.
const MOST: usize = 4;
/// Characters of a name that is looked up, and its words.
const LONGEST: usize = 100;
const WORDS: usize = 4;
const TITLE_WORDS: usize = 6;
/// When the requester is reminded. As long after that nobody waits for them any more.
const REMIND: u64 = LISTEN_TIME / 2;
const REMINDER: &str = "clarify-reminder";
/// Words around any name.
const AROUND: [&str; 11] = ["the", "a", "an", "my", "our", "your", "to", "of", "for", "named", "called"];
/// Others around that of a group or mailbox.
const KINDS: [&str; 19] = [
    "group",
    "groups",
    "list",
    "lists",
    "dl",
    "dg",
    "channel",
    "distribution",
    "security",
    "mailing",
    "mail",
    "email",
    "shared",
    "mailboxes",
    "inbox",
    "calendar",
    "address",
    "mailbox",
    "team",
];
/// Others around that of a person.
const RELATIONS: [&str; 30] = [
    "his",
    "her",
    "their",
    "from",
    "by",
    "on",
    "behalf",
    "please",
    "colleague",
    "colleagues",
    "coworker",
    "manager",
    "boss",
    "employee",
    "user",
    "account",
    "accounts",
    "password",
    "mailbox",
    "phone",
    "team",
    "member",
    "assistant",
    "intern",
    "friend",
    "teammate",
    "reset",
    "unlock",
    "new",
    "and",
];
/// A human is wanted for these reasons because of what the text says, so the requester may be asked about it.
const ASKS: [&str; 6] = ["somebody-else", "out-of-scope", "other-system", "several-wishes", "language", "unclear"];
/// A human already has the ticket, or the case cannot be trusted.
const NEVER: [&str; 4] = [ticket::STOOD_DOWN, "requester-denied", "damaged-record", "identity-denied"];

/// What a name is sought as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// Somebody.
    #[default]
    Person,
    /// A group or list.
    Group,
    /// A mailbox.
    Mailbox,
}

impl Sort {
    fn is_person(&self) -> bool {
        *self == Sort::Person
    }

    /// Its question, and the labels of what the directory says: none, several, too many.
    fn words(self) -> (&'static str, [&'static str; 3]) {
        match self {
            Sort::Person => (WHOM, ["named-nobody", "named-several", "named-many"]),
            Sort::Group => (WHICH, ["named-no-group", "named-which", "named-many-such"]),
            Sort::Mailbox => (WHICH, ["named-no-mailbox", "named-which", "named-many-such"]),
        }
    }
}

/// Somebody, or something, that a text names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mentioned {
    /// What it is.
    #[serde(default, skip_serializing_if = "Sort::is_person")]
    pub sort: Sort,
    /// The name, as it stands in the text.
    pub name: String,
    /// What the directory says.
    pub found: Found,
    /// The requester was asked, and this is open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// Which of them the requester means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<usize>,
}

/// What the directory says of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It was not asked yet.
    Unasked,
    /// It is being asked.
    Asked,
    /// It could not be asked: code.
    Unread(String),
    /// Who may be meant.
    People(Vec<Person>),
}

/// The first person whom a text is about.
pub(super) fn named(case: &mut Case, entities: &[Entity]) {
    let of = |entity: &&Entity| entity.kind == "affected-person";
    if let Some(name) = entities.iter().filter(of).find_map(|entity| name(&entity.words)) {
        case.named = Some(Box::new(Mentioned { sort: Sort::Person, name, found: Found::Unasked, waits: false, chosen: None }));
    }
}

/// The first group or mailbox, if the wish is about one.
pub(super) fn object(case: &mut Case, kind: &str, entities: &[Entity]) {
    let (sort, kind) = match kind {
        "group_change" => (Sort::Group, "group"),
        "mailbox_access" => (Sort::Mailbox, "mailbox"),
        _ => return,
    };
    if let Some(name) = entities.iter().filter(|entity| entity.kind == kind).find_map(|entity| title(&entity.words)) {
        case.object = Some(Box::new(Mentioned { sort, name, found: Found::Unasked, waits: false, chosen: None }));
    }
}

/// What is left of the words without those around a name. None if that is no name.
fn name(words: &str) -> Option<String> {
    let words: Vec<String> = words.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    let name = match words.iter().find(|word| word.contains('@')) {
        Some(address) => address.clone(),
        None => {
            let left: Vec<String> = words.into_iter().filter(|word| !is_around(word, &RELATIONS)).collect();
            if left.len() > WORDS { String::new() } else { left.join(" ") }
        }
    };
    is_name(&name).then_some(name)
}

fn bare(word: &str) -> String {
    let word = word.trim_matches(|c: char| !(c.is_alphanumeric() || "@._-+".contains(c)));
    ["'s", "’s"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).trim_end_matches(['.', '\'', '’']).to_string()
}

fn is_around(word: &str, others: &[&str]) -> bool {
    let word = word.to_lowercase();
    AROUND.contains(&word.as_str()) || others.contains(&word.as_str())
}

fn is_name(name: &str) -> bool {
    name.chars().any(char::is_alphabetic) && name.chars().count() <= LONGEST
}

/// What is left of the words at both ends of a group's or mailbox's name. Those within it may belong to it.
fn title(words: &str) -> Option<String> {
    let words: Vec<String> = words.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    if let Some(address) = words.iter().find(|word| word.contains('@')) {
        return is_name(address).then(|| address.clone());
    }
    let beside = |word: &&String| is_around(word, &KINDS);
    let before = words.iter().take_while(beside).count();
    let after = words.iter().skip(before).rev().take_while(beside).count();
    let left: Vec<&str> = words.iter().skip(before).take(words.len() - before - after).map(String::as_str).collect();
    let name = left.join(" ");
    (left.len() <= TITLE_WORDS && is_name(&name)).then_some(name)
}

fn mentioned(case: &Case) -> impl Iterator<Item = &Mentioned> {
    [&case.named, &case.object].into_iter().flatten().map(Box::as_ref)
}

fn mentioned_mut(case: &mut Case) -> impl Iterator<Item = &mut Mentioned> {
    [&mut case.named, &mut case.object].into_iter().flatten().map(Box::as_mut)
}

/// The requester was asked which is meant, and nothing has come of it yet.
pub(super) fn waits(case: &Case) -> bool {
    mentioned(case).any(|named| named.waits)
}

/// Before a human gets the case: looks the name up, and asks which of several is meant. True if that has to be waited for.
pub(super) fn resolves(state: &mut State, tenant: &Tenant, now: Instant) -> bool {
    let Some(case) = &mut state.case else { return false };
    let may = case.handover.as_ref().is_some_and(|(code, _)| !NEVER.contains(&code.as_str()));
    // One after the other: whatever is asked about the first is answered before the second.
    if waits(case) || !may {
        return waits(case);
    }
    let Some(named) = mentioned_mut(case).find(|named| named.found == Found::Unasked) else { return false };
    let Some(idp) = tenant.connection_of(Role::Idp) else { return false };
    named.found = Found::Asked;
    let name = named.name.clone();
    let act = match named.sort {
        Sort::Person => IdpAct::LookUp(name),
        Sort::Group => IdpAct::LookUpGroup(name),
        Sort::Mailbox => IdpAct::LookUpMailbox(name),
    };
    state.start(&idp.id, Work::Idp(act), Purpose::LookUp, now);
    true
}

/// The directory has answered, or not.
pub(super) fn found(state: &mut State, outcome: &Outcome, tenant: &Tenant, now: Instant) {
    let Some(named) = state.case.as_mut().and_then(|case| mentioned_mut(case).find(|named| named.found == Found::Asked)) else { return };
    named.found = match outcome {
        Outcome::People(people) => Found::People(people.iter().take(MOST + 1).map(|person| marked(person, tenant)).collect()),
        Outcome::Escalate(code, _) => Found::Unread(code.clone()),
        other => Found::Unread(other.name().into()),
    };
    let (sort, name, people) = (named.sort, named.name.clone(), choices(named).to_vec());
    ask(state, sort, &name, &people, now);
    settle(state, tenant, now);
}

/// As the client's document protects it too.
fn marked(person: &Person, tenant: &Tenant) -> Person {
    let is = |name: &String| name.trim().eq_ignore_ascii_case(&person.id) || person.names.iter().any(|known| known.eq_ignore_ascii_case(name.trim()));
    let own = tenant.guardrails.protected.iter().any(is).then(|| "protected by the client's document".to_string());
    Person { marks: person.marks.iter().cloned().chain(own).collect(), ..person.clone() }
}

/// Those among whom the requester can choose.
fn choices(named: &Mentioned) -> &[Person] {
    match &named.found {
        Found::People(people) if (2..=MOST).contains(&people.len()) => people,
        Found::People(_) | Found::Unasked | Found::Asked | Found::Unread(_) => &[],
    }
}

/// Those of the question that is open.
fn offered(case: &Case) -> &[Person] {
    mentioned(case).find(|named| named.waits).map_or(&[], choices)
}

fn ask(state: &mut State, sort: Sort, name: &str, people: &[Person], now: Instant) {
    let Some(case) = &state.case else { return };
    let member = case.profile.as_ref().is_some_and(|profile| !profile.guest && !profile.inactive) && !case.outsider;
    // At a ticket of the PSA nobody is asked, and in a channel others would read the names.
    let here = state.desk.is_none() && state.place == Place::Direct && case.phase == Phase::Finding && !case.quiet;
    let worth = case.handover.as_ref().is_some_and(|(code, _)| ASKS.contains(&code.as_str())) && clarify::may_ask(case);
    let (question, _) = sort.words();
    if people.is_empty() || !(member && here && worth) {
        return;
    }
    let mut message = state.message(question, &[("name", name)]);
    let button = |(at, label): (usize, String)| Button { label: format!("name:{label}"), choice: (at + 1).to_string(), primary: false };
    message.buttons = labels(people).into_iter().enumerate().map(button).collect();
    message.buttons.push(Button { label: NONE.into(), choice: NONE.into(), primary: false });
    let choices = message.buttons.iter().map(|button| button.choice.clone()).collect();
    let id = format!("{}{}{}", second::series(state, ""), clarify::SERIES, state.counted + 1);
    if let Some(case) = &mut state.case {
        case.since = now;
        case.said.insert(question.into());
        case.query = Some(clarify::Query { id, message: None, choices, known: false });
        mentioned_mut(case).filter(|named| named.sort == sort).for_each(|named| named.waits = true);
    }
    state.chat(ChatAct::Say(message), Purpose::Query, now);
}

/// Name and department; the sign-in name, or of a group its kind or its id, where these do not tell them apart.
fn labels(people: &[Person]) -> Vec<String> {
    let details = |person: &Person| [person.department.clone().unwrap_or_default(), person.login.clone(), person.state.clone(), person.id.clone()];
    let label =
        |person: &Person, at: usize| details(person).into_iter().skip(at).find(|detail| !detail.is_empty()).map(|detail| format!("{}, {detail}", person.name));
    let alone = |person: &Person, at: usize| people.iter().filter(|other| label(other, at) == label(person, at)).count() == 1;
    let told = |person: &Person| (0..4).find(|at| alone(person, *at)).and_then(|at| label(person, at));
    people.iter().map(|person| told(person).unwrap_or_else(|| person.name.clone())).collect()
}

/// When something has to happen though nobody answers.
pub(super) fn wake_at(case: &Case) -> Option<Instant> {
    let time = if case.said.contains(REMINDER) { LISTEN_TIME } else { REMIND };
    waits(case).then_some(case.since + time)
}

/// Reminds once, and then waits no more.
pub(super) fn tick(state: &mut State, tenant: &Tenant, at: Instant) {
    let Some(case) = state.case.as_ref().filter(|case| wake_at(case).is_some_and(|wake| at >= wake)) else { return };
    if at < case.since + LISTEN_TIME {
        state.say_once(REMINDER, &[], at);
        return;
    }
    close(state, None, at);
    settle(state, tenant, at);
}

/// The question is over.
pub(super) fn close(state: &mut State, chosen: Option<usize>, now: Instant) {
    let Some(named) = state.case.as_mut().and_then(|case| mentioned_mut(case).find(|named| named.waits)) else { return };
    (named.waits, named.chosen) = (false, chosen);
    clarify::withdraw(state, now);
}

/// A button of the question was pressed.
pub(super) fn pressed(state: &mut State, event: &Event, press: &Press, tenant: &Tenant, now: Instant) {
    let Some(case) = state.case.as_mut() else { return };
    let Some(_) = case.query.take_if(|query| query.id == press.offer && query.choices.contains(&press.choice)) else {
        state.say("expired-offer", &[], now);
        return;
    };
    let at = press.choice.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let label = at.and_then(|at| labels(offered(case)).into_iter().nth(at)).unwrap_or_else(|| NONE.into());
    case.course.presses += 1;
    case.evidence.push(format!("the requester pressed `{}` at {now}, when asked which is meant", redact::line(&label, LONGEST)));
    replace_offer(state, &event.message, "offer-pressed", &[("choice", &label)], now);
    close(state, at, now);
    settle(state, tenant, now);
}

/// The requester wrote while they were asked. What says which one it is counts like a press, since only a human reads it; anything else is left to that human.
pub(super) fn told(state: &mut State, text: String, reading: Reading, tenant: &Tenant, now: Instant) {
    let Some(case) = state.case.as_mut() else { return };
    let words = text.to_lowercase();
    let plain = |text: &str| format!(" {} ", text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), " "));
    let named = |person: &Person| plain(&words).contains(&plain(&person.name));
    let others: Vec<String> = offered(case).iter().filter(|person| named(person)).map(|person| person.name.to_lowercase()).collect();
    // "Finance Managers" also says "Finance".
    let within = |person: &Person| others.iter().any(|other| *other != person.name.to_lowercase() && plain(other).contains(&plain(&person.name)));
    let says = |person: &Person| (named(person) && !within(person)) || (!person.login.is_empty() && words.contains(&person.login.to_lowercase()));
    let meant: Vec<usize> = offered(case).iter().enumerate().filter(|(_, person)| says(person)).map(|(at, _)| at).collect();
    keep(case, text);
    if matches!(reading, Reading::Greeting | Reading::Thanks) {
        return;
    }
    close(state, if let [one] = meant.as_slice() { Some(*one) } else { None }, now);
    settle(state, tenant, now);
}

/// A technician took the ticket, or something else ended the case while the requester was being asked.
pub(super) fn stop(state: &mut State, code: &str, text: &str, now: Instant) {
    if state.case.as_ref().is_some_and(waits) {
        close(state, None, now);
        if let Some(case) = state.case.as_mut().filter(|_| code == ticket::STOOD_DOWN) {
            case.handover = Some((code.into(), text.into()));
        }
    }
}

/// The lines of a note about it.
pub(crate) fn lines(named: &Mentioned) -> Vec<Words> {
    let (_, [nobody, several, many]) = named.sort.words();
    let (people, how) = match &named.found {
        Found::Unasked | Found::Asked => return Vec::new(),
        Found::Unread(code) => return vec![line(named, "named-unread", code)],
        Found::People(people) => match (named.chosen.and_then(|at| people.get(at)), people.as_slice()) {
            (Some(chosen), _) => (std::slice::from_ref(chosen), "named-chosen"),
            (None, []) => (people.as_slice(), nobody),
            (None, [_]) => (people.as_slice(), "named-one"),
            (None, too) if too.len() > MOST => (people.as_slice(), many),
            (None, _) => (people.as_slice(), several),
        },
    };
    let person = |person: &Person| {
        let clean = |text: &str| redact::line(text, LONGEST);
        let (name, login, state) = (clean(&person.name), clean(&person.login), clean(&person.state));
        let department = person.department.as_deref().map(clean).unwrap_or_default();
        let marks = clean(&person.marks.join(", "));
        let dash = |text: &str| if text.is_empty() { "-".to_string() } else { text.to_string() };
        let (name, id, state) = (dash(&name), dash(&person.id), dash(&state));
        Words::new("named-account", &[("name", &name), ("login", &login), ("id", &id), ("state", &state), ("department", &department), ("protected", &marks)])
    };
    [line(named, how, "")].into_iter().chain(people.iter().map(person)).collect()
}

fn line(named: &Mentioned, how: &str, code: &str) -> Words {
    Words::new("named", &[("name", &redact::line(&named.name, LONGEST)), ("how", how), ("code", code)])
}

#[cfg(test)]
mod tests;
