//! A whole desk: the application, emulated vendors, keys, and the two tenants of the demo.

use crate::{App, Clock, Config, Outbound, OutboundError};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use firstline_core::evidence::SigningKey;
use firstline_core::{keys, seal};
use firstline_vendors::Vendors;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// The demo's tenants and their secrets, as `console` takes them.
pub const TENANTS: &str = include_str!("../../stories/tenants.json");

/// The demo's tenants for measuring: the same few people ask hundreds of times, so no limit stops them.
///
/// # Errors
/// The documents are not JSON.
pub fn unlimited() -> Result<Value> {
    let mut tenants: Value = serde_json::from_str(TENANTS)?;
    for tenant in tenants.get_mut("tenants").and_then(Value::as_array_mut).into_iter().flatten() {
        tenant["limits"] = serde_json::json!({"person_a_day": 1_000_000, "tenant_an_hour": 1_000_000, "msp_an_hour": 1_000_000});
    }
    Ok(tenants)
}

/// An MSP's document, two clients that inherit it, and their secrets.
pub const MSP: &str = include_str!("../../stories/msp.json");

/// Every key of an installation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Keys {
    /// Values of the variables in `spin.toml`.
    pub variables: BTreeMap<String, String>,
    /// The first owner's API token; only its hash is among the variables.
    pub owner_token: String,
}

impl Keys {
    /// Makes every key pair, the integrity key, and a first owner.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn make() -> Result<Self> {
        let random = || {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map(|()| bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))
        };
        let mut variables = BTreeMap::new();
        for name in ["intake", "technician", "link"] {
            let (private, public) = seal::key_pair();
            variables.insert(format!("{name}_private_key"), private.expose().to_string());
            variables.insert(format!("{name}_public_key"), public);
        }
        variables.insert("integrity_key".into(), seal::base64(&random()?));
        variables.insert("signing_private_key".into(), seal::base64(&random()?));
        let owner_token = keys::hex(&random()?);
        let people = serde_json::json!([{"name": "Owner", "role": "owner", "token_sha256": keys::sha256_hex(owner_token.as_bytes())}]);
        variables.insert("console_people".into(), people.to_string());
        Ok(Keys { variables, owner_token })
    }

    /// The public half of the signing key, as `firstline verify` takes it; none if nothing is signed.
    #[must_use]
    pub fn verifying_key(&self) -> Option<String> {
        let key = self.variables.get("signing_private_key").and_then(|key| SigningKey::parse(key).ok().flatten());
        key.map(|key| key.public())
    }
}

/// Emulated vendors as the world outside, each answer after a delay.
pub struct Emulated {
    /// The vendors.
    pub vendors: Vendors,
    /// How long an answer takes.
    pub latency: Duration,
}

impl Outbound for Emulated {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, OutboundError>> {
        Box::pin(async move {
            if !self.latency.is_zero() {
                tokio::time::sleep(self.latency).await;
            }
            match self.vendors.handle(request) {
                Ok(answer) => Ok(answer),
                Err(lost) if lost.silent => std::future::pending().await,
                Err(_) => Err(OutboundError::Lost),
            }
        })
    }
}

/// Milliseconds since 1970 of a clock.
#[must_use]
pub fn millis(clock: &Clock) -> u64 {
    clock().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A running desk.
pub struct Desk {
    /// The application.
    pub app: Arc<App>,
    /// The vendors.
    pub vendors: Vendors,
    /// Its keys.
    pub keys: Keys,
}

/// Emulated vendors that share the application's clock.
#[must_use]
pub fn vendors(clock: &Clock) -> Vendors {
    let clock = clock.clone();
    Vendors::new(move || millis(&clock))
}

impl Desk {
    /// Starts the application of `config` against these vendors. Its variables get the keys, unless they are set.
    ///
    /// # Errors
    /// The application does not start.
    pub fn start(mut config: Config, vendors: Vendors, latency: Duration, keys: Keys) -> Result<Self> {
        config.outbound = Arc::new(Emulated { vendors: vendors.clone(), latency });
        for (name, value) in &keys.variables {
            config.variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Ok(Desk { app: App::start(config)?, vendors, keys })
    }

    /// Calls the API as the owner.
    ///
    /// # Errors
    /// The answer is neither empty nor JSON.
    pub async fn api(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Result<(u16, Value)> {
        let request =
            http::Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.keys.owner_token)).body(body.into())?;
        let answer = self.app.request(request).await;
        let value = if answer.body().is_empty() { Value::Null } else { serde_json::from_slice(answer.body()).with_context(|| format!("{method} {path}"))? };
        Ok((answer.status().as_u16(), value))
    }

    /// A file of JSON Lines, as the owner gets it.
    ///
    /// # Errors
    /// The answer is not 200.
    pub async fn lines(&self, path: &str) -> Result<String> {
        let request = http::Request::builder().uri(path).header("authorization", format!("Bearer {}", self.keys.owner_token)).body(Bytes::new())?;
        let answer = self.app.request(request).await;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        ensure!(answer.status() == 200, "{path} was answered {}: {text}", answer.status());
        Ok(text)
    }

    /// Enters tenants and their secrets through the API, as a person would.
    ///
    /// # Errors
    /// A document or a secret is refused.
    pub async fn enter(&self, tenants: &Value) -> Result<()> {
        if let Some(msp) = tenants.get("msp") {
            self.enter_one("msp", msp, &tenants["secrets"]).await?;
        }
        for tenant in tenants["tenants"].as_array().into_iter().flatten() {
            let id = tenant["tenant"].as_str().unwrap_or_default();
            self.enter_one(&format!("tenants/{id}"), tenant, &tenants["secrets"]).await?;
        }
        Ok(())
    }

    async fn enter_one(&self, at: &str, document: &Value, secrets: &Value) -> Result<()> {
        let (status, answer) = self.api("PUT", &format!("/api/{at}"), document.to_string()).await?;
        ensure!(status == 200 && answer.get("draft").is_none(), "`{at}` was refused with {status}: {answer}");
        for connection in document["connections"].as_array().into_iter().flatten() {
            let connection = connection["id"].as_str().unwrap_or_default();
            for (name, secret) in secrets.get(connection).and_then(Value::as_object).into_iter().flatten() {
                let path = format!("/api/{at}/connections/{connection}/secrets/{name}");
                let (status, answer) = self.api("PUT", &path, secret.as_str().unwrap_or_default().to_string()).await?;
                ensure!(status == 204, "secret `{name}` of `{connection}` was refused with {status}: {answer}");
            }
        }
        Ok(())
    }

    /// Delivers a webhook, and waits until all work that it began has ended.
    pub async fn deliver(&self, webhook: http::Request<Bytes>) -> http::Response<Bytes> {
        let answer = self.app.request(webhook).await;
        self.app.idle().await;
        answer
    }

    /// What any scheduler does every minute.
    ///
    /// # Errors
    /// The tick is refused.
    pub async fn tick(&self) -> Result<Value> {
        let (status, answer) = self.api("POST", "/api/tick", "").await?;
        ensure!((200..300).contains(&status), "the tick was refused with {status}: {answer}");
        self.app.idle().await;
        Ok(answer)
    }
}
