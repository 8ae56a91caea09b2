//! How well texts are understood: the figures of labelled tickets, an MSP's own among them.

use anyhow::{Context as _, Result, ensure};
use firstline_core::stage::Understanding;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

/// The intents that are told apart; what only steers a conversation (`greeting`, `thanks`, `human`) counts as `other`.
pub use firstline_core::stage::INTENTS;
/// Those that may be acted upon.
use firstline_core::tenant::ACTIONS as ACTING;

/// A labelled text.
#[derive(Debug, Clone, Deserialize)]
pub struct Ticket {
    /// Its name in complaints.
    pub id: String,
    /// What somebody wrote.
    pub text: String,
    /// The label.
    pub intent: String,
    /// `amb=` and `also=` name further readings that a fair judge accepts, `lang=` the language, `hold=` why it must not be acted upon whatever its label
    /// (somebody else's account, another system's); the rest is free.
    #[serde(default)]
    pub notes: String,
}

impl Ticket {
    /// Reads a file of JSON Lines.
    pub fn read(file: &str) -> Result<Vec<Self>> {
        let lines = file.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let read = |(n, line): (usize, &str)| -> Result<Self> {
            let ticket: Self = serde_json::from_str(line).with_context(|| format!("line {}", n + 1))?;
            for intent in ticket.accepted() {
                ensure!(INTENTS.contains(&intent), "line {}: unknown intent `{intent}`", n + 1);
            }
            Ok(ticket)
        };
        lines.map(read).collect()
    }

    /// Every reading that is right, the label first.
    fn accepted(&self) -> Vec<&str> {
        let noted = ["amb", "also"].into_iter().flat_map(|key| self.noted(key));
        std::iter::once(self.intent.as_str()).chain(noted).collect()
    }

    /// The values of a note, without what is said about them in brackets.
    fn noted(&self, key: &str) -> impl Iterator<Item = &str> {
        let values = self.notes.split(';').filter_map(move |note| note.trim().strip_prefix(key)?.strip_prefix('='));
        values.flat_map(|value| value.split([',', '/'])).filter_map(|value| value.split_whitespace().next())
    }

    fn foreign(&self) -> bool {
        self.noted("lang").any(|language| language != "en")
    }

    fn held(&self) -> bool {
        self.foreign() || self.noted("hold").next().is_some()
    }
}

/// What became of a ticket.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The ticket.
    pub ticket: Ticket,
    /// What was read.
    pub found: Understanding,
}

impl Judged {
    fn first(&self) -> &str {
        let first = self.found.candidates.first().map_or("other", |candidate| candidate.intent.as_str());
        if INTENTS.contains(&first) { first } else { "other" }
    }

    fn confidence(&self) -> u16 {
        self.found.candidates.first().map_or(0, |candidate| candidate.confidence)
    }

    fn strict(&self) -> bool {
        self.first() == self.ticket.intent
    }

    fn lenient(&self) -> bool {
        self.ticket.accepted().contains(&self.first())
    }

    /// As the technician decides: an acting intent, sure enough, of the requester's own account.
    fn acted_upon(&self) -> bool {
        let clear = !self.found.abstained && self.found.other_system.is_none() && self.found.about_another.is_none();
        clear && self.found.candidates.first().is_some_and(|first| ACTING.contains(&first.intent.as_str()))
    }

    fn acted_upon_rightly(&self) -> bool {
        self.lenient() && !self.ticket.held()
    }
}

/// Hits, misses and false alarms of one class.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Counts {
    hits: usize,
    missed: usize,
    false_alarms: usize,
}

impl Counts {
    fn of(judged: &[Judged], class: &str, lenient: bool) -> Self {
        let mut counts = Self::default();
        for one in judged {
            let label = if lenient && one.lenient() { one.first() } else { &one.ticket.intent };
            match (label == class, one.first() == class) {
                (true, true) => counts.hits += 1,
                (true, false) => counts.missed += 1,
                (false, true) => counts.false_alarms += 1,
                (false, false) => {}
            }
        }
        counts
    }

