//! A story that is played more than once from the same place: what came before is the same each time.

use super::{Player, Story};
use crate::crash::{Passed, Trial};
use crate::desk::{Keys, millis};
use crate::store::{Contents, Retired, contents};
use crate::{Config, Event, Memory, simulated};
use anyhow::Result;
use bytes::Bytes;
use firstline_vendors::Vendors;
use http::Request;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

/// Where a story stands while nothing is under way: everything that it needs to go on from there.
pub(crate) struct Mark {
    at: (usize, u32),
    now: SystemTime,
    passed: Passed,
    store: Contents,
    retired: Retired,
    vendors: Vendors,
    keys: Keys,
    events: Vec<Event>,
    tenants: Value,
    world: Arc<Value>,
    last: Option<Request<Bytes>>,
    passwords: BTreeSet<String>,
    missed: Vec<String>,
    shown: BTreeMap<String, usize>,
}

impl Mark {
    /// How many points were passed before it.
    pub fn points(&self) -> u64 {
        self.passed.points
    }
}

impl<'a> Player<'a> {
    /// Notes where it stands, if that is wanted and nothing is under way.
    pub(super) fn mark(&mut self) -> Result<()> {
        let (Some(marks), Some(disturbed)) = (&mut self.marks, &self.disturbed) else { return Ok(()) };
        if !(self.desk.app.is_idle() && disturbed.relief.app.is_idle()) {
            return Ok(());
        }
        let passed = disturbed.disturbance.passed();
        // No point lies between the two.
        marks.pop_if(|before| before.passed.points == passed.points);
        let now = (self.clock)();
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let told = |event: &&Event| matches!(event, Event::Line { .. } | Event::Trap { .. } | Event::Denied { .. });
        marks.push(Mark {
            at: self.at,
            now,
            passed,
            store: contents(self.backend.as_ref())?,
            retired: self.desk.app.retired().union(&disturbed.relief.app.retired()).cloned().collect(),
            vendors: self.desk.vendors.fork(|| 0),
            keys: self.desk.keys.clone(),
            // The others are nobody's at the end.
            events: events.iter().filter(told).cloned().collect(),
            tenants: self.tenants.clone(),
            world: self.world.clone(),
            last: self.last.clone(),
            passwords: self.passwords.clone(),
            missed: disturbed.missed.clone(),
            shown: disturbed.shown.clone(),
        });
        Ok(())
    }

    /// Goes on from a mark, in other processes on a copy of the store, with copies of the vendors.
    pub(super) fn resume(config: &Config, story: &'a Story, trial: &Trial, mark: &Mark) -> Result<Self> {
        let clock = simulated(mark.now);
        let vendors = mark.vendors.fork({
            let clock = clock.clone();
            move || millis(&clock)
        });
        let memory = Arc::new(Memory::with(mark.store.clone()));
        let mut player = Self::start(config, story, memory, clock, vendors, mark.keys.clone(), Some(trial))?;
        player.desk.app.retire(&mark.retired);
        if let Some(disturbed) = &mut player.disturbed {
            disturbed.relief.app.retire(&mark.retired);
            disturbed.disturbance.resume(mark.passed);
            (disturbed.missed, disturbed.shown) = (mark.missed.clone(), mark.shown.clone());
        }
        player.events.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&mark.events);
        (player.at, player.tenants, player.world) = (mark.at, mark.tenants.clone(), mark.world.clone());
        (player.last, player.passwords) = (mark.last.clone(), mark.passwords.clone());
        Ok(player)
    }
}
