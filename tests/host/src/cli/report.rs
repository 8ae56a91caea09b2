//! `report`: the figures of a desk, from a running application or from two weeks that are played.

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use firstline_core::figures::{Figures, Spread};
use firstline_host::build::{components, to_stderr};
use firstline_host::{Config, fortnight, loopback};
use serde::Deserialize;

const USAGE: &str =
    "use `report --api http://127.0.0.1:3000 --token TOKEN --tenant NAME [--from 2026-11-01] [--to 2026-11-15]` or `report --demo [--seed NUMBER]`";

/// What `GET /api/metrics` answers.
#[derive(Debug, Deserialize)]
struct Answer {
    tenant: String,
    figures: Figures,
    cut: Option<String>,
}

#[derive(Debug, Default)]
struct Options {
    api: Option<String>,
    token: Option<String>,
    tenant: Option<String>,
    from: Option<String>,
    to: Option<String>,
    seed: Option<String>,
    demo: bool,
}

pub async fn run(arguments: &[String]) -> Result<()> {
    let options = parse(arguments)?;
    match (&options.api, options.demo) {
        (Some(api), false) => tell(&ask(api, &options).await?),
        (None, true) => demo(options.seed.as_deref().map_or(Ok(1), str::parse).context("`--seed` takes a number")?)?,
        (Some(_), true) | (None, false) => bail!(USAGE),
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let place = match argument.as_str() {
            "--demo" => {
                options.demo = true;
                continue;
            }
            "--api" => &mut options.api,
            "--token" => &mut options.token,
            "--tenant" => &mut options.tenant,
            "--from" => &mut options.from,
            "--to" => &mut options.to,
            "--seed" => &mut options.seed,
            other => bail!("unknown argument `{other}`: {USAGE}"),
        };
        ensure!(place.is_none(), "`{argument}` is given twice");
        *place = Some(rest.next().with_context(|| format!("`{argument}` needs a value"))?.clone());
    }
    Ok(options)
}

async fn ask(api: &str, options: &Options) -> Result<Answer> {
    let (Some(token), Some(tenant)) = (&options.token, &options.tenant) else { bail!(USAGE) };
    let days = [("from", &options.from), ("to", &options.to)].into_iter().filter_map(|(name, day)| Some(format!("&{name}={}", day.as_ref()?)));
    let url = format!("{}/api/metrics?tenant={tenant}{}", api.trim_end_matches('/'), days.collect::<String>());
    let request = http::Request::get(&url).header("authorization", format!("Bearer {token}")).body(Bytes::new()).context("this is no address")?;
    let answer = loopback::send(request)
        .await
        .map_err(|why| anyhow::anyhow!("`{api}` was not reached: {why}: only `http://` on this machine is; lead another one here by a tunnel"))?;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    ensure!(answer.status() == 200, "`{api}` answered {}: {text}", answer.status());
    serde_json::from_str(&text).with_context(|| format!("`{api}` answered something else than figures"))
}

fn demo(seed: u64) -> Result<()> {
    let project = super::project()?;
    components(&project, &mut to_stderr)?;
    to_stderr(&format!("playing two weeks on a simulated clock, seed {seed}"));
    let answers = fortnight::alone(Config::new(project.join("spin.toml")), seed, async |desk, _| {
        let mut answers: Vec<Answer> = Vec::new();
        for tenant in ["acme", "globex"] {
            let (from, to) = fortnight::DAYS;
            let (status, body) = desk.api("GET", &format!("/api/metrics?tenant={tenant}&from={from}&to={to}"), "").await?;
            ensure!(status == 200, "the figures were refused with {status}: {body}");
            answers.push(serde_json::from_value(body)?);
        }
        Ok(answers)
    })?;
    answers.iter().for_each(tell);
    super::say("Own time is 0 here, since on a simulated clock only people and vendors take time: `bench` measures it.");
    Ok(())
}

fn tell(answer: &Answer) {
    lines(answer).iter().for_each(|line| super::say(line));
}

