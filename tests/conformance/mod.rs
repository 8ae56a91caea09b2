//! One set of HTTP checks, run on the embedded host and, where the variable `SPIN` names a binary, on Spin.
//!
//! The checks are `checks.json`, with the demo's tenants entered through the API beforehand.

pub mod client;

use bytes::Bytes;
use firstline_host::desk::{Keys, TENANTS};
use firstline_host::{App, Config};
use firstline_vendors::slack::human::sign;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// One request and what must come back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    name: String,
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// With the owner's token.
    #[serde(default)]
    owner: bool,
    /// With Slack's signature.
    signed: Option<Signed>,
    #[serde(default)]
    body: String,
    /// The body this many times over.
    #[serde(default = "one")]
    repeat: usize,
    status: u16,
    /// What a header of the answer must hold.
    #[serde(default)]
    answer_headers: BTreeMap<String, String>,
    /// What the answer's body must hold.
    #[serde(default)]
    answer_holds: Vec<String>,
}

/// How a webhook is signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    secret: String,
    /// Seconds since it was signed.
    #[serde(default)]
    age: u64,
}

fn one() -> usize {
    1
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn checks() -> Vec<Check> {
    serde_json::from_str(include_str!("checks.json")).unwrap()
}

/// Enters the demo's tenants and their secrets, as an owner does with any HTTP client.
async fn enter(address: SocketAddr, owner: &str) {
    let put = async |path: String, body: String, expect: u16| {
        let request = http::Request::put(&path).header("authorization", format!("Bearer {owner}")).body(Bytes::from(body)).unwrap();
        let answer = client::send(address, request).await.unwrap();
        assert_eq!(answer.status(), expect, "PUT {path}: {}", String::from_utf8_lossy(answer.body()));
    };
    let all: Value = serde_json::from_str(TENANTS).unwrap();
    for tenant in all["tenants"].as_array().unwrap() {
        let path = format!("/api/tenants/{}", tenant["tenant"].as_str().unwrap());
        put(path.clone(), tenant.to_string(), 200).await;
        for connection in tenant["connections"].as_array().unwrap() {
            let connection = connection["id"].as_str().unwrap();
            for (name, secret) in all["secrets"][connection].as_object().unwrap() {
                put(format!("{path}/connections/{connection}/secrets/{name}"), secret.as_str().unwrap().into(), 204).await;
            }
        }
    }
}

/// Runs every check and says which failed.
async fn run(address: SocketAddr, owner: &str) {
    enter(address, owner).await;
    let mut failed = Vec::new();
    for check in &checks() {
        let mut request = http::Request::builder().method(check.method.as_str()).uri(&check.path);
        for (name, value) in &check.headers {
            request = request.header(name, value);
        }
        if check.owner {
            request = request.header("authorization", format!("Bearer {owner}"));
        }
        let body = Bytes::from(check.body.repeat(check.repeat));
        if let Some(signed) = &check.signed {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - signed.age;
            request = request.header("x-slack-request-timestamp", at).header("x-slack-signature", sign(&signed.secret, at, &body));
        }
        match client::send(address, request.body(body).unwrap()).await {
            Ok(answer) => failed.extend(complaints(check, &answer).into_iter().map(|complaint| format!("{}: {complaint}", check.name))),
            Err(error) => failed.push(format!("{}: {error:#}", check.name)),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn complaints(check: &Check, answer: &http::Response<Bytes>) -> Vec<String> {
    let mut complaints = Vec::new();
    let body = String::from_utf8_lossy(answer.body());
    if answer.status() != check.status {
        complaints.push(format!("status {} and not {}: {body}", answer.status().as_u16(), check.status));
    }
    for (name, expect) in &check.answer_headers {
        let values: Vec<_> = answer.headers().get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect();
        if !values.iter().any(|value| value.contains(expect)) {
            complaints.push(format!("header `{name}` is {values:?} and does not hold `{expect}`"));
        }
    }
    for expect in check.answer_holds.iter().filter(|expect| !body.contains(*expect)) {
        complaints.push(format!("the body does not hold `{expect}`: {body}"));
    }
    complaints
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_host_passes_every_check() {
    let root = root();
    firstline_host::build::once(&root).unwrap();
    let keys = Keys::make().unwrap();
    let app = App::start(Config { variables: keys.variables, ..Config::new(root.join("spin.toml")) }).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(firstline_host::serve::serve(app, listener));
    run(address, &keys.owner_token).await;
}

/// Ends Spin with the test, however it ends.
struct Spin(Child);

impl Drop for Spin {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spin_up(spin: &Path, address: SocketAddr, variables: &BTreeMap<String, String>) -> Spin {
    let state = root().join("target/conformance");
    let _ = std::fs::remove_dir_all(&state);
    let mut command = Command::new(spin);
    command.args(["up", "--quiet", "--from"]).arg(root().join("spin.toml")).arg("--state-dir").arg(state).args(["--listen", &address.to_string()]);
    for (name, value) in variables {
        command.args(["--variable", &format!("{name}={value}")]);
    }
    Spin(command.stdin(Stdio::null()).spawn().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn spin_passes_every_check() {
    let Some(spin) = std::env::var_os("SPIN") else {
        println!("not run on Spin: the variable `SPIN` names no binary");
        return;
    };
    firstline_host::build::once(&root()).unwrap();
    let keys = Keys::make().unwrap();
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut running = spin_up(Path::new(&spin), address, &keys.variables);
    let began = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "Spin does not listen");
        assert!(running.0.try_wait().unwrap().is_none(), "Spin has ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    run(address, &keys.owner_token).await;
}

#[test]
fn a_check_that_does_not_hold_is_reported() {
    let check = |answer: &str| -> Check { serde_json::from_str(&format!(r#"{{"name":"n","method":"GET","path":"/",{answer}}}"#)).unwrap() };
    let answer = http::Response::builder().status(404).header("cache-control", "no-store").body(Bytes::from("gone")).unwrap();
    for (expect, complaint) in [
        (r#""status":404,"answer_headers":{"cache-control":"no-store"},"answer_holds":["gone"]"#, ""),
        (r#""status":200"#, "status 404 and not 200"),
        (r#""status":404,"answer_headers":{"cache-control":"private"}"#, "does not hold `private`"),
        (r#""status":404,"answer_headers":{"allow":"GET"}"#, "header `allow` is []"),
        (r#""status":404,"answer_holds":["here"]"#, "does not hold `here`"),
    ] {
        let found = complaints(&check(expect), &answer).join("\n");
        assert!(found.is_empty() == complaint.is_empty() && found.contains(complaint), "{found}");
    }
}
