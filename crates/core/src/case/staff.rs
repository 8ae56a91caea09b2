//! What the MSP's own people tell the agent in the MSP's own chat: to stop all changes, to go on, or that what it did was wrong.

use super::{ChatAct, Message, Note, Purpose, State, approval, hand_over};
use crate::Instant;
use crate::autonomy::FAULT;
use crate::journal::{Press, conversation_of};
use crate::keys::is_name;
use crate::mailbox::{Act, Event, Place};
use crate::tenant::{StaffRole, Tenant};

/// What a person of the MSP wants of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Stops or resumes changes of a tenant; of all if none is named.
    Switch(bool, Option<String>),
    /// What was done in this case was wrong.
    Fault(String),
}

impl Command {
    /// As the runner hands it on, once it has found what is named.
    #[must_use]
    pub fn press(self) -> Press {
        match self {
            Command::Switch(halted, of) => Press { case: String::new(), offer: if halted { "stop" } else { "resume" }.into(), choice: of.unwrap_or_default() },
            Command::Fault(case) => Press { case, offer: FAULT.into(), choice: String::new() },
        }
    }
}

/// Reads two plain words.
#[must_use]
pub fn command(text: &str) -> Option<Command> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let [verb, scope] = words.as_slice() else { return None };
    let of = || if scope == "everything" { Some(None) } else { is_name(scope).then(|| Some(scope.clone())) };
    match verb.as_str() {
        "stop" => Some(Command::Switch(true, of()?)),
        "resume" => Some(Command::Switch(false, of()?)),
        "fault" => conversation_of(scope).map(|_| Command::Fault(scope.clone())),
        _ => None,
    }
}

/// The name of a person who says so in the case's own mailbox, and who may.
fn says_so(event: &Event, state: &State, tenant: &Tenant) -> Option<(String, String)> {
    let Act::Message(text) = &event.act else { return None };
    let Some(Command::Fault(case)) = command(text) else { return None };
    let member = tenant.staff_member(&event.workspace, &event.author)?;
    (conversation_of(&case) == Some(&state.id)).then(|| (case, format!("{} ({}/{})", member.name, event.workspace, event.author)))
}

/// Somebody of the MSP says that what was done was wrong: in the MSP's own chat, or by the API. False if it is about something else.
pub(super) fn faulted(state: &mut State, event: &Event, press: Option<&Press>, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) -> bool {
    let by_api = || {
        let (Act::Answer(answer), Some(press)) = (&event.act, press.filter(|press| press.offer == FAULT)) else { return None };
        (conversation_of(&press.case) == Some(&state.id)).then(|| (press.case.clone(), format!("{} by the API", answer.by)))
    };
    let Some((case, by)) = by_api().or_else(|| says_so(event, state, tenant)) else { return false };
    if let Some(open) = state.case.as_mut().filter(|open| open.id == case) {
        open.trial.iter_mut().for_each(|(_, trial)| trial.failed = Some((FAULT.into(), now)));
        hand_over(state, FAULT, &format!("{by} says that what was done was wrong"), tenant, now);
    }
    if let (Act::Message(_), Some(chat)) = (&event.act, tenant.staff_chat().map(|chat| chat.id.clone())) {
        let words = approval::words(&event.channel, "fault-noted", &[("name", &by), ("case", &case)]);
        state.chat_on(&chat, ChatAct::Say(Message { thread: event.thread.clone(), ..words }), Purpose::Aside, now);
    }
    notes.push(Note::Failed { case, cause: FAULT, by: Some(by) });
    true
}

/// Somebody wrote to the agent. The command was read, and its tenant found, by the runner, see [`Command::press`].
pub(super) fn wrote(state: &mut State, event: &Event, command: Option<&Press>, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    // Where clients may read too, nothing is said; and whoever is no staff gets no answer anywhere.
    if event.place != Place::Direct && tenant.approvals.channel.as_ref() != Some(&event.channel) {
        return;
    }
    let own = event.author_workspace.as_ref().is_none_or(|own| *own == event.workspace);
    let Some(member) = tenant.staff_member(&event.workspace, &event.author).filter(|_| own) else { return };
    let (name, role) = (member.name.clone(), member.role);
    let Some(command) = command else {
        // Clients may read along in a channel, and what is said there need not be meant for the agent.
        let meant = matches!(&event.act, Act::Message(text) if self::command(text).is_some());
        if meant || state.place == Place::Direct {
            state.say("switch-help", &[], now);
        }
        return;
    };
    if command.offer == FAULT {
        // It is said in the mailbox of that case, where its record is written.
        let to = conversation_of(&command.case).map(Into::into);
        notes.push(Note::Forward(Box::new(Event { to, ..event.clone() })));
        return;
    }
    let halted = command.offer == "stop";
    if !halted && role == StaffRole::Technician {
        state.say("switch-not-yours", &[], now);
        return;
    }
    let of = Some(command.choice.clone()).filter(|tenant| !tenant.is_empty());
    let client = of.as_deref().unwrap_or("every client").to_string();
    notes.push(Note::Halt { tenant: of, halted, by: format!("{name} ({}/{})", event.workspace, event.author), at: event.received });
    state.say(if halted { "switch-stopped" } else { "switch-resumed" }, &[("client", &client), ("name", &name)], now);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_plain_words_are_a_command() {
        for (text, expect) in [
            ("stop everything", Some(Command::Switch(true, None))),
            (" Stop  ACME ", Some(Command::Switch(true, Some("acme".into())))),
            ("resume acme", Some(Command::Switch(false, Some("acme".into())))),
            ("fault 0123456789abcdef0123456789abcdef-7", Some(Command::Fault("0123456789abcdef0123456789abcdef-7".into()))),
            ("fault acme", None),
            ("fault everything", None),
            ("stop", None),
            ("please stop acme", None),
            ("stop acme now", None),
            ("start acme", None),
            ("stop ../x", None),
            ("", None),
        ] {
            assert_eq!(command(text), expect, "{text}");
        }
    }
}
