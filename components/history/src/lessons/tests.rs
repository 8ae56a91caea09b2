use super::*;
use crate::bindings::exports::firstline::history::history::Ticket;
use crate::memory::tests::{learned, ticket};

const WEEK: u64 = 7 * 24 * 3_600_000;

/// `kind about value support/of`, with `?` where it is thin.
fn lines(tickets: &[Ticket], intent: Option<&str>, kinds: &[&str]) -> Vec<String> {
    let lessons = recall(&learned(tickets), intent).into_iter().filter(|lesson| kinds.contains(&lesson.kind.as_str()));
    let line = |l: Lesson| [l.kind, l.intent, l.about, l.value, format!("{}/{}{}", l.support, l.of, if l.thin { "?" } else { "" })].join("|");
    lessons.map(line).collect()
}

fn numbered(count: usize, change: impl Fn(usize, &mut Ticket)) -> Vec<Ticket> {
    let one = |n: usize| {
        let mut ticket = ticket(&n.to_string(), "group_change");
        change(n, &mut ticket);
        ticket
    };
    (0..count).map(one).collect()
}

#[test]
fn nothing_learned_is_nothing_told() {
    assert_eq!(lines(&[], None, &["share", "approver"]), [""; 0]);
    assert_eq!(lines(&numbered(3, |_, _| {}), Some("printer"), &["share"]), [""; 0]);
}

#[test]
fn share_and_trend_are_those_of_the_tickets() {
    // Two a week for eight weeks, and four more in each of the newest two.
    let mut tickets = numbered(16, |n, ticket| ticket.opened = (2_900 + n as u64 / 2) * WEEK);
    tickets.extend(numbered(8, |n, ticket| ticket.opened = (2_906 + n as u64 / 4) * WEEK));
    tickets.push(Ticket { opened: 2_907 * WEEK, ..ticket("p", "printer") });
    assert_eq!(lines(&tickets, Some("group_change"), &["share", "trend"]), ["share|group_change|||24/25", "trend|group_change|||16/24"]);
    assert_eq!(lines(&tickets, Some("printer"), &["share", "trend"]), ["share|printer|||1/25", "trend|printer|||1/1?"]);
    // A clock that was never set breaks nothing.
    assert_eq!(lines(&[Ticket { opened: 0, ..ticket("1", "printer") }], None, &["trend"]), ["trend|printer|||1/1?"]);
}

#[test]
fn a_category_means_what_was_surely_read_in_its_tickets() {
    let filed = |value: &str| vec![("filed".to_owned(), value.to_owned())];
    let mut tickets = numbered(30, |n, ticket| {
        ticket.intent = ["app_outage", "printer", "app_outage"][n % 3].into();
        ticket.fields = filed(["Business Apps / Zorbex", "Hardware / Till lane", "Business Apps / Quarry"][n % 3]);
        ticket.about = ["Dumper Five", "", ""][n % 3].into();
    });
    // What was not understood teaches nothing of itself, and is named by what it is filed under.
    tickets.extend(numbered(30, |_, ticket| (ticket.intent, ticket.about, ticket.fields) = (String::new(), "Gravel".into(), filed("Business Apps / Zorbex"))));
    // A category that holds this and that means nothing.
    tickets.extend(numbered(9, |n, ticket| (ticket.intent, ticket.fields) = (["hardware", "printer", "other"][n % 3].into(), filed("Hardware / Misc"))));
    // A thing that is mostly filed nowhere, too.
    tickets.extend(numbered(12, |n, ticket| (ticket.about, ticket.fields) = ("Loader".into(), if n < 4 { filed("Hardware / Misc") } else { Vec::new() })));
    let told = lines(&tickets, None, &["word"]);
    let firm: Vec<&str> = told.iter().filter(|line| !line.ends_with('?')).map(String::as_str).collect();
    assert_eq!(
        firm,
        [
            "word|app_outage|filed|business apps|20/20",
            "word|app_outage|filed|quarry|10/10",
            "word|printer|filed|till lane|10/10",
            "word|app_outage|filed|zorbex|10/10",
            "word|app_outage|named|dumper five|10/10",
            "word|app_outage|named|gravel|30/30"
        ],
        "{told:?}"
    );
}