    fn f1(self) -> f64 {
        ratio(2 * self.hits, 2 * self.hits + self.missed + self.false_alarms)
    }
}

/// The figures that a floor can be held under.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Share of first readings that are the label.
    pub accuracy: f64,
    /// Share of first readings that are accepted.
    pub accuracy_lenient: f64,
    /// Mean F1 over the labels that occur.
    pub macro_f1: f64,
    /// The same, an accepted reading counted as the label.
    pub macro_f1_lenient: f64,
    /// Texts that would be acted upon.
    pub acted: usize,
    /// Those of them that are of another intent, not English, or held.
    pub acted_wrongly: usize,
    /// English texts whose label is an acting intent, those left out that are held.
    pub acting: usize,
    /// Those of them that were acted upon rightly.
    pub acting_reached: usize,
}

impl Figures {
    /// Adds up.
    #[must_use]
    pub fn of(judged: &[Judged]) -> Self {
        let count = |test: &dyn Fn(&Judged) -> bool| judged.iter().filter(|one| test(one)).count();
        let acting = |one: &Judged| ACTING.contains(&one.ticket.intent.as_str()) && !one.ticket.held();
        Self {
            accuracy: ratio(count(&Judged::strict), judged.len()),
            accuracy_lenient: ratio(count(&Judged::lenient), judged.len()),
            macro_f1: macro_f1(judged, false),
            macro_f1_lenient: macro_f1(judged, true),
            acted: count(&Judged::acted_upon),
            acted_wrongly: count(&|one| one.acted_upon() && !one.acted_upon_rightly()),
            acting: count(&acting),
            acting_reached: count(&|one| acting(one) && one.acted_upon() && one.acted_upon_rightly()),
        }
    }
}

/// Only labels that occur are averaged, so that a small file is not judged by classes that it does not hold.
fn macro_f1(judged: &[Judged], lenient: bool) -> f64 {
    let occurring: BTreeSet<&str> = judged.iter().map(|one| if lenient && one.lenient() { one.first() } else { &one.ticket.intent }).collect();
    occurring.iter().map(|class| Counts::of(judged, class, lenient).f1()).sum::<f64>() / occurring.len().max(1) as f64
}

/// The report for a terminal.
#[must_use]
pub fn report(judged: &[Judged], took: Duration) -> String {
    let mut out = String::new();
    let figures = Figures::of(judged);
    let foreign = judged.iter().filter(|one| one.ticket.foreign()).count();
    let _ = writeln!(out, "texts                {:>6}   not English {foreign}", judged.len());
    let _ = writeln!(out, "accuracy             {:>6.3}   lenient {:.3}", figures.accuracy, figures.accuracy_lenient);
    let _ = writeln!(out, "macro-F1             {:>6.3}   lenient {:.3}", figures.macro_f1, figures.macro_f1_lenient);
    let english: Vec<Judged> = judged.iter().filter(|one| !one.ticket.foreign()).cloned().collect();
    if foreign > 0 {
        let only = Figures::of(&english);
        let _ = writeln!(out, "  English alone      {:>6.3}   lenient {:.3}", only.macro_f1, only.macro_f1_lenient);
    }
    let _ = writeln!(out, "calibration error    {:>6.3}", calibration_error(judged));
    let _ = writeln!(out, "texts per second     {:>6.0}   in the component, on one core", judged.len() as f64 / took.as_secs_f64().max(1e-9));
    classes(&mut out, judged);
    curve(&mut out, judged);
    acted(&mut out, judged, figures);
    out
}

