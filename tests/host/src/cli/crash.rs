//! `crash [story…] [--pairs N] [--seed S] [--hold]`, `crash --replay STORY:POINT`: kills an instance at every point of every story.

use anyhow::{Context as _, Result, bail, ensure};
use firstline_host::build::to_stderr;
use firstline_host::crash::{Points, Random, Schedule, Trial, run as try_it};
use firstline_host::story::{self, Outcome, Story};
use firstline_host::{Event, build};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

pub async fn run(arguments: &[String]) -> Result<()> {
    let project = super::project()?;
    let mut arguments = arguments.iter();
    let (mut names, mut pairs, mut seed, mut replays, mut hold) = (Vec::new(), 0, None, Vec::new(), false);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("`{argument}` needs a value"));
        match argument.as_str() {
            "--pairs" => pairs = value()?.parse().context("`--pairs` needs a number")?,
            "--seed" => seed = Some(value()?.parse().context("`--seed` needs a number")?),
            "--replay" => replays.push(value()?.parse::<Schedule>()?),
            "--hold" => hold = true,
            flag if flag.starts_with('-') => bail!("unknown option `{flag}`"),
            name => names.push(name.to_string()),
        }
    }
    let mut stories = BTreeMap::new();
    for (name, path) in story::all(&project)? {
        stories.insert(name, story::read(&path)?);
    }
    build::components(&project, &mut to_stderr)?;
    if !replays.is_empty() {
        return std::thread::scope(|scope| scope.spawn(|| replays.iter().try_for_each(|schedule| replay(&project, &stories, schedule))).join())
            .unwrap_or_else(|_| bail!("the replay panicked"));
    }
    for name in &names {
        ensure!(stories.contains_key(name), "there is no story `{name}` in tests/stories");
    }
    stories.retain(|name, _| names.is_empty() || names.contains(name));
    let seed = seed.unwrap_or_else(|| std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |since| since.as_secs()));
    Search { project: &project, stories: &stories, began: Instant::now(), found: Mutex::default() }.all(hold, pairs, seed)
}

/// One schedule, with everything that happened in it.
fn replay(project: &Path, stories: &BTreeMap<String, Story>, schedule: &Schedule) -> Result<()> {
    let story = stories.get(&schedule.story).with_context(|| format!("there is no story `{}`", schedule.story))?;
    let outcome = try_it(project, story, &schedule.trial)?;
    for event in &outcome.events {
        match event {
            Event::Line { text, .. } => say(text)?,
            Event::Trap { component, why } => say(&format!("{component} died: {}", why.lines().next_back().unwrap_or_default()))?,
            Event::Sent { method, url, outcome, .. } => say(&format!("{method} {url}: {outcome:?}"))?,
            Event::Store { component, operation, keys, commit: true, .. } => say(&format!("{component} {operation} {}", keys.join(" ")))?,
            Event::Store { .. } | Event::Inbound { .. } | Event::Answered { .. } | Event::Instance { .. } | Event::Sending { .. } | Event::Denied { .. } => {}
        }
    }
    tell(schedule, &outcome)?;
    say(&format!("{} points, {} violations", outcome.points.worth.len(), outcome.failures.len()))?;
    ensure!(outcome.failures.is_empty(), "{} violations", outcome.failures.len());
    Ok(())
}

fn tell(schedule: &Schedule, outcome: &Outcome) -> Result<()> {
    let story = serde_json::json!({"story": schedule.story, "crashes": schedule.trial.crashes, "twice": schedule.trial.twice, "hold": schedule.trial.hold});
    say(&format!("{story}"))?;
    outcome.struck.iter().try_for_each(|point| say(&format!("  {point}")))?;
    say(&format!("  ended: {}", outcome.told))?;
    outcome.failures.iter().try_for_each(|failure| say(&format!("  - {failure}")))
}

struct Search<'a> {
    project: &'a Path,
    stories: &'a BTreeMap<String, Story>,
    began: Instant,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    tried: usize,
    diverted: usize,
    wrong: Vec<(Schedule, Outcome)>,
}

