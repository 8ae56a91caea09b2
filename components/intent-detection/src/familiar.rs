//! The tenant's own names: what its closed tickets firmly say that a word goes with.
//!
//! Whoever writes tickets can teach them. So they may name a type that is handed over, and keep an action from being taken; no name brings an action about.

use crate::{
    detect::{READINGS, Reading, Understanding, threshold},
    labels::{Group, Intent},
    lexicon::{self, Lexicon},
    model::Model,
    text::Text,
};

/// Names that are read, and the most words of one.
const NAMES: usize = 200;
const WORDS: usize = 6;
/// What the readings of the text keep beside a name, in thousandths, and what `other` keeps, which only says that nothing else was understood; the name's type gets the rest.
const KEPT: u16 = 600;
const KEPT_BY_OTHER: u16 = 400;

/// Lets the names that stand in a text speak, if they agree.
pub fn hear(understanding: &mut Understanding, text: &Text, familiar: &[(String, String)], model: &Model) {
    let Some((intent, words)) = heard(text, familiar) else { return };
    let Some(first) = understanding.readings.first() else { return };
    // "Any news of it?" is surely nothing new.
    let nudge = first.intent == Intent::Other && understanding.abstained && f32::from(first.confidence) / 1000.0 >= threshold(Intent::Other, model);
    if first.intent.group() == Group::Social || nudge || understanding.language.is_some() {
        return;
    }
    let mut given = 0;
    for reading in understanding.readings.iter_mut().filter(|reading| reading.intent != intent) {
        let kept = if reading.intent == Intent::Other { KEPT_BY_OTHER } else { KEPT };
        let kept = u16::try_from(u32::from(reading.confidence) * u32::from(kept) / 1000).unwrap_or_default();
        given += reading.confidence - kept;
        reading.confidence = kept;
    }
    match understanding.readings.iter_mut().find(|reading| reading.intent == intent) {
        Some(reading) => reading.confidence = reading.confidence.saturating_add(given).min(1000),
        None => understanding.readings.push(Reading { intent, confidence: given, because: vec![words] }),
    }
    understanding.readings.sort_by_key(|reading| std::cmp::Reverse(reading.confidence));
    understanding.readings.truncate(READINGS);
    let Some(first) = understanding.readings.first() else { return };
    // INVARIANT: after a name was heard, nothing is acted upon.
    if first.intent.group() == Group::Acting {
        understanding.abstained = true;
    } else if first.intent == intent && text.tokens.len() > 1 {
        understanding.abstained = f32::from(first.confidence) / 1000.0 < threshold(intent, model);
    }
}

/// The one type that the names in a text stand for, and the words of the first.
fn heard(text: &Text, familiar: &[(String, String)]) -> Option<(Intent, String)> {
    let lexicon = Lexicon::new();
    let mut found: Option<(Intent, String)> = None;
    for (phrase, intent) in familiar.iter().take(NAMES) {
        let Some(intent) = Intent::named(intent).filter(|intent| intent.group() == Group::Handover && intent.shown() == *intent && *intent != Intent::Other)
        else {
            continue;
        };
        let name: Vec<String> = Text::read(phrase).tokens.into_iter().map(|token| token.word).filter(|word| !word.is_empty()).collect();
        // A single word that everybody writes says nothing of this tenant.
        let common = |word: &str| lexicon.common(word) || lexicon::provider(word) || lexicon::credential(word) || lexicon.name(word);
        if name.is_empty() || name.len() > WORDS || matches!(name.as_slice(), [only] if only.len() < 3 || common(only)) {
            continue;
        }
        let stands = (0..text.tokens.len()).find(|&at| name.iter().enumerate().all(|(i, word)| text.word(at + i) == word));
        let Some(at) = stands else { continue };
        match &found {
            Some((other, _)) if *other != intent => return None,
            Some(_) => {}
            None => found = Some((intent, text.span(at, at + name.len() - 1))),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::detect::{Mind, Understanding, detect};
    use crate::labels::{Group, Intent};

    fn read(text: &str, familiar: &[(&str, &str)]) -> Understanding {
        let familiar: Vec<(String, String)> = familiar.iter().map(|(phrase, intent)| ((*phrase).to_owned(), (*intent).to_owned())).collect();
        detect(text, &Mind::shipped().unwrap(), &familiar)
    }

    fn first(understanding: &Understanding) -> (&str, bool) {
        (understanding.readings[0].intent.name(), understanding.abstained)
    }

    #[test]
    fn a_tenants_name_is_understood_only_by_those_who_know_it() {
        let known = [("zorbex", "app_outage"), ("till lane", "printer")];
        assert_ne!(first(&read("Zorbex is acting up at the counter", &[])), ("app_outage", false));
        assert_eq!(first(&read("Zorbex is acting up at the counter", &known)), ("app_outage", false));
        assert_eq!(first(&read("till lane 4 is acting up", &known)), ("printer", false));
        // Names that disagree are not listened to.
        assert_eq!(read("Zorbex on till lane 4", &known), read("Zorbex on till lane 4", &[]));
        // What the text says plainly is not overridden.
        assert_eq!(first(&read("please install Visio on my laptop, I use it with Zorbex", &known)).0, "software_request");
    }

    #[test]
    fn no_name_brings_an_action_about_and_one_may_prevent_it() {
        let taught: Vec<(String, String)> = ["password_reset", "account_unlock", "mfa_reset", "app_outage", "other", "human", "nonsense"]
            .iter()
            .flat_map(|intent| ["zorbex", "please help me", "password", "my account", "pauline"].map(|phrase| (phrase.to_owned(), (*intent).to_owned())))
            .collect();
        let mind = Mind::shipped().unwrap();
        let texts = ["zorbex", "Zorbex please help me", "please help me", "password", "my account", "Pauline", "Zorbex is locked", "reset Zorbex", "hi", ""];
        for text in texts {
            for one in &taught {
                let (without, with) = (detect(text, &mind, &[]), detect(text, &mind, std::slice::from_ref(one)));
                assert!(with.acts().is_none() || with.acts() == without.acts(), "{text} {one:?}: {with:?}");
            }
        }
        assert!(read("Please unlock my account", &[]).acts().is_some());
        assert_eq!(read("Please unlock my account", &[("my account", "app_outage")]).acts(), None);
        // What everybody writes cannot be taught, so no flood of tickets keeps the agent from its work.
        assert!(read("Please unlock my account", &[("account", "app_outage"), ("unlock", "printer")]).acts().is_some());
        assert!(
            Intent::ALL
                .into_iter()
                .filter(|intent| intent.group() == Group::Acting)
                .all(|intent| { read("Zorbex does it again", &[("zorbex", intent.name())]) == read("Zorbex does it again", &[]) })
        );
    }

    #[test]
    fn any_number_of_names_is_survived() {
        let names: Vec<(String, String)> = (0..5_000).map(|n| (format!("name{n} \u{202e}[\0"), "printer".to_owned())).collect();
        assert!(!detect("name1 and name4999", &Mind::shipped().unwrap(), &names).readings.is_empty());
    }
}
