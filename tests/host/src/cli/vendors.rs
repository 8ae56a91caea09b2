//! `vendors [address] [--app URL]`: the emulated vendors on loopback, and what an application elsewhere needs to reach them.

#![expect(clippy::indexing_slicing, reason = "a missing member of a JSON value reads as null")]

use anyhow::{Context as _, Result, bail};
use firstline_host::build::to_stderr;
use firstline_host::desk::{MSP, vendors};
use firstline_host::playground::{Playground, msp_at, tenants_at, to_address};
use firstline_vendors::DEMO;
use std::sync::Arc;
use std::time::SystemTime;

const ADDRESS: &str = "127.0.0.1:3001";
const APP: &str = "http://127.0.0.1:3000";

pub async fn run(arguments: &[String]) -> Result<()> {
    let (address, app) = parse(arguments)?;
    let listener = super::listen(&address).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let vendors = vendors(&(Arc::new(SystemTime::now) as firstline_host::Clock));
    vendors.seed(&serde_json::from_str(DEMO)?).map_err(anyhow::Error::msg)?;
    print(&base, &app)?;
    let playground = Playground { deliver: to_address(&app, &vendors), vendors };
    tokio::select! {
        result = playground.serve(listener) => result,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

fn parse(arguments: &[String]) -> Result<(String, String)> {
    let (mut address, mut app) = (None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--app" if app.is_none() => {
                app = Some(rest.next().context("`--app` needs an address such as `http://127.0.0.1:3000`")?.trim_end_matches('/').to_owned())
            }
            other if address.is_none() && !other.starts_with('-') => address = Some(other.to_owned()),
            other => bail!("unknown argument `{other}`: use `vendors [address] [--app http://127.0.0.1:3000]`"),
        }
    }
    let app = app.unwrap_or_else(|| APP.to_owned());
    if !["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|here| app.strip_prefix(here).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
    {
        bail!("`--app {app}` must be an address on this machine such as `http://127.0.0.1:3000`");
    }
    Ok((address.unwrap_or_else(|| ADDRESS.to_owned()), app))
}

fn print(base: &str, app: &str) -> Result<()> {
    to_stderr(&format!("Emulated vendors on {base}; their state ends with this process. Ctrl-C ends it."));
    to_stderr(&format!("People chat on {base}/, and what they write goes to {app}. Tickets are on {base}/tickets."));
    to_stderr("");
    super::say("# 1. Variables for the application, beside those of `cargo run -- keys`.");
    for (name, value) in [("allow_loopback", "true"), ("extra_host_1", base), ("public_url", app)] {
        super::say(&super::export(name, value));
    }
    super::say("");
    super::say("# 2. The application itself, in a shell that has the variables: spin build && spin up");
    super::say("");
    super::say("# 3. Tenants and their secrets. TOKEN is the owner's token, as `cargo run -- keys` showed it.");
    super::say("TOKEN=");
    enter(app, &tenants_at(base)?);
    super::say("");
    super::say("# 4. An MSP with clients that inherit, as docs/for-real/README.md goes.");
    let mut msp: serde_json::Value = serde_json::from_str(MSP)?;
    super::say(&put(app, "msp", &msp_at(base, msp["msp"].take()).to_string()));
    enter(app, &msp);
    super::say("");
    super::say("# 5. Nothing else ticks where Spin runs alone: once a minute, for timers.");
    super::say(&format!("curl -fsS -X POST -H \"authorization: Bearer $TOKEN\" {app}/api/tick"));
    Ok(())
}

/// Documents and secrets, those of the MSP first.
fn enter(app: &str, all: &serde_json::Value) {
    let tenants = all["tenants"].as_array().cloned().unwrap_or_default();
    let of = |connection: &str| tenants.iter().find(|tenant| tenant["connections"].as_array().into_iter().flatten().any(|one| one["id"] == *connection));
    let secret = |at: &str, connection: &str, secrets: &serde_json::Value| {
        for (name, secret) in secrets.as_object().into_iter().flatten() {
            super::say(&put(app, &format!("{at}/connections/{connection}/secrets/{name}"), secret.as_str().unwrap_or_default()));
        }
    };
    let secrets: Vec<_> = all["secrets"].as_object().into_iter().flatten().collect();
    secrets.iter().filter(|(connection, _)| of(connection).is_none()).for_each(|(connection, values)| secret("msp", connection, values));
    for tenant in &tenants {
        let id = tenant["tenant"].as_str().unwrap_or_default();
        super::say(&put(app, &format!("tenants/{id}"), &tenant.to_string()));
        let own = secrets.iter().filter(|(connection, _)| of(connection).is_some_and(|of| of["tenant"] == tenant["tenant"]));
        own.for_each(|(connection, values)| secret(&format!("tenants/{id}"), connection, values));
    }
}

fn put(app: &str, path: &str, body: &str) -> String {
    format!("curl -fsS -o /dev/null -X PUT -H \"authorization: Bearer $TOKEN\" {app}/api/{path} -d {}", super::quoted(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Either address and application, or the complaint.
    fn check(arguments: &[&str], expect: &str) {
        let told = match parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>()) {
            Ok((address, app)) => format!("{address} {app}"),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(expect), "{arguments:?}: {told}");
    }

    #[test]
    fn arguments_are_an_address_and_an_application_on_this_machine() {
        check(&[], "127.0.0.1:3001 http://127.0.0.1:3000");
        check(&["127.0.0.1:9"], "127.0.0.1:9 http://127.0.0.1:3000");
        check(&["--app", "http://localhost:8/"], "127.0.0.1:3001 http://localhost:8");
        check(&["127.0.0.1:9", "--app", "http://127.0.0.1:8"], "127.0.0.1:9 http://127.0.0.1:8");
        check(&["--app"], "`--app` needs an address");
        check(&["--app", "https://example.com"], "on this machine");
        check(&["--app", "http://127.0.0.1.example.com"], "on this machine");
        check(&["--port", "1"], "unknown argument `--port`");
        check(&["a", "b"], "unknown argument `b`");
    }
}