fn classes(out: &mut String, judged: &[Judged]) {
    let _ = writeln!(out, "\n{:<18} {:>6} {:>10} {:>7} {:>6} {:>8} {:>6}", "intent", "labels", "precision", "recall", "F1", "lenient", "acted");
    for class in INTENTS {
        let (strict, lenient) = (Counts::of(judged, class, false), Counts::of(judged, class, true));
        let acted = judged.iter().filter(|one| one.acted_upon() && one.first() == class).count();
        let (labels, found) = (strict.hits + strict.missed, strict.hits + strict.false_alarms);
        let _ = writeln!(
            out,
            "{class:<18} {labels:>6} {:>10.3} {:>7.3} {:>6.3} {:>8.3} {acted:>6}",
            ratio(strict.hits, found),
            ratio(strict.hits, labels),
            strict.f1(),
            lenient.f1()
        );
    }
}

/// What is risked by trusting the surest part of the readings.
fn curve(out: &mut String, judged: &[Judged]) {
    let mut sure: Vec<&Judged> = judged.iter().collect();
    sure.sort_by_key(|one| std::cmp::Reverse(one.confidence()));
    let _ = writeln!(out, "\nrisk-coverage: of the surest texts, the share read wrongly (lenient)");
    let _ = writeln!(out, "{:>9} {:>6} {:>11}", "coverage", "risk", "confidence");
    for tenth in 1..=10 {
        let kept = sure.get(..sure.len() * tenth / 10).unwrap_or_default();
        let Some(last) = kept.last() else { continue };
        let wrong = kept.iter().filter(|one| !one.lenient()).count();
        let _ = writeln!(out, "{:>8}0% {:>6.3} {:>11.3}", tenth, ratio(wrong, kept.len()), f64::from(last.confidence()) / 1000.0);
    }
}

fn acted(out: &mut String, judged: &[Judged], figures: Figures) {
    let Figures { acted, acted_wrongly, acting, acting_reached, .. } = figures;
    let share = 100.0 * ratio(acted, judged.len());
    let _ = writeln!(out, "\nacted upon at the default threshold: {acted} of {} ({share:.1} %), {acted_wrongly} wrongly", judged.len());
    let _ = writeln!(out, "of {acting} English texts with an acting label: {acting_reached} acted upon ({:.1} %)", 100.0 * ratio(acting_reached, acting));
    for one in judged.iter().filter(|one| one.acted_upon() && !one.acted_upon_rightly()) {
        let _ = writeln!(out, "  wrongly: {} read as {} in {}", one.ticket.intent, one.first(), line(one));
    }
}

/// The rows that were read wrongly or left, for whoever improves the model.
#[must_use]
pub fn misses(judged: &[Judged]) -> String {
    let mut out = String::new();
    for one in judged {
        let left = ACTING.contains(&one.ticket.intent.as_str()) && !one.acted_upon();
        if !one.lenient() || left {
            let how = if one.lenient() { "left alone" } else { "misread" };
            let (system, another) = (one.found.other_system.as_deref().unwrap_or_default(), one.found.about_another.as_deref().unwrap_or_default());
            let _ = writeln!(
                out,
                "{how}: {} read as {} at {} system `{system}` another `{another}` in {}",
                one.ticket.intent,
                one.first(),
                one.confidence(),
                line(one)
            );
        }
    }
    out
}

fn line(one: &Judged) -> String {
    let text: String = one.ticket.text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect();
    format!("{} `{text}`", one.ticket.id)
}

