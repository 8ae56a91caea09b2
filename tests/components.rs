//! Every component, as it was built.

use crate::rig::{root, stub};
use firstline_host::compose::{Part, compose, faces};
use firstline_host::{App, Config, Manifest};
use std::collections::{BTreeMap, BTreeSet};

/// Every folder below `components/`, and what it exports to the application.
const COMPONENTS: [(&str, &[&str]); 12] = [
    ("chat-intake", &["wasi:http/handler@0.3.0"]),
    ("technician", &["wasi:http/handler@0.3.0"]),
    ("credential-link", &["wasi:http/handler@0.3.0"]),
    ("console", &["wasi:http/handler@0.3.0"]),
    ("messaging", &["firstline:messaging/intake@0.1.0", "firstline:messaging/outbox@0.1.0"]),
    ("intent-detection", &["firstline:intent/intent@0.1.0"]),
    ("guardrails", &["firstline:guardrails/guardrails@0.1.0"]),
    ("identity-check", &["firstline:identity/identity@0.1.0"]),
    ("idp-action", &["firstline:idp/idp@0.1.0"]),
    ("psa-closeout", &["firstline:psa/psa@0.1.0"]),
    ("history", &["firstline:history/history@0.1.0"]),
    ("language-model", &["firstline:opinion/opinion@0.1.0"]),
];

fn manifest() -> Manifest {
    firstline_host::build::once(&root()).unwrap();
    Manifest::load(&root().join("spin.toml")).unwrap()
}

fn bytes(manifest: &Manifest, name: &str) -> Vec<u8> {
    let path = root().join(&manifest.component[name].source);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {}: {error}", path.display()))
}

#[test]
fn no_component_is_missing_from_this_list() {
    let folders = std::fs::read_dir(root().join("components")).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let folders: BTreeSet<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    let listed: BTreeSet<String> = COMPONENTS.iter().map(|(name, _)| (*name).to_string()).collect();
    assert_eq!(folders, listed);
    assert_eq!(manifest().component.into_keys().collect::<BTreeSet<_>>(), listed);
}

#[test]
fn every_component_exports_what_it_is_there_for() {
    let manifest = manifest();
    for (name, expect) in COMPONENTS {
        let (imports, exports) = faces(&bytes(&manifest, name)).unwrap();
        assert_eq!(exports.keys().map(String::as_str).collect::<Vec<_>>(), expect, "{name}");
        assert!(exports.values().all(|function| *function), "{name} exports an interface without a function: {exports:?}");
        let called: Vec<&String> = imports.iter().filter(|(_, function)| **function).map(|(import, _)| import).collect();
        if manifest.triggered().contains(name) {
            assert!(!called.is_empty(), "{name} calls nothing");
            let dependencies = &manifest.component[name].dependencies;
            let platform = |import: &String| import.starts_with("wasi:") || import.starts_with("spin:");
            let open: Vec<_> = called.iter().filter(|import| !platform(import) && !dependencies.contains_key(**import)).collect();
            assert!(open.is_empty(), "{name} imports what neither the platform nor a stage gives: {open:?}");
        } else {
            assert_eq!(called, [""; 0], "the stage {name} imports functions");
        }
    }
}

/// The negative control of the test above.
#[test]
fn a_stage_that_imports_a_function_is_refused_by_name() {
    let impure = r#"(component
        (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64)))))
        (core module $m (func (export "f") (param i32) (result i32) local.get 0))
        (core instance $i (instantiate $m))
        (func $f (param "n" u32) (result u32) (canon lift (core func $i "f")))
        (instance $api (export "decide" (func $f)))
        (export "firstline:guardrails/guardrails@0.1.0" (instance $api)))"#;
    let impure = wat::parse_str(impure).unwrap();
    assert_eq!(faces(&impure).unwrap().0, BTreeMap::from([("wasi:random/random@0.2.0".to_string(), true)]));
    let manifest = manifest();
    let part = Part { import: "firstline:guardrails/guardrails@0.1.0".into(), name: "guardrails".into(), bytes: impure };
    let error = compose("technician", &bytes(&manifest, "technician"), &[part]).unwrap_err();
    assert!(format!("{error:#}").contains("stage `guardrails` imports `wasi:random/random@0.2.0`"), "{error:#}");
}

#[test]
fn every_stage_has_a_stub() {
    let (imports, exports) = faces(&std::fs::read(stub()).unwrap()).unwrap();
    assert!(imports.values().all(|function| !function), "{imports:?}");
    let manifest = manifest();
    let stages = COMPONENTS.iter().filter(|(name, _)| !manifest.triggered().contains(name)).flat_map(|(_, exports)| exports.iter().map(ToString::to_string));
    assert_eq!(exports.into_keys().collect::<BTreeSet<_>>(), stages.collect());
}

/// Loads every component with a trigger together with its stages, and answers with a fresh instance of each.
#[tokio::test(flavor = "multi_thread")]
async fn every_component_loads() {
    let manifest = manifest();
    let app = App::start(Config::new(root().join("spin.toml"))).unwrap();
    let loaded: BTreeSet<String> = app.cold_instantiation().await.unwrap().into_keys().collect();
    assert_eq!(loaded, manifest.triggered().into_iter().map(String::from).collect());
    let composed: BTreeSet<&str> =
        manifest.triggered().iter().flat_map(|name| manifest.component[*name].dependencies.values()).filter_map(|d| d.component.as_deref()).collect();
    let stages: BTreeSet<&str> = COMPONENTS.iter().map(|(name, _)| *name).filter(|name| !manifest.triggered().contains(name)).collect();
    assert_eq!(composed, stages, "a stage that no component is composed with");
}

/// `tests/data/sizes.json` holds the most that each may weigh, in KiB; raise a bound only on purpose.
#[test]
fn no_component_has_grown_beyond_its_bound() {
    let bounds: BTreeMap<String, usize> = serde_json::from_slice(&std::fs::read(root().join("tests/data/sizes.json")).unwrap()).unwrap();
    let manifest = manifest();
    assert_eq!(bounds.keys().collect::<Vec<_>>(), manifest.component.keys().collect::<Vec<_>>());
    for (name, bound) in bounds {
        let size = bytes(&manifest, &name).len() / 1024;
        assert!(size <= bound, "{name} weighs {size} KiB, more than {bound}");
        assert!(size * 2 > bound, "{name} weighs {size} KiB: its bound of {bound} holds nothing any more, lower it");
    }
}
