//! After closing: the user is asked whether it is fixed, and once more some hours later. Silence is no yes.
//!
//! Whoever says that it is still broken gets a person, on the same ticket, which opens again.

use super::{Case, Note, Phase, Purpose, State, Times, blank, hand_over, keep, replace_offer, set_handover, settle};
use crate::Instant;
use crate::figures::{Course, SignIn};
use crate::hours;
use crate::journal::Press;
use crate::keys::sha256_hex;
use crate::mailbox::{Event, Place};
use crate::stage::{Button, ChatAct, IdpAct, Message, Outcome, Ticket, Work};
use crate::tenant::{Role, Tenant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The name of the question whether it is fixed, signed into its buttons.
pub const FIXED: &str = "e1";
/// When the user is asked once more.
const AGAIN: u64 = 4 * 3_600_000;
/// So long after the end "it does not work" is about what was done.
const STILL: u64 = 48 * 3_600_000;

/// What is kept of a closed case, should it be still broken: nothing that names a person, since it outlives the case's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// SHA-256 of the requester's user id.
    pub person: String,
    /// What was asked for.
    pub kind: String,
    /// The ticket as it was closed.
    pub ticket: Ticket,
    /// What showed that the ticket is the tenant's.
    pub attested: BTreeSet<String>,
    /// When the user is asked once more.
    pub remind: Option<Instant>,
}

/// When the log is read: vendors write it some time later.
const LOOK: u64 = AGAIN;
/// Looked at together with what is asked about so long before.
const TOGETHER: u64 = 5 * 60_000;
/// Changes that are watched for one conversation.
const WATCHES: usize = 8;

/// An account that was changed, so that its owner should be able to sign in. Its log is read once, and it is forgotten (P-24).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The case.
    pub case: String,
    /// Object id of the account: no name is kept when the case has ended.
    pub account: String,
    /// When the change was read back.
    pub since: Instant,
    /// When the log is read.
    pub at: Instant,
}

/// What was changed by this case is watched.
pub(super) fn watch(state: &mut State, case: &Case, now: Instant) {
    let changed = case.times.acted.filter(|_| case.handover.is_none());
    let (Some(since), Some(account)) = (changed, &case.account) else { return };
    if state.watches.len() < WATCHES {
        state.watches.push(Watch { case: case.id.clone(), account: account.id.clone(), since, at: now + LOOK });
    }
}

/// When the next log is read.
pub(super) fn look_at(state: &State) -> Option<Instant> {
    state.watches.iter().map(|watch| watch.at).min()
}

/// Reads the logs that are due.
pub(super) fn look(state: &mut State, tenant: &Tenant, now: Instant) {
    let (due, later): (Vec<Watch>, _) = std::mem::take(&mut state.watches).into_iter().partition(|watch| now + TOGETHER >= watch.at);
    state.watches = later;
    for Watch { case, account, since, at: _ } in due {
        // Whole seconds, and none before the change.
        if let (Some(idp), Some(since)) = (tenant.connection_of(Role::Idp), hours::stamp(since + 999)) {
            state.start(&idp.id, Work::Idp(IdpAct::FirstSignIn(account, since)), Purpose::Watch(case), now);
        }
    }
}

/// What the log says.
pub(super) fn seen(outcome: &Outcome) -> SignIn {
    match outcome {
        Outcome::SignedIn(Some(at)) => hours::moment(at).map_or_else(|| SignIn::Unavailable("no-date".into()), SignIn::Seen),
        Outcome::SignedIn(None) => SignIn::Unseen,
        Outcome::Escalate(code, _) => SignIn::Unavailable(code.clone()),
        other => SignIn::Unavailable(other.name().into()),
    }
}

impl Left {
    /// What is kept of this case; nothing if a person has it.
    pub(super) fn of(case: &Case) -> Option<Self> {
        let ticket = case.ticket.clone().filter(|_| case.handover.is_none() && !case.quiet)?;
        let id = format!("/{}", ticket.id);
        let attested = case.attested.iter().filter(|key| key.ends_with(&id)).cloned().collect();
        Some(Left { person: sha256_hex(case.user.as_bytes()), kind: case.kind.clone(), ticket, attested, remind: None })
    }

