//! A sample of `cargo run --release -- crash`, which tries every point of every story.

use firstline_host::build;
use firstline_host::crash::{Points, Random, Trial, run};
use firstline_host::story::{self, Story};
use std::path::{Path, PathBuf};

/// Of the pairs of crashes.
const SEED: u64 = 3;

fn project() -> PathBuf {
    let project = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    build::once(&project).unwrap();
    project
}

/// The points of a story, after it passed without a crash.
fn points(project: &Path, name: &str, trial: &Trial) -> (Story, Points) {
    let story = story::read(&project.join(format!("tests/stories/{name}.json"))).unwrap();
    let outcome = run(project, &story, trial).unwrap();
    assert!(outcome.failures.is_empty() && !outcome.diverted, "{name}: {:#?}", outcome.failures);
    (story, outcome.points)
}

fn check(project: &Path, story: &Story, trial: &Trial) {
    let outcome = run(project, story, trial).unwrap();
    assert!(outcome.failures.is_empty(), "{trial:?} at {:?}:\n- {}", outcome.struck, outcome.failures.join("\n- "));
}

/// Every so many points, from the beginning of a story to its end.
fn sample(name: &str, every: usize, trial: &Trial) {
    let project = project();
    let (story, points) = points(&project, name, trial);
    assert!(points.worth.len() > 50, "{name} has {} points", points.worth.len());
    for point in points.worth.iter().skip(every / 2).step_by(every) {
        check(&project, &story, &Trial { crashes: vec![*point], ..trial.clone() });
    }
}

#[test]
fn a_crash_loses_nothing_and_does_nothing_twice() {
    sample("entra-reset", 7, &Trial::default());
}

#[test]
fn a_crash_in_an_okta_reset_loses_no_password() {
    sample("okta-reset", 19, &Trial::default());
}

#[test]
fn a_crash_while_everything_comes_twice() {
    sample("entra-reset", 29, &Trial { twice: true, ..Trial::default() });
}

#[test]
fn two_crashes_one_after_the_other() {
    let project = project();
    let (story, points) = points(&project, "entra-reset", &Trial::default());
    let mut random = Random(SEED);
    for _ in 0..12 {
        let crashes = vec![*random.of(&points.worth).unwrap(), 1 + random.below(60) as u64];
        check(&project, &story, &Trial { crashes, ..Trial::default() });
    }
}

#[test]
fn a_runner_that_was_declared_dead_wakes_up_and_does_no_harm() {
    sample("entra-reset", 13, &Trial { hold: true, ..Trial::default() });
}

#[test]
fn an_entry_that_is_written_late_overwrites_none() {
    let project = project();
    let hold = Trial { hold: true, ..Trial::default() };
    let (story, points) = points(&project, "entra-reset", &hold);
    assert!(points.commits.len() > 5, "{} commits", points.commits.len());
    for point in points.commits {
        check(&project, &story, &Trial { crashes: vec![point], ..hold.clone() });
    }
}
