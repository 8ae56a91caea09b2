//! The only file that calls the Spin SDK.

use crate::host::{Fault, Host, Incoming, Outgoing, REPLY_LIMIT, SEND_TIMEOUT, SendError, Store};
use crate::runner::{Settings, run};
use crate::stages::Composed;
use crate::tenants::Unusable;
use crate::tick::sweep;
use crate::{backlog, checks, days, digest, health, history};
use bytes::Bytes;
use firstline_core::{Instant, keys};
use futures::future::{Either, join_all, select};
use http_body_util::BodyExt;
use spin_sdk::experimental::wasi::keyvalue::{atomics, batch, store as wasi};
use spin_sdk::http::{FullBody, HeaderName, HeaderValue, Method, Request, StatusCode};
use spin_sdk::wasip3::http::types::{ErrorCode, RequestOptions};
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;
use spin_sdk::{http_service, key_value, time, variables, wit_bindgen};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The composed stages, as [`crate::stages`] calls them.
#[allow(missing_docs)]
pub(crate) mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:app/technician",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

/// `POST /poke/<conversation>/<epoch>` and `POST /tick`, both answered before the work is done; `POST /check/<tenant>/<use>`, `POST /backlog/<tenant>/<days>` and the same with `/<plan>`, `POST /history/<tenant>/<after>`, and `POST /customer/<tenant or msp>/<connection>`.
#[http_service]
async fn handle(request: Request) -> (StatusCode, FullBody<Bytes>) {
    let path = request.uri().path().to_string();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let answer = |status: StatusCode, text: serde_json::Value| (status, FullBody::new(Bytes::from(text.to_string())));
    if request.method() != Method::POST {
        return answer(StatusCode::METHOD_NOT_ALLOWED, serde_json::json!({"error": "only POST is known here"}));
    }
    let host = match Spin::open().await {
        Ok(host) => host,
        Err(Fault(why)) => return answer(StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({ "error": why })),
    };
    let settings = match Settings::load(&host).await {
        Ok(settings) => settings,
        Err(why) => {
            host.log(serde_json::json!({"component": "technician", "what": "not configured", "why": why}).to_string());
            return answer(StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({ "error": why }));
        }
    };
    let runs = match segments.as_slice() {
        ["poke", conversation, epoch] if keys::is_conversation(conversation) => match epoch.parse() {
            Ok(epoch) => vec![((*conversation).to_string(), epoch)],
            Err(_) => return answer(StatusCode::BAD_REQUEST, serde_json::json!({"error": "the epoch is not a number"})),
        },
        ["check", tenant, purpose] => return report(checks::named(&host, &settings, tenant, purpose).await),
        ["backlog", tenant, days] => return report(backlog::plan(&host, &settings, tenant, days).await),
        ["backlog", tenant, days, plan] => return report(backlog::take(&host, &settings, tenant, days, plan).await),
        ["history", tenant, after] => return report(history::page(&host, &settings, tenant, after).await),
        ["customer", owner, connection] => return report(checks::customer(&host, &settings, owner, connection).await),
        ["tick"] => match sweep(&host, &settings).await {
            Ok(runs) => runs,
            Err(Fault(why)) => return answer(StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({ "error": why })),
        },
        _ => return answer(StatusCode::NOT_FOUND, serde_json::json!({"error": "unknown path"})),
    };
    let woken = runs.len();
    let tick = segments.as_slice() == ["tick"];
    wit_bindgen::spawn(async move {
        join_all(runs.iter().map(|(conversation, epoch)| run(&host, &Composed, &settings, conversation, *epoch))).await;
        if tick {
            match digest::tell(&host, &settings).await {
                Ok(woken) => drop(join_all(woken.iter().map(|(conversation, epoch)| run(&host, &Composed, &settings, conversation, *epoch))).await),
                Err(Fault(why)) => host.log(serde_json::json!({"component": "technician", "what": "no digest", "why": why}).to_string()),
            }
        }
        if tick && let Err(Fault(why)) = days::close(&host, &settings).await {
            host.log(serde_json::json!({"component": "technician", "what": "no day record", "why": why}).to_string());
        }
        if tick && let Err(Fault(why)) = health::check(&host, &settings).await {
            host.log(serde_json::json!({"component": "technician", "what": "not checked", "why": why}).to_string());
        }
    });
    answer(StatusCode::ACCEPTED, serde_json::json!({ "woken": woken }))
}