    fn is_of(&self, user: &str) -> bool {
        self.person == sha256_hex(user.as_bytes())
    }
}

/// The last words of a case that was closed, with the question whether it is fixed.
pub(super) fn question(state: &State, message: &mut Message) {
    if state.place == Place::Direct {
        message.buttons = ["fixed", "still-broken"].map(|name| Button { label: name.into(), choice: name.into(), primary: name == "fixed" }).into();
    }
}

/// When the user is asked once more.
pub(super) fn remind_at(state: &State) -> Option<Instant> {
    state.ended.as_ref().filter(|ended| state.case.is_none() && ended.confirmed.is_none())?.left.as_ref()?.remind
}

/// The user was told; some hours later they are asked once more.
pub(super) fn asked(state: &mut State, now: Instant) {
    let direct = state.place == Place::Direct;
    if let Some(left) = state.ended.as_mut().filter(|ended| direct && ended.confirmed.is_none()).and_then(|ended| ended.left.as_mut()) {
        left.remind = Some(now + AGAIN);
    }
}

/// Asks once more.
pub(super) fn tick(state: &mut State, now: Instant) {
    if remind_at(state).is_none_or(|at| now < at) {
        return;
    }
    let Some(left) = state.ended.as_mut().and_then(|ended| ended.left.as_mut()) else { return };
    left.remind = None;
    let ticket = left.ticket.id.to_string();
    state.say("fixed-reminder", &[("ticket", &ticket)], now);
}

/// The question belongs to the mailbox of the case that was closed.
pub(super) fn is_of(press: &Press) -> bool {
    press.offer == FIXED
}

/// The user pressed a button of the question.
pub(super) fn pressed(state: &mut State, event: &Event, press: &Press, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let telling = state.case.as_ref().is_some_and(|case| case.phase == Phase::Telling);
    let ended = state.ended.as_mut().filter(|ended| ended.case == press.case && ended.left.as_ref().is_some_and(|left| left.is_of(&event.author)));
    let (Some(ended), Some(label)) = (ended, ["fixed", "still-broken"].into_iter().find(|name| press.choice == *name)) else {
        state.say("expired-offer", &[], now);
        return;
    };
    if label == "still-broken" && telling {
        // Another case ends at this moment; the button stays, to be pressed again.
        state.say_once("working", &[], now);
        return;
    }
    if let Some(left) = &mut ended.left {
        left.remind = None;
    }
    if label == "fixed" && ended.confirmed.is_none() {
        ended.confirmed = Some(now);
        notes.push(Note::Confirmed(ended.case.clone()));
    }
    replace_offer(state, &event.message, "offer-pressed", &[("choice", label)], now);
    if label == "still-broken" {
        broken(state, event, tenant, now, notes);
    }
}

/// A person gets it, on the old ticket; or with the case that is open, if something else was asked for meanwhile.
fn broken(state: &mut State, event: &Event, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    if state.case.as_ref().is_some_and(|case| !fresh(case)) {
        if let Some((ended, left)) = take_left(state, now, notes) {
            let text = format!("the requester says that ticket {}, which case {ended} closed, is still broken", left.ticket.id);
            state.case.iter_mut().for_each(|case| case.evidence.push(text.clone()));
            hand_over(state, "still-broken", &text, tenant, now);
        }
        return;
    }
    let new = || Case { times: Times { received: event.received, ..Times::default() }, ..blank(format!("{}-{}", state.id, state.taken), "", now) };
    let case = state.case.take().unwrap_or_else(new);
    let presses = case.course.presses + 1;
    state.case = Some(Case { user: event.author.clone(), course: Course { presses, ..case.course.clone() }, ..case });
    reopen(state, tenant, now, notes);
}

/// Nothing was asked for yet.
fn fresh(case: &Case) -> bool {
    case.ticket.is_none() && case.texts.is_empty()
}

/// What somebody wrote soon after a case was closed, and nobody understands, is about that case.
pub(super) fn is_about(state: &State, now: Instant) -> bool {
    let silent = |case: &&Case| fresh(case) && case.said.is_empty();
    let (Some(case), Some(ended)) = (state.case.as_ref().filter(silent), &state.ended) else { return false };
    ended.confirmed.is_none() && now < ended.at + STILL && ended.left.as_ref().is_some_and(|left| left.is_of(&case.user))
}

