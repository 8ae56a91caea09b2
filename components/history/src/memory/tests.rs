use super::*;
use crate::lessons::recall;

/// A closed ticket of the week 2,900 that nothing is known of.
pub(crate) fn ticket(id: &str, intent: &str) -> Ticket {
    Ticket {
        id: id.into(),
        opened: 2_900 * WEEK + 1,
        intent: intent.into(),
        about: String::new(),
        department: String::new(),
        fields: Vec::new(),
        minutes: None,
        after_hours: false,
        reopened: false,
        escalated: None,
        approver: None,
        resolution: String::new(),
    }
}

pub(crate) fn learned(tickets: &[Ticket]) -> Memory {
    let mut memory = Memory::read("").unwrap();
    tickets.iter().for_each(|ticket| memory.learn(ticket));
    memory
}

#[test]
fn what_was_written_is_read_again_and_learning_goes_on() {
    let tickets: Vec<Ticket> =
        (0..20).map(|n| Ticket { minutes: Some(n), approver: Some(format!("p{}", n % 3)), ..ticket(&n.to_string(), "printer") }).collect();
    let (first, second) = tickets.split_at(7);
    let mut halves = Memory::read(&learned(first).write()).unwrap();
    second.iter().for_each(|ticket| halves.learn(ticket));
    assert_eq!(halves, learned(&tickets));
}

#[test]
fn a_memory_of_another_kind_is_refused() {
    for (text, expect) in [("{", "cannot be read"), ("{\"schema\":2,\"tickets\":0,\"newest\":0,\"intents\":{}}", "schema 2")] {
        assert!(Memory::read(text).unwrap_err().contains(expect), "{text}");
    }
}

#[test]
fn a_memory_stays_within_what_a_store_takes() {
    let mut memory = Memory::read("").unwrap();
    for n in 0..60_000_u32 {
        let long = format!("{} {n}", "x".repeat(60));
        memory.learn(&Ticket {
            opened: u64::from(n) * WEEK,
            about: format!("share {}", n % 700),
            department: long.clone(),
            fields: (0..30).map(|field| (format!("field{field}"), long.clone())).collect(),
            minutes: Some(n),
            escalated: Some(long.clone()),
            approver: Some(format!("{n} of many")),
            resolution: format!("is it {n} that you mean?"),
            ..ticket(&format!("ticket-{n}"), &format!("intent{}", n % 100))
        });
    }
    let text = memory.write();
    assert!(text.len() <= LARGEST, "{}", text.len());
    let read = Memory::read(&text).unwrap();
    // Types beyond the bound are not learned at all, so none is mixed with another.
    assert_eq!((read.intents.len(), read.tickets), (INTENTS, 24_000));
    assert!(!recall(&read, None).is_empty());
}

#[test]
fn hostile_texts_are_counted_and_nothing_else() {
    let memory = learned(&[Ticket { resolution: "\u{0}\"}]}approved by \u{202e}x".into(), department: "{\"a\":1}".into(), ..ticket("\n\"1\"", "other") }]);
    let text = { memory }.write();
    assert_eq!(Memory::read(&text).unwrap().tickets, 1);
}
