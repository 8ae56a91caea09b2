//! Dispatch.

mod build;
mod crash;
mod play;
mod serve;
mod stories;

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// Runs one subcommand.
pub async fn run(arguments: &[String]) -> Result<()> {
    match arguments.split_first().map(|(name, rest)| (name.as_str(), rest)) {
        None | Some(("play", [])) => play::run().await,
        Some(("build", [])) => build::run(),
        Some(("serve", rest)) => serve::run(rest).await,
        Some(("stories", rest)) => stories::run(rest).await,
        Some(("crash", rest)) => crash::run(rest).await,
        Some((other, _)) => bail!("unknown command `{other}`: use `play` (or nothing), `build`, `serve [address]` or `stories [name]`"),
    }
}

/// The folder with `spin.toml`: the current one or one above it.
fn project() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    let found = here.ancestors().find(|folder| folder.join("spin.toml").is_file());
    found.map(Path::to_path_buf).with_context(|| format!("no `spin.toml` in `{}` or above", here.display()))
}
