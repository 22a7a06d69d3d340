//! `/metrics`.

use reqwest::Method;

use super::{all_metrics, metrics_of, names_in, value_of};
use crate::harness::{Answer, Server, Setup, Wire};

#[tokio::test]
async fn requests_are_measured_under_the_names_of_opentelemetry() {
    let server = Server::start().await;
    server.get("/contacts").await.document(200);
    server.get("/contacts/none").await;
    server.get("/nowhere").await;
    let metrics = metrics_of(&server).await;
    let count = |labels: &str| {
        let series = format!("http_server_request_duration_seconds_count{{{labels}}}");
        value_of(&metrics, &series)
    };
    let listed =
        r#"http_request_method="GET",http_response_status_code="200",http_route="/contacts""#;
    assert_eq!(count(listed), Some(1.0), "{metrics}");
    let unfit =
        r#"http_request_method="GET",http_response_status_code="400",http_route="/contacts/{id}""#;
    assert_eq!(count(unfit), Some(1.0), "{metrics}");
    let nowhere = r#"http_request_method="GET",http_response_status_code="404""#;
    assert_eq!(count(nowhere), Some(1.0), "{metrics}");
    let refused = r#"http_server_refusals_total{error_type="not_found"}"#;
    assert_eq!(value_of(&metrics, refused), Some(1.0), "{metrics}");
    let called = "db_client_operation_duration_seconds_count{db_collection_name=\"contacts\",\
                  db_operation_name=\"list\",db_system_name=\"sqlite\"}";
    assert_eq!(value_of(&metrics, called), Some(1.0), "{metrics}");
    assert_eq!(
        value_of(&metrics, r#"upstream_up{upstream="sqlite"}"#),
        Some(1.0)
    );
    for name in [
        "process_open_fds",
        "process_resident_memory_bytes",
        "tokio_workers",
    ] {
        assert!(value_of(&metrics, name).unwrap() > 0.0, "{name}");
    }
    // They are for those who run the process.
    server.get("/metrics").await.error(404, "not_found");
}

/// A method and a path that nobody else sends.
fn made_up(number: usize) -> (String, String) {
    match number % 3 {
        0 => (format!("M{number}"), format!("/p{number}/x")),
        1 => ("GET".to_owned(), format!("/contacts/{number}?q{number}=1")),
        _ => (format!("X{number}"), "/contacts".to_owned()),
    }
}

#[tokio::test]
async fn series_are_few_whatever_clients_send() {
    const REQUESTS: usize = 10_000;
    const AT_ONCE: usize = 50;
    let server = Setup::fresh()
        .arguments(["--log-filter", "warn,monocoque=info"])
        .start()
        .await;
    let mut wire = Wire::connect(server.address()).await;
    for batch in 0..REQUESTS / AT_ONCE {
        let mut requests = String::new();
        for number in batch * AT_ONCE..(batch + 1) * AT_ONCE {
            let (method, path) = made_up(number);
            requests += &[&method, " ", &path, " HTTP/1.1\r\nhost: localhost\r\n\r\n"].concat();
        }
        wire.send(&requests).await;
        for _ in 0..AT_ONCE {
            wire.read_answer().await;
        }
    }
    let metrics = metrics_of(&server).await;
    let counts = metrics
        .lines()
        .filter(|line| line.starts_with("http_server_request_duration_seconds_count{"));
    let counts: Vec<f64> = counts
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    // With the probes of the harness.
    assert!(counts.len() < 10, "{counts:?}");
    assert!(counts.iter().sum::<f64>() >= 10_000.0, "{counts:?}");
    assert!(metrics.lines().count() < 500, "{}", metrics.lines().count());
}

#[tokio::test]
async fn openmetrics_has_exemplars_of_recorded_traces_and_the_older_format_none() {
    let server = Server::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = server.request(Method::GET, "/contacts");
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    Answer::to(request.header("traceparent", parent))
        .await
        .document(200);
    let request = server.admin_request(Method::GET, "/-/metrics");
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    let answer = Answer::to(request.header("accept", accept)).await;
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    assert!(answer.text().ends_with("# EOF\n"));
    assert!(
        answer.text().contains(&format!("# {{trace_id=\"{trace}\"")),
        "{}",
        answer.text()
    );
    assert!(!metrics_of(&server).await.contains(trace));
}

#[tokio::test]
async fn without_metrics_there_is_no_route_and_without_traces_no_id() {
    let server = Setup::fresh()
        .arguments(["--metrics", "false", "--trace-context", "false"])
        .start()
        .await;
    server.get("/contacts").await.document(200);
    let answer = Answer::to(server.admin_request(Method::GET, "/metrics")).await;
    answer.error(404, "not_found");
    let lines = server
        .log()
        .matching(|line| line["message"] == "request")
        .await;
    assert_eq!(lines[0].get("trace.id"), None);
}

const PAGE: &str = include_str!("../../../../../docs/observability.md");

#[tokio::test]
async fn every_metric_of_a_live_process_has_a_row_in_the_page() {
    let metrics = all_metrics().await;
    let names = names_in(&metrics);
    assert!(names.len() > 30, "{names:?}");
    let unknown: Vec<_> = names
        .iter()
        .filter(|name| !PAGE.contains(&format!("`{name}`")))
        .collect();
    assert!(unknown.is_empty(), "without a row: {unknown:?}");
}

#[tokio::test]
async fn no_series_stands_twice() {
    let server = Setup::fresh().arguments(["--proxy-protocol", "true"]);
    let server = server.arguments(["--trusted-proxies", "127.0.0.1"]);
    let server = server.start_unready().await;
    // Every connection begins with no header of the PROXY protocol, and is refused.
    for _ in 0..2 {
        let request = server.request(Method::GET, "/contacts");
        assert!(request.send().await.is_err());
    }
    let metrics = metrics_of(&server).await;
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let mut series: Vec<&str> = lines.map(|line| line.rsplit_once(' ').unwrap().0).collect();
    let refused = "http_server_connections_refused_total{reason=\"proxy_header\"}";
    assert!(
        value_of(&metrics, refused).is_some_and(|count| count >= 2.0),
        "{metrics}"
    );
    series.sort_unstable();
    let twice: Vec<_> = series
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .collect();
    assert!(twice.is_empty(), "{twice:?}");
}
