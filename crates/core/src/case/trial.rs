//! What a case shows about the action that was tried in it: by this autonomy is earned and lost.

use super::{Case, Note, Purpose, State, Task};
use crate::Instant;
use crate::autonomy::{Mode, READ_BACK_FAILED, Trial, WRONG_TARGET};
use crate::stage::{Outcome, Question, Verdict, Work};

/// The change is about to be made.
pub(super) fn begins(case: &mut Case, question: &Question, vendor: &str) {
    let mode = if question.approvals.is_empty() { Mode::Autonomous } else { Mode::Supervised };
    case.trial = Some((mode, Trial { action: question.action.clone(), vendor: vendor.into(), ..Trial::default() }));
}

/// What became of it.
pub(super) fn ends(state: &mut State, task: &Task, outcome: &Outcome, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = &mut state.case else { return };
    if let Outcome::Escalate(code, _) = outcome {
        let causes = [READ_BACK_FAILED, WRONG_TARGET];
        let Some(cause) = causes.into_iter().find(|cause| code == cause && matches!(task.work, Work::Idp(_))) else { return };
        case.trial.iter_mut().for_each(|(_, trial)| trial.failed = Some((cause.into(), now)));
        notes.push(Note::Failed { case: case.id.clone(), cause, by: None });
    }
    if task.purpose != Purpose::Act {
        return;
    }
    match outcome {
        // Nothing was tried.
        Outcome::Unchanged(_) => case.trial = None,
        Outcome::Changed(_) => case.trial.iter_mut().for_each(|(_, trial)| trial.verified = true),
        _ => {}
    }
}

/// How far the case went by itself; unknown where that was never decided.
#[must_use]
pub(crate) fn mode(case: &Case) -> Option<Mode> {
    let decision = case.decision.as_ref();
    if case.quiet || decision.is_some_and(|decision| decision.rules.iter().any(|rule| rule == "shadow")) {
        return Some(Mode::Shadow);
    }
    case.trial.as_ref().map(|(mode, _)| *mode).or_else(|| match decision?.verdict {
        Verdict::Autonomous => Some(Mode::Autonomous),
        Verdict::Approval => Some(Mode::Supervised),
        Verdict::Prove | Verdict::Human | Verdict::Deny => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::Play;
    use super::*;
    use crate::stage::Lock;

    fn check(line: &str, mode: Option<Mode>, verified: Option<bool>) {
        let mut play = Play::new("okta", Lock::Locked);
        play.line(line);
        let case = play.state.case.as_ref().unwrap();
        assert_eq!((super::mode(case), case.trial.as_ref().map(|(_, trial)| trial.verified)), (mode, verified), "{line}");
    }

    #[test]
    fn what_was_tried_and_read_back_is_verified() {
        check("says account_unlock, who, find, open", None, None);
        check("says account_unlock, who, find, open, allow", Some(Mode::Autonomous), None);
        check("says account_unlock, who, find, open, allow, offer, press yes, allow", Some(Mode::Autonomous), Some(false));
        check("says account_unlock, who, find, open, allow, offer, press yes, allow, act", Some(Mode::Autonomous), Some(true));
        check("says account_unlock, who, find, open, allow, offer, press yes, allow, unchanged", Some(Mode::Autonomous), None);
    }
}
