//! What bad requests can make a process log.

use serde_json::Value;

use crate::harness::{Server, Setup, Wire};

/// Sends requests of one kind, many at once, and reads all answers.
async fn send_many(server: &Server, request: &str, count: usize) {
    const AT_ONCE: usize = 100;
    let mut wire = Wire::connect(server.address()).await;
    for _ in 0..count / AT_ONCE {
        wire.send(request.repeat(AT_ONCE)).await;
        for _ in 0..AT_ONCE {
            wire.read_answer().await;
        }
    }
}

#[tokio::test]
async fn a_flood_of_bad_requests_is_logged_in_part_and_counted() {
    const BAD: usize = 20_000;
    const GOOD: usize = 500;
    let server = Setup::fresh().start().await;
    send_many(
        &server,
        "GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n",
        BAD,
    )
    .await;
    let good = "GET /fibonacci/list?count=1 HTTP/1.1\r\nhost: localhost\r\n\r\n";
    send_many(&server, good, GOOD).await;
    let lines = server.terminate_and_read().await;
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    assert!(bytes < 2 * 1024 * 1024, "{bytes}");
    let values: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let with = |status: u64| {
        let has = |line: &&Value| line["http.response.status_code"] == status;
        values.iter().filter(has).count()
    };
    let left_out: u64 = values
        .iter()
        .filter_map(|line| line["lines_left_out"].as_u64())
        .sum();
    assert!(left_out > 0);
    assert_eq!(with(404) as u64 + left_out, BAD as u64);
    assert_eq!(with(200), GOOD + of_probes(&values));
}

/// The harness asks until the process is ready; such lines are at level debug.
fn of_probes(lines: &[Value]) -> usize {
    let is_probe = |line: &&Value| {
        line["url.path"] == "/readiness" && line["http.response.status_code"] == 200
    };
    lines.iter().filter(is_probe).count()
}

#[tokio::test]
async fn no_request_makes_a_long_line_or_one_that_orders_a_terminal() {
    let server = Server::start().await;
    for request in [
        format!(
            "{} / HTTP/1.1\r\nhost: localhost\r\n\r\n",
            "A".repeat(100_000)
        ),
        format!(
            "GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n",
            "a".repeat(60_000)
        ),
        format!(
            "GET /?{}=1 HTTP/1.1\r\nhost: localhost\r\n\r\n",
            "a".repeat(60_000)
        ),
    ] {
        let mut wire = Wire::connect(server.address()).await;
        wire.send(&request).await;
        wire.read_answer().await;
    }
    let mut wire = Wire::connect(server.address()).await;
    let path = "/\u{9b}31m\u{202e}\u{2028}";
    wire.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"))
        .await;
    wire.read_answer().await;
    let shown = |line: &Value| line["url.path"] == path;
    server.log().matching(shown).await;
    for line in server.log().lines() {
        assert!(line.len() < 8 * 1024, "{} bytes", line.len());
        let hazard = |one: char| one.is_control() || "\u{202e}\u{2028}".contains(one);
        assert!(!line.contains(hazard), "{line:?}");
    }
}