/// The open case goes on with the ticket of the one that was closed, and a person gets it.
pub(super) fn still_broken(state: &mut State, text: String, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    if let Some(case) = &mut state.case {
        keep(case, text);
    }
    reopen(state, tenant, now, notes);
}

/// What was kept of the case that was closed, which is open again from now on.
fn take_left(state: &mut State, now: Instant, notes: &mut Vec<Note>) -> Option<(String, Left)> {
    let ended = state.ended.as_mut()?;
    let left = ended.left.take()?;
    notes.push(Note::Reopened(ended.case.clone(), left.ticket.id, now));
    notes.push(Note::Broken(ended.case.clone()));
    Some((ended.case.clone(), left))
}

fn reopen(state: &mut State, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some((before, left)) = take_left(state, now, notes) else { return };
    let Some(case) = &mut state.case else { return };
    (case.kind, case.ticket, case.attested) = (left.kind, Some(left.ticket), left.attested);
    notes.push(Note::Opened(Box::new(case.clone())));
    let user = case.user.clone();
    set_handover(state, "still-broken", &format!("the requester says that it is still broken; what was done before stands in the note of case {before}"));
    state.phase(Phase::Identifying, now);
    if state.desk.is_none() {
        // Nobody's name is kept for this; the chat knows it.
        state.chat(ChatAct::Who(user), Purpose::Who, now);
        return;
    }
    settle(state, tenant, now);
}

#[cfg(test)]
mod tests {
    use super::super::tests::Play;
    use super::*;
    use crate::stage::Lock;

    const TO_THE_END: &str = "says account_unlock, who, find, open, allow, offer, press yes, allow, act, deliver, close, farewell";

    fn ended() -> Play {
        let mut play = Play::new("okta", Lock::Locked);
        play.line(TO_THE_END);
        play
    }

    fn answer(play: &mut Play, choice: &str, user: &str) -> String {
        let case = play.state.ended.as_ref().unwrap().case.clone();
        play.number += 1;
        let event = super::super::tests::event(play.number, user, crate::mailbox::Act::Press(String::new()), play.now);
        let before = play.state.counted;
        let notes = play.take(event, Some(Press { case, offer: FIXED.into(), choice: choice.into() }));
        let started = play.state.counted - before;
        let handed = play.state.case.as_ref().and_then(|case| case.handover.as_ref()).map(|(code, _)| code.clone()).unwrap_or_default();
        format!("{} notes, {started} tasks, {handed}", notes.len())
    }

    #[test]
    fn a_yes_confirms_once_and_silence_is_none() {
        let mut play = ended();
        assert_eq!(play.state.ended.as_ref().unwrap().confirmed, None);
        assert_eq!(answer(&mut play, "fixed", "U1"), "1 notes, 1 tasks, ");
        assert!(play.state.ended.as_ref().unwrap().confirmed.is_some());
        assert_eq!((answer(&mut play, "fixed", "U1"), remind_at(&play.state)), ("0 notes, 1 tasks, ".into(), None));
    }

    #[test]
    fn who_does_not_answer_is_asked_once_more_and_no_second_time() {
        let mut play = ended();
        assert!(remind_at(&play.state).is_some());
        play.line("wait 239");
        assert!(!play.state.tasks.iter().any(|task| format!("{:?}", task.work).contains("fixed-reminder")));
        play.line("wait 2");
        assert!(play.state.tasks.iter().any(|task| format!("{:?}", task.work).contains("fixed-reminder")));
        assert_eq!((remind_at(&play.state), play.state.ended.as_ref().unwrap().confirmed), (None, None));
    }

