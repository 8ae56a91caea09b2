//! Dispatch.

mod backtest;
mod bench;
mod budget;
mod build;
mod check;
mod crash;
mod eval;
mod fuzz;
mod import;
mod keys;
mod play;
mod report;
mod sample_history;
mod scale;
mod serve;
mod stories;
mod vendors;
mod verify;

use anyhow::{Context as _, Result, bail, ensure};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// Runs one subcommand.
pub async fn run(arguments: &[String]) -> Result<()> {
    match arguments.split_first().map(|(name, rest)| (name.as_str(), rest)) {
        None | Some(("play", [])) => play::run().await,
        Some(("build", [])) => build::run(),
        Some(("scale", rest)) => scale::run(rest).await,
        Some(("serve", rest)) => serve::run(rest).await,
        Some(("stories", rest)) => stories::run(rest).await,
        Some(("import", rest)) => import::run(rest).await,
        Some(("backtest", rest)) => backtest::run(rest).await,
        Some(("sample-history", rest)) => sample_history::run(rest),
        Some(("eval", rest)) => eval::run(rest).await,
        Some(("fuzz", rest)) => fuzz::run(rest).await,
        Some(("crash", rest)) => crash::run(rest).await,
        Some(("vendors", rest)) => vendors::run(rest).await,
        Some(("keys", [])) => keys::run(),
        Some(("budget", [])) => budget::run(),
        Some(("bench", [])) => bench::run(),
        Some(("verify", rest)) => verify::run(rest),
        Some(("check", rest)) => check::run(rest).await,
        Some(("report", rest)) => report::run(rest).await,
        Some((known @ ("play" | "build" | "keys" | "budget" | "bench"), [extra, ..])) => bail!("`{known}` takes no argument, and `{extra}` is one"),
        Some((other, _)) => {
            bail!(
                "unknown command `{other}`: use `play` (or nothing), `build`, `serve [address]`, `vendors [address] [--app URL]`, `keys`, `stories [name]`, `crash [story …]`, `import EXPORT`, `backtest EXPORT`, `sample-history`, `eval FILE.jsonl`, `fuzz [detect] [webhooks]`, `verify BUNDLE --key FILE`, `report`, `check TENANT`, `budget`, `bench` or `scale [N …]`"
            )
        }
    }
}

/// The folder with `spin.toml`: the current one or one above it.
fn project() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    let found = here.ancestors().find(|folder| folder.join("spin.toml").is_file());
    found.map(Path::to_path_buf).with_context(|| format!("no `spin.toml` in `{}` or above", here.display()))
}

/// A line for standard output.
fn say(line: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when standard output is closed.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Spin takes a variable's value from `SPIN_VARIABLE_` and its name in upper case.
fn export(variable: &str, value: &str) -> String {
    format!("export SPIN_VARIABLE_{}={}", variable.to_ascii_uppercase(), quoted(value))
}

/// One word for a POSIX shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Listens on an address of this machine; emulated vendors and their passwords are for nobody else.
async fn listen(address: &str) -> Result<TcpListener> {
    let address: SocketAddr = address.parse().with_context(|| format!("`{address}` is not an address such as `127.0.0.1:3000`"))?;
    ensure!(address.ip().is_loopback(), "`{address}` is reachable from elsewhere: use an address of this machine such as `127.0.0.1:{}`", address.port());
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on `{address}`: give another address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_can_be_pasted_into_a_shell() {
        assert_eq!(export("console_people", r#"[{"name":"O'Neil"}]"#), r#"export SPIN_VARIABLE_CONSOLE_PEOPLE='[{"name":"O'\''Neil"}]'"#);
    }

    #[tokio::test]
    async fn an_address_must_be_of_this_machine_and_free() {
        let taken = listen("127.0.0.1:0").await.unwrap();
        for (address, expect) in
            [("3000", "is not an address"), ("0.0.0.0:0", "reachable from elsewhere"), (&taken.local_addr().unwrap().to_string(), "cannot listen on")]
        {
            let error = listen(address).await.unwrap_err();
            assert!(format!("{error:#}").contains(expect), "{error:#}");
        }
    }
}
