//! One set of HTTP checks, run on the embedded host and, where the variable `SPIN` names a binary, on Spin.

pub mod client;

use bytes::Bytes;
use firstline_host::{App, Config};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// The checks and the variables they run with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checks {
    variables: BTreeMap<String, String>,
    checks: Vec<Check>,
}

/// One request and what must come back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    name: String,
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
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

fn one() -> usize {
    1
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn checks() -> Checks {
    serde_json::from_str(include_str!("checks.json")).unwrap()
}

/// Runs every check and lists those that failed.
async fn run(address: SocketAddr, checks: &[Check]) -> Vec<String> {
    let mut failed = Vec::new();
    for check in checks {
        let mut request = http::Request::builder().method(check.method.as_str()).uri(&check.path);
        for (name, value) in &check.headers {
            request = request.header(name, value);
        }
        let body = Bytes::from(check.body.repeat(check.repeat));
        match client::send(address, request.body(body).unwrap()).await {
            Ok(answer) => failed.extend(complaints(check, &answer).into_iter().map(|complaint| format!("{}: {complaint}", check.name))),
            Err(error) => failed.push(format!("{}: {error:#}", check.name)),
        }
    }
    failed
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
    let Checks { variables, checks } = checks();
    let app = App::start(Config { variables, ..Config::new(root.join("spin.toml")) }).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(firstline_host::serve::serve(app, listener));
    let failed = run(address, &checks).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
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
    let Checks { variables, checks } = checks();
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut running = spin_up(Path::new(&spin), address, &variables);
    let began = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "Spin does not listen");
        assert!(running.0.try_wait().unwrap().is_none(), "Spin has ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let failed = run(address, &checks).await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
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
