//! From a text to ranked readings: the model proposes, the rules take back.

use crate::{
    encoder::{Encoder, PIECES},
    entities::{Entity, entities},
    familiar,
    features::{Feature, features},
    labels::{Group, Intent},
    language,
    lexicon::Lexicon,
    model::{CLASSES, Model},
    pieces::pieces,
    signals::{Signals, Veto, signals},
    text::{Text, boundary},
};

/// The trained weights; `data/README.md` says how they came to be.
pub const ARTEFACT: &[u8] = include_bytes!("../model.bin");
/// The sentence encoder, from `all-MiniLM-L6-v2`.
pub const ENCODER: &[u8] = include_bytes!("../encoder.bin");
/// Readings handed back.
pub(crate) const READINGS: usize = 4;
/// Words shown for a reading.
const REASONS: usize = 4;

/// What a rule that speaks against an action leaves of its weight: the name goes only where the model was not sure either.
const KEPT: f32 = 0.6;
/// Parts of a text that are read for further wishes, and the fewest words of one.
const PARTS: usize = 8;
const LEAST_WORDS: usize = 3;
/// Longest part in bytes, and how many of them the encoder is asked about: this bounds the time of a long text.
const LONGEST_PART: usize = 120;
const ENCODED: usize = 2;
/// Of a longer text only the opening is read, in bytes, and less by the encoder, in word pieces: since the rest may say something else, nothing is done about it without a person.
const LONGEST: usize = 4 * 1024;
const OPENING: usize = 2 * 1024;
const ENCODED_OPENING: usize = 16;
/// How likely a further wish must be by its words alone, in all, and then in thousandths.
const HINT: f32 = 0.35;
const SURE: u16 = 800;

/// Where second factors live.
const DEVICES: [&str; 7] = ["phone", "samsung", "pixel", "tablet", "ipad", "android", "app"];

/// One reading of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What is wanted.
    pub intent: Intent,
    /// Calibrated probability in thousandths.
    pub confidence: u16,
    /// The words that led there, as they stand in the text.
    pub because: Vec<String>,
}

/// What a text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understanding {
    /// Most likely first; never empty.
    pub readings: Vec<Reading>,
    /// Too unsure to act upon.
    pub abstained: bool,
    /// A system that is not the identity provider.
    pub other_system: Option<String>,
    /// Words that speak of somebody else's account.
    pub about_another: Option<String>,
    /// Further wishes, each from a part of its own.
    pub also: Vec<Reading>,
    /// The language, if it is not English.
    pub language: Option<&'static str>,
    /// What is named.
    pub entities: Vec<(Entity, String)>,
}

impl Understanding {
    /// The intent that may be acted upon: nothing speaks against it.
    #[must_use]
    pub fn acts(&self) -> Option<Intent> {
        let first = self.readings.first()?.intent;
        let clear = !self.abstained && self.other_system.is_none() && self.about_another.is_none();
        (clear && first.group() == Group::Acting).then_some(first)
    }
}

/// What a text is read with.
#[derive(Debug, Clone)]
pub struct Mind<'a> {
    /// The sentence encoder.
    pub encoder: Encoder<'a>,
    /// The trained weights.
    pub model: Model<'a>,
}

impl Mind<'static> {
    /// What this build ships; nothing if its files are damaged.
    #[must_use]
    pub fn shipped() -> Option<Self> {
        Some(Mind { encoder: Encoder::read(ENCODER)?, model: Model::read(ARTEFACT)? })
    }
}

impl Mind<'_> {
    /// The vector of a text.
    #[must_use]
    pub fn vector(&self, text: &Text) -> Vec<f32> {
        self.within(text, PIECES)
    }

    /// The vector of a text's first word pieces.
    fn within(&self, text: &Text, most: usize) -> Vec<f32> {
        self.encoder.encode(&pieces(text, &self.encoder, most))
    }
}

