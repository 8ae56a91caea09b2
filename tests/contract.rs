//! The contract between components, held still.

use crate::rig::root;
use std::path::Path;
use wit_component::WitPrinter;
use wit_parser::{Docs, Resolve, Type, TypeDefKind};

/// The contract as its parser understands it.
fn parsed(folder: &Path) -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir(folder).unwrap_or_else(|error| panic!("{}: {error:#}", folder.display()));
    resolve
}

/// Every package, printed without comments: what components are built against.
fn printed(resolve: &Resolve) -> String {
    let mut packages: Vec<_> = resolve.packages.iter().map(|(id, package)| (package.name.to_string(), id)).collect();
    packages.sort();
    let mut text = String::new();
    for (_, id) in packages {
        let mut printer = WitPrinter::default();
        printer.emit_docs(false);
        printer.print_package(resolve, id, true).unwrap();
        text += &printer.output.to_string();
        text.push('\n');
    }
    text
}

fn contract() -> Resolve {
    parsed(&root().join("wit"))
}

#[test]
fn the_contract_is_what_it_was() {
    let golden = root().join("tests/data/wit.golden.wit");
    if std::env::var_os("FIRSTLINE_BLESS").is_some() {
        std::fs::write(&golden, printed(&contract())).unwrap();
    }
    assert_eq!(
        printed(&contract()),
        std::fs::read_to_string(golden).unwrap(),
        "every component built against the old contract breaks; if that is meant, follow wit/README.md and run this with FIRSTLINE_BLESS=1"
    );
}

/// Whatever stands in the contract without a comment.
fn undocumented(resolve: &Resolve) -> Vec<String> {
    let mut found = Vec::new();
    let mut ask = |docs: &Docs, name: String| {
        if docs.contents.is_none() {
            found.push(name);
        }
    };
    for (_, package) in &resolve.packages {
        ask(&package.docs, package.name.to_string());
    }
    for (_, world) in &resolve.worlds {
        ask(&world.docs, world.name.clone());
    }
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.clone().unwrap_or_default();
        ask(&interface.docs, name.clone());
        for function in interface.functions.values() {
            ask(&function.docs, format!("{name}.{}", function.name));
        }
        for (of, id) in &interface.types {
            let kind = &resolve.types[*id];
            // A type that was taken over by `use` is documented where it stands.
            if matches!(kind.kind, TypeDefKind::Type(Type::Id(other)) if resolve.types[other].owner != kind.owner) {
                continue;
            }
            ask(&kind.docs, format!("{name}.{of}"));
            let members: Vec<(&Docs, &String)> = match &kind.kind {
                TypeDefKind::Record(record) => record.fields.iter().map(|field| (&field.docs, &field.name)).collect(),
                TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| (&case.docs, &case.name)).collect(),
                TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| (&case.docs, &case.name)).collect(),
                TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| (&flag.docs, &flag.name)).collect(),
                _ => Vec::new(),
            };
            for (docs, member) in members {
                ask(docs, format!("{name}.{of}.{member}"));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_item_is_documented() {
    assert_eq!(undocumented(&contract()), [""; 0]);
    let mut bare = Resolve::default();
    bare.push_str("bare.wit", "/// A.\npackage a:b;\ninterface c {\n  /// D.\n  record d { x: u8 }\n  e: func();\n}\n").unwrap();
    assert_eq!(undocumented(&bare), ["c", "c.d.x", "c.e"]);
}

/// The negative control of the golden text: what a comment says does not matter, and what an item is does.
#[test]
fn the_printed_contract_follows_items_and_not_comments() {
    let print = |wit: &str| {
        let mut resolve = Resolve::default();
        resolve.push_str("a.wit", wit).unwrap();
        printed(&resolve)
    };
    let one = print("/// A.\npackage a:b;\ninterface c { d: func(); }");
    assert_eq!(one, print("package a:b; /* B. */ interface c {\n\n  d:   func();\n}"));
    assert_ne!(one, print("package a:b;\ninterface c { d: func(e: u8); }"));
}

#[test]
fn every_package_has_the_same_version_and_a_readme_line() {
    let readme = std::fs::read_to_string(root().join("wit/README.md")).unwrap();
    let contract = contract();
    assert!(contract.packages.len() >= 8, "{:?}", contract.package_names);
    for (_, package) in &contract.packages {
        let name = &package.name;
        assert_eq!(name.version.as_ref().map(ToString::to_string).as_deref(), Some("0.1.0"), "{name}");
        let plain = format!("`{}:{}`", name.namespace, name.name);
        assert!(readme.contains(&plain), "wit/README.md does not name {plain}");
    }
}
