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
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use times::Order;

/// A ticket of the past, in one form. Its texts are hostile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number.
    pub id: String,
    /// The line that it stood in.
    pub line: u64,
    /// When it came.
    pub opened: Instant,
    /// When it was closed.
    pub closed: Option<Instant>,
    /// The client.
    pub client: String,
    /// Who asked: an address or a name.
    pub requester: String,
    /// For whom: department or site.
    pub department: String,
    /// Its first words: title and description.
    pub text: String,
    /// How it was closed, by name: `board`, `status`, `filed`, `work-type`, `owner`, `priority`, `source`.
    pub fields: BTreeMap<String, String>,
    /// Minutes that were recorded.
    pub minutes: Option<u32>,
    /// It came when nobody was at the desk.
    pub after_hours: bool,
    /// It was opened again.
    pub reopened: bool,
    /// To whom it was escalated.
    pub escalated: Option<String>,
    /// Who approved it.
    pub approver: Option<String>,
    /// The technicians' words.
    pub resolution: String,
}

impl Record {
    /// As it is learned from, before it was read.
    #[must_use]
    pub fn closed(&self) -> Closed {
        let Record {
            id,
            line: _,
            opened,
            closed: _,
            client: _,
            requester: _,
            department,
            text: _,
            fields,
            minutes,
            after_hours,
            reopened,
            escalated,
            approver,
            resolution,
        } = self.clone();
        let fields = fields.into_iter().collect();
        Closed { id, opened, intent: String::new(), about: String::new(), department, fields, minutes, after_hours, reopened, escalated, approver, resolution }
    }
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
#[derive(Debug, Clone, Default, Serialize)]
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
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for (number, row) in table.rows.iter().enumerate() {
        if number % 1_000 == 0 {
            progress(number);
        }
        match values::record(row, &columns, order, options, &mut import.complaints) {
            Err(why) => import.complaints.push(Complaint { line: row.line, why, taken: false }),
            Ok(record) if seen.contains_key(&record.id) => import.repeated += 1,
            Ok(record) => {
                seen.insert(record.id.clone(), record.line);
                import.records.push(record);
            }
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
        let Record {
            id,
            line: _,
            opened,
            closed,
            client,
            requester,
            department,
            text,
            fields,
            minutes,
            after_hours: _,
            reopened,
            escalated,
            approver,
            resolution,
        } = record;
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
