//! From bytes to rows with line numbers.

use crate::Complaint;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use serde_json::Value;
use std::collections::BTreeMap;

/// A row that was read.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its line, from 1.
    pub line: u64,
    cells: Vec<String>,
}

impl Row {
    /// The cell of a column, without blanks around it; empty if there is none.
    pub fn cell(&self, column: Option<usize>) -> &str {
        column.and_then(|column| self.cells.get(column)).map_or("", |cell| cell.trim())
    }
}

/// Rows under their headers.
#[derive(Debug, Default)]
pub struct Table {
    /// As they stand in the file; members of objects within objects as `board/name`.
    pub headers: Vec<String>,
    /// What could be read.
    pub rows: Vec<Row>,
    /// What could not.
    pub complaints: Vec<Complaint>,
}

impl Table {
    /// All cells of a column.
    pub fn column(&self, column: Option<usize>) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row.cell(column))
    }
}

/// Spreadsheets write UTF-16, UTF-8 with and without mark, and what their country used before.
pub fn decode(bytes: &[u8]) -> String {
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let encoding = marked.unwrap_or(if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 });
    encoding.decode(bytes).0.into_owned()
}

/// JSON Lines begin with an object, everything else is CSV.
pub fn table(text: &str) -> Result<Table, String> {
    if text.trim_start().starts_with('{') { Ok(lines(text)) } else { separated(text) }
}

fn separated(text: &str) -> Result<Table, String> {
    let first = text.lines().find(|line| !line.trim().is_empty()).ok_or("the file is empty")?;
    let mut records = records(text, delimiter(first)).into_iter();
    let headers = records.next().map(|row| row.cells).unwrap_or_default();
    let mut table = Table { headers, ..Table::default() };
    for row in records {
        if row.cells.len() == table.headers.len() {
            table.rows.push(row);
        } else {
            let why = format!("{} cells under {} headers", row.cells.len(), table.headers.len());
            table.complaints.push(Complaint { line: row.line, why, taken: false });
        }
    }
    Ok(table)
}

/// Rows of any number of cells. A quote that is never closed takes the rest of the file, which is then one row with too few cells.
fn records(text: &str, delimiter: u8) -> Vec<Row> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut rest, mut line, mut begun) = (text.as_bytes(), 1, false);
    let (mut out, mut ends) = (vec![0_u8; 4096], vec![0_usize; 64]);
    let (mut filled, mut cells, mut at) = (0, 0, 1);
    let mut rows = Vec::new();
    loop {
        if !begun {
            // The reader skips empty lines without a word.
            let skipped = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            let (empty, after) = rest.split_at_checked(skipped).unwrap_or((&[], rest));
            line += newlines(empty);
            (rest, at, begun) = (after, line, true);
        }
        let (found, read, written, ended) = reader.read_record(rest, out.get_mut(filled..).unwrap_or_default(), ends.get_mut(cells..).unwrap_or_default());
        let (taken, after) = rest.split_at_checked(read).unwrap_or((rest, &[]));
        line += newlines(taken);
        (rest, filled, cells) = (after, filled + written, cells + ended);
        match found {
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::OutputFull => out.resize(out.len() * 2, 0),
            csv_core::ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            csv_core::ReadRecordResult::Record => {
                let bounds = ends.iter().take(cells).scan(0, |from, to| Some((std::mem::replace(from, *to), *to)));
                let cells_of = bounds.map(|(from, to)| String::from_utf8_lossy(out.get(from..to).unwrap_or_default()).into_owned());
                rows.push(Row { line: at, cells: cells_of.collect() });
                (filled, cells, begun) = (0, 0, false);
            }
            csv_core::ReadRecordResult::End => return rows,
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// The character that separates most cells of the header.
fn delimiter(header: &str) -> u8 {
    let quoted = header.split('"').step_by(2).collect::<String>();
    let count = |delimiter: &u8| quoted.bytes().filter(|byte| byte == delimiter).count();
    [b'|', b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

fn lines(text: &str) -> Table {
    let mut table = Table::default();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let object = match serde_json::from_str(text) {
            Ok(Value::Object(object)) => object,
            Ok(_) => {
                table.complaints.push(Complaint { line, why: "no JSON object".into(), taken: false });
                continue;
            }
            Err(error) => {
                table.complaints.push(Complaint { line, why: format!("no JSON: {error}"), taken: false });
                continue;
            }
        };
        let mut row = Row { line, cells: Vec::new() };
        let mut members: Vec<(String, String)> = Vec::new();
        object.iter().for_each(|(name, value)| flat(name, value, &mut members));
        for (name, value) in members {
            let next = known.len();
            let at = *known.entry(name.clone()).or_insert_with(|| {
                table.headers.push(name);
                next
            });
            if row.cells.len() <= at {
                row.cells.resize(at + 1, String::new());
            }
            if let Some(cell) = row.cells.get_mut(at) {
                *cell = value;
            }
        }
        table.rows.push(row);
    }
    table
}

/// `{"board": {"id": 1, "name": "Service"}}` holds `board/id` and `board/name`. Serde bounds the depth.
fn flat(name: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(members) => members.iter().for_each(|(member, value)| flat(&format!("{name}/{member}"), value, into)),
        Value::Array(list) => into.push((name.into(), list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "))),
        Value::String(text) => into.push((name.into(), text.clone())),
        Value::Bool(_) | Value::Number(_) => into.push((name.into(), value.to_string())),
    }
}
