use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::{create, feed, feed_after, notes, notes_on, update};
use crate::harness::{Answer, SOON, Server, Store};

async fn asked(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::to(request).await
}

#[tokio::test]
async fn what_is_no_request_for_a_feed_is_refused() {
    let (server, _folder) = notes().await;
    let path = "/notes/-/changes";
    let refused = asked(&server, path, &[("accept", "application/vnd.api+json")]).await;
    refused.error(406, "not_acceptable");
    for (query, parameter) in [
        ("sort=n", "sort"),
        ("page[size]=1", "page[size]"),
        ("include=next", "include"),
        ("filter=has(back)", "filter"),
        ("filter[next.text]=a", "filter"),
        ("other=1", "other"),
    ] {
        let refused = asked(&server, &format!("{path}?{query}"), &[]).await;
        let error = refused.error(400, "invalid_query_parameter");
        assert_eq!(error["source"]["parameter"], parameter, "{query}");
    }
    let foreign = {
        let mut other = feed(&server, "/notes/-/changes?filter[n]=1").await;
        other.last_event_id.take().unwrap()
    };
    for id in ["", "x", &foreign] {
        let refused = asked(&server, path, &[("last-event-id", id)]).await;
        let error = refused.error(400, "invalid_last_event_id");
        assert_eq!(error["source"]["header"], "Last-Event-ID");
        let refused = asked(&server, &format!("{path}?lastEventId={id}"), &[]).await;
        let error = refused.error(400, "invalid_last_event_id");
        assert_eq!(error["source"]["parameter"], "lastEventId");
    }
    let wrong = server.send_document(Method::POST, path, &json!({})).await;
    wrong.error(405, "method_not_allowed");
    let other = asked(&server, "/notes/-/other", &[]).await;
    other.error(404, "relationship_not_found");
}

#[tokio::test]
async fn more_feeds_or_readers_than_there_may_be_are_refused() {
    let settings = [
        ("MONOCOQUE_FEEDS_MAX", "2"),
        ("MONOCOQUE_FEED_READERS_MAX", "3"),
    ];
    let (server, _folder) = notes_on(&Store::fresh(), &settings).await;
    let one = feed(&server, "/notes/-/changes").await;
    let two = feed(&server, "/labels/-/changes").await;
    let third = asked(&server, "/notes/-/changes?filter[n]=1", &[]).await;
    third.error(503, "too_many_feeds");
    // A reader of what others read already makes no feed.
    let three = feed(&server, "/notes/-/changes").await;
    let fourth = asked(&server, "/notes/-/changes", &[]).await;
    fourth.error(503, "too_many_feeds");
    drop((one, two, three));
    // Readers who have left are noticed.
    let deadline = Instant::now() + SOON;
    loop {
        let url = format!("http://{}/notes/-/changes?filter[n]=1", server.address());
        if crate::harness::feed::Feed::connect(&url, None)
            .await
            .is_ok()
        {
            break;
        }
        assert!(Instant::now() < deadline, "places are not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_quiet_feed_shows_that_it_is_alive_for_longer_than_any_timeout() {
    let settings = [
        ("MONOCOQUE_FEED_HEARTBEAT_MS", "20ms"),
        ("MONOCOQUE_REQUEST_TIMEOUT_MS", "3s"),
        ("MONOCOQUE_MONGO_OPERATION_TIMEOUT_MS", "2s"),
        ("MONOCOQUE_WRITE_TIMEOUT_MS", "200ms"),
        ("MONOCOQUE_IDLE_TIMEOUT_MS", "200ms"),
        // It does not end the places of requests in flight.
        ("MONOCOQUE_REQUESTS_IN_FLIGHT_MAX", "1"),
    ];
    let (server, _folder) = notes_on(&Store::fresh(), &settings).await;
    let mut feed = feed(&server, "/notes/-/changes").await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) || feed.comments < 5 {
        let nothing = tokio::time::timeout(Duration::from_millis(50), feed.next()).await;
        assert!(nothing.is_err(), "{nothing:?}");
        assert!(began.elapsed() < SOON, "{} heartbeats", feed.comments);
    }
    let id = create(&server, &json!({})).await;
    assert_eq!(feed.event().await.about(), ("create", &*id));
}

#[tokio::test]
async fn a_reader_who_lags_is_cut_off_and_told_so_and_goes_on_from_there() {
    let settings = [("MONOCOQUE_FEED_BUFFER_BYTES_MAX", "64KiB")];
    let (server, _folder) = notes_on(&Store::fresh(), &settings).await;
    let mut slow = feed(&server, "/notes/-/changes").await;
    let mut quick = feed(&server, "/notes/-/changes").await;
    let id = create(&server, &json!({"text": "x".repeat(500_000)})).await;
    quick.event().await;
    // More than the sockets take on the way.
    for n in 0..40 {
        update(&server, &id, &json!({"n": n})).await;
        quick.event().await;
    }
    let mut told = 0;
    loop {
        let event = slow.event().await;
        if event.name == "end" {
            assert_eq!(event.end(), "reader_too_slow");
            break;
        }
        told += 1;
    }
    assert_eq!(slow.next().await, None);
    assert!(told < 41, "nothing was missed");
    let after = slow.last_event_id.take();
    let mut again = feed_after(&server, "/notes/-/changes", after.as_deref()).await;
    for _ in told..41 {
        again.event().await;
    }
    server.delete(&format!("/notes/{id}")).await.document(200);
    assert_eq!(again.event().await.about(), ("delete", &*id));
}

#[tokio::test]
async fn a_feed_ends_with_the_drain_and_does_not_hold_it_up() {
    let (server, _folder) = notes().await;
    let mut feeds = Vec::new();
    for path in ["/notes/-/changes", "/labels/-/changes", "/notes/-/changes"] {
        feeds.push(feed(&server, path).await);
    }
    server.begin_to_terminate();
    for feed in &mut feeds {
        assert_eq!(feed.event().await.end(), "shutting_down");
        assert_eq!(feed.next().await, None);
    }
    let log = server.terminate_and_read().await;
    assert!(
        log.iter()
            .any(|line| line.contains("\"connections_cut\":0"))
    );
}
