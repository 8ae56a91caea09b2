//! The commands.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use spin_sdk::experimental::wasi::keyvalue::{atomics, batch, store as wasi};
use spin_sdk::http::{FullBody, Request, Response, StatusCode};
use spin_sdk::key_value::Store;
use spin_sdk::wasip3::http::types::RequestOptions;
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;
use spin_sdk::{http_service, time, variables, wit_bindgen};
use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

mod math {
    #![allow(missing_docs, clippy::all, clippy::restriction, reason = "generated code")]
    spin_sdk::wit_bindgen::generate!({
        inline: "package test:probe; world probe { import test:math/math@0.1.0; }
            package test:math@0.1.0 { interface math { double: func(n: u32) -> u32; } }",
        world: "test:probe/probe",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

#[http_service]
async fn handle(request: Request) -> Response<FullBody<Bytes>> {
    let uri = request.uri().clone();
    // Answers before it has read anything, as a component does that finds a body too long.
    if uri.path().ends_with("/early") {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, String::new());
    }
    let Ok(body) = request.into_body().collect().await else { return answer(StatusCode::BAD_REQUEST, String::new()) };
    let body = body.to_bytes();
    if uri.path().ends_with("/length") {
        return answer(StatusCode::OK, format!("{} {uri}", body.len()));
    }
    let mut results = Vec::new();
    for line in String::from_utf8_lossy(&body).lines() {
        results.push(command(line).await);
    }
    answer(StatusCode::OK, results.join("\n"))
}

fn answer(status: StatusCode, text: String) -> Response<FullBody<Bytes>> {
    let mut response = Response::new(FullBody::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
}

fn shown<T: Debug, E: Debug>(result: Result<T, E>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("error {error:?}"),
    }
}

async fn command(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["open", label] => shown(Store::open(label).await.map(drop)),
        ["wasi-open", label] => shown(wasi::open(label).map(drop)),
        ["variable", name] => shown(variables::get(name).await),
        ["double", n] => math::test::math::math::double(n.parse().unwrap_or(0)).to_string(),
        ["now"] => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string(),
        ["sleep", milliseconds] => {
            let began = std::time::Instant::now();
            time::sleep(Duration::from_millis(milliseconds.parse().unwrap_or(0))).await;
            format!("slept {}", began.elapsed().as_secs())
        }
        ["say", rest @ ..] => {
            eprintln!("{}", rest.join(" "));
            String::new()
        }
        ["trap"] => std::process::abort(),
        ["spawn", rest @ ..] => {
            let line = rest.join(" ");
            wit_bindgen::spawn(async move {
                for line in line.split(" ; ") {
                    Box::pin(command(line)).await;
                }
            });
            "spawned".into()
        }
        ["send", method, url, rest @ ..] => send(method, url, rest.first().and_then(|t| t.parse().ok()), rest.get(1..).unwrap_or_default().join(" ")).await,
        ["cas" | "increment" | "set-many" | "get-many" | "delete-many" | "list-keys", ..] => wasi_command(&words),
        _ => store_command(&words).await,
    }
}

async fn store_command(words: &[&str]) -> String {
    let store = match Store::open_default().await {
        Ok(store) => store,
        Err(error) => return format!("error {error:?}"),
    };
    match words {
        ["get", key] => shown(store.get(key).await),
        ["set", key, value] => shown(store.set(key, value).await),
        ["delete", key] => shown(store.delete(key).await),
        ["exists", key] => shown(store.exists(key).await),
        ["keys"] => shown(store.get_keys().await.collect().await),
        _ => format!("no command {words:?}"),
    }
}

fn wasi_command(words: &[&str]) -> String {
    let bucket = match wasi::open("default") {
        Ok(bucket) => bucket,
        Err(error) => return format!("error {error:?}"),
    };
    let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    match words {
        ["cas", key] => shown(atomics::Cas::new(&bucket, key).map(drop)),
        ["increment", key, delta] => shown(atomics::increment(&bucket, key, delta.parse().unwrap_or(0))),
        ["set-many", pairs @ ..] => {
            let pairs: Vec<_> = pairs.iter().filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).collect();
            shown(batch::set_many(&bucket, &pairs))
        }
        ["get-many", keys @ ..] => shown(batch::get_many(&bucket, &owned(keys))),
        ["delete-many", keys @ ..] => shown(batch::delete_many(&bucket, &owned(keys))),
        ["list-keys"] => shown(bucket.list_keys(None).map(|response| response.keys)),
        _ => format!("no command {words:?}"),
    }
}

async fn send(method: &str, url: &str, first_byte: Option<u64>, body: String) -> String {
    let mut request = Request::new(FullBody::new(Bytes::from(body)));
    let (Ok(method), Ok(uri)) = (method.parse(), url.parse()) else { return "no such method or address".into() };
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    if let Some(milliseconds) = first_byte {
        let options = RequestOptions::new();
        if options.set_first_byte_timeout(Some(milliseconds * 1_000_000)).is_err() {
            return "no timeout".into();
        }
        request.extensions_mut().insert(RequestOptionsExtension(options));
    }
    let response = match spin_sdk::http::send(request).await {
        Ok(response) => response,
        Err(error) => return format!("error {error:?}"),
    };
    let status = response.status().as_u16();
    match response.into_body().collect().await {
        Ok(body) => format!("{status} {}", String::from_utf8_lossy(&body.to_bytes())),
        Err(error) => format!("{status} error {error:?}"),
    }
}
