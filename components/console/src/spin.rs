//! The only file that calls the Spin SDK.

use crate::answer::Line;
use crate::api::{self, Body, LARGEST_BODY};
use crate::evidence;
use crate::host::{Fault, Host, Store};
use bytes::Bytes;
use firstline_core::{Instant, redact};
use futures::future::{Either, select};
use futures::stream::{self, Stream};
use http_body::Frame;
use http_body_util::{BodyExt, Limited, StreamBody};
use spin_sdk::experimental::wasi::keyvalue::{atomics, batch, store as wasi};
use spin_sdk::http::{EmptyBody, FullBody, HeaderValue, Method, Request, Response, StatusCode, Uri};
use spin_sdk::wasip3::http::types::RequestOptions;
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;
use spin_sdk::{http_service, key_value, time, variables};
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The composed stages, as [`crate::stages`] calls them.
#[allow(missing_docs)]
pub(crate) mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:app/console",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

/// A tick runs what is due, one runner's limit at most; a check sends some twenty reads.
const ASK_LIMIT: Duration = Duration::from_secs(90);
/// Longest answer that is passed on.
const ASK_BODY: usize = 256 * 1024;

/// Lines that are read while they are sent.
type LinesBody = StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, std::io::Error>>>>>;

#[http_service]
async fn handle(request: Request) -> Response<http_body_util::Either<FullBody<Bytes>, LinesBody>> {
    let request = read(request).await;
    let answer = api::handle(&Spin, &request).await;
    log(&request, &answer);
    let (body, kind) = match answer.lines {
        Some(lines) => (http_body_util::Either::Right(stream(lines)), "application/jsonl"),
        None => {
            let body = answer.body.map(|body| body.to_string()).unwrap_or_default();
            (http_body_util::Either::Left(FullBody::new(Bytes::from(body))), "application/json")
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if answer.status != 204 {
        headers.insert("content-type", HeaderValue::from_static(kind));
    }
    if answer.status == 401 {
        headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
    }
    if let Some(allow) = answer.allow {
        headers.insert("allow", HeaderValue::from_static(allow));
    }
    response
}

fn stream(lines: Vec<Line>) -> LinesBody {
    StreamBody::new(Box::pin(stream::unfold(lines.into_iter(), async |mut lines| {
        let line = lines.next()?;
        // Whoever reads a file that breaks off finds no seal at its end.
        let frame = match evidence::text(&Spin, line).await {
            Ok(text) => Ok(Frame::data(Bytes::from(text + "\n"))),
            Err(Fault(why)) => Err(std::io::Error::other(why)),
        };
        Some((frame, lines))
    })))
}

/// One line a request: no token, no body.
fn log(request: &api::Request, answer: &crate::answer::Answer) {
    let line = serde_json::json!({
        "component": "console",
        "method": redact::line(&request.method, 10),
        "path": redact::line(&request.path, 200),
        "status": answer.status,
        "why": answer.log.as_deref().map(|why| redact::line(why, 300)),
    });
    eprintln!("{line}");
}

async fn read(request: Request) -> api::Request {
    let (parts, mut body) = request.into_parts();
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
    api::Request {
        method: parts.method.as_str().into(),
        path: parts.uri.path().into(),
        query: parts.uri.query().unwrap_or_default().into(),
        authorization: parts.headers.get("authorization").and_then(|value| value.to_str().ok()).map(str::to_string),
        body,
    }
}

pub(crate) struct Spin;

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

    async fn ask(&self, path: &str) -> Result<(u16, Vec<u8>), Fault> {
        let options = RequestOptions::new();
        let limit = Some(u64::try_from(ASK_LIMIT.as_nanos()).unwrap_or(u64::MAX));
        // A host that supports no such option leaves the overall limit below.
        _ = options.set_connect_timeout(limit);
        _ = options.set_first_byte_timeout(limit);
        _ = options.set_between_bytes_timeout(limit);
        let mut parts = Request::new(()).into_parts().0;
        parts.method = Method::POST;
        parts.uri = format!("http://technician.spin.internal/{path}").parse::<Uri>().map_err(|e| Fault(e.to_string()))?;
        parts.extensions.insert(RequestOptionsExtension(options));
        let exchange = std::pin::pin!(async {
            let response = spin_sdk::http::send(Request::from_parts(parts, EmptyBody::new())).await.map_err(|e| Fault(e.to_string()))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), ASK_BODY).collect().await.map_err(|e| Fault(e.to_string()))?;
            Ok((status, body.to_bytes().to_vec()))
        });
        match select(exchange, std::pin::pin!(time::sleep(ASK_LIMIT))).await {
            Either::Left((done, _)) => done,
            Either::Right(_) => Err(Fault("no answer in time".into())),
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

async fn store() -> Result<key_value::Store, Fault> {
    key_value::Store::open_default().await.map_err(|e| Fault(e.to_string()))
}

fn fault(error: wasi::Error) -> Fault {
    Fault(format!("{error:?}"))
}
