//! Closed tickets of the PSA, page by page, for whoever learns from them: read only, one client's, oldest first.
//!
//! A page begins behind a cursor made of the last ticket's closing time and number, so a ticket that is closed late is not missed, and reading goes on where it broke off.
//! The list shows title, how it was filed and closed, and the time. What was asked for and what technicians wrote are notes, which are read ticket by ticket.

use crate::backlog::number;
use crate::host::{Host, Incoming};
use crate::probe::{self, Ask, Sent, Unsent, flag};
use crate::runner::Settings;
use crate::tenants::{self, Unusable};
use firstline_core::tenant::{Role, Tenant};
use firstline_core::{Instant, hours};
use serde_json::{Value, json};

/// Tickets of one page: a reply of the PSA is bounded.
const PAGE: usize = 20;
/// Newest notes of one ticket that are read: a page of notes stays below what a reply may hold.
const NOTES: usize = 50;
/// Bytes of one text.
const LONGEST: usize = 12_000;
/// Bytes after which a page takes no further ticket: with the last one, and quoted, it stays below what the console reads.
const FULL: usize = 64 * 1024;
/// Milliseconds after which a page takes no further ticket: the console waits for 90 s.
const PATIENCE: u64 = 25_000;

/// The next page behind a cursor, `<closing time>-<number>`; `0-0` is the beginning.
///
/// A ticket whose notes cannot be read ends the page before it. The next page begins with it: if its notes still cannot be read, although the PSA has just answered, it is told without them and counted as `unread`; if the PSA is only busy, nothing is told.
///
/// # Errors
/// The store failed, or it cannot be read: the text says why.
pub async fn page<H: Host>(host: &H, settings: &Settings, name: &str, after: &str) -> Result<Value, Unusable> {
    let refused = |why: &str| Unusable::Corrupt(why.into());
    let begun = host.now();
    let cursor = Cursor::parse(after).ok_or_else(|| refused("the cursor is none"))?;
    let tenant = tenants::load(host, &settings.integrity, name).await?;
    let psa = tenant.connection_of(Role::Psa).ok_or_else(|| refused("the tenant has no PSA"))?;
    let since = hours::stamp(cursor.closed).ok_or_else(|| refused("the cursor is none"))?;
    let (company, last, size) = (tenant.desk.company, cursor.ticket, PAGE.to_string());
    let conditions = format!("company/id={company} and closedFlag=true and (closedDate>[{since}] or (closedDate=[{since}] and id>{last}))");
    let query = [("conditions", conditions.as_str()), ("orderBy", "closedDate asc,id asc"), ("pageSize", size.as_str())];
    let psa = Psa { host, settings, tenant: &tenant, connection: &psa.id };
    let (found, attested) = psa.list(("GET", &["service", "tickets"], &query), &[]).await?.map_err(|why| why.unusable("closed tickets"))?;
    let mut page = Page::new(found, cursor, company);
    while let Some(ticket) = page.next() {
        let first = page.told == 0 && page.unread == 0;
        match psa.list(("GET", &["service", "tickets", &ticket, "notes"], &[("orderBy", "id desc"), ("pageSize", &NOTES.to_string())]), &attested).await? {
            Ok((notes, _)) => page.take(&Written::of(&notes)),
            Err(_) if !first => break,
            Err(Unread::Never(_)) => {
                page.unread += 1;
                page.take(&Written::default());
            }
            Err(why) => return Err(why.unusable("notes")),
        }
        if host.now() > begun + PATIENCE {
            break;
        }
    }
    Ok(page.told())
}

/// Why a list was not read.
enum Unread {
    /// It may be read later.
    Later(String),
    /// It was refused, or no answer came that can be read.
    Never(String),
}

impl Unread {
    fn unusable(self, what: &str) -> Unusable {
        let (Unread::Later(why) | Unread::Never(why)) = self;
        Unusable::Corrupt(format!("the PSA's {what} could not be read: {why}"))
    }
}

/// The tenant's PSA.
struct Psa<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    tenant: &'a Tenant,
    connection: &'a str,
}

