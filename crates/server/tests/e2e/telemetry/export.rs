//! Spans, log records and metrics at a collector.

use std::time::Instant;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use reqwest::Method;

use super::collector::{Behaviour, Collector, attributes};
use super::{metrics_of, value_of};
use crate::harness::{Answer, SOON, Server, Setup};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

async fn exporting(collector: &Collector, arguments: [&str; 2]) -> Server {
    let endpoint = ["--otlp-endpoint", collector.endpoint()];
    let setup = Setup::fresh().arguments(endpoint).arguments(arguments);
    setup.start().await
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A request of a caller who traces.
async fn get_within_trace(server: &Server, path: &str, flags: &str) -> Answer {
    let request = server.request(Method::GET, path);
    let request = request
        .header("traceparent", format!("00-{TRACE}-{CALLER}-{flags}"))
        .header("tracestate", "vendor=1")
        .header("x-request-id", "my-id")
        .header("apitrace", "my trace");
    Answer::to(request).await
}

fn of_trace(collector: &Collector) -> Vec<Span> {
    let spans = collector.spans().into_iter();
    spans.filter(|span| hex(&span.trace_id) == TRACE).collect()
}

#[tokio::test]
async fn a_request_and_its_call_of_the_store_are_spans_in_the_trace_of_the_caller() {
    let collector = Collector::start(Behaviour::Takes).await;
    let server = exporting(&collector, ["--trace-sample-ratio", "0"]).await;
    server.get("/contacts").await.document(200);
    let answer = get_within_trace(&server, "/contacts?page[size]=3", "01").await;
    assert_eq!(answer.status, 200);
    collector
        .until("two spans", |collector| of_trace(collector).len() == 2)
        .await;
    let spans = of_trace(&collector);
    let find = |kind| spans.iter().find(|span| span.kind == kind as i32).unwrap();
    let (request, call) = (find(SpanKind::Server), find(SpanKind::Client));
    assert_eq!(request.name, "GET /contacts");
    assert_eq!(
        (
            hex(&request.parent_span_id).as_str(),
            request.trace_state.as_str()
        ),
        (CALLER, "vendor=1")
    );
    let told = answer.header("traceresponse").to_owned();
    assert_eq!(told, format!("00-{TRACE}-{}-01", hex(&request.span_id)));
    let known = attributes(&request.attributes);
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/contacts"),
        ("http.response.status_code", "200"),
        ("url.path", "/contacts"),
        ("client.address", "127.0.0.1"),
        ("http.request.id", "my-id"),
        ("apitrace", "my trace"),
    ] {
        assert_eq!(known[name], value, "{known:?}");
    }
    assert_eq!(call.parent_span_id, request.span_id);
    let known = attributes(&call.attributes);
    assert_eq!(known["db.operation.name"], "list", "{known:?}");
    assert_eq!(known["db.collection.name"], "contacts");
    assert!(request.start_time_unix_nano <= call.start_time_unix_nano);
    assert!(call.end_time_unix_nano <= request.end_time_unix_nano);
    let resource = collector.resource();
    assert_eq!(resource["service.name"], "monocoque", "{resource:?}");
    // Of the others no trace is recorded: the ratio is 0.
    assert_eq!(collector.spans().len(), 2);
}

#[tokio::test]
async fn records_carry_the_trace_also_where_it_is_not_recorded() {
    let collector = Collector::start(Behaviour::Takes).await;
    let server = exporting(&collector, ["--trace-sample-ratio", "1"]).await;
    get_within_trace(&server, "/nowhere?email=ada", "00").await;
    let is_of_request = |collector: &Collector| {
        let records = collector.records();
        records.iter().any(|record| hex(&record.trace_id) == TRACE)
    };
    collector.until("the record", is_of_request).await;
    let records = collector.records();
    let of_request = |record: &&LogRecord| hex(&record.trace_id) == TRACE;
    let record = records.iter().find(of_request).unwrap();
    assert_eq!((record.severity_text.as_str(), record.flags), ("INFO", 0));
    let known = attributes(&record.attributes);
    assert_eq!(known["http.response.status_code"], "404", "{known:?}");
    assert_eq!(known["http.request.id"], "my-id");
    assert_eq!(known["url.query"], "email=…");
    // A trace that begins here is recorded.
    server.get("/nowhere").await;
    collector
        .until("a span", |collector| !collector.spans().is_empty())
        .await;
    assert!(of_trace(&collector).is_empty());
}