/// Reads a text, with the tenant's own names and the types that they go with.
#[must_use]
pub fn detect(source: &str, mind: &Mind, familiar: &[(String, String)]) -> Understanding {
    if source.len() > LONGEST {
        let text = Text::read(source.get(..boundary(source, OPENING)).unwrap_or_default());
        let mut understanding = judge(&text, &mind.within(&text, ENCODED_OPENING), &mind.model);
        familiar::hear(&mut understanding, &text, familiar, &mind.model);
        understanding.abstained |=
            understanding.readings.first().is_none_or(|reading| reading.intent != Intent::Human && reading.intent.group() != Group::Handover);
        return understanding;
    }
    let text = Text::read(source);
    let mut understanding = judge(&text, &mind.vector(&text), &mind.model);
    familiar::hear(&mut understanding, &text, familiar, &mind.model);
    understanding.also = further(&text, &understanding, mind);
    understanding
}

/// Reads a text whose vector is known, without looking for further wishes.
#[must_use]
pub fn judge(text: &Text, vector: &[f32], model: &Model) -> Understanding {
    let lexicon = Lexicon::new();
    let signals = signals(text, &lexicon);
    let features = features(text, &signals);
    let mut ranked = model.rank(&model.scores(&features), &model.scores_of(vector));
    let mut abstained = weigh(&mut ranked, text, &signals);
    let mut readings: Vec<Reading> = Vec::new();
    for &(class, probability) in &ranked {
        let confidence = (probability * 1000.0).round() as u16;
        let intent = shown(class, &signals);
        match readings.iter_mut().find(|reading| reading.intent == intent) {
            Some(reading) => reading.confidence = reading.confidence.saturating_add(confidence).min(1000),
            None => readings.push(Reading { intent, confidence, because: because(text, &features, model, class) }),
        }
    }
    readings.sort_by_key(|reading| std::cmp::Reverse(reading.confidence));
    readings.truncate(READINGS);
    // Only what is at all likely is worth a reader's time; the first always is.
    let mut first = true;
    readings.retain(|reading| std::mem::take(&mut first) || reading.confidence >= 10);
    let person = language::person(text);
    if person.is_some() {
        // Whoever does as they were told gets a person, whatever else the text holds.
        let because = vec![text.source.chars().take(60).collect()];
        readings.retain(|reading| reading.intent != Intent::Human);
        readings.insert(0, Reading { intent: Intent::Human, confidence: 1000, because });
        readings.truncate(READINGS);
        abstained = false;
    }
    if let Some(reading) = readings.first() {
        abstained |= f32::from(reading.confidence) / 1000.0 < threshold(reading.intent, model);
        // A single word ("login") is a topic: worth a question.
        abstained |= reading.intent.group() == Group::Handover && reading.intent != Intent::Other && text.tokens.len() < 2;
    }
    // The phone that was lost is no system to log in to.
    let factor = readings.first().is_some_and(|reading| reading.intent == Intent::MfaReset);
    let other_system = signals.other_system.filter(|system| !(factor && DEVICES.iter().any(|device| system.to_lowercase().contains(device))));
    let language = person.or_else(|| language::foreign(text, &lexicon));
    let entities = entities(text, &lexicon, signals.about_another.as_deref());
    Understanding { readings, abstained, other_system, about_another: signals.about_another, also: Vec::new(), language, entities }
}

/// What the outside sees of a class: a credential of another system is still a password or a lock, and its system is named beside it.
fn shown(class: Intent, signals: &Signals) -> Intent {
    match class {
        Intent::OtherCredential if signals.other_system.is_some() && signals.names_secret => Intent::PasswordReset,
        Intent::OtherCredential if signals.other_system.is_some() && signals.names_lock => Intent::AccountUnlock,
        class => class.shown(),
    }
}

