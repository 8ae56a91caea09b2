//! Where the examples come from, and how much each of them counts.

use anyhow::{Context, Result};
use fastrand::Rng;
use intent_detection::{
    features::{Feature, features},
    labels::Intent,
    lexicon::Lexicon,
    pattern::OWN,
    signals::signals,
    text::Text,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::Path,
};

/// Expansions drawn from each template.
const DRAWS: usize = 10;
/// Tickets taken from each form, whose texts differ in little but the masked names.
const FORMS: usize = 20;

/// One labelled text.
#[derive(Debug, Clone)]
pub struct Example {
    /// What somebody wrote.
    pub text: String,
    /// What it means.
    pub intent: Intent,
    /// Where it comes from; examples of one source are never on both sides of a split.
    pub source: Source,
    /// How much it counts.
    pub weight: f32,
    /// Other readings that a fair judge accepts.
    pub also: Vec<Intent>,
    /// Not to be acted upon whatever its label, as the labellers said: not English (`lang=`), or somebody else's or another system's (`hold=`).
    pub held: bool,
    /// What the model sees of its words.
    pub features: Vec<Feature>,
    /// What the encoder makes of it.
    pub vector: Vec<f32>,
}

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Written as people write in a chat.
    Chat,
    /// Drawn from templates.
    Templates,
    /// Written as tickets: subjects, mails, a desk's own notes.
    Desk,
    /// Written as tickets once more, shorter: titles, forms, call logs.
    Queue,
    /// Published tickets.
    Tickets,
    /// German, Spanish and Portuguese subjects.
    Languages,
}

impl Source {
    /// Every source.
    pub const ALL: [Source; 6] = [Source::Chat, Source::Templates, Source::Desk, Source::Queue, Source::Tickets, Source::Languages];
}

impl Example {
    fn new(text: String, intent: Intent, source: Source, weight: f32) -> Self {
        let read = Text::read(&text);
        let features = features(&read, &signals(&read, &Lexicon::new()));
        Example { text, intent, source, weight, also: Vec::new(), held: source == Source::Languages, features, vector: Vec::new() }
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
pub fn labelled(path: &Path, source: Source) -> Result<Vec<Example>> {
    let rows: Vec<Row> = lines(path)?;
    rows.into_iter()
        .map(|row| {
            let intent = Intent::named(&row.intent).with_context(|| format!("{}: unknown intent `{}`", row.id, row.intent))?;
            let notes: Vec<&str> = row.notes.split(';').map(str::trim).collect();
            let also = notes.iter().filter_map(|note| note.strip_prefix("amb=").or(note.strip_prefix("also=")));
            let also = also.filter_map(|names| Intent::named(names.split([' ', ',']).next()?)).collect();
            let mut example = Example::new(row.text, intent, source, 1.0);
            let held = |note: &&str| note.starts_with("hold=") || note.strip_prefix("lang=").is_some_and(|lang| !lang.starts_with("en"));
            example.held |= notes.iter().any(held);
            Ok(Example { also, ..example })
        })
        .collect()
}

/// Seeded expansions of the templates.
pub fn generated(templates: &Path, slots: &Path, rng: &mut Rng) -> Result<Vec<Example>> {
    let slots: BTreeMap<String, Vec<String>> = serde_json::from_str(&fs::read_to_string(slots)?)?;
    let mut examples = Vec::new();
    for template in lines::<Template>(templates)? {
        let intent = Intent::named(&template.intent).with_context(|| format!("{}: unknown intent", template.id))?;
        for _ in 0..DRAWS {
            let mut text = fill(&template.template, &slots, rng);
            if rng.f32() < 0.2 {
                text = mistype(&text, rng);
            }
            let text = text.trim().to_owned();
            examples.push(Example::new(text, intent, Source::Templates, 0.35));
        }
    }
    Ok(examples)
}

/// What frames that name somebody beside the wish hold.
const NAMING: [&str; 3] = ["{name} {surname} called", "({name} {surname})", "- {name} {surname}"];

/// Every example once more in what surrounds tickets: subjects, greetings, signatures, quoted mail.
pub fn framed(examples: &[Example], frames: &Path, rng: &mut Rng) -> Result<Vec<Example>> {
    let slots: BTreeMap<String, Vec<String>> = serde_json::from_str(&fs::read_to_string(frames)?)?;
    let frames = slots.get("frame").context("no frames")?.clone();
    let mut framed = Vec::new();
    for example in examples {
        let frame = rng.choice(&frames).context("no frames")?;
        let mut text = fill(frame, &slots, rng).replace("{text}", &example.text);
        if rng.f32() < 0.15 {
            text = mistype(&text, rng);
        }
        // Whom the text is about stands in the frame then, and may be anybody, unless the writer speaks of themselves.
        let mut words = example.text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        let own = words.any(|word| OWN.contains(&word.as_str()));
        let held = example.held || !own && NAMING.iter().any(|named| frame.contains(named));
        framed.push(Example { held, ..Example::new(text, example.intent, example.source, 0.5 * example.weight) });
    }
    Ok(framed)
}

/// Puts a value into every slot that is known; others stay.
fn fill(template: &str, slots: &BTreeMap<String, Vec<String>>, rng: &mut Rng) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match slots.get(name).and_then(|values| rng.choice(values)) {
            Some(value) => text.push_str(value),
            None => text.push_str(&format!("{{{name}}}")),
        }
        rest = after;
    }
    text + rest
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
    let held_out: HashSet<String> = held_out.iter().map(|example| bare(&example.text)).collect();
    for row in lines::<Row>(path)? {
        if held_out.contains(&bare(&row.text)) {
            continue;
        }
        let text = GATEWAY.iter().fold(row.text, |text, line| text.replace(line, ""));
        let title: String = text.chars().take(90).collect::<String>().to_lowercase();
        // The forms come first: "initiated by" mails may name a printer server.
        let Some((key, intent)) = TITLES.iter().find(|(key, _)| title.contains(key)) else { continue };
        let count = taken.entry(key).or_default();
        *count += 1;
        if *count <= FORMS {
            examples.push(Example::new(text, *intent, Source::Tickets, 0.5));
        }
    }
    Ok(examples)
}

/// Only what was written: the gateway's lines, masks, spaces and punctuation differ between copies of one ticket.
fn bare(text: &str) -> String {
    let text = GATEWAY.iter().fold(text.to_owned(), |text, line| text.replace(line, ""));
    let words = Text::read(&text).tokens.into_iter().map(|token| token.word);
    words.collect()
}

fn lines<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    text.lines().enumerate().map(|(n, line)| serde_json::from_str(line).with_context(|| format!("`{}` line {}", path.display(), n + 1))).collect()
}