fn report(found: Result<serde_json::Value, Unusable>) -> (StatusCode, FullBody<Bytes>) {
    let (status, body) = match found {
        Ok(found) => (StatusCode::OK, found),
        Err(Unusable::Corrupt(why)) => (StatusCode::CONFLICT, serde_json::json!({ "error": why })),
        Err(Unusable::Fault(Fault(why))) => (StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({ "error": why })),
    };
    (status, FullBody::new(Bytes::from(body.to_string())))
}

struct Spin {
    store: key_value::Store,
    bucket: wasi::Bucket,
}

impl Spin {
    async fn open() -> Result<Self, Fault> {
        let store = key_value::Store::open_default().await.map_err(|e| Fault(e.to_string()))?;
        let bucket = wasi::open("default").map_err(fault)?;
        Ok(Spin { store, bucket })
    }
}

impl Store for Spin {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.store.get(key).await.map_err(|e| Fault(e.to_string()))
    }

    async fn set_many(&self, writes: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
        unlocked(|| batch::set_many(&self.bucket, &writes)).await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Fault> {
        unlocked(|| atomics::increment(&self.bucket, key, delta)).await
    }
}

impl Host for Spin {
    fn now(&self) -> Instant {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn random(&self) -> Result<[u8; 32], Fault> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| Fault(e.to_string()))?;
        Ok(bytes)
    }

    async fn variable(&self, name: &str) -> String {
        variables::get(name).await.unwrap_or_default()
    }

    async fn send(&self, request: Outgoing) -> Result<Incoming, SendError> {
        let mut parts = Request::new(()).into_parts().0;
        parts.method = request.method.parse().map_err(|_| SendError::NotSent)?;
        parts.uri = request.url.parse().map_err(|_| SendError::NotSent)?;
        for (name, value) in &request.headers {
            let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) else { return Err(SendError::NotSent) };
            parts.headers.insert(name, value);
        }
        let options = RequestOptions::new();
        let limit = Some(SEND_TIMEOUT * 1_000_000);
        // A host that supports no such option leaves the overall limit below.
        _ = options.set_connect_timeout(limit);
        _ = options.set_first_byte_timeout(limit);
        _ = options.set_between_bytes_timeout(limit);
        parts.extensions.insert(RequestOptionsExtension(options));
        let exchange = std::pin::pin!(exchange(Request::from_parts(parts, FullBody::new(Bytes::from(request.body)))));
        match select(exchange, std::pin::pin!(time::sleep(Duration::from_millis(2 * SEND_TIMEOUT)))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(SendError::Lost),
        }
    }

    async fn sleep(&self, milliseconds: u64) {
        time::sleep(Duration::from_millis(milliseconds)).await;
    }

    fn log(&self, line: String) {
        eprintln!("{line}");
    }
}

/// Two processes on one SQLite file: some commits fail with `database is locked`, and have then not been applied.
async fn unlocked<T>(commit: impl Fn() -> Result<T, wasi::Error>) -> Result<T, Fault> {
    for pause in [5, 20, 80, 200] {
        match commit() {
            Err(wasi::Error::Other(why)) if why.contains("locked") => time::sleep(Duration::from_millis(pause)).await,
            done => return done.map_err(fault),
        }
    }
    commit().map_err(fault)
}

async fn exchange(request: Request<FullBody<Bytes>>) -> Result<Incoming, SendError> {
    let response = spin_sdk::http::send(request).await.map_err(|error| match error {
        // Only what certainly never left counts as not sent.
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::TlsCertificateError
        | ErrorCode::HttpRequestDenied => SendError::NotSent,
        _ => SendError::Lost,
    })?;
    let (parts, mut body) = response.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect();
    let mut bytes = Vec::new();
    loop {
        match body.frame().await {
            None => return Ok(Incoming { status: parts.status.as_u16(), headers, body: bytes }),
            Some(Err(_)) => return Err(SendError::Lost),
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
        }
        if bytes.len() > REPLY_LIMIT {
            return Err(SendError::Lost);
        }
    }
}

fn fault(error: wasi::Error) -> Fault {
    Fault(format!("{error:?}"))
}