impl Search<'_> {
    fn all(&self, hold: bool, pairs: usize, seed: u64) -> Result<()> {
        let mut points = BTreeMap::new();
        let (once, twice) = (Trial { hold, ..Trial::default() }, Trial { twice: true, ..Trial::default() });
        for trial in if hold { vec![once] } else { vec![once, twice] } {
            for (name, story) in self.stories {
                let twice = trial.twice;
                let plain = Schedule { story: name.clone(), trial: trial.clone() };
                let found = self.one(story, &plain)?;
                let singles = found.worth.iter().map(|point| Schedule { trial: Trial { crashes: vec![*point], ..plain.trial.clone() }, ..plain.clone() });
                let left_out = if found.alike == 0 { String::new() } else { format!(" (without {} of ticks like one before)", found.alike) };
                self.many(&format!("{name}{}{left_out}", if twice { ", everything twice" } else { "" }), singles.collect())?;
                if !twice {
                    points.insert(name.clone(), found.worth);
                }
            }
        }
        if pairs > 0 {
            say(&format!("pairs with seed {seed}"))?;
            let mut random = Random(seed);
            let names: Vec<(&String, &Vec<u64>)> = points.iter().collect();
            let pick = |random: &mut Random| {
                let (name, points) = random.of(&names)?;
                let crashes = vec![*random.of(points)?, 1 + random.below(60) as u64];
                Some(Schedule { story: (*name).clone(), trial: Trial { crashes, ..Trial::default() } })
            };
            let sample = (0..pairs).filter_map(|_| pick(&mut random)).collect();
            self.many("pairs", sample)?;
        }
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest: one crash before two, the shortest way to it.
        if let Some((schedule, outcome)) =
            found.wrong.iter().min_by_key(|(schedule, _)| (schedule.trial.crashes.len(), schedule.trial.twice, schedule.trial.crashes.clone()))
        {
            say("the smallest schedule that fails:")?;
            tell(schedule, outcome)?;
            say(&format!("  cargo run -- crash --replay '{schedule}'"))?;
        }
        let violations = found.wrong.len();
        say(&format!("{} of them ended with a human, or otherwise than told; {} s", found.diverted, self.began.elapsed().as_secs()))?;
        say(&format!("{} points, {violations} violations", found.tried))?;
        ensure!(violations == 0, "{violations} violations");
        Ok(())
    }

    /// The story without a crash; its points.
    fn one(&self, story: &Story, schedule: &Schedule) -> Result<Points> {
        let outcome = std::thread::scope(|scope| scope.spawn(|| try_it(self.project, story, &schedule.trial)).join());
        let outcome = outcome.unwrap_or_else(|_| bail!("`{schedule}` panicked"))?;
        let points = outcome.points.clone();
        self.note(schedule.clone(), outcome)?;
        Ok(points)
    }

    fn many(&self, what: &str, schedules: Vec<Schedule>) -> Result<()> {
        let began = Instant::now();
        let before = self.found.lock().unwrap_or_else(PoisonError::into_inner).wrong.len();
        let next = AtomicUsize::new(0);
        let work = || -> Result<()> {
            while let Some(schedule) = schedules.get(next.fetch_add(1, SeqCst)) {
                let story = self.stories.get(&schedule.story).context("no such story")?;
                // Short of its second point, a pair is the single crash that was tried already.
                let mut outcome = try_it(self.project, story, &schedule.trial).with_context(|| schedule.to_string())?;
                if schedule.trial.crashes.len() > 1 {
                    outcome.failures.retain(|failure| !failure.contains("not reached"));
                }
                self.note(schedule.clone(), outcome)?;
            }
            Ok(())
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
        })?;
        let wrong = self.found.lock().unwrap_or_else(PoisonError::into_inner).wrong.len() - before;
        let verdict = if wrong == 0 { String::new() } else { format!(", {wrong} VIOLATIONS") };
        say(&format!("{:>6} s  {what}: {} points in {} s{verdict}", self.began.elapsed().as_secs(), schedules.len(), began.elapsed().as_secs()))
    }

    fn note(&self, schedule: Schedule, outcome: Outcome) -> Result<()> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.tried += schedule.trial.crashes.len().min(1);
        found.diverted += usize::from(outcome.diverted);
        if !outcome.failures.is_empty() {
            tell(&schedule, &outcome)?;
            found.wrong.push((schedule, Outcome { events: Vec::new(), ..outcome }));
        }
        Ok(())
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