/// Reads the parts of a text for wishes beside the first.
fn further(text: &Text, whole: &Understanding, mind: &Mind) -> Vec<Reading> {
    let Some(first) = whole.readings.first().map(|reading| reading.intent) else { return Vec::new() };
    let lexicon = Lexicon::new();
    let mut found: Vec<Reading> = Vec::new();
    let mut encoded = 0;
    for part in parts(text) {
        let part = Text::read(part);
        let marks = signals(&part, &lexicon);
        let features = features(&part, &marks);
        let symptom = same(first, Intent::PasswordReset) && marks.other_system.is_none() && about_entering(&part);
        // Words alone are quick: the encoder is asked only about a part that may hold something else.
        let other = |intent: Intent| !same(intent, first) && !found.iter().any(|reading| same(reading.intent, intent));
        let likely = mind.model.rank(&mind.model.scores(&features), &[0.0; CLASSES]).first().copied();
        if !likely.is_some_and(|(intent, probability)| probability >= HINT && other(intent)) {
            continue;
        }
        encoded += 1;
        if encoded > ENCODED {
            break;
        }
        let understood = judge(&part, &mind.vector(&part), &mind.model);
        let sure = understood.readings.into_iter().next().filter(|reading| reading.confidence >= SURE && other(reading.intent));
        let sure = sure.filter(|reading| !(symptom && reading.intent == Intent::AppOutage));
        found.extend(sure.filter(|reading| reading.intent != Intent::Other && reading.intent.group() != Group::Social));
    }
    found.sort_by_key(|reading| std::cmp::Reverse(reading.confidence));
    found
}

/// Unlocking is part of a reset; and what only steers a conversation is no wish.
fn same(a: Intent, b: Intent) -> bool {
    const ACCOUNT: [Intent; 2] = [Intent::PasswordReset, Intent::AccountUnlock];
    a == b || ACCOUNT.contains(&a) && ACCOUNT.contains(&b)
}

/// Whoever has lost a password cannot sign in: that is what it looks like, and no second wish.
fn about_entering(part: &Text) -> bool {
    const ENTERING: [&str; 6] = ["sign", "signin", "log", "login", "logon", "logging"];
    (0..part.tokens.len()).any(|at| ENTERING.contains(&part.word(at)))
}

/// Sentences, lines, and what stands on either side of "and" or "also"; nothing if there is only one.
fn parts<'a>(text: &Text<'a>) -> Vec<&'a str> {
    const LINKS: [&str; 4] = ["and", "also", "plus", "additionally"];
    let mut parts: Vec<(usize, usize, usize)> = Vec::new();
    let mut open = false;
    for token in &text.tokens {
        if LINKS.contains(&token.word.as_str()) {
            open = false;
            continue;
        }
        match parts.last_mut().filter(|_| open && !token.first) {
            Some((_, end, count)) => (*end, *count) = (token.end, *count + 1),
            None => parts.push((token.start, token.end, 1)),
        }
        open = true;
    }
    parts.retain(|&(_, _, words)| words >= LEAST_WORDS);
    parts.truncate(PARTS);
    if parts.len() < 2 {
        return Vec::new();
    }
    parts.into_iter().filter_map(|(from, to, _)| text.source.get(from..boundary(text.source, to.min(from + LONGEST_PART)))).collect()
}

/// How sure one has to be of an intent.
#[must_use]
pub fn threshold(intent: Intent, model: &Model) -> f32 {
    let [acting, social, handover] = model.thresholds;
    match intent.group() {
        Group::Acting => acting,
        Group::Social => social,
        Group::Handover => handover,
    }
}

