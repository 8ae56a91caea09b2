//! `spin.toml`, as far as this host goes. A member that it does not know is refused, never ignored.

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A whole manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: u32,
    /// Name and version.
    pub application: Application,
    /// The application's variables.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// What starts a component.
    #[serde(default)]
    pub trigger: Triggers,
    /// The components by name.
    pub component: BTreeMap<String, Component>,
}

/// What the application is called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// Who wrote it.
    #[serde(default)]
    pub authors: Vec<String>,
}

/// One variable of the application.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its value unless the operator gives one.
    pub default: Option<String>,
    /// Not to be shown.
    #[serde(default)]
    pub secret: bool,
    /// The operator must give a value.
    #[serde(default)]
    pub required: bool,
}

/// All triggers; only HTTP is served.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// The HTTP triggers.
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
}

/// One HTTP trigger.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// A name for the trigger itself.
    pub id: Option<String>,
    /// Where it listens.
    pub route: Route,
    /// The component that it starts.
    pub component: String,
}

/// Where a trigger listens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Route {
    /// A path, with `/...` at its end for everything below.
    Path(String),
    /// Reached by other components only.
    Private(Private),
}

/// `{ private = true }`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Private {
    private: bool,
}

/// One component.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its file, relative to the manifest.
    pub source: PathBuf,
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// Labels of the stores that it may open.
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    /// Where it may send requests, as templates.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Its own variables, as templates over the application's.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// What is composed into it, by imported name.
    #[serde(default)]
    pub dependencies: BTreeMap<String, Dependency>,
    /// How it is built.
    pub build: Option<Build>,
}

/// One dependency: another component of this manifest, or a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// Name of the component.
    pub component: Option<String>,
    /// Path of the file, relative to the manifest.
    pub path: Option<PathBuf>,
}

/// How a component is built.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// A shell command.
    pub command: String,
    /// The folder it runs in, relative to the manifest.
    pub workdir: Option<PathBuf>,
    /// What `spin watch` looks at.
    #[serde(default)]
    pub watch: Vec<String>,
}

impl Manifest {
    /// Reads and checks a manifest file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        Self::parse(&text).with_context(|| format!("in `{}`", path.display()))
    }

    /// Reads and checks the text of a manifest.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Manifest = toml::from_str(text).context("the manifest has a member that this host does not support, or one of the wrong form")?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The components that an HTTP trigger starts.
    pub fn triggered(&self) -> BTreeSet<&str> {
        self.trigger.http.iter().map(|t| t.component.as_str()).collect()
    }

    /// The distinct build commands in the order of the components, each with its folder.
    pub fn build_commands(&self) -> Vec<(String, PathBuf)> {
        let mut commands = Vec::new();
        for build in self.component.values().filter_map(|c| c.build.as_ref()) {
            let command = (build.command.clone(), build.workdir.clone().unwrap_or_default());
            if !commands.contains(&command) {
                commands.push(command);
            }
        }
        commands
    }

    fn check(&self) -> Result<()> {
        ensure!(self.spin_manifest_version == 2, "`spin_manifest_version` must be 2");
        for (name, variable) in &self.variables {
            ensure!(is_name(name), "variable `{name}` must consist of lower case letters, digits and `_`");
            ensure!(!(variable.required && variable.default.is_some()), "variable `{name}` is required and has a default");
        }
        let mut started = BTreeSet::new();
        for trigger in &self.trigger.http {
            let name = &trigger.component;
            ensure!(self.component.contains_key(name), "a trigger names component `{name}`, which does not exist");
            match &trigger.route {
                Route::Path(path) => ensure!(path.starts_with('/') && !path.contains(':'), "route `{path}` must begin with `/` and hold no parameters"),
                Route::Private(private) => ensure!(private.private, "route of `{name}` must be a path or `{{ private = true }}`"),
            }
            started.insert(name);
        }
        for (name, component) in &self.component {
            self.check_component(name, component, started.contains(name)).with_context(|| format!("component `{name}`"))?;
        }
        Ok(())
    }

    fn check_component(&self, name: &str, component: &Component, started: bool) -> Result<()> {
        // Labels other than `default` do not load on Spin without a runtime configuration.
        if let Some(label) = component.key_value_stores.iter().find(|l| *l != "default") {
            bail!("store `{label}` needs a runtime configuration: use `default` and prefixes");
        }
        for variable in component.variables.keys() {
            ensure!(is_name(variable), "variable `{variable}` must consist of lower case letters, digits and `_`");
        }
        ensure!(started || component.dependencies.is_empty(), "has dependencies and no trigger");
        for (import, dependency) in &component.dependencies {
            match (&dependency.component, &dependency.path) {
                (Some(other), None) => {
                    ensure!(other != name, "`{import}` depends on the component itself");
                    let found = self.component.get(other).with_context(|| format!("`{import}` names component `{other}`, which does not exist"))?;
                    // One level only: Spin gives a dependency no permission of its own, and composes nothing into it.
                    let bare = found.dependencies.is_empty()
                        && found.key_value_stores.is_empty()
                        && found.allowed_outbound_hosts.is_empty()
                        && found.variables.is_empty();
                    ensure!(bare, "dependency `{other}` has dependencies, stores, hosts or variables of its own");
                }
                (None, Some(_)) => {}
                (Some(_), Some(_)) | (None, None) => bail!("dependency `{import}` needs either `component` or `path`"),
            }
        }
        Ok(())
    }
}

