//! Crashes: a story with an instance that dies, or is held, at a point; and how such a schedule is written down.

use crate::story::{self, Mark, Outcome, Story};
use crate::{Config, Event, Fate, Fault, Moment, Point, Trace};
use anyhow::{Context as _, Result, bail};
use firstline_vendors::Vendors;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// What a story is put through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// The points at which an instance dies, each counted from the one before, from 1.
    pub crashes: Vec<u64>,
    /// At the points, the work is held instead, until another process has taken over and finished.
    pub hold: bool,
    /// Slack delivers everything twice at the same time.
    pub twice: bool,
    /// Everything takes its time, as a scheduler with this seed has it, in two processes on one store.
    pub seed: Option<u64>,
    /// In one process, and so in one instance of each component.
    pub alone: bool,
}

/// A story and its trial. As text: `entra-reset:17`, `entra-reset:17+5`, `entra-reset:17:twice`, `entra-reset:17:hold`, `entra-reset::alone:seed=3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The story's name.
    pub story: String,
    /// What it is put through.
    pub trial: Trial,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points: Vec<String> = self.trial.crashes.iter().map(u64::to_string).collect();
        write!(f, "{}:{}", self.story, points.join("+"))?;
        let words = [(self.trial.twice, ":twice"), (self.trial.hold, ":hold"), (self.trial.alone, ":alone")];
        words.iter().filter(|(is, _)| *is).try_for_each(|(_, word)| f.write_str(word))?;
        self.trial.seed.map_or(Ok(()), |seed| write!(f, ":seed={seed}"))
    }
}

impl FromStr for Schedule {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(':');
        let story = parts.next().unwrap_or_default().to_string();
        let points = parts.next().with_context(|| format!("`{text}` names no point"))?;
        let points = points.split('+').filter(|point| !point.is_empty());
        let crashes = points.map(|point| point.parse().with_context(|| format!("`{point}` is not a number"))).collect::<Result<_>>()?;
        let mut trial = Trial { crashes, ..Trial::default() };
        for word in parts {
            match word {
                "twice" => trial.twice = true,
                "hold" => trial.hold = true,
                "alone" => trial.alone = true,
                _ => match word.strip_prefix("seed=").map(str::parse) {
                    Some(Ok(seed)) => trial.seed = Some(seed),
                    Some(Err(_)) | None => bail!("`{word}` is neither `twice` nor `hold` nor `alone` nor `seed=N`"),
                },
            }
        }
        Ok(Schedule { story, trial })
    }
}

/// Plays a story through a trial, from its beginning.
///
/// # Errors
/// The desk does not open.
pub fn run(project: &Path, story: &Story, trial: &Trial) -> Result<Outcome> {
    story::disturb(&Config::new(project.join("spin.toml")), story, trial, None)
}

/// A story that was played once without a crash, so that what comes before a crash is not played again.
pub struct Course {
    config: Config,
    story: Story,
    plain: Trial,
    marks: Vec<Mark>,
}

impl Course {
    /// Plays the story, disturbed in everything but crashes. `config` names the manifest.
    ///
    /// # Errors
    /// The desk does not open.
    pub fn of(config: &Config, story: &Story, plain: &Trial) -> Result<(Self, Outcome)> {
        let plain = Trial { crashes: Vec::new(), ..plain.clone() };
        let mut marks = Vec::new();
        let outcome = story::disturb(config, story, &plain, Some(&mut marks))?;
        Ok((Course { config: config.clone(), story: story.clone(), plain, marks }, outcome))
    }

    /// Goes on from the last place before the first of these crashes at which nothing was under way.
    ///
    /// # Errors
    /// The desk does not open.
    pub fn run(&self, crashes: &[u64]) -> Result<Outcome> {
        let first = crashes.first().copied().unwrap_or_default();
        let mark = self.marks.iter().rfind(|mark| mark.points() < first).or(self.marks.first()).context("nothing was ever at rest")?;
        story::disturb_from(&self.config, &self.story, &Trial { crashes: crashes.to_vec(), ..self.plain.clone() }, mark)
    }
}

