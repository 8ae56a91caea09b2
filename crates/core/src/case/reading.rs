//! What a text is, to whoever has to act on it.

use crate::stage::Understanding;

/// What a text is, to the state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nobody has asked for anything yet.
    Greeting,
    /// It works.
    Thanks,
    /// A person is wanted.
    Person,
    /// One of the actions that this version can take.
    Action(&'static str),
    /// Clear enough, and not for us: code.
    Elsewhere(&'static str),
    /// Too unsure.
    Unclear,
}

/// What is to be made of what was understood.
#[must_use]
pub fn reading(understanding: &Understanding) -> Reading {
    let first = understanding.candidates.first().map_or("", |candidate| candidate.intent.as_str());
    let acting = |action| match (&understanding.other_system, &understanding.about_another) {
        (_, Some(_)) => Reading::Elsewhere("somebody-else"),
        (Some(_), None) => Reading::Elsewhere("other-system"),
        // Done for the first wish, the ticket would close over the second.
        (None, None) if !understanding.also.is_empty() => Reading::Elsewhere("several-wishes"),
        (None, None) => Reading::Action(action),
    };
    match (first, understanding.abstained) {
        ("human", _) => Reading::Person,
        // Asking back in English would help nobody, and acting on half-understood words would harm.
        ("password_reset" | "account_unlock" | "mfa_reset", _) if understanding.language.is_some() => Reading::Elsewhere("language"),
        ("greeting", false) => Reading::Greeting,
        ("thanks", false) => Reading::Thanks,
        ("password_reset", false) => acting("password_reset"),
        ("account_unlock", false) => acting("account_unlock"),
        ("mfa_reset", false) => acting("mfa_reset"),
        (_, true) if understanding.about_another.is_some() => Reading::Elsewhere("somebody-else"),
        (_, true) if understanding.other_system.is_some() => Reading::Elsewhere("other-system"),
        (_, true) => Reading::Unclear,
        (_, false) if !understanding.also.is_empty() => Reading::Elsewhere("several-wishes"),
        (_, false) => Reading::Elsewhere("out-of-scope"),
    }
}

/// Below this probability, in thousandths, nobody is asked whether an action was meant.
pub(super) const PLAUSIBLE: u16 = 150;

/// The actions that a user may be asked about.
const ACTIONS: [&str; 2] = ["password_reset", "account_unlock"];

/// Whoever cannot sign in, and does not say where or why, may have forgotten the password or be locked out.
fn barred(understanding: &Understanding) -> bool {
    let outage = understanding.candidates.first().is_some_and(|first| first.intent == "app_outage");
    outage && reading(understanding) == Reading::Elsewhere("out-of-scope") && understanding.entities.iter().any(|entity| entity.kind == "sign-in")
}

/// What may have been meant by a text that does not say it: the actions among its readings, the likelier first.
#[must_use]
pub fn plausible(understanding: &Understanding) -> Vec<&'static str> {
    let alone = understanding.also.is_empty() && understanding.language.is_none();
    let elsewhere = understanding.other_system.is_some() || understanding.about_another.is_some();
    if alone && !elsewhere && barred(understanding) {
        return ACTIONS.into();
    }
    if !alone || reading(understanding) != Reading::Unclear {
        return Vec::new();
    }
    let likely = understanding.candidates.iter().filter(|candidate| candidate.confidence >= PLAUSIBLE);
    likely.filter_map(|candidate| ACTIONS.into_iter().find(|action| *action == candidate.intent)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::{Candidate, Entity};

    #[test]
    fn only_an_unclear_wish_of_ones_own_is_worth_a_question() {
        let text = |candidates: &[(&str, u16)], abstained| Understanding {
            candidates: candidates
                .iter()
                .map(|(intent, confidence)| Candidate { intent: (*intent).into(), confidence: *confidence, because: vec![] })
                .collect(),
            abstained,
            ..Understanding::default()
        };
        let torn = text(&[("app_outage", 500), ("account_unlock", 300), ("password_reset", 160), ("printer", 40)], true);
        assert_eq!(plausible(&torn), ["account_unlock", "password_reset"]);
        for (other, why) in [
            (text(&[("password_reset", 990)], false), "clear"),
            (text(&[("printer", 500), ("password_reset", 149)], true), "unlikely"),
            (text(&[("mfa_reset", 500)], true), "no action of ours"),
            (Understanding { about_another: Some("Bob".into()), ..torn.clone() }, "somebody else's"),
            (Understanding { other_system: Some("SAP".into()), ..torn.clone() }, "elsewhere"),
            (Understanding { language: Some("de".into()), ..torn.clone() }, "another language"),
            (Understanding { also: torn.candidates.clone(), ..torn.clone() }, "several wishes"),
        ] {
            assert_eq!(plausible(&other), [""; 0], "{why}");
        }
        let barred = Understanding { entities: vec![Entity { kind: "sign-in".into(), words: "cannot log in".into() }], ..text(&[("app_outage", 980)], false) };
        assert_eq!(plausible(&barred), ["password_reset", "account_unlock"]);
        for (other, why) in [
            (text(&[("app_outage", 980)], false), "of something else"),
            (Understanding { candidates: text(&[("printer", 980)], false).candidates, ..barred.clone() }, "another type"),
            (Understanding { about_another: Some("Bob".into()), ..barred.clone() }, "somebody else's"),
            (Understanding { other_system: Some("SAP".into()), ..barred.clone() }, "elsewhere"),
            (Understanding { language: Some("de".into()), ..barred.clone() }, "another language"),
            (Understanding { also: barred.candidates.clone(), ..barred.clone() }, "several wishes"),
        ] {
            assert_eq!(plausible(&other), [""; 0], "{why}");
        }
    }
}