    #[test]
    fn the_log_is_read_once_for_what_was_changed() {
        let mut play = ended();
        let since = play.state.watches[0].since;
        assert_eq!((play.state.watches.len(), since <= play.now), (1, true));
        play.line("wait 234");
        assert_eq!(play.state.watches.len(), 1);
        play.line("wait 2");
        assert!(play.state.watches.is_empty());
        let task = play.state.tasks.iter().find(|task| matches!(task.purpose, Purpose::Watch(_))).unwrap();
        assert!(matches!(&task.work, Work::Idp(IdpAct::FirstSignIn(account, from)) if account == "u1" && hours::moment(from).unwrap() >= since), "{task:?}");
        for (outcome, expect) in [
            (Outcome::SignedIn(Some("1970-01-01T00:00:02Z".into())), SignIn::Seen(2_000)),
            (Outcome::SignedIn(Some("soon".into())), SignIn::Unavailable("no-date".into())),
            (Outcome::SignedIn(None), SignIn::Unseen),
            (Outcome::Escalate("permission-missing".into(), String::new()), SignIn::Unavailable("permission-missing".into())),
        ] {
            assert_eq!(seen(&outcome), expect);
        }
        // Nothing was changed by a case that a person has.
        let mut play = Play::new("okta", Lock::Locked);
        play.line("says human, who, open, hand-over, farewell");
        assert!(play.state.watches.is_empty());
    }

    #[test]
    fn who_has_said_thanks_is_not_asked_again() {
        let mut play = ended();
        play.line("says thanks");
        assert_eq!(remind_at(&play.state), None);
    }

    #[test]
    fn what_is_still_broken_goes_to_a_person_on_the_same_ticket() {
        let mut play = ended();
        let ticket = play.state.ended.as_ref().unwrap().ticket;
        assert_eq!(answer(&mut play, "still-broken", "U1"), "3 notes, 2 tasks, still-broken");
        assert_eq!(play.state.case.as_ref().unwrap().ticket.as_ref().map(|ticket| ticket.id), ticket);
        assert_eq!(play.line("who"), "handingover (still-broken): hand-over");
        assert_eq!(play.line("hand-over"), "telling (still-broken): handed-over");
        assert_eq!(play.line("farewell"), "no case; ended handed-over");
        // It can be re-opened once: from then on a person has it.
        assert_eq!(answer(&mut play, "still-broken", "U1"), "0 notes, 1 tasks, ");
    }

    #[test]
    fn what_is_still_broken_while_something_else_is_asked_for_goes_to_a_person_with_that() {
        let mut play = ended();
        let before = play.state.ended.as_ref().unwrap().ticket.unwrap();
        play.line("says account_unlock, who, find, open");
        assert_eq!(answer(&mut play, "still-broken", "U1"), "2 notes, 1 tasks, still-broken");
        let case = play.state.case.as_ref().unwrap();
        assert!(case.evidence.iter().any(|line| line.contains(&format!("ticket {before}"))), "{:?}", case.evidence);
        // While a case is being ended the button stays.
        let mut play = ended();
        play.line("says human, who, open, hand-over");
        assert_eq!(play.state.case.as_ref().unwrap().phase, Phase::Telling);
        answer(&mut play, "still-broken", "U1");
        assert!(play.state.ended.as_ref().unwrap().left.is_some());
    }

    #[test]
    fn what_is_still_broken_after_a_greeting_goes_to_a_person_on_the_old_ticket() {
        let mut play = ended();
        let ticket = play.state.ended.as_ref().unwrap().ticket;
        play.line("says greeting");
        assert!(answer(&mut play, "still-broken", "U1").starts_with("3 notes"));
        assert_eq!(play.state.case.as_ref().unwrap().ticket.as_ref().map(|ticket| ticket.id), ticket);
    }

    #[test]
    fn words_that_nobody_understands_soon_after_the_end_are_about_it() {
        let mut play = ended();
        assert_eq!(play.line("says unsure"), "identifying (still-broken): who; 4711 of 1 may be open since 15 + still broken + opened account_unlock");
        // Much later, or once it was confirmed, they are something new.
        let mut play = ended();
        play.now += STILL;
        assert_eq!(play.line("says unsure"), "listening: clarify");
        let mut play = ended();
        answer(&mut play, "fixed", "U1");
        assert_eq!(play.line("says unsure"), "listening: clarify");
    }

    #[test]
    fn somebody_else_answers_nothing() {
        let mut play = ended();
        assert_eq!(answer(&mut play, "still-broken", "U2"), "0 notes, 1 tasks, ");
        assert_eq!(answer(&mut play, "fixed", "U2"), "0 notes, 1 tasks, ");
        assert_eq!(play.state.ended.as_ref().unwrap().confirmed, None);
    }
}
