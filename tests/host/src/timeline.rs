//! What happened, as a person would tell it, and how the time was spent.

use crate::{Event, Trace};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Collects calls to vendors, and tells every event to somebody.
#[derive(Clone)]
pub struct Timeline(Arc<Inner>);

struct Inner {
    began: Instant,
    spans: Mutex<Vec<(Duration, Duration)>>,
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

impl Timeline {
    /// `tell` gets one line at a time.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Timeline(Arc::new(Inner { began: Instant::now(), spans: Mutex::default(), tell: Box::new(tell) }))
    }

    /// The hook for [`crate::Config::trace`].
    #[must_use]
    pub fn trace(&self) -> Trace {
        let this = self.clone();
        Arc::new(move |event| this.event(&event))
    }

    /// Time in which at least one vendor was being waited for.
    #[must_use]
    pub fn vendors(&self) -> Duration {
        union(&self.0.spans.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells something with the time before it.
    pub fn say(&self, who: &str, what: &str) {
        (self.0.tell)(&format!("{:8.3} s  {who:<16} {what}", self.0.began.elapsed().as_secs_f64()));
    }

    fn event(&self, event: &Event) {
        match event {
            Event::Sent { method, url, outcome, took, .. } if !internal(url) => {
                let end = self.0.began.elapsed();
                self.0.spans.lock().unwrap_or_else(PoisonError::into_inner).push((end.saturating_sub(*took), end));
                let status = outcome.as_ref().map_or_else(ToString::to_string, ToString::to_string);
                self.say(vendor(url), &format!("{method} {} -> {status} in {} ms", path(url), took.as_millis()));
            }
            Event::Line { component, text, .. } => match serde_json::from_str::<Value>(text) {
                Ok(line) => {
                    if let Some((who, what)) = told(&line) {
                        self.say(who, &what);
                    }
                }
                Err(_) => self.say(component, text),
            },
            Event::Trap { component, why } => self.say(component, &format!("trap: {why}")),
            Event::Denied { component, url } => self.say(component, &format!("denied by the manifest: {url}")),
            Event::Sent { .. } | Event::Sending { .. } | Event::Inbound { .. } | Event::Answered { .. } | Event::Instance { .. } | Event::Store { .. } => {}
        }
    }
}

/// Whether a URL stays within the application.
#[must_use]
pub fn internal(url: &str) -> bool {
    url.split('/').nth(2).is_some_and(|host| host.ends_with(".spin.internal"))
}

/// The vendor behind a URL, for people.
fn vendor(url: &str) -> &'static str {
    let host = url.split('/').nth(2).unwrap_or_default();
    match host {
        "slack.com" => "Slack",
        "graph.microsoft.com" => "Microsoft Graph",
        "login.microsoftonline.com" => "Entra token",
        host if host.ends_with("okta.com") => "Okta",
        host if host.ends_with("myconnectwise.net") => "ConnectWise",
        _ => "vendor",
    }
}

fn path(url: &str) -> String {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    format!("/{path}").replace("%40", "@").replace("/v4_6_release/apis/3.0", "")
}

/// A log line of a component in words: who speaks and what they say.
fn told(line: &Value) -> Option<(&'static str, String)> {
    let detail = &line["detail"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let list = |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    Some(match (line["component"].as_str()?, line["what"].as_str()?) {
        ("technician", "event") => ("event", text(&detail["kind"])),
        ("technician", "understood") => {
            let unsure = if detail["abstained"] == true { ", unsure" } else { "" };
            ("intent-detection", format!("{} at {}/1000{unsure}", text(&detail["intent"]), detail["confidence"]))
        }
        ("technician", "decided") => ("guardrails", format!("{}: {}, by rule {}", text(&detail["action"]), text(&detail["verdict"]), list(&detail["rules"]))),
        ("technician", "sends") => ("technician", format!("{}: sends {}", text(&detail["work"]), list(&detail["calls"]))),
        ("technician", "done") => ("technician", format!("{}: {}", text(&detail["work"]), text(&detail["outcome"]))),
        ("technician", "stopped") => ("technician", format!("{} stopped: {} {}", text(&detail["work"]), text(&detail["code"]), text(&detail["why"]))),
        ("technician", "replies" | "waits" | "waited" | "checkpoint" | "tick" | "hole") => return None,
        ("chat-intake", what) => ("chat-intake", format!("{what} {}", text(&line["why"]))),
        ("credential-link", what) => ("credential-link", what.to_string()),
        ("technician", what) => ("technician", format!("{what} {}", text(&line["why"]))),
        _ => return None,
    })
}

/// The length of the union of spans.
#[must_use]
pub fn union(spans: &[(Duration, Duration)]) -> Duration {
    let mut spans = spans.to_vec();
    spans.sort();
    let mut total = Duration::ZERO;
    let mut reached = Duration::ZERO;
    for (from, to) in spans {
        total += to.saturating_sub(from.max(reached));
        reached = reached.max(to);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spent_together_counts_once() {
        let s = |from, to| (Duration::from_secs(from), Duration::from_secs(to));
        assert_eq!(union(&[s(0, 2), s(1, 3), s(5, 6)]), Duration::from_secs(4));
        assert_eq!(union(&[]), Duration::ZERO);
    }

    #[test]
    fn urls_name_their_vendor() {
        assert_eq!(
            (vendor("https://graph.microsoft.com/v1.0/users/a%40b?x=1"), path("https://graph.microsoft.com/v1.0/users/a%40b?x=1").as_str()),
            ("Microsoft Graph", "/v1.0/users/a@b")
        );
        assert!(internal("http://technician.spin.internal/poke/x"));
        assert!(!internal("https://slack.com/technician.spin.internal"));
    }
}
