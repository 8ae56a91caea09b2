//! The main job: a locked-out user is unblocked, and the ticket closes itself.

#![expect(clippy::indexing_slicing, reason = "a missing member of a JSON value reads as null")]

use super::say;
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use firstline_host::build::to_stderr;
use firstline_host::desk::{Desk, Keys, TENANTS, vendors};
use firstline_host::timeline::Timeline;
use firstline_host::{Config, build};
use firstline_vendors::DEMO;
use firstline_vendors::slack::human::{Pressed, Said};
use serde_json::Value;
use std::time::{Duration, Instant};

/// What an emulated vendor's answer takes: a round figure near what the real ones take.
const LATENCY: Duration = Duration::from_millis(100);

const JANE: (&str, &str) = ("T0ACME", "U0JANE");

pub async fn run() -> Result<()> {
    let project = super::project()?;
    build::components(&project, &mut to_stderr)?;
    to_stderr("composing and compiling the application (cached after the first time)");
    let timeline = Timeline::new(say);
    let mut config = Config::new(project.join("spin.toml"));
    config.trace = timeline.trace();
    let vendors = vendors(&config.clock);
    vendors.seed(&serde_json::from_str(DEMO)?).map_err(anyhow::Error::msg)?;
    let desk = Desk::start(config, vendors, LATENCY, Keys::make()?)?;
    desk.enter(&serde_json::from_str(TENANTS)?).await?;

    say("");
    say("Acme is a client of the MSP Northwind IT. Jane Doe of Acme writes to the assistant in Slack.");
    say(&format!("The vendors are emulated, and each answers after {} ms.", LATENCY.as_millis()));
    say("");
    let mut ours = Duration::ZERO;
    let began = timeline.vendors();
    let mut seen = 0;
    for text in ["hi", "I'm locked out and I forgot my password"] {
        timeline.say("Jane", &format!("writes: {text}"));
        let said = Said { workspace: JANE.0, user: JANE.1, text, ..Said::default() };
        ours += deliver(&desk, desk.vendors.slack_message(&said).map_err(anyhow::Error::msg)?).await?;
        show(&desk, &timeline, &mut seen);
    }
    timeline.say("Jane", "presses: Yes");
    let pressed = Pressed { workspace: JANE.0, user: JANE.1, button: "Yes", ..Pressed::default() };
    ours += deliver(&desk, desk.vendors.slack_press(&pressed).map_err(anyhow::Error::msg)?).await?;
    show(&desk, &timeline, &mut seen);
    let waited = timeline.vendors().saturating_sub(began);

    say("");
    let link = link(&desk).context("no link was sent to Jane")?;
    open(&desk, &timeline, &link).await?;
    say("");
    ticket(&desk)?;
    say("");
    say(&format!(
        "time to the first closed ticket: {:.3} s ({:.3} s of it ours, {:.3} s waiting for the vendors), Jane's own reading and clicking not counted",
        ours.as_secs_f64(),
        ours.saturating_sub(waited).as_secs_f64(),
        waited.as_secs_f64()
    ));
    let violations = desk.vendors.violations();
    ensure!(violations.is_empty(), "the vendors were sent what no correct client sends: {violations:?}");
    Ok(())
}

async fn deliver(desk: &Desk, webhook: http::Request<Bytes>) -> Result<Duration> {
    let began = Instant::now();
    let answer = desk.deliver(webhook).await;
    ensure!(answer.status() == 200, "the webhook was answered {}: {}", answer.status(), String::from_utf8_lossy(answer.body()));
    Ok(began.elapsed())
}

/// Messages in Jane's direct conversation, as the emulated Slack holds them.
fn messages(desk: &Desk) -> Vec<Value> {
    let state = desk.vendors.state();
    let workspaces = state["slack"]["workspaces"].as_array().cloned().unwrap_or_default();
    let channels = workspaces.iter().find(|workspace| workspace["id"] == JANE.0).map(|workspace| workspace["channels"].clone()).unwrap_or_default();
    channels
        .as_array()
        .into_iter()
        .flatten()
        .find(|channel| channel["id"] == "D0JANE")
        .and_then(|channel| channel["messages"].as_array().cloned())
        .unwrap_or_default()
}

