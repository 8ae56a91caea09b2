//! Composition of a component with its dependencies, by Spin's rules.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use std::collections::BTreeSet;
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
