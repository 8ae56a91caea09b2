//! Texts that training never saw: hand-written hard cases, and the labelled development set.

#![allow(clippy::unwrap_used, reason = "helpers of tests may stop at the first surprise")]

use intent_detection::{
    detect::{ARTEFACT, Understanding, detect},
    labels::Intent,
    model::Model,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

const HARD: &str = include_str!("../data/hard.jsonl");
const DEV: &str = include_str!("../data/l1-dev.jsonl");
const TRAINED: &str = include_str!("../data/utterances.jsonl");

fn rows(file: &str) -> Vec<Value> {
    file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn field<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap()
}

fn read(text: &str) -> Understanding {
    detect(text, &Model::read(ARTEFACT).unwrap())
}

/// Acting wrongly is never right; the other columns of the table may miss a few.
#[test]
fn hard_cases_are_never_acted_upon_wrongly_and_mostly_understood() {
    let (mut wrong, mut missed, mut count) = (Vec::new(), Vec::new(), 0);
    for row in rows(HARD) {
        let (text, want) = (field(&row, "text"), field(&row, "want"));
        let found = read(text);
        let acts = found.acts().map(Intent::name);
        let first = found.readings[0].intent.name();
        count += 1;
        let understood = match want {
            "other_system" => found.other_system.is_some(),
            "about_another" => found.about_another.is_some(),
            "greeting" | "thanks" | "human" => first == want && !found.abstained,
            "no" => true,
            _ => acts == Some(want),
        };
        if acts.is_some_and(|acts| acts != want) {
            wrong.push(format!("{want}: `{text}` {found:?}"));
        }
        if !understood {
            missed.push(format!("{want}: `{text}` {found:?}"));
        }
    }
    assert!(count >= 150, "{count}");
    println!("{count} hard cases, {} acted upon wrongly, {} missed\n{}\n{}", wrong.len(), missed.len(), wrong.join("\n"), missed.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(missed.len() * 10 <= count, "{} of {count} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn hard_cases_are_not_in_the_training_data() {
    let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let trained: HashSet<String> = rows(TRAINED).iter().map(|row| bare(field(row, "text"))).collect();
    for row in rows(HARD) {
        let text = bare(field(&row, "text"));
        assert!(text.is_empty() || !trained.contains(&text), "{row}");
    }
}

#[test]
fn the_development_set_holds_its_floor() {
    let (mut right, mut count) = (0, 0);
    for row in rows(DEV) {
        let (text, intent, notes) = (field(&row, "text"), field(&row, "intent"), field(&row, "notes"));
        let found = read(text);
        let first = found.readings[0].intent.name();
        let accepted = |name: &str| intent == name || notes.contains(&format!("amb={name}")) || notes.contains(&format!("also={name}"));
        count += 1;
        right += usize::from(accepted(first));
        let acts = found.acts().map(Intent::name);
        assert!(acts.is_none_or(accepted), "acted upon wrongly: {row} {found:?}");
        assert!(acts.is_none() || !notes.contains("lang="), "acted upon though not English: {row} {found:?}");
    }
    println!("development set: {right} of {count}");
    assert!(right * 100 >= count * 68, "{right} of {count}");
}

#[test]
fn the_readme_names_the_artefact() {
    let digest: String = Sha256::digest(ARTEFACT).iter().map(|byte| format!("{byte:02x}")).collect();
    let line = format!("- `model.bin`: {} bytes, SHA-256 `{digest}`.", ARTEFACT.len());
    assert!(include_str!("../README.md").contains(&line), "the README should hold: {line}");
    assert!(ARTEFACT.len() <= 200_000, "{} bytes", ARTEFACT.len());
}
