//! The real manifest, and what becomes of it when one line is wrong.

use crate::rig::root;
use firstline_host::{App, Config, build};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Starts the product from its manifest with one text in it exchanged, and gives back the complaint; empty if it starts.
fn complaint(from: &str, to: &str) -> String {
    build::once(&root()).unwrap();
    let text = std::fs::read_to_string(root().join("spin.toml")).unwrap();
    assert!(text.contains(from), "the manifest holds no `{from}`");
    let text = text.replace(from, to).replace("source = \"target/", &format!("source = \"{}/target/", root().display()));
    let folder = root().join("target/composition");
    std::fs::create_dir_all(&folder).unwrap();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let path = folder.join(format!("{}.toml", NEXT.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(&path, text).unwrap();
    let mut config = Config::new(path);
    config.cache = Some(root().join("target/firstline-cache"));
    App::start(config).map_or_else(|error| format!("{error:#}"), |_| String::new())
}

#[test]
fn one_wrong_line_of_the_manifest_and_nothing_starts() {
    let idp = r#""firstline:idp/idp@0.1.0" = { component = "idp-action" }"#;
    let source = r#"source = "target/wasm32-unknown-unknown/component/idp_action.wasm""#;
    let console = r#"source = "target/wasm32-wasip2/component/console.wasm""#;
    for (from, to, expect) in [
        // A name or a version that is not the imported one.
        (idp, r#""firstline:idp/idp@0.1.1" = { component = "idp-action" }"#, "`technician` does not import `firstline:idp/idp@0.1.1`"),
        (idp, r#""firstline:idp/connector@0.1.0" = { component = "idp-action" }"#, "`technician` does not import `firstline:idp/connector@0.1.0`"),
        (idp, r#""firstline:idp@0.1.0" = { component = "idp-action" }"#, "must name an interface"),
        // Another stage, none, or no line at all.
        (idp, r#""firstline:idp/idp@0.1.0" = { component = "psa-closeout" }"#, "`psa-closeout` does not export `firstline:idp/idp@0.1.0`"),
        (idp, r#""firstline:idp/idp@0.1.0" = { component = "idp" }"#, "component `idp`, which does not exist"),
        (idp, "", "firstline:idp/idp@0.1.0"),
        // A stage with a permission.
        (source, &format!("{source}\nkey_value_stores = [\"default\"]"), "dependency `idp-action` has dependencies, stores, hosts or variables of its own"),
        (source, &format!("{source}\nallowed_outbound_hosts = [\"https://graph.microsoft.com\"]"), "of its own"),
        (source, &format!("{source}\nvariables = {{ key = \"{{{{ integrity_key }}}}\" }}"), "of its own"),
        (source, &format!("{source}\ndependencies = {{ \"firstline:psa/psa@0.1.0\" = {{ component = \"psa-closeout\" }} }}"), "has dependencies"),
        // A stage that imports functions, and one that is no component.
        (source, console, "stage `idp-action` imports `wasi:"),
        (source, r#"source = "target/CACHEDIR.TAG""#, "`idp-action` is no component"),
        // A component with a trigger that exports no handler.
        (console, source, "console"),
    ] {
        let said = complaint(from, to);
        assert!(said.contains(expect), "`{to}` for `{from}`: {said}");
    }
}

/// The negative control: it is the wrong line that is refused.
#[test]
fn the_manifest_as_it_is_starts() {
    assert_eq!(complaint("spin_manifest_version = 2", "spin_manifest_version = 2"), "");
}
