//! Emulated vendors on a socket, with pages for the people in front of them.

mod pages;

use crate::app::App;
use crate::desk::TENANTS;
use crate::loopback;
use anyhow::Result;
use bytes::Bytes;
use firstline_vendors::slack::human::{Pressed, Said};
use firstline_vendors::{DEMO, Vendors};
use futures::future::BoxFuture;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, ORIGIN};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi_http::io::TokioIo;

/// Takes a webhook to the application, and comes back when the work that it began has ended; the error is for a person.
pub type Deliver = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Work that takes longer than this goes on behind the page.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two calls to a vendor an application takes less than this.
const QUIET: Duration = Duration::from_millis(400);
/// More than any request of the application.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Delivers to an application in this process.
#[must_use]
pub fn to_app(app: Arc<App>) -> Deliver {
    Arc::new(move |webhook| {
        let app = app.clone();
        Box::pin(async move {
            let answer = app.request(webhook).await;
            // The work goes on when nobody waits for it any more.
            let _ = tokio::time::timeout(PATIENCE, app.idle()).await;
            accepted(&answer)
        })
    })
}

/// Delivers to an application at `base`, such as `http://127.0.0.1:3000`. When its work ends shows only by its calls.
#[must_use]
pub fn to_address(base: &str, vendors: &Vendors) -> Deliver {
    let (base, vendors) = (base.trim_end_matches('/').to_owned(), vendors.clone());
    Arc::new(move |mut webhook| {
        let (base, vendors) = (base.clone(), vendors.clone());
        Box::pin(async move {
            let path = webhook.uri().path_and_query().map_or("/", |path| path.as_str());
            *webhook.uri_mut() = format!("{base}{path}").parse().map_err(|error| format!("`{base}` is no address: {error}"))?;
            let answer = loopback::send(webhook).await.map_err(|error| format!("the application at {base}: {error}"))?;
            accepted(&answer)?;
            let _ = tokio::time::timeout(PATIENCE, quiet(&vendors)).await;
            Ok(())
        })
    })
}

fn accepted(answer: &Response<Bytes>) -> Result<(), String> {
    if answer.status().is_success() {
        return Ok(());
    }
    Err(format!("the application answered {}: {}", answer.status(), String::from_utf8_lossy(answer.body())))
}

async fn quiet(vendors: &Vendors) {
    let mut before = None;
    loop {
        let now = vendors.calls().len();
        if before.replace(now) == Some(now) {
            return;
        }
        tokio::time::sleep(QUIET).await;
    }
}

/// The demo's tenants, with base URLs at emulators that are served at `base`.
///
/// # Errors
/// The document is not JSON.
pub fn tenants_at(base: &str) -> Result<Value> {
    Ok(serde_json::from_str(&at(base, TENANTS))?)
}

/// An MSP's document with the addresses that it leaves to the vendors, and those that it names, led to emulators that are served at `base`.
#[must_use]
pub fn msp_at(base: &str, mut document: Value) -> Value {
    let connections = document.get_mut("connections").and_then(Value::as_array_mut);
    for connection in connections.into_iter().flatten().filter_map(Value::as_object_mut) {
        let (url, token) = match connection.get("vendor").and_then(Value::as_str) {
            Some("slack") => ("https://slack.com/api", None),
            Some("entra") => ("https://graph.microsoft.com/v1.0", Some("https://login.microsoftonline.com/{directory}/oauth2/v2.0/token")),
            _ => (connection.get("base_url").and_then(Value::as_str).unwrap_or_default(), None),
        };
        let url = at(base, url);
        connection.insert("base_url".into(), url.into());
        connection.extend(token.map(|token| ("token_url".to_string(), at(base, token).into())));
    }
    document
}

/// Connection, name and value of every secret that a reader of `docs/for-real` pastes, for two clients in [`guide_world`].
pub const GUIDE_SECRETS: [(&str, &str, &str); 7] = [
    ("northwind-slack", "signing-secret", "northwind-signing-secret"),
    ("northwind-slack", "bot-token", "xoxb-northwind"),
    ("northwind-entra", "client-secret", "northwind-client-secret"),
    ("northwind-desk", "public-key", "firstline-public"),
    ("northwind-desk", "private-key", "firstline-private"),
    ("acme-slack", "bot-token", "xoxb-acme"),
    ("initech-slack", "bot-token", "xoxb-initech"),
];

/// The demo's world as the guide wants it: Acme's administrator has installed the MSP's Slack application, and none of their own.
#[must_use]
pub fn guide_world() -> String {
    let installed =
        [("A0FIRSTLINE", "A0NORTHWIND"), ("acme-signing-secret", "northwind-signing-secret"), ("/webhooks/acme-slack", "/webhooks/northwind-slack")];
    installed.iter().fold(DEMO.to_string(), |text, (from, to)| text.replace(from, to))
}

