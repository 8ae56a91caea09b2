//! The MSP's own words in place of those of the catalogue of sentences.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Texts by language and name of the sentence.
pub type Messages = BTreeMap<String, BTreeMap<String, String>>;

/// Languages in which there are words.
pub const LANGUAGES: [&str; 4] = ["en", "de", "es", "pt"];
/// The catalogue in English, which says what each sentence needs.
const CATALOGUE: &str = include_str!("../../../../components/messaging/src/sentences/en.json");
/// Questions whose exact words protect the user, and what others than users read.
const FIXED: [&str; 7] = ["ask-reset", "ask-unlock", "ask-again", "ask-reminder", "not-you", "press-button", "page"];
/// Most characters.
const LONGEST: usize = 600;

#[derive(Deserialize)]
struct Catalogue {
    sentences: BTreeMap<String, Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    text: String,
}

/// The language of a locale such as `de-AT`, if there are words in it.
#[must_use]
pub fn language(locale: &str) -> Option<&'static str> {
    let wanted = locale.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    LANGUAGES.into_iter().find(|language| *language == wanted)
}

/// Everything that is wrong with these texts.
#[must_use]
pub fn problems(messages: &Messages) -> Vec<String> {
    let sentences = serde_json::from_str::<Catalogue>(CATALOGUE).map(|catalogue| catalogue.sentences).unwrap_or_default();
    let mut problems = Vec::new();
    for (language, texts) in messages {
        if !LANGUAGES.contains(&language.as_str()) {
            problems.push(format!("`messages.{language}` is no language here: write {}", LANGUAGES.join(", ")));
        }
        for (name, text) in texts {
            let at = format!("`messages.{language}.{name}`");
            match sentences.get(name) {
                None => problems.push(format!("{at} is no sentence of the catalogue")),
                Some(_) if FIXED.contains(&name.as_str()) || name.starts_with("appro") || name.starts_with("switch-") => {
                    problems.push(format!("{at}: these words stay as they are"))
                }
                Some(sentence) => problems.extend(problem(text, &sentence.text).map(|why| format!("{at} {why}"))),
            }
        }
    }
    problems
}

/// Why a text cannot take the place of another.
fn problem(text: &str, usual: &str) -> Option<String> {
    // What hides or turns text, or would be markup somewhere.
    let hidden = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    if text.trim().is_empty() || text.chars().count() > LONGEST {
        return Some(format!("must hold 1 to {LONGEST} characters"));
    }
    if let Some(c) = text.chars().find(|c| hidden(*c) || "<>`*|&".contains(*c)) {
        return Some(format!("holds U+{:04X}, which may hide words or be read as markup", u32::from(c)));
    }
    let (Some(own), Some(usual)) = (placeholders(text), placeholders(usual)) else {
        return Some("must close each `{` with `}` and each `[` with `]`, one level deep".into());
    };
    if let Some((name, _)) = own.iter().find(|(name, _)| !usual.contains_key(*name)) {
        return Some(format!("names `{{{name}}}`, which this sentence does not have"));
    }
    for (name, optional) in usual {
        match own.get(name) {
            None if !optional => return Some(format!("lacks `{{{name}}}`")),
            Some(false) if optional => return Some(format!("must hold `{{{name}}}` in `[` and `]`: it may be empty")),
            None | Some(_) => {}
        }
    }
    None
}

/// Names of the placeholders, and whether each stands only in optional parts. None if the signs do not fit one another.
fn placeholders(text: &str) -> Option<BTreeMap<&str, bool>> {
    let mut found = BTreeMap::new();
    let (mut rest, mut optional) = (text, false);
    while let Some(at) = rest.find(['{', '}', '[', ']']) {
        let (_, from) = rest.split_at_checked(at)?;
        rest = from.get(1..)?;
        match from.chars().next()? {
            '{' => {
                let (name, after) = rest.split_once('}')?;
                if name.contains(['{', '[', ']']) {
                    return None;
                }
                found.entry(name).and_modify(|only| *only &= optional).or_insert(optional);
                rest = after;
            }
            '[' if !optional => optional = true,
            ']' if optional => optional = false,
            _ => return None,
        }
    }
    (!optional).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: &str, name: &str, text: &str, expect: &str) {
        let messages = [(language.to_string(), [(name.to_string(), text.to_string())].into())].into();
        let problems = problems(&messages).join("; ");
        assert!(if expect.is_empty() { problems.is_empty() } else { problems.contains(expect) }, "{name} `{text}`: {problems}");
    }

    #[test]
    fn own_words_have_the_sentences_placeholders_and_no_tricks() {
        check("en", "closed", "All done, {ticket} is closed. A person at {msp} helps if not.", "");
        check("de", "closed", "{msp} hat {ticket} geschlossen.", "");
        check("en", "handed-over", "A person at {msp} has {ticket} now.", "");
        check("en", "handed-over", "A person at {msp} has {ticket} now.[ Or call {phone}.]", "");
        for (language, name, text, expect) in [
            ("fr", "closed", "{ticket} {msp}", "no language"),
            ("en", "clsed", "{ticket} {msp}", "no sentence"),
            ("en", "closed", "done", "lacks `{msp}`"),
            ("en", "closed", "{ticket} {msp} {login}", "which this sentence does not have"),
            ("en", "closed", "{ticket} [{msp}]", ""),
            ("en", "handed-over", "{msp} {ticket} {phone}", "it may be empty"),
            ("en", "closed", "{ticket} {msp", "must close"),
            ("en", "closed", "{ticket} {msp} ]", "must close"),
            ("en", "closed", "{ticket} [[{msp}]]", "must close"),
            ("en", "closed", "{ticket} [{msp}", "must close"),
            ("en", "closed", "{{ticket}} {msp}", "must close"),
            ("en", "closed", " ", "1 to 600"),
            ("en", "closed", &format!("{{ticket}} {{msp}}{}", "x".repeat(600)), "1 to 600"),
            ("en", "closed", "{ticket} {msp} <https://evil.example|here>", "markup"),
            ("en", "closed", "{ticket} {msp} *now*", "markup"),
            ("en", "closed", "{ticket} {msp} \u{202E}txt", "U+202E"),
            ("en", "closed", "{ticket} {msp}\t", "U+0009"),
            ("en", "ask-reset", "Press Yes! {system} {login} {ticket} {msp}", "stay as they are"),
        ] {
            check(language, name, text, expect);
        }
    }

    #[test]
    fn a_locale_leads_to_a_language() {
        for (locale, expect) in [("de-AT", Some("de")), ("EN_us", Some("en")), ("pt-BR", Some("pt")), ("fr", None), ("", None), ("deu", None)] {
            assert_eq!(language(locale), expect, "{locale}");
        }
    }
}