fn show(desk: &Desk, timeline: &Timeline, seen: &mut usize) {
    let messages = messages(desk);
    for message in messages.iter().skip(*seen).filter(|message| message["user"] != JANE.1) {
        timeline.say("Slack shows", &message["text"].as_str().unwrap_or_default().replace('\n', " "));
        for button in message["blocks"].as_array().into_iter().flatten().flat_map(|block| block["elements"].as_array().into_iter().flatten()) {
            timeline.say("", &format!("  [ {} ]", button["text"]["text"].as_str().unwrap_or_default()));
        }
    }
    *seen = messages.len();
}

/// The address behind the link's button.
fn link(desk: &Desk) -> Option<String> {
    let messages = messages(desk);
    let elements = messages
        .iter()
        .flat_map(|message| message["blocks"].as_array().into_iter().flatten())
        .flat_map(|block| block["elements"].as_array().into_iter().flatten());
    elements.filter_map(|element| element["url"].as_str()).next_back().map(str::to_string)
}

/// Opens the link as a person does: looks, presses the button, and tries once more.
async fn open(desk: &Desk, timeline: &Timeline, link: &str) -> Result<()> {
    let path = format!("/s/{}", link.rsplit('/').next().unwrap_or_default());
    for (method, what) in [("GET", "opens the link"), ("POST", "presses the button"), ("POST", "tries the button again")] {
        let answer = desk.app.request(http::Request::builder().method(method).uri(&path).body(Bytes::new())?).await;
        let page = String::from_utf8_lossy(answer.body()).into_owned();
        timeline.say("Jane", &format!("{what}: {} ({})", answer.status(), text_of(&page)));
        if let Some(secret) = secret_of(&page) {
            timeline.say("", &format!("  the page's field holds {}", masked(&secret)));
        }
    }
    Ok(())
}

/// The words of a page, for the terminal.
fn text_of(page: &str) -> String {
    let body = page.split_once("<body").map_or(page, |(_, body)| body);
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => {
                inside = true;
                text.push(' ');
            }
            '>' if inside => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.strip_prefix("> ").unwrap_or(&text).to_string()
}

/// What the page's field holds.
fn secret_of(page: &str) -> Option<String> {
    let (_, field) = page.split_once("id=\"secret\"")?;
    let (_, value) = field.split('>').next()?.split_once("value=\"")?;
    let value = value.split('"').next()?;
    Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// A terminal's scrollback keeps what it showed, so it shows that there is a secret, and not the secret.
fn masked(secret: &str) -> String {
    let shown: String = secret.chars().take(2).collect();
    let length = secret.chars().count();
    format!("{shown}{} ({length} characters; masked here, and never in a log)", "•".repeat(length.saturating_sub(2)))
}

/// The ticket as the PSA now holds it.
fn ticket(desk: &Desk) -> Result<()> {
    let state = desk.vendors.state();
    let psa = &state["connectwise"];
    let ticket = psa["tickets"].as_array().and_then(|tickets| tickets.last()).context("there is no ticket")?;
    let of_ticket =
        |list: &str, member: &str| -> Vec<Value> { psa[list].as_array().into_iter().flatten().filter(|item| item[member] == ticket["id"]).cloned().collect() };
    say(&format!("Ticket {} as ConnectWise now holds it:", ticket["id"]));
    say(&format!("  summary  {}", ticket["summary"].as_str().unwrap_or_default()));
    say(&format!("  company  {}    contact {}    board {}", ticket["company"]["name"], ticket["contact"]["name"], ticket["board"]["name"]));
    say(&format!("  status   {}", ticket["status"]["name"]));
    for note in of_ticket("notes", "ticketId") {
        let kind = if note["internalAnalysisFlag"] == true {
            "internal note"
        } else if note["resolutionFlag"] == true {
            "resolution"
        } else {
            "description"
        };
        say(&format!("  {kind}"));
        for line in note["text"].as_str().unwrap_or_default().lines() {
            say(&format!("    {line}"));
        }
    }
    for entry in of_ticket("time_entries", "chargeToId") {
        say(&format!("  time     {} h, {}", entry["actualHours"], entry["billableOption"].as_str().unwrap_or_default()));
    }
    ensure!(ticket["closedFlag"] == true || ticket["status"]["name"] == ">Closed", "the ticket is not closed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_of_a_page_is_found_and_masked() {
        let page = r#"<form><input id="other" value="x"><input id="secret" type="text" readonly value="a&amp;b-c"></form>"#;
        assert_eq!(secret_of(page).map(|secret| masked(&secret)), Some("a&••• (5 characters; masked here, and never in a log)".into()));
        assert_eq!(secret_of("<p>gone</p>"), None);
    }
}
