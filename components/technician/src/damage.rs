//! Stored records that cannot be used. They stay as they are; what they were about goes to a human, and everybody else goes on.

use crate::host::{Fault, Host};
use crate::runner::{Settings, read_counter};
use firstline_core::journal::{Damaged, Snapshot, Summary, entry_hash};
use firstline_core::keys;
use firstline_core::mailbox::{Act, Event};
use firstline_core::record::{Corrupt, read};
use firstline_core::tenant::MSP;

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where it stands.
    pub key: String,
    why: String,
    sha256: String,
}

impl Damage {
    /// What stands under this key cannot be used.
    #[must_use]
    pub fn new(key: &str, bytes: &[u8], why: &Corrupt) -> Self {
        Damage { key: key.into(), why: why.to_string(), sha256: entry_hash(bytes) }
    }
}

/// A conversation's snapshot, and where the next one is written.
pub struct Cached {
    /// The snapshot, if there is one that can be used.
    pub snapshot: Option<Snapshot>,
    /// Its key: the first that does not hold a damaged one.
    pub key: String,
    /// The damaged snapshot that nothing has taken the place of.
    pub damage: Option<Damage>,
}

/// Snapshots of one conversation that may be damaged, before nothing is tried any more.
const MOST: u32 = 16;
/// Events that are shown to the human, and cases that are looked at for the open one.
const NEWEST: i64 = 10;
const FURTHER: i64 = 64;
/// Characters of a text that are kept.
const TEXT: usize = 1_000;

/// Reads a conversation's snapshot. A damaged one is left where it is, and the next stands beside it.
///
/// # Errors
/// The store failed.
pub async fn snapshot<H: Host>(host: &H, settings: &Settings, conversation: &str) -> Result<Cached, Fault> {
    let (mut key, mut damage) = (keys::snapshot(conversation), None);
    for number in 1..=MOST {
        let Some(bytes) = host.get(&key).await? else { break };
        match settings.integrity.read::<Snapshot>(&key, &bytes) {
            Ok(snapshot) => return Ok(Cached { snapshot: Some(snapshot), key, damage: None }),
            Err(why) => damage = Some(Damage::new(&key, &bytes, &why)),
        }
        key = keys::snapshot_after(conversation, number);
    }
    Ok(Cached { snapshot: None, key, damage })
}

