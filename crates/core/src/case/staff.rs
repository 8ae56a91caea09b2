//! What the MSP's own people tell the agent in the MSP's own chat: to stop all changes, or to go on.

use super::{Note, State};
use crate::Instant;
use crate::journal::Press;
use crate::keys::is_name;
use crate::mailbox::{Act, Event, Place};
use crate::tenant::{StaffRole, Tenant};

/// Stops or resumes, and a tenant's name; none means all.
#[must_use]
pub fn command(text: &str) -> Option<(bool, Option<String>)> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let [verb, scope] = words.as_slice() else { return None };
    let halted = match verb.as_str() {
        "stop" => true,
        "resume" => false,
        _ => return None,
    };
    match scope.as_str() {
        "everything" => Some((halted, None)),
        name => is_name(name).then(|| (halted, Some(name.to_string()))),
    }
}

/// Somebody wrote to the agent. The command was read, and its tenant found, by the runner: `offer` is `stop` or `resume`, `choice` the tenant.
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
            ("stop everything", Some((true, None))),
            (" Stop  ACME ", Some((true, Some("acme")))),
            ("resume acme", Some((false, Some("acme")))),
            ("stop", None),
            ("please stop acme", None),
            ("stop acme now", None),
            ("start acme", None),
            ("stop ../x", None),
            ("", None),
        ] {
            assert_eq!(command(text), expect.map(|(halted, tenant)| (halted, tenant.map(str::to_string))), "{text}");
        }
    }
}
