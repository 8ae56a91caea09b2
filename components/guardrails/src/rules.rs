//! The rules, as a table. Every rule is asked; the strictest that speaks decides, and where none speaks the answer is no.

use crate::bindings::exports::firstline::guardrails::guardrails::{Assurance, Decision, Question, Settings, Verdict};
use unicode_normalization::UnicodeNormalization;

#[cfg(test)]
mod tests;

/// An action that this stage knows. Any other is denied.
struct Action {
    name: &'static str,
    /// What happens where the tenant says nothing.
    mode: Verdict,
    /// How sure it must be who asks. A mail address never is enough (P-3).
    /// A credential change asks for no more than a full member's own chat until there is a stage that can challenge;
    /// the secret goes to that same chat account only.
    assurance: Assurance,
    /// A synced account can be served where passwords are written back (P-15).
    written_back: bool,
}

const ACTIONS: &[Action] = &[
    Action { name: "password_reset", mode: Verdict::Autonomous, assurance: Assurance::Chat, written_back: true },
    Action { name: "account_unlock", mode: Verdict::Autonomous, assurance: Assurance::Chat, written_back: false },
    Action { name: "revoke_sessions", mode: Verdict::Human, assurance: Assurance::Chat, written_back: false },
];

/// One rule: speaks with its verdict whenever its condition holds.
struct Rule {
    /// Its name is the reason as well.
    name: &'static str,
    verdict: Verdict,
    when: fn(&Question) -> bool,
}

/// Among rules of one verdict the first that speaks gives the reason.
const RULES: &[Rule] = &[
    Rule { name: "nothing-configured", verdict: Verdict::Deny, when: |q| q.settings.is_none() },
    Rule { name: "incomplete-question", verdict: Verdict::Deny, when: incomplete },
    Rule { name: "other-tenant", verdict: Verdict::Deny, when: |q| q.tenant != q.subject.tenant },
    Rule { name: "unknown-action", verdict: Verdict::Deny, when: |q| action(q).is_none() },
    Rule { name: "bad-setting", verdict: Verdict::Deny, when: |q| modes(q).contains(&None) },
    Rule { name: "denied-by-settings", verdict: Verdict::Deny, when: |q| modes(q).contains(&Some(Verdict::Deny)) },
    Rule { name: "not-own-account", verdict: Verdict::Human, when: |q| q.requester.account.as_ref() != Some(&q.subject.id) },
    Rule { name: "chat-guest", verdict: Verdict::Human, when: |q| q.requester.guest },
    Rule { name: "protected-account", verdict: Verdict::Human, when: |q| !q.subject.privileged.is_empty() || listed(q) },
    // A leaver, or an account that was blocked for a reason.
    Rule { name: "disabled-account", verdict: Verdict::Human, when: |q| !q.subject.enabled },
    Rule { name: "guest-account", verdict: Verdict::Human, when: |q| q.subject.guest },
    Rule { name: "synced-account", verdict: Verdict::Human, when: mastered_elsewhere },
    Rule { name: "not-verified", verdict: Verdict::Human, when: not_verified },
    Rule { name: "no-way-to-deliver", verdict: Verdict::Human, when: |q| q.needs_delivery && !q.delivery_survives },
    Rule { name: "human-by-settings", verdict: Verdict::Human, when: |q| modes(q).contains(&Some(Verdict::Human)) },
    Rule { name: "approval-by-settings", verdict: Verdict::Approval, when: |q| modes(q).contains(&Some(Verdict::Approval)) },
    Rule { name: "own-account-verified", verdict: Verdict::Autonomous, when: |q| modes(q).contains(&Some(Verdict::Autonomous)) },
];

/// Asks every rule.
pub(crate) fn decide(question: &Question) -> Decision {
    let mut spoke: Vec<&Rule> = RULES.iter().filter(|rule| (rule.when)(question)).collect();
    // Stable, so that the table's order holds within a verdict.
    spoke.sort_by_key(|rule| std::cmp::Reverse(severity(rule.verdict)));
    let (verdict, reason) = spoke.first().map_or((Verdict::Deny, "no-rule-allows"), |rule| (rule.verdict, rule.name));
    Decision { verdict, rules: spoke.iter().map(|rule| rule.name.into()).collect(), reason: reason.into() }
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Autonomous => 0,
        Verdict::Approval => 1,
        Verdict::Human => 2,
        Verdict::Deny => 3,
    }
}

fn strength(assurance: Assurance) -> u8 {
    match assurance {
        Assurance::None => 0,
        Assurance::Email => 1,
        Assurance::Chat => 2,
        Assurance::Challenge => 3,
        Assurance::Strong => 4,
    }
}

fn action(question: &Question) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == question.action)
}

/// Without a name, the account could not be found on a list of names.
fn incomplete(question: &Question) -> bool {
    let subject = &question.subject;
    [&question.tenant, &subject.tenant, &subject.id].iter().any(|text| text.trim().is_empty()) || subject.names.iter().all(|name| name.trim().is_empty())
}

/// What the settings say of the action, each entry for itself; none for a word that means nothing.
/// Two entries that differ both speak, and the stricter decides.
fn modes(question: &Question) -> Vec<Option<Verdict>> {
    let Some(settings) = &question.settings else {
        return Vec::new();
    };
    let entries = settings.matrix.iter().filter(|(name, _)| *name == question.action);
    let said: Vec<Option<Verdict>> = entries.map(|(_, mode)| verdict(mode)).collect();
    if said.is_empty() { action(question).map(|action| Some(action.mode)).into_iter().collect() } else { said }
}

fn verdict(mode: &str) -> Option<Verdict> {
    match mode {
        "autonomous" => Some(Verdict::Autonomous),
        "approval" => Some(Verdict::Approval),
        "human" => Some(Verdict::Human),
        "deny" => Some(Verdict::Deny),
        _ => None,
    }
}

/// Id or any name stands on the tenant's list of protected accounts (P-13).
fn listed(question: &Question) -> bool {
    let protected: Vec<String> = protected(question.settings.as_ref()).map(|name| plain(name)).filter(|name| !name.is_empty()).collect();
    let subject = &question.subject;
    subject.names.iter().chain([&subject.id]).any(|name| protected.contains(&plain(name)))
}

fn protected(settings: Option<&Settings>) -> impl Iterator<Item = &String> {
    settings.into_iter().flat_map(|settings| &settings.protected)
}

/// Names as people type and paste them: compatible forms, case, blanks and invisible characters make no difference.
fn plain(name: &str) -> String {
    let visible = |c: &char| {
        !c.is_whitespace()
            && !c.is_control()
            && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
    };
    // Lowering may undo the composition, so it is composed once more.
    let lower: String = name.nfkc().filter(visible).flat_map(char::to_lowercase).collect();
    lower.nfkc().collect()
}

fn mastered_elsewhere(question: &Question) -> bool {
    let written_back = question.settings.as_ref().is_some_and(|settings| settings.password_writeback);
    question.subject.synced && !(written_back && action(question).is_some_and(|action| action.written_back))
}

fn not_verified(question: &Question) -> bool {
    action(question).is_none_or(|action| strength(question.requester.assurance) < strength(action.assurance))
}
