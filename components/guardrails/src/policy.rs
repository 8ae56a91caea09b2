//! The policies that a question is asked of: the invariants, and the matrix of the tenant, compiled.

use crate::bindings::exports::firstline::guardrails::guardrails::{Assurance, Question, Verdict};
use cedar_policy::{EntityId, EntityTypeName, EntityUid, PolicySet};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr as _;

/// What no setting relaxes.
pub(crate) const INVARIANTS: &str = include_str!("../policies/invariants.cedar");

/// An action that this stage knows. Any other is denied.
pub(crate) struct Action {
    pub name: &'static str,
    /// What happens where the tenant says nothing.
    default: &'static str,
    /// The proof of identity that it needs where the tenant says nothing.
    proof: Assurance,
    /// Groups of `firstline.cedarschema`.
    pub groups: &'static [&'static str],
}

pub(crate) const ACTIONS: &[Action] = &[
    Action { name: "account_unlock", default: "autonomous", proof: Assurance::Chat, groups: &["known"] },
    Action { name: "password_reset", default: "autonomous", proof: Assurance::Challenge, groups: &["known", "written-back"] },
    // The lost factor proves nothing, so a second person agrees.
    Action { name: "mfa_reset", default: "approval", proof: Assurance::Strong, groups: &["known", "factor"] },
    // Goes under the reset that it belongs to.
    Action { name: "revoke_sessions", default: "human", proof: Assurance::Chat, groups: &["known"] },
];

/// Where the mode of all actions stands that have none of their own.
const DEFAULT: &str = "default";

/// A policy set and the hash of its text.
pub(crate) struct Policies {
    pub set: PolicySet,
    /// First 16 hex digits of the SHA-256.
    pub hash: String,
}

impl Policies {
    /// Reads the text of a policy set. An error says what Cedar could not read.
    pub fn read(text: &str) -> Result<Self, String> {
        let set = PolicySet::from_str(text).map_err(|error| format!("policies: {error}"))?;
        let hash = Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { set, hash })
    }
}

/// All policies that hold for this question's tenant, as Cedar writes them.
pub(crate) fn text(question: &Question) -> Result<String, String> {
    let mut text = INVARIANTS.to_owned();
    matrix(question, &mut text)?;
    proof(question, &mut text)?;
    autonomy(question, &mut text)?;
    Ok(text)
}

/// One policy for each entry of the matrix: two entries of one action both speak, and the stricter decides.
fn matrix(question: &Question, text: &mut String) -> Result<(), String> {
    let Some(settings) = &question.settings else { return Ok(()) };
    let mut entries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (action, mode) in &settings.matrix {
        entries.entry(action).or_default().push(mode);
    }
    for action in ACTIONS {
        entries.entry(action.name).or_insert_with(|| vec![action.default]);
    }
    let tenant = uid("Tenant", &question.tenant)?;
    for (action, modes) in entries {
        let action = uid("Action", action)?;
        for mode in modes {
            let (id, verdict) = match mode {
                "autonomous" => ("own-account-verified", Verdict::Autonomous),
                "approval" => ("approval-by-settings", Verdict::Approval),
                "human" => ("human-by-settings", Verdict::Human),
                "deny" => ("denied-by-settings", Verdict::Deny),
                _ => ("bad-setting", Verdict::Deny),
            };
            let scope = format!("(principal, action == {action}, resource in {tenant})");
            match verdict {
                Verdict::Autonomous | Verdict::Prove => policy(text, id, verdict, &format!("permit {scope}"))?,
                Verdict::Approval => {
                    policy(text, id, verdict, &format!("forbid {scope}\nunless {{ context.approved }}"))?;
                    policy(text, "approved", Verdict::Autonomous, &format!("permit {scope}\nwhen {{ context.approved }}"))?;
                }
                Verdict::Human | Verdict::Deny => policy(text, id, verdict, &format!("forbid {scope}"))?,
            }
        }
    }
    Ok(())
}

