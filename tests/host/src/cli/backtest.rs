//! `backtest`: what would have become of closed tickets.

use super::import::{self, Reading, USAGE};
use anyhow::{Context as _, Result, bail, ensure};
use firstline_host::backtest::{Figures, Stages, Terms, page, replay, table};
use firstline_host::build::{components, to_stderr};
use std::path::{Path, PathBuf};

/// Actions that the matrix knows, and what may stand there.
const MODES: [&str; 4] = ["autonomous", "approval", "human", "deny"];

pub async fn run(arguments: &[String]) -> Result<()> {
    let usage =
        || format!("use `backtest EXPORT {USAGE} [--rate 45] [--currency USD] [--mode autonomous|supervised] [--matrix ACTION=MODE]… [--page FILE.html]`");
    let (path, rest) = arguments.split_first().with_context(usage)?;
    let (mut reading, mut terms, mut matrix, mut to) = (Reading::default(), Terms::default(), Vec::new(), PathBuf::from("target/backtest.html"));
    let mut mode = "autonomous";
    for pair in rest.chunks(2) {
        let [name, value] = pair else { bail!(usage()) };
        match name.as_str() {
            "--rate" => {
                terms.rate = value.parse().ok().filter(|rate: &f64| (0.0..1e6).contains(rate)).with_context(|| format!("`--rate {value}` is no price"))?
            }
            "--currency" => terms.currency.clone_from(value),
            "--mode" => {
                mode = ["autonomous", "supervised"]
                    .into_iter()
                    .find(|known| known == value)
                    .with_context(|| format!("`--mode {value}` is neither `autonomous` nor `supervised`"))?
            }
            "--page" => to = PathBuf::from(value),
            "--matrix" => {
                let (action, mode) = value
                    .split_once('=')
                    .filter(|(_, mode)| MODES.contains(mode))
                    .with_context(|| format!("`--matrix {value}` is not ACTION=MODE with {}", MODES.join(", ")))?;
                matrix.push((action.to_string(), mode.to_string()));
            }
            other => ensure!(reading.take(other, value)?, "unknown argument `{other}`: {}", usage()),
        }
    }
    let (_, import) = import::file(path, &reading.options()?)?;
    let project = super::project()?;
    components(&project, &mut to_stderr)?;
    let mut stages = Stages::start(&project.join("spin.toml"), mode, &matrix).await?;
    let mut progress = |done, all| to_stderr(&format!("replayed {done} of {all}"));
    let backtest = replay(import.records.clone(), &mut stages, &mut progress).await?;
    ensure!(!backtest.tickets.is_empty(), "`{path}` holds no closed ticket: name the column with `--column closed=HEADER`");
    let figures = Figures::of(&backtest, &terms);
    let about = about(Path::new(path));
    super::say(&import::summary(&import));
    if !about.is_empty() {
        super::say(&format!("about this export: {about}"));
    }
    super::say(&format!("\n{}", table(&backtest, &figures, &terms)));
    let name = Path::new(path).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let html = page(&name, &about, &import, &backtest, &figures, &terms);
    std::fs::write(&to, html).with_context(|| format!("cannot write `{}`", to.display()))?;
    super::say(&format!("page: {}", to.display()));
    Ok(())
}

/// What stands beside an export in a file of the same name that ends in `.md`.
fn about(export: &Path) -> String {
    std::fs::read_to_string(export.with_extension("md")).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}
