//! `check`: what a running application finds out about a tenant, action by action.

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use firstline_host::loopback;
use serde::Deserialize;
use std::collections::BTreeMap;

const USAGE: &str = "use `check TENANT --api http://127.0.0.1:3000 --token TOKEN [--use full|read-only]`";

/// What `GET /api/tenants/<tenant>/check` answers.
#[derive(Debug, Deserialize)]
struct Report {
    tenant: String,
    #[serde(rename = "use")]
    purpose: String,
    ready: bool,
    actions: BTreeMap<String, Vec<String>>,
    findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    connection: String,
    what: String,
    mark: String,
    #[serde(default)]
    advice: String,
}

/// Prints the report; an error if something is not ready, so that a script can tell.
pub async fn run(arguments: &[String]) -> Result<()> {
    let (mut tenant, mut api, mut token, mut purpose) = (None, None, None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let place = match argument.as_str() {
            "--api" => &mut api,
            "--token" => &mut token,
            "--use" => &mut purpose,
            other if other.starts_with('-') => bail!("unknown argument `{other}`: {USAGE}"),
            name => {
                ensure!(tenant.replace(name.to_string()).is_none(), "{USAGE}");
                continue;
            }
        };
        ensure!(place.is_none(), "`{argument}` is given twice");
        *place = Some(rest.next().with_context(|| format!("`{argument}` needs a value"))?.clone());
    }
    let (Some(tenant), Some(api), Some(token)) = (tenant, api, token) else { bail!(USAGE) };
    let url = format!("{}/api/tenants/{tenant}/check?use={}", api.trim_end_matches('/'), purpose.as_deref().unwrap_or("full"));
    let request = http::Request::get(&url).header("authorization", format!("Bearer {token}")).body(Bytes::new()).context("this is no address")?;
    let answer = loopback::send(request)
        .await
        .map_err(|why| anyhow::anyhow!("`{api}` was not reached: {why}: only `http://` on this machine is; lead another one here by a tunnel"))?;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    ensure!(answer.status() == 200, "the application answered {}: {text}", answer.status());
    let report: Report = serde_json::from_str(&text).context("the application's answer is not understood: is it of another version?")?;
    let lines = lines(&report);
    lines.iter().for_each(|line| super::say(line));
    ensure!(report.ready, "`{}` is not ready", report.tenant);
    Ok(())
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![format!("{}, {}: {}", report.tenant, report.purpose, if report.ready { "ready" } else { "not ready" })];
    for (action, lacks) in &report.actions {
        lines.push(format!("  {action}: {}", if lacks.is_empty() { "ready".into() } else { format!("needs {}", lacks.join("; ")) }));
    }
    for Finding { connection, what, mark, advice } in report.findings.iter().filter(|finding| finding.mark != "good") {
        lines.push(format!("  {mark}: {connection} {what}{}{advice}", if advice.is_empty() { "" } else { ": " }).replace(":  ", ": "));
    }
    let good = report.findings.iter().filter(|finding| finding.mark == "good").count();
    lines.push(format!("  {good} of {} things are as they should be", report.findings.len()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_from_the_action_to_the_detail() {
        let report = r#"{"tenant": "acme", "use": "full", "ready": false, "actions": {"chat": [], "password_reset": ["acme-entra permission `User.Read.All`"]},
            "findings": [{"connection": "", "what": "ticks arriving", "mark": "good", "needed_for": []},
                {"connection": "acme-entra", "what": "permission `User.Read.All`", "mark": "missing", "needed_for": ["password_reset"], "advice": "grant it"}]}"#;
        let expect = [
            "acme, full: not ready",
            "  chat: ready",
            "  password_reset: needs acme-entra permission `User.Read.All`",
            "  missing: acme-entra permission `User.Read.All`: grant it",
            "  1 of 2 things are as they should be",
        ];
        assert_eq!(lines(&serde_json::from_str(report).unwrap()), expect);
    }
}
