//! The one catalogue of what people are told: name → text with placeholders.
//!
//! In a text, `{name}` stands for an argument and `{label:name}` for the button label that an argument names.
//! A part in `[…]` is left out if an argument within it is empty; anywhere else an argument must have a value.
//! The lines of internal notes have a catalogue of their own, for the MSP's people.

use firstline_connector::types::Error;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The catalogue in English, which also says what each sentence needs.
const ENGLISH: &str = include_str!("sentences/en.json");
/// The same sentences and labels in other languages.
const TRANSLATIONS: [(&str, &str); 3] =
    [("de", include_str!("sentences/de.json")), ("es", include_str!("sentences/es.json")), ("pt", include_str!("sentences/pt.json"))];

/// The lines of internal notes, likewise.
const ENGLISH_NOTES: &str = include_str!("notes/en.json");
const NOTE_TRANSLATIONS: [(&str, &str); 3] =
    [("de", include_str!("notes/de.json")), ("es", include_str!("notes/es.json")), ("pt", include_str!("notes/pt.json"))];

/// Longest argument that is shown in full; no real name, login or number comes near it.
const ARGUMENT_LIMIT: usize = 300;
/// Begins the label of a button that is somebody's or something's name.
const NAME: &str = "name:";
/// A note quotes what people wrote.
const NOTE_ARGUMENT_LIMIT: usize = 1_100;

/// The sentences and labels of one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    sentences: BTreeMap<String, Sentence>,
    labels: BTreeMap<String, String>,
    /// Longest argument that is shown in full.
    #[serde(skip)]
    limit: usize,
}

/// Another language's words: sentences by name, and labels.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Translation {
    sentences: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    /// Name → what it is, for translators.
    arguments: BTreeMap<String, String>,
    text: String,
    /// Label of the button that leads to a secret link.
    link: Option<String>,
    /// May be said where others read too.
    #[serde(default)]
    public: bool,
    /// May be said, with buttons, in a channel of the MSP's own people.
    #[serde(default)]
    staff: bool,
}

/// A sentence with its arguments filled in: plain text, without any vendor's markup.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// The words.
    pub text: String,
    /// The words on the button of a secret link.
    pub link: Option<String>,
    /// May be said where others read too.
    pub public: bool,
    /// May be said, with buttons, in a channel of the MSP's own people.
    pub staff: bool,
}

impl Catalogue {
    /// The catalogue for a locale such as `en-GB`; English where there is none.
    ///
    /// # Errors
    /// `other`, if the catalogue that was built in is broken; a test reads each.
    pub fn of(locale: &str) -> Result<Self, Error> {
        Self::read(ENGLISH, &TRANSLATIONS, locale, ARGUMENT_LIMIT)
    }

    /// The lines of internal notes for a locale; English where there is none.
    ///
    /// # Errors
    /// As those of [`Catalogue::of`].
    pub fn notes(locale: &str) -> Result<Self, Error> {
        Self::read(ENGLISH_NOTES, &NOTE_TRANSLATIONS, locale, NOTE_ARGUMENT_LIMIT)
    }

    fn read(english: &str, translations: &[(&str, &str)], locale: &str, limit: usize) -> Result<Self, Error> {
        let broken = |error: serde_json::Error| Error::Other(format!("catalogue of sentences: {error}"));
        let language = locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let mut catalogue = Catalogue { limit, ..serde_json::from_str(english).map_err(broken)? };
        if let Some((_, json)) = translations.iter().find(|(name, _)| *name == language) {
            let mut words: Translation = serde_json::from_str(json).map_err(broken)?;
            for (name, sentence) in &mut catalogue.sentences {
                sentence.text = words.sentences.remove(name).unwrap_or_else(|| std::mem::take(&mut sentence.text));
            }
            catalogue.labels.extend(words.labels);
        }
        Ok(catalogue)
    }

    /// The words on a button.
    ///
    /// # Errors
    /// `invalid`, if the catalogue has no such label.
    pub fn label(&self, name: &str) -> Result<&str, Error> {
        self.labels.get(name).map(String::as_str).ok_or_else(|| invalid(format!("no label `{name}`")))
    }

    /// The words on a button: a label, or a name as it is.
    ///
    /// # Errors
    /// As those of [`Self::label`], or an empty name.
    pub fn button(&self, name: &str) -> Result<String, Error> {
        match name.strip_prefix(NAME).map(|name| shown(name, self.limit)) {
            Some(name) if name.is_empty() => Err(invalid("a button without words".into())),
            Some(name) => Ok(name),
            None => self.label(name).map(str::to_string),
        }
    }

