//! Two weeks of a small desk, from a seed: people ask, wait, press, forget to press, open their link, and say thanks; now and then a technician opens
//! a ticket again. Every run of a seed is the same.

#![expect(clippy::indexing_slicing, reason = "a missing member of a JSON value reads as null")]

use crate::desk::{Desk, Emulated, Keys, TENANTS, vendors};
use crate::visit::Visit;
use crate::{App, Config, Outbound, OutboundError, simulated};
use anyhow::{Result, ensure};
use bytes::Bytes;
use firstline_core::keys::sha256_hex;
use firstline_vendors::DEMO;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, UNIX_EPOCH};

/// First and last day (UTC).
pub const DAYS: (&str, &str) = ("2026-11-02", "2026-11-15");
const BEGIN: u64 = 1_793_577_600;
const DAY: u64 = 86_400;
/// When Acme's desk is there, on working days (UTC); nobody knows of Globex's.
pub const HOURS: &str = "08:00-18:00";
/// A scheduler that ticks this often finds an expired offer in time.
const TICK: u64 = 600;

/// Acme's and Globex's people, by how their visits go.
const PEOPLE: [(&str, &str); 12] = [
    ("T0ACME", "U0JANE"),
    ("T0ACME", "U0BOB"),
    ("T0ACME", "U0HANS"),
    ("T0GLOBEX", "U0LEE"),
    ("T0GLOBEX", "U0MIA"),
    ("T0ACME", "U0JANE"),
    ("T0ACME", "U0BOB"),
    ("T0GLOBEX", "U0MIA"),
    ("T0ACME", "U0ADA"),
    ("T0ACME", "U0GINA"),
    ("T0ACME", "U0SID"),
    ("T0GLOBEX", "U0SAM"),
];

const TEXTS: [&str; 10] = [
    "I'm locked out and I forgot my password",
    "please reset my password",
    "I forgot my password",
    "my account is locked",
    "I'm locked out of my account",
    "password reset please",
    "I forgot my password and cannot sign in",
    "the printer on the second floor is jammed",
    "can you reset the password of my colleague Bob?",
    "I want to talk to a person",
];

/// Numbers from a seed.
struct Dice(u64, u64);

impl Dice {
    /// Below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.1 += 1;
        number(self.0, self.1) % sides.max(1)
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(usize::try_from(self.roll(all.len() as u64)).unwrap_or_default()).copied()
    }
}

fn number(seed: u64, place: u64) -> u64 {
    let hash = sha256_hex(format!("{seed}/{place}").as_bytes());
    hash.get(..12).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// What no journal holds: when links were opened, and which closed tickets a technician opened again. By tenant.
#[derive(Debug, Default)]
pub struct Diary {
    /// Tenant, and when (Unix milliseconds).
    pub opened: Vec<(String, u64)>,
    /// Tenant and ticket.
    pub reopened: Vec<(String, u64)>,
    /// Who signed in, by the user id of their chat, and when.
    pub signed_in: Vec<(String, u64)>,
}

/// Emulated vendors, each answer after a while of its own.
struct Uneven {
    emulated: Emulated,
    seed: u64,
    sent: AtomicU64,
}

impl Outbound for Uneven {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, OutboundError>> {
        let latency = Duration::from_millis(40 + number(self.seed, self.sent.fetch_add(1, SeqCst)) % 400);
        Box::pin(async move {
            tokio::time::sleep(latency).await;
            self.emulated.send(request).await
        })
    }
}

/// Plays the two weeks. `config` names the manifest; the store is its own. The runtime has to be paused and of one thread.
///
/// # Errors
/// The application does not start, or a webhook is refused.
pub async fn play(mut config: Config, seed: u64) -> Result<(Desk, Diary)> {
    config.clock = simulated(UNIX_EPOCH + Duration::from_secs(BEGIN));
    let began = tokio::time::Instant::now();
    let vendors = vendors(&config.clock);
    vendors.seed(&serde_json::from_str(DEMO)?).map_err(anyhow::Error::msg)?;
    let keys = Keys::make()?;
    config.variables.extend(keys.variables.clone());
    config.outbound = Arc::new(Uneven { emulated: Emulated { vendors: vendors.clone(), latency: Duration::ZERO }, seed, sent: AtomicU64::new(0) });
    let desk = Desk { app: App::start(config)?, vendors, keys };
    let mut tenants: Value = serde_json::from_str(TENANTS)?;
    for document in tenants["tenants"].as_array_mut().into_iter().flatten().filter(|document| document["tenant"] == "acme") {
        document["hours"] = ["mon", "tue", "wed", "thu", "fri"].map(|day| (day.to_string(), Value::from(HOURS))).into_iter().collect();
    }
    desk.enter(&tenants).await?;
    let mut diary = Diary::default();
    let mut clock = Ticking { desk: &desk, began, next: TICK };
    let mut dice = Dice(seed, 0);
    for day in 0..14 {
        // Fewer on week-ends.
        let visits = if day % 7 < 5 { 3 + dice.roll(4) } else { dice.roll(2) };
        let mut times: Vec<u64> = (0..visits).map(|_| day * DAY + 7 * 3_600 + dice.roll(12 * 3_600)).collect();
        times.sort_unstable();
        for at in times {
            clock.wait(at).await?;
            visit(&desk, &mut clock, &mut dice, &mut diary).await?;
        }
    }
    // The last day is over, and recorded.
    clock.wait(14 * DAY + 3_600).await?;
    let violations = desk.vendors.violations();
    ensure!(violations.is_empty(), "the vendors were sent what no correct client sends: {violations:?}");
    Ok((desk, diary))
}

/// Time that passes with a tick every ten minutes.
struct Ticking<'a> {
    desk: &'a Desk,
    began: tokio::time::Instant,
    next: u64,
}

