//! A sample of `cargo run --release -- crash`, which tries every point of every story.

use firstline_host::build;
use firstline_host::crash::{Course, Points, Random, Trial, run};
use firstline_host::story::{self, Outcome};
use firstline_host::{Config, Program};
use std::path::PathBuf;

/// Of the pairs of crashes.
const SEED: u64 = 3;

fn project() -> PathBuf {
    let project = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    build::once(&project).unwrap();
    project
}

/// A story that passed without a crash, and its points.
fn course(name: &str, trial: &Trial) -> (Course, Points) {
    let project = project();
    let story = story::read(&project.join(format!("tests/stories/{name}.json"))).unwrap();
    let mut config = Config::new(project.join("spin.toml"));
    config.program = Some(Program::load(&config).unwrap());
    let (course, outcome) = Course::of(&config, &story, trial).unwrap();
    assert!(outcome.failures.is_empty() && !outcome.diverted, "{name}: {:#?}", outcome.failures);
    (course, outcome.points)
}

fn check(course: &Course, crashes: &[u64]) -> Outcome {
    let outcome = course.run(crashes).unwrap();
    assert!(outcome.failures.is_empty(), "{crashes:?} at {:?}:\n- {}", outcome.struck, outcome.failures.join("\n- "));
    outcome
}

/// Every so many points, from the beginning of a story to its end.
fn sample(name: &str, every: usize, trial: &Trial) {
    let (course, points) = course(name, trial);
    // What is held goes on later, and knows what it has read.
    let points = if trial.hold { points.worth } else { points.distinct };
    assert!(points.len() > 50, "{name} has {} points", points.len());
    for point in points.iter().skip(every / 2).step_by(every) {
        check(&course, &[*point]);
    }
}

/// What follows a crash, for comparison.
fn follows(outcome: Outcome) -> (String, Vec<String>) {
    (outcome.told, outcome.points.texts)
}

#[test]
fn crashes_that_leave_the_same_behind_are_followed_by_the_same() {
    for (name, twice, every) in [("entra-reset", false, 7), ("okta-reset", true, 17)] {
        let (course, points) = course(name, &Trial { twice, ..Trial::default() });
        let (mut compared, mut of) = (0, 0);
        for (at, alone) in points.worth.iter().enumerate() {
            if points.distinct.contains(alone) {
                of = at;
            } else if at % every == 0 {
                let (first, last) = (check(&course, &[points.worth[of]]), check(&course, &[*alone]));
                assert_eq!(follows(first), follows(last), "{name}: points {} and {alone}", points.worth[of]);
                compared += 1;
            }
        }
        assert!(compared > 4, "{name}: {compared} compared");
    }
}

#[test]
fn a_story_that_goes_on_from_the_middle_ends_as_from_its_beginning() {
    let project = project();
    let story = story::read(&project.join("tests/stories/entra-reset.json")).unwrap();
    let (course, points) = course("entra-reset", &Trial::default());
    for point in points.distinct.iter().step_by(23) {
        let whole = run(&project, &story, &Trial { crashes: vec![*point], ..Trial::default() }).unwrap();
        let forked = check(&course, &[*point]);
        assert_eq!(whole.failures, Vec::<String>::new());
        assert_eq!(follows(whole), follows(forked), "point {point}");
    }
}

#[test]
fn a_crash_loses_nothing_and_does_nothing_twice() {
    sample("entra-reset", 4, &Trial::default());
}

#[test]
fn a_crash_in_an_okta_reset_loses_no_password() {
    sample("okta-reset", 8, &Trial::default());
}

#[test]
fn a_crash_while_somebody_else_has_to_agree_uses_no_yes_twice() {
    sample("supervised", 11, &Trial::default());
    sample("supervised", 23, &Trial { twice: true, ..Trial::default() });
}

#[test]
fn a_crash_while_everything_comes_twice() {
    sample("entra-reset", 11, &Trial { twice: true, ..Trial::default() });
}

#[test]
fn two_crashes_one_after_the_other() {
    let (course, points) = course("entra-reset", &Trial::default());
    let mut random = Random(SEED);
    for _ in 0..12 {
        check(&course, &[*random.of(&points.worth).unwrap(), 1 + random.below(60) as u64]);
    }
}

#[test]
fn a_runner_that_was_declared_dead_wakes_up_and_does_no_harm() {
    sample("entra-reset", 13, &Trial { hold: true, ..Trial::default() });
}

#[test]
fn an_entry_that_is_written_late_overwrites_none() {
    let (course, points) = course("entra-reset", &Trial { hold: true, ..Trial::default() });
    assert!(points.commits.len() > 5, "{} commits", points.commits.len());
    for point in points.commits {
        check(&course, &[point]);
    }
}
