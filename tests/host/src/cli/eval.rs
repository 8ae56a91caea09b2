//! `eval`: how well labelled tickets are understood, read by the component itself.

use anyhow::{Context as _, Result, bail, ensure};
use firstline_host::build::{components, to_stderr};
use firstline_host::eval::{Judged, Ticket, misses, report};
use firstline_host::reader::Reader;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

pub async fn run(arguments: &[String]) -> Result<()> {
    let (file, all) = match arguments {
        [file] => (file, false),
        [file, flag] if flag == "--misses" => (file, true),
        _ => bail!("`eval` takes a file of JSON Lines with `id`, `text`, `intent` and `notes`, and `--misses` to list what was misread"),
    };
    let tickets = Ticket::read(&std::fs::read_to_string(file).with_context(|| format!("cannot read `{file}`"))?).with_context(|| format!("`{file}`"))?;
    ensure!(!tickets.is_empty(), "`{file}` holds no ticket");
    let project = super::project()?;
    components(&project, &mut to_stderr)?;
    let mut reader = Reader::start(&project.join("spin.toml")).await?;
    // The first call touches every page of the model.
    reader.read("warm").await?;
    let began = spent();
    let mut judged = Vec::with_capacity(tickets.len());
    for ticket in tickets {
        let found = reader.read(&ticket.text).await.with_context(|| ticket.id.clone())?;
        judged.push(Judged { ticket, found });
    }
    super::say(report(&judged, spent().saturating_sub(began)).trim_end());
    if all {
        super::say(&format!("\n{}", misses(&judged).trim_end()));
    }
    Ok(())
}

/// Processor time of this process, so that a busy machine does not look like a slow component; elsewhere than on Linux, the time that has passed.
fn spent() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let began = *BEGAN;
    let times = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = times.split_whitespace().next().and_then(|first| first.parse().ok());
    nanoseconds.map_or_else(|| began.elapsed(), Duration::from_nanos)
}
