//! Hostile input by the minute: texts, webhooks, callbacks and ticket histories that were cut, spliced, doubled and salted.
//! Texts and webhooks go to the stages as built, what is signed to the whole application with its emulated vendors, histories to `crates/import`.
//!
//! Seeded, so that a finding can be had again; a finding is a trap, an answer that breaks the contract, or one that takes too long.

use crate::desk::{self, Desk, Keys};
use crate::reader::{Listener, Reader};
use crate::{Config, Event};
use anyhow::{Result, anyhow, bail, ensure};
use firstline_import::Options;
use firstline_vendors::DEMO;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest input; intake reads no more than this of a message.
const LONGEST: usize = 100_000;
/// What no parser likes.
const SALT: &[&str] = &[
    "\0",
    "\u{202e}",
    "\u{200b}",
    "\u{301}",
    "\u{1d41a}",
    "İ",
    "ß",
    "ﷺ",
    "🤷🏽",
    "[",
    "]",
    "[NAME]",
    "<@",
    ">",
    "&gt;",
    "{{secret:pw}}",
    "'s",
    "’",
    "\\\\",
    "J:\\",
    "@",
    "a@b.c",
    "://",
    "\n",
    "\r\n",
    "\t",
    "\"",
    "{",
    "}",
    "\\u0000",
    "\\ud800",
    "null",
    "1e999",
    "-",
    "--",
    "..",
    "0",
    "%00",
    "=",
    "&",
    "payload=",
    "and",
    "also",
    "my",
    "password",
    "for",
    "Bob",
    "approved by",
    "31.12.",
    "1 May",
    "From:",
    "\u{feff}",
];

