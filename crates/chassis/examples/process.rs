//! A whole process for the tests in `tests/e2e` that need one of their own.
//!
//! `process logs-much` and `process panics` log and end; `process serves` answers `/hello`, logs
//! its URL and has to be killed.

use axum::Router;
use axum::routing::get;
use chassis::telemetry::{self, LogMode};
use chassis::testing::TestServer;

#[tokio::main]
async fn main() {
    let _guard = telemetry::init(LogMode::Json, "info").expect("a log");
    match std::env::args().nth(1).as_deref() {
        Some("logs-much") => {
            for number in 0..50_000_u64 {
                tracing::info!(number, "line");
            }
        }
        Some("panics") => {
            let span = tracing::error_span!("request", request_id = "my-id");
            span.in_scope(|| panic!("out of\nluck"));
        }
        Some("serves") => {
            let hello = Router::new().route("/hello", get(async || "hello"));
            let server = TestServer::start(hello).await;
            tracing::info!(url = server.url("/hello"), "serving");
            std::future::pending::<()>().await;
        }
        other => panic!("there is nothing to do for {other:?}"),
    }
}
