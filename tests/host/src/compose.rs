//! Composition of a component with its dependencies, by Spin's rules.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use wac_graph::types::{ItemKind, Package, Types};
use wac_graph::{CompositionGraph, EncodeOptions};

/// One dependency of a component.
pub struct Part {
    /// The imported name, to the digit: `package:name/interface@version`.
    pub import: String,
    /// What it is called in complaints.
    pub name: String,
    /// The component.
    pub bytes: Vec<u8>,
}

/// Composes, or says which rule is broken.
pub fn compose(name: &str, root: &[u8], parts: &[Part]) -> Result<Vec<u8>> {
    if parts.is_empty() {
        return Ok(root.to_vec());
    }
    let mut graph = CompositionGraph::new();
    let package = Package::from_bytes(name, None, root, graph.types_mut()).with_context(|| format!("`{name}` is no component"))?;
    let root = graph.register_package(package)?;
    let instance = graph.instantiate(root);
    let mut packages = BTreeSet::new();
    for Part { import, name: part, bytes } in parts {
        let (package, _) =
            import.split_once('/').with_context(|| format!("dependency `{import}` of `{name}` must name an interface: `package:name/interface@version`"))?;
        // Spin registers a dependency by its package name, and the composer refuses a repeat.
        ensure!(packages.insert(package), "two dependencies of `{name}` come from the package `{package}`");
        let dependency = Package::from_bytes(package, None, bytes.as_slice(), graph.types_mut()).with_context(|| format!("`{part}` is no component"))?;
        no_functions(part, &dependency, graph.types())?;
        let id = graph.register_package(dependency)?;
        // Names and versions must match to the digit.
        ensure!(imports(&graph, root).contains(import), "`{name}` does not import `{import}`; it imports {}", listed(&imports(&graph, root)));
        ensure!(exports(&graph, id).contains(import), "`{part}` does not export `{import}`; it exports {}", listed(&exports(&graph, id)));
        let dependency = graph.instantiate(id);
        let export = graph.alias_instance_export(dependency, import)?;
        // The argument must be a subtype: one added record field or enum case breaks a component that was built before.
        graph
            .set_instantiation_argument(instance, import, export)
            .map_err(|error| anyhow!(error))
            .with_context(|| format!("`{part}` does not fit `{import}` of `{name}`"))?;
    }
    for export in exports(&graph, root) {
        let item = graph.alias_instance_export(instance, &export)?;
        graph.export(item, &export)?;
    }
    graph.encode(EncodeOptions::default()).with_context(|| format!("cannot compose `{name}`"))
}

/// Imported and exported names of a component, and whether a function is reached through each.
pub type Faces = (BTreeMap<String, bool>, BTreeMap<String, bool>);

/// What a component imports and exports.
pub fn faces(bytes: &[u8]) -> Result<Faces> {
    let mut types = Types::new();
    let package = Package::from_bytes("component", None, bytes, &mut types)?;
    let world = &types[package.ty()];
    let named = |(name, kind): (&String, &ItemKind)| (name.clone(), function(*kind, &types).is_some());
    Ok((world.imports.iter().map(named).collect(), world.exports.iter().map(named).collect()))
}

/// A stage is pure: it may import types, which need nothing in the linker, and no function at all.
fn no_functions(part: &str, package: &Package, types: &Types) -> Result<()> {
    for (name, kind) in &types[package.ty()].imports {
        if let Some(function) = function(*kind, types) {
            bail!("stage `{part}` imports `{name}`{function}: a stage imports no function");
        }
    }
    Ok(())
}

/// How a function is reached through an imported item, if there is one in it.
fn function(kind: ItemKind, types: &Types) -> Option<String> {
    match kind {
        ItemKind::Type(_) => None,
        ItemKind::Instance(id) => types[id].exports.iter().find_map(|(name, kind)| function(*kind, types).map(|inner| format!(" (`{name}`{inner})"))),
        ItemKind::Func(_) | ItemKind::Component(_) | ItemKind::Module(_) | ItemKind::Value(_) => Some(String::new()),
    }
}

fn imports(graph: &CompositionGraph, id: wac_graph::PackageId) -> Vec<String> {
    graph.types()[graph[id].ty()].imports.keys().cloned().collect()
}

