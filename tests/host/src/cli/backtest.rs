//! `backtest`: what would have become of closed tickets.

use super::import::{self, Reading, Target, USAGE};
use anyhow::{Context as _, Result, bail, ensure};
use firstline_core::hours;
use firstline_host::backtest::{Actual, Figures, Stages, Terms, actual, compared, page, replay, since, table};
use firstline_host::build::{components, to_stderr};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Days that are looked through for first closed tickets.
const LONGEST: u64 = 366;
/// Actions that the matrix knows, and what may stand there.
const MODES: [&str; 4] = ["autonomous", "approval", "human", "deny"];

pub async fn run(arguments: &[String]) -> Result<()> {
    let usage = || {
        format!(
            "use `backtest EXPORT {USAGE} [--rate 45] [--currency USD] [--mode autonomous|supervised] [--matrix ACTION=MODE]… [--page FILE.html] [--api http://127.0.0.1:3000 --token TOKEN --tenant NAME]`"
        )
    };
    let (path, rest) = arguments.split_first().with_context(usage)?;
    let (mut reading, mut terms, mut matrix, mut to) = (Reading::default(), Terms::default(), Vec::new(), PathBuf::from("target/backtest.html"));
    let (mut mode, mut running) = ("autonomous", BTreeMap::new());
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
            "--api" | "--token" | "--tenant" => drop(running.insert(name.as_str(), value.as_str())),
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
    let target = Target::of(&running).with_context(usage)?;
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
    let real = match target {
        Some(target) => Some(real(&target).await?),
        None => None,
    };
    if let Some(real) = &real {
        super::say(&compared(&figures, real));
    }
    let name = Path::new(path).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let html = page(&name, &about, &import, &backtest, &figures, &terms, real.as_ref());
    std::fs::write(&to, html).with_context(|| format!("cannot write `{}`", to.display()))?;
    super::say(&format!("page: {}", to.display()));
    Ok(())
}

/// How long the first closed tickets really took, as a running application tells.
async fn real(target: &Target<'_>) -> Result<BTreeMap<String, Actual>> {
    const DAY: u64 = 86_400_000;
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let since = since(&target.get("").await?);
    let mut closed: Vec<Value> = Vec::new();
    let from = since.values().min().map_or(now, |from| (*from).max(now.saturating_sub(LONGEST * DAY)));
    for day in from / DAY..=now / DAY {
        let day = hours::stamp(day * DAY).unwrap_or_default().chars().take(10).collect::<String>();
        let mut after = 0;
        loop {
            let mut page = target.get(&format!("/cases?day={day}&state=closed&after={after}")).await?;
            closed.extend(page.get_mut("cases").and_then(Value::as_array_mut).into_iter().flatten().map(Value::take));
            match page.get("next").and_then(Value::as_u64) {
                Some(next) => after = next,
                None => break,
            }
        }
        if actual(&since, &closed, now).values().all(|one| matches!(one, Actual::After(_))) {
            break;
        }
    }
    Ok(actual(&since, &closed, now))
}

/// What stands beside an export in a file of the same name that ends in `.md`.
fn about(export: &Path) -> String {
    std::fs::read_to_string(export.with_extension("md")).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}
