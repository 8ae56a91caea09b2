//! The daily digest: what became of the cases since the last one, told to the MSP's people in their own channel.
//!
//! It goes from one due time to the next, so that no case falls between two of them, however late the tick comes.

use crate::days::load;
use crate::host::{Fault, Host};
use crate::runner::{Settings, post};
use crate::tenants::{self, Unusable};
use firstline_core::autonomy::{self, Tried};
use firstline_core::hours::Calendar;
use firstline_core::journal::Summary;
use firstline_core::mailbox::Event;
use firstline_core::record::Record;
use firstline_core::stage::Words;
use firstline_core::tenant::{Digest, Role, Tenant};
use firstline_core::{Instant, keys};
use serde::{Deserialize, Serialize};

const DAY: u64 = 86_400_000;
/// A case that began so many days before the last digest may have ended since, or wait still.
const OPEN_DAYS: u64 = 3;
/// Most cases that are looked at.
const MOST_CASES: usize = 20_000;
/// Clients of one message; each is a part of the sentence.
const PARTS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

/// How far digests go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    /// Cases that ended up to then were told.
    until: Instant,
    /// When the next one is due.
    next: Instant,
}

impl Record for Told {
    const SCHEMA: u64 = 1;
}

/// What became of the cases of one client, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Line {
    closed: u32,
    handed_over: u32,
    failed: u32,
    waiting: u32,
}

impl Line {
    fn add(&mut self, summary: &Summary, span: &std::ops::Range<Instant>) {
        let within = |at: Option<Instant>| at.is_some_and(|at| span.contains(&at));
        match summary.state.as_str() {
            "closed" => self.closed += u32::from(within(summary.ended)),
            "handed-over" => self.handed_over += u32::from(within(summary.ended)),
            _ => self.waiting += 1,
        }
        self.failed += u32::from(within(Tried::of(summary).and_then(|tried| tried.failed())));
    }

    fn and(self, other: Line) -> Line {
        Line {
            closed: self.closed + other.closed,
            handed_over: self.handed_over + other.handed_over,
            failed: self.failed + other.failed,
            waiting: self.waiting + other.waiting,
        }
    }

    fn shown(self, name: &str) -> String {
        let Line { closed, handed_over, failed, waiting } = self;
        format!("{name}: {closed} / {handed_over} / {failed} / {waiting}")
    }
}

/// Tells what is due; returns the conversations to run, with their epochs.
///
/// # Errors
/// The store failed, or a record cannot be used.
pub async fn tell<H: Host>(host: &H, settings: &Settings) -> Result<Vec<(String, i64)>, Fault> {
    let (now, key) = (host.now(), keys::digest());
    let held: Option<Told> = load(host, settings, &key).await?;
    if held.as_ref().is_some_and(|held| now < held.next) {
        return Ok(Vec::new());
    }
    let msp = match tenants::load_msp(host, &settings.integrity).await {
        Ok(msp) => msp,
        // Whoever has no document is told nothing; what is wrong with it stands in the health.
        Err(Unusable::Corrupt(_)) => return Ok(Vec::new()),
        Err(Unusable::Fault(fault)) => return Err(fault),
    };
    let Some(Digest { channel, at }) = msp.digest.clone() else { return Ok(Vec::new()) };
    let mut msp = msp;
    msp.approvals.channel = channel.or(msp.approvals.channel);
    let Ok(calendar) = Calendar::new(&msp.time_zone, &msp.hours, &msp.holidays) else { return Ok(Vec::new()) };
    let Some(next) = calendar.daily(at.as_deref(), now) else { return Ok(Vec::new()) };
    let mut woken = Vec::new();
    let mut until = now;
    if let Some(held) = held {
        until = held.next;
        for (number, words) in digest(host, settings, &msp, &calendar, held.until..until).await?.into_iter().enumerate() {
            // Named by when it was due: whoever was interrupted tells it once more, and it is said once.
            let notice = Event::notice(&settings.integrity, &msp, format!("digest/{until}/{number}"), words, now);
            if let Some(notice) = notice {
                woken.extend(post(host, &notice).await?);
            }
        }
    }
    host.set_many(vec![(key.clone(), settings.integrity.write(&key, &Told { until, next }))]).await?;
    Ok(woken)
}

