//! Figures: how often right, how often acted upon, how often wrongly so.

use crate::data::{Example, Source};
use intent_detection::{
    detect::{Understanding, judge as read},
    labels::{Group, Intent},
    lexicon::Lexicon,
    model::Model,
    signals::signals,
    text::Text,
};
use std::{collections::BTreeMap, fmt::Write};

/// An example with what was read from it.
pub type Judged<'a> = (&'a Example, Understanding);

/// Reads every example.
pub fn judge<'a>(examples: &'a [Example], model: &Model) -> Vec<Judged<'a>> {
    examples.iter().map(|example| (example, read(&Text::read(&example.text), &example.vector, model))).collect()
}

/// True if the reading is the label, or one that a fair judge accepts.
pub fn right(example: &Example, intent: Intent) -> bool {
    let credential = example.intent == Intent::OtherCredential && matches!(intent, Intent::PasswordReset | Intent::AccountUnlock);
    example.intent.shown() == intent || credential || example.also.contains(&intent)
}

/// The report on one set.
pub fn report(title: &str, judged: &[Judged]) -> String {
    // What only steers a conversation has no label in a desk's queue.
    let chat = |judged: &Judged| matches!(judged.0.source, Source::Chat | Source::Templates);
    let first = |judged: &Judged| {
        let first = judged.1.readings.first().map(|reading| reading.intent);
        first.map(|intent| if intent.group() == Group::Social && !chat(judged) { Intent::Other } else { intent })
    };
    let strict = judged.iter().filter(|j| first(j) == Some(j.0.intent.shown())).count();
    let lenient = judged.iter().filter(|j| first(j).is_some_and(|intent| right(j.0, intent))).count();
    let mut per: BTreeMap<Intent, [usize; 3]> = BTreeMap::new();
    for j in judged {
        let found = first(j).unwrap_or(Intent::Other);
        if right(j.0, found) {
            per.entry(found).or_default()[0] += 1;
        } else {
            per.entry(j.0.intent.shown()).or_default()[1] += 1;
            per.entry(found).or_default()[2] += 1;
        }
    }
    let scores: Vec<f32> = per.values().map(|[hit, missed, wrong]| 2.0 * *hit as f32 / (2 * hit + missed + wrong).max(1) as f32).collect();
    let acting: Vec<&Judged> = judged.iter().filter(|j| j.0.intent.group() == Group::Acting && !j.0.held).collect();
    let acted: Vec<&Judged> = judged.iter().filter(|j| j.1.acts().is_some()).collect();
    let wrong: Vec<&&Judged> = acted.iter().filter(|j| !j.1.acts().is_some_and(|intent| right(j.0, intent)) || j.0.held).collect();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{title}: {} texts, accuracy {:.3} (lenient {:.3}), macro-F1 {:.3} lenient over {} classes; acted upon {} of {} acting texts, {} wrongly",
        judged.len(),
        strict as f32 / judged.len().max(1) as f32,
        lenient as f32 / judged.len().max(1) as f32,
        scores.iter().sum::<f32>() / scores.len().max(1) as f32,
        scores.len(),
        acted.len() - wrong.len(),
        acting.len(),
        wrong.len(),
    );
    for (example, found) in wrong.into_iter().take(40) {
        let _ = writeln!(out, "  wrongly acted upon: {:?} is {} in `{}`", found.acts().map(Intent::name), example.intent.name(), example.text);
    }
    if std::env::var_os("MISSED").is_some() {
        for j @ (example, _) in judged.iter().filter(|j| j.0.weight >= 1.0 && first(j).is_some_and(|intent| !right(j.0, intent))) {
            let _ = writeln!(out, "  misread: {} as {:?} `{}`", example.intent.name(), first(j).map(Intent::name), example.text);
        }
        for (example, found) in judged.iter().filter(|j| j.0.intent.group() == Group::Acting && !j.0.held && j.1.acts().is_none()) {
            let reading = found.readings.first().map(|reading| (reading.intent.name(), reading.confidence));
            let signals = signals(&Text::read(&example.text), &Lexicon::new());
            let (veto, stranger) = (signals.veto, signals.stranger);
            let why = format!(
                "{reading:?} system {:?} another {:?} veto {veto:?} stranger {stranger:?} language {:?}",
                found.other_system, found.about_another, found.language
            );
            let _ = writeln!(out, "  not acted upon: {} `{}` {why}", example.intent.name(), example.text);
        }
    }
    out
}
