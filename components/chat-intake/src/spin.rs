//! The only file that calls the Spin SDK.

use crate::host::{Fault, Host, Inbound, Store, Unreadable, Webhook};
use crate::webhook::{self, Body, LARGEST_BODY};
use bytes::Bytes;
use firstline_core::Instant;
use firstline_core::mailbox::{Act, Event, Place};
use futures::future::{Either, select};
use http_body_util::BodyExt;
use spin_sdk::experimental::wasi::keyvalue::{atomics, batch, store as wasi};
use spin_sdk::http::{EmptyBody, FullBody, HeaderMap, HeaderValue, Request, Response, StatusCode};
use spin_sdk::wasip3::http::types::RequestOptions;
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;
use spin_sdk::{http_service, key_value, time, variables, wit_bindgen};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[allow(missing_docs)]
mod stages {
    spin_sdk::wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:app/chat-intake",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}
use stages::firstline::messaging::intake;
use stages::firstline::types::types::Error;

/// The technician answers a poke before it works, so more than this means that it is not there.
const POKE_LIMIT: Duration = Duration::from_secs(5);

/// Time for a signing key, well below what a PSA waits for an answer.
const FETCH_LIMIT: Duration = Duration::from_secs(4);
const LARGEST_DOCUMENT: usize = 16 * 1024;

#[http_service]
async fn handle(request: Request) -> Response<FullBody<Bytes>> {
    let answer = webhook::handle(&Spin, read(request).await).await;
    for line in &answer.lines {
        eprintln!("{}", serde_json::to_string(line).unwrap_or_default());
    }
    if !answer.pokes.is_empty() {
        // The answer leaves first; a lost poke is made good by the due entry.
        wit_bindgen::spawn(async move {
            for conversation in answer.pokes {
                poke(&conversation).await;
            }
        });
    }
    let mut response = Response::new(FullBody::new(Bytes::from(answer.text)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if answer.status == 405 {
        headers.insert("allow", HeaderValue::from_static("POST"));
    }
    response
}

async fn read(request: Request) -> webhook::Request {
    let (parts, mut body) = request.into_parts();
    let header = |headers: &HeaderMap, name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_string);
    let mut bytes = Vec::new();
    let body = loop {
        match body.frame().await {
            None => break Body::Whole(bytes),
            Some(Err(_)) => break Body::Broken,
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
        }
        if bytes.len() > LARGEST_BODY {
            break Body::TooLong;
        }
    };
    webhook::Request {
        method: parts.method.as_str().into(),
        path: parts.uri.path().into(),
        content_type: header(&parts.headers, "content-type").unwrap_or_default(),
        timestamp: header(&parts.headers, "x-slack-request-timestamp"),
        signature: header(&parts.headers, "x-slack-signature"),
        content_signature: header(&parts.headers, "x-content-signature"),
        body,
    }
}

async fn poke(conversation: &str) {
    let mut parts = Request::new(()).into_parts().0;
    parts.method = spin_sdk::http::Method::POST;
    let Ok(uri) = format!("http://technician.spin.internal/poke/{conversation}").parse() else { return };
    parts.uri = uri;
    parts.extensions.insert(within(POKE_LIMIT));
    let send = std::pin::pin!(spin_sdk::http::send(Request::from_parts(parts, EmptyBody::new())));
    let why = match select(send, std::pin::pin!(time::sleep(POKE_LIMIT))).await {
        Either::Left((Ok(response), _)) if response.status().is_success() => return,
        Either::Left((Ok(response), _)) => response.status().to_string(),
        Either::Left((Err(error), _)) => error.to_string(),
        Either::Right(_) => "no answer in time".into(),
    };
    eprintln!("{}", serde_json::json!({"component": "chat-intake", "conversation": conversation, "what": "poke failed", "why": why}));
}

/// A host that supports no such option leaves the overall limit of the caller.
fn within(time: Duration) -> RequestOptionsExtension {
    let options = RequestOptions::new();
    let limit = Some(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    _ = options.set_connect_timeout(limit);
    _ = options.set_first_byte_timeout(limit);
    RequestOptionsExtension(options)
}

struct Spin;

impl Store for Spin {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        let store = key_value::Store::open_default().await.map_err(|e| Fault(e.to_string()))?;
        store.get(key).await.map_err(|e| Fault(e.to_string()))
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

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Fault> {
        let mut parts = Request::new(()).into_parts().0;
        parts.uri = url.parse().map_err(|_| Fault("not a URL".into()))?;
        parts.extensions.insert(within(FETCH_LIMIT));
        let work = std::pin::pin!(async {
            let response = spin_sdk::http::send(Request::from_parts(parts, EmptyBody::new())).await.map_err(|error| Fault(error.to_string()))?;
            let (parts, mut body) = response.into_parts();
            if !parts.status.is_success() {
                return Err(Fault(format!("answered {}", parts.status)));
            }
            let mut bytes = Vec::new();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|_| Fault("broken off".into()))?;
                bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
                if bytes.len() > LARGEST_DOCUMENT {
                    return Err(Fault("too long".into()));
                }
            }
            Ok(bytes)
        });
        match select(work, std::pin::pin!(time::sleep(FETCH_LIMIT))).await {
            Either::Left((fetched, _)) => fetched,
            Either::Right(_) => Err(Fault("no answer in time".into())),
        }
    }

    fn now(&self) -> Instant {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn read(&self, webhook: Webhook) -> Result<Inbound, Unreadable> {
        let Webhook { vendor, content_type, body } = webhook;
        match intake::read(&intake::Webhook { vendor, content_type, body: body.into_inner() }) {
            Ok(intake::Inbound::Challenge(text)) => Ok(Inbound::Challenge(text)),
            Ok(intake::Inbound::Ignored(why)) => Ok(Inbound::Ignored(why)),
            Ok(intake::Inbound::Events(events)) => Ok(Inbound::Events(events.into_iter().map(event).collect())),
            Err(Error::Invalid(text) | Error::Unsupported(text) | Error::UnexpectedReply(text) | Error::Other(text)) => Err(Unreadable(text)),
        }
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

fn fault(error: wasi::Error) -> Fault {
    Fault(format!("{error:?}"))
}

fn event(event: intake::Event) -> Event {
    let intake::Event { delivery: _, id, workspace, author, author_workspace, channel, thread, place, message, act, at } = event;
    let place = match place {
        intake::Place::Direct => Place::Direct,
        intake::Place::Channel => Place::Channel,
        intake::Place::Group => Place::Group,
    };
    let act = match act {
        intake::Act::Message(text) => Act::Message(text),
        intake::Act::Press(value) => Act::Press(value),
    };
    let (tenant, connection) = (String::new(), String::new());
    Event { id, tenant, connection, workspace, author, author_workspace, channel, thread, place, message, act, at, received: 0, to: None }
}
