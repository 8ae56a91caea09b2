//! One visit of a locked-out user, as in the demo: they greet, ask, press the button, and open the link.

#![expect(clippy::indexing_slicing, reason = "a missing member of a JSON value reads as null")]

use crate::desk::Desk;
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use firstline_vendors::slack::human::{Pressed, Said};
use serde_json::Value;

/// Workspace and id of Jane Doe of the client Acme.
pub const JANE: (&str, &str) = ("T0ACME", "U0JANE");
/// Workspace and id of Bob Reed of the client Acme.
pub const BOB: (&str, &str) = ("T0ACME", "U0BOB");

/// A user's part in the demo.
pub struct Visit<'a> {
    desk: &'a Desk,
    who: (&'a str, &'a str),
}

impl<'a> Visit<'a> {
    /// Somebody with a direct conversation, and workspace and user id.
    #[must_use]
    pub fn new(desk: &'a Desk, who: (&'a str, &'a str)) -> Self {
        Self { desk, who }
    }

    /// Writes, and waits for what comes of it.
    ///
    /// # Errors
    /// The message is not accepted.
    pub async fn say(&self, text: &str) -> Result<()> {
        let said = Said { workspace: self.who.0, user: self.who.1, text, ..Said::default() };
        self.deliver(self.desk.vendors.slack_message(&said).map_err(anyhow::Error::msg)?).await
    }

    /// Presses the newest button of this name, and waits for what comes of it.
    ///
    /// # Errors
    /// There is none, or the press is not accepted.
    pub async fn press(&self, button: &str) -> Result<()> {
        let pressed = Pressed { workspace: self.who.0, user: self.who.1, button, ..Pressed::default() };
        self.deliver(self.desk.vendors.slack_press(&pressed).map_err(anyhow::Error::msg)?).await
    }

    async fn deliver(&self, webhook: http::Request<Bytes>) -> Result<()> {
        let answer = self.desk.deliver(webhook).await;
        ensure!(answer.status() == 200, "the webhook was answered {}: {}", answer.status(), String::from_utf8_lossy(answer.body()));
        Ok(())
    }

    /// The direct conversation as the emulated Slack holds it.
    #[must_use]
    pub fn messages(&self) -> Vec<Value> {
        let state = self.desk.vendors.state();
        let direct = format!("D{}", self.who.1.trim_start_matches('U'));
        let workspaces = state["slack"]["workspaces"].as_array().into_iter().flatten().filter(|workspace| workspace["id"] == self.who.0);
        let channels = workspaces.flat_map(|workspace| workspace["channels"].as_array().into_iter().flatten()).filter(|channel| channel["id"] == *direct);
        channels.flat_map(|channel| channel["messages"].as_array().into_iter().flatten()).cloned().collect()
    }

    /// What the application wrote there.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let ours = self.messages().into_iter().filter(|message| message["user"] != self.who.1);
        ours.filter_map(|message| message["text"].as_str().map(str::to_string)).collect()
    }

    /// Path of the newest view-once link.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        let messages = self.messages();
        let blocks = messages.iter().flat_map(|message| message["blocks"].as_array().into_iter().flatten());
        let elements = blocks.flat_map(|block| block["elements"].as_array().into_iter().flatten());
        let url = elements.filter_map(|element| element["url"].as_str()).next_back()?;
        Some(format!("/s/{}", url.rsplit('/').next()?))
    }

    /// Opens a link and presses its button: the status of that press and its page.
    ///
    /// # Errors
    /// The path is none.
    pub async fn open(&self, path: &str) -> Result<(u16, String)> {
        let answer = self.desk.app.request(http::Request::post(path).body(Bytes::new())?).await;
        Ok((answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned()))
    }

    /// The newest ticket of the PSA.
    #[must_use]
    pub fn ticket(&self) -> Value {
        let state = self.desk.vendors.state();
        state["connectwise"]["tickets"].as_array().and_then(|tickets| tickets.last()).cloned().unwrap_or_default()
    }

    /// The whole main job: at the end the ticket is closed, the link has shown the password once, and nothing else happened at any vendor.
    ///
    /// # Errors
    /// Says what does not hold.
    pub async fn main_job(&self) -> Result<()> {
        self.say("hi").await?;
        self.say("I'm locked out and I forgot my password").await?;
        self.press("Yes").await?;
        let link = self.link().context("no link was sent")?;
        let (status, page) = self.open(&link).await?;
        ensure!(status == 200, "the link was answered {status}: {page}");
        let (status, _) = self.open(&link).await?;
        ensure!(status == 410, "a used link was answered {status}");
        let ticket = self.ticket();
        ensure!(ticket["closedFlag"] == true || ticket["status"]["name"] == ">Closed", "the ticket is not closed: {ticket}");
        let violations = self.desk.vendors.violations();
        ensure!(violations.is_empty(), "the vendors were sent what no correct client sends: {violations:?}");
        Ok(())
    }
}