/// One policy for each action that needs more than a member's own chat, which no setting goes below.
fn proof(question: &Question, text: &mut String) -> Result<(), String> {
    let Some(settings) = &question.settings else { return Ok(()) };
    let tenant = uid("Tenant", &question.tenant)?;
    for known in ACTIONS {
        let set = settings.proof.iter().filter(|(action, _)| action == known.name).map(|(_, proof)| *proof).max();
        let needs = set.unwrap_or(known.proof);
        if needs > Assurance::Chat {
            let scope = format!("forbid (principal, action == {}, resource in {tenant})", uid("Action", known.name)?);
            let rule = format!("@proof(\"{}\")\n{scope}\nunless {{ principal.assurance >= {} }}", strength(needs).1, strength(needs).0);
            policy(text, "stronger-proof", Verdict::Prove, &rule)?;
        }
    }
    Ok(())
}

/// One policy for each action that does not go all the way by itself. Where nothing is said, one of the MSP's people has to say yes.
fn autonomy(question: &Question, text: &mut String) -> Result<(), String> {
    let Some(settings) = &question.settings else { return Ok(()) };
    let of = |action: &'static str| settings.autonomy.iter().filter(move |entry| entry.action == action);
    let otherwise: Vec<&str> = of(DEFAULT).map(|entry| entry.mode.as_str()).collect();
    let otherwise = if otherwise.is_empty() { vec!["supervised"] } else { otherwise };
    let tenant = uid("Tenant", &question.tenant)?;
    for known in ACTIONS {
        let scope = format!("forbid (principal, action == {}, resource in {tenant})", uid("Action", known.name)?);
        let mut modes: Vec<(&str, bool)> = of(known.name).map(|entry| (entry.mode.as_str(), false)).collect();
        let pilot = of(known.name).any(|entry| !entry.pilot.is_empty());
        if modes.is_empty() || pilot {
            modes.extend(otherwise.iter().map(|mode| (*mode, pilot)));
        }
        for (mode, others) in modes {
            // INVARIANT: a pilot's own mode never speaks for others, and theirs never for the pilot.
            let spares = if others { "context.pilot" } else { "false" };
            match mode {
                "autonomous" => {}
                "supervised" => policy(text, "supervised", Verdict::Approval, &format!("{scope}\nunless {{ {spares} || context.approvedByStaff }}"))?,
                "shadow" => policy(text, "shadow", Verdict::Human, &format!("{scope}\nunless {{ {spares} }}"))?,
                _ => policy(text, "bad-mode", Verdict::Deny, &scope)?,
            }
        }
    }
    Ok(())
}

fn policy(text: &mut String, id: &str, verdict: Verdict, rule: &str) -> Result<(), String> {
    writeln!(text, "\n@id(\"{id}\")\n@verdict(\"{}\")\n{rule};", word(verdict)).map_err(|error| error.to_string())
}

/// Quoted by Cedar itself, whatever stands in the id.
pub(crate) fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// Assurances, weakest first: as policies compare them, and as an annotation writes them.
const STRENGTHS: [(Assurance, i64, &str); 5] = [
    (Assurance::None, 0, "none"),
    (Assurance::Email, 1, "email"),
    (Assurance::Chat, 2, "chat"),
    (Assurance::Challenge, 3, "challenge"),
    (Assurance::Strong, 4, "strong"),
];

/// How strong a proof is, as a number and as a word.
pub(crate) fn strength(assurance: Assurance) -> (i64, &'static str) {
    STRENGTHS.into_iter().find(|(known, ..)| *known == assurance).map_or((0, "none"), |(_, number, word)| (number, word))
}

/// The proof that an annotation names; anything else is the strongest.
pub(crate) fn wanted(word: Option<&str>) -> Assurance {
    STRENGTHS.into_iter().find(|(.., known)| Some(*known) == word).map_or(Assurance::Strong, |(assurance, ..)| assurance)
}

/// How a verdict is written in an annotation.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Autonomous => "autonomous",
        Verdict::Approval => "approval",
        Verdict::Prove => "prove",
        Verdict::Human => "human",
        Verdict::Deny => "deny",
    }
}

/// The verdict of an annotation; anything else denies.
pub(crate) fn verdict(word: Option<&str>) -> Verdict {
    match word {
        Some("autonomous") => Verdict::Autonomous,
        Some("approval") => Verdict::Approval,
        Some("prove") => Verdict::Prove,
        Some("human") => Verdict::Human,
        _ => Verdict::Deny,
    }
}
