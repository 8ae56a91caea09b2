//! `build`: the components, and their targets if they are missing.

use anyhow::Result;
use firstline_host::build::{components, to_stderr};

pub fn run() -> Result<()> {
    components(&super::project()?, &mut to_stderr)
}
