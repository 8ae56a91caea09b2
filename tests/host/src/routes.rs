//! Which component answers a path from outside.

use crate::manifest::{HttpTrigger, Route};
use anyhow::{Result, bail};

/// The public routes. Private components are not in it, so nothing that a caller sends can reach them.
#[derive(Debug, Clone, Default)]
pub struct Routes(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    segments: Vec<String>,
    wildcard: bool,
    component: String,
}

impl Routes {
    /// Reads the triggers' routes.
    pub fn new(triggers: &[HttpTrigger]) -> Result<Self> {
        let mut entries: Vec<Entry> = Vec::new();
        for trigger in triggers {
            let Route::Path(route) = &trigger.route else { continue };
            let (prefix, wildcard) = route.strip_suffix("/...").map_or((route.as_str(), false), |prefix| (prefix, true));
            let segments: Vec<String> = segments(prefix).map(str::to_owned).collect();
            if entries.iter().any(|e| e.wildcard == wildcard && e.segments == segments) {
                bail!("route `{route}` is there twice");
            }
            entries.push(Entry { segments, wildcard, component: trigger.component.clone() });
        }
        Ok(Self(entries))
    }

    /// The component for a path. An exact route comes before a wildcard, a longer wildcard before a shorter one, as on Spin.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&str> {
        let path: Vec<&str> = segments(path).collect();
        let fits = |entry: &&Entry| match entry.wildcard {
            true => entry.segments.len() <= path.len() && entry.segments.iter().zip(&path).all(|(a, b)| a == b),
            false => entry.segments.iter().map(String::as_str).eq(path.iter().copied()),
        };
        self.0.iter().filter(fits).max_by_key(|entry| (!entry.wildcard, entry.segments.len())).map(|entry| entry.component.as_str())
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_matches('/').split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(list: &[(&str, &str)]) -> Result<Routes> {
        let triggers: Vec<_> =
            list.iter().map(|(route, component)| HttpTrigger { id: None, route: Route::Path(route.to_string()), component: component.to_string() }).collect();
        Routes::new(&triggers)
    }

    #[test]
    fn exact_comes_first_and_then_the_longest_wildcard() {
        let routes = routes(&[("/one/...", "one"), ("/one/two/...", "two"), ("/one/two", "exact"), ("/s/...", "s")]).unwrap();
        for (path, expect) in [
            ("/one", Some("one")),
            ("/one/", Some("one")),
            ("/one/x", Some("one")),
            ("/one/two", Some("exact")),
            ("/one/two/three", Some("two")),
            ("/ones", None),
            ("/", None),
            ("/s/a/b", Some("s")),
        ] {
            assert_eq!(routes.find(path), expect, "{path}");
        }
    }

    #[test]
    fn a_route_that_is_there_twice_is_refused() {
        assert!(routes(&[("/a/...", "a"), ("/a/...", "b")]).is_err());
        assert!(routes(&[("/a/...", "a"), ("/a", "b")]).is_ok());
    }
}