impl Ticking<'_> {
    fn now(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Waits until so many seconds after the beginning.
    async fn wait(&mut self, until: u64) -> Result<()> {
        while self.next <= until {
            tokio::time::sleep_until(self.began + Duration::from_secs(self.next)).await;
            self.desk.tick().await?;
            self.next += TICK;
        }
        tokio::time::sleep_until(self.began + Duration::from_secs(until)).await;
        Ok(())
    }

    async fn pause(&mut self, seconds: u64) -> Result<()> {
        self.wait(self.now() + seconds).await
    }
}

async fn visit(desk: &Desk, clock: &mut Ticking<'_>, dice: &mut Dice, diary: &mut Diary) -> Result<()> {
    let (Some(who), Some(text)) = (dice.pick(&PEOPLE), dice.pick(&TEXTS)) else { return Ok(()) };
    let visit = Visit::new(desk, who);
    let (link, ticket) = (visit.link(), visit.ticket());
    let tenant = who.0.trim_start_matches("T0").to_lowercase();
    if dice.roll(4) == 0 {
        visit.say("hi").await?;
        clock.pause(5 + dice.roll(60)).await?;
    }
    visit.say(text).await?;
    // One in eight never presses, and the offer expires.
    let presses = dice.roll(8) > 0;
    clock.pause(10 + dice.roll(300)).await?;
    // Those who are handed over have no button.
    if presses {
        let _ = visit.press("Yes").await;
    }
    if let Some(new) = visit.link().filter(|new| Some(new) != link.as_ref())
        && dice.roll(4) > 0
    {
        clock.pause(10 + dice.roll(900)).await?;
        visit.open(&new).await?;
        diary.opened.push((tenant.clone(), (BEGIN + clock.now()) * 1_000));
        // Only Globex has a log that can be read.
        if tenant == "globex" {
            let user = format!("{}@globex.example", who.1.trim_start_matches("U0").to_lowercase());
            desk.vendors.act(&json!({"okta": {"user": user, "signs_in": "SUCCESS"}})).map_err(anyhow::Error::msg)?;
            diary.signed_in.push((who.1.into(), (BEGIN + clock.now()) * 1_000));
        }
    }
    if dice.roll(3) == 0 {
        clock.pause(60 + dice.roll(3_600)).await?;
        visit.say("thanks!").await?;
    }
    let new = visit.ticket();
    // Only Acme's desk calls back.
    if tenant == "acme" && new["id"] != ticket["id"] && new["closedFlag"] == true && dice.roll(4) == 0 {
        clock.pause(600 + dice.roll(3_600)).await?;
        let id = new["id"].as_u64().unwrap_or_default();
        desk.vendors.act(&json!({"connectwise": {"ticket": id, "status": "New"}})).map_err(anyhow::Error::msg)?;
        let callback = desk.vendors.connectwise_callback(&format!("/webhooks/{tenant}-desk"), id, "updated", &Map::new()).map_err(anyhow::Error::msg)?;
        ensure!(desk.deliver(callback).await.status() == 200, "the callback was refused");
        diary.reopened.push((tenant, id));
    }
    Ok(())
}

/// Plays the two weeks on a runtime as they need it, and then does something with the desk and what people did.
///
/// # Errors
/// Either fails.
pub fn alone<T: Send + 'static>(config: Config, seed: u64, then: impl AsyncFnOnce(&Desk, &Diary) -> Result<T> + Send + 'static) -> Result<T> {
    let run = move || -> Result<T> {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async move {
            let (desk, diary) = play(config, seed).await?;
            then(&desk, &diary).await
        })
    };
    // A runtime cannot begin within another one, so it gets a thread.
    std::thread::spawn(run).join().map_err(|_| anyhow::anyhow!("the two weeks were broken off"))?
}
