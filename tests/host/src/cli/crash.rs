//! `crash [story…] [--pairs N] [--seed S] [--hold]`, `crash --replay STORY:POINT`: kills an instance at every point of every story.

use anyhow::{Context as _, Result, bail, ensure};
use firstline_host::build::to_stderr;
use firstline_host::crash::{Course, Random, Schedule, Trial, run as try_it};
use firstline_host::story::{self, Outcome, Story};
use firstline_host::{Config, Event, Program, build};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Pairs of crashes that are tried in each story.
const PAIRS: usize = 8;
/// The second crash of a pair strikes at most so many points after the first.
const APART: usize = 60;

pub async fn run(arguments: &[String]) -> Result<()> {
    let project = super::project()?;
    let mut arguments = arguments.iter();
    let (mut names, mut pairs, mut seed, mut replays, mut hold) = (Vec::new(), PAIRS, None, Vec::new(), false);
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
    let mut config = Config::new(project.join("spin.toml"));
    config.program = Some(Program::load(&config)?);
    Search { config, stories: &stories, began: Instant::now(), pairs, seed, found: Mutex::default() }.all(hold)
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
    config: Config,
    stories: &'a BTreeMap<String, Story>,
    began: Instant,
    pairs: usize,
    seed: u64,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    points: usize,
    pairs: usize,
    runs: usize,
    diverted: usize,
    wrong: Vec<(Schedule, Outcome)>,
}

impl Search<'_> {
    fn all(&self, hold: bool) -> Result<()> {
        let (once, twice) = (Trial { hold, ..Trial::default() }, Trial { twice: true, ..Trial::default() });
        let jobs = self.stories.keys().flat_map(|name| {
            let trials = if hold { vec![once.clone()] } else { vec![once.clone(), twice.clone()] };
            trials.into_iter().map(|trial| Schedule { story: name.clone(), trial })
        });
        let jobs: Vec<Schedule> = jobs.collect();
        let next = AtomicUsize::new(0);
        let work = || -> Result<()> {
            while let Some(job) = jobs.get(next.fetch_add(1, SeqCst)) {
                self.story(job).with_context(|| job.to_string())?;
            }
            Ok(())
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
        })?;
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest: one crash before two, the shortest way to it.
        if let Some((schedule, outcome)) =
            found.wrong.iter().min_by_key(|(schedule, _)| (schedule.trial.crashes.len(), schedule.trial.twice, schedule.trial.crashes.clone()))
        {
            say("the smallest schedule that fails:")?;
            tell(schedule, outcome)?;
            say(&format!("  cargo run -- crash --replay '{schedule}'"))?;
        }
        let Found { points, pairs, runs, diverted, wrong } = &*found;
        let seconds = self.began.elapsed().as_secs();
        say(&format!("{} stories; {diverted} runs of {runs} ended with a human, or otherwise than told; {seconds} s", self.stories.len()))?;
        say(&format!("{points} points, {pairs} pairs with seed {}, {} violations", self.seed, wrong.len()))?;
        ensure!(wrong.is_empty(), "{} violations", wrong.len());
        Ok(())
    }

    /// A story without a crash, with one at each point, and with some pairs.
    fn story(&self, plain: &Schedule) -> Result<()> {
        let began = Instant::now();
        let story = self.stories.get(&plain.story).context("no such story")?;
        let (course, outcome) = Course::of(&self.config, story, &plain.trial)?;
        let points = outcome.points.clone();
        let mut wrong = self.note(plain.clone(), outcome)?;
        // What is held goes on later, and knows what it has read.
        let singles = if plain.trial.hold { &points.worth } else { &points.distinct };
        for point in singles {
            wrong += self.strike(&course, plain, vec![*point])?;
        }
        let mut random = Random(plain.story.bytes().fold(self.seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into())));
        let pairs = if plain.trial == Trial::default() { self.pairs } else { 0 };
        for _ in 0..pairs {
            let Some(first) = random.of(&points.worth) else { break };
            wrong += self.strike(&course, plain, vec![*first, 1 + random.below(APART) as u64])?;
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.points += points.worth.len();
        found.pairs += pairs;
        let same = points.worth.len() - singles.len();
        let left_out = [(same, "that leave behind what another left"), (points.alike, "of ticks like one before")];
        let left_out: Vec<String> = left_out.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}")).collect();
        let left_out = if left_out.is_empty() { String::new() } else { format!(" (without {})", left_out.join(" and ")) };
        let verdict = if wrong == 0 { String::new() } else { format!(", {wrong} VIOLATIONS") };
        let Schedule { story, trial } = plain;
        say(&format!(
            "{:>5} s  {story}{}: {} crashes{left_out} in {} s{verdict}",
            self.began.elapsed().as_secs(),
            if trial.twice { ", everything twice" } else { "" },
            singles.len(),
            began.elapsed().as_secs()
        ))
    }

    fn strike(&self, course: &Course, plain: &Schedule, crashes: Vec<u64>) -> Result<usize> {
        let mut outcome = course.run(&crashes)?;
        // Short of its second point, a pair is the single crash that was tried already.
        if crashes.len() > 1 {
            outcome.failures.retain(|failure| !failure.contains("not reached"));
        }
        self.note(Schedule { trial: Trial { crashes, ..plain.trial.clone() }, ..plain.clone() }, outcome)
    }

    fn note(&self, schedule: Schedule, outcome: Outcome) -> Result<usize> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.runs += 1;
        found.diverted += usize::from(outcome.diverted);
        if outcome.failures.is_empty() {
            return Ok(0);
        }
        tell(&schedule, &outcome)?;
        found.wrong.push((schedule, Outcome { events: Vec::new(), ..outcome }));
        Ok(1)
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
