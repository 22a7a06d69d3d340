//! A collector: takes OTLP over HTTP and reads it with the official types.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chassis::health::Heartbeat;
use chassis::lifecycle::{Stop, StopSignal};
use chassis::serve::{Control, ServeLimits, serve};
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::sync::watch;

use crate::harness::{LOOK_INTERVAL, SOON};

/// What it does with requests.
#[derive(Clone, Copy)]
pub(super) enum Behaviour {
    Takes,
    /// Answers 200 with what is no message.
    Babbles,
    /// Never answers.
    Hangs,
    /// Answers that it is overloaded.
    IsBusy,
}

#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    records: Vec<LogRecord>,
    metrics: Vec<Metric>,
    resource: BTreeMap<String, String>,
    requests: usize,
}

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Received>>,
    behaviour: Arc<AtomicU8>,
}

/// A running collector; it ends when it is dropped.
pub(super) struct Collector {
    shared: Shared,
    endpoint: String,
    _stop: watch::Sender<Stop>,
}

impl Collector {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let shared = Shared {
            received: Arc::default(),
            behaviour: Arc::new(AtomicU8::new(behaviour as u8)),
        };
        let router = Router::new()
            .route("/v1/traces", post(take_traces))
            .route("/v1/logs", post(take_logs))
            .route("/v1/metrics", post(take_metrics))
            .with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, told) = StopSignal::channel();
        let control = Control {
            stop: told,
            heartbeat: Heartbeat::unwatched(),
            listener_outlives_server: false,
        };
        tokio::spawn(serve(listener, router, ServeLimits::default(), control));
        Self {
            shared,
            endpoint,
            _stop: stop,
        }
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        let place = &self.shared.behaviour;
        place.store(behaviour as u8, Ordering::Relaxed);
    }

    pub(super) fn requests(&self) -> usize {
        self.shared.received.lock().unwrap().requests
    }

    pub(super) fn resource(&self) -> BTreeMap<String, String> {
        self.shared.received.lock().unwrap().resource.clone()
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.shared.received.lock().unwrap().spans.clone()
    }

    pub(super) fn records(&self) -> Vec<LogRecord> {
        self.shared.received.lock().unwrap().records.clone()
    }

    pub(super) fn metrics(&self) -> Vec<Metric> {
        self.shared.received.lock().unwrap().metrics.clone()
    }

    /// Waits until something is so.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + SOON;
        while !holds(self) {
            assert!(Instant::now() < deadline, "not in time: {what}");
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

/// The attributes as texts.
pub(super) fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: Value| match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    let pair = |pair: &KeyValue| {
        let value = pair.value.clone().unwrap().value.unwrap();
        (pair.key.clone(), text(value))
    };
    pairs.iter().map(pair).collect()
}

async fn answer(shared: &Shared) -> Response {
    shared.received.lock().unwrap().requests += 1;
    match shared.behaviour.load(Ordering::Relaxed) {
        behaviour if behaviour == Behaviour::Takes as u8 => Bytes::new().into_response(),
        behaviour if behaviour == Behaviour::Babbles as u8 => {
            Bytes::from_static(&[0xff; 1000]).into_response()
        }
        behaviour if behaviour == Behaviour::IsBusy as u8 => {
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        _ => std::future::pending().await,
    }
}

fn check(headers: &HeaderMap) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
}

async fn take_traces(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    check(&headers);
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for of_resource in request.resource_spans {
        let mut received = shared.received.lock().unwrap();
        received.resource = attributes(&of_resource.resource.unwrap().attributes);
        let scopes = of_resource.scope_spans.into_iter();
        received.spans.extend(scopes.flat_map(|scope| scope.spans));
    }
    answer(&shared).await
}

async fn take_logs(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    check(&headers);
    let request = ExportLogsServiceRequest::decode(body).unwrap();
    for of_resource in request.resource_logs {
        let scopes = of_resource.scope_logs.into_iter();
        let records = scopes.flat_map(|scope| scope.log_records);
        shared.received.lock().unwrap().records.extend(records);
    }
    answer(&shared).await
}

async fn take_metrics(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    check(&headers);
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    for of_resource in request.resource_metrics {
        let scopes = of_resource.scope_metrics.into_iter();
        let metrics = scopes.flat_map(|scope| scope.metrics).collect();
        shared.received.lock().unwrap().metrics = metrics;
    }
    answer(&shared).await
}