/// A reproducible source of choices.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below another one; zero below zero.
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % most.max(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

/// Makes a new input out of known ones.
#[must_use]
pub fn mutate(known: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = random.one(known).cloned().unwrap_or_default();
    for _ in 0..=random.below(8) {
        let (from, to) = (random.below(bytes.len() + 1), random.below(bytes.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        match random.below(7) {
            0 => drop(bytes.drain(from..to)),
            1 => {
                let part = bytes.get(from..to).unwrap_or_default().to_vec();
                let most = if random.below(20) == 0 { 4_000 } else { 8 };
                let times = 1 + random.below(most);
                let room = LONGEST.saturating_sub(bytes.len()) / part.len().max(1);
                drop(bytes.splice(from..from, part.repeat(times.min(room))));
            }
            2 | 3 => {
                let salt = random.one(SALT).copied().unwrap_or_default();
                drop(bytes.splice(from..from, salt.bytes()));
            }
            4 => {
                let other = random.one(known).cloned().unwrap_or_default();
                let cut = random.below(other.len() + 1);
                drop(bytes.splice(from..to, other.into_iter().skip(cut)));
            }
            5 => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << random.below(8);
                }
            }
            _ => bytes.truncate(to),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// How a run went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run {
    /// Inputs given.
    pub inputs: u64,
    /// The slowest answer.
    pub slowest: Duration,
}

/// So often an input that took too long is given again.
const AGAIN: usize = 3;

/// The answer to an input, and how long it took. Whatever else the machine did meanwhile is no finding: what is slow is slow again.
async fn timed<T>(limit: Duration, mut give: impl AsyncFnMut() -> T) -> (T, Duration) {
    let asked = Instant::now();
    let answer = give().await;
    let mut took = asked.elapsed();
    for _ in 0..AGAIN {
        if took > limit {
            let asked = Instant::now();
            _ = give().await;
            took = took.min(asked.elapsed());
        }
    }
    (answer, took)
}

/// Gives `intent-detection` mutated texts until the time is over, or stops at the first finding.
pub async fn detect(manifest: &Path, known: &[Vec<u8>], seed: u64, time: Duration, limit: Duration) -> Result<Run> {
    let mut reader = Reader::start(manifest).await?;
    let (mut random, mut run, began) = (Random::new(seed), Run::default(), Instant::now());
    while began.elapsed() < time {
        let text = String::from_utf8_lossy(&mutate(known, &mut random)).into_owned();
        let (found, took) = timed(limit, async || reader.read(&text).await).await;
        let finding = |what: &str| format!("input {} of seed {seed}: {what}: {:?}", run.inputs, text.chars().take(2_000).collect::<String>());
        let Ok(found) = found else { bail!(finding(&format!("{:#}", found.err().unwrap_or_else(|| anyhow::anyhow!("no answer"))))) };
        ensure!(took <= limit, finding(&format!("took {took:?}")));
        ensure!(!found.candidates.is_empty() && found.entities.len() <= 16, finding("the answer breaks the contract"));
        let spans = found.candidates.iter().chain(&found.also).flat_map(|one| &one.because).chain(found.entities.iter().map(|entity| &entity.words));
        for words in spans.chain(&found.about_another).chain(&found.other_system) {
            ensure!(text.contains(words.as_str()), finding(&format!("`{words}` does not stand in the text")));
        }
        // The same text must be read the same way, or a case would not replay.
        if run.inputs.is_multiple_of(64) {
            ensure!(reader.read(&text).await? == found, finding("read in another way the second time"));
        }
        run = Run { inputs: run.inputs + 1, slowest: run.slowest.max(took) };
    }
    Ok(run)
}

/// Gives `messaging` mutated webhooks until the time is over, or stops at the first finding.
pub async fn webhooks(manifest: &Path, known: &[Vec<u8>], seed: u64, time: Duration, limit: Duration) -> Result<Run> {
    let mut listener = Listener::start(manifest).await?;
    let (mut random, mut run, began) = (Random::new(seed), Run::default(), Instant::now());
    while began.elapsed() < time {
        let body = mutate(known, &mut random);
        let media = random.one(&["application/json", "application/x-www-form-urlencoded", "", "text/plain"]).copied().unwrap_or_default();
        let (answered, took) = timed(limit, async || listener.read(media, &body).await).await;
        let finding = |what: &str| {
            format!("input {} of seed {seed}: {what}: {media} {:?}", run.inputs, String::from_utf8_lossy(&body).chars().take(2_000).collect::<String>())
        };
        if let Err(trap) = answered {
            bail!(finding(&format!("{trap:#}")));
        }
        ensure!(took <= limit, finding(&format!("took {took:?}")));
        run = Run { inputs: run.inputs + 1, slowest: run.slowest.max(took) };
    }
    Ok(run)
}

/// Gives the application mutated bodies under the vendors' own signatures, and waits for all that comes of each, until the time is over or at the first finding:
/// a trap, an answer that blames the application, or a request to a vendor that no correct client sends.
pub async fn intake(manifest: &Path, known: &Signed, seed: u64, time: Duration, limit: Duration) -> Result<Run> {
    let traps: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut config = Config::new(manifest);
    let noted = traps.clone();
    config.trace = Arc::new(move |event| {
        if let Event::Trap { component, why } = event {
            noted.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{component}: {why}"));
        }
    });
    let vendors = desk::vendors(&config.clock);
    vendors.seed(&serde_json::from_str(DEMO)?).map_err(anyhow::Error::msg)?;
    let desk = Desk::start(config, vendors, Duration::ZERO, Keys::make()?)?;
    desk.enter(&desk::unlimited()?).await?;
    let (mut random, mut run, began) = (Random::new(seed), Run::default(), Instant::now());
    while began.elapsed() < time {
        let psa = random.below(2) == 0;
        let body = mutate(if psa { &known.callbacks } else { &known.webhooks }, &mut random);
        if psa && elsewhere(&body) {
            continue;
        }
        let media = random.one(&["application/json", "application/x-www-form-urlencoded"]).copied().unwrap_or_default();
        let made = match psa {
            true => desk.vendors.connectwise_signed("/webhooks/acme-desk", &body),
            false => desk.vendors.slack_signed("T0ACME", "/webhooks/acme-slack", media, &body),
        };
        let request = made.map_err(anyhow::Error::msg)?;
        let asked = Instant::now();
        let status = desk.app.request(request).await.status();
        let took = asked.elapsed();
        desk.app.idle().await;
        let what = if psa { "callback" } else { media };
        let shown = || String::from_utf8_lossy(&body).chars().take(2_000).collect::<String>();
        let finding = |why: &str| format!("input {} of seed {seed}: {why}: {what} {:?}", run.inputs, shown());
        let trapped = std::mem::take(&mut *traps.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(trapped.is_empty(), finding(&format!("{trapped:?}")));
        ensure!(!status.is_server_error(), finding(&format!("answered {status}")));
        let violations = desk.vendors.violations();
        ensure!(violations.is_empty(), finding(&format!("the vendors were sent {violations:?}")));
        ensure!(took <= limit, finding(&format!("took {took:?}")));
        run = Run { inputs: run.inputs + 1, slowest: run.slowest.max(took) };
    }
    Ok(run)
}

/// Whether a callback names another key than the PSA's: fetching that from the PSA's own host is right, and finding nothing there is too.
fn elsewhere(callback: &[u8]) -> bool {
    let callback: serde_json::Value = serde_json::from_slice(callback).unwrap_or_default();
    callback.pointer("/Metadata/key_url").and_then(serde_json::Value::as_str).is_some_and(|url| url != KEY)
}

/// Where the PSA's key is.
pub const KEY: &str = "https://api-eu.myconnectwise.net/v4_6_release/callback-keys/1";

/// Bodies for [`intake`], as the vendors write them.
#[derive(Debug, Clone, Default)]
pub struct Signed {
    /// Of Slack.
    pub webhooks: Vec<Vec<u8>>,
    /// Of ConnectWise.
    pub callbacks: Vec<Vec<u8>>,
}

/// Reads mutated ticket histories until the time is over, or stops at the first finding. What was read must also be read again from its own lines.
pub async fn imports(known: &[Vec<u8>], options: &Options, seed: u64, time: Duration, limit: Duration) -> Result<Run> {
    let (mut random, mut run, began) = (Random::new(seed), Run::default(), Instant::now());
    while began.elapsed() < time {
        let file = mutate(known, &mut random);
        let finding =
            |what: &str| format!("input {} of seed {seed}: {what}: {:?}", run.inputs, String::from_utf8_lossy(&file).chars().take(2_000).collect::<String>());
        let read = |bytes: &[u8]| catch_unwind(|| firstline_import::read(bytes, options, &mut |_| {})).map_err(|_| anyhow!(finding("a panic")));
        let (import, took) = timed(limit, async || read(&file)).await;
        let import = import?;
        ensure!(took <= limit, finding(&format!("took {took:?}")));
        if let Ok(import) = import {
            for part in firstline_import::parts(&import.records, 100) {
                let again = read(part.as_bytes())?.map_err(|why| anyhow!(finding(&why)))?;
                let lost: Vec<_> = again.complaints.iter().filter(|complaint| !complaint.taken).collect();
                ensure!(lost.is_empty(), finding(&format!("its own lines are not read again: {lost:?}")));
            }
        }
        run = Run { inputs: run.inputs + 1, slowest: run.slowest.max(took) };
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Random, mutate};

    #[test]
    fn a_seed_gives_the_same_inputs_again_and_none_is_too_long() {
        let known = vec![b"I forgot my password".to_vec(), "Gr\u{fc}\u{df}e".as_bytes().to_vec()];
        let run = |seed| {
            let mut random = Random::new(seed);
            (0..300).map(|_| mutate(&known, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!(run(3).iter().all(|input| input.len() <= LONGEST) && run(3).iter().any(|input| input.len() > 1_000));
    }
}