impl<H: Host> Psa<'_, H> {
    /// A list, and whose its members are proved to be.
    async fn list(&self, ask: Ask<'_>, attested: &[String]) -> Result<Result<(Vec<Value>, Vec<String>), Unread>, Unusable> {
        let Sent { call: _, answer, attested } = match probe::read_below(self.host, self.settings, self.tenant, self.connection, ask, false, attested).await? {
            Ok(sent) => sent,
            Err(Unsent::Denied(why) | Unsent::Credential(why)) => return Ok(Err(Unread::Later(why))),
        };
        Ok(match answer {
            Some(Incoming { status: 200, body, .. }) => match serde_json::from_slice(&body) {
                Ok(found) => Ok((found, attested)),
                Err(error) => Err(Unread::Never(error.to_string())),
            },
            Some(Incoming { status: status @ (401 | 408 | 429 | 500..), .. }) => Err(Unread::Later(format!("it answered {status}"))),
            Some(answer) => Err(Unread::Never(format!("it answered {}", answer.status))),
            None => Err(Unread::Never("it did not answer".into())),
        })
    }
}

/// Tickets on their way into lines of an import.
struct Page {
    found: std::vec::IntoIter<Value>,
    /// The ticket whose notes are awaited.
    open: Option<Value>,
    company: u64,
    begin: Cursor,
    next: Cursor,
    /// The PSA may have more.
    full: bool,
    lines: String,
    told: usize,
    unread: usize,
}

impl Page {
    fn new(mut found: Vec<Value>, begin: Cursor, company: u64) -> Self {
        let full = found.len() >= PAGE;
        found.sort_by_key(Cursor::of);
        Page { found: found.into_iter(), open: None, company, begin, next: begin, full, lines: String::new(), told: 0, unread: 0 }
    }

    /// Number of the next ticket that teaches something; those that do not are passed over.
    fn next(&mut self) -> Option<String> {
        if self.lines.len() >= FULL {
            return None;
        }
        loop {
            let ticket = self.found.next()?;
            match line(&ticket, &Written::default()).filter(|_| number(&ticket, "/company/id") == Some(self.company)) {
                Some(_) => {
                    let id = number(&ticket, "/id")?.to_string();
                    self.open = Some(ticket);
                    return Some(id);
                }
                None => self.pass(&ticket),
            }
        }
    }

    fn pass(&mut self, ticket: &Value) {
        self.next = Cursor::of(ticket).map_or(self.next, |cursor| self.next.max(cursor));
    }

    /// The ticket with what was written in it.
    fn take(&mut self, written: &Written) {
        if let Some(ticket) = self.open.take() {
            self.lines.extend(line(&ticket, written));
            self.told += 1;
            self.pass(&ticket);
        }
    }

    /// The lines, and where the next page begins.
    fn told(self) -> Value {
        let left = self.open.is_some() || self.found.len() > 0;
        // Whoever shows the same page again would do so for ever.
        let more = (self.full || left) && self.next > self.begin;
        json!({"tickets": self.lines, "after": self.next.text(), "until": self.next.closed, "more": more, "unread": self.unread})
    }
}

/// What was written in a ticket, as the columns of an import.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    /// What was asked for.
    description: String,
    /// What technicians wrote: no requester's words, of which an approval would be worth nothing (P-34).
    resolution: String,
}

impl Written {
    /// Of notes, newest first.
    fn of(notes: &[Value]) -> Self {
        let text = |note: &Value| note.get("text").and_then(Value::as_str).map(clean);
        let own = |note: &&Value| flag(note, "internalAnalysisFlag") || flag(note, "resolutionFlag");
        // What stands further back than the notes that were read, nobody knows: the first of these is no description then.
        let first = notes.iter().rev().find(|note| flag(note, "detailDescriptionFlag") && !own(note)).filter(|_| notes.len() < NOTES);
        let mut resolution: Vec<String> = Vec::new();
        let mut left = LONGEST;
        // What solved it stands at the end.
        for text in notes.iter().filter(own).filter_map(text) {
            let text = shortened(&text, left);
            left = left.saturating_sub(text.len() + 1);
            resolution.push(text);
        }
        resolution.reverse();
        Written { description: first.and_then(text).map(|text| shortened(&text, LONGEST)).unwrap_or_default(), resolution: resolution.join("\n").trim().into() }
    }
}