/// The messages of one digest; one at least.
async fn digest<H: Host>(host: &H, settings: &Settings, msp: &Tenant, calendar: &Calendar, span: std::ops::Range<Instant>) -> Result<Vec<Words>, Fault> {
    let clients = clients(host, settings).await?;
    let (mut total, mut lines, mut left) = (Line::default(), Vec::new(), MOST_CASES);
    for client in &clients {
        let mut line = Line::default();
        for day in (span.start / DAY).saturating_sub(OPEN_DAYS)..=host.now() / DAY {
            for summary in autonomy::cases(host, &settings.integrity, &client.tenant, day, &mut left).await? {
                line.add(&summary, &span);
            }
        }
        total = total.and(line);
        lines.extend((line != Line::default()).then(|| line.shown(&client.name)));
    }
    let ready = ready(host, settings, &clients).await?;
    let since = calendar.shown(span.start).map(|at| format!("{} {}", at.date, at.time)).unwrap_or_default();
    let total = total.shown(&msp.msp.name);
    let chunks: Vec<&[String]> = if lines.is_empty() { vec![&[]] } else { lines.chunks(PARTS.len()).collect() };
    let words = chunks.into_iter().map(|chunk| {
        let parts = PARTS.iter().enumerate().map(|(at, part)| (*part, chunk.get(at).map_or("", String::as_str)));
        let head = [("since", since.as_str()), ("total", total.as_str()), ("ready", ready.as_str())];
        Words::new("digest", &head.into_iter().chain(parts).collect::<Vec<_>>())
    });
    Ok(words.collect())
}

/// Every client that shares the MSP and can be served.
async fn clients<H: Host>(host: &H, settings: &Settings) -> Result<Vec<Tenant>, Fault> {
    let mut clients = Vec::new();
    for name in tenants::names(host, &settings.integrity).await? {
        match tenants::load(host, &settings.integrity, &name).await {
            // Whoever stands alone has no chat of an MSP.
            Ok(tenant) => clients.extend(Some(tenant).filter(|tenant| tenant.staff_chat().is_some())),
            Err(Unusable::Corrupt(_)) => {}
            Err(Unusable::Fault(fault)) => return Err(fault),
        }
    }
    Ok(clients)
}

