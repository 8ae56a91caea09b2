use super::*;
use crate::api::handle;
use crate::fake::{Fake, NOW, document, request, run};
use firstline_core::health::Problem;

/// Status, and what each problem is about.
fn look(host: &Fake) -> (u16, Vec<String>) {
    let answer = run(handle(host, &request("b", "GET", "/api/health", b"")));
    let problems = answer.body.unwrap()["problems"].as_array().unwrap().clone();
    (answer.status, problems.iter().map(|problem| format!("{}: {} since {}", problem["about"], problem["what"], problem["since"])).collect())
}

fn tick(host: &Fake, ago: u64) {
    host.values.borrow_mut().insert(keys::latest(), (NOW - ago).to_string().into_bytes());
}

#[test]
fn nothing_wrong_is_200_and_every_problem_is_told_with_its_beginning() {
    let host = Fake::new();
    let (status, problems) = look(&host);
    assert!(status == 503 && problems.len() == 1 && problems[0].starts_with("\"ticks\""), "{problems:?}");
    tick(&host, TICK_LIMIT);
    assert_eq!(look(&host), (200, vec![]));
    tick(&host, TICK_LIMIT + 1);
    assert_eq!(look(&host).0, 503);
    tick(&host, 0);
    let problem = Problem { since: 7, what: "the vendor answers 401".into() };
    let mut health = Health { day: 1, checked: 9, problems: [("acme-slack".to_string(), problem)].into() };
    host.write(&keys::health(), &health);
    let (status, problems) = look(&host);
    assert!(status == 503 && problems == ["\"acme-slack\": \"the vendor answers 401\" since 7"], "{problems:?}");
    health.problems.clear();
    host.write(&keys::health(), &health);
    assert_eq!(look(&host).0, 200);
    host.values.borrow_mut().insert(keys::health(), b"broken".to_vec());
    assert_eq!(look(&host).0, 503);
}

#[test]
fn a_secret_that_expires_is_told_two_weeks_before() {
    // NOW is 2023-11-14.
    for (day, status, word) in
        [("2023-11-29", 200, ""), ("2023-11-28", 503, "expires on"), ("2023-11-14", 503, "has expired"), ("2020-01-01", 503, "has expired")]
    {
        let host = Fake::new();
        tick(&host, 0);
        let mut acme = document("acme");
        acme["connections"][0]["expires"] = json!({"bot-token": day});
        let put = run(handle(&host, &request("a", "PUT", "/api/tenants/acme", acme.to_string().as_bytes())));
        assert_eq!(put.status, 200, "{:?}", put.body);
        let (got, problems) = look(&host);
        assert_eq!((got, problems.len()), (status, usize::from(status == 503)), "{day}: {problems:?}");
        assert!(problems.iter().all(|problem| problem.contains("acme-slack") && problem.contains("bot-token") && problem.contains(word)), "{problems:?}");
    }
}
