//! Requests and replies as they are stored. The shapes follow the WIT package `firstline:wire`, but these are our own.

use crate::{Instant, keys};
use serde::{Deserialize, Serialize};

/// What a stage believes that a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Reads only.
    Read,
    /// Changes something.
    Change,
}

/// Where a request goes, below the connection's base URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Segments, unencoded.
    Path(Vec<String>),
    /// The vendor's own absolute link.
    Follow(String),
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON as text.
    Json(String),
    /// Form fields, unencoded.
    Form(Vec<(String, String)>),
}

/// A secret by reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// JSON pointer into the body.
    pub pointer: String,
    /// Name within the case.
    pub name: String,
}

/// One request, before secrets are filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Where it goes.
    pub target: Target,
    /// Query pairs, unencoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Body,
    /// Secrets by reference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fill: Vec<Fill>,
    /// The stage's own claim.
    pub effect: Effect,
}

/// A vendor's answer, secrets taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Kept headers, names in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Body as text.
    pub body: String,
    /// When it had been read.
    pub at: Instant,
}

/// A final reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The vendor answered.
    Response(Response),
    /// Certainly not applied.
    NotApplied(Instant),
    /// May or may not have been applied.
    Unknown(Instant),
    /// The answer to a wait.
    Waited(Instant),
}

/// What a connector wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// Send these together.
    SendAll(Vec<Request>),
    /// Call again after so many seconds.
    Wait(u32),
    /// Forget the replies and start again from this state.
    Checkpoint(String),
    /// Finished.
    Done(T),
}

/// The hash of a batch over its unfilled requests. On replay it must match.
#[must_use]
pub fn batch_hash(requests: &[Request]) -> String {
    keys::sha256_hex(&serde_json::to_vec(requests).unwrap_or_default())
}
