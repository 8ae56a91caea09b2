//! Today's costs of the main job. `FIRSTLINE_BLESS=1` writes them anew: read the diff.

use firstline_host::Config;
use firstline_host::measure::{Budget, budget_alone};
use std::path::PathBuf;

#[test]
fn the_main_job_costs_what_it_cost() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    firstline_host::build::once(&root).unwrap();
    let held = root.join("tests/data/budget.json");
    let now = budget_alone(Config::new(root.join("spin.toml"))).unwrap();
    if std::env::var_os("FIRSTLINE_BLESS").is_some() {
        std::fs::write(&held, format!("{}\n", serde_json::to_string_pretty(&now).unwrap())).unwrap();
    }
    let held: Budget = serde_json::from_slice(&std::fs::read(held).unwrap()).unwrap();
    let differences = now.differences(&held);
    assert!(differences.is_empty(), "the main job costs something else than before; if it should, run this with FIRSTLINE_BLESS=1\n{}", differences.join("\n"));
}
