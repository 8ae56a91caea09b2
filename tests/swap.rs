//! Each stage is swapped for a stub without rebuilding anything else, and the guide is followed to the letter.

use crate::rig::{Setup, root, start};
use firstline_host::build;
use std::path::{Path, PathBuf};

/// Signs by which the stub of each stage is known.
async fn signs(stub_for: &str) -> Vec<&'static str> {
    let rig = start(Setup { stub_for, jane: "fixed", ..Setup::default() }).await;
    assert_eq!(rig.says("I forgot my password").await, 200);
    let journal = match rig.cases().await.len() {
        0 => String::new(),
        _ => rig.case().await.1,
    };
    let lovely = start(Setup { stub_for, ..Setup::default() }).await;
    assert_eq!(lovely.says("hello").await, 200);
    let past = rig.desk.api("GET", "/api/tenants/acme/history", "").await.unwrap().1;
    let vague = start(Setup { stub_for, language_model: true, ..Setup::default() }).await;
    assert_eq!(vague.says("login").await, 200);
    rig.assert_no_trap();
    lovely.assert_no_trap();
    vague.assert_no_trap();
    let signs = [
        ("messaging", lovely.messages().iter().any(|message| message.starts_with("stub: "))),
        ("intent-detection", lovely.messages().concat().contains("Reset your")),
        ("guardrails", journal.contains("stub-rule")),
        ("identity-check", journal.contains("stub-locked")),
        ("idp-action", journal.contains("the stub speaks")),
        ("psa-closeout", journal.contains("4711") && rig.tickets().is_empty()),
        ("history", past["lessons"][0]["value"] == "stub"),
        ("language-model", vague.cases().await.iter().any(|case| case["kind"] == "printer")),
    ];
    signs.into_iter().filter(|(_, seen)| *seen).map(|(stage, _)| stage).collect()
}

#[tokio::test(start_paused = true)]
async fn each_stage_is_swapped_alone() {
    for stage in ["messaging", "intent-detection", "guardrails", "identity-check", "idp-action", "psa-closeout", "history", "language-model"] {
        assert_eq!(signs(stage).await, [stage]);
    }
    // The negative control.
    assert_eq!(signs("").await, [""; 0]);
}

/// A fenced block of the guide: its language, the line before it, and its text.
struct Block {
    language: String,
    before: String,
    text: String,
}

fn blocks(guide: &str) -> Vec<Block> {
    let (mut blocks, mut before, mut open) = (Vec::new(), String::new(), None::<Block>);
    for line in guide.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(language), None) => open = Some(Block { language: language.into(), before: before.clone(), text: String::new() }),
            (None, Some(block)) => open = Some(Block { text: block.text + line + "\n", ..block }),
            (None, None) if line.is_empty() => {}
            (None, None) => before = line.into(),
        }
    }
    blocks
}

/// A copy of what the guide needs: the contract, the manifest, and what is built already.
fn copy() -> PathBuf {
    let folder = root().join("target/swap-a-stage");
    std::fs::create_dir_all(folder.join("wit")).unwrap();
    std::fs::create_dir_all(folder.join(".cargo")).unwrap();
    let wit = std::fs::read_dir(root().join("wit")).unwrap().map(|entry| format!("wit/{}", entry.unwrap().file_name().into_string().unwrap()));
    for file in wit.chain(["spin.toml", "rust-toolchain.toml", ".cargo/config.toml"].map(String::from)) {
        std::fs::copy(root().join(&file), folder.join(&file)).unwrap();
    }
    let built = "target/wasm32-unknown-unknown/component";
    for built in [built, "target/wasm32-wasip2/component"] {
        let to = folder.join(built);
        std::fs::create_dir_all(&to).unwrap();
        for file in
            std::fs::read_dir(root().join(built)).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "wasm"))
        {
            std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
    }
    folder
}

fn follow(block: &Block, folder: &Path) {
    match block.language.as_str() {
        "toml" | "rust" => {
            let file = folder.join(block.before.trim_start_matches('`').trim_end_matches("`:"));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, &block.text).unwrap();
        }
        "sh" => block.text.lines().for_each(|line| build::typed(folder, line).unwrap()),
        "diff" => {
            let file = folder.join("spin.toml");
            let side = |gone: char| {
                block
                    .text
                    .lines()
                    .filter(|line| !line.starts_with(gone))
                    .map(|line| format!("{}\n", line.chars().skip(1).collect::<String>()))
                    .collect::<String>()
            };
            let (old, new, text) = (side('+'), side('-'), std::fs::read_to_string(&file).unwrap());
            assert_eq!(text.matches(&old).count(), 1, "spin.toml does not hold {old}");
            assert_eq!(block.text.lines().filter(|line| line.starts_with('+')).count(), 1, "the guide says one line");
            std::fs::write(file, text.replace(&old, &new)).unwrap();
        }
        other => panic!("a block of the language `{other}`"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_guide_works_to_the_letter() {
    build::once(&root()).unwrap();
    let folder = copy();
    let guide = std::fs::read_to_string(root().join("docs/swap-a-stage.md")).unwrap();
    let blocks = blocks(&guide);
    assert_eq!(blocks.iter().map(|block| block.language.as_str()).collect::<Vec<_>>(), ["toml", "rust", "sh", "diff"]);
    for block in &blocks {
        follow(block, &folder);
    }
    let rig = start(Setup { manifest: Some(folder.join("spin.toml")), ..Setup::default() }).await;
    assert_eq!(rig.says("I forgot my password").await, 200);
    let (case, journal) = rig.case().await;
    assert!(case["state"] == "handed-over" && journal.contains("my-rule-for-password_reset"), "{case}\n{}", rig.log());
    assert!(guide.contains("my-rule-for-password_reset"));
}