/// What is left to know of a conversation. `None` if no event of it can be read, so that nobody knows whose it is.
///
/// # Errors
/// The store failed.
pub async fn survey<H: Host>(host: &H, settings: &Settings, conversation: &str, damage: Damage, afresh: bool, epoch: i64) -> Result<Option<Damaged>, Fault> {
    let last = read_counter(host, &keys::event_counter(conversation)).await?;
    let (mut seen, mut texts, mut newest) = (Vec::new(), Vec::new(), None::<Event>);
    for number in (1..=last).rev() {
        if number <= last - NEWEST && (newest.is_some() || number <= last - FURTHER) {
            break;
        }
        let event = host.get(&keys::event(conversation, number)).await?.and_then(|bytes| read::<Event>(&bytes).ok());
        // Who answers a request for approval writes from elsewhere, and is not the one to talk with.
        let Some(event) = event.filter(|event| {
            event.conversation() == conversation && (event.tenant != MSP || event.to.is_none()) && !matches!(event.act, Act::Answer(_) | Act::Notice(_))
        }) else {
            continue;
        };
        seen.insert(0, event.id.clone());
        if let Act::Message(text) = &event.act {
            texts.insert(0, text.chars().take(TEXT).collect());
        }
        newest.get_or_insert(event);
    }
    let Some(mut event) = newest else { return Ok(None) };
    event.act = Act::Message(String::new());
    let mut summary = None;
    for number in (1..=last).rev().take(usize::try_from(FURTHER).unwrap_or(0)) {
        let key = keys::case(&format!("{conversation}-{number}"));
        let found = host.get(&key).await?.and_then(|bytes| settings.integrity.read::<Summary>(&key, &bytes).ok());
        if found.is_some() {
            summary = found;
            break;
        }
    }
    // Whatever was written before the end of the last case was part of it.
    let idle = summary.as_ref().and_then(|summary| summary.ended).is_some_and(|ended| ended >= event.received);
    let case = summary.filter(|summary| summary.ended.is_none()).map(|summary| (summary.case, summary.from));
    let Damage { key, why, sha256 } = damage;
    // A million tasks to an epoch: no name comes twice.
    let counted = u32::try_from(epoch).unwrap_or(u32::MAX).saturating_mul(1_000_000);
    Ok(Some(Damaged { key, why, sha256, afresh, idle, counted, number: last, event, case, seen, texts }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::*;
    use crate::runner::{post, run};

    /// What may happen to stored bytes.
    type Harm = fn(&[u8]) -> Vec<u8>;
    const HARMS: [(&str, Harm); 5] = [
        ("flipped", |bytes| bytes.iter().enumerate().map(|(i, byte)| if i == bytes.len() / 2 { byte ^ 1 } else { *byte }).collect()),
        ("cut short", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("empty", |_| Vec::new()),
        ("another schema", |bytes| String::from_utf8_lossy(bytes).replacen("\"schema\":1", "\"schema\":9", 1).into_bytes()),
        ("another MAC", |bytes| bytes.iter().enumerate().map(|(i, byte)| if i < 64 { b'0' } else { *byte }).collect()),
    ];

    fn keys_of(world: &World, prefix: &str) -> Vec<String> {
        world.values.borrow().keys().filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    fn harm(world: &World, key: &str, how: Harm) -> Vec<u8> {
        let mut values = world.values.borrow_mut();
        let bytes = how(&values[key]);
        values.insert(key.into(), bytes.clone());
        bytes
    }

    /// How often the user was told this sentence.
    fn told(world: &World, sentence: &str) -> usize {
        world.vendors.borrow().messages.iter().filter(|message| message["text"] == sentence).count()
    }

    fn ticks(world: &World, stages: &Script, minutes: u64) {
        for _ in 0..minutes {
            world.now.set(world.now.get() + MINUTE);
            world.tick(stages);
        }
    }

    /// The user is told once that a person has it, the one ticket names the record, the record stays, and the next request is served.
    fn check_handed_over(world: &World, stages: &Script, what: &str, key: &str, bytes: &[u8]) {
        ticks(world, stages, 5);
        assert_eq!(world.end(), "handed-over damaged-record", "{what}");
        assert_eq!(told(world, "handed-over"), 1, "{what}");
        let notes: Vec<String> = world.vendors.borrow().tickets.iter().flat_map(|ticket| ticket.3.clone()).collect();
        assert_eq!(world.vendors.borrow().tickets.len(), 1, "{what}");
        assert!(notes.iter().any(|note| note.contains(key)), "{what}: no note names `{key}`: {notes:?}");
        let changes = world.vendors.borrow().changes;
        world.say(stages, "password_reset");
        world.press(stages, "yes");
        ticks(world, stages, 5);
        let ends: Vec<String> = world.cases().into_iter().map(|case| case.state).collect();
        assert_eq!((ends.len(), ends.contains(&"closed".to_string())), (2, true), "{what}");
        assert_eq!(world.vendors.borrow().changes, changes + 1, "{what}");
        assert_eq!(world.values.borrow()[key], bytes, "{what}: the damaged record was overwritten");
    }

    #[test]
    fn a_damaged_snapshot_sends_its_case_to_a_human_and_stays() {
        for (name, how) in HARMS {
            let (world, stages) = (World::new(), Script::default());
            world.say(&stages, "password_reset");
            let key = keys::snapshot(&World::conversation());
            let bytes = harm(&world, &key, how);
            world.press(&stages, "yes");
            assert_eq!(world.vendors.borrow().changes, 0, "{name}");
            check_handed_over(&world, &stages, name, &key, &bytes);
        }
    }

    #[test]
    fn a_stop_at_any_point_of_the_hand_over_tells_the_user_once_and_opens_no_second_ticket() {
        for at in 0.. {
            for before in [true, false] {
                let (world, stages) = (World::new(), Script::default());
                world.say(&stages, "password_reset");
                let event = world.event(Act::Press(world.button("yes").unwrap()));
                let (conversation, epoch) = block_on(post(&world, &event)).unwrap().unwrap();
                let key = keys::snapshot(&conversation);
                let bytes = harm(&world, &key, HARMS[1].1);
                world.crash.set(Some((world.effects.get() + at, before)));
                block_on(run(&world, &stages, &world.settings(), &conversation, epoch));
                if !world.dead.replace(false) {
                    assert!(at > 10, "{at}");
                    return;
                }
                ticks(&world, &stages, 30);
                assert_eq!(world.end(), "handed-over damaged-record", "effect {at}");
                assert_eq!((told(&world, "handed-over"), world.vendors.borrow().tickets.len()), (1, 1), "effect {at}");
                assert_eq!((world.vendors.borrow().changes, &world.values.borrow()[&key]), (0, &bytes), "effect {at}");
            }
        }
    }

    #[test]
    fn a_second_damaged_snapshot_stays_beside_the_first() {
        let (world, stages) = (World::new(), Script::default());
        for round in 1..=3 {
            world.say(&stages, "password_reset");
            let keys = keys_of(&world, "snap/");
            assert_eq!(keys.len(), round);
            for key in keys {
                harm(&world, &key, HARMS[1].1);
            }
            world.press(&stages, "yes");
            ticks(&world, &stages, 5);
            assert_eq!(world.cases().iter().filter(|case| case.reason.as_deref() == Some("damaged-record")).count(), round);
        }
        assert_eq!(world.vendors.borrow().changes, 0);
    }

    #[test]
    fn a_damaged_log_entry_sends_its_case_to_a_human_and_stays() {
        for (name, how) in HARMS {
            for number in 0.. {
                let (world, stages) = (World::new(), Script::default());
                world.say(&stages, "password_reset");
                let key = keys::log(&World::conversation(), 0, number);
                if !world.values.borrow().contains_key(&key) {
                    assert!(number > 2, "the log is longer than that");
                    break;
                }
                // The log is read only where the snapshot does not reach.
                world.values.borrow_mut().remove(&keys::snapshot(&World::conversation()));
                let bytes = harm(&world, &key, how);
                world.press(&stages, "yes");
                check_handed_over(&world, &stages, &format!("{name}, entry {number}"), &key, &bytes);
                // The snapshot is only a cache, also of a conversation that began afresh.
                world.values.borrow_mut().remove(&keys::snapshot(&World::conversation()));
                world.say(&stages, "thanks");
                assert_eq!(world.cases().len(), 2, "{name}, entry {number}");
            }
        }
    }

    #[test]
    fn a_damaged_event_sends_its_case_to_a_human_and_stays() {
        // Events carry no MAC: what intake could have written counts.
        for (name, how) in HARMS.into_iter().filter(|(name, _)| *name != "another MAC") {
            let (world, stages) = (World::new(), Script::default());
            world.say(&stages, "password_reset");
            let event = world.event(Act::Message("thanks".into()));
            let (conversation, epoch) = block_on(post(&world, &event)).unwrap().unwrap();
            let key = keys::event(&conversation, 2);
            // A flipped bit within a text leaves a record that can be read.
            let bytes = if name == "flipped" { harm(&world, &key, |bytes| [b"!", &bytes[1..]].concat()) } else { harm(&world, &key, how) };
            block_on(run(&world, &stages, &world.settings(), &conversation, epoch));
            check_handed_over(&world, &stages, name, &key, &bytes);
        }
    }

    #[test]
    fn a_damaged_event_of_a_conversation_without_a_case_still_reaches_a_human() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        world.press(&stages, "yes");
        assert_eq!(world.end(), "closed");
        let (conversation, epoch) = block_on(post(&world, &world.event(Act::Message("password_reset".into())))).unwrap().unwrap();
        harm(&world, &keys::event(&conversation, 3), |_| b"{".to_vec());
        block_on(run(&world, &stages, &world.settings(), &conversation, epoch));
        ticks(&world, &stages, 5);
        assert_eq!(world.cases().iter().filter(|case| case.reason.as_deref() == Some("damaged-record")).count(), 1);
        assert_eq!((told(&world, "handed-over"), world.vendors.borrow().tickets.len()), (1, 2));
    }

    #[test]
    fn a_damaged_first_event_is_nobodys_and_costs_nothing_for_ever() {
        let (world, stages) = (World::new(), Script::default());
        let (conversation, epoch) = block_on(post(&world, &world.event(Act::Message("password_reset".into())))).unwrap().unwrap();
        harm(&world, &keys::event(&conversation, 1), |_| b"{".to_vec());
        block_on(run(&world, &stages, &world.settings(), &conversation, epoch));
        ticks(&world, &stages, 30);
        assert_eq!(world.tick(&stages), 0);
        // Who writes again is heard, and a human learns of the first.
        world.say(&stages, "password_reset");
        ticks(&world, &stages, 5);
        assert_eq!(world.end(), "handed-over damaged-record");
    }

    #[test]
    fn a_damaged_secret_of_a_case_is_not_replaced_while_the_case_needs_it() {
        let mut harmed = 0;
        for at in 0.. {
            let (world, stages) = (World::new(), Script::default());
            world.say(&stages, "password_reset");
            let value = world.button("yes").unwrap();
            let before = world.effects.get();
            world.crash.set(Some((before + at, false)));
            world.deliver(&stages, &world.event(Act::Press(value)));
            if !world.dead.replace(false) {
                break;
            }
            let key = keys_of(&world, "secret/").into_iter().find(|key| key.ends_with("temporary-password") && !world.values.borrow()[key].is_empty());
            let Some(key) = key else { continue };
            let links = world.links().len();
            let bytes = harm(&world, &key, HARMS[1].1);
            ticks(&world, &stages, 30);
            harmed += 1;
            // Whoever had the link already needs the sealed copy no more.
            let (end, changes) = (world.end(), world.vendors.borrow().changes);
            assert!(changes <= 1, "effect {at}");
            if end != "closed" {
                assert!(end.starts_with("handed-over"), "effect {at}: {end}");
                assert_eq!(told(&world, "handed-over"), 1, "effect {at}");
                assert_eq!(world.links().len(), links, "effect {at}");
                let now = world.values.borrow()[&key].clone();
                assert!(now == bytes || now.is_empty(), "effect {at}: the damaged secret was replaced");
                let notes: String = world.vendors.borrow().tickets.iter().flat_map(|ticket| ticket.3.clone()).collect();
                assert!(notes.contains("damaged-record") && notes.contains(&key), "effect {at}: {notes}");
            }
        }
        assert!(harmed > 3, "{harmed}");
    }

    #[test]
    fn a_damaged_due_entry_loses_no_timer() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        // The list of tenants, as the console writes it.
        world.list_tenant("acme");
        for key in keys_of(&world, "due/") {
            harm(&world, &key, |_| b"{".to_vec());
        }
        ticks(&world, &stages, 40);
        assert_eq!(world.end(), "handed-over no-answer");
    }

    #[test]
    fn a_damaged_tenant_document_stops_its_cases_until_it_is_put_again() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        let sent = world.sent.borrow().len();
        harm(&world, &keys::tenant("acme"), HARMS[0].1);
        world.press(&stages, "yes");
        ticks(&world, &stages, 20);
        assert_eq!((world.end().as_str(), world.sent.borrow().len()), ("open", sent));
        assert!(world.leaked("Corrupt"));
        world.save(&tenant());
        ticks(&world, &stages, 70);
        assert_eq!(world.vendors.borrow().changes, 1);
        assert_eq!(world.end(), "closed");
    }
}
