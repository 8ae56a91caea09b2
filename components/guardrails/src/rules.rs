//! One question is authorized by Cedar: nothing permits by default, a policy that forbids wins, and one that errs denies.

use crate::bindings::exports::firstline::guardrails::guardrails::{Decision, Question, Verdict};
use crate::facts::facts;
use crate::policy::{Policies, text, verdict, wanted};
use cedar_policy::{Authorizer, PolicyId};

#[cfg(test)]
mod tests;

/// Decides. An error is a fault of ours, and means deny.
pub(crate) fn decide(question: &Question) -> Result<Decision, String> {
    judge(question, &Policies::read(&text(question)?)?)
}

fn judge(question: &Question, policies: &Policies) -> Result<Decision, String> {
    let (request, entities) = facts(question)?;
    let answer = Authorizer::new().is_authorized(&request, &policies.set, &entities);
    if let Some(error) = answer.diagnostics().errors().next() {
        return Err(format!("policy: {error}"));
    }
    let mut spoke: Vec<(Verdict, usize, &str)> = answer
        .diagnostics()
        .reason()
        .map(|id| (verdict(policies.set.annotation(id, "verdict")), position(id), policies.set.annotation(id, "id").unwrap_or("unnamed")))
        .collect();
    // The strictest first, then in the order of the text.
    spoke.sort_by_key(|(verdict, position, _)| (std::cmp::Reverse(severity(*verdict)), *position));
    let (verdict, reason) = spoke.first().map_or((Verdict::Deny, "no-rule-allows"), |(verdict, _, id)| (*verdict, *id));
    // Of several, the strongest is enough for all.
    let ids = answer.diagnostics().reason().filter(|_| verdict == Verdict::Prove);
    let proof = ids.filter(|id| policies.set.annotation(id, "verdict") == Some("prove")).map(|id| wanted(policies.set.annotation(id, "proof"))).max();
    Ok(Decision { verdict, proof, rules: spoke.iter().map(|(_, _, id)| (*id).into()).collect(), reason: reason.into(), policies: policies.hash.clone() })
}

/// Cedar numbers the policies of a text: `policy0`, `policy1`.
fn position(id: &PolicyId) -> usize {
    AsRef::<str>::as_ref(id).trim_start_matches("policy").parse().unwrap_or(usize::MAX)
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Autonomous => 0,
        Verdict::Approval => 1,
        Verdict::Prove => 2,
        Verdict::Human => 3,
        Verdict::Deny => 4,
    }
}
