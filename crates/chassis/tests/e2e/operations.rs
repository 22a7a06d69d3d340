use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chassis::health::{Check, CheckFailure, Health, Policy, Schedule};
use chassis::lifecycle::State;
use chassis::operations::{self, Audience, BuildInfo};
use chassis::presenter::Presenter;
use chassis::testing::TestServer;
use serde_json::Value;

use crate::harness::{Plain, SOON, becomes_true, get, header_of, start};

#[derive(Default)]
struct Store {
    down: AtomicBool,
    silent: AtomicBool,
    panicking: AtomicBool,
    asked: AtomicU64,
}

#[async_trait]
impl Check for Store {
    fn name(&self) -> &'static str {
        "mongodb"
    }

    async fn check(&self) -> Result<(), CheckFailure> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert!(
            !self.panicking.load(Ordering::SeqCst),
            "as the test wants it"
        );
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.down.load(Ordering::SeqCst) {
            Err(CheckFailure::new("unreachable").with_detail("no route to db7"))
        } else {
            Ok(())
        }
    }
}

fn quick(policy: Policy) -> Schedule {
    Schedule {
        interval: Duration::from_millis(10),
        // Long enough that a busy machine makes no answer look old.
        timeout: Duration::from_secs(1),
        policy,
        ..Schedule::default()
    }
}

async fn serve(health: &Health) -> TestServer {
    let build = BuildInfo {
        name: "monocoque".to_owned(),
        version: "1.2.3".to_owned(),
        ..BuildInfo::default()
    };
    health.started();
    let presenter: Arc<dyn Presenter> = Arc::new(Plain);
    start(operations::router(
        health,
        &build,
        Audience::Operators,
        &presenter,
    ))
    .await
}

