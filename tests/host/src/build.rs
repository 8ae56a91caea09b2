//! Builds the components, with nothing installed by hand beforehand.

use crate::manifest::Manifest;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Told what is being done.
pub type Progress<'a> = &'a mut dyn FnMut(&str);

/// Progress for a person at a terminal.
pub fn to_stderr(line: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Builds the components of the manifest in this folder, once in this process: for tests that all need them.
pub fn once(manifest_dir: &Path) -> Result<()> {
    static BUILT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !built.contains(manifest_dir) {
        components(manifest_dir, &mut to_stderr)?;
        built.insert(manifest_dir.to_owned());
    }
    Ok(())
}

/// Installs the Wasm targets that are missing, then runs the manifest's distinct build commands in order.
pub fn components(manifest_dir: &Path, progress: Progress) -> Result<()> {
    let commands = Manifest::load(&manifest_dir.join("spin.toml"))?.build_commands();
    install(manifest_dir, &targets(commands.iter().map(|(command, _)| command.as_str())), progress)?;
    for (command, folder) in commands {
        let what = format!("building: {command}");
        progress(&what);
        run(shell(&command).current_dir(manifest_dir.join(folder)), &what, progress)?;
    }
    Ok(())
}

/// The targets that the commands name.
fn targets<'a>(commands: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut targets = BTreeSet::new();
    for command in commands {
        let mut words = command.split_whitespace();
        while let Some(word) = words.next() {
            match word.strip_prefix("--target=") {
                Some(target) => drop(targets.insert(target.to_owned())),
                None if word == "--target" => targets.extend(words.next().map(str::to_owned)),
                None => {}
            }
        }
    }
    targets
}

fn install(manifest_dir: &Path, targets: &BTreeSet<String>, progress: Progress) -> Result<()> {
    // The compiler's own folder tells whether a target is there, with rustup and without it.
    let sysroot =
        clean(Command::new("rustc")).args(["--print", "sysroot"]).current_dir(manifest_dir).output().context("cannot run `rustc`: is Rust installed?")?;
    ensure!(sysroot.status.success(), "`rustc --print sysroot` failed: {}", String::from_utf8_lossy(&sysroot.stderr).trim());
    let libraries = Path::new(String::from_utf8_lossy(&sysroot.stdout).trim()).join("lib/rustlib");
    let missing: Vec<&str> = targets.iter().map(String::as_str).filter(|target| !libraries.join(target).join("lib").is_dir()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!("installing with rustup: {}", missing.join(", "));
    progress(&what);
    let mut command = clean(Command::new("rustup"));
    command.args(["target", "add"]).args(&missing).current_dir(manifest_dir);
    run(&mut command, &what, progress).with_context(|| format!("the Rust targets {} are missing: add them to this Rust installation", missing.join(", ")))
}

/// Runs cargo in this folder as a person would, and fails with what it said.
pub fn cargo(folder: &Path, arguments: &[&str]) -> Result<()> {
    let output = clean(Command::new("cargo")).args(arguments).current_dir(folder).stdin(Stdio::null()).output().context("cannot start cargo")?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "failed ({}): cargo {}\n{}{}", output.status, arguments.join(" "), said(&output.stdout), said(&output.stderr));
    Ok(())
}

/// Runs one command line in this folder, as a person would type it.
pub fn typed(folder: &Path, line: &str) -> Result<()> {
    run(shell(line).current_dir(folder), line, &mut to_stderr)
}

fn shell(command: &str) -> Command {
    let (program, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut shell = clean(Command::new(program));
    shell.args([flag, command]);
    shell
}

/// Takes out what cargo set for this very process: it would change the fingerprints of the nested build and compile everything again.
///
/// The target folder goes too, because the manifest names outputs below `target`; so do outputs of a person's own choice.
fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_cargos) {
            command.env_remove(name);
        }
    }
    command
}