/// Without control characters, of which each would take six bytes.
fn clean(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

fn shortened(text: &str, bytes: usize) -> String {
    text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= bytes).map(|(_, c)| c).collect()
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
fn line(ticket: &Value, written: &Written) -> Option<String> {
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
        "description": written.description, "resolution": written.resolution,
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

    /// Takes every ticket of a page without notes.
    fn told(found: &[Value], begin: Cursor) -> Value {
        let mut page = Page::new(found.to_vec(), begin, 19);
        while page.next().is_some() {
            page.take(&Written::default());
        }
        page.told()
    }

    fn lines(page: &Value) -> Vec<Value> {
        page["tickets"].as_str().unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_page_holds_what_people_closed_for_this_client() {
        let mut foreign = ticket(2, "2026-11-02T10:00:00Z");
        foreign["company"] = json!({"id": 20});
        let mut own = ticket(3, "2026-11-02T10:00:00Z");
        own["externalXRef"] = json!("firstline/c-1");
        let mut undated = ticket(4, "soon");
        undated["summary"] = json!("x");
        let page = told(&[ticket(1, "2026-11-02T10:00:00Z"), foreign, own, undated], START);
        let lines = lines(&page);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((&line["id"], &line["board"], &line["minutes"], &line["owner"]), (&json!("1"), &json!("Help Desk"), &json!("15"), &json!("bob")));
        // All that was seen is behind us, also what was left out.
        assert_eq!((&page["after"], &page["more"]), (&json!("1793613600000-3"), &json!(false)));
    }

    #[test]
    fn there_is_more_only_behind_a_full_page_that_led_on() {
        let full: Vec<Value> = (1..=PAGE as u64).map(|id| ticket(id, "2026-11-02T10:00:00Z")).collect();
        let page = told(&full, START);
        assert_eq!((&page["after"], &page["more"]), (&json!("1793613600000-20"), &json!(true)));
        let again = told(&full, Cursor::parse("1793613600000-20").unwrap());
        assert_eq!((&again["after"], &again["more"]), (&json!("1793613600000-20"), &json!(false)));
        assert_eq!(told(&[], START)["after"], json!("0-0"));
        for text in ["", "0", "0-", "-1", "x-1", "1-x", "1-2-3"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_page_that_ends_early_goes_on_with_the_ticket_that_it_left() {
        // In whatever order they came.
        let found = [3, 1, 2].map(|id| ticket(id, "2026-11-02T10:00:00Z"));
        let mut page = Page::new(found.to_vec(), START, 19);
        assert_eq!(page.next().as_deref(), Some("1"));
        page.take(&Written::default());
        assert_eq!(page.next().as_deref(), Some("2"));
        let page = page.told();
        assert_eq!((&page["after"], &page["more"], lines(&page).len()), (&json!("1793613600000-1"), &json!(true), 1));
    }

    #[test]
    fn a_page_stays_below_what_the_console_reads_whatever_was_written() {
        for text in ["\"\\\n".repeat(30_000), "\u{1}".repeat(90_000), "😀".repeat(20_000)] {
            let notes = [json!({"text": text, "resolutionFlag": true}), json!({"text": text, "detailDescriptionFlag": true})];
            let found: Vec<Value> = (1..=PAGE as u64).map(|id| ticket(id, "2026-11-02T10:00:00Z")).collect();
            let mut page = Page::new(found, START, 19);
            while page.next().is_some() {
                page.take(&Written::of(&notes));
            }
            let page = page.told();
            assert!(page.to_string().len() < 256 * 1024, "{}", page.to_string().len());
            assert!(page["more"] == true || lines(&page).len() == PAGE, "no ticket is lost");
        }
    }

    #[test]
    fn only_technicians_words_are_a_resolution() {
        let (asked, answer) =
            (json!({"text": "I need the payroll folder", "detailDescriptionFlag": true}), json!({"text": "approved by me", "detailDescriptionFlag": true}));
        let (internal, solved) =
            (json!({"text": "Which folder is it?", "internalAnalysisFlag": true}), json!({"text": "Approved by Maria\u{7}", "resolutionFlag": true}));
        // Newest first, as they are read.
        let written = Written::of(&[solved.clone(), answer.clone(), internal, asked]);
        assert_eq!(written, Written { description: "I need the payroll folder".into(), resolution: "Which folder is it?\nApproved by Maria".into() });
        // Marked as both, it is a technician's.
        let both = json!({"text": "x", "detailDescriptionFlag": true, "internalAnalysisFlag": true});
        assert_eq!(Written::of(&[both]), Written { description: String::new(), resolution: "x".into() });
        let many: Vec<Value> = std::iter::repeat_n(answer, NOTES - 1).chain([solved.clone()]).collect();
        assert_eq!(Written::of(&many), Written { description: String::new(), resolution: "Approved by Maria".into() });
        // Of very much, the end stays.
        let long = json!({"text": "y".repeat(LONGEST), "internalAnalysisFlag": true});
        let written = Written::of(&[solved, long]).resolution;
        assert!(written.len() <= LONGEST && written.ends_with("y\nApproved by Maria"), "{}", written.len());
        assert_eq!(Written::of(&[json!(1), json!({"text": 3, "resolutionFlag": true}), Value::Null]), Written::default());
    }
}
