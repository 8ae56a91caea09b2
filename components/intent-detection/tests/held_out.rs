//! Texts that training never saw: hand-written hard cases, and the labelled development set.

#![allow(clippy::unwrap_used, reason = "helpers of tests may stop at the first surprise")]

use intent_detection::{
    detect::{ARTEFACT, ENCODER, Mind, Understanding, detect},
    labels::Intent,
    text::Text,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// The cosine of the two sentences below by the published weights in floats.
const SAME: f32 = 0.660;
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
    detect(text, &Mind::shipped().unwrap(), &[])
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
    assert!(right * 100 >= count * 84, "{right} of {count}");
}

#[test]
fn the_readme_names_the_artefacts() {
    for (name, file) in [("model.bin", ARTEFACT), ("encoder.bin", ENCODER)] {
        let digest: String = Sha256::digest(file).iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("- `{name}`: {} bytes, SHA-256 `{digest}`.", file.len());
        assert!(include_str!("../README.md").contains(&line), "the README should hold: {line}");
    }
    assert!(ARTEFACT.len() <= 400_000 && ENCODER.len() <= 23_000_000, "{} and {} bytes", ARTEFACT.len(), ENCODER.len());
}

/// The encoder's sense of likeness must survive the way from the published weights to whole numbers.
#[test]
fn like_texts_lie_closer_than_unlike_ones() {
    let mind = Mind::shipped().unwrap();
    let vector = |text: &str| mind.vector(&Text::read(text));
    let alike = |a: &str, b: &str| vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum::<f32>();
    for (text, like, unlike) in [
        ("I forgot my password", "can't remember my login secret", "the printer is jammed"),
        ("the printer is jammed", "paper is stuck in the copier", "I need a Visio licence"),
        ("new colleague starts on Monday", "please set up accounts for a new hire", "my screen flickers"),
    ] {
        assert!(alike(text, like) > alike(text, unlike) + 0.15, "{text}: {} {}", alike(text, like), alike(text, unlike));
    }
    // As the published weights have it, within what eight bits cost.
    assert!(
        (alike("I forgot my password", "can't remember my login secret") - SAME).abs() < 0.02,
        "{}",
        alike("I forgot my password", "can't remember my login secret")
    );
}

/// What every sentence tells users to write if they want a person has to bring one, in each language.
#[test]
fn the_words_that_bring_a_person_are_understood() {
    let catalogues = [
        include_str!("../../messaging/src/sentences/en.json"),
        include_str!("../../messaging/src/sentences/de.json"),
        include_str!("../../messaging/src/sentences/es.json"),
        include_str!("../../messaging/src/sentences/pt.json"),
    ];
    for catalogue in catalogues {
        let catalogue: Value = serde_json::from_str(catalogue).unwrap();
        let label = catalogue["labels"]["talk-to-person"].as_str().unwrap();
        let greeting = catalogue["sentences"]["greeting"].to_string();
        assert!(greeting.to_lowercase().contains(&label.to_lowercase()), "{label} is not what the greeting says");
        for text in [label.to_string(), label.to_lowercase(), format!("{label}!"), format!("\"{}\"", label.to_lowercase())] {
            assert_eq!(read(&text).readings[0].intent.name(), "human", "`{text}`: {:?}", read(&text));
        }
    }
}
