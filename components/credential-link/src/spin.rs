//! The only file that calls the Spin SDK.

use crate::code::LARGEST_FORM;
use crate::host::{Fault, Host, Store};
use crate::link;
use bytes::Bytes;
use firstline_core::Instant;
use http_body_util::BodyExt;
use spin_sdk::experimental::wasi::keyvalue::{atomics, batch, store as wasi};
use spin_sdk::http::{EmptyBody, FullBody, HeaderValue, Method, Request, Response, StatusCode};
use spin_sdk::{http_service, key_value, time, variables, wit_bindgen};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[http_service]
async fn handle(request: Request) -> Response<FullBody<Bytes>> {
    let (request, body) = request.into_parts();
    let header = |name: &str| request.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let read = link::Request {
        form: if request.method == Method::POST && request.uri.path().starts_with("/c/") { read(body).await } else { Vec::new() },
        method: request.method.as_str().into(),
        path: request.uri.path().into(),
        fetch_site: header("sec-fetch-site"),
        languages: header("accept-language").unwrap_or_default(),
        purpose: header("sec-purpose").or_else(|| header("purpose")),
    };
    let answer = link::handle(&Spin, &read).await;
    eprintln!("{}", serde_json::to_string(&answer.line).unwrap_or_default());
    if let Some(conversation) = answer.poke {
        // The answer leaves first; a lost poke is made good by the due entry.
        wit_bindgen::spawn(async move { poke(&conversation).await });
    }
    let mut response = Response::new(FullBody::new(Bytes::from(answer.html)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in link::headers() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    if answer.status == 405 {
        response.headers_mut().insert("allow", HeaderValue::from_static("GET, HEAD, POST"));
    }
    response
}

/// No more than a code needs.
async fn read(mut body: impl BodyExt<Data = Bytes> + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if bytes.len() > LARGEST_FORM {
            break;
        }
    }
    bytes
}

async fn poke(conversation: &str) {
    let mut parts = Request::new(()).into_parts().0;
    parts.method = Method::POST;
    let Ok(uri) = format!("http://technician.spin.internal/poke/{conversation}").parse() else { return };
    parts.uri = uri;
    let why = match spin_sdk::http::send(Request::from_parts(parts, EmptyBody::new())).await {
        Ok(response) if response.status().is_success() => return,
        Ok(response) => response.status().to_string(),
        Err(error) => error.to_string(),
    };
    eprintln!("{}", serde_json::json!({"component": "credential-link", "conversation": conversation, "what": "poke failed", "why": why}));
}

struct Spin;

impl Store for Spin {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        store().await?.get(key).await.map_err(|e| Fault(e.to_string()))
    }

    async fn set_many(&self, writes: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
        let bucket = bucket()?;
        unlocked(|| batch::set_many(&bucket, &writes)).await
    }

    async fn increment(&self, key: &str, by: i64) -> Result<i64, Fault> {
        let bucket = bucket()?;
        unlocked(|| atomics::increment(&bucket, key, by)).await
    }
}

impl Host for Spin {
    async fn variable(&self, name: &str) -> String {
        variables::get(name).await.unwrap_or_default()
    }

    async fn delete(&self, key: &str) -> Result<(), Fault> {
        let bucket = bucket()?;
        unlocked(|| bucket.delete(key)).await
    }

    fn now(&self) -> Instant {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
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

fn bucket() -> Result<wasi::Bucket, Fault> {
    wasi::open("default").map_err(fault)
}

async fn store() -> Result<key_value::Store, Fault> {
    key_value::Store::open_default().await.map_err(|e| Fault(e.to_string()))
}

fn fault(error: wasi::Error) -> Fault {
    Fault(format!("{error:?}"))
}
