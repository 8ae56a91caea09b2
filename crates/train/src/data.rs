//! Where the examples come from, and how much each of them counts.

use anyhow::{Context, Result};
use fastrand::Rng;
use intent_detection::{
    features::{Feature, features},
    labels::Intent,
    lexicon::Lexicon,
    signals::signals,
    text::Text,
};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};

/// Expansions drawn from each template.
const DRAWS: usize = 24;
/// Tickets taken from each form, whose texts differ in little but the masked names.
const FORMS: usize = 20;

/// One labelled text.
#[derive(Debug, Clone)]
pub struct Example {
    /// What somebody wrote.
    pub text: String,
    /// What it means.
    pub intent: Intent,
    /// Examples of one group are never on both sides of a split.
    pub group: String,
    /// How much it counts.
    pub weight: f32,
    /// Other readings that a fair judge accepts.
    pub also: Vec<Intent>,
    /// Not English, as the labellers said.
    pub foreign: bool,
    /// What the model sees of it.
    pub features: Vec<Feature>,
}

impl Example {
    fn new(text: String, intent: Intent, group: String, weight: f32) -> Self {
        let read = Text::read(&text);
        let features = features(&read, &signals(&read, &Lexicon::new()));
        Example { text, intent, group, weight, also: Vec::new(), foreign: false, features }
    }
}

#[derive(Deserialize)]
struct Row {
    id: String,
    text: String,
    #[serde(default)]
    intent: String,
    #[serde(default)]
    notes: String,
}

#[derive(Deserialize)]
struct Template {
    id: String,
    intent: String,
    template: String,
}

/// Labelled rows `{id, text, intent, notes}`, the format of an MSP's own files too.
pub fn labelled(path: &Path) -> Result<Vec<Example>> {
    let rows: Vec<Row> = lines(path)?;
    rows.into_iter()
        .map(|row| {
            let intent = Intent::named(&row.intent).with_context(|| format!("{}: unknown intent `{}`", row.id, row.intent))?;
            let notes: Vec<&str> = row.notes.split(';').map(str::trim).collect();
            let also = notes.iter().filter_map(|note| note.strip_prefix("amb=").or(note.strip_prefix("also=")));
            let also = also.filter_map(|names| Intent::named(names.split([' ', ',']).next()?)).collect();
            let foreign = notes.iter().any(|note| note.strip_prefix("lang=").is_some_and(|lang| !lang.starts_with("en")));
            Ok(Example { also, foreign, ..Example::new(row.text, intent, row.id, 1.0) })
        })
        .collect()
}

/// Seeded expansions of the templates; all of one template are one group.
pub fn generated(templates: &Path, slots: &Path, rng: &mut Rng) -> Result<Vec<Example>> {
    let slots: BTreeMap<String, Vec<String>> = serde_json::from_str(&fs::read_to_string(slots)?)?;
    let mut examples = Vec::new();
    for template in lines::<Template>(templates)? {
        let intent = Intent::named(&template.intent).with_context(|| format!("{}: unknown intent", template.id))?;
        for _ in 0..DRAWS {
            let mut text = String::new();
            for part in template.template.split_inclusive(['{', '}']) {
                let slot = part.strip_suffix('}').and_then(|name| slots.get(name)).and_then(|values| rng.choice(values));
                text.push_str(slot.map_or(part.trim_end_matches('{'), String::as_str));
            }
            if rng.f32() < 0.2 {
                text = mistype(&text, rng);
            }
            let text = text.trim().to_owned();
            examples.push(Example::new(text, intent, template.id.clone(), 0.35));
        }
    }
    Ok(examples)
}

/// One slip of the finger: two letters change places, or one is left out or doubled.
fn mistype(text: &str, rng: &mut Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let places: Vec<usize> =
        (1..chars.len().saturating_sub(2)).filter(|&i| chars.get(i..i + 2).is_some_and(|two| two.iter().all(|c| c.is_alphabetic()))).collect();
    if let Some(&at) = rng.choice(&places) {
        match rng.u8(0..3) {
            0 => chars.swap(at, at + 1),
            1 => drop(chars.remove(at)),
            _ => chars.insert(at, chars.get(at).copied().unwrap_or('e')),
        }
    }
    chars.into_iter().collect()
}

/// Tickets whose title is the name of a form, or a device that only one class deals with: the title is the label.
const TITLES: &[(&str, Intent)] = &[
    ("file share access -", Intent::GroupChange),
    ("basis user", Intent::Onboarding),
    ("light user", Intent::Onboarding),
    ("create shared mailbox", Intent::MailboxAccess),
    ("delete shared mailbox", Intent::MailboxAccess),
    ("shared mailbox access", Intent::MailboxAccess),
    ("leaving employee", Intent::Offboarding),
    ("cancelamento usu", Intent::Offboarding),
    ("check_mk", Intent::Other),
    ("initiated by", Intent::Other),
    ("planned maintenance", Intent::Other),
    ("printer", Intent::Printer),
    ("impressora", Intent::Printer),
    ("impresora", Intent::Printer),
    ("drucker", Intent::Printer),
    ("vpn", Intent::VpnIssue),
    ("licen", Intent::LicenseRequest),
    ("lizenz", Intent::LicenseRequest),
    ("pasta", Intent::GroupChange),
    ("carpeta", Intent::GroupChange),
    ("instala", Intent::SoftwareRequest),
];

/// Lines that the mail gateway of the published tickets put before every subject.
const GATEWAY: &[&str] = &[
    "New Support Ticket received",
    "A Support Ticket was forwarded to your role",
    "A Support Ticket was forwarded to you",
    "New information received on closed ticket",
    "Reminder of paused Support Ticket",
];

/// Weakly labelled tickets: short ones and forms, by their titles alone; `held_out` are left out.
pub fn tickets(path: &Path, held_out: &[Example]) -> Result<Vec<Example>> {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut examples = Vec::new();
    for row in lines::<Row>(path)? {
        if held_out.iter().any(|example| example.text == row.text) {
            continue;
        }
        let text = GATEWAY.iter().fold(row.text, |text, line| text.replace(line, ""));
        let title: String = text.chars().take(90).collect::<String>().to_lowercase();
        // The forms come first: "initiated by" mails may name a printer server.
        let Some((key, intent)) = TITLES.iter().find(|(key, _)| title.contains(key)) else { continue };
        let count = taken.entry(key).or_default();
        *count += 1;
        if *count <= FORMS {
            examples.push(Example::new(text, *intent, format!("form-{key}"), 0.5));
        }
    }
    Ok(examples)
}

fn lines<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    text.lines().enumerate().map(|(n, line)| serde_json::from_str(line).with_context(|| format!("`{}` line {}", path.display(), n + 1))).collect()
}