/// How to reach the registry stays as the person set it.
fn is_cargos(name: &str) -> bool {
    let of_the_person = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_"].iter().any(|kept| name.starts_with(kept));
    !of_the_person && (name == "CARGO" || ["CARGO_", "RUSTC", "RUST_"].iter().any(|prefix| name.starts_with(prefix)))
}

/// How many of the last lines of a failed command are shown.
const LAST_LINES: usize = 40;

/// Runs a command to its end, and tells what it says on standard error.
fn run(command: &mut Command, what: &str, progress: Progress) -> Result<()> {
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().with_context(|| format!("cannot start: {what}"))?;
    let mut last = VecDeque::new();
    for line in child.stderr.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
        let line = line?;
        let word = line.trim_start();
        if ["Compiling", "Downloading", "Downloaded", "info:"].iter().any(|w| word.starts_with(w)) {
            progress(&format!("{:>5} s  {word}", began.elapsed().as_secs()));
        }
        last.push_back(line);
        if last.len() > LAST_LINES {
            last.pop_front();
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("failed ({status}): {what}\n{}", last.into_iter().collect::<Vec<_>>().join("\n"));
    }
    progress(&format!("{:>5.1} s  done", began.elapsed().as_secs_f64()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the builds of a manifest with one command and gives back what was told, and the complaint.
    fn build(name: &str, command: &str) -> (Vec<String>, String) {
        let folder = std::env::temp_dir().join(format!("firstline-host-build-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let manifest = format!(
            "spin_manifest_version = 2\napplication = {{ name = \"x\" }}\n[component.a]\nsource = \"a\"\n[component.a.build]\ncommand = '''{command}'''\n"
        );
        std::fs::write(folder.join("spin.toml"), manifest).unwrap();
        let mut told = Vec::new();
        let result = components(&folder, &mut |line| told.push(line.to_owned()));
        std::fs::remove_dir_all(folder).unwrap();
        (told, result.map_or_else(|error| format!("{error:#}"), |()| String::new()))
    }

    #[test]
    fn progress_is_told_and_a_failure_shows_the_last_lines() {
        let (told, complaint) = build("good", "echo '   Compiling a v0.1.0' >&2; echo warning >&2");
        assert_eq!(complaint, "");
        assert!(told.iter().any(|line| line.ends_with("s  Compiling a v0.1.0")), "{told:?}");
        assert!(told.last().unwrap().ends_with("done"), "{told:?}");
        let (_, complaint) = build("bad", "echo 'error: no such thing' >&2; exit 3");
        assert!(complaint.contains("error: no such thing") && complaint.contains('3'), "{complaint}");
    }

    #[test]
    fn what_cargo_set_for_this_process_does_not_reach_the_nested_build() {
        // A test runs under cargo, so there is something to leak.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let (_, complaint) = build("clean", r#"test -z "$CARGO_MANIFEST_DIR$CARGO_TARGET_DIR$CARGO_PKG_NAME$RUST_BACKTRACE" && test -n "$PATH""#);
        assert_eq!(complaint, "");
    }

    #[test]
    fn variables_of_the_person_stay_and_those_of_cargo_go() {
        for (name, goes) in [
            ("CARGO", true),
            ("CARGO_PKG_NAME", true),
            ("CARGO_TARGET_DIR", true),
            ("RUSTC_WRAPPER", true),
            ("RUST_LOG", true),
            ("CARGO_HOME", false),
            ("CARGO_HTTP_PROXY", false),
            ("CARGO_NET_OFFLINE", false),
            ("RUSTUP_HOME", false),
            ("PATH", false),
        ] {
            assert_eq!(is_cargos(name), goes, "{name}");
        }
    }

    #[test]
    fn targets_are_those_that_the_commands_name() {
        let found = targets(["cargo build --target wasm32-wasip2 -p a", "cargo build --target=wasm32-unknown-unknown", "make"].into_iter());
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["wasm32-unknown-unknown", "wasm32-wasip2"]);
    }
}
