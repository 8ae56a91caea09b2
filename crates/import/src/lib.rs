//! Ticket histories from exports.
//!
//! [`read`] takes a file as a PSA, a report or a spreadsheet wrote it and gives closed tickets in one form.
//! Which column holds what is guessed from the headers and can be said. A row that cannot be used is reported with its line and never stops the import.

pub mod columns;
mod rows;
mod times;
mod values;

pub use columns::{Columns, Field};

use firstline_core::Instant;
use firstline_core::hours::Calendar;
use firstline_core::past::Closed;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use times::Order;

/// A ticket of the past, in one form. Its texts are hostile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The line that it stood in.
    pub line: u64,
    /// When it was closed.
    pub closed: Option<Instant>,
    /// The client.
    pub client: String,
    /// Who asked: an address or a name.
    pub requester: String,
    /// Its first words: title and description. They were not read yet, so `ticket` has neither intent nor what it was about.
    pub text: String,
    /// What is learned from it. Fields are `board`, `status`, `filed`, `work-type`, `owner`, `priority`, `source`.
    pub ticket: Closed,
}

/// A row that was left out, or a value that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// Its line in the file, from 1.
    pub line: u64,
    /// What is wrong.
    pub why: String,
    /// The ticket was taken, without what is wrong.
    pub taken: bool,
}

/// What a file held.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// Tickets in the order of the file.
    pub records: Vec<Record>,
    /// Rows and values that cannot be used.
    pub complaints: Vec<Complaint>,
    /// Rows whose ticket had come before.
    pub repeated: usize,
    /// Which column was taken for what.
    pub columns: Columns,
    /// What was assumed, for whoever looks at the result.
    pub assumed: Vec<String>,
}

/// How a file is to be read.
#[derive(Debug, Clone)]
pub struct Options {
    /// Columns that a person named.
    pub columns: BTreeMap<Field, String>,
    /// `true` if 4/5 is the fourth of May, `false` if it is April; guessed if left out.
    pub day_first: Option<bool>,
    /// Zone of times that name none, and when somebody is at the desk.
    pub calendar: Calendar,
}

/// Reads a file. `progress` is told how many rows were read, now and then.
///
/// # Errors
/// The file as a whole cannot be used: no header, or a needed column is missing.
pub fn read(bytes: &[u8], options: &Options, progress: &mut dyn FnMut(usize)) -> Result<Import, String> {
    let text = rows::decode(bytes);
    let table = rows::table(&text)?;
    let columns = Columns::find(&table.headers, &options.columns)?;
    let dates = [Field::Opened, Field::Closed].into_iter().flat_map(|field| table.column(columns.at(field)));
    let mut import = Import { complaints: table.complaints.clone(), ..Import::default() };
    let order = match options.day_first {
        Some(day_first) => Order::from(day_first),
        None => {
            let (order, sure) = Order::guess(dates);
            if !sure {
                import.assumed.push("dates such as 04/05 were read as month and day: nothing in the file tells".into());
            }
            order
        }
    };
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (number, row) in table.rows.iter().enumerate() {
        if number % 1_000 == 0 {
            progress(number);
        }
        match values::record(row, &columns, order, options, &mut import.complaints) {
            Err(why) => import.complaints.push(Complaint { line: row.line, why, taken: false }),
            Ok(record) if seen.insert(record.ticket.id.clone()) => import.records.push(record),
            Ok(_) => import.repeated += 1,
        }
    }
    progress(table.rows.len());
    import.complaints.sort_by_key(|complaint| complaint.line);
    import.columns = columns;
    Ok(import)
}

/// Tickets as JSON Lines that [`read`] reads again as they are, so many a part.
#[must_use]
pub fn parts(records: &[Record], many: usize) -> Vec<String> {
    let line = |record: &Record| {
        let Record { line: _, closed, client, requester, text, ticket } = record;
        let Closed { id, opened, intent: _, about: _, department, fields, minutes, after_hours: _, reopened, escalated, approver, resolution } = ticket;
        let member = |name: &str| fields.get(name);
        // Whole milliseconds, so that no zone has to be guessed.
        let object = serde_json::json!({
            "id": id, "opened": opened.to_string(), "closed": closed.map(|at| at.to_string()), "client": client, "requester": requester, "department": department,
            "description": text, "board": member("board"), "status": member("status"), "type": member("filed"), "worktype": member("work-type"), "owner": member("owner"),
            "priority": member("priority"), "source": member("source"), "minutes": minutes, "reopened": reopened, "escalated": escalated, "approver": approver, "resolution": resolution,
        });
        format!("{object}\n")
    };
    records.chunks(many.max(1)).map(|part| part.iter().map(line).collect()).collect()
}

#[cfg(test)]
mod tests;
