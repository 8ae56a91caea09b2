//! From a row to a ticket.

use crate::columns::plain;
use crate::rows::Row;
use crate::times::{Order, instant, minutes};
use crate::{Columns, Complaint, Field, Options, Record};
use firstline_core::keys::sha256_hex;
use firstline_core::past::Closed;

/// Longest text that is kept of one ticket, in characters.
const LONGEST: usize = 20_000;

/// A ticket; an error says why the row cannot be used.
pub fn record(row: &Row, columns: &Columns, order: Order, options: &Options, complaints: &mut Vec<Complaint>) -> Result<Record, String> {
    let cell = |field| row.cell(columns.at(field));
    let zone = options.calendar.zone();
    let opened = instant(cell(Field::Opened), order, zone).ok_or_else(|| format!("`{}` is no date for when it came", clip(cell(Field::Opened), 40)))?;
    let mut complain = |why: String| complaints.push(Complaint { line: row.line, why, taken: true });
    let closed = match cell(Field::Closed) {
        "" => None,
        text => instant(text, order, zone).filter(|closed| *closed >= opened).or_else(|| {
            complain(format!("`{}` is no date after it came", clip(text, 40)));
            None
        }),
    };
    let text = text(cell(Field::Summary), cell(Field::Description));
    if text.is_empty() {
        return Err("nothing was written".into());
    }
    let time = match cell(Field::Time) {
        "" => None,
        text => minutes(text, columns.header(Field::Time)).or_else(|| {
            complain(format!("`{}` is no time", clip(text, 40)));
            None
        }),
    };
    let filed: Vec<&str> = [Field::Type, Field::Subtype, Field::Item].into_iter().map(cell).filter(|part| !part.is_empty()).collect();
    let fields = [
        ("board", cell(Field::Board).to_string()),
        ("status", cell(Field::Status).to_string()),
        ("filed", filed.join(" / ")),
        ("work-type", cell(Field::WorkType).to_string()),
        ("owner", cell(Field::Owner).to_string()),
        ("priority", cell(Field::Priority).to_string()),
        ("source", cell(Field::Source).to_string()),
    ];
    let escalated = cell(Field::Escalated);
    let id = match cell(Field::Id) {
        // A line's number would be another ticket's in the next part of a file.
        "" => format!("unnumbered {}", sha256_hex(format!("{opened} {text}").as_bytes()).chars().take(12).collect::<String>()),
        id => clip(id.trim_start_matches('#'), 80),
    };
    let ticket = Closed {
        id,
        opened,
        department: clip(cell(Field::Department), 120),
        fields: fields.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.into(), clip(&value, 120))).collect(),
        minutes: time,
        after_hours: !options.calendar.is_open(opened),
        reopened: said(cell(Field::Reopened)),
        escalated: said(escalated).then(|| if plain(escalated).len() > 4 { clip(escalated, 120) } else { "somebody".into() }),
        approver: Some(clip(cell(Field::Approver), 120)).filter(|name| said(name)),
        resolution: clip(cell(Field::Resolution), LONGEST),
        ..Closed::default()
    };
    let (client, requester) = (clip(cell(Field::Client), 120), clip(cell(Field::Requester), 120).to_lowercase());
    Ok(Record { line: row.line, closed, client, requester, text, ticket })
}

/// Title and description as one text; many programs begin the second with the first.
fn text(summary: &str, description: &str) -> String {
    let text = if description.starts_with(summary) { description.to_string() } else { format!("{summary}\n{description}") };
    clip(text.trim(), LONGEST)
}

/// Anything but an empty cell, a zero and the words for no.
fn said(text: &str) -> bool {
    !matches!(plain(text).as_str(), "" | "0" | "00" | "no" | "n" | "false" | "none" | "na" | "null" | "notescalated")
}

fn clip(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}
