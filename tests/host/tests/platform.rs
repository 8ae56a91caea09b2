//! The host's own rules, tried with a component that does what it is told.

use bytes::Bytes;
use firstline_host::{App, Config, Disk, Effect, Event, Fate, Fault, Memory, Moment, Operation, Outbound, OutboundError, Trace, simulated};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// Every command of the probe answers at once, unless it waits.
const MATH: &str = r#"(component
    (core module $m (func (export "double") (param i32) (result i32) local.get 0 i32.const 2 i32.mul))
    (core instance $i (instantiate $m))
    (func $double (param "n" u32) (result u32) (canon lift (core func $i "double")))
    (instance $math (export "double" (func $double)))
    (export "test:math/math@0.1.0" (instance $math)))"#;

/// The probe, built once.
static PROBE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("probe");
    firstline_host::build::once(&folder).unwrap();
    folder
});

/// A running probe, what it did, and what its vendor does.
struct Bench {
    app: Arc<App>,
    events: Arc<Mutex<Vec<Event>>>,
    memory: Arc<Memory>,
}

/// Answers with what it was sent; `/silent` never answers, `/lost` loses the answer, `/held` waits for a permit.
struct Vendor(Arc<Semaphore>);

impl Outbound for Vendor {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, OutboundError>> {
        Box::pin(async move {
            match request.uri().path() {
                "/silent" => std::future::pending().await,
                "/lost" => Err(OutboundError::Lost),
                "/refused" => Err(OutboundError::Refused),
                path => {
                    if path == "/held" {
                        self.0.acquire().await.unwrap().forget();
                    }
                    let text = format!("{} {} {}", request.method(), request.uri(), String::from_utf8_lossy(request.body()));
                    Ok(http::Response::new(text.into()))
                }
            }
        })
    }
}

fn config(permits: Arc<Semaphore>, events: Arc<Mutex<Vec<Event>>>, memory: Arc<Memory>) -> Config {
    let math = PROBE.join("../../../target/firstline-cache");
    std::fs::create_dir_all(&math).unwrap();
    let stage = math.join(format!("math-{}.wasm", std::process::id()));
    if !stage.exists() {
        // Other tests of this process may be reading it: the finished file appears at once.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let partial = math.join(format!("math-{}-{}.partial", std::process::id(), COUNT.fetch_add(1, SeqCst)));
        std::fs::write(&partial, wat::parse_str(MATH).unwrap()).unwrap();
        std::fs::rename(partial, &stage).unwrap();
    }
    let trace: Trace = Arc::new(move |event| events.lock().unwrap().push(event));
    Config {
        cache: Some(math),
        sources: BTreeMap::from([("math".to_string(), stage)]),
        variables: BTreeMap::from([("needed".to_string(), "two".to_string())]),
        backend: memory,
        outbound: Arc::new(Vendor(permits)),
        clock: simulated(UNIX_EPOCH + Duration::from_secs(1_000)),
        trace,
        ..Config::new(PROBE.join("spin.toml"))
    }
}

fn start(change: impl FnOnce(&mut Config)) -> Bench {
    let (events, memory) = (Arc::default(), Arc::new(Memory::default()));
    let mut config = config(Arc::new(Semaphore::new(0)), Arc::clone(&events), memory.clone());
    change(&mut config);
    Bench { app: App::start(config).unwrap(), events, memory }
}

fn post(path: &str, body: impl Into<Bytes>) -> http::Request<Bytes> {
    http::Request::post(path).body(body.into()).unwrap()
}

impl Bench {
    /// The answer to commands, given to the component behind a path.
    async fn run(&self, path: &str, commands: &str) -> String {
        let response = self.app.request(post(path, commands.to_owned())).await;
        if response.status() != 200 {
            return response.status().as_u16().to_string();
        }
        String::from_utf8_lossy(response.body()).into_owned()
    }

    async fn check(&self, commands: &[(&str, &str)]) {
        for (command, expect) in commands {
            assert_eq!(self.run("/probe", command).await, *expect, "{command}");
        }
    }

    fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.lock().unwrap().iter().filter(|event| wanted(event)).count()
    }

    fn instances(&self) -> usize {
        self.count(|event| matches!(event, Event::Instance { .. }))
    }

    /// Lets everything run until nothing is left to do but to wait.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_stored_and_read_through_both_interfaces() {
    let bench = start(|_| {});
    bench
        .check(&[
            ("get a", "None"),
            ("set a 1", "()"),
            ("get a", "Some([49])"),
            ("exists a", "true"),
            ("set-many b=2 c=3", "()"),
            ("keys", r#"["a", "b", "c"]"#),
            ("list-keys", r#"["a", "b", "c"]"#),
            ("delete-many a b", "()"),
            ("delete c", "()"),
            ("keys", "[]"),
            ("increment n 2", "2"),
            ("get n", "Some([2, 0, 0, 0, 0, 0, 0, 0])"),
        ])
        .await;
    let key = "k".repeat(257);
    assert!(bench.run("/probe", &format!("set {key} 1")).await.contains("257 bytes"));
    assert!(bench.run("/probe", "get-many a").await.contains("fails on Redis"));
}

#[tokio::test(start_paused = true)]
async fn a_component_opens_only_the_stores_of_its_manifest_entry() {
    let bench = start(|_| {});
    bench
        .check(&[
            ("open default", "()"),
            ("wasi-open default", "()"),
            ("open other", "error Error::AccessDenied"),
            ("wasi-open other", "error Error::AccessDenied"),
        ])
        .await;
    assert_eq!(
        bench.run("/bare", "open default\nwasi-open default\nget a").await,
        "error Error::AccessDenied\nerror Error::AccessDenied\nerror Error::AccessDenied"
    );
}

#[tokio::test(start_paused = true)]
async fn cas_traps_and_so_does_setting_a_counter_which_also_poisons_the_store() {
    let bench = start(|_| {});
    bench.check(&[("cas a", "500"), ("set a 1", "()"), ("increment n 1", "1"), ("set n 1", "500"), ("get a", "500"), ("increment n 1", "500")]).await;
    let traps: Vec<String> =
        bench.events.lock().unwrap().iter().filter_map(|event| if let Event::Trap { why, .. } = event { Some(why.clone()) } else { None }).collect();
    assert!(traps[0].contains("never use `cas`") && traps[1].contains("`n` was both set and incremented") && traps[2].contains("poisoned"), "{traps:?}");
}

#[tokio::test(start_paused = true)]
async fn variables_are_those_of_the_manifest_entry() {
    let bench = start(|config| drop(config.variables.insert("plain".into(), "{{ needed }}".into())));
    bench.check(&[("variable plain", r#""{{ needed }}""#), ("variable both", r#""{{ needed }}-two""#)]).await;
    assert!(bench.run("/probe", "variable needed").await.contains("Undefined"));
    assert!(bench.run("/bare", "variable plain").await.contains("Undefined"));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_cannot_work_fails_with_the_name_of_what_is_missing() {
    let try_start = |change: &dyn Fn(&mut Config)| {
        let mut config = config(Arc::new(Semaphore::new(0)), Arc::default(), Arc::default());
        change(&mut config);
        App::start(config).err().map_or_else(String::new, |error| format!("{error:#}"))
    };
    assert_eq!(try_start(&|_| {}), "");
    assert!(try_start(&|config| config.variables.clear()).contains("variable `needed`"));
    assert!(try_start(&|config| drop(config.variables.insert("other".into(), String::new()))).contains("`other` is not declared"));
    assert!(try_start(&|config| drop(config.variables.insert("vendor".into(), "a.example".into()))).contains("needs a scheme"));
    assert!(try_start(&|config| drop(config.sources.insert("math".into(), "none.wasm".into()))).contains("component `math` at `none.wasm`"));
    assert!(try_start(&|config| drop(config.sources.insert("none".into(), "none.wasm".into()))).contains("no component `none`"));
    // The probe in the place of the stage: it imports functions.
    let probe = PROBE.join("../../../target/wasm32-wasip2/component/firstline_probe.wasm");
    let complaint = try_start(&|config| drop(config.sources.insert("math".into(), probe.clone())));
    assert!(complaint.contains("stage `math` imports `") && complaint.contains("imports no function"), "{complaint}");
}

#[tokio::test(start_paused = true)]
async fn a_composed_stage_answers() {
    let bench = start(|_| {});
    bench.check(&[("double 21", "42")]).await;
    let sizes = bench.app.sizes();
    assert!(sizes.files["probe"] > 10_000 && sizes.files["math"] < 1_000);
    assert!(sizes.memories["probe"] >= 1 && !sizes.memories.contains_key("math"));
    assert_eq!(bench.app.cold_instantiation().await.unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn requests_leave_only_for_hosts_that_are_allowed() {
    let bench = start(|_| {});
    bench
        .check(&[
            ("send POST https://a.vendor.example/x - hello", "200 POST https://a.vendor.example/x hello"),
            ("send GET https://vendor.example/", "error ErrorCode::HttpRequestDenied"),
            ("send GET http://a.vendor.example/", "error ErrorCode::HttpRequestDenied"),
            ("send GET https://other.example/", "error ErrorCode::HttpRequestDenied"),
            ("send GET http://bare.spin.internal/", "error ErrorCode::HttpRequestDenied"),
            ("send GET https://a.vendor.example/lost", "error ErrorCode::ConnectionTerminated"),
            ("send GET https://a.vendor.example/refused", "error ErrorCode::ConnectionRefused"),
        ])
        .await;
    assert_eq!(bench.count(|event| matches!(event, Event::Denied { .. })), 4);
    assert_eq!(bench.count(|event| matches!(event, Event::Sending { .. })), 3);
    assert_eq!(bench.run("/bare", "send GET https://a.vendor.example/").await, "error ErrorCode::HttpRequestDenied");
    // An empty template was skipped; a value opens one more host.
    let bench = start(|config| drop(config.variables.insert("vendor".into(), "http://127.0.0.1:9000".into())));
    bench
        .check(&[
            ("send GET http://127.0.0.1:9000/", "200 GET http://127.0.0.1:9000/ "),
            ("send GET http://127.0.0.1:9001/", "error ErrorCode::HttpRequestDenied"),
        ])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_does_not_answer_is_given_up_after_the_first_byte_timeout() {
    let bench = start(|_| {});
    let began = tokio::time::Instant::now();
    bench.check(&[("send GET https://a.vendor.example/silent 2500", "error ErrorCode::ConnectionReadTimeout")]).await;
    assert_eq!(began.elapsed().as_millis(), 2500);
    bench.check(&[("send GET https://a.vendor.example/silent", "error ErrorCode::ConnectionReadTimeout")]).await;
    assert_eq!(began.elapsed().as_secs(), 602);
}

#[tokio::test(start_paused = true)]
async fn a_private_component_is_reached_by_chaining_and_never_from_outside() {
    let bench = start(|_| {});
    bench.check(&[("send POST http://hidden.spin.internal/length - abc", "200 3 http://hidden.spin.internal/length")]).await;
    assert_eq!(bench.run("/hidden", "").await, "404");
    assert_eq!(bench.run("/", "").await, "404");
    let forged = http::Request::post("http://hidden.spin.internal/").header("host", "hidden.spin.internal").body(Bytes::new()).unwrap();
    assert_eq!(bench.app.request(forged).await.status(), 404);
    let forged = http::Request::post("/probe/length").header("host", "hidden.spin.internal").body(Bytes::new()).unwrap();
    bench.app.request(forged).await;
    assert_eq!(bench.count(|event| matches!(event, Event::Inbound { component, .. } if component == "hidden")), 1);
    let chained = bench.app.chained("hidden", post("/length", "ab")).await.unwrap();
    assert_eq!(chained.body(), "2 http://hidden.spin.internal/length");
    assert!(bench.app.chained("math", post("/", "")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_trap_in_the_callee_is_a_500_for_the_caller() {
    let bench = start(|_| {});
    bench.check(&[("send POST http://hidden.spin.internal/ - trap", "500 ")]).await;
    assert_eq!(bench.instances(), 2);
    bench.check(&[("double 1", "2")]).await;
    assert_eq!(bench.instances(), 2, "the caller's instance lives on");
}

#[tokio::test(start_paused = true)]
async fn one_instance_serves_sixteen_requests_at_once_and_a_trap_takes_all_of_them_down() {
    let bench = Arc::new(start(|_| {}));
    let held = |n: usize| {
        let tasks: Vec<_> = (0..n)
            .map(|_| {
                let bench = bench.clone();
                tokio::spawn(async move { bench.run("/probe", "send GET https://a.vendor.example/held").await })
            })
            .collect();
        tasks
    };
    // One by one, as each must be waiting before the next comes: a busy instance takes no second request.
    let mut waiting = Vec::new();
    for n in 1..=15 {
        waiting.extend(held(1));
        bench.settle().await;
        assert_eq!(bench.instances(), 1, "request {n}");
    }
    assert_eq!(bench.run("/probe", "trap").await, "500");
    for task in waiting {
        assert_eq!(task.await.unwrap(), "500");
    }
    assert_eq!(bench.count(|event| matches!(event, Event::Trap { .. })), 1);
    for n in 1..=16 {
        held(1);
        bench.settle().await;
        assert_eq!(bench.instances(), 2, "request {n}");
    }
    held(1);
    bench.settle().await;
    assert_eq!(bench.instances(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_instance_serves_128_requests_in_all() {
    let bench = start(|_| {});
    for n in 1..=129 {
        bench.check(&[("double 1", "2")]).await;
        assert_eq!(bench.instances(), if n <= 128 { 1 } else { 2 }, "request {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_instance_lives_for_one_second() {
    let bench = start(|_| {});
    for (pause, instances) in [(0, 1), (900, 1), (1100, 2)] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        bench.check(&[("double 1", "2")]).await;
        assert_eq!(bench.instances(), instances, "after {pause} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn work_spawned_after_the_answer_goes_on_and_its_end_can_be_waited_for() {
    let bench = start(|_| {});
    let began = tokio::time::Instant::now();
    bench.check(&[("spawn sleep 60000 ; set a 1 ; say done", "spawned")]).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(bench.memory.dump().is_empty());
    bench.app.idle().await;
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(bench.memory.dump().len(), 1);
    assert_eq!(bench.count(|event| *event == Event::Line { component: "probe".into(), error: true, text: "done".into() }), 1);
}

#[tokio::test(start_paused = true)]
async fn sleeps_and_clocks_of_a_guest_follow_the_embedders_time() {
    let bench = start(|_| {});
    bench.check(&[("now", "1000"), ("sleep 3600000", "slept 3600"), ("now", "4600")]).await;
    let bench = start(|config| config.clock = Arc::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(7)));
    bench.check(&[("now", "7")]).await;
}

#[tokio::test(start_paused = true)]
async fn the_trace_counts_operations_bytes_and_commits_exactly() {
    let bench = start(|_| {});
    bench.run("/probe", "set a 12\nset a 12\nget a\nset-many b=1 c=23\nincrement n 0\nincrement n 0\nincrement n 1\ndelete a\ndelete a\nexists a").await;
    let seen: Vec<_> = bench
        .events
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| {
            if let Event::Store { operation, keys, bytes, commit, .. } = event {
                Some(format!("{operation} {} {bytes} {commit}", keys.join("+")))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(
        seen,
        [
            "set a 2 true",
            "set a 2 false",
            "get a 2 false",
            "set-many b+c 3 true",
            "increment n 0 true",
            "increment n 0 false",
            "increment n 0 true",
            "delete a 0 true",
            "delete a 0 false",
            "exists a 0 false"
        ]
    );
}

/// Runs the commands with a crash at the n-th point, and says what was left behind.
async fn crash(n: usize) -> (String, usize, usize) {
    let points = Arc::new(AtomicUsize::new(0));
    let fault: Fault = Arc::new(move |_| if points.fetch_add(1, SeqCst) == n { Fate::Trap } else { Fate::Go });
    let bench = start(|config| config.fault = fault);
    let answer = bench.run("/probe", "set a 1\nsend GET https://a.vendor.example/x\nset b 1").await;
    let sent = bench.count(|event| matches!(event, Event::Sent { .. }));
    (answer, bench.memory.dump().len(), sent)
}

#[tokio::test(start_paused = true)]
async fn a_crash_can_be_asked_for_before_and_after_every_effect() {
    for (n, expect) in [(0, (0, 0)), (1, (1, 0)), (2, (1, 0)), (3, (1, 1)), (4, (1, 1)), (5, (2, 1))] {
        let (answer, keys, sent) = crash(n).await;
        assert_eq!((answer.as_str(), keys, sent), ("500", expect.0, expect.1), "point {n}");
    }
    let (answer, keys, sent) = crash(6).await;
    assert_eq!((answer.lines().count(), keys, sent), (3, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_effect_can_be_held_back_while_others_run() {
    let gate = Arc::new(Semaphore::new(0));
    let wait = gate.clone();
    let fault: Fault = Arc::new(move |point| match point.effect {
        Effect::Store { operation: Operation::Set, keys } if keys == ["slow"] && point.moment == Moment::Before => {
            let gate = wait.clone();
            Fate::Wait(Box::pin(async move { gate.acquire().await.unwrap().forget() }))
        }
        _ => Fate::Go,
    });
    let bench = Arc::new(start(|config| config.fault = fault));
    let slow = tokio::spawn({
        let bench = bench.clone();
        async move { bench.run("/probe", "set slow 1").await }
    });
    bench.settle().await;
    bench.check(&[("set fast 1", "()")]).await;
    assert_eq!(bench.memory.dump().len(), 1);
    gate.add_permits(1);
    assert_eq!(slow.await.unwrap(), "()");
    assert_eq!(bench.memory.dump().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn killing_the_application_ends_its_work_where_it_stands() {
    let bench = start(|_| {});
    bench.check(&[("spawn set a 1 ; sleep 5000 ; set b 1", "spawned")]).await;
    bench.settle().await;
    bench.app.kill();
    bench.app.idle().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(bench.memory.dump().len(), 1);
    assert_eq!(bench.count(|event| matches!(event, Event::Trap { .. })), 0, "a kill is no trap");
    bench.check(&[("set c 1", "500")]).await;
    assert_eq!(bench.memory.dump().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_component_stored_on_disk_is_there_after_a_restart() {
    let folder = std::env::temp_dir().join(format!("firstline-host-restart-{}", std::process::id()));
    for (command, expect) in [("set a 1\nincrement n 5", "()\n5"), ("get a\nincrement n 1", "Some([49])\n6")] {
        let disk = Arc::new(Disk::open(&folder.join("store.redb")).unwrap());
        let bench = start(|config| config.backend = disk.clone());
        assert_eq!(bench.run("/probe", command).await, expect);
        drop(bench);
        // The file can be opened again once the last instance is gone.
        while Arc::strong_count(&disk) > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn increments_from_many_requests_at_once_are_all_counted() {
    let bench = Arc::new(start(|_| {}));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { bench.run("/probe", "increment n 1").await.parse::<i64>().unwrap() })
        })
        .collect();
    let mut sums = Vec::new();
    for task in tasks {
        sums.push(task.await.unwrap());
    }
    sums.sort_unstable();
    assert_eq!(sums, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_long_body_reaches_the_component_as_it_comes() {
    let bench = start(|_| {});
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(firstline_host::serve::serve(bench.app.clone(), listener));
    let ask = async |path: &str, size: usize| {
        let answer = crate::conformance::client::send(address, post(path, vec![b'x'; size])).await.unwrap();
        (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
    };
    assert_eq!(ask("/probe/length", 3_000_000).await, (200, format!("3000000 http://{address}/probe/length")));
    assert_eq!(ask("/probe/early", 3_000_000).await.0, 413);
    assert_eq!(ask("/none", 10).await.0, 404);
}
