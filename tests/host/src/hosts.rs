//! `allowed_outbound_hosts`, judged as Spin judges them: scheme, host with a leading wildcard, port.

use crate::template::Variables;
use anyhow::{Context as _, Result, bail, ensure};
use std::ops::Range;

/// What one component may reach.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts(Vec<Allowed>);

#[derive(Debug, Clone, PartialEq)]
struct Allowed {
    scheme: Option<String>,
    host: Host,
    port: Option<Range<u32>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Host {
    Any,
    Below(String),
    Exactly(String),
}

impl AllowedHosts {
    /// Fills the templates and reads the entries.
    pub fn new(templates: &[String], variables: &Variables) -> Result<Self> {
        let mut allowed = Vec::new();
        for template in templates {
            let text = variables.fill(template)?;
            // One template is one host: Spin skips an empty one and fails to load several in one.
            if text.is_empty() && template.contains("{{") {
                continue;
            }
            allowed.push(Allowed::parse(&text).with_context(|| format!("allowed outbound host `{text}`"))?);
        }
        Ok(Self(allowed))
    }

    /// May this component send there?
    #[must_use]
    pub fn allow(&self, uri: &http::Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let host = host.to_ascii_lowercase();
        let Some(port) = uri.port_u16().or_else(|| well_known(scheme)) else { return false };
        self.0.iter().any(|a| {
            a.scheme.as_deref().is_none_or(|s| s == scheme)
                && a.port.as_ref().is_none_or(|range| range.contains(&u32::from(port)))
                && match &a.host {
                    Host::Any => true,
                    Host::Below(suffix) => host.ends_with(suffix),
                    Host::Exactly(name) => *name == host,
                }
        })
    }
}

impl Allowed {
    fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once("://").context("needs a scheme, such as `https://`")?;
        ensure!(scheme == "*" || scheme.chars().all(char::is_alphabetic), "scheme `{scheme}` must be letters or `*`");
        let rest = rest.trim_end_matches('/');
        ensure!(!rest.contains(['/', ' ', ',', '{', '[']), "must be one host without a path, a list or an address range");
        let (host, port) = rest.rsplit_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
        Ok(Self { scheme: (scheme != "*").then(|| scheme.to_owned()), host: Host::parse(host)?, port: parse_port(port, scheme)? })
    }
}

impl Host {
    fn parse(host: &str) -> Result<Self> {
        if host == "*" {
            return Ok(Self::Any);
        }
        if let Some(domain) = host.strip_prefix("*.") {
            ensure!(!domain.is_empty() && !domain.contains('*'), "a wildcard may only stand at the beginning");
            return Ok(Self::Below(format!(".{}", domain.to_ascii_lowercase())));
        }
        if host.is_empty() || host.contains('*') || host == "self" {
            bail!("host `{host}` is not supported");
        }
        Ok(Self::Exactly(host.to_ascii_lowercase()))
    }
}

/// None is any port. A missing port is that of the scheme, and `*` has none.
fn parse_port(port: Option<&str>, scheme: &str) -> Result<Option<Range<u32>>> {
    let Some(port) = port else {
        let port = u32::from(well_known(scheme).with_context(|| format!("scheme `{scheme}` has no port of its own"))?);
        return Ok(Some(port..port + 1));
    };
    if port == "*" {
        return Ok(None);
    }
    let number = |text: &str| text.parse::<u16>().map(u32::from).with_context(|| format!("port `{text}` is not a number"));
    match port.split_once("..") {
        Some((first, end)) => Ok(Some(number(first)?..number(end)?)),
        None => number(port).map(|port| Some(port..port + 1)),
    }
}

fn well_known(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entry: &str, allowed: &[&str], refused: &[&str]) {
        let hosts = AllowedHosts::new(&[entry.to_string()], &Variables::default()).unwrap();
        for url in allowed {
            assert!(hosts.allow(&url.parse().unwrap()), "{entry} refused {url}");
        }
        for url in refused {
            assert!(!hosts.allow(&url.parse().unwrap()), "{entry} allowed {url}");
        }
    }

    #[test]
    fn scheme_host_and_port_must_all_match() {
        check(
            "https://slack.com",
            &["https://slack.com/api/x", "https://SLACK.com:443/"],
            &["http://slack.com/", "https://slack.com:8443/", "https://slack.com.evil.example/", "https://a.slack.com/"],
        );
        check("https://*.okta.com", &["https://a.okta.com/", "https://a.b.okta.com/"], &["https://okta.com/", "https://evilokta.com/", "http://a.okta.com/"]);
        check("http://127.0.0.1:8080", &["http://127.0.0.1:8080/"], &["http://127.0.0.1/", "http://127.0.0.1:8081/"]);
        check("http://127.0.0.1:80..90", &["http://127.0.0.1/", "http://127.0.0.1:89/"], &["http://127.0.0.1:90/"]);
        check("*://a.example:*", &["http://a.example:1/", "https://a.example/"], &["http://b.example/"]);
        check("https://slack.com/", &["https://slack.com/"], &["http://technician.spin.internal/"]);
    }

    #[test]
    fn a_wildcard_for_every_host_reaches_other_components_too() {
        check("http://*:*", &["http://technician.spin.internal/x"], &["https://technician.spin.internal/x"]);
    }

    #[test]
    fn what_spin_does_not_load_is_refused() {
        for entry in [
            "slack.com",
            "https://a.example/path",
            "*://a.example",
            "https://a.*.example",
            "https://*a.example",
            "https://a.example:x",
            "https://a.example,https://b.example",
            "https://10.0.0.0/8",
            "",
        ] {
            assert!(AllowedHosts::new(&[entry.to_string()], &Variables::default()).is_err(), "`{entry}` was accepted");
        }
    }
}
