//! Shared by the tables: a world, a clock, one request a line.
#![allow(dead_code)]

use base64::Engine;
use bytes::Bytes;
use firstline_vendors::Vendors;
use http::Request;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub struct World {
    pub vendors: Vendors,
    pub clock: Arc<AtomicU64>,
}

pub fn world() -> World {
    let clock = Arc::new(AtomicU64::new(1_790_000_000_000));
    let hand = clock.clone();
    let vendors = Vendors::new(move || hand.load(Ordering::SeqCst));
    vendors.seed(&serde_json::from_str(firstline_vendors::DEMO).unwrap()).unwrap();
    World { vendors, clock }
}

pub const TENANT: &str = "8d1c5b1e-3f0a-4b8e-9a61-2f6f5c1d7a10";
pub const CLIENT: &str = "b7f0c2d4-5a3e-4c1b-8f6d-0e9a7b6c5d41";
pub const JANE: &str = "4f1c0001-7c2d-4f5a-9b1e-6a0d8c3e2b01";
pub const JSON: &str = "application/json";
pub const UTF8: &str = "application/json; charset=utf-8";
pub const FORM: &str = "application/x-www-form-urlencoded";

impl World {
    pub fn later(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sends `METHOD url` with headers `name: value`; status and body.
    pub fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let (method, url) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let response = self.vendors.handle(request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()).unwrap();
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    pub fn slack(&self, call: &str, media: &str, body: &str) -> Value {
        let (method, name) = call.split_once(' ').unwrap_or(("POST", call));
        let (status, body) =
            self.send(&format!("{method} https://slack.com/api/{name}"), &[("authorization", "Bearer xoxb-acme"), ("content-type", media)], body);
        assert_eq!(status, 200, "{call}: {body}");
        body
    }

    pub fn token(&self) -> String {
        let form = format!(
            "client_id={CLIENT}&client_secret=northwind-client-secret&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
        );
        let (status, body) = self.send(&format!("POST https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"), &[("content-type", FORM)], &form);
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().into()
    }

    pub fn graph(&self, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let (method, path) = line.split_once(' ').unwrap();
        let bearer = format!("Bearer {}", self.token());
        let all: Vec<(&str, &str)> = [("authorization", bearer.as_str())].into_iter().chain(headers.iter().copied()).collect();
        self.send(&format!("{method} https://graph.microsoft.com/v1.0{path}"), &all, body)
    }

    pub fn okta(&self, line: &str) -> (u16, Value) {
        let (method, path) = line.split_once(' ').unwrap();
        self.send(&format!("{method} https://globex.okta.com/api/v1{path}"), &[("authorization", "SSWS globex-api-token")], "")
    }

    pub fn psa(&self, line: &str, body: &str) -> (u16, Value) {
        let (method, path) = line.split_once(' ').unwrap();
        let login = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("northwind+firstline-public:firstline-private"));
        let headers = [
            ("authorization", login.as_str()),
            ("clientId", "3c9e1f70-2b64-4d5a-8a17-9d2e6b4f0c83"),
            ("content-type", if body.is_empty() { "" } else { JSON }),
        ];
        self.send(&format!("{method} https://na.myconnectwise.net/v4_6_release/apis/3.0{path}"), &headers, body)
    }

    /// Violations since the last look.
    pub fn violations(&self) -> usize {
        self.vendors.violations().len()
    }
}