/// Lets the rules move weight between classes; true if what remains must not be acted upon.
fn weigh(ranked: &mut [(Intent, f32)], text: &Text, signals: &Signals) -> bool {
    let Some(&(first, _)) = ranked.first() else { return true };
    // Locked out with the password forgotten: unlocking alone would not help.
    let first = if first == Intent::AccountUnlock && signals.lost_secret && signals.names_secret { Intent::PasswordReset } else { first };
    if first == Intent::PasswordReset {
        shift(ranked, Intent::AccountUnlock, Intent::PasswordReset, signals.lost_secret);
    }
    match first {
        Intent::Nudge => return true,
        Intent::PasswordReset | Intent::AccountUnlock | Intent::MfaReset => {}
        Intent::MailboxAccess
        | Intent::LicenseRequest
        | Intent::GroupChange
        | Intent::SoftwareRequest
        | Intent::VpnIssue
        | Intent::AppOutage
        | Intent::Printer
        | Intent::Hardware
        | Intent::Onboarding
        | Intent::Offboarding
        | Intent::Phishing
        | Intent::Other
        | Intent::OtherCredential
        | Intent::Greeting
        | Intent::Thanks => return false,
        Intent::Human => {
            // "Yes please" asks for nobody.
            let answer = answers(text);
            shift(ranked, Intent::Human, Intent::Other, answer);
            return answer;
        }
    }
    // Who has changed the phone needs a new factor for that very reason; and who is locked since a change, an unlocked account.
    let unlocked = || (0..text.tokens.len()).any(|i| text.word(i) == "unlocked");
    let since = first == Intent::MfaReset || first == Intent::AccountUnlock && !unlocked();
    let veto = signals.veto.filter(|veto| !(since && *veto == Veto::Past));
    match veto {
        Some(Veto::Negated | Veto::Question) => hand(ranked, Intent::Other),
        Some(Veto::Suspicious) => hand(ranked, Intent::Phishing),
        Some(Veto::Resolved | Veto::Past | Veto::Unclear) | None => {}
    }
    // What the model is very sure of keeps its name, and is still not acted upon.
    if veto.is_some() && ranked.first().is_some_and(|(class, _)| class.group() == Group::Acting) {
        return true;
    }
    // A single word ("password") is a topic, not a request; and a request names what it is about.
    let named = match first {
        Intent::PasswordReset => signals.names_secret,
        Intent::AccountUnlock => signals.names_lock,
        _ => signals.names_factor,
    };
    let known = first == Intent::PasswordReset && signals.knows_secret;
    !named || known || signals.stranger.is_some() || text.tokens.len() < 2
}

/// It begins with yes or no, and speaks of nobody to talk to.
fn answers(text: &Text) -> bool {
    const ANSWERS: [&str; 14] = ["yes", "yep", "yeah", "yup", "no", "nope", "ok", "okay", "sure", "correct", "right", "ja", "si", "sim"];
    const SOMEBODY: [&str; 22] = [
        "person",
        "human",
        "agent",
        "people",
        "someone",
        "somebody",
        "technician",
        "tech",
        "operator",
        "representative",
        "rep",
        "support",
        "helpdesk",
        "desk",
        "staff",
        "engineer",
        "talk",
        "speak",
        "call",
        "phone",
        "callback",
        "chat",
    ];
    ANSWERS.contains(&text.word(0)) && !(0..text.tokens.len()).any(|at| SOMEBODY.contains(&text.word(at)))
}

/// Gives one class's weight to another, if so.
fn shift(ranked: &mut [(Intent, f32)], from: Intent, to: Intent, really: bool) {
    let moved: f32 = ranked.iter_mut().filter(|(class, _)| really && *class == from).map(|(_, probability)| std::mem::take(probability)).sum();
    ranked.iter_mut().filter(|(class, _)| *class == to).for_each(|(_, probability)| *probability += moved);
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
}

/// Gives most weight of the acting classes to another one.
fn hand(ranked: &mut [(Intent, f32)], to: Intent) {
    let mut moved = 0.0;
    for (class, probability) in ranked.iter_mut() {
        if class.group() == Group::Acting {
            moved += *probability * (1.0 - KEPT);
            *probability *= KEPT;
        }
    }
    ranked.iter_mut().filter(|(class, _)| *class == to).for_each(|(_, probability)| *probability += moved);
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
}

