//! `budget`: what the main job costs, as JSON.

use anyhow::Result;
use firstline_host::build::{components, to_stderr};
use firstline_host::{Config, measure};

pub fn run() -> Result<()> {
    let project = super::project()?;
    components(&project, &mut to_stderr)?;
    to_stderr("playing the Entra reset on a simulated clock");
    super::say(&serde_json::to_string_pretty(&measure::budget_alone(Config::new(project.join("spin.toml")))?)?);
    Ok(())
}