fn exports(graph: &CompositionGraph, id: wac_graph::PackageId) -> Vec<String> {
    graph.types()[graph[id].ty()].exports.keys().cloned().collect()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".into() } else { names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that exports one interface with one function, beside whatever else is said.
    fn stage(extra: &str, name: &str, parameter: &str) -> Vec<u8> {
        let text = format!(
            r#"(component {extra}
                (core module $m (func (export "f") (param i32) (result i32) local.get 0))
                (core instance $i (instantiate $m))
                (func $f (param "n" {parameter}) (result u32) (canon lift (core func $i "f")))
                (instance $api (export "double" (func $f)))
                (export "{name}" (instance $api)))"#
        );
        wat::parse_str(text).unwrap()
    }

    /// A component that imports such interfaces, and exports a function.
    fn root(imports: &[&str]) -> Vec<u8> {
        let imports: String =
            imports.iter().map(|name| format!(r#"(import "{name}" (instance (export "double" (func (param "n" u32) (result u32)))))"#)).collect();
        let text = format!(
            r#"(component {imports}
                (core module $m (func (export "f") (result i32) i32.const 1))
                (core instance $i (instantiate $m))
                (func $f (result u32) (canon lift (core func $i "f")))
                (export "run" (func $f)))"#
        );
        wat::parse_str(text).unwrap()
    }

    /// Composes and looks for a text in the complaint; an empty one means that it composes.
    fn check(imports: &[&str], parts: &[(&str, Vec<u8>)], complaint: &str) {
        let parts: Vec<Part> = parts.iter().map(|(import, bytes)| Part { import: import.to_string(), name: "part".into(), bytes: bytes.clone() }).collect();
        match compose("root", &root(imports), &parts) {
            Ok(bytes) => {
                assert!(complaint.is_empty(), "it composed, and should not: {complaint}");
                let mut graph = CompositionGraph::new();
                let package = Package::from_bytes("composed", None, bytes, graph.types_mut()).unwrap();
                let id = graph.register_package(package).unwrap();
                assert_eq!(exports(&graph, id), ["run"]);
                assert!(!imports.iter().any(|import| parts.iter().any(|p| p.import == *import) && super::imports(&graph, id).contains(&import.to_string())));
            }
            Err(error) => assert!(!complaint.is_empty() && format!("{error:#}").contains(complaint), "{error:#}"),
        }
    }

    const A: &str = "test:a/a@0.1.0";
    const B: &str = "test:b/b@0.1.0";

    #[test]
    fn dependencies_fill_the_imports_of_the_same_name() {
        check(&[A], &[(A, stage("", A, "u32"))], "");
        check(&[A, B], &[(A, stage("", A, "u32")), (B, stage("", B, "u32"))], "");
    }

    #[test]
    fn names_and_versions_must_match_to_the_digit() {
        check(&[A], &[("test:a/a@0.1.1", stage("", "test:a/a@0.1.1", "u32"))], "does not import `test:a/a@0.1.1`");
        check(&[A], &[(A, stage("", "test:a/a@0.1.1", "u32"))], "does not export `test:a/a@0.1.0`");
        check(&[A], &[("test:a@0.1.0", stage("", A, "u32"))], "must name an interface");
    }

    #[test]
    fn types_must_fit() {
        check(&[A], &[(A, stage("", A, "u16"))], "does not fit `test:a/a@0.1.0`");
    }

    #[test]
    fn two_dependencies_of_one_package_are_refused() {
        let other = "test:a/other@0.1.0";
        check(&[A, other], &[(A, stage("", A, "u32")), (other, stage("", other, "u32"))], "come from the package `test:a`");
    }

    #[test]
    fn a_stage_that_imports_a_function_is_refused_and_one_that_imports_types_is_not() {
        check(
            &[A],
            &[(A, stage(r#"(import "test:t/types@0.1.0" (instance (type $r' (record (field "n" u32))) (export "r" (type (eq $r')))))"#, A, "u32"))],
            "",
        );
        check(
            &[A],
            &[(A, stage(r#"(import "wasi:x/y@0.1.0" (instance (export "f" (func))))"#, A, "u32"))],
            "stage `part` imports `wasi:x/y@0.1.0` (`f`): a stage imports no function",
        );
        check(&[A], &[(A, stage(r#"(import "now" (func (result u64)))"#, A, "u32"))], "stage `part` imports `now`");
    }
}
