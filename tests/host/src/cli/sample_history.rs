//! `sample-history`: prints the export that the backtest is tried with.

use anyhow::{Context as _, Result, bail};
use firstline_host::backtest::sample;

pub fn run(arguments: &[String]) -> Result<()> {
    let seed = match arguments {
        [] => sample::SEED,
        [flag, seed] if flag == "--seed" => seed.parse().context("`--seed` takes a number")?,
        _ => bail!("`sample-history` takes `--seed NUMBER`"),
    };
    super::say(sample::sample(&super::project()?.join("components/intent-detection/data"), seed)?.trim_end());
    Ok(())
}
