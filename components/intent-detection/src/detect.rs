//! From a text to ranked readings: the model proposes, the rules take back.

use crate::{
    features::{Feature, features},
    labels::{Group, Intent},
    lexicon::Lexicon,
    model::Model,
    signals::{Signals, Veto, signals},
    text::Text,
};

/// The trained weights; `data/README.md` says how they came to be.
pub const ARTEFACT: &[u8] = include_bytes!("../model.bin");
/// Readings handed back.
const READINGS: usize = 4;
/// Words shown for a reading.
const REASONS: usize = 4;

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

/// Reads a text.
#[must_use]
pub fn detect(source: &str, model: &Model) -> Understanding {
    let text = Text::read(source);
    let lexicon = Lexicon::new();
    let features = features(&text);
    let mut ranked = model.rank(&model.scores(&features));
    let signals = signals(&text, &lexicon);
    let mut abstained = weigh(&mut ranked, &text, &signals);
    let mut readings: Vec<Reading> = Vec::new();
    for &(class, probability) in &ranked {
        let confidence = (probability * 1000.0).round() as u16;
        match readings.iter_mut().find(|reading| reading.intent == class.shown()) {
            Some(reading) => reading.confidence = reading.confidence.saturating_add(confidence).min(1000),
            None => readings.push(Reading { intent: class.shown(), confidence, because: because(&text, &features, model, class) }),
        }
    }
    readings.sort_by_key(|reading| std::cmp::Reverse(reading.confidence));
    readings.truncate(READINGS);
    // Only what is at all likely is worth a reader's time; the first always is.
    let mut first = true;
    readings.retain(|reading| std::mem::take(&mut first) || reading.confidence >= 10);
    if let Some(reading) = readings.first() {
        abstained |= f32::from(reading.confidence) / 1000.0 < threshold(reading.intent, model);
    }
    Understanding { readings, abstained, other_system: signals.other_system, about_another: signals.about_another }
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
        | Intent::Thanks
        | Intent::Human => return false,
    }
    match signals.veto {
        Some(Veto::Negated | Veto::Question) => hand(ranked, Intent::Other),
        Some(Veto::Suspicious) => hand(ranked, Intent::Phishing),
        Some(Veto::Resolved | Veto::Unclear) => return true,
        None => {}
    }
    // A single word ("password") is a topic, not a request; and a request names what it is about.
    let named = match first {
        Intent::PasswordReset => signals.names_secret,
        Intent::AccountUnlock => signals.names_lock,
        _ => true,
    };
    !named || text.tokens.len() < 2
}

/// Gives all weight of the acting classes to another one.
fn hand(ranked: &mut [(Intent, f32)], to: Intent) {
    let mut moved = 0.0;
    for (class, probability) in ranked.iter_mut() {
        if class.group() == Group::Acting {
            moved += std::mem::take(probability);
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