async fn ask(server: &TestServer, path: &str) -> (u16, Value) {
    let response = get(server.url(path)).await;
    assert_eq!(header_of(&response, "cache-control"), "no-store");
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Asks until readiness has `status`, or too much time has passed.
async fn readiness_becomes(server: &TestServer, status: u16) -> Value {
    let asking = async {
        loop {
            let (actual, body) = ask(server, "/readiness").await;
            if actual == status {
                return body["attributes"].clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, asking)
        .await
        .expect("readiness changes in time")
}

#[tokio::test]
async fn ping_tells_what_was_built() {
    let server = serve(&Health::new()).await;
    let (status, body) = ask(&server, "/ping").await;
    assert_eq!((status, &body["kind"]), (200, &"ping".into()));
    // What is not known is left out.
    assert_eq!(
        body["attributes"],
        serde_json::json!({ "name": "monocoque", "version": "1.2.3" })
    );
}

#[tokio::test]
async fn readiness_tells_each_upstream_and_how_long_its_ping_took() {
    let health = Health::new();
    let store = Arc::new(Store::default());
    health.watch(Arc::<Store>::clone(&store), quick(Policy::Required));
    let server = serve(&health).await;
    let attributes = readiness_becomes(&server, 200).await;
    assert_eq!(attributes["mongodb"], "ok");
    assert!(
        attributes["mongodbPingDurationMicros"].is_u64(),
        "{attributes}"
    );
    store.down.store(true, Ordering::SeqCst);
    assert_eq!(
        readiness_becomes(&server, 503).await["mongodb"],
        "unreachable"
    );
    store.down.store(false, Ordering::SeqCst);
    readiness_becomes(&server, 200).await;
}

#[tokio::test]
async fn a_process_is_not_ready_before_the_first_success() {
    for (policy, expected) in [
        (Policy::Required, 503),
        (Policy::Degraded, 503),
        (Policy::Informational, 200),
    ] {
        let health = Health::new();
        let store = Arc::new(Store::default());
        store.down.store(true, Ordering::SeqCst);
        health.watch(store, quick(policy));
        let server = serve(&health).await;
        becomes_true(async || {
            let (status, body) = ask(&server, "/readiness").await;
            assert_eq!(status, expected, "{policy:?}");
            body["attributes"]["mongodb"] == "unreachable"
        })
        .await;
    }
}

#[tokio::test]
async fn a_degraded_upstream_is_reported_and_the_process_stays_ready() {
    let health = Health::new();
    let store = Arc::new(Store::default());
    health.watch(Arc::<Store>::clone(&store), quick(Policy::Degraded));
    let server = serve(&health).await;
    readiness_becomes(&server, 200).await;
    store.down.store(true, Ordering::SeqCst);
    becomes_true(async || {
        let (status, body) = ask(&server, "/readiness").await;
        assert_eq!(status, 200);
        body["attributes"]["mongodb"] == "unreachable"
    })
    .await;
}

#[tokio::test]
async fn a_check_that_does_not_answer_or_panics_is_a_failure() {
    let health = Health::new();
    let store = Arc::new(Store::default());
    health.watch(Arc::<Store>::clone(&store), quick(Policy::Required));
    let server = serve(&health).await;
    readiness_becomes(&server, 200).await;
    store.silent.store(true, Ordering::SeqCst);
    assert_eq!(
        readiness_becomes(&server, 503).await["mongodb"],
        "no answer within 1000 ms"
    );
    store.silent.store(false, Ordering::SeqCst);
    readiness_becomes(&server, 200).await;
    store.panicking.store(true, Ordering::SeqCst);
    assert_eq!(
        readiness_becomes(&server, 503).await["mongodb"],
        "the check panicked"
    );
}

#[tokio::test]
async fn one_failure_among_successes_is_forgiven_when_the_schedule_says_so() {
    let health = Health::new();
    let store = Arc::new(Store::default());
    let patient = Schedule {
        failures_to_fail: u32::MAX,
        ..quick(Policy::Required)
    };
    health.watch(Arc::<Store>::clone(&store), patient);
    let server = serve(&health).await;
    readiness_becomes(&server, 200).await;
    store.down.store(true, Ordering::SeqCst);
    let asked = store.asked.load(Ordering::SeqCst);
    becomes_true(async || store.asked.load(Ordering::SeqCst) > asked + 3).await;
    assert_eq!(ask(&server, "/readiness").await.0, 200);
}

#[test]
fn a_result_that_nobody_renews_is_a_failure() {
    let health = Health::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        health.watch(Arc::new(Store::default()), quick(Policy::Required));
        health.started();
        becomes_true(async || health.condition(&[]).state == State::Ready).await;
    });
    // The schedule ends with its runtime.
    drop(runtime);
    std::thread::sleep(Duration::from_millis(3 * 10 + 2 * 1000 + 20));
    let condition = health.condition(&[]);
    assert!(!condition.state.answers().readiness);
    assert_eq!(
        condition.upstreams[0].failure.as_deref(),
        Some("the last check is too old")
    );
}

#[tokio::test]
async fn probes_do_not_reach_the_upstream() {
    let health = Health::new();
    let store = Arc::new(Store::default());
    let rarely = Schedule {
        interval: Duration::from_hours(1),
        ..Schedule::default()
    };
    health.watch(Arc::<Store>::clone(&store), rarely);
    let server = serve(&health).await;
    readiness_becomes(&server, 200).await;
    for _ in 0..20 {
        ask(&server, "/readiness").await;
        ask(&server, "/liveness").await;
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_checks_end_with_the_health() {
    let health = Health::new();
    let store = Arc::new(Store::default());
    health.watch(Arc::<Store>::clone(&store), quick(Policy::Required));
    becomes_true(async || store.asked.load(Ordering::SeqCst) > 0).await;
    drop(health);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let asked = store.asked.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(store.asked.load(Ordering::SeqCst), asked);
}

#[tokio::test]
async fn a_draining_process_is_alive_and_not_ready() {
    let health = Health::new();
    let server = serve(&health).await;
    assert_eq!(ask(&server, "/readiness").await.0, 200);
    health.drain(true);
    let (status, body) = ask(&server, "/readiness").await;
    assert_eq!(
        (status, &body["attributes"]["state"]),
        (503, &"draining".into())
    );
    assert_eq!(ask(&server, "/liveness").await.0, 200);
    assert_eq!(ask(&server, "/ping").await.0, 200);
}
