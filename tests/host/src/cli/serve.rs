//! `serve [--empty] [address]`: the application and emulated vendors, kept up for playing by hand.

#![expect(clippy::indexing_slicing, reason = "a missing member of a JSON value reads as null")]

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use firstline_host::build::{components, to_stderr};
use firstline_host::desk::{Desk, TENANTS, vendors};
use firstline_host::home::Home;
use firstline_host::playground::{GUIDE_SECRETS, Playground, guide_world, to_app};
use firstline_host::timeline::Timeline;
use firstline_host::{App, Config};
use firstline_vendors::DEMO;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const ADDRESS: &str = "127.0.0.1:3000";
/// What any scheduler would do once a minute.
const TICK: Duration = Duration::from_secs(60);
/// How often the vendors' state is kept, if it changed.
const KEEP: Duration = Duration::from_secs(2);

pub async fn run(arguments: &[String]) -> Result<()> {
    let (guide, rest): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|argument| *argument == "--empty");
    let guide = !guide.is_empty();
    let address: SocketAddr = match rest.as_slice() {
        [] => ADDRESS.parse()?,
        [address] => address.parse().with_context(|| format!("`{address}` is not an address such as `{ADDRESS}`"))?,
        _ => bail!("too many arguments: use `serve [--empty] [address]`"),
    };
    let Some(beside) = address.port().checked_add(1) else { bail!("the emulated vendors need the port after {}", address.port()) };
    // A port that is taken should be known before anything is built.
    let listener = super::listen(&address.to_string()).await?;
    let people = super::listen(&SocketAddr::new(address.ip(), if address.port() == 0 { 0 } else { beside }).to_string()).await?;
    let (app_url, people_url) = (format!("http://{}", listener.local_addr()?), format!("http://{}", people.local_addr()?));
    let project = super::project()?;
    let folder = project.join(".firstline");
    ensure!(!guide || !folder.exists(), "`--empty` begins anew: delete `{}` first", folder.display());
    let home = Home::open(&folder)?;
    let backend = Arc::new(home.store()?);
    let keys = home.keys()?;

    components(&project, &mut to_stderr)?;
    to_stderr("composing and compiling the application (cached after the first time)");
    let timeline = Timeline::new(super::say);
    let mut config = Config::new(project.join("spin.toml"));
    config.backend = backend;
    config.trace = timeline.trace();
    config.variables.insert("public_url".into(), app_url.clone());
    let vendors = vendors(&config.clock);
    let fresh = !home.recall(&vendors)?;
    if fresh {
        let world = if guide { guide_world() } else { DEMO.to_string() };
        vendors.seed(&serde_json::from_str(&world)?).map_err(anyhow::Error::msg)?;
    }
    let desk = Desk::start(config, vendors, Duration::ZERO, keys)?;
    let (status, known) = desk.api("GET", "/api/tenants", "").await?;
    ensure!(status == 200, "the console answered {status}: {known}");
    // What a person changed through the API stays.
    if !guide && known["tenants"].as_array().is_none_or(Vec::is_empty) {
        desk.enter(&serde_json::from_str(TENANTS)?).await?;
    }
    to_stderr("");
    to_stderr(&format!("The application   {app_url}"));
    to_stderr(&format!("Chat as Jane      {people_url}/chat/T0ACME/U0JANE"));
    to_stderr(&format!("Everybody else    {people_url}/"));
    to_stderr(&format!("Tickets           {people_url}/tickets"));
    to_stderr(&format!("Owner's API token {}", desk.keys.owner_token));
    to_stderr(&format!("For example       curl -H 'authorization: Bearer {}' {app_url}/api/tenants", desk.keys.owner_token));
    to_stderr(&format!("Store, keys and the emulated vendors' state are in {} and survive a restart; delete it to begin anew.", folder.display()));
    to_stderr("Ctrl-C ends it.");
    to_stderr("");
    if guide {
        to_stderr(
            "Nobody is entered. Follow docs/for-real/README.md from its third part; the secrets of its MSP, of its client Acme and of a second one, Initech:",
        );
        GUIDE_SECRETS.iter().for_each(|(connection, name, value)| to_stderr(&format!("  {connection:16} {name:15} {value}")));
        to_stderr("");
    }
    let playground = Playground { vendors: desk.vendors.clone(), deliver: to_app(desk.app.clone()) };
    let ended = tokio::select! {
        result = firstline_host::serve::serve(desk.app.clone(), listener) => result,
        result = playground.serve(people) => result,
        result = keep(&home, &desk) => result,
        never = tick(&desk.app) => match never {},
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    home.remember(&desk.vendors)?;
    ended
}

async fn tick(app: &App) -> std::convert::Infallible {
    let mut minutes = tokio::time::interval(TICK);
    loop {
        minutes.tick().await;
        let mut request = http::Request::new(Bytes::new());
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = http::Uri::from_static("/tick");
        match app.chained("technician", request).await {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => to_stderr(&format!("the tick was answered {}", answer.status())),
            Err(error) => to_stderr(&format!("the tick failed: {error:#}")),
        }
    }
}

/// Keeps the vendors' state whenever somebody called them or wrote.
async fn keep(home: &Home, desk: &Desk) -> Result<()> {
    let mut kept = serde_json::Value::Null;
    loop {
        let state = desk.vendors.state();
        if state != kept {
            home.remember(&desk.vendors)?;
            kept = state;
        }
        tokio::time::sleep(KEEP).await;
    }
}