#[test]
fn how_a_type_is_closed_is_told_with_what_speaks_against_it() {
    let tickets = numbered(12, |n, ticket| {
        ticket.fields = vec![("board".into(), "Service".into()), ("filed".into(), if n == 5 { "Network / VPN" } else { "Access / Share" }.into())];
        ticket.minutes = Some(if n == 5 { 400 } else { 10 });
        ticket.after_hours = n < 3;
        ticket.reopened = n == 2;
        ticket.resolution = if n < 4 { "Which share is it? Done." } else { "" }.into();
    });
    assert_eq!(
        lines(&tickets, None, &["field", "minutes", "after-hours", "reopened", "question", "closeout"]),
        [
            "field|group_change|board|Service|12/12",
            "field|group_change|filed|Access / Share|11/12?",
            "field|group_change|filed|Network / VPN|1/12?",
            "minutes|group_change||10|12/12",
            "after-hours|group_change|||3/12",
            "reopened|group_change|||1/12",
            "question|group_change||which share is it|4/12",
            "closeout|group_change|resolution||4/12?",
            "closeout|group_change|minutes||12/12",
        ]
    );
    let filed = recall(&learned(&tickets), None).into_iter().find(|lesson| lesson.about == "filed").unwrap();
    assert_eq!((filed.evidence.join(" ").as_str(), filed.exceptions.join(" ").as_str()), ("6 7 8 9 10 11", "5"));
}

#[test]
fn an_approver_is_named_for_what_and_for_whom_with_exceptions() {
    let tickets = numbered(24, |n, ticket| {
        ticket.department = if n < 12 { "Sales" } else { "Finance" }.into();
        ticket.about = if n < 12 { "S:\\Quotes" } else { "" }.into();
        match n {
            // Whoever closed it wrote who approved.
            0..9 => ticket.resolution = "Approved by Maria Gomez.".into(),
            9 => ticket.approver = Some("Tom".into()),
            10..12 => {}
            _ => ticket.approver = Some("Ann".into()),
        }
    });
    assert_eq!(
        lines(&tickets, None, &["approved", "approver"]),
        [
            "approved|group_change|||22/24",
            // Over all departments nobody speaks for nearly everything.
            "approver|group_change||ann|12/22?",
            "approver|group_change||maria gomez|9/22?",
            "approver|group_change||tom|1/22?",
            "approved|group_change|about s:\\quotes||10/12",
            "approver|group_change|about s:\\quotes|maria gomez|9/10?",
            "approver|group_change|about s:\\quotes|tom|1/10?",
            "approved|group_change|department finance||12/12",
            "approver|group_change|department finance|ann|12/12",
            "approved|group_change|department sales||10/12",
            "approver|group_change|department sales|maria gomez|9/10?",
            "approver|group_change|department sales|tom|1/10?",
        ]
    );
    let maria = recall(&learned(&tickets), None).into_iter().find(|l| l.about == "department sales" && l.kind == "approver").unwrap();
    assert_eq!((maria.evidence.join(" ").as_str(), maria.exceptions.join(" ").as_str()), ("3 4 5 6 7 8", "9"));
}

#[test]
fn escalations_are_told_with_their_targets() {
    let tickets = numbered(10, |n, ticket| ticket.escalated = (n < 9).then(|| "Network team".into()));
    assert_eq!(lines(&tickets, None, &["escalated", "escalated-to"]), ["escalated|group_change|||9/10", "escalated-to|group_change||Network team|9/9"]);
    assert_eq!(lines(&numbered(2, |_, _| {}), None, &["escalated", "escalated-to"]), ["escalated|group_change|||0/2?"]);
}