    /// A sentence with its arguments, in the service provider's own words if they fit it.
    ///
    /// # Errors
    /// `invalid`, if the sentence is unknown, or an argument is missing, superfluous, given twice or empty where it must not be.
    pub fn sentence(&self, name: &str, own: Option<&str>, arguments: &[(String, String)]) -> Result<Said, Error> {
        let sentence = self.sentences.get(name).ok_or_else(|| invalid(format!("no sentence `{name}`")))?;
        let mut values = BTreeMap::new();
        for (argument, value) in arguments {
            if !sentence.arguments.contains_key(argument) {
                return Err(invalid(format!("sentence `{name}` has no argument `{argument}`")));
            }
            if values.insert(argument.as_str(), shown(value, self.limit)).is_some() {
                return Err(invalid(format!("argument `{argument}` of sentence `{name}` is given twice")));
            }
        }
        if let Some(argument) = sentence.arguments.keys().find(|argument| !values.contains_key(argument.as_str())) {
            return Err(invalid(format!("argument `{argument}` of sentence `{name}` is missing")));
        }
        // They were checked when they were entered; the catalogue may have changed since.
        let own = own.and_then(|own| self.fill(name, own, &values).ok());
        Ok(Said {
            text: own.map_or_else(|| self.fill(name, &sentence.text, &values), Ok)?,
            link: sentence.link.as_deref().map(|label| self.label(label).map(str::to_string)).transpose()?,
            public: sentence.public,
            staff: sentence.staff,
        })
    }

    /// One pass over the text, so that nothing within a value is ever read as a placeholder.
    fn fill(&self, name: &str, text: &str, values: &BTreeMap<&str, String>) -> Result<String, Error> {
        let mut out = String::with_capacity(text.len());
        // Where the optional part began, and whether it stays.
        let mut part: Option<(usize, bool)> = None;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '{' => {
                    let placeholder: String = chars.by_ref().take_while(|c| *c != '}').collect();
                    let (argument, is_label) = placeholder.strip_prefix("label:").map_or((placeholder.as_str(), false), |argument| (argument, true));
                    let value = values.get(argument).map(String::as_str).unwrap_or_default();
                    match (&mut part, value.is_empty()) {
                        (Some((_, stays)), true) => *stays = false,
                        (None, true) => return Err(invalid(format!("argument `{argument}` of sentence `{name}` is empty"))),
                        (Some(_) | None, false) => {}
                    }
                    // A choice that is no label is shown as it is.
                    out.push_str(if is_label { self.labels.get(value).map_or(value, String::as_str) } else { value });
                }
                '[' => part = Some((out.len(), true)),
                ']' => {
                    if let Some((start, false)) = part.take() {
                        out.truncate(start);
                    }
                }
                c => out.push(c),
            }
        }
        Ok(out)
    }
}

/// A value as it may stand within a sentence: one line, of bounded length, unable to turn the text around it.
fn shown(value: &str, limit: usize) -> String {
    let mut chars = value
        .chars()
        .filter(|c| !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'))
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c });
    let mut out: String = chars.by_ref().take(limit).collect();
    if chars.next().is_some() {
        out.push('…');
    }
    out.trim().to_string()
}

