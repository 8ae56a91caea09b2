//! Crashes: a story with an instance that dies, or is held, at a point; and how such a schedule is written down.

use crate::story::{self, Outcome, Story};
use crate::{Fate, Fault, Moment, Point};
use anyhow::{Context as _, Result, bail};
use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What a story is put through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// The points at which an instance dies, each counted from the one before, from 1.
    pub crashes: Vec<u64>,
    /// At the points, the work is held instead, until another process has taken over and finished.
    pub hold: bool,
    /// Slack delivers everything twice at the same time.
    pub twice: bool,
}

/// A story and its trial. As text: `entra-reset:17`, `entra-reset:17+5`, `entra-reset:17:twice`, `entra-reset:17:hold`.
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
        let words = [(self.trial.twice, ":twice"), (self.trial.hold, ":hold")];
        words.iter().filter(|(is, _)| *is).try_for_each(|(_, word)| f.write_str(word))
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
                _ => bail!("`{word}` is neither `twice` nor `hold`"),
            }
        }
        Ok(Schedule { story, trial })
    }
}

/// Plays a story through a trial.
///
/// # Errors
/// The desk does not open, or the story has fewer points than the trial needs.
pub fn run(project: &Path, story: &Story, trial: &Trial) -> Result<Outcome> {
    story::disturb(project, story, Some(trial))
}

/// Where a story stands in its trial.
#[derive(Clone)]
pub(crate) struct Disturbance {
    state: Arc<Mutex<State>>,
    holding: watch::Sender<bool>,
    twice: bool,
}

#[derive(Default)]
struct State {
    live: bool,
    ticking: bool,
    hold: bool,
    all: u64,
    since: u64,
    next: VecDeque<u64>,
    struck: Vec<String>,
    outside: bool,
    unseen: bool,
}

impl Disturbance {
    pub fn new(trial: &Trial) -> Self {
        let state = State { next: trial.crashes.iter().copied().collect(), hold: trial.hold, ..State::default() };
        Disturbance { state: Arc::new(Mutex::new(state)), holding: watch::Sender::new(false), twice: trial.twice }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the application that is disturbed.
    pub fn fault(&self) -> Fault {
        let disturbance = self.clone();
        Arc::new(move |point| disturbance.fate(point))
    }

    fn fate(&self, point: &Point<'_>) -> Fate {
        let mut state = self.state();
        // People's use of the console is no part of a story; the scheduler's tick is.
        if !state.live || (point.component == "console" && !state.ticking) {
            return Fate::Go;
        }
        state.all += 1;
        state.since += 1;
        if state.next.front() != Some(&state.since) {
            return Fate::Go;
        }
        state.next.pop_front();
        state.since = 0;
        state.struck.push(point.to_string());
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

    /// Points count from here.
    pub fn begin(&self) {
        self.state().live = true;
    }

    /// Points count no longer.
    pub fn end(&self) {
        self.state().live = false;
    }

    pub fn ticking(&self, ticking: bool) {
        self.state().ticking = ticking;
    }

    pub fn twice(&self) -> bool {
        self.twice
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

    /// Points passed, and where it struck.
    pub fn passed(&self) -> (u64, Vec<String>) {
        let state = self.state();
        (state.all, state.struck.clone())
    }

    /// Points of the trial that were not reached.
    pub fn left(&self) -> usize {
        self.state().next.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_written_and_read() {
        for text in ["entra-reset:17", "entra-reset:17+5", "a:1:twice", "a:1+2:twice:hold", "a:"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        for text in ["entra-reset", "a:x", "a:1:thrice"] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }
}
