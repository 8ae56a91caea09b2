//! The backlog: tickets that came while nobody listened, before a client was connected or during an outage.
//!
//! The plan is read and shown first. The same plan, called by its name, is then taken in: each ticket as if the PSA had called back about it,
//! so that it is read again and passes every gate; ten a minute, so that neither the PSA nor the people at the desk are flooded.

use crate::host::{Host, Incoming};
use crate::probe::{self, Sent, Unsent};
use crate::runner::Settings;
use crate::tenants::{self, Unusable};
use firstline_core::case::left_alone;
use firstline_core::mailbox::{self, Event};
use firstline_core::stage::{Seen, Ticket};
use firstline_core::tenant::{Role, Tenant};
use firstline_core::{Instant, hours, keys};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Tickets that one plan looks at, and of one reply.
const MOST: usize = 100;
const PAGE: usize = 20;
/// Tickets that are taken in within the same minute.
const A_MINUTE: usize = 10;
/// How far back anybody may look.
const MOST_DAYS: u64 = 90;
const DAY: u64 = 86_400_000;

/// One ticket of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its number.
    pub ticket: u64,
    /// Name of its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of its status.
    pub status: String,
    /// Why it is left alone; empty for one that is taken in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// What would be done with the open tickets of the boards that the desk takes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Changes whenever what would be taken in does.
    pub plan: String,
    /// Oldest first.
    pub take: Vec<Item>,
    /// Not taken in, and why.
    pub leave: Vec<Item>,
    /// There are more than one plan holds: take this one, then look again.
    pub more: bool,
}

impl Plan {
    /// Sorts what the PSA showed. A ticket of another company is nobody's business here.
    #[must_use]
    pub fn of(tickets: &[Value], tenant: &Tenant, more: bool) -> Self {
        let (mut take, mut leave) = (Vec::new(), Vec::new());
        for ticket in tickets.iter().filter(|ticket| number(ticket, "/company/id") == Some(tenant.desk.company)) {
            let Some(seen) = seen(ticket) else { continue };
            let why = left_alone(&seen, tenant).unwrap_or_default().to_string();
            let list = if why.is_empty() { &mut take } else { &mut leave };
            list.push(Item { ticket: seen.ticket.id, kind: seen.kind, status: seen.ticket.status_name, why });
        }
        let ids: Vec<String> = take.iter().map(|item| item.ticket.to_string()).collect();
        let plan = keys::sha256_hex(ids.join(" ").as_bytes()).chars().take(16).collect();
        Plan { plan, take, leave, more }
    }
}

