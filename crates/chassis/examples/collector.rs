//! Takes OTLP over HTTP for the benchmark: `collector ADDRESS` reads and forgets, `collector
//! ADDRESS decode` decodes what it reads with the official types.

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use chassis::health::Heartbeat;
use chassis::lifecycle::StopSignal;
use chassis::serve::{Control, ServeLimits, serve};
use http::StatusCode;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

fn take<M: Message + Default>(decodes: bool, body: Bytes) -> StatusCode {
    if decodes && M::decode(body).is_err() {
        return StatusCode::BAD_REQUEST;
    }
    StatusCode::OK
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address = arguments.first().expect("an address");
    let decodes = arguments.get(1).is_some_and(|word| word == "decode");
    let traces = async move |body| take::<ExportTraceServiceRequest>(decodes, body);
    let logs = async move |body| take::<ExportLogsServiceRequest>(decodes, body);
    let router = Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/logs", post(logs))
        .route("/v1/metrics", post(async |_: Bytes| StatusCode::OK));
    let listener = tokio::net::TcpListener::bind(address).await;
    let (_stop, stop) = StopSignal::channel();
    let control = Control {
        stop,
        heartbeat: Heartbeat::unwatched(),
        listener_outlives_server: false,
    };
    let listener = listener.expect("a free address");
    serve(listener, router, ServeLimits::default(), control).await;
}
