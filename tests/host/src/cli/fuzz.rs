//! `fuzz`: hostile input for all that reads what strangers wrote.

use super::import::Reading;
use anyhow::{Context as _, Result, bail};
use firstline_host::build::{components, to_stderr};
use firstline_host::fuzz::{KEY, Run, Signed, detect, imports, intake, webhooks};
use std::path::Path;
use std::time::Duration;

/// What an answer may take in a release build; an unoptimised host is only slower around the component.
const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 400 });

pub async fn run(arguments: &[String]) -> Result<()> {
    let (mut minutes, mut seed) = (1.0_f64, 1_u64);
    let mut targets: Vec<&str> = Vec::new();
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "--minutes" => minutes = rest.next().and_then(|value| value.parse().ok()).filter(|value| *value > 0.0).context("`--minutes` takes a number")?,
            "--seed" => seed = rest.next().and_then(|value| value.parse().ok()).context("`--seed` takes a whole number")?,
            "detect" | "webhooks" | "intake" | "imports" => targets.push(argument),
            other => bail!("`fuzz` does not know `{other}`: use `detect`, `webhooks`, `intake`, `imports`, `--minutes N`, `--seed N`"),
        }
    }
    if targets.is_empty() {
        targets = vec!["detect", "webhooks", "intake", "imports"];
    }
    let project = super::project()?;
    components(&project, &mut to_stderr)?;
    let manifest = project.join("spin.toml");
    for target in targets {
        let time = Duration::from_secs_f64(minutes * 60.0);
        let Run { inputs, slowest } = match target {
            "detect" => detect(&manifest, &texts(&project)?, seed, time, LIMIT).await?,
            "intake" => intake(&manifest, &signed(&texts(&project)?), seed, time, LIMIT).await?,
            "imports" => imports(&exports(&project)?, &Reading::default().options()?, seed, time, LIMIT).await?,
            _ => webhooks(&manifest, &bodies(&texts(&project)?), seed, time, LIMIT).await?,
        };
        super::say(&format!("{target}: {inputs} inputs in {minutes} minutes, seed {seed}, no finding; slowest answer {:.1} ms", slowest.as_secs_f64() * 1e3));
    }
    Ok(())
}

/// Every text of the data, in all its languages.
fn texts(project: &Path) -> Result<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    for file in ["hard.jsonl", "utterances.jsonl", "desk.jsonl", "languages.jsonl", "zenodo-7648117.jsonl"] {
        let path = project.join("components/intent-detection/data").join(file);
        for line in std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?.lines() {
            let row: serde_json::Value = serde_json::from_str(line)?;
            texts.extend(row.get("text").and_then(|text| text.as_str()).map(|text| text.as_bytes().to_vec()));
        }
    }
    Ok(texts)
}

/// The same texts as Slack would deliver them.
fn bodies(texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let event = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        serde_json::json!({"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": {"type": "message", "channel": "D1", "channel_type": "im", "user": "U1", "ts": "1758000000.000100", "text": text}})
    };
    let press = serde_json::json!({"type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T1"}, "channel": {"id": "D1"}, "message": {"ts": "1758000000.000100"}, "actions": [{"action_id": "a", "value": "v", "action_ts": "1758000001.000100"}]});
    let press = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &press.to_string()).finish();
    let events = texts.iter().step_by(9).map(|text| event(text).to_string().into_bytes());
    events.chain(std::iter::repeat_n(press.into_bytes(), 40)).collect()
}

/// The same from somebody of the demo's workspace, and callbacks about a ticket of its PSA.
fn signed(texts: &[Vec<u8>]) -> Signed {
    let named = |body: Vec<u8>| {
        let body = String::from_utf8_lossy(&body).into_owned();
        body.replace("T1", "T0ACME").replace("U1", "U0JANE").replace("D1", "D0JANE").into_bytes()
    };
    let entity = serde_json::json!({"id": 1, "summary": "I forgot my password", "company": {"id": 19}, "board": {"id": 1}, "status": {"id": 1}}).to_string();
    let callback = |action: &str, ticket: u64| {
        serde_json::json!({"MessageId": "1-1", "Action": action, "Type": "ticket", "ID": ticket, "Entity": entity, "CompanyId": "northwind", "MemberId": "x", "Metadata": {"key_url": KEY}, "CallbackObjectRecId": 1}).to_string().into_bytes()
    };
    Signed { webhooks: bodies(texts).into_iter().map(named).collect(), callbacks: vec![callback("updated", 1), callback("added", 700), callback("deleted", 2)] }
}

/// Histories as programs write them: the sample by some lines, and its tickets as JSON Lines.
fn exports(project: &Path) -> Result<Vec<Vec<u8>>> {
    let path = project.join("tests/data/history.csv");
    let sample = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let (head, rows) = sample.split_once('\n').context("the sample has no header")?;
    let rows: Vec<&str> = rows.lines().collect();
    let mut exports: Vec<Vec<u8>> = rows.chunks(20).take(20).map(|rows| format!("{head}\n{}\n", rows.join("\n")).into_bytes()).collect();
    let import = firstline_import::read(sample.as_bytes(), &Reading::default().options()?, &mut |_| {}).map_err(anyhow::Error::msg)?;
    exports.extend(firstline_import::parts(&import.records, 15).into_iter().take(20).map(String::into_bytes));
    exports.extend(["a;b\n1;2\n", "[{\"id\": 1, \"opened\": \"2026-01-02\"}]", "{}"].map(|text| text.as_bytes().to_vec()));
    Ok(exports)
}