/// A text with every address of a vendor led to emulators that are served at `base`.
#[must_use]
pub fn at(base: &str, text: &str) -> String {
    let moved = [
        ("https://slack.com/", "slack/"),
        ("https://graph.microsoft.com/", "graph/"),
        ("https://login.microsoftonline.com/", "login/"),
        ("https://globex.okta.com", "okta"),
        ("https://api-eu.myconnectwise.net/", "connectwise/"),
    ];
    moved.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, &format!("{base}/{to}")))
}

/// Vendors, people, and the way to the application.
#[derive(Clone)]
pub struct Playground {
    /// The vendors.
    pub vendors: Vendors,
    /// The way to the application.
    pub deliver: Deliver,
}

impl Playground {
    /// Serves until the listener fails.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn serve(self, listener: TcpListener) -> Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(self.clone().connection(stream));
        }
    }

    async fn connection(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let this = self.clone();
            async move {
                let (parts, body) = request.into_parts();
                let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
                    return Ok(page(StatusCode::PAYLOAD_TOO_LARGE, "too large".into()).map(Full::new));
                };
                this.answer(Request::from_parts(parts, body.to_bytes())).await.map(|answer| answer.map(Full::new))
            }
        });
        // What goes wrong with one connection is that client's affair.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    /// Answers one request. The error is a connection that breaks: a fault of the emulators asks for it.
    async fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, std::io::Error> {
        let path = request.uri().path().to_owned();
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        Ok(match (request.method(), segments.as_slice()) {
            (&Method::GET, [""]) => page(StatusCode::OK, pages::people(&self.vendors.state())),
            (&Method::GET, ["tickets"]) => page(StatusCode::OK, pages::tickets(&self.vendors.state())),
            (&Method::GET, ["chat", workspace, user]) => self.chat(StatusCode::OK, workspace, user, "", ""),
            (&Method::POST, ["chat", workspace, user]) => self.say(&request, workspace, user).await,
            (_, ["slack" | "graph" | "login" | "okta" | "connectwise", ..]) => match self.vendors.handle(request) {
                Ok(answer) => answer,
                Err(lost) if lost.silent => std::future::pending().await,
                Err(_) => return Err(std::io::ErrorKind::ConnectionAborted.into()),
            },
            _ => page(StatusCode::NOT_FOUND, pages::missing()),
        })
    }

    fn chat(&self, status: StatusCode, workspace: &str, user: &str, typed: &str, trouble: &str) -> Response<Bytes> {
        match pages::chat(&self.vendors.state(), workspace, user, typed, trouble) {
            Some(text) => page(status, text),
            None => page(StatusCode::NOT_FOUND, pages::missing()),
        }
    }

    /// What a person wrote or pressed, on its way through Slack to the application.
    async fn say(&self, request: &Request<Bytes>, workspace: &str, user: &str) -> Response<Bytes> {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // A page from elsewhere must not chat in somebody's name.
        if !["", &format!("http://{}", header(HOST))].contains(&header(ORIGIN)) {
            return self.chat(StatusCode::FORBIDDEN, workspace, user, "", "this was sent by a page from elsewhere");
        }
        let form: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let (text, press) = (field("text").trim(), field("press"));
        let given = |name: &str| Some(field(name)).filter(|value| !value.is_empty());
        let webhook = match (text, press) {
            ("", "") => return self.chat(StatusCode::UNPROCESSABLE_ENTITY, workspace, user, "", "write something first"),
            (text, "") => self.vendors.slack_message(&Said { workspace, user, text, ..Said::default() }),
            (_, button) => self.vendors.slack_press(&Pressed { workspace, user, button, ts: given("ts"), channel: given("channel") }),
        };
        let webhook = match webhook {
            Ok(webhook) => webhook,
            Err(trouble) => return self.chat(StatusCode::UNPROCESSABLE_ENTITY, workspace, user, text, &trouble),
        };
        match (self.deliver)(webhook).await {
            Ok(()) => {
                let mut answer = page(StatusCode::SEE_OTHER, String::new());
                let to = http::HeaderValue::from_str(&format!("{}#end", request.uri().path()));
                to.map(|to| answer.headers_mut().insert(LOCATION, to)).ok();
                answer
            }
            Err(trouble) => self.chat(StatusCode::BAD_GATEWAY, workspace, user, "", &format!("{trouble}; what you did stands in Slack, but did not arrive")),
        }
    }
}

