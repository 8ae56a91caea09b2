//! `scale [N …]`: what a new ticket costs beside N closed cases in the store on disk.

use anyhow::{Context as _, Result, ensure};
use firstline_host::build::to_stderr;
use firstline_host::desk::Keys;
use firstline_host::scale::{Copies, Cost, PAUSE, RUN, Scale};
use firstline_host::store::contents;
use firstline_host::{Config, Disk, build};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tickets that are measured on each store, in turns, so that whatever else the machine does meets all of them.
const TICKETS: usize = 30;
/// Copies in one commit.
const AT_ONCE: usize = 100;

/// A store that is filled, in a folder of its own that goes with it.
struct Filled {
    cases: usize,
    scale: Scale,
    folder: PathBuf,
    costs: Vec<Cost>,
}

impl Drop for Filled {
    fn drop(&mut self) {
        // What is left is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub async fn run(arguments: &[String]) -> Result<()> {
    let mut sizes =
        arguments.iter().map(|n| n.replace(['_', ','], "").parse().with_context(|| format!("`{n}` is no number"))).collect::<Result<Vec<usize>>>()?;
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000, 100_000];
    }
    sizes.sort_unstable();
    let project = super::project()?;
    build::components(&project, &mut to_stderr)?;
    let mut stores = Vec::new();
    for cases in sizes {
        stores.push(fill(&project, cases).await?);
    }
    to_stderr(&format!("measuring {TICKETS} tickets on each store, in turns"));
    for round in 0..=TICKETS {
        tokio::time::sleep(PAUSE).await;
        for store in &mut stores {
            let cost = store.scale.ticket().await?;
            // The first ticket fetches tokens and begins the conversation.
            if round > 0 {
                store.costs.push(cost);
            }
        }
    }
    report(&stores)
}

async fn fill(project: &Path, cases: usize) -> Result<Filled> {
    ensure!(cases >= RUN, "at least {RUN} cases are run");
    let folder = std::env::temp_dir().join(format!("firstline-scale-{}-{cases}", std::process::id()));
    let keys = Keys::make()?;
    let disk = Arc::new(Disk::open(&folder.join("store.redb"))?);
    let config = || Config { backend: disk.clone(), ..Config::new(project.join("spin.toml")) };
    Scale::start(config(), keys.clone()).await?.close(RUN).await?;
    let mut copies = Copies::of(&contents(disk.as_ref())?, &keys)?;
    let began = Instant::now();
    let (mut made, mut chunk) = (RUN, Vec::new());
    while made < cases {
        chunk.extend(copies.another()?);
        made += RUN;
        if made >= cases || made % (RUN * AT_ONCE) == 0 {
            disk.load(&std::mem::take(&mut chunk))?;
        }
        if made % 10_000 == 0 {
            to_stderr(&format!("{:>5} s  {made} closed cases", began.elapsed().as_secs()));
        }
    }
    disk.load(&copies.counters())?;
    let size = std::fs::metadata(folder.join("store.redb"))?.len();
    to_stderr(&format!(
        "{made} closed cases in a store of {} MB after {:.1} s: {RUN} were run, the others are copies of their records under fresh ids",
        size / 1_000_000,
        began.elapsed().as_secs_f64()
    ));
    let scale = Scale::start(config(), keys).await?;
    Ok(Filled { cases: made, scale, folder, costs: Vec::new() })
}

fn median<T: Ord + Copy>(costs: &[Cost], of: impl Fn(&Cost) -> T) -> Option<T> {
    let mut values: Vec<T> = costs.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

fn report(stores: &[Filled]) -> Result<()> {
    let smallest = stores.first().and_then(|store| median(&store.costs, |cost| cost.own)).unwrap_or(Duration::MAX);
    let mut calls = Vec::new();
    for store in stores {
        let own = median(&store.costs, |cost| cost.own).unwrap_or_default();
        let line = serde_json::json!({
            "closed_cases": store.cases,
            "really_run": RUN,
            "tickets_measured": store.costs.len(),
            "host_calls_per_ticket": median(&store.costs, |cost| cost.calls),
            "store_bytes_per_ticket": median(&store.costs, |cost| cost.bytes),
            "own_time_per_ticket_ms": round(own.as_secs_f64() * 1_000.0),
            "own_time_ratio": round(own.as_secs_f64() / smallest.as_secs_f64()),
        });
        super::say(&line.to_string());
        calls.extend(store.costs.iter().map(|cost| cost.calls));
    }
    calls.dedup();
    ensure!(calls.len() == 1, "host calls per ticket differ: {calls:?}");
    Ok(())
}

/// To two digits after the point.
fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