fn invalid(what: String) -> Error {
    Error::Invalid(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, arguments: &[(&str, &str)], expect: &str) {
        let arguments: Vec<(String, String)> = arguments.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let got = match Catalogue::of("en").unwrap().sentence(name, None, &arguments) {
            Ok(said) => said.text,
            Err(error) => format!("{error:?}"),
        };
        assert!(got.contains(expect), "{name}: {got}");
    }

    #[test]
    fn arguments_stand_where_the_sentence_wants_them() {
        check("unlock-done", &[("login", "jane@acme.com")], "Your account jane@acme.com is unlocked.");
        check("offer-reset", &[("system", "Okta"), ("login", "j"), ("ticket", "#7")], "This is ticket #7. If");
        check("offer-reset", &[("system", "Okta"), ("login", "j"), ("ticket", "")], "IT support. If you agree");
        check("offer-pressed", &[("choice", "something-else")], "You pressed: Something else");
        check("offer-pressed", &[("choice", "Maybe")], "You pressed: Maybe");
        check("handed-over-no-ticket", &[("msp", "Acme IT"), ("phone", " ")], "anything.");
    }

    #[test]
    fn what_does_not_fit_the_sentence_is_refused_by_name() {
        check("nonsense", &[], "no sentence `nonsense`");
        check("unlock-done", &[], "argument `login` of sentence `unlock-done` is missing");
        check("unlock-done", &[("login", "j"), ("logon", "j")], "sentence `unlock-done` has no argument `logon`");
        check("unlock-done", &[("login", "j"), ("login", "k")], "argument `login` of sentence `unlock-done` is given twice");
        check("unlock-done", &[("login", "\u{202E}\n")], "argument `login` of sentence `unlock-done` is empty");
        assert!(Catalogue::of("en").unwrap().label("maybe").is_err());
        let button = |label: &str| Catalogue::of("de").unwrap().button(label).ok();
        assert_eq!(button("yes").as_deref(), Some("Ja"));
        // A name is shown as it is, on one line, whatever it says.
        assert_eq!(button("name:yes").as_deref(), Some("yes"));
        assert_eq!(button("name:Jane\nDoe, \u{202e}{label:yes}").as_deref(), Some("Jane Doe, {label:yes}"));
        assert_eq!((button("maybe"), button("name:\t")), (None, None));
    }

    #[test]
    fn a_value_is_never_read_as_part_of_the_sentence() {
        check("unlock-done", &[("login", "{login}[{x}]")], "Your account {login}[{x}] is unlocked.");
        check("unlock-done", &[("login", "{{secret:pw}}")], "Your account {{secret:pw}} is unlocked.");
        check("unlock-done", &[("login", "a\u{202E}b\nc")], "Your account ab c is unlocked.");
        check("unlock-done", &[("login", "שלום 👩‍🔧")], "Your account שלום 👩‍🔧 is unlocked.");
        check("unlock-done", &[("login", &"é".repeat(100_000))], "é… is unlocked.");
    }

    #[test]
    fn an_unknown_language_is_english() {
        for locale in ["en", "en-GB", "EN_us", "tlh", "", "日本"] {
            assert!(Catalogue::of(locale).unwrap().sentences["welcome"].text.starts_with("You're"), "{locale}");
        }
    }

    fn placeholders(text: &str) -> Vec<&str> {
        text.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0.trim_start_matches("label:")).collect()
    }

    #[test]
    fn the_providers_own_words_are_said_where_they_fit() {
        let said = |own: &str| {
            let arguments = [("ticket".to_string(), "7".to_string()), ("msp".into(), "Northwind".into())];
            Catalogue::of("de").unwrap().sentence("closed", Some(own), &arguments).unwrap().text
        };
        assert_eq!(said("{msp}: {ticket} ist zu."), "Northwind: 7 ist zu.");
        assert!(said("{msp}: {login}").starts_with("Ticket 7 ist geschlossen"));
    }

    /// Placeholders in alphabetical order, those of optional parts in brackets.
    fn shape(text: &str) -> Vec<String> {
        let mut optional = false;
        let mut found = Vec::new();
        for (i, c) in text.char_indices() {
            match c {
                '[' => optional = true,
                ']' => optional = false,
                '{' => found.push(format!("{}{}", text.get(i..).unwrap().split_once('}').unwrap().0, if optional { "]" } else { "" })),
                _ => {}
            }
        }
        found.sort();
        found
    }

    #[test]
    fn every_language_has_every_sentence_with_the_same_placeholders() {
        for (english, translations) in [(ENGLISH, TRANSLATIONS), (ENGLISH_NOTES, NOTE_TRANSLATIONS)] {
            let english: Catalogue = serde_json::from_str(english).unwrap();
            for (language, json) in translations {
                let words: Translation = serde_json::from_str(json).unwrap();
                assert!(words.sentences.keys().eq(english.sentences.keys()), "{language}");
                assert!(words.labels.keys().eq(english.labels.keys()), "{language}");
                for (name, text) in &words.sentences {
                    assert_eq!(shape(text), shape(&english.sentences[name].text), "{language} {name}");
                    let same = ["offer-pressed", "item", "quote"].contains(&name.as_str());
                    assert!(same || *text != english.sentences[name].text, "{language} {name} was not translated");
                }
                let same = ["board"];
                let untranslated = words.labels.iter().find(|(name, text)| english.labels[*name] == **text && !same.contains(&text.as_str()));
                assert_eq!(untranslated.filter(|(name, _)| !["mon", "no"].contains(&name.as_str())), None, "{language}");
            }
        }
    }

    #[test]
    fn a_note_quotes_long_words_and_knows_its_arguments() {
        let say = |locale, name, arguments: &[(&str, &str)]| {
            let arguments: Vec<(String, String)> = arguments.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
            Catalogue::notes(locale).unwrap().sentence(name, None, &arguments).map(|said| said.text)
        };
        assert_eq!(say("en", "quote", &[("text", &"é".repeat(1_000))]).unwrap().chars().count(), 1_002);
        assert!(say("en", "quote", &[("text", &"é".repeat(1_200))]).unwrap().ends_with('…'));
        let handed = [("code", "language"), ("why", "language")];
        assert_eq!(say("de-AT", "handed-over", &handed).unwrap(), "Übergeben: language. es ist in einer Sprache, in der nicht gehandelt wird.");
        // A code that nobody has described yet says itself.
        assert_eq!(say("pt", "handed-over", &[("code", "new"), ("why", "new")]).unwrap(), "Passado: new. new.");
        let english = Catalogue::notes("en").unwrap();
        for (name, sentence) in &english.sentences {
            let mut used = placeholders(&sentence.text);
            used.sort_unstable();
            assert_eq!(used, sentence.arguments.keys().map(String::as_str).collect::<Vec<_>>(), "{name}");
        }
    }

    /// How each language says that nobody wrote this, and what brings a person.
    const SAYS: [(&str, &str, &[&str]); 4] = [
        ("en", "automated assistant", &["person"]),
        ("de", "automatische", &["Mensch"]),
        ("es", "asistente automático", &["persona", "alguien"]),
        ("pt", "assistente automático", &["pessoa", "alguém"]),
    ];

    #[test]
    fn every_catalogue_keeps_the_house_rules() {
        let names = "greeting welcome moved-to-direct offer-reset offer-unlock offer-withdrawn offer-pressed press-button clarify working reset-done unlock-done \
             unlock-not-needed closed handed-over handed-over-no-ticket passed-on-here protected-handed-over not-you expired-offer link-replaced denied";
        for language in ["en", "de", "es", "pt"] {
            let Catalogue { sentences, labels, limit: _ } = Catalogue::of(language).unwrap();
            for name in names.split_whitespace() {
                assert!(sentences.contains_key(name), "{language} lacks {name}");
            }
            for label in ["yes", "something-else", "talk-to-person", "open-link"] {
                assert!(labels.contains_key(label), "{language} lacks {label}");
            }
            assert!(labels.values().all(|label| !label.is_empty() && label.chars().count() <= 75));
            for (name, sentence) in &sentences {
                assert!(sentence.text.chars().count() <= 600, "{name} is long");
                let mut used = placeholders(&sentence.text);
                used.sort_unstable();
                used.dedup();
                assert_eq!(used, sentence.arguments.keys().map(String::as_str).collect::<Vec<_>>(), "{name}");
                assert!(sentence.arguments.values().all(|meaning| !meaning.is_empty()), "{name} has an argument without a meaning");
                for argument in used {
                    // A secret can only come by link: no argument may carry one.
                    assert!(
                        [
                            "msp", "system", "login", "ticket", "choice", "minutes", "phone", "client", "name", "urgency", "day", "date", "time", "zone",
                            "action", "cause", "case", "end", "names", "verified", "here", "since", "total", "ready",
                        ]
                        .contains(&argument)
                            || name == "digest" && argument.len() == 1,
                        "{name}: {argument}"
                    );
                }
                for promise in ["password is", "password: ", "code is", "sent you the password", "send you the password"] {
                    assert!(!sentence.text.contains(promise), "{name} speaks of a secret in clear");
                }
                assert_eq!(sentence.text.matches('[').count(), sentence.text.matches(']').count(), "{name}");
            }
        }
    }

    #[test]
    fn who_reads_a_first_message_knows_that_it_is_automated_and_how_to_reach_a_person() {
        let names = [
            "greeting",
            "offer-reset",
            "offer-unlock",
            "clarify",
            "which",
            "handed-over",
            "handed-over-no-ticket",
            "passed-on-here",
            "passed-on-later",
            "handed-over-later",
            "handed-over-paged",
            "page",
            "protected-handed-over",
            "not-you",
            "denied",
        ];
        for (language, automated, person) in SAYS {
            let sentences = Catalogue::of(language).unwrap().sentences;
            let names_one = |text: &str| person.iter().any(|word| text.contains(word));
            for name in names {
                assert!(sentences[name].text.contains(automated) && names_one(&sentences[name].text), "{language} {name}");
            }
            let without: Vec<&str> = sentences.iter().filter(|(_, s)| !s.staff && !names_one(&s.text)).map(|(name, _)| name.as_str()).collect();
            assert_eq!(without, ["moved-to-direct", "offer-pressed"], "{language}");
        }
        let sentences = Catalogue::of("en").unwrap().sentences;
        let public: Vec<&str> = sentences.iter().filter(|(_, s)| s.public).map(|(name, _)| name.as_str()).collect();
        let staff: Vec<&str> = sentences.iter().filter(|(_, s)| s.staff).map(|(name, _)| name.as_str()).collect();
        assert!(
            staff.iter().all(|name| ["appro", "switch", "call-back", "autonomy", "fault", "digest"].iter().any(|topic| name.starts_with(topic)))
                && !public.iter().any(|name| staff.contains(name)),
            "{staff:?}"
        );
        assert_eq!(public, ["clarify", "greeting", "moved-to-direct", "passed-on-here", "passed-on-later"]);
    }
}