/// Spin's variable names.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "small"
        [variables]
        token = { default = "" }
        [[trigger.http]]
        route = "/a/..."
        component = "a"
        [component.a]
        source = "a.wasm"
        key_value_stores = ["default"]
        [component.a.dependencies]
        "x:y/z@0.1.0" = { component = "b" }
        [component.a.build]
        command = "make"
        [component.b]
        source = "b.wasm"
        [component.b.build]
        command = "make"
    "#;

    /// Replaces one text of the small manifest and looks for a text in the complaint; an empty one means that it loads.
    fn check(from: &str, to: &str, complaint: &str) {
        assert!(SMALL.contains(from), "`{from}` is not in the manifest");
        match Manifest::parse(&SMALL.replacen(from, to, 1)) {
            Ok(_) => assert!(complaint.is_empty(), "`{to}` was accepted"),
            Err(error) => assert!(!complaint.is_empty() && format!("{error:#}").contains(complaint), "{error:#}"),
        }
    }

    #[test]
    fn what_spin_refuses_or_this_host_does_not_know_is_refused() {
        check("name = \"small\"", "name = \"small\"", "");
        check("spin_manifest_version = 2", "spin_manifest_version = 1", "must be 2");
        check("name = \"small\"", "name = \"small\"\ntrigger = { http = { base = \"/x\" } }", "unknown field `trigger`");
        check("source = \"a.wasm\"", "source = \"a.wasm\"\nfiles = [\"x\"]", "unknown field `files`");
        check("source = \"a.wasm\"", "source = { url = \"https://x\", digest = \"y\" }", "source");
        check("component = \"b\"", "component = \"b\", inherit_configuration = true", "unknown field `inherit_configuration`");
        check("component = \"b\"", "component = \"c\"", "component `c`, which does not exist");
        check("component = \"b\"", "path = \"c.wasm\"", "");
        check("component = \"b\"", "component = \"b\", path = \"c.wasm\"", "either `component` or `path`");
        check("source = \"b.wasm\"", "source = \"b.wasm\"\nkey_value_stores = [\"default\"]", "of its own");
        check("source = \"b.wasm\"", "source = \"b.wasm\"\nallowed_outbound_hosts = [\"https://x\"]", "of its own");
        check("source = \"b.wasm\"", "source = \"b.wasm\"\nvariables = { a = \"b\" }", "of its own");
        check("[\"default\"]", "[\"other\"]", "runtime configuration");
        check("\"/a/...\"", "{ private = true }", "");
        check("\"/a/...\"", "{ private = false }", "private = true");
        check("\"/a/...\"", "\"/a/:id\"", "parameters");
        check("component = \"a\"", "component = \"none\"", "which does not exist");
        check("token = { default = \"\" }", "token = { default = \"\", required = true }", "required and has a default");
        check("token = { default = \"\" }", "Token = { default = \"\" }", "lower case");
    }

    #[test]
    fn a_build_command_that_two_components_share_runs_once() {
        assert_eq!(Manifest::parse(SMALL).unwrap().build_commands(), [("make".to_string(), PathBuf::new())]);
    }
}
