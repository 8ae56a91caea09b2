//! Variables of the application, and the `{{ templates }}` over them.

use crate::manifest::Manifest;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;

/// The application's variables, each with a value.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Takes the defaults, replaced by what the operator gives.
    ///
    /// A variable without default and value stops the start, as on Spin; every such variable is named.
    pub fn resolve(manifest: &Manifest, given: &BTreeMap<String, String>) -> Result<Self> {
        if let Some(name) = given.keys().find(|name| !manifest.variables.contains_key(*name)) {
            bail!("variable `{name}` is not declared in the manifest");
        }
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in &manifest.variables {
            match given.get(name).or(variable.default.as_ref()) {
                Some(value) => drop(values.insert(name.clone(), value.clone())),
                None => missing.push(format!("`{name}`")),
            }
        }
        if !missing.is_empty() {
            bail!("no value and no default for variable {}", missing.join(", "));
        }
        Ok(Self(values))
    }

    /// Puts the values into a template.
    pub fn fill(&self, template: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").with_context(|| format!("template `{template}` does not end"))?;
            let value = self.0.get(name.trim()).with_context(|| format!("template `{template}` names variable `{}`, which is not declared", name.trim()))?;
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(declared: &str, given: &[(&str, &str)]) -> Result<Variables> {
        let manifest = Manifest::parse(&format!("spin_manifest_version = 2\napplication = {{ name = \"x\" }}\ncomponent = {{}}\n[variables]\n{declared}"))?;
        Variables::resolve(&manifest, &given.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect())
    }

    /// Either the filled text or the complaint.
    fn check(declared: &str, given: &[(&str, &str)], template: &str, expect: &str) {
        match resolve(declared, given).and_then(|v| v.fill(template)) {
            Ok(text) => assert_eq!(text, expect),
            Err(error) => assert!(error.to_string().contains(expect), "{error}"),
        }
    }

    #[test]
    fn templates_take_the_given_value_before_the_default_and_name_what_is_missing() {
        let two = "a = { default = \"1\" }\nb = { required = true }";
        check(two, &[("b", "2")], "x{{ a }}-{{b}}y", "x1-2y");
        check(two, &[("a", ""), ("b", "2")], "{{ a }}", "");
        check(two, &[], "", "no value and no default for variable `b`");
        check("a = {}\nb = {}", &[], "", "variable `a`, `b`");
        check(two, &[("b", "2"), ("c", "3")], "", "`c` is not declared");
        check(two, &[("b", "2")], "{{ c }}", "names variable `c`");
        check(two, &[("b", "2")], "{{ a", "does not end");
        check(two, &[("b", "{{ a }}")], "{{ b }}", "{{ a }}");
    }
}
