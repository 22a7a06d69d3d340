use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chassis::health::{Check, CheckFailure, Health, Policy, Schedule, WorkerLimits};
use chassis::lifecycle::State;
use chassis::operations::{self, Audience, BuildInfo};
use chassis::presenter::Presenter;
use chassis::testing::{LogCapture, TestServer};
use tokio::runtime::Handle;

use crate::harness::{Plain, SOON, get, start};

#[derive(Default)]
struct Store {
    down: AtomicBool,
}

#[async_trait]
impl Check for Store {
    fn name(&self) -> &'static str {
        "store"
    }

    async fn check(&self) -> Result<(), CheckFailure> {
        if self.down.load(Ordering::SeqCst) {
            let failure = CheckFailure::new("unreachable");
            return Err(failure.with_detail("no route to db7"));
        }
        Ok(())
    }
}

async fn serve(health: &Health, audience: Audience) -> TestServer {
    let presenter: Arc<dyn Presenter> = Arc::new(Plain);
    let build = BuildInfo::default();
    start(operations::router(health, &build, audience, &presenter)).await
}

/// The answers of `/ping`, `/liveness`, `/readiness` and `/startup`, at both of their places.
async fn answers(health: &Health) -> [bool; 4] {
    let server = serve(health, Audience::Public).await;
    let mut answers = [false; 4];
    for (answer, name) in answers
        .iter_mut()
        .zip(["ping", "liveness", "readiness", "startup"])
    {
        let status = get(server.url(&format!("/{name}"))).await.status();
        assert_eq!(
            get(server.url(&format!("/-/{name}"))).await.status(),
            status
        );
        assert!([200, 503].contains(&status.as_u16()), "{name}: {status}");
        *answer = status == 200;
    }
    answers
}

fn is_ready(health: &Health) -> bool {
    health.condition(&[]).state.answers().readiness
}

async fn becomes(health: &Health, state: State) {
    let waiting = async {
        while health.condition(&[]).state != state {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, waiting)
        .await
        .expect("the state");
}

fn watched(health: &Health, policy: Policy) -> (Arc<Store>, chassis::health::Upstream) {
    let store = Arc::new(Store::default());
    let schedule = Schedule {
        interval: Duration::from_millis(20),
        policy,
        ..Schedule::default()
    };
    let upstream = health.watch(Arc::<Store>::clone(&store), schedule);
    (store, upstream)
}

#[tokio::test]
async fn each_probe_answers_as_the_truth_table_says() {
    const YES: bool = true;
    const NO: bool = false;

    let health = Health::new();
    assert_eq!(answers(&health).await, [YES, YES, NO, NO], "starting");
    health.started();
    assert_eq!(answers(&health).await, [YES, YES, YES, YES], "ready");
    for (policy, ready) in [(Policy::Required, NO), (Policy::Degraded, YES)] {
        let health = Health::new();
        health.started();
        let (store, _) = watched(&health, policy);
        becomes(&health, State::Ready).await;
        store.down.store(true, Ordering::SeqCst);
        becomes(&health, State::Degraded { ready }).await;
        assert_eq!(
            answers(&health).await,
            [YES, YES, ready, YES],
            "degraded: {policy:?}"
        );
    }
    for (shows, ready) in [(true, NO), (false, YES)] {
        health.drain(shows);
        assert_eq!(
            answers(&health).await,
            [YES, YES, ready, YES],
            "draining: {shows}"
        );
    }
    let limits = WorkerLimits {
        // Long enough that a busy machine does not look like one that slept.
        sample_interval: Duration::from_millis(200),
        ..WorkerLimits::default()
    };
    health.watch_workers(&Handle::current(), limits).unwrap();
    let _silent = health.heartbeat("a task", Duration::from_millis(50));
    becomes(&health, State::Stuck).await;
    assert_eq!(answers(&health).await, [YES, NO, NO, YES], "stuck");
}

#[tokio::test(start_paused = true)]
async fn readiness_follows_the_first_request_that_fails_and_its_return() {
    let health = Health::new();
    health.started();
    let store = Arc::new(Store::default());
    // The schedule alone would take an hour.
    let rarely = Schedule {
        interval: Duration::from_hours(1),
        ..Schedule::default()
    };
    let upstream = health.watch(Arc::<Store>::clone(&store), rarely);
    becomes(&health, State::Ready).await;
    store.down.store(true, Ordering::SeqCst);
    upstream.failed(CheckFailure::new("unreachable"));
    assert!(!is_ready(&health));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!is_ready(&health), "the check agrees");
    store.down.store(false, Ordering::SeqCst);
    let returned = tokio::time::timeout(Duration::from_secs(1), becomes(&health, State::Ready));
    assert!(
        returned.await.is_ok(),
        "the check looks often while the upstream fails"
    );
    store.down.store(true, Ordering::SeqCst);
    upstream.failed(CheckFailure::new("unreachable"));
    upstream.succeeded();
    assert!(is_ready(&health), "a request that succeeds proves it too");
}

