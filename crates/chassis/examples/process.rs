//! A whole process for the tests in `tests/e2e` that need one of their own.
//!
//! `process logs-much` and `process panics` log and end; `process serves` answers `/hello`, logs
//! its URL and has to be killed; `process hangs` and `process wedges` do nothing more, the one at
//! its end, the other with all of its workers, and are ended by what is to end them.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::health::{Health, Heartbeat, WorkerLimits};
use chassis::lifecycle;
use chassis::telemetry::{self, LogSettings};
use chassis::testing::TestServer;
use tokio::runtime::Handle;

#[tokio::main]
async fn main() {
    let _guard = telemetry::init(&LogSettings::default(), Heartbeat::unwatched()).expect("a log");
    match std::env::args().nth(1).as_deref() {
        Some("logs-much") => {
            for number in 0..50_000_u64 {
                tracing::info!(number, "line");
            }
        }
        Some("panics") => {
            let span = tracing::error_span!("request", http.request.id = "my-id");
            span.in_scope(|| panic!("out of\nluck"));
        }
        Some("serves") => {
            let hello = Router::new().route("/hello", get(async || "hello"));
            let server = TestServer::start(hello).await;
            tracing::info!(url = server.url("/hello"), "serving");
            std::future::pending::<()>().await;
        }
        Some("hangs") => {
            lifecycle::force_exit_after(Duration::from_millis(200), 70).expect("a thread");
            std::thread::sleep(Duration::MAX);
        }
        Some("wedges") => {
            let health = Health::new();
            let limits = WorkerLimits {
                sample_interval: Duration::from_millis(50),
                slow_after: Duration::from_millis(250),
                stuck_after: Duration::from_millis(500),
                exit_when_all_are_stuck: Some(71),
            };
            health
                .watch_workers(&Handle::current(), limits)
                .expect("a thread");
            for _ in 0..Handle::current().metrics().num_workers() {
                tokio::spawn(async { std::thread::sleep(Duration::MAX) });
            }
            std::future::pending::<()>().await;
        }
        other => panic!("there is nothing to do for {other:?}"),
    }
}
