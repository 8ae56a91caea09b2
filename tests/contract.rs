//! The contract between components, held still.

use crate::rig::root;

/// Every WIT file without comments and blank lines: what components are built against.
fn contract() -> String {
    let mut files: Vec<_> =
        std::fs::read_dir(root().join("wit")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "wit")).collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        let wit = std::fs::read_to_string(&file).unwrap();
        for line in wit.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//")) {
            text += line;
            text.push('\n');
        }
    }
    text
}

#[test]
fn the_contract_is_what_it_was() {
    let golden = root().join("tests/data/wit.golden.wit");
    if std::env::var_os("FIRSTLINE_BLESS").is_some() {
        std::fs::write(&golden, contract()).unwrap();
    }
    assert_eq!(
        contract(),
        std::fs::read_to_string(golden).unwrap(),
        "every component built against the old contract breaks; if that is meant, follow wit/README.md and run this with FIRSTLINE_BLESS=1"
    );
}

/// Lines that begin an item, as opposed to `use`, `}` and the rest of a signature.
fn undocumented(wit: &str) -> Vec<String> {
    let (mut documented, mut found) = (false, Vec::new());
    for line in wit.lines().map(str::trim) {
        if line.starts_with("///") {
            documented = true;
            continue;
        }
        let plain = ["", "}"].contains(&line) || ["use ", "import ", "export ", "//"].iter().any(|word| line.starts_with(word));
        if !plain && !documented {
            found.push(line.to_string());
        }
        documented = false;
    }
    found
}

#[test]
fn every_item_is_documented() {
    for entry in std::fs::read_dir(root().join("wit")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "wit")) {
        assert_eq!(undocumented(&std::fs::read_to_string(&entry).unwrap()), [""; 0], "{}", entry.display());
    }
    assert_eq!(undocumented("/// A.\npackage a:b;\ninterface c {\n  /// D.\n  type d = u8;\n  e: func();\n}\n"), ["interface c {", "e: func();"]);
}

#[test]
fn every_package_has_the_same_version_and_a_readme_line() {
    let readme = std::fs::read_to_string(root().join("wit/README.md")).unwrap();
    let text = contract();
    let packages: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("package ")).map(|line| line.trim_end_matches([' ', '{', ';'])).collect();
    assert!(packages.len() >= 8, "{packages:?}");
    for package in packages {
        let (name, version) = package.split_once('@').unwrap();
        assert_eq!(version, "0.1.0", "{package}");
        assert!(readme.contains(&format!("`{name}`")), "wit/README.md does not name `{name}`");
    }
}
