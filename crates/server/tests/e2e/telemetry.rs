//! What a process tells of itself: log, metrics, traces.

mod collector;
mod export;
mod floods;
mod logs;
mod metrics;
mod observability;

use reqwest::Method;

use crate::harness::{Answer, Server, Setup};

/// The text of `/metrics`.
async fn metrics_of(server: &Server) -> String {
    let answer = Answer::to(server.admin_request(Method::GET, "/metrics")).await;
    assert_eq!(answer.status, 200);
    answer.text().to_owned()
}

/// What a process shows that exports, and was asked for what is there and for what is not.
async fn all_metrics() -> String {
    let server = Setup::fresh()
        .arguments(["--otlp-endpoint", "http://127.0.0.1:1"])
        .start()
        .await;
    server.get("/contacts").await.document(200);
    server.get("/nowhere").await;
    metrics_of(&server).await
}

/// The value of a series, as it stands in `/metrics`.
fn value_of(metrics: &str, series: &str) -> Option<f64> {
    let mut values = metrics.lines().filter_map(|line| line.strip_prefix(series));
    let value = values.find_map(|rest| rest.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}

/// The names of samples, without the endings that histograms give them.
fn names_in(metrics: &str) -> Vec<&str> {
    let described = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    described
        .map(|line| line.split(' ').next().unwrap())
        .collect()
}