/// How far confidence and hit rate lie apart, over ten equal bands.
fn calibration_error(judged: &[Judged]) -> f64 {
    let band = |band: u16| {
        let inside: Vec<&Judged> = judged.iter().filter(|one| (one.confidence() / 100).min(9) == band).collect();
        let said: f64 = inside.iter().map(|one| f64::from(one.confidence()) / 1000.0).sum();
        (said - inside.iter().filter(|one| one.lenient()).count() as f64).abs()
    };
    (0..10).map(band).sum::<f64>() / judged.len().max(1) as f64
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_core::stage::Candidate;

    /// `label notes > reading confidence`; `!` abstains, `@` is about another, `#` about another system.
    fn judged(rows: &[&str]) -> Vec<Judged> {
        let one = |row: &&str| {
            let (ticket, found) = row.split_once(" > ").unwrap();
            let (intent, notes) = ticket.split_once(' ').unwrap_or((ticket, ""));
            let (reading, confidence) = found.split_once(' ').unwrap();
            let flag = |flag| confidence.contains(flag).then(String::new);
            let candidate =
                Candidate { intent: reading.into(), confidence: confidence.trim_end_matches(['!', '@', '#']).parse().unwrap(), because: Vec::new() };
            let found = Understanding {
                candidates: vec![candidate],
                abstained: flag('!').is_some(),
                other_system: flag('#'),
                about_another: flag('@'),
                ..Understanding::default()
            };
            let line = serde_json::json!({"id": "t", "text": "text", "intent": intent, "notes": notes}).to_string();
            Judged { ticket: Ticket::read(&line).unwrap().remove(0), found }
        };
        rows.iter().map(one).collect()
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let rows = judged(&["printer > printer 900", "printer > hardware 800", "hardware amb=printer > printer 700", "other > thanks 600"]);
        let figures = Figures::of(&rows);
        assert_eq!((figures.accuracy, figures.accuracy_lenient), (0.5, 0.75));
        // Printer 1 of each kind, hardware 1 missed and 1 false, other right.
        assert!((figures.macro_f1 - (0.5 + 0.0 + 1.0) / 3.0).abs() < 1e-9, "{figures:?}");
        // The accepted reading makes a second printer; hardware is nobody's label any more.
        assert!((figures.macro_f1_lenient - (0.8 + 1.0) / 2.0).abs() < 1e-9, "{figures:?}");
        assert!((calibration_error(&rows) - (0.1 + 0.8 + 0.3 + 0.4) / 4.0).abs() < 1e-9);
    }

    #[test]
    fn only_a_clear_reading_of_ones_own_account_is_acted_upon() {
        let rows = judged(&[
            "password_reset > password_reset 900",
            "password_reset > password_reset 900!",
            "password_reset > password_reset 900@",
            "password_reset > password_reset 900#",
            "password_reset lang=pt; free words > password_reset 900",
            "password_reset hold=another > password_reset 900",
            "account_unlock also=password_reset > password_reset 900",
            "printer > mfa_reset 900",
            "printer > printer 900",
        ]);
        let figures = Figures::of(&rows);
        assert_eq!((figures.acted, figures.acted_wrongly), (5, 3));
        assert_eq!((figures.acting, figures.acting_reached), (5, 2));
        let report = report(&rows, Duration::from_secs(2));
        assert!(report.contains("texts per second          4"), "{report}");
        assert!(report.contains("wrongly: printer read as mfa_reset in t `text`"), "{report}");
    }

    #[test]
    fn the_curve_trusts_the_surest_first() {
        let mut rows = vec!["printer > printer 900"; 5];
        rows.extend(["printer > other 100"; 5]);
        let report = report(&judged(&rows), Duration::from_secs(1));
        assert!(report.contains("       50%  0.000       0.900\n       60%  0.167       0.100\n"), "{report}");
    }

    #[test]
    fn a_bad_line_is_named() {
        let complaint = |line: &str| format!("{:#}", Ticket::read(&format!("\n{line}")).unwrap_err());
        assert!(complaint("{}").contains("line 2"));
        assert!(complaint(r#"{"id":"1","text":"","intent":"coffee"}"#).contains("unknown intent `coffee`"));
        assert!(complaint(r#"{"id":"1","text":"","intent":"other","notes":"amb=tea"}"#).contains("unknown intent `tea`"));
        let read = Ticket::read(r#"{"id":"1","text":"","intent":"other","notes":"amb=printer (maybe), hardware; lang=pt/en"}"#).unwrap().remove(0);
        assert_eq!((read.accepted(), read.foreign()), (vec!["other", "printer", "hardware"], true));
    }
}