#[tokio::test(start_paused = true)]
async fn requests_that_succeed_spare_the_upstream_the_check() {
    let health = Health::new();
    health.started();
    let (store, upstream) = watched(&health, Policy::Required);
    becomes(&health, State::Ready).await;
    store.down.store(true, Ordering::SeqCst);
    for _ in 0..60 {
        upstream.succeeded();
        assert!(is_ready(&health));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    becomes(&health, State::Degraded { ready: false }).await;
}

#[tokio::test(start_paused = true)]
async fn failures_and_successes_count_only_in_a_row() {
    let health = Health::new();
    health.started();
    let patient = Schedule {
        interval: Duration::from_hours(1),
        failures_to_fail: 3,
        successes_to_recover: 2,
        ..Schedule::default()
    };
    let upstream = health.watch(Arc::new(Store::default()), patient);
    becomes(&health, State::Ready).await;
    let failure = || CheckFailure::new("unreachable");
    for _ in 0..5 {
        upstream.failed(failure());
        upstream.failed(failure());
        upstream.succeeded();
        upstream.succeeded();
    }
    assert!(is_ready(&health));
    (0..3).for_each(|_| upstream.failed(failure()));
    assert!(!is_ready(&health));
    upstream.succeeded();
    assert!(!is_ready(&health));
    upstream.succeeded();
    assert!(is_ready(&health));
}

#[tokio::test(start_paused = true)]
async fn one_outage_is_one_story_in_the_log() {
    let log = LogCapture::start("info");
    let health = Health::new();
    let (store, upstream) = watched(&health, Policy::Required);
    becomes_ready(&health).await;
    store.down.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        upstream.failed(CheckFailure::new("unreachable").with_detail("no route to db7"));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    store.down.store(false, Ordering::SeqCst);
    becomes_ready(&health).await;
    // Some requests fail, others succeed: it is the same outage.
    for _ in 0..20 {
        upstream.failed(CheckFailure::new("unreachable"));
        upstream.succeeded();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let is_told = || log.lines().iter().any(|line| line.contains("is back"));
    let told = async {
        while !is_told() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, told)
        .await
        .expect("the end of the outage");
    let lines = log.lines();
    let of = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(
        (of("upstream fails"), of("upstream is back")),
        (1, 1),
        "{lines:?}"
    );
    assert_eq!(
        (of("upstream is reachable"), of("no route to db7")),
        (1, 1),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3, "{lines:?}");
}

async fn becomes_ready(health: &Health) {
    health.started();
    becomes(health, State::Ready).await;
}

#[tokio::test]
async fn operators_may_ask_for_more_and_leave_upstreams_out() {
    let health = Health::new();
    let (store, _) = watched(&health, Policy::Required);
    becomes_ready(&health).await;
    store.down.store(true, Ordering::SeqCst);
    becomes(&health, State::Degraded { ready: false }).await;
    let operators = serve(&health, Audience::Operators).await;
    let ask = async |server: &TestServer, query: &str| {
        let answer = get(server.url(&format!("/readiness{query}"))).await;
        let status = answer.status().as_u16();
        (
            status,
            answer.json::<serde_json::Value>().await.unwrap()["attributes"].clone(),
        )
    };
    let (status, told) = ask(&operators, "?verbose").await;
    assert_eq!((status, &told["storePolicy"]), (503, &"required".into()));
    assert!(told["storeAgeMillis"].is_u64(), "{told}");
    let (status, told) = ask(&operators, "?exclude=store&exclude=other").await;
    assert_eq!((status, &told["store"]), (200, &"excluded".into()));
    assert_eq!(told["excludedButUnknown"], serde_json::json!(["other"]));
    let public = serve(&health, Audience::Public).await;
    let (status, told) = ask(&public, "?verbose&exclude=store").await;
    assert_eq!((status, told.get("storePolicy")), (503, None));
}
