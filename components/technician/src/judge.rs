//! One judgement: how sure it is who asks, and whether that is enough for what is to be done.

use crate::host::Stages;
use firstline_core::Instant;
use firstline_core::stage::{Assurance, Circumstances, Decision, Question, Standing, Verdict};
use firstline_core::tenant::Tenant;

/// Who asks, as far as it is known, and the guardrails' answer.
pub fn judge<S: Stages>(stages: &S, question: &Question, tenant: &Tenant, circumstances: &Circumstances, now: Instant) -> (Standing, Decision) {
    // What lost its autonomy is asked about as if nobody had given it any.
    let lowered = circumstances.lost.and_then(|at| tenant.without(&question.action, at));
    let tenant = lowered.as_ref().unwrap_or(tenant);
    let standing = standing(stages, question, tenant, Assurance::None, 0, now);
    // INVARIANT: an error of the guardrails means deny.
    let decision = stages.decide(question, standing.assurance, tenant, circumstances, now).unwrap_or_else(|fault| Decision {
        verdict: Verdict::Deny,
        proof: None,
        rules: vec![format!("guardrails-failed: {}", fault.1)],
        reason: "guardrails-failed".into(),
        policies: String::new(),
    });
    (standing, decision)
}

/// Who asks, and what would raise that to what is wanted.
pub fn standing<S: Stages>(stages: &S, question: &Question, tenant: &Tenant, wanted: Assurance, challenges: u32, now: Instant) -> Standing {
    // INVARIANT: whom a failed stage has not graded is nobody.
    stages.assess(question, tenant, wanted, challenges, now).unwrap_or_else(|_| Standing::unknown("identity-check-failed"))
}

#[cfg(test)]
mod tests {
    use crate::fake::*;
    use crate::limits;
    use firstline_core::stage::Verdict;

    #[test]
    fn a_failed_stage_grades_nobody_and_a_failed_guardrail_denies() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        let question = stages.asked.borrow().clone().unwrap();
        stages.blind.set(true);
        stages.verdicts.borrow_mut().push_back(None);
        let (standing, decision) = super::judge(&stages, &question, &tenant(), &Default::default(), START);
        assert_eq!(standing, firstline_core::stage::Standing::unknown("identity-check-failed"));
        assert_eq!((decision.verdict, decision.reason.as_str()), (Verdict::Deny, "guardrails-failed"));
    }

    #[test]
    fn challenges_of_the_hour_are_those_of_the_account() {
        let (world, stages) = (World::new(), Script::default());
        let key = limits::challenge(&tenant(), "u1", world.now.get());
        world.counters.borrow_mut().insert(key, 5);
        let count = |account| block_on(limits::challenges(&world, &tenant(), account)).unwrap();
        assert_eq!((count("u1"), count("u2")), (5, 0));
        // A stage that is told of them asks for nothing more.
        stages.verdicts.borrow_mut().push_back(Some(Verdict::Prove));
        world.say(&stages, "password_reset");
        assert_eq!(world.end(), "handed-over locked");
    }
}
