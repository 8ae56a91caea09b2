//! Playing by hand, without hands: over real sockets, and over a restart.

use bytes::Bytes;
use firstline_host::desk::{Desk, TENANTS, vendors};
use firstline_host::home::Home;
use firstline_host::loopback::{self, Loopback};
use firstline_host::playground::{Playground, tenants_at, to_address};
use firstline_host::{App, Backend, Config, Disk, Event};
use firstline_vendors::slack::human::{Pressed, Said};
use firstline_vendors::{DEMO, Vendors};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

fn config() -> Config {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    firstline_host::build::once(&root).unwrap();
    Config::new(root.join("spin.toml"))
}

/// Tickets and whether each is closed.
fn tickets(vendors: &Vendors) -> Vec<bool> {
    vendors.state()["connectwise"]["tickets"].as_array().unwrap().iter().map(|ticket| ticket["closedFlag"] == true).collect()
}

/// What `serve` finds in its folder.
async fn start(folder: &Path) -> Desk {
    let home = Home::open(folder).unwrap();
    let mut config = config();
    config.backend = Arc::new(disk(&home).await);
    let vendors = vendors(&config.clock);
    let recalled = home.recall(&vendors).unwrap();
    if !recalled {
        vendors.seed(&serde_json::from_str(DEMO).unwrap()).unwrap();
    }
    let desk = Desk::start(config, vendors, Duration::ZERO, home.keys().unwrap()).unwrap();
    if !recalled {
        desk.enter(&serde_json::from_str(TENANTS).unwrap()).await.unwrap();
    }
    desk
}

