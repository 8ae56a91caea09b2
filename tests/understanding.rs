//! How well the stage itself, as built, reads labelled tickets.

use crate::rig::root;
use firstline_host::eval::{Figures, Judged, Ticket};
use firstline_host::measure::{UNITS, hundred_kilobytes};
use firstline_host::reader::Reader;

/// What the component makes of a file of labelled tickets.
async fn figures(name: &str) -> (usize, Figures) {
    firstline_host::build::once(&root()).unwrap();
    let file = std::fs::read_to_string(root().join("components/intent-detection/data").join(name)).unwrap();
    let mut reader = Reader::start(&root().join("spin.toml")).await.unwrap();
    let mut judged = Vec::new();
    for ticket in Ticket::read(&file).unwrap() {
        let found = reader.read(&ticket.text).await.unwrap();
        judged.push(Judged { ticket, found });
    }
    let figures = Figures::of(&judged);
    println!("{name}: {figures:?}");
    (judged.len(), figures)
}

/// Never trained on. The floor lies a little below what was reached, so that it notices a loss and not a rounding.
#[tokio::test]
async fn the_development_set_holds_its_floor_in_the_component() {
    let (count, figures) = figures("l1-dev.jsonl").await;
    assert_eq!((count, figures.acted_wrongly), (112, 0), "{figures:?}");
    assert!(figures.macro_f1 >= 0.82 && figures.macro_f1_lenient >= 0.86, "{figures:?}");
    // Five of the nineteen are about somebody else, and must not be.
    assert!(figures.acting_reached * 100 >= figures.acting * 60, "{figures:?}");
}

/// Tickets in other hands than those that taught, two in five of them traps.
#[tokio::test]
async fn newcomers_tickets_are_acted_upon_and_traps_are_not() {
    let (count, figures) = figures("newcomers.jsonl").await;
    assert_eq!((count, figures.acted_wrongly), (152, 0), "{figures:?}");
    assert!(figures.acting >= 60 && figures.acting_reached * 100 >= figures.acting * 90, "{figures:?}");
}

/// The latest of those that were read at first sight, three in five of them traps.
#[tokio::test]
async fn what_was_wrong_at_first_sight_stays_right() {
    let (count, figures) = figures("sight.jsonl").await;
    assert_eq!((count, figures.acted_wrongly), (357, 0), "{figures:?}");
    assert!(figures.acting >= 150 && figures.acting_reached * 100 >= figures.acting * 90, "{figures:?}");
}

/// Tickets as they stand in queues: mails with signatures, forms, notes of calls. One in four that would be acted upon must not be.
#[tokio::test]
async fn mails_forms_and_notes_of_calls_are_acted_upon_too() {
    let (count, figures) = figures("queues.jsonl").await;
    assert_eq!((count, figures.acted_wrongly), (630, 0), "{figures:?}");
    assert!(figures.acting >= 210 && figures.acting_reached * 100 >= figures.acting * 56, "{figures:?}");
    assert!(figures.macro_f1 >= 0.82, "{figures:?}");
}

/// An ordinary week elsewhere, read at first sight; no rule was written for these. So few are acted upon since people name much in passing.
#[tokio::test]
async fn of_an_ordinary_week_nothing_is_acted_upon_wrongly() {
    let (count, figures) = figures("ordinary.jsonl").await;
    assert_eq!((count, figures.acted_wrongly), (240, 0), "{figures:?}");
    assert!(figures.acting >= 120 && figures.acting_reached * 100 >= figures.acting * 20, "{figures:?}");
}

/// Whatever comes in, the component answers, and its memory does not grow from text to text.
#[tokio::test]
async fn odd_texts_are_answered_by_the_component() {
    firstline_host::build::once(&root()).unwrap();
    let mut reader = Reader::start(&root().join("spin.toml")).await.unwrap();
    for unit in ["", "\0", "\u{202e}\u{200b}", "𝐟", "my password ", "a@b.c ", "[NAME] ", "> ", "İ", "no\u{301}\u{301}"] {
        for times in [1, 100, 30_000] {
            let found = reader.read(&unit.repeat(times)).await.unwrap();
            assert!(!found.candidates.is_empty(), "{unit}");
        }
    }
}

/// Counted, because a clock tells more of the machine than of the stage: `firstline bench` and `firstline fuzz` look at the clock.
#[tokio::test]
async fn a_hundred_kilobytes_cost_the_component_a_bounded_amount_of_fuel() {
    firstline_host::build::once(&root()).unwrap();
    let mut reader = Reader::metered(&root().join("spin.toml")).await.unwrap();
    for unit in UNITS {
        let cost = reader.cost(&hundred_kilobytes(unit)).await.unwrap();
        println!("{unit:?}: {cost}");
        // The dearest of these costs 0.44 thousand million.
        assert!(cost < 500_000_000, "{unit:?}: {cost}");
    }
}

/// A few seconds of what `firstline fuzz` does for minutes.
#[tokio::test]
async fn hostile_input_is_survived_for_a_moment() {
    firstline_host::build::once(&root()).unwrap();
    let known = ["please reset the password for my colleague Bob and install Visio", r#"{"type":"event_callback","event":{"type":"message"}}"#]
        .map(|text| text.as_bytes().to_vec());
    let (manifest, time, limit) = (root().join("spin.toml"), std::time::Duration::from_secs(2), std::time::Duration::from_secs(10));
    let texts = firstline_host::fuzz::detect(&manifest, &known, 1, time, limit).await.unwrap();
    let bodies = firstline_host::fuzz::webhooks(&manifest, &known, 1, time, limit).await.unwrap();
    assert!(texts.inputs > 3 && bodies.inputs > 3, "{texts:?} {bodies:?}");
}
