//! The end of a process: signals and the drain.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, Setup, Wire};

const PING: &str = "GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn door_is_closed(line: &Value) -> bool {
    line["message"] == "no longer accepting connections"
}

async fn on_admin(server: &Server, path: &str) -> u16 {
    Answer::to(server.admin_request(Method::GET, path))
        .await
        .status
}

/// A connection that has had an answer and stays open.
async fn kept_connection(server: &Server) -> Wire {
    let mut kept = Wire::connect(server.address()).await;
    kept.send(PING).await;
    kept.read_until("\r\n\r\n").await;
    kept
}

#[tokio::test]
async fn readiness_goes_off_before_the_door_is_closed_and_operations_answer_until_the_end() {
    let mut server = Setup::fresh()
        .variable("MONOCOQUE_DRAIN_DELAY_MS", "700ms")
        .variable("MONOCOQUE_DRAIN_QUIET_MS", "700ms")
        .start()
        .await;
    let mut kept = Wire::connect(server.address()).await;
    server.begin_to_terminate();
    server
        .log()
        .matching(|line| line["signal"] == "SIGTERM")
        .await;
    while on_admin(&server, "/readiness").await != 503 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The door is open: new connections are served, and told that they had better go.
    let mut late = Wire::connect(server.address()).await;
    late.send(PING.replace("/ping", "/readiness")).await;
    assert!(
        late.read_until("\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 503 ")
    );
    kept.send(PING).await;
    assert!(
        kept.read_until("\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    server.log().matching(door_is_closed).await;
    for path in ["/liveness", "/ping", "/startup", "/-/startup"] {
        assert_eq!(on_admin(&server, path).await, 200, "{path}");
    }
    assert_eq!(on_admin(&server, "/readiness").await, 503);
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test]
async fn connections_from_before_the_signal_end_with_an_answer_during_the_delay_and_new_ones_stay()
{
    let mut server = Setup::fresh()
        .variable("MONOCOQUE_DRAIN_DELAY_MS", "5m")
        .start()
        .await;
    let mut kept = Wire::connect(server.address()).await;
    kept.send(PING).await;
    assert!(!is_last(&kept.read_answer().await));
    server.begin_to_terminate();
    loop {
        kept.send(PING).await;
        if is_last(&kept.read_answer().await) {
            break;
        }
    }
    assert_eq!(kept.read_to_end().await, "");
    let mut new = Wire::connect(server.address()).await;
    for _ in 0..2 {
        new.send(PING).await;
        assert!(!is_last(&new.read_answer().await));
    }
    server.signal("INT");
    assert_eq!(server.ended().await.code(), Some(0));
}

fn is_last(answer: &str) -> bool {
    answer
        .to_ascii_lowercase()
        .contains("\r\nconnection: close\r\n")
}

#[tokio::test]
async fn the_drain_shows_in_readiness_when_the_setting_says_so() {
    for (when, early, late) in [("after-delay", 200, 503), ("never", 200, 200)] {
        let mut server = Setup::fresh()
            .variable("MONOCOQUE_DRAIN_READINESS", when)
            .variable("MONOCOQUE_DRAIN_DELAY_MS", "400ms")
            .variable("MONOCOQUE_DRAIN_QUIET_MS", "500ms")
            .start()
            .await;
        // It keeps the process for the quiet time.
        let _kept = kept_connection(&server).await;
        server.begin_to_terminate();
        server
            .log()
            .matching(|line| line["signal"] == "SIGTERM")
            .await;
        assert_eq!(on_admin(&server, "/readiness").await, early, "{when}");
        server.log().matching(door_is_closed).await;
        assert_eq!(on_admin(&server, "/readiness").await, late, "{when}");
        assert_eq!(server.ended().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_wait() {
    let mut server = Setup::fresh()
        .variable("MONOCOQUE_DRAIN_DELAY_MS", "5m")
        .variable("MONOCOQUE_DRAIN_QUIET_MS", "5m")
        .start()
        .await;
    let _kept = kept_connection(&server).await;
    server.begin_to_terminate();
    server
        .log()
        .matching(|line| line["message"] == "told to stop")
        .await;
    server.signal("INT");
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test]
async fn other_signals_are_noted_and_the_process_goes_on() {
    let server = Server::start().await;
    for (name, message) in [
        ("HUP", "told to look at the files of TLS again"),
        ("USR2", "signal ignored"),
    ] {
        server.signal(name);
        let signal = format!("SIG{name}");
        let noted = |line: &Value| line["signal"] == signal.as_str();
        let noted = server.log().matching(noted).await;
        assert_eq!(noted[0]["message"], message);
    }
    for name in ["QUIT", "USR1"] {
        let dumps = |line: &Value| line["message"] == "state of the process";
        let before = server.log().values().into_iter().filter(dumps).count();
        server.signal(name);
        let deadline = Instant::now() + crate::harness::SOON;
        while server.log().values().into_iter().filter(dumps).count() == before {
            assert!(Instant::now() < deadline, "no dump after {name}");
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        assert_eq!(server.log().matching(dumps).await[0]["state"], "ready");
    }
    server.get("/contacts").await.document(200);
    assert_eq!(server.terminate().await.code(), Some(0));
}

/// Clients that keep their connections and turn to the other process only when one refuses them.
#[tokio::test]
async fn restarts_in_turn_lose_and_double_no_request_of_clients_that_keep_connections() {
    const CLIENTS: usize = 8;
    const RESTARTS: usize = 4;

    let start = || async {
        Setup::fresh()
            .variable("MONOCOQUE_DRAIN_DELAY_MS", "50ms")
            .variable("MONOCOQUE_DRAIN_QUIET_MS", "300ms")
            .start()
            .await
    };
    let (one, other) = (start().await, start().await);
    let addresses = std::sync::Arc::new(std::sync::Mutex::new([one.address(), other.address()]));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let client = |number: usize| {
        let (addresses, stopped) = (addresses.clone(), stopped.clone());
        tokio::spawn(async move {
            let mut answered = 0_u64;
            let mut at = number;
            while !*stopped.borrow() {
                let address = addresses.lock().unwrap()[at % 2];
                let Some(mut wire) = Wire::try_connect(address).await else {
                    at += 1;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                };
                answered += requests_until_closed(&mut wire, &stopped).await;
            }
            answered
        })
    };
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    let mut running = [Some(one), Some(other)];
    let mut created = 0;
    for turn in 0..RESTARTS {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let old = running[turn % 2].take().unwrap();
        let store = old.store().clone();
        let lines = old.terminate_and_read().await;
        created += posts_done(&lines);
        let new = Setup::on(&store)
            .variable("MONOCOQUE_DRAIN_DELAY_MS", "50ms")
            .variable("MONOCOQUE_DRAIN_QUIET_MS", "300ms")
            .start()
            .await;
        addresses.lock().unwrap()[turn % 2] = new.address();
        running[turn % 2] = Some(new);
    }
    stop.send_replace(true);
    let mut answered = 0;
    for client in clients {
        answered += client.await.expect("no request was lost");
    }
    for server in running.into_iter().flatten() {
        created += posts_done(&server.terminate_and_read().await);
    }
    assert!(answered > 100, "{answered}");
    assert_eq!(created, answered, "as many contacts as answers");
}

fn posts_done(lines: &[String]) -> u64 {
    let of = |line: &&String| {
        line.contains(r#""http.request.method":"POST""#)
            && line.contains(r#""http.response.status_code":201"#)
    };
    lines.iter().filter(of).count() as u64
}

/// Sends a request after each answer, and panics when one that was sent is not answered.
async fn requests_until_closed(
    wire: &mut Wire,
    stopped: &tokio::sync::watch::Receiver<bool>,
) -> u64 {
    let body = json!({"firstName": "Ada"}).to_string();
    let head = "POST /contacts HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let mut answered = 0;
    while !*stopped.borrow() {
        wire.send(&request).await;
        let answer = wire.read_answer().await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        answered += 1;
        if is_last(&answer) {
            return answered;
        }
    }
    answered
}