fn page(status: StatusCode, text: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, http::HeaderValue::from_static(policy));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn no_base_url_of_the_demo_stays_outside() {
        let tenants = tenants_at("http://127.0.0.1:9").unwrap();
        let connections: Vec<&Value> = tenants["tenants"].as_array().unwrap().iter().flat_map(|tenant| tenant["connections"].as_array().unwrap()).collect();
        assert_eq!(connections.len(), 6);
        for url in connections.iter().flat_map(|connection| [&connection["base_url"], &connection["token_url"]]).filter_map(Value::as_str) {
            assert!(url.starts_with("http://127.0.0.1:9/"), "{url}");
        }
    }

    fn playground() -> (Playground, Arc<Mutex<Vec<String>>>) {
        let vendors = Vendors::new(|| 1_790_000_000_000);
        vendors.seed(&serde_json::from_str(firstline_vendors::DEMO).unwrap()).unwrap();
        let delivered: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = delivered.clone();
        let deliver: Deliver = Arc::new(move |webhook| {
            sink.lock().unwrap().push(format!("{} {}", webhook.uri(), String::from_utf8_lossy(webhook.body())));
            Box::pin(async { Ok(()) })
        });
        (Playground { vendors, deliver }, delivered)
    }

    async fn check(playground: &Playground, line: &str, headers: &[(&str, &str)], body: &str, status: u16, holds: &str) {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:9");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = playground.answer(request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()).await.unwrap();
        let text = String::from_utf8_lossy(answer.body());
        assert_eq!(answer.status(), status, "{line} {body}: {text}");
        assert!(text.contains(holds), "{line} {body}: `{holds}` is not in {text}");
    }

    #[tokio::test]
    async fn people_write_on_a_page_and_what_they_write_stays_text() {
        let (playground, delivered) = playground();
        let jane = "/chat/T0ACME/U0JANE";
        check(&playground, "GET /", &[], "", 200, jane).await;
        check(&playground, &format!("GET {jane}"), &[], "", 200, "Jane Doe").await;
        check(&playground, &format!("POST {jane}"), &[], "text=", 422, "write something first").await;
        check(&playground, &format!("POST {jane}"), &[], "press=Yes", 422, "no button `Yes`").await;
        check(&playground, &format!("POST {jane}"), &[("origin", "http://evil.example")], "text=hi", 403, "from elsewhere").await;
        assert!(delivered.lock().unwrap().is_empty());
        check(&playground, &format!("POST {jane}"), &[("origin", "http://127.0.0.1:9")], "text=%3Cb%3Ehi+%26+you", 303, "").await;
        assert!(delivered.lock().unwrap()[0].starts_with("/webhooks/acme-slack {"));
        check(&playground, &format!("GET {jane}"), &[], "", 200, "&lt;b&gt;hi &amp; you").await;
        check(&playground, "GET /chat/T0ACME/U0NOBODY", &[], "", 404, "Nothing here").await;
        check(&playground, "GET /elsewhere", &[], "", 404, "Nothing here").await;
        check(&playground, "GET /tickets", &[], "", 200, "No tickets yet").await;
    }

    #[tokio::test]
    async fn whoever_is_in_a_channel_presses_its_buttons_there() {
        let (playground, delivered) = playground();
        let button = r#"{"type":"button","action_id":"b","value":"v","text":{"type":"plain_text","text":"Verified"}}"#;
        let message = format!(r#"{{"channel":"C0STAFF","text":"Call Jane","blocks":[{{"type":"actions","elements":[{button}]}}]}}"#);
        let headers = [("authorization", "Bearer xoxb-northwind"), ("content-type", "application/json")];
        check(&playground, "POST /slack/api/chat.postMessage", &headers, &message, 200, "\"ok\":true").await;
        let tom = "/chat/T0NORTHWIND/U0TOM";
        check(&playground, &format!("GET {tom}"), &[], "", 200, "#firstline").await;
        check(&playground, &format!("POST {tom}"), &[], "press=Verified", 422, "no button").await;
        check(&playground, &format!("POST {tom}"), &[], "press=Verified&channel=C0STAFF", 303, "").await;
        assert!(delivered.lock().unwrap()[0].contains("C0STAFF"));
        // Who is not in it does not see it.
        let state = playground.vendors.state();
        assert!(!pages::chat(&state, "T0NORTHWIND", "U0HUGO", "", "").unwrap().contains("Verified"));
    }

    #[tokio::test]
    async fn vendors_answer_beside_the_pages() {
        let (playground, _) = playground();
        check(&playground, "POST /slack/api/auth.test", &[("authorization", "Bearer xoxb-acme")], "", 200, "\"team_id\":\"T0ACME\"").await;
        check(&playground, "GET /graph/v1.0/users/x", &[], "", 401, "").await;
    }

    #[tokio::test]
    async fn an_application_that_is_not_there_is_named() {
        let (mut playground, _) = playground();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        playground.deliver = to_address(&format!("http://{free}"), &playground.vendors);
        check(&playground, "POST /chat/T0ACME/U0JANE", &[], "text=hi", 502, "connection refused").await;
    }
}