/// The words with the highest contribution, in the order of the text.
fn because(text: &Text, features: &[Feature], model: &Model, class: Intent) -> Vec<String> {
    let mut weights = vec![0.0_f32; text.tokens.len()];
    for feature in features {
        let share = model.contribution(feature, class) / if feature.tokens.0 == feature.tokens.1 { 1.0 } else { 2.0 };
        for at in [Some(feature.tokens.0), (feature.tokens.0 != feature.tokens.1).then_some(feature.tokens.1)].into_iter().flatten() {
            if let Some(weight) = weights.get_mut(at) {
                *weight += share;
            }
        }
    }
    let highest = weights.iter().copied().fold(0.0, f32::max);
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| weights.get(b).unwrap_or(&0.0).total_cmp(weights.get(a).unwrap_or(&0.0)));
    let mut chosen: Vec<usize> = order.into_iter().take(REASONS).filter(|&i| weights.get(i).is_some_and(|&weight| weight > highest * 0.3)).collect();
    chosen.sort_unstable();
    chosen.into_iter().map(|i| text.span(i, i)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Mind, Understanding, detect};
    use crate::labels::Intent;
    use std::time::{Duration, Instant};

    fn read(text: &str) -> Understanding {
        detect(text, &Mind::shipped().unwrap(), &[])
    }

    /// `first?` is a first reading that abstains; `=first` one that may be acted upon.
    fn check(text: &str, expected: &str) {
        let found = read(text);
        let name = found.readings[0].intent.name();
        let shown = match (found.abstained, found.acts()) {
            (true, _) => format!("{name}?"),
            (false, Some(_)) => format!("={name}"),
            (false, None) => name.to_owned(),
        };
        assert_eq!(shown, expected, "{text}: {found:?}");
    }

    #[test]
    fn the_plain_cases_hold() {
        check("hi", "greeting");
        check("hello there", "greeting");
        check("good morning", "greeting");
        check("hi, I forgot my password", "=password_reset");
        check("I'm locked out and I forgot my password", "=password_reset");
        check("I'm locked out", "=account_unlock");
        check("I lost my phone and can't use the authenticator", "=mfa_reset");
        check("thanks!", "thanks");
        check("works now, thank you", "thanks");
        check("thanks, my password works now", "thanks");
        check("talk to a person", "human");
        check("can I speak to a human", "human");
        check("agent please", "human");
        check("yes please, a human", "human");
        check("no, I want to talk to somebody", "human");
        for answer in ["yes please, that was me", "Yes please", "yes, it was me", "ok please do it", "no, that wasn't me", "Yes, please go ahead"] {
            let understood = read(answer);
            assert!(understood.readings[0].intent != Intent::Human && understood.acts().is_none(), "{answer}: {:?}", understood.readings);
        }
        check("the printer is jammed", "printer");
    }

    #[test]
    fn what_is_no_request_is_not_acted_upon() {
        check("yes", "other");
        check("yes please", "other");
        check("hurry!", "other?");
        check("any news?", "other?");
        check("hello??", "greeting");
        check("how do I change my password?", "other");
        check("I have NOT forgotten my password, Excel crashes", "other");
        check("stop, don't reset", "other");
        check("phishing mail says my password expired", "phishing");
    }

    #[test]
    fn another_system_or_person_is_named_as_it_stands() {
        let system = |text: &str| read(text).other_system;
        assert_eq!(system("I forgot my QuickBooks Online password").as_deref(), Some("QuickBooks Online"));
        assert_eq!(system("please reset the banking portal password").as_deref(), Some("banking portal"));
        assert_eq!(system("I can't log in to Fizzbuzz Pro, forgot my password").as_deref(), Some("Fizzbuzz Pro"));
        assert_eq!(system("reset my Microsoft 365 password"), None);
        assert_eq!(system("reset my windwos password"), None);
        let another = |text: &str| read(text).about_another;
        assert_eq!(another("reset Bob’s password").as_deref(), Some("reset Bob’s"));
        assert_eq!(another("please reset jane@acme.com").as_deref(), Some("reset jane@acme.com"));
        assert_eq!(another("my boss told me to ask you: I forgot my password"), None);
        assert_eq!(another("This is Sam, I forgot my password"), None);
    }

    #[test]
    fn a_text_with_two_wishes_shows_both() {
        let wishes = |text: &str| {
            let found = read(text);
            let mut wishes: Vec<_> = found.readings.iter().take(1).chain(&found.also).map(|reading| reading.intent.name()).collect();
            wishes.sort_unstable();
            wishes
        };
        for (text, expected) in [
            ("I forgot my password. Also, the printer on the second floor is jammed.", &["password_reset", "printer"][..]),
            ("Please reset my password, I forgot it. And could you install Visio on my laptop?", &["password_reset", "software_request"]),
            ("Please reset my Windows password, it expired. I also need a licence for Visio.", &["license_request", "password_reset"]),
            ("I'm locked out and I forgot my password", &["password_reset"]),
            ("I forgot my password", &["password_reset"]),
            ("Password\n\nHello, I forgot my password and cannot sign in", &["password_reset"]),
            ("Good morning, I am back from leave and my password has expired. Could you reset it? Thank you, Jane", &["password_reset"]),
        ] {
            assert_eq!(wishes(text), expected, "{:?}", read(text));
        }
    }

    #[test]
    fn a_credential_of_another_system_keeps_its_kind() {
        let found = read("please reset my QuickBooks password");
        assert_eq!((found.readings[0].intent, found.acts()), (Intent::PasswordReset, None));
    }

    #[test]
    fn reasons_are_words_of_the_text() {
        let found = read("Hi, I FORGOT my pass\u{200b}word!");
        assert_eq!(found.readings[0].intent, Intent::PasswordReset);
        assert!(found.readings[0].because.contains(&"FORGOT".to_owned()), "{found:?}");
        assert!(found.readings[0].because.iter().all(|word| "Hi, I FORGOT my pass\u{200b}word!".contains(word.as_str())), "{found:?}");
    }

    #[test]
    fn any_text_is_answered() {
        for text in ["", " ", "\u{202e}", "?", "{{secret:pw}}", "[", "<@", "<@U1>", ">", "a@b", "שלום", "🤷", "'", "-", "\0", "ﷺ", "İİİİ"] {
            assert!(read(text).acts().is_none() && !read(text).readings.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_read_to_its_end_is_not_acted_upon() {
        let text = |blanks: usize| format!("I forgot my password, please reset it.{}It is my colleague's.", "\n".repeat(blanks));
        assert!(read("I forgot my password, please reset it.").acts().is_some());
        assert!(read(&format!("I forgot my password, please reset it.{}", "\n".repeat(4_000))).acts().is_some());
        assert_eq!(read(&text(5_000)).acts(), None);
        // A character may stand across the bound.
        assert_eq!(read(&format!("I forgot my password, please reset it.{}", "\u{2003}".repeat(2_000))).acts(), None);
    }

    #[test]
    fn a_hundred_kilobytes_are_read_in_bounded_time() {
        for unit in ["forgot my password ", "a", "é", "\u{200b}", "my my my ", "a@b.c ", "[", "user is not ", "he forgot\n", "\u{1d41a}", "Xx "] {
            let text = unit.repeat(100_000 / unit.len());
            let start = Instant::now();
            let found = read(&text);
            // Unoptimised and on a busy machine; released, it is a few milliseconds.
            assert!(start.elapsed() < Duration::from_secs(2), "{unit}: {:?}", start.elapsed());
            assert!(!found.readings.is_empty());
        }
    }
}