fn lines(answer: &Answer) -> Vec<String> {
    // By name, so that a new figure makes the compiler ask.
    let Figures { seen, closed, handed_over, open, unreadable, first_closed_ticket, unblocked, again, clean, lacking, confirmed, reasons, .. } =
        &answer.figures;
    let Figures { reopened, after_hours, links, signed_in, watched, .. } = &answer.figures;
    let counted = |map: &std::collections::BTreeMap<String, u64>| map.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ");
    let mut all = vec![
        format!("{}: {seen} cases seen, {closed} closed, {handed_over} handed over, {open} open", answer.tenant),
        format!("  time to first closed ticket   {}", first_closed_ticket.map_or("none yet".into(), time)),
        format!("  closed untouched of all seen  {}", share(*closed, *seen)),
        "  request to unblocked          p50 / p90, and of that: waiting for the user, for vendors, own time".into(),
    ];
    for (kind, times) in unblocked {
        let spread = |spread: Spread| format!("{} / {}", time(spread.p50), time(spread.p90));
        let parts = [times.total, times.user, times.vendors, times.own].map(spread);
        all.push(format!("    {kind:<20} {:>3} cases   {}", times.cases, parts.join("   ")));
    }
    all.push(format!("  same person and type again within 48 h   {again}"));
    all.push(format!("  re-opened within 7 days       {}", share(*reopened, *closed)));
    let unknown = if after_hours.unknown == 0 { String::new() } else { format!(" (unknown for {}: name the desk's hours)", after_hours.unknown) };
    all.push(format!("  after hours                   {} closed, {} handed over{unknown}", after_hours.closed, after_hours.handed_over));
    let after = if links.opened == 0 { String::new() } else { format!(", after {} / {}", time(links.after.p50), time(links.after.p90)) };
    all.push(format!("  view-once links opened        {}{after}", share(links.opened, links.sent)));
    let rest = if lacking.is_empty() { String::new() } else { format!(" (others lack: {})", counted(lacking)) };
    all.push(format!("  clean closeouts               {}{rest}", share(*clean, *closed)));
    all.push(format!("  confirmed by the user         {}", share(*confirmed, *closed)));
    all.push(format!("  signed in afterwards          {} (where the log can be read)", share(*signed_in, *watched)));
    all.push(format!("  hand-overs by reason          {}", if reasons.is_empty() { "none".into() } else { counted(reasons) }));
    if *unreadable > 0 {
        all.push(format!("  records that cannot be read   {unreadable}"));
    }
    all.extend(answer.cut.iter().map(|cut| format!("  cut: {cut}")));
    all
}

fn share(part: u64, all: u64) -> String {
    match (part * 1_000).checked_div(all) {
        Some(permille) => format!("{part} of {all} ({}.{} %)", permille / 10, permille % 10),
        None => "none yet".into(),
    }
}

fn time(milliseconds: u64) -> String {
    match milliseconds {
        0..60_000 => format!("{}.{:03} s", milliseconds / 1_000, milliseconds % 1_000),
        60_000..3_600_000 => format!("{} min {:02} s", milliseconds / 60_000, milliseconds / 1_000 % 60),
        _ => format!("{} h {:02} min", milliseconds / 3_600_000, milliseconds / 60_000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_core::figures::{AfterHours, Links, Unblocked};

    #[test]
    fn arguments_are_told_apart() {
        let check = |text: &str| parse(&text.split(' ').map(String::from).collect::<Vec<_>>()).map_err(|error| error.to_string());
        assert_eq!(check("--api http://x --tenant acme").unwrap().tenant.as_deref(), Some("acme"));
        assert!(check("--demo").unwrap().demo);
        for (text, expect) in [("--api", "needs a value"), ("--api a --api b", "given twice"), ("--x", "unknown argument `--x`")] {
            assert!(check(text).unwrap_err().contains(expect), "{text}");
        }
    }

    #[test]
    fn figures_are_told_in_lines() {
        let spread = |p50, p90| Spread { p50, p90 };
        let times = Unblocked { cases: 2, total: spread(61_000, 125_000), user: spread(60_000, 0), vendors: spread(900, 0), own: spread(100, 0) };
        let figures = Figures {
            seen: 3,
            closed: 2,
            handed_over: 1,
            first_closed_ticket: Some(1_234),
            unblocked: [("password_reset".to_string(), times)].into(),
            clean: 1,
            lacking: [("time".to_string(), 1)].into(),
            reasons: [("chat-guest".to_string(), 1)].into(),
            reopened: 1,
            after_hours: AfterHours { closed: 1, handed_over: 0, unknown: 2 },
            links: Links { sent: 2, opened: 1, after: spread(7_000, 7_000) },
            ..Figures::default()
        };
        let text = lines(&Answer { tenant: "acme".into(), figures, cut: Some("5".into()) }).join("\n");
        for part in [
            "first closed ticket   1.234 s",
            "2 of 3 (66.6 %)",
            "1 min 01 s / 2 min 05 s   1 min 00 s / 0.000 s   0.900 s",
            "1 of 2 (50.0 %) (others lack: 1 time)",
            "1 chat-guest",
            "within 7 days       1 of 2",
            "1 closed, 0 handed over (unknown for 2: name the desk's hours)",
            "links opened        1 of 2 (50.0 %), after 7.000 s / 7.000 s",
            "cut: 5",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(lines(&Answer { tenant: "x".into(), figures: Figures::default(), cut: None }).join("").contains("none yet"));
    }
}
