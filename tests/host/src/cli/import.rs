//! `import`: takes a ticket history in, or says what is in it.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use bytes::Bytes;
use firstline_core::hours::{self, Calendar, Hours};
use firstline_host::build::to_stderr;
use firstline_host::loopback;
use firstline_import::{Field, Import, Options, parts, read};
use serde_json::Value;
use std::collections::BTreeMap;

/// What `import` and `backtest` take alike.
pub const USAGE: &str = "[--column FIELD=HEADER]… [--dates day-first|month-first] [--time-zone Europe/London] [--hours 08:00-18:00]";
/// Tickets of one call.
const PART: usize = 50;
/// Complaints that are printed.
const TOLD: usize = 20;

/// Takes one option of the reading, if it is one.
pub struct Reading {
    columns: Vec<(Field, String)>,
    day_first: Option<bool>,
    zone: String,
    hours: String,
}

impl Default for Reading {
    fn default() -> Self {
        Self { columns: Vec::new(), day_first: None, zone: "UTC".into(), hours: "08:00-18:00".into() }
    }
}

impl Reading {
    /// True if the option was one of these.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "--column" => {
                let (field, header) = value.split_once('=').with_context(|| format!("`--column {value}` is not FIELD=HEADER"))?;
                self.columns.push((field.parse().map_err(|why: String| anyhow!(why))?, header.into()));
            }
            "--dates" => {
                self.day_first = Some(match value {
                    "day-first" => true,
                    "month-first" => false,
                    other => bail!("`--dates {other}` is neither `day-first` nor `month-first`"),
                })
            }
            "--time-zone" => self.zone = value.into(),
            "--hours" => self.hours = value.into(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Monday to Friday.
    pub fn options(&self) -> Result<Options> {
        let hours: Hours = ["mon", "tue", "wed", "thu", "fri"].map(|day| (day.to_string(), self.hours.clone())).into();
        let calendar = Calendar::new(&self.zone, &hours, &[]).map_err(|problems| anyhow!(problems.join("; ")))?;
        Ok(Options { columns: self.columns.iter().cloned().collect(), day_first: self.day_first, calendar })
    }
}

/// Reads a file and tells how far it is.
pub fn file(path: &str, options: &Options) -> Result<(Vec<u8>, Import)> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{path}`"))?;
    let mut told = |rows| to_stderr(&format!("read {rows} rows"));
    let import = read(&bytes, options, &mut told).map_err(|why| anyhow!(why)).with_context(|| format!("`{path}`"))?;
    Ok((bytes, import))
}

pub async fn run(arguments: &[String]) -> Result<()> {
    let usage = || format!("use `import EXPORT|--psa {USAGE} [--api http://127.0.0.1:3000 --token TOKEN --tenant NAME]`");
    let (path, rest) = arguments.split_first().with_context(usage)?;
    let (mut reading, mut target) = (Reading::default(), BTreeMap::new());
    for pair in rest.chunks(2) {
        let [name, value] = pair else { bail!(usage()) };
        if !reading.take(name, value)? {
            ensure!(["--api", "--token", "--tenant"].contains(&name.as_str()), "unknown argument `{name}`: {}", usage());
            target.insert(name.as_str(), value.as_str());
        }
    }
    let target = Target::of(&target).with_context(usage)?;
    if path == "--psa" {
        return target.with_context(usage)?.pages().await;
    }
    let (_, import) = file(path, &reading.options()?)?;
    super::say(&summary(&import));
    match target {
        None => Ok(()),
        Some(target) => target.send(&import).await,
    }
}

/// A tenant of a running application.
pub struct Target<'a> {
    api: &'a str,
    token: &'a str,
    tenant: &'a str,
}

impl<'a> Target<'a> {
    /// The one that arguments name; an error if they name half of it.
    pub fn of(arguments: &BTreeMap<&str, &'a str>) -> Result<Option<Self>> {
        match ["--api", "--token", "--tenant"].map(|name| arguments.get(name).copied()) {
            [None, None, None] => Ok(None),
            [Some(api), Some(token), Some(tenant)] => Ok(Some(Target { api, token, tenant })),
            _ => bail!("`--api`, `--token` and `--tenant` go together"),
        }
    }

    /// Sends something to its history, and reads the answer.
    async fn post(&self, path: &str, body: String) -> Result<Value> {
        self.ask("POST", &format!("/history{path}"), body).await
    }