/// The points of a story.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Points {
    /// Those worth holding an instance at, counted from 1.
    pub worth: Vec<u64>,
    /// Of these, those worth a crash. At any other one the same instance dies at the same time over the same store and the same vendors as at one before it.
    pub distinct: Vec<u64>,
    /// Those just before an entry of a log is written.
    pub commits: Vec<u64>,
    /// Those left out: they belong to a tick that did, effect for effect, what one before it did, whichever minutes it looked through for what is due.
    pub alike: usize,
    /// Every point since the last crash, without what differs from run to run.
    pub texts: Vec<String>,
}

/// A point that was passed.
#[derive(Debug, Clone)]
struct Pass {
    /// The tick in which it was.
    tick: Option<u32>,
    /// What a crash there leaves behind, and whom it kills.
    left: Left,
    text: String,
}

/// Two crashes that leave the same behind are the same crash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Left {
    instance: u64,
    /// Since the trial began, in spans of [`ALIKE`].
    at: u128,
    /// How much had happened to anything but this instance's own memory.
    happened: u64,
    /// Requests that instances had taken, and pieces of answers that they had passed on.
    moved: u64,
    /// Requests that may have left something behind at the vendors.
    felt: u64,
}

/// Two deaths with nothing in between are alike if they are no further apart, in milliseconds: less than any time that the application measures.
const ALIKE: u128 = 1_000;

impl Points {
    fn of(passed: &[Pass]) -> Self {
        // Minutes and numbers of entries differ from tick to tick.
        let plain = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        // Which minutes' lists it looks through is the clock's doing.
        let looks = |text: &str| ["get due-hour/", "get c/due/", "get due/"].iter().any(|look| text.contains(look));
        let mut ticks = BTreeMap::<u32, String>::new();
        for pass in passed {
            if let Some(tick) = pass.tick {
                let effects = ticks.entry(tick).or_default();
                if looks(&pass.text) {
                    continue;
                }
                effects.push_str(&plain(&pass.text));
                effects.push('\n');
            }
        }
        let mut seen = BTreeSet::new();
        let new: BTreeSet<u32> = ticks.iter().filter(|(_, effects)| seen.insert(*effects)).map(|(tick, _)| *tick).collect();
        let worth: Vec<(u64, &Pass)> = (1..).zip(passed).filter(|(_, pass)| pass.tick.is_none_or(|tick| new.contains(&tick))).collect();
        let mut left = BTreeSet::new();
        let commit = |text: &str| text.contains(": before set-many") && text.contains(" log/");
        Points {
            alike: passed.len() - worth.len(),
            distinct: worth.iter().filter(|(_, pass)| left.insert(&pass.left)).map(|(at, _)| *at).collect(),
            worth: worth.iter().map(|(at, _)| *at).collect(),
            commits: (1..).zip(passed).filter(|(_, pass)| commit(&pass.text)).map(|(at, _)| at).collect(),
            texts: Vec::new(),
        }
    }
}

/// How far a story is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Passed {
    /// Points so far.
    pub points: u64,
    /// Ticks so far.
    pub ticks: u32,
}

/// Where a story stands in its trial.
#[derive(Clone)]
pub(crate) struct Disturbance {
    state: Arc<Mutex<State>>,
    holding: watch::Sender<bool>,
    twice: bool,
    alone: bool,
    vendors: Vendors,
    began: Instant,
}

#[derive(Default)]
struct State {
    live: bool,
    ticking: bool,
    hold: bool,
    since: u64,
    passes: Vec<Pass>,
    /// How many of them were passed before the last crash.
    before: usize,
    passed: Passed,
    /// Events other than reads.
    happened: u64,
    next: VecDeque<u64>,
    struck: Vec<String>,
    outside: bool,
    unseen: bool,
    random: Option<Random>,
}

impl State {
    fn pause(&mut self) -> Fate {
        let Some(random) = &mut self.random else { return Fate::Go };
        // Now and then long enough for all others.
        let most = if random.below(16) == 0 { 2_000 } else { 20 };
        Fate::Wait(Box::pin(tokio::time::sleep(Duration::from_millis(random.below(most) as u64))))
    }
}