pub(crate) fn number(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

/// What the list shows of a ticket. Whether anybody works on it is only seen when it is read.
fn seen(ticket: &Value) -> Option<Seen> {
    let text = |pointer: &str| ticket.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
    let named = |pointer: &str| Some(text(pointer)).filter(|text| !text.is_empty());
    Some(Seen {
        ticket: Ticket {
            id: number(ticket, "/id")?,
            board: number(ticket, "/board/id")?,
            status: number(ticket, "/status/id")?,
            status_name: text("/status/name"),
            contact: number(ticket, "/contact/id").is_some(),
            priority: text("/priority/name"),
        },
        summary: String::new(),
        text: String::new(),
        kind: text("/type/name"),
        source: text("/source/name"),
        contact_name: String::new(),
        contact_email: None,
        closed: ticket.get("closedFlag") == Some(&Value::Bool(true)),
        owner: named("/owner/identifier"),
        case: text("/externalXRef").strip_prefix("firstline/").map(str::to_string),
        worked: false,
    })
}

/// Reads the open tickets of the last days. Changes nothing.
///
/// # Errors
/// The store failed, or it cannot be read: the text says why.
pub async fn plan<H: Host>(host: &H, settings: &Settings, name: &str, days: &str) -> Result<Value, Unusable> {
    Ok(json!(read(host, settings, name, days).await?))
}

async fn read<H: Host>(host: &H, settings: &Settings, name: &str, days: &str) -> Result<Plan, Unusable> {
    let refused = |why: &str| Unusable::Corrupt(why.into());
    let days = days.parse::<u64>().ok().filter(|days| (1..=MOST_DAYS).contains(days)).ok_or_else(|| refused("`days` is 1 to 90"))?;
    let tenant = tenants::load(host, &settings.integrity, name).await?;
    let psa = tenant.connection_of(Role::Psa).ok_or_else(|| refused("the tenant has no PSA"))?;
    let boards: BTreeSet<String> = tenant.desk.intake.iter().map(|intake| intake.board.to_string()).collect();
    if boards.is_empty() {
        return Err(refused("no board is taken in: name one in `desk.intake`"));
    }
    let since = hours::stamp(host.now().saturating_sub(days * DAY)).ok_or_else(|| refused("the clock is wrong"))?;
    let (company, page) = (tenant.desk.company, PAGE.to_string());
    let boards = boards.into_iter().collect::<Vec<_>>().join(",");
    let mut tickets: Vec<Value> = Vec::new();
    loop {
        let last = tickets.last().and_then(|ticket| number(ticket, "/id")).unwrap_or(0);
        let conditions = format!("company/id={company} and closedFlag=false and board/id in ({boards}) and dateEntered>=[{since}] and id>{last}");
        let query = [("conditions", conditions.as_str()), ("orderBy", "id asc"), ("pageSize", page.as_str())];
        let sent = probe::read(host, settings, &tenant, &psa.id, ("GET", &["service", "tickets"], &query), false).await?;
        let found = match sent {
            Ok(Sent { answer: Some(Incoming { status: 200, body, .. }), .. }) => serde_json::from_slice::<Vec<Value>>(&body).map_err(|error| error.to_string()),
            Ok(Sent { answer: Some(answer), .. }) => Err(format!("it answered {}", answer.status)),
            Ok(Sent { answer: None, .. }) => Err("it did not answer".into()),
            Err(Unsent::Denied(why) | Unsent::Credential(why)) => Err(why),
        };
        let found = found.map_err(|why| Unusable::Corrupt(format!("the PSA's open tickets could not be read: {why}")))?;
        // Every page begins behind the one before it, or it would go on for ever.
        let full = found.len() >= PAGE && found.last().and_then(|ticket| number(ticket, "/id")).is_some_and(|id| id > last);
        tickets.extend(found);
        if !full || tickets.len() >= MOST {
            return Ok(Plan::of(&tickets, &tenant, full));
        }
    }
}

/// Takes in what the plan of this name showed, if it is still the same.
///
/// # Errors
/// As those of [`plan`]; also if the plan has changed.
pub async fn take<H: Host>(host: &H, settings: &Settings, name: &str, days: &str, plan: &str) -> Result<Value, Unusable> {
    let now = read(host, settings, name, days).await?;
    if now.plan != plan {
        return Err(Unusable::Corrupt("what would be taken in has changed since: look at the plan again".into()));
    }
    let tenant = tenants::load(host, &settings.integrity, name).await?;
    let psa = tenant.connection_of(Role::Psa).map(|psa| psa.id.clone()).unwrap_or_default();
    for (at, item) in now.take.iter().enumerate() {
        // The same plan, pressed twice, is the same hint.
        let hint = Event::of_ticket(item.ticket, format!("backlog {plan}/{}", item.ticket), name, &psa, host.now());
        mailbox::put_for(host, &hint, minutes_later(host.now(), at)).await?;
    }
    Ok(json!({"plan": plan, "taken": now.take.len(), "more": now.more}))
}

/// When the ticket at this place is read.
fn minutes_later(now: Instant, at: usize) -> Instant {
    now + (at / A_MINUTE) as u64 * 60_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{World, block_on, document};
    use firstline_core::tenant::{Reach, parse};

    fn tenant() -> Tenant {
        let mut document = document();
        document["desk"]["intake"] = json!([{"board": 1, "statuses": ["New"]}]);
        parse("acme", document.to_string().as_bytes(), &Reach::default()).unwrap()
    }

    fn ticket(id: u64) -> Value {
        json!({"id": id, "company": {"id": 19}, "board": {"id": 1}, "status": {"id": 5, "name": "New"}, "contact": {"id": 3}, "source": {"name": "Email"},
            "type": {"name": "Access"}, "closedFlag": false})
    }

    fn with(id: u64, pointer: &str, value: Value) -> Value {
        let mut ticket = ticket(id);
        ticket[pointer] = value;
        ticket
    }

    #[test]
    fn a_plan_says_what_is_taken_in_and_why_the_rest_is_not() {
        let tickets = [
            ticket(1),
            with(2, "owner", json!({"identifier": "bob"})),
            with(3, "source", json!({"name": "RMM Monitor"})),
            with(4, "contact", Value::Null),
            with(5, "status", json!({"id": 6, "name": "In Progress"})),
            with(6, "externalXRef", json!("firstline/x-1")),
            with(7, "board", json!({"id": 2})),
            with(8, "closedFlag", json!(true)),
            with(9, "company", json!({"id": 20})),
            with(10, "id", json!("ten")),
            ticket(11),
        ];
        let plan = Plan::of(&tickets, &tenant(), false);
        assert_eq!(plan.take.iter().map(|item| item.ticket).collect::<Vec<_>>(), [1, 11]);
        let left: Vec<String> = plan.leave.iter().map(|item| format!("{} {}", item.ticket, item.why)).collect();
        assert_eq!(
            left,
            [
                "2 it is assigned",
                "3 it is of a machine",
                "4 it has no contact",
                "5 its board, type or status is not taken in",
                "6 it is a case's own",
                "7 its board, type or status is not taken in",
                "8 it is closed"
            ]
        );
    }

    #[test]
    fn a_plan_has_another_name_once_it_takes_something_else() {
        let name = |tickets: &[Value]| Plan::of(tickets, &tenant(), false).plan;
        assert_eq!(name(&[ticket(1), ticket(2)]), name(&[ticket(1), ticket(2), with(3, "contact", Value::Null)]));
        assert_ne!(name(&[ticket(1), ticket(2)]), name(&[ticket(12)]));
        assert_ne!(name(&[ticket(1), ticket(2)]), name(&[ticket(1), with(2, "contact", Value::Null)]));
    }

    #[test]
    fn hints_are_stored_once_each_and_spread_over_minutes() {
        let world = World::new();
        for (ticket, at) in [(1, 0), (2, A_MINUTE - 1), (3, A_MINUTE)] {
            let hint = Event::of_ticket(ticket, format!("backlog p/{ticket}"), "acme", "desk", world.now.get());
            block_on(mailbox::put_for(&world, &hint, minutes_later(world.now.get(), at))).unwrap();
        }
        let minute = mailbox::minute(world.now.get());
        let due = |minute: u64| world.counters.borrow().get(&keys::due_counter(minute)).copied().unwrap_or(0);
        assert_eq!((due(minute), due(minute + 1)), (2, 1));
    }

    #[test]
    fn who_names_no_board_or_no_days_gets_no_plan() {
        let world = World::new();
        for (days, part) in [("0", "1 to 90"), ("91", "1 to 90"), ("x", "1 to 90"), ("14", "`desk.intake`")] {
            match block_on(plan(&world, &world.settings(), "acme", days)) {
                Err(Unusable::Corrupt(why)) => assert!(why.contains(part), "{why}"),
                other => panic!("{days}: {other:?}"),
            }
        }
    }
}
