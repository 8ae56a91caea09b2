//! `bench`: how long the main job takes us, with vendors that answer at once.

use anyhow::{Context as _, Result};
use firstline_host::build::{components, to_stderr};
use firstline_host::measure::{self, Times, percentile};
use firstline_host::{Config, Disk};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const TICKETS: usize = 200;
/// On disk every commit waits for the device.
const TICKETS_ON_DISK: usize = 50;

pub fn run() -> Result<()> {
    let project = super::project()?;
    components(&project, &mut to_stderr)?;
    if cfg!(debug_assertions) {
        to_stderr("this is a build for development: `cargo run --release -- bench` measures what counts");
    }
    let memory = measure(Config::new(project.join("spin.toml")), TICKETS, "in memory")?;
    let folder = std::env::temp_dir().join(format!("firstline-bench-{}", std::process::id()));
    let disk = on_disk(&project, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    print(&memory, &disk?);
    let manifest = project.join("spin.toml");
    let reading = alone(async move || measure::reading(&manifest).await)?;
    for (unit, took) in reading {
        super::say(&format!("{:<44} {:>12}", format!("100 KB of {:?} read", unit.trim_end()), ms(took)));
    }
    Ok(())
}

fn on_disk(project: &Path, folder: &Path) -> Result<Times> {
    let mut config = Config::new(project.join("spin.toml"));
    config.backend = Arc::new(Disk::open(&folder.join("store.redb"))?);
    measure(config, TICKETS_ON_DISK, "on disk")
}

/// One thread, so that the figures are those of one core.
fn measure(config: Config, count: usize, place: &str) -> Result<Times> {
    let place = place.to_owned();
    alone(async move || {
        let mut progress = |done: usize| {
            if done.is_multiple_of(50) {
                to_stderr(&format!("{done} of {count} tickets, store {place}"));
            }
        };
        measure::bench(config, count, &mut progress).await
    })
}

/// On a thread of its own.
fn alone<T: Send + 'static>(run: impl AsyncFnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let run = move || -> Result<T> { tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run()) };
    std::thread::spawn(run).join().ok().context("the benchmark was broken off")?
}

fn print(memory: &Times, disk: &Times) {
    let row = |name: &str, memory: String, disk: String| super::say(&format!("{name:<44} {memory:>12} {disk:>12}"));
    let both = |name: &str, of: &dyn Fn(&Times) -> Duration| row(name, ms(of(memory)), ms(of(disk)));
    row("", "in memory".into(), "on disk".into());
    row("tickets, one after the other", memory.tickets.len().to_string(), disk.tickets.len().to_string());
    both("own time per closed ticket, p50", &|times| percentile(&times.tickets, 50));
    both("own time per closed ticket, p99", &|times| percentile(&times.tickets, 99));
    both("  the first quarter of them, p50", &|times| percentile(quarter(times, 0), 50));
    both("  the last quarter of them, p50", &|times| percentile(quarter(times, 3), 50));
    both("  of it in the store, mean", &|times| mean(times, times.split.store));
    both("  of it in components and stages, mean", &|times| mean(times, times.split.guests));
    both("  of it in the host, mean", &|times| mean(times, times.split.host));
    both("acknowledgement of a webhook, p50", &|times| percentile(&times.acknowledgements, 50));
    both("acknowledgement of a webhook, p99", &|times| percentile(&times.acknowledgements, 99));
    row("tickets per second on one core", format!("{:.0}", rate(memory)), format!("{:.0}", rate(disk)));
    both("not ours: the emulated vendors, mean", &|times| mean(times, times.split.vendors));
    for (name, took) in &memory.cold {
        row(&format!("cold instantiation, {name}"), ms(*took), String::new());
    }
    let ratio = percentile(&disk.tickets, 50).as_secs_f64() / percentile(&memory.tickets, 50).as_secs_f64();
    row("own time on disk against in memory, p50", String::new(), format!("{ratio:.1} times"));
}

/// A store that fills up must not make later tickets dearer.
fn quarter(times: &Times, number: usize) -> &[Duration] {
    let size = (times.tickets.len() / 4).max(1);
    times.tickets.chunks(size).nth(number).unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

fn mean(times: &Times, sum: Duration) -> Duration {
    sum / u32::try_from(times.tickets.len()).unwrap_or(1).max(1)
}

fn rate(times: &Times) -> f64 {
    let all: Duration = times.tickets.iter().sum();
    f64::from(u32::try_from(times.tickets.len()).unwrap_or(u32::MAX)) / all.as_secs_f64()
}
