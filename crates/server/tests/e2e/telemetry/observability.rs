//! The files of `deploy/observability` are about metrics that there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{all_metrics, names_in};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/observability")
}

/// The names of metrics in expressions: words before a brace, a bracket or an operator that begin
/// as ours do.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let of_name = |one: char| one.is_ascii_alphanumeric() || one == '_';
    let ours = [
        "http_server_",
        "db_client_",
        "process_",
        "tokio_",
        "upstream_",
        "log_lines_",
        "otlp_",
        "answer_cache_",
        "rounds_",
        "mongodb_",
        "build_info",
        "telemetry_",
    ];
    let labels = [
        "http_route",
        "http_request_method",
        "http_response_status_code",
    ];
    text.split(|one| !of_name(one))
        .filter(|word| ours.iter().any(|prefix| word.starts_with(prefix)))
        .filter(|word| !labels.contains(word))
        .map(str::to_owned)
        .collect()
}

/// Those that are there only over MongoDB, or once something has happened that does not here.
const ELSEWHERE: [&str; 4] = [
    "mongodb_circuit_open",
    "db_client_connection_count",
    "db_client_connection_pending_requests",
    "db_client_connection_timeouts_total",
];

#[tokio::test]
async fn every_metric_of_the_dashboard_and_of_the_alerts_is_one_of_a_live_process() {
    let metrics = all_metrics().await;
    let names = names_in(&metrics);
    let is_known = |name: &str| {
        let endings = ["", "_bucket", "_sum", "_count"];
        let plain = endings
            .iter()
            .filter_map(|ending| name.strip_suffix(ending));
        ELSEWHERE.contains(&name) || plain.into_iter().any(|plain| names.contains(&plain))
    };
    for file in ["dashboard.json", "alerts.yaml"] {
        let text = std::fs::read_to_string(folder().join(file)).unwrap();
        let used = metrics_in(&text);
        assert!(used.len() > 8, "{file}: {used:?}");
        let unknown: Vec<_> = used.iter().filter(|name| !is_known(name)).collect();
        assert!(unknown.is_empty(), "{file} asks for {unknown:?}");
    }
}

#[test]
fn every_alert_has_a_row_in_the_page_and_says_what_to_do() {
    let page = include_str!("../../../../../docs/observability.md");
    let alerts = std::fs::read_to_string(folder().join("alerts.yaml")).unwrap();
    let names: Vec<_> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(names.len() > 8, "{names:?}");
    for name in &names {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
    assert_eq!(alerts.matches("summary: ").count(), names.len());
}
