//! What helps the human who gets a case: where such tickets were filed before, who closed them, which they were, and what to do next.

use super::{State, Want, settle};
use crate::Instant;
use crate::past::Lesson;
use crate::stage::Words;
use crate::tenant::Tenant;
use serde::{Deserialize, Serialize};

/// What the past was asked for a case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recalled {
    /// Nothing yet: it matters only to a human.
    #[default]
    Unasked,
    /// Its human waits for the answer.
    Asked,
    /// What it said.
    Known(Vec<Lesson>),
}

impl Recalled {
    pub(super) fn is_unasked(&self) -> bool {
        *self == Recalled::Unasked
    }
}

/// Names a person or speaks for one, so it must not be said on thin evidence (P-32).
const OF_PEOPLE: [&str; 3] = ["field-owner", "field-escalated", "field-approver"];

/// The label of what a lesson tells whoever gets a ticket; none if it tells nothing for that.
fn label(lesson: &Lesson) -> Option<&'static str> {
    Some(match (lesson.kind.as_str(), lesson.about.as_str()) {
        ("field", "board") => "field-board",
        ("field", "filed") => "field-filed",
        ("field", "priority") => "field-priority",
        ("field", "owner") => "field-owner",
        ("escalated-to", _) => "field-escalated",
        ("approver", "") => "field-approver",
        ("minutes", _) => "field-minutes",
        ("share", _) => "",
        _ => return None,
    })
}

/// What is worth telling: of each thing what was seen most, and nobody's name on thin evidence.
#[must_use]
pub fn telling(lessons: Vec<Lesson>) -> Vec<Lesson> {
    let mut told: Vec<(&str, Lesson)> = Vec::new();
    for lesson in lessons {
        let Some(label) = label(&lesson).filter(|label| !(lesson.thin && OF_PEOPLE.contains(label))) else { continue };
        if lesson.support > 0 && !told.iter().any(|(known, _)| *known == label) {
            told.push((label, Lesson { exceptions: Vec::new(), ..lesson }));
        }
    }
    told.into_iter().map(|(_, lesson)| lesson).collect()
}

/// Whether the case waits for what the past says, before its human gets it.
pub(super) fn asks(state: &mut State) -> bool {
    let Some(case) = &mut state.case else { return false };
    if case.past == Recalled::Unasked {
        case.past = Recalled::Asked;
    }
    case.past == Recalled::Asked
}

/// The type whose past is wanted.
pub(super) fn wants(state: &State) -> Option<Want> {
    let case = state.case.as_ref().filter(|case| case.past == Recalled::Asked)?;
    let unclear = case.handover.as_ref().is_some_and(|(code, _)| code == "unclear");
    Some(Want::Recall(if unclear { String::new() } else { case.kind.clone() }))
}

/// The past has answered.
pub(super) fn recalled(state: &mut State, lessons: &[Lesson], tenant: &Tenant, now: Instant) {
    let Some(case) = state.case.as_mut().filter(|case| case.past == Recalled::Asked) else { return };
    case.past = Recalled::Known(lessons.to_vec());
    settle(state, tenant, now);
}

/// The lines of a note about it.
pub(crate) fn lines(past: &Recalled, kind: &str) -> Vec<Words> {
    let Recalled::Known(lessons) = past else { return Vec::new() };
    let line = |lesson: &Lesson| {
        let label = label(lesson)?;
        let evidence = lesson.evidence.join(", ");
        if label.is_empty() {
            return (!evidence.is_empty()).then(|| Words::new("similar", &[("evidence", &evidence)]));
        }
        let (support, of) = (lesson.support.to_string(), lesson.of.to_string());
        let thin = if lesson.thin { "thin" } else { "" };
        let value = crate::redact::line(&lesson.value, 120);
        let arguments = [("field", label), ("value", &value), ("support", &support), ("of", &of), ("evidence", &evidence), ("thin", thin)];
        (!value.trim().is_empty()).then(|| Words::new("suggests", &arguments))
    };
    let lines: Vec<Words> = lessons.iter().filter_map(line).collect();
    let head = (!lines.is_empty()).then(|| Words::new("past", &[("kind", kind)]));
    head.into_iter().chain(lines).collect()
}