impl Disturbance {
    pub fn new(trial: &Trial, vendors: Vendors) -> Self {
        let state = State { next: trial.crashes.iter().copied().collect(), hold: trial.hold, random: trial.seed.map(Random), ..State::default() };
        Disturbance {
            state: Arc::new(Mutex::new(state)),
            holding: watch::Sender::new(false),
            twice: trial.twice,
            alone: trial.alone,
            vendors,
            began: Instant::now(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens for what a crash cannot undo, and passes it on.
    pub fn trace(&self, further: Trace) -> Trace {
        let disturbance = self.clone();
        Arc::new(move |event| {
            // A read, an answer to this instance and a line of its log change nothing but its own memory.
            let own = match event {
                Event::Store { commit, .. } => !commit,
                Event::Line { .. } | Event::Instance { .. } | Event::Sending { .. } | Event::Sent { .. } | Event::Denied { .. } => true,
                Event::Inbound { .. } | Event::Answered { .. } | Event::Trap { .. } => false,
            };
            disturbance.state().happened += u64::from(!own);
            further(event);
        })
    }

    /// For the application that is disturbed.
    pub fn fault(&self) -> Fault {
        let disturbance = self.clone();
        Arc::new(move |point| disturbance.fate(point))
    }

    /// For an application beside it that nothing kills.
    pub fn pauses(&self) -> Fault {
        let disturbance = self.clone();
        Arc::new(move |_| {
            let mut state = disturbance.state();
            if state.live { state.pause() } else { Fate::Go }
        })
    }

    /// The process that takes the next webhook: the disturbed one, unless the scheduler has it otherwise.
    pub fn aside(&self) -> bool {
        !self.alone && self.state().random.as_mut().is_some_and(|random| random.below(2) == 1)
    }

    fn fate(&self, point: &Point<'_>) -> Fate {
        let mut state = self.state();
        // People's use of the console is no part of a story; the scheduler's tick is.
        if !state.live || (point.component == "console" && !state.ticking) {
            return Fate::Go;
        }
        let left = Left {
            instance: point.instance,
            at: self.began.elapsed().as_millis() / ALIKE,
            happened: state.happened,
            moved: point.moved,
            felt: self.vendors.felt(),
        };
        let pass = Pass { tick: state.ticking.then_some(state.passed.ticks), left, text: point.to_string() };
        state.passes.push(pass);
        state.passed.points += 1;
        state.since += 1;
        if state.next.front() != Some(&state.since) {
            return state.pause();
        }
        state.next.pop_front();
        state.since = 0;
        state.struck.push(point.to_string());
        state.before = state.passes.len();
        state.unseen = true;
        if !state.hold {
            return Fate::Trap;
        }
        // A sender that sleeps longer than the margin after its last look at the clock is outside the model.
        state.outside |= point.moment == Moment::Before && matches!(point.effect, crate::Effect::Send { .. });
        self.holding.send_replace(true);
        let mut holding = self.holding.subscribe();
        Fate::Wait(Box::pin(async move {
            // It fails only when the sender is gone, and the application with it.
            let _ = holding.wait_for(|holding| !holding).await;
        }))
    }

    /// So much was passed before.
    pub fn resume(&self, passed: Passed) {
        let mut state = self.state();
        (state.passed, state.since) = (passed, passed.points);
    }

    /// How much was passed.
    pub fn passed(&self) -> Passed {
        self.state().passed
    }

    /// Points count from here.
    pub fn begin(&self) {
        self.state().live = true;
    }

    /// Points count no longer.
    pub fn end(&self) {
        self.state().live = false;
    }

    pub fn ticking(&self, ticking: bool) {
        let mut state = self.state();
        state.ticking = ticking;
        state.passed.ticks += u32::from(ticking);
    }

    pub fn twice(&self) -> bool {
        self.twice
    }

    /// Work is held in this trial.
    pub fn holding_runs(&self) -> bool {
        self.state().hold
    }

    /// Something was struck, and nobody has looked after it yet.
    pub fn unseen(&self) -> bool {
        self.state().unseen
    }

    /// The same, and from now on somebody has.
    pub fn seen(&self) -> bool {
        std::mem::take(&mut self.state().unseen)
    }

    pub fn holds(&self) -> bool {
        *self.holding.borrow()
    }

    /// Waits until something is held.
    pub async fn held(&self) {
        // It fails only when the sender is gone, and `self` is the sender.
        let _ = self.holding.subscribe().wait_for(|holding| *holding).await;
    }

    /// Lets what is held go on.
    pub fn release(&self) {
        self.holding.send_replace(false);
    }

    /// A request was held between the last look at the clock and its sending.
    pub fn outside(&self) -> bool {
        self.state().outside
    }

    /// Where it struck.
    pub fn struck(&self) -> Vec<String> {
        self.state().struck.clone()
    }

    /// The points that were passed, if it began at the beginning.
    pub fn points(&self) -> Points {
        let state = self.state();
        // Ids are hexadecimal, and random.
        let plain = |pass: &Pass| pass.text.chars().filter(|c| !c.is_ascii_hexdigit()).collect();
        Points { texts: state.passes.iter().skip(state.before).map(plain).collect(), ..Points::of(&state.passes) }
    }

    /// Every crash of the trial has struck, and was looked after.
    pub fn over(&self) -> bool {
        let state = self.state();
        state.next.is_empty() && !state.struck.is_empty() && !state.unseen
    }

    /// Points of the trial that were not reached.
    pub fn left(&self) -> usize {
        self.state().next.len()
    }
}

/// SplitMix64: the same schedules for the same seed, on every machine.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// A number below the bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) & 0xffff_ffff).unwrap_or(0) % bound.max(1)
    }

    /// One of these, unless there is none.
    pub fn of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(passed: &[(Option<u32>, &str, Left)]) -> Points {
        let passed = passed.iter().map(|(tick, text, left)| Pass { tick: *tick, left: left.clone(), text: (*text).to_string() });
        Points::of(&passed.collect::<Vec<_>>())
    }

    fn left(instance: u64, at: u128, happened: u64, felt: u64) -> Left {
        Left { instance, at, happened, moved: 0, felt }
    }

    #[test]
    fn a_tick_like_one_before_is_left_out() {
        let passed = [(None, "a"), (Some(1), "get 17"), (Some(2), "get 18"), (Some(3), "set 19"), (None, "a")];
        let passed: Vec<_> = (0..).zip(passed).map(|(at, (tick, text))| (tick, text, left(0, at, 0, 0))).collect();
        let points = points(&passed);
        assert_eq!((points.worth, points.distinct, points.alike), (vec![1, 2, 4, 5], vec![1, 2, 4, 5], 1));
    }

    #[test]
    fn what_a_tick_looks_through_makes_no_other_tick_of_it() {
        let passed =
            [(Some(1), "get due/17/1"), (Some(1), "set 17"), (Some(2), "set 18"), (Some(2), "get c/due/19"), (Some(3), "get snap/a"), (Some(3), "set 19")];
        let passed: Vec<_> = (0..).zip(passed).map(|(at, (tick, text))| (tick, text, left(0, at, 0, 0))).collect();
        assert_eq!(points(&passed).worth, vec![1, 2, 5, 6]);
    }

    #[test]
    fn a_crash_that_leaves_the_same_behind_is_tried_once() {
        let lefts = [left(0, 5, 1, 0), left(0, 5, 1, 0), left(1, 5, 1, 0), left(0, 5, 1, 0), left(0, 6, 1, 0), left(0, 6, 2, 0), left(0, 6, 2, 1)];
        let passed: Vec<_> = lefts.into_iter().map(|left| (None, "a", left)).collect();
        let points = points(&passed);
        assert_eq!((points.worth.len(), points.distinct), (7, vec![1, 3, 5, 6, 7]));
    }

    #[test]
    fn a_schedule_is_written_and_read() {
        for text in ["entra-reset:17", "entra-reset:17+5", "a:1:twice", "a:1+2:twice:hold", "a:", "a::seed=3", "a::alone:seed=3"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        for text in ["entra-reset", "a:x", "a:1:thrice", "a:1:seed=x"] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }
}
