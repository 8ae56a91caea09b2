//! Closed tickets of the PSA, page by page, for whoever learns from them: read only, one client's, oldest first.
//!
//! A page begins behind a cursor made of the last ticket's closing time and number, so a ticket that is closed late is not missed, and reading goes on where it broke off.
//! Only what the list itself shows is read: title, how it was filed and closed, and the time; neither what was written nor notes.

use crate::backlog::number;
use crate::host::{Host, Incoming};
use crate::probe::{self, Sent, Unsent};
use crate::runner::Settings;
use crate::tenants::{self, Unusable};
use firstline_core::tenant::Role;
use firstline_core::{Instant, hours};
use serde_json::{Value, json};

/// Tickets of one page: a reply of the PSA is bounded.
const PAGE: usize = 20;

/// The next page behind a cursor, `<closing time>-<number>`; `0-0` is the beginning.
///
/// # Errors
/// The store failed, or it cannot be read: the text says why.
pub async fn page<H: Host>(host: &H, settings: &Settings, name: &str, after: &str) -> Result<Value, Unusable> {
    let refused = |why: &str| Unusable::Corrupt(why.into());
    let cursor = Cursor::parse(after).ok_or_else(|| refused("the cursor is none"))?;
    let tenant = tenants::load(host, &settings.integrity, name).await?;
    let psa = tenant.connection_of(Role::Psa).ok_or_else(|| refused("the tenant has no PSA"))?;
    let since = hours::stamp(cursor.closed).ok_or_else(|| refused("the cursor is none"))?;
    let (company, last, size) = (tenant.desk.company, cursor.ticket, PAGE.to_string());
    let conditions = format!("company/id={company} and closedFlag=true and (closedDate>[{since}] or (closedDate=[{since}] and id>{last}))");
    let query = [("conditions", conditions.as_str()), ("orderBy", "closedDate asc,id asc"), ("pageSize", size.as_str())];
    let found = match probe::read(host, settings, &tenant, &psa.id, ("GET", &["service", "tickets"], &query), false).await? {
        Ok(Sent { answer: Some(Incoming { status: 200, body, .. }), .. }) => serde_json::from_slice::<Vec<Value>>(&body).map_err(|error| error.to_string()),
        Ok(Sent { answer: Some(answer), .. }) => Err(format!("it answered {}", answer.status)),
        Ok(Sent { answer: None, .. }) => Err("it did not answer".into()),
        Err(Unsent::Denied(why) | Unsent::Credential(why)) => Err(why),
    };
    let found = found.map_err(|why| Unusable::Corrupt(format!("the PSA's closed tickets could not be read: {why}")))?;
    Ok(told(&found, cursor, company))
}

/// The tickets as lines of an import, and where the next page begins.
fn told(found: &[Value], cursor: Cursor, company: u64) -> Value {
    let next = found.iter().filter_map(Cursor::of).fold(cursor, Cursor::max);
    // Whoever shows the same page again would do so for ever.
    let more = found.len() >= PAGE && next > cursor;
    let lines: String = found.iter().filter(|ticket| number(ticket, "/company/id") == Some(company)).filter_map(line).collect();
    json!({"tickets": lines, "after": next.text(), "until": next.closed, "more": more})
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cursor {
    closed: Instant,
    ticket: u64,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (closed, ticket) = text.split_once('-')?;
        Some(Cursor { closed: closed.parse().ok()?, ticket: ticket.parse().ok()? })
    }

    fn text(self) -> String {
        format!("{}-{}", self.closed, self.ticket)
    }

    fn of(ticket: &Value) -> Option<Self> {
        Some(Cursor { closed: hours::moment(ticket.get("closedDate")?.as_str()?)?, ticket: number(ticket, "/id")? })
    }
}

/// One ticket as the import takes it. None for one that the agent itself has worked on: that teaches nothing about people.
fn line(ticket: &Value) -> Option<String> {
    let text = |pointer: &str| ticket.pointer(pointer).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    if text("/externalXRef").is_some_and(|mark| mark.starts_with("firstline/")) {
        return None;
    }
    let Cursor { closed, ticket: id } = Cursor::of(ticket)?;
    let opened = text("/_info/dateEntered").or_else(|| text("/dateEntered")).and_then(hours::moment)?;
    let minutes = ticket.get("actualHours").and_then(Value::as_f64).map(|hours| format!("{:.0}", hours * 60.0));
    let line = json!({
        "id": id.to_string(), "opened": opened.to_string(), "closed": closed.to_string(), "summary": text("/summary")?, "board": text("/board/name"),
        "status": text("/status/name"), "type": text("/type/name"), "subtype": text("/subType/name"), "item": text("/item/name"), "priority": text("/priority/name"),
        "source": text("/source/name"), "owner": text("/owner/identifier"), "worktype": text("/workType/name"), "minutes": minutes,
    });
    Some(format!("{line}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(id: u64, closed: &str) -> Value {
        json!({"id": id, "summary": "paper jam", "company": {"id": 19}, "board": {"id": 1, "name": "Help Desk"}, "status": {"name": ">Closed"}, "closedDate": closed,
            "actualHours": 0.25, "owner": {"identifier": "bob"}, "_info": {"dateEntered": "2026-11-02T09:00:00Z"}})
    }

    const START: Cursor = Cursor { closed: 0, ticket: 0 };

    #[test]
    fn a_page_holds_what_people_closed_for_this_client() {
        let mut foreign = ticket(2, "2026-11-02T10:00:00Z");
        foreign["company"] = json!({"id": 20});
        let mut own = ticket(3, "2026-11-02T10:00:00Z");
        own["externalXRef"] = json!("firstline/c-1");
        let mut undated = ticket(4, "soon");
        undated["summary"] = json!("x");
        let page = told(&[ticket(1, "2026-11-02T10:00:00Z"), foreign, own, undated], START, 19);
        let lines: Vec<Value> = page["tickets"].as_str().unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((&line["id"], &line["board"], &line["minutes"], &line["owner"]), (&json!("1"), &json!("Help Desk"), &json!("15"), &json!("bob")));
        // All that was seen is behind us, also what was left out.
        assert_eq!((&page["after"], &page["more"]), (&json!("1793613600000-3"), &json!(false)));
    }

    #[test]
    fn there_is_more_only_behind_a_full_page_that_led_on() {
        let full: Vec<Value> = (1..=PAGE as u64).map(|id| ticket(id, "2026-11-02T10:00:00Z")).collect();
        let page = told(&full, START, 19);
        assert_eq!((&page["after"], &page["more"]), (&json!("1793613600000-20"), &json!(true)));
        let again = told(&full, Cursor::parse("1793613600000-20").unwrap(), 19);
        assert_eq!((&again["after"], &again["more"]), (&json!("1793613600000-20"), &json!(false)));
        assert_eq!(told(&[], START, 19)["after"], json!("0-0"));
        for text in ["", "0", "0-", "-1", "x-1", "1-x", "1-2-3"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