    /// Reads something of it.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.ask("GET", path, String::new()).await
    }

    async fn ask(&self, method: &str, path: &str, body: String) -> Result<Value> {
        let Target { api, token, tenant } = self;
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}/api/tenants/{tenant}{path}", api.trim_end_matches('/')))
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::from(body))
            .context("this is no address")?;
        let answer = loopback::send(request)
            .await
            .map_err(|why| anyhow!("`{api}` was not reached: {why}: only `http://` on this machine is; lead another one here by a tunnel"))?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        ensure!(answer.status() == 200, "`{api}` answered {}: {text}; what was learned so far is kept", answer.status());
        serde_json::from_str(&text).with_context(|| format!("`{api}` answered something else than JSON"))
    }

    /// In parts; one that was sent before is left out by the application, so an import that broke off is simply begun again.
    async fn send(&self, import: &Import) -> Result<()> {
        let closed: Vec<_> = import.records.iter().filter(|record| record.closed.is_some()).cloned().collect();
        let (mut learned, mut repeated, mut sent) = (0, 0, 0);
        for part in parts(&closed, PART) {
            let told = self.post("", part).await?;
            learned += number(&told, "learned");
            repeated += number(&told, "repeated");
            sent = (sent + PART).min(closed.len());
            to_stderr(&format!("{sent} of {} sent", closed.len()));
        }
        super::say(&format!("{learned} learned, {repeated} had been learned before"));
        Ok(())
    }

    /// The closed tickets of its PSA, page by page. The application knows how far it has come.
    async fn pages(&self) -> Result<()> {
        let (mut learned, mut repeated, mut unread) = (0, 0, 0);
        loop {
            let told = self.post("/page", String::new()).await?;
            learned += number(&told, "learned");
            repeated += number(&told, "repeated");
            unread += number(&told, "unread");
            let until = hours::stamp(number(&told, "until")).unwrap_or_default();
            to_stderr(&format!("{learned} learned, closed until {until}"));
            if told.get("more") != Some(&Value::Bool(true)) {
                let without = if unread == 0 { String::new() } else { format!("; of {unread} the notes could not be read") };
                super::say(&format!("{learned} learned, {repeated} had been learned before{without}"));
                return Ok(());
            }
        }
    }
}

fn number(told: &Value, name: &str) -> u64 {
    told.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// What was found in a file.
pub fn summary(import: &Import) -> String {
    let Import { records, complaints, repeated, columns, assumed } = import;
    let closed = records.iter().filter(|record| record.closed.is_some()).count();
    let mut lines = vec![format!(
        "{} tickets, {closed} of them closed; {repeated} rows repeat a ticket; {} rows or values cannot be used",
        records.len(),
        complaints.len()
    )];
    let names = columns.headers.iter().map(|(field, header)| {
        format!("{} = {header}", serde_json::to_value(field).ok().and_then(|name| Some(name.as_str()?.to_string())).unwrap_or_default())
    });
    lines.push(format!("columns: {}", names.collect::<Vec<_>>().join(", ")));
    if !columns.unused.is_empty() {
        lines.push(format!("not used: {}", columns.unused.join(", ")));
    }
    lines.extend(assumed.iter().map(|assumed| format!("assumed: {assumed}")));
    lines.extend(complaints.iter().take(TOLD).map(|c| format!("line {}: {}{}", c.line, c.why, if c.taken { "" } else { "; left out" })));
    if complaints.len() > TOLD {
        lines.push(format!("and {} more", complaints.len() - TOLD));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_reading_are_told_apart() {
        let mut reading = Reading::default();
        for (name, value, taken) in [
            ("--column", "summary=What", true),
            ("--dates", "day-first", true),
            ("--time-zone", "Europe/London", true),
            ("--hours", "09:00-17:00", true),
            ("--rate", "1", false),
        ] {
            assert_eq!(reading.take(name, value).unwrap(), taken, "{name}");
        }
        let options = reading.options().unwrap();
        assert_eq!((options.columns.get(&Field::Summary).map(String::as_str), options.day_first), (Some("What"), Some(true)));
        for (name, value, expect) in [("--column", "x", "FIELD=HEADER"), ("--column", "x=y", "no field"), ("--dates", "x", "neither")] {
            assert!(format!("{:#}", reading.take(name, value).unwrap_err()).contains(expect), "{name}");
        }
        assert!(Reading { zone: "Nowhere".into(), ..Reading::default() }.options().is_err());
    }
}