/// The label of what a human does next about a case that was handed over for this reason; none where somebody is at it.
#[must_use]
pub(crate) fn next(code: &str) -> Option<&'static str> {
    Some(match code {
        "stood-down" | "approver-took-over" | "assigned-to-human" | "status-changed-by-human" | "shadow" => return None,
        "requester-denied" | "identity-denied" | "identity-wrong-codes" => "next-warn",
        "unknown-requester"
        | "chat-guest"
        | "shared-channel"
        | "no-address"
        | "no-chat"
        | "unknown-user"
        | "not-verified"
        | "vip"
        | "no-answer"
        | "contact-changed"
        | "not-own-account"
        | "no-way-to-deliver"
        | "call-back-expired"
        | "no-stronger-proof"
        | "self-vouched"
        | "too-many-challenges" => "next-verify",
        "approval-expired" | "approval-declined" | "self-approval" | "change-freeze" => "next-approve",
        "damaged-record"
        | "delivery-failed"
        | "read-back-failed"
        | "unknown-outcome"
        | "wrong-target"
        | "agents-fault"
        | "refused-by-monitor"
        | "diverged"
        | "still-broken"
        | "factor-not-removed"
        | "factor-not-registered"
        | "factor-not-read" => "next-check",
        "permission-missing"
        | "credential-missing"
        | "not-configured"
        | "no-identity-provider"
        | "no-ticket"
        | "ticket-not-written"
        | "guardrails-failed"
        | "no-access-pass" => "next-mend",
        _ => "next-answer",
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::Play;
    use super::*;
    use crate::note::plain;
    use crate::stage::Lock;

    fn lesson(kind: &str, about: &str, value: &str, thin: bool) -> Lesson {
        let evidence = vec!["#7".into()];
        Lesson { kind: kind.into(), about: about.into(), value: value.into(), support: 9, of: 10, evidence, thin, ..Lesson::default() }
    }

    #[test]
    fn a_human_hears_what_such_tickets_were_and_no_name_on_thin_evidence() {
        let lessons = telling(vec![
            lesson("share", "", "", false),
            lesson("field", "board", "Help Desk", false),
            lesson("field", "board", "Alerts", false),
            lesson("field", "filed", "Account / Locked", true),
            lesson("field", "owner", "dana", true),
            lesson("field", "source", "Email", false),
            lesson("escalated-to", "", "lee", false),
            lesson("approver", "department Sales", "mallory", false),
            Lesson { support: 0, ..lesson("field", "priority", "High", false) },
        ]);
        let text = plain(&lines(&Recalled::Known(lessons), "printer"));
        for (part, there) in [
            ("Help Desk", true),
            ("Account / Locked", true),
            ("thin", true),
            ("lee", true),
            ("#7", true),
            ("Alerts", false),
            ("dana", false),
            ("Email", false),
            ("mallory", false),
            ("High", false),
        ] {
            assert_eq!(text.contains(part), there, "{part}: {text}");
        }
        assert!(lines(&Recalled::Known(vec![]), "printer").is_empty() && lines(&Recalled::Asked, "printer").is_empty());
    }

    #[test]
    fn the_past_is_asked_once_and_only_for_a_human() {
        let mut play = Play::new("okta", Lock::Locked);
        play.recalls = false;
        assert_eq!(play.line("says printer, who, open"), "finding (out-of-scope); opened printer");
        assert_eq!(play.state.wants(), Some(Want::Recall("printer".into())));
        play.recall(vec![lesson("field", "board", "Help Desk", false)]);
        assert_eq!(play.line("hand-over"), "telling (out-of-scope): handed-over");
        let mut play = Play::new("okta", Lock::Locked);
        play.recalls = false;
        assert_eq!(play.line("says unsure, says unsure, who, open"), "finding (unclear): clarify; opened other");
        assert_eq!(play.state.wants(), Some(Want::Recall(String::new())));
    }
}
