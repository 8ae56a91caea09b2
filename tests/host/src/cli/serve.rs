//! `serve [address]`: the application on a socket, with its store on disk.

use anyhow::{Context as _, Result};
use firstline_host::build::to_stderr;
use firstline_host::{App, Config, Disk, Event};
use std::sync::Arc;
use tokio::net::TcpListener;

const ADDRESS: &str = "127.0.0.1:3000";

pub async fn run(arguments: &[String]) -> Result<()> {
    let project = super::project()?;
    firstline_host::build::components(&project, &mut to_stderr)?;
    let mut config = Config::new(project.join("spin.toml"));
    config.backend = Arc::new(Disk::open(&project.join(".firstline/store.redb"))?);
    config.trace = Arc::new(|event| match event {
        Event::Line { component, text, .. } => to_stderr(&format!("{component}: {text}")),
        Event::Trap { component, why } => to_stderr(&format!("{component}: trap: {why}")),
        _ => {}
    });
    let app = App::start(config)?;
    let address = arguments.first().map_or(ADDRESS, String::as_str);
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on `{address}`"))?;
    to_stderr(&format!("serving on http://{}", listener.local_addr()?));
    tokio::select! {
        result = firstline_host::serve::serve(app, listener) => result,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
