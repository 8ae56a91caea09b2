//! `stories [name]`: plays every story, or one, and tells how each went.

use anyhow::{Result, bail, ensure};
use firstline_host::build::to_stderr;
use firstline_host::{build, story};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

pub async fn run(arguments: &[String]) -> Result<()> {
    let project = super::project()?;
    let mut stories = story::all(&project)?;
    if let Some(name) = arguments.first() {
        stories.retain(|(known, _)| known == name);
        ensure!(!stories.is_empty(), "there is no story `{name}` in tests/stories");
    }
    build::components(&project, &mut to_stderr)?;
    let width = stories.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut failed = 0;
    for (name, path) in &stories {
        let began = Instant::now();
        let (title, told, failures) = play(&project, path);
        let word = if failures.is_empty() { "ok    " } else { "FAILED" };
        failed += usize::from(!failures.is_empty());
        say(&format!("{word} {name:<width$} {:>5} ms  {title}", began.elapsed().as_millis()))?;
        if !told.is_empty() {
            say(&format!("       {:<width$}           {told}", ""))?;
        }
        failures.iter().try_for_each(|failure| say(&format!("  - {failure}")))?;
    }
    say(&format!("{} passed, {failed} failed", stories.len() - failed))?;
    if failed > 0 {
        bail!("{failed} of {} stories failed", stories.len());
    }
    Ok(())
}

/// Title, what happened, and what did not hold. A story has a runtime of its own, so it gets a thread.
fn play(project: &Path, path: &Path) -> (String, String, Vec<String>) {
    let story = match story::read(path) {
        Ok(story) => story,
        Err(error) => return (String::new(), String::new(), vec![format!("{error:#}")]),
    };
    let title = story.title.clone();
    let played = std::thread::scope(|scope| scope.spawn(|| story::play(project, &story)).join());
    match played {
        Ok(Ok(outcome)) => (title, outcome.told, outcome.failures),
        Ok(Err(error)) => (title, String::new(), vec![format!("{error:#}")]),
        Err(_) => (title, String::new(), vec!["the story panicked".into()]),
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