/// Instances of an application that was dropped end a moment later, and with them their hold on the file.
async fn disk(home: &Home) -> Disk {
    for _ in 0..500 {
        match home.store() {
            Ok(disk) => return disk,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    home.store().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_case_loses_nothing() {
    let folder = std::env::temp_dir().join(format!("firstline-restart-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let (workspace, user) = ("T0ACME", "U0JANE");
    let desk = start(&folder).await;
    for text in ["hi", "I'm locked out and I forgot my password"] {
        let webhook = desk.vendors.slack_message(&Said { workspace, user, text, ..Said::default() }).unwrap();
        assert_eq!(desk.deliver(webhook).await.status(), 200);
    }
    assert_eq!(tickets(&desk.vendors), [false]);
    Home::open(&folder).unwrap().remember(&desk.vendors).unwrap();
    drop(desk);

    let desk = start(&folder).await;
    assert_eq!(tickets(&desk.vendors), [false]);
    let webhook = desk.vendors.slack_press(&Pressed { workspace, user, button: "Yes", ..Pressed::default() }).unwrap();
    assert_eq!(desk.deliver(webhook).await.status(), 200);
    assert_eq!(tickets(&desk.vendors), [true]);
    assert_eq!(desk.vendors.violations(), Vec::<String>::new());
    drop(desk);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_restart_without_the_store_forgets_the_case() {
    // The control: what closes the ticket above is the store, not the press alone.
    let folder = std::env::temp_dir().join(format!("firstline-restart-empty-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let (workspace, user) = ("T0ACME", "U0JANE");
    let desk = start(&folder).await;
    let webhook = desk.vendors.slack_message(&Said { workspace, user, text: "I forgot my password", ..Said::default() }).unwrap();
    assert_eq!(desk.deliver(webhook).await.status(), 200);
    let (vendors, keys) = (desk.vendors.clone(), desk.keys.clone());
    drop(desk);
    let desk = Desk::start(config(), vendors, Duration::ZERO, keys).unwrap();
    desk.enter(&serde_json::from_str(TENANTS).unwrap()).await.unwrap();
    let webhook = desk.vendors.slack_press(&Pressed { workspace, user, button: "Yes", ..Pressed::default() }).unwrap();
    desk.deliver(webhook).await;
    assert_eq!(tickets(&desk.vendors), [false]);
    std::fs::remove_dir_all(folder).unwrap();
}

/// An application and emulators that know each other only by address.
struct Apart {
    people: String,
    vendors: Vendors,
    /// URLs that the application sent to.
    sent: Arc<Mutex<Vec<String>>>,
}

async fn apart(allow: bool) -> Result<Apart, String> {
    let outside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let people = format!("http://{}", outside.local_addr().unwrap());
    let public = format!("http://{}", inside.local_addr().unwrap());
    let sent: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = sent.clone();
    let mut config = config();
    config.outbound = Arc::new(Loopback);
    config.trace = Arc::new(move |event| {
        if let Event::Sending { url, .. } = event {
            sink.lock().unwrap().push(url);
        }
    });
    let keys = firstline_host::desk::Keys::make().unwrap();
    config.variables.extend(keys.variables.clone());
    config.variables.insert("public_url".into(), public.clone());
    if allow {
        config.variables.insert("allow_loopback".into(), "true".into());
        config.variables.insert("extra_host_1".into(), people.clone());
    }
    let vendors = vendors(&config.clock);
    vendors.seed(&serde_json::from_str(DEMO).unwrap()).unwrap();
    let app = App::start(config).unwrap();
    tokio::spawn(firstline_host::serve::serve(app.clone(), inside));
    tokio::spawn(Playground { vendors: vendors.clone(), deliver: to_address(&public, &vendors) }.serve(outside));
    let desk = Desk { app, vendors: vendors.clone(), keys };
    desk.enter(&tenants_at(&people).unwrap()).await.map_err(|error| error.to_string())?;
    Ok(Apart { people, vendors, sent })
}

async fn page(url: &str, form: Option<&str>) -> (u16, String) {
    let request = http::Request::builder().uri(url).method(if form.is_some() { "POST" } else { "GET" });
    let answer = loopback::send(request.body(Bytes::from(form.unwrap_or_default().to_owned())).unwrap()).await.unwrap();
    (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
}

/// The page once it holds something: on a busy machine the work may go on behind the answer to a form.
async fn page_with(url: &str, expect: &str) -> String {
    for _ in 0..300 {
        let (_, text) = page(url, None).await;
        if text.contains(expect) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("`{expect}` is not on {url}: {}", page(url, None).await.1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_closed_over_loopback_by_forms_alone() {
    let Apart { people, vendors, sent } = apart(true).await.unwrap();
    let chat = format!("{people}/chat/T0ACME/U0JANE");
    for form in ["text=hi", "text=I%27m+locked+out+and+I+forgot+my+password"] {
        assert_eq!(page(&chat, Some(form)).await, (303, String::new()), "{form}");
    }
    let text = page_with(&chat, "name=\"press\" value=\"").await;
    let value = text.split("name=\"press\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let form = format!("press={}", value.replace('+', "%2B"));
    assert_eq!(page(&chat, Some(&form)).await, (303, String::new()));
    page_with(&format!("{people}/tickets"), "status closed").await;
    assert_eq!(tickets(&vendors), [true]);
    assert_eq!(vendors.violations(), Vec::<String>::new());
    // The link on the chat page leads to the application's own address, and shows its secret once.
    let (_, text) = page(&chat, None).await;
    let link = text.split("href=\"").filter(|rest| rest.contains("/s/")).find_map(|rest| rest.split('"').next()).unwrap();
    for (form, status) in [(None, 200), (Some(""), 200), (Some(""), 410)] {
        assert_eq!(page(link, form).await.0, status, "{link}");
    }
    let sent = sent.lock().unwrap();
    assert!(sent.iter().all(|url| url.starts_with(&people) || url.contains(".spin.internal")), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_refused_unless_it_is_allowed() {
    let complaint = apart(false).await.err().unwrap();
    assert!(complaint.contains("allow_loopback"), "{complaint}");
}

#[test]
fn a_store_that_is_in_use_is_named() {
    let folder = std::env::temp_dir().join(format!("firstline-taken-{}", std::process::id()));
    let home = Home::open(&folder).unwrap();
    let first: Box<dyn Backend> = Box::new(home.store().unwrap());
    let complaint = format!("{:#}", home.store().err().unwrap());
    assert!(complaint.contains("another `serve`"), "{complaint}");
    drop(first);
    std::fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn the_keys_that_are_printed_can_be_pasted_and_miss_nothing() {
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_firstline")).arg("keys").output().unwrap();
    let script = format!("{}\nenv", String::from_utf8(printed.stdout).unwrap());
    let shell = std::process::Command::new("sh").env_clear().args(["-c", &script]).output().unwrap();
    let environment = String::from_utf8(shell.stdout).unwrap();
    let value = |name: &str| environment.lines().find_map(|line| line.strip_prefix(&format!("SPIN_VARIABLE_{}=", name.to_uppercase())));
    let manifest = firstline_host::Manifest::load(&config().manifest).unwrap();
    let needed = manifest.variables.keys().filter(|name| name.ends_with("_key") || *name == "console_people");
    let missing: Vec<_> = needed.filter(|name| value(name).is_none_or(str::is_empty)).collect();
    assert!(missing.is_empty(), "{missing:?} in {environment}");
    let people = firstline_core::people::parse(value("console_people").unwrap()).unwrap();
    let told = String::from_utf8(printed.stderr).unwrap();
    let token = told.lines().last().unwrap().trim();
    assert!(firstline_core::people::find(&people, token).is_some(), "{told}");
    assert!(firstline_core::people::find(&people, "another").is_none());
    assert!(!environment.contains(token));
}