#[tokio::test]
async fn what_waits_and_the_metrics_are_sent_before_the_process_ends() {
    let collector = Collector::start(Behaviour::Takes).await;
    let server = exporting(&collector, ["--trace-sample-ratio", "1"]).await;
    for _ in 0..20 {
        assert_eq!(server.get("/fibonacci/list?count=3").await.status, 200);
    }
    assert!(server.terminate().await.success());
    let lists = |span: &&Span| span.name == "GET /fibonacci/list";
    assert_eq!(collector.spans().iter().filter(lists).count(), 20);
    let metrics = collector.metrics();
    let of = |name: &str| metrics.iter().find(|metric| metric.name == name);
    let duration = of("http.server.request.duration").unwrap();
    assert_eq!(duration.unit, "s");
    let Some(Data::Histogram(histogram)) = &duration.data else {
        panic!("no histogram: {duration:?}");
    };
    let is_list = |pairs: &[_]| {
        attributes(pairs).get("http.route").map(String::as_str) == Some("/fibonacci/list")
    };
    let mut points = histogram.data_points.iter();
    let point = points.find(|point| is_list(&point.attributes)).unwrap();
    assert_eq!((point.count, histogram.aggregation_temporality), (20, 2));
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), 20);
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    let exemplar = point.exemplars.first().unwrap();
    let traces: Vec<_> = collector
        .spans()
        .into_iter()
        .map(|span| span.trace_id)
        .collect();
    assert!(traces.contains(&exemplar.trace_id));
    assert!(matches!(
        of("process.panics").unwrap().data,
        Some(Data::Sum(_))
    ));
}

#[tokio::test]
async fn a_collector_that_is_away_busy_mute_or_mad_costs_requests_nothing() {
    for behaviour in [Behaviour::Hangs, Behaviour::IsBusy, Behaviour::Babbles] {
        let collector = Collector::start(behaviour).await;
        let server = exporting(&collector, ["--trace-sample-ratio", "1"]).await;
        for _ in 0..50 {
            assert_eq!(server.get("/fibonacci/list?count=3").await.status, 200);
        }
        collector
            .until("a request", |collector| collector.requests() > 0)
            .await;
        server.get("/liveness").await.document(200);
        let began = Instant::now();
        assert!(server.terminate().await.success());
        assert!(began.elapsed() < SOON / 2, "{:?}", began.elapsed());
    }
    let nobody = Setup::fresh().arguments(["--otlp-endpoint", "http://127.0.0.1:1"]);
    let server = nobody.start().await;
    server.get("/contacts").await.document(200);
    let complains =
        |line: &serde_json::Value| line["message"] == "the collector takes no telemetry";
    server.log().matching(complains).await;
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn what_is_too_much_for_a_collector_that_is_away_is_dropped_and_counted() {
    let server = Setup::fresh()
        .arguments(["--otlp-endpoint", "http://127.0.0.1:1"])
        .arguments(["--log-failures-bytes-per-second", "0"])
        .start()
        .await;
    // Paths make records large, so that few requests fill the 8 MiB.
    let path = format!("/fibonacci/{}", "x".repeat(60_000));
    let deadline = Instant::now() + SOON * 3;
    let dropped = async || {
        value_of(
            &metrics_of(&server).await,
            r#"otlp_dropped_total{signal="logs"}"#,
        )
    };
    while dropped().await.unwrap() == 0.0 {
        assert!(Instant::now() < deadline, "nothing was dropped");
        for _ in 0..100 {
            assert!(server.get(&path).await.status >= 400);
        }
    }
    let metrics = metrics_of(&server).await;
    let waiting = value_of(&metrics, r#"otlp_queue_bytes{signal="logs"}"#).unwrap();
    assert!(waiting <= 8.0 * 1024.0 * 1024.0 + 300_000.0, "{waiting}");
}

#[tokio::test]
async fn a_collector_that_comes_back_is_told_again() {
    let collector = Collector::start(Behaviour::IsBusy).await;
    let server = exporting(&collector, ["--trace-sample-ratio", "1"]).await;
    server.get("/contacts").await.document(200);
    let complains =
        |line: &serde_json::Value| line["message"] == "the collector takes no telemetry";
    server.log().matching(complains).await;
    collector.behave(Behaviour::Takes);
    let back = |line: &serde_json::Value| line["message"] == "the collector is back";
    server.log().matching(back).await;
    // The piece that it did not take came again.
    collector
        .until("the span", |collector| {
            let spans = collector.spans();
            spans.iter().any(|span| span.name == "GET /contacts")
        })
        .await;
    let metrics = metrics_of(&server).await;
    let lost = value_of(&metrics, r#"otlp_dropped_total{signal="traces"}"#);
    assert_eq!(lost, Some(0.0));
}