/// What could go by itself, if two people agreed.
async fn ready<H: Host>(host: &H, settings: &Settings, clients: &[Tenant]) -> Result<String, Fault> {
    let names: Vec<String> = clients.iter().map(|client| client.tenant.clone()).collect();
    let all = autonomy::tried(host, &settings.integrity, &names, host.now()).await?;
    let mut found = Vec::new();
    for client in clients {
        let Some(idp) = client.connection_of(Role::Idp) else { continue };
        let held = autonomy::held(host, &settings.integrity, client).await?;
        let earned = autonomy::earned(&all, client, &idp.vendor, &held, host.now());
        found.extend(earned.into_iter().map(|(action, _)| format!("{} {action}", client.name)));
    }
    Ok(found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::*;
    use firstline_core::mailbox::Act;
    use firstline_core::record::read;
    use firstline_core::tenant::{Reach, read_msp};
    use serde_json::json;

    const MSP: &str = r#"{"brand": {"name": "Northwind IT", "phone": "+1 555 0100"}, "desk": {"board": 1}, "time_zone": "Europe/Berlin",
        "approvals": {"channel": "C1"}, "digest": {"at": "08:00"}, "connections": [{"id": "staff", "vendor": "slack", "account": {"team": "T9"}},
        {"id": "desk", "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4/apis/3.0", "account": {"login_company": "nw", "client_id": "c"}}]}"#;

    fn world(msp: &str) -> World {
        let world = World::new();
        let (integrity, reach) = (world.settings().integrity, Reach::default());
        let bytes = integrity.write(&keys::msp(), &read_msp(msp.as_bytes(), &reach).unwrap());
        world.values.borrow_mut().insert(keys::msp(), bytes);
        for tenant in ["acme", "globex"] {
            let document = json!({"tenant": tenant, "name": tenant.to_uppercase(), "desk": {"company": 19},
                "connections": [{"id": format!("{tenant}-okta"), "vendor": "okta", "base_url": "https://acme.okta.com", "account": {"org": "o"}}]});
            let document = firstline_core::tenant::read(tenant, document.to_string().as_bytes(), &reach).unwrap();
            let number = block_on(world.increment(&keys::tenant_counter(), 1)).unwrap();
            let (under, listed) = (keys::tenant(tenant), keys::listed(number));
            let name = firstline_core::tenant::Listed { tenant: tenant.into() };
            let writes = vec![(under.clone(), integrity.write(&under, &document)), (listed.clone(), integrity.write(&listed, &name))];
            block_on(world.set_many(writes)).unwrap();
        }
        world
    }

    /// A case of a tenant in this state, ended so many minutes ago.
    fn case(world: &World, tenant: &str, state: &str, ago: u64) {
        let at = world.now.get() - ago * MINUTE;
        let number = block_on(world.increment(&keys::case_counter(tenant, at / DAY), 1)).unwrap();
        let id = format!("{}-{number}", keys::conversation(tenant, "c", &at.to_string(), None));
        let summary = Summary {
            case: id.clone(),
            tenant: tenant.into(),
            state: state.into(),
            kind: "password_reset".into(),
            ticket: None,
            received: at,
            ended: (state != "open").then_some(at),
            reason: None,
            from: (0, 0),
            to: None,
            tally: None,
        };
        let under = keys::case(&id);
        let writes = vec![(under.clone(), world.settings().integrity.write(&under, &summary)), (keys::case_of_day(tenant, at / DAY, number), id.into_bytes())];
        block_on(world.set_many(writes)).unwrap();
    }

    fn told(world: &World) -> Vec<String> {
        let values = world.values.borrow();
        let events = values.iter().filter(|(key, _)| key.starts_with("event/")).filter_map(|(_, bytes)| read::<Event>(bytes).ok());
        let words = events.filter_map(|event| if let Act::Notice(notice) = event.act { Some((event.id, notice.words)) } else { None });
        let shown = |words: Words| words.arguments.into_iter().map(|(_, value)| value).filter(|value| !value.is_empty()).collect::<Vec<_>>().join("; ");
        words.map(|(id, words)| format!("{id} {}", shown(words))).collect()
    }

    fn tick(world: &World) -> usize {
        block_on(tell(world, &world.settings())).unwrap().len()
    }

    #[test]
    fn it_is_told_once_a_day_at_its_time_and_goes_from_one_to_the_next() {
        let world = world(MSP);
        assert_eq!((tick(&world), told(&world).len()), (0, 0), "nothing is known of the time before the first");
        let first: Told = block_on(load(&world, &world.settings(), &keys::digest())).unwrap().unwrap();
        // 08:00 in Berlin, in January.
        assert_eq!(first.next % DAY, 7 * 60 * MINUTE);
        world.now.set(first.next - 1);
        assert_eq!(tick(&world), 0);
        for (tenant, state, ago) in [("acme", "closed", 1), ("acme", "handed-over", 30), ("globex", "open", 5)] {
            case(&world, tenant, state, ago);
        }
        // The tick comes late, and what ended meanwhile is the next one's.
        world.now.set(first.next + 30 * MINUTE);
        case(&world, "acme", "closed", 10);
        assert_eq!((tick(&world), tick(&world)), (1, 0));
        let lines = told(&world);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].ends_with("Northwind IT: 1 / 1 / 0 / 1; ACME: 1 / 1 / 0 / 0; GLOBEX: 0 / 0 / 0 / 1"), "{lines:?}");
        world.now.set(first.next + DAY);
        assert_eq!(tick(&world), 0, "its mailbox was woken already");
        assert!(told(&world)[1].contains("ACME: 1 / 0 / 0 / 0"), "{:?}", told(&world));
    }

    #[test]
    fn whoever_was_interrupted_tells_the_same_once_more_under_the_same_name() {
        let world = world(MSP);
        tick(&world);
        let before = world.values.borrow()[&keys::digest()].clone();
        world.now.set(world.now.get() + DAY);
        tick(&world);
        world.values.borrow_mut().insert(keys::digest(), before);
        world.now.set(world.now.get() + MINUTE);
        tick(&world);
        let names: Vec<String> = told(&world).iter().map(|line| line.split(' ').next().unwrap().to_string()).collect();
        assert_eq!((names.len(), &names[0]), (2, &names[1]));
    }

    #[test]
    fn many_clients_take_several_messages_and_nobody_who_wants_none_is_told() {
        let line = |shown: &str| shown.matches(" / ").count() / 3;
        let words = |count: usize| {
            let lines: Vec<String> = (0..count).map(|at| Line { closed: 1, ..Line::default() }.shown(&format!("c{at}"))).collect();
            lines.chunks(PARTS.len()).map(|chunk| line(&chunk.join(" "))).collect::<Vec<_>>()
        };
        assert_eq!(words(21), [10, 10, 1]);
        let world = world(&MSP.replace(r#""digest": {"at": "08:00"}, "#, ""));
        tick(&world);
        world.now.set(world.now.get() + 3 * DAY);
        assert_eq!((tick(&world), told(&world).len(), world.values.borrow().contains_key(&keys::digest())), (0, 0, false));
    }
}
