//! The view-once page in a real browser: headless Chromium through chromedriver (W3C WebDriver).

use bytes::Bytes;
use firstline_host::desk::{Desk, Keys, TENANTS, vendors};
use firstline_host::visit::{JANE, Visit};
use firstline_host::{Config, Memory, build, loopback, serve};
use firstline_vendors::DEMO;
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// A browser session; the driver dies with it.
pub struct Browser {
    driver: Child,
    base: String,
    profile: std::path::PathBuf,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// The key that `Enter` and `Tab` are in WebDriver's private range.
pub const ENTER: &str = "\u{e007}";
pub const TAB: &str = "\u{e004}";

async fn command(method: &str, url: &str, body: Value) -> Result<Value, String> {
    let body = if method == "GET" || method == "DELETE" { String::new() } else { body.to_string() };
    let request = http::Request::builder().method(method).uri(url).header("content-type", "application/json").body(Bytes::from(body)).unwrap();
    let answer = loopback::send(request).await.map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_slice(answer.body()).map_err(|error| error.to_string())?;
    if answer.status().is_success() { Ok(value["value"].clone()) } else { Err(value.to_string()) }
}

impl Browser {
    /// `None` where the browser is not installed.
    pub async fn open() -> Option<Self> {
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .args([format!("--port={port}"), "--allowed-ips=127.0.0.1".into()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let profile = std::env::temp_dir().join(format!("firstline-browser-{}-{port}", std::process::id()));
        let mut browser = Browser { driver, base: format!("http://127.0.0.1:{port}"), profile };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=420,760",
        ];
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).chain([format!("--user-data-dir={}", browser.profile.display())]).collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}}});
        // The driver needs a moment before it listens.
        let mut last = String::new();
        for _ in 0..100 {
            match command("POST", &format!("{}/session", browser.base), wanted.clone()).await {
                Ok(session) => {
                    browser.base = format!("{}/session/{}", browser.base, session["sessionId"].as_str().unwrap());
                    return Some(browser);
                }
                Err(why) => last = why,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no browser session: {last}");
    }

    pub async fn go(&self, url: &str) {
        command("POST", &format!("{}/url", self.base), json!({ "url": url })).await.unwrap();
    }

    pub async fn run(&self, script: &str) -> Value {
        command("POST", &format!("{}/execute/sync", self.base), json!({"script": script, "args": []})).await.unwrap()
    }

    /// Presses keys, as a person without a mouse does.
    pub async fn keys(&self, keys: &[&str]) {
        let actions: Vec<Value> = keys.iter().flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]).collect();
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        command("POST", &format!("{}/actions", self.base), body).await.unwrap();
    }

    /// The words of the page, once its heading is this one.
    pub async fn page(&self, heading: &str) -> String {
        self.page_that_says(heading, "").await
    }

    /// The same, once these words stand on it too.
    pub async fn page_that_says(&self, heading: &str, words: &str) -> String {
        let mut seen = Value::Null;
        for _ in 0..100 {
            seen = self.run("return [document.querySelector('h1')?.innerText, document.body.innerText]").await;
            if seen[0] == heading && seen[1].as_str().unwrap().contains(words) {
                return seen[1].as_str().unwrap().to_string();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the page says {seen}, not `{heading}` and `{words}`");
    }

    /// Keeps a picture for people to look at.
    pub async fn picture(&self, name: &str) {
        let picture = command("GET", &format!("{}/screenshot", self.base), Value::Null).await.unwrap();
        let bytes = firstline_core::seal::unbase64(picture.as_str().unwrap()).unwrap();
        let folder = crate::rig::root().join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

const READY: &str = "Your sign-in is ready";
const SHOWN: &str = "Your temporary password";
const GONE: &str = "This link no longer works";
const CODE: &str = "Type the code from the SMS";

#[tokio::test]
async fn a_person_with_a_keyboard_sees_the_password_once() {
    let Some(browser) = Browser::open().await else {
        println!("not run: chromium and chromium-driver are not installed");
        return;
    };
    build::once(&crate::rig::root()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut config = Config::new(crate::rig::root().join("spin.toml"));
    config.backend = Arc::new(Memory::default());
    config.variables.insert("public_url".into(), address.clone());
    let vendors = vendors(&config.clock);
    vendors.seed(&serde_json::from_str(DEMO).unwrap()).unwrap();
    let desk = Desk::start(config, vendors, Duration::ZERO, Keys::make().unwrap()).unwrap();
    let mut tenants: Value = serde_json::from_str(TENANTS).unwrap();
    let logo = firstline_core::seal::base64(include_bytes!("data/logo.png"));
    tenants["tenants"][0]["msp"]["logo"] = json!(format!("data:image/png;base64,{logo}"));
    desk.enter(&tenants).await.unwrap();
    tokio::spawn(serve::serve(desk.app.clone(), listener));
    let jane = Visit::new(&desk, JANE);
    for text in ["hi", "I forgot my password"] {
        jane.say(text).await.unwrap();
    }
    jane.press("Yes").await.unwrap();
    let state = desk.vendors.state();
    let users = state["entra"]["tenants"][0]["users"].as_array().unwrap();
    let password = users.iter().find(|user| user["userPrincipalName"] == "jane@acme.example").unwrap()["passwordProfile"]["password"].as_str().unwrap();
    let link = format!("{address}{}", jane.link().unwrap());

    // Looking burns nothing, however often, and shows a button and no secret.
    for _ in 0..2 {
        browser.go(&link).await;
        let words = browser.page(READY).await;
        assert!(!words.contains(password));
    }
    browser.picture("link-ready.png").await;
    assert_eq!(browser.run("return document.querySelectorAll('button, a, input, script, img, link').length").await, 1);

    browser.keys(&[TAB]).await;
    assert_eq!(browser.run("return document.activeElement.tagName").await, "BUTTON");
    browser.keys(&[ENTER]).await;
    let words = browser.page(SHOWN).await;
    let shown = browser.run("return [...document.querySelectorAll('input')].map(i => [i.value, i.labels.length, i.readOnly])").await;
    assert_eq!(shown, json!([[password, 1, true]]));
    assert!(words.contains("Northwind IT") && words.contains("1001"), "{words}");
    assert_eq!(browser.run("return document.title !== '' && document.documentElement.lang === 'en'").await, true);
    // The style came through the policy.
    assert_eq!(browser.run("return getComputedStyle(document.querySelector('main')).borderRadius").await, "16px");
    // The logo is part of the page, and a picture from elsewhere is stopped by the policy.
    let pictures = "return [...document.images].map(i => [i.naturalWidth > 0, new URL(i.src).protocol])";
    assert_eq!(browser.run(pictures).await, json!([[true, "data:"]]));
    let foreign = format!("document.body.append(Object.assign(new Image(), {{src: '{address}/s/x.png'}})); {pictures}");
    assert_eq!(browser.run(&foreign).await[1][0], false);
    browser.picture("link-shown.png").await;

    // A used link and one that never was look the same.
    let mut last = Vec::new();
    for url in [link.clone(), format!("{address}/s/{}", "0".repeat(64))] {
        browser.go(&url).await;
        browser.page(READY).await;
        browser.keys(&[TAB, ENTER]).await;
        last.push(browser.page(GONE).await);
    }
    browser.picture("link-gone.png").await;
    assert_eq!(last[0], last[1]);
    assert!(!last[0].contains(password));

    // The page for a code waits in its field, looks the same for a link that never was, and says what is no code.
    browser.go(&format!("{address}/c/{}", "0".repeat(64))).await;
    browser.page(CODE).await;
    let field = "const it = document.activeElement; return [it.id, it.inputMode, it.autocomplete, it.labels.length, it.value]";
    assert_eq!(browser.run(field).await, json!(["code", "numeric", "one-time-code", 1, ""]));
    browser.keys(&["1", "2", ENTER]).await;
    browser.page_that_says(CODE, "A code has 4 to 10 digits.").await;
    assert_eq!(browser.run("return [document.querySelector('[role=alert]') !== null, document.activeElement.id]").await, json!([true, "code"]));
    browser.picture("code-no-code.png").await;
    browser.keys(&["1", "2", "3", "4", "5", "6", TAB]).await;
    assert_eq!(browser.run("return document.activeElement.tagName").await, "BUTTON");
    browser.keys(&[ENTER]).await;
    assert_eq!(browser.page(GONE).await, last[0]);
}
