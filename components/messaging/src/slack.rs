//! Slack: Events API and interactivity in, Web API out.

mod read;
mod text;
mod write;

use crate::chat::Chat;
use crate::{intake, outbox};
use firstline_connector::replay::{Io, Stop};
use firstline_connector::types::Error;

/// Slack's wire.
#[derive(Debug)]
pub struct Slack;

impl Chat for Slack {
    fn read(&self, content_type: &str, body: &[u8]) -> Result<intake::Inbound, Error> {
        read::read(content_type, body)
    }

    fn act(&self, task: &outbox::Task, io: &mut Io) -> Result<outbox::Outcome, Stop<outbox::Outcome>> {
        write::act(task, io)
    }
}

/// In Slack the id itself tells a one-to-one conversation.
fn is_direct(channel: &str) -> bool {
    channel.starts_with('D')
}

/// A timestamp such as `1234567890.123456` in milliseconds, without a detour over floats.
fn millis(ts: &str) -> Option<u64> {
    let (seconds, fraction) = ts.split_once('.')?;
    let digits = |part: &str, longest: usize| (1..=longest).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(seconds, 12) || !digits(fraction, 9) {
        return None;
    }
    let thousandths: String = fraction.chars().chain("00".chars()).take(3).collect();
    seconds.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(thousandths.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn a_timestamp_keeps_its_milliseconds() {
        for (ts, expect) in [
            ("1234567890.123456", Some(1_234_567_890_123)),
            ("1764000000.999999", Some(1_764_000_000_999)),
            ("1.2", Some(1_200)),
            ("1.02", Some(1_020)),
            ("999999999999.999999999", Some(999_999_999_999_999)),
            ("", None),
            ("1", None),
            ("1.", None),
            (".1", None),
            ("-1.5", None),
            ("+1.5", None),
            ("1.5.6", None),
            ("1.5e3", None),
            ("٣.٤", None),
            ("1234567890123.1", None),
            ("1.1234567890", None),
        ] {
            assert_eq!(millis(ts), expect, "{ts}");
        }
    }
}
