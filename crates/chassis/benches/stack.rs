//! What the stack costs a request: the same handler bare, behind the stack, and behind the stack
//! with each request in the log. Run with standard error sent to `/dev/null`: the log goes there.

use std::hint::black_box;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chassis::fault::Fault;
use chassis::health::Heartbeat;
use chassis::presenter::{Presenter, Report};
use chassis::serve::HttpService;
use chassis::stack::{self, Limits};
use chassis::telemetry::{self, LogSettings};
use criterion::{Criterion, criterion_group, criterion_main};
use http_body_util::BodyExt;
use tokio::runtime::Runtime;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

struct Bare;

impl Presenter for Bare {
    fn fault(&self, _path: &str, fault: &Fault) -> Response {
        fault.status().into_response()
    }

    fn report(&self, report: &Report) -> Response {
        report.status.into_response()
    }
}

async fn ask(service: impl HttpService, request_id: Option<&str>) {
    let mut request = Request::get("/hello?count=10").header("host", "localhost");
    if let Some(id) = request_id {
        request = request.header("x-request-id", id);
    }
    let request = request.body(Body::empty()).expect("a request");
    let response = service.answer(request).await;
    black_box(response.into_body().collect().await.expect("a body"));
}

fn measure(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let bare = Router::new().route("/hello", get(async || "hello"));
    let guarded = stack::apply(bare.clone(), &Limits::default(), Arc::new(Bare));
    let mut group = criterion.benchmark_group("request");
    group.bench_function("bare", |bencher| {
        bencher.iter(|| runtime.block_on(ask(bare.clone(), None)));
    });
    let mut case = |name, id: Option<&'static str>| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(ask(guarded.clone(), id)));
        });
    };
    case("guarded, no log, id given", Some(ID));
    case("guarded, no log, id made", None);
    let _log = telemetry::init(&LogSettings::default(), Heartbeat::unwatched()).expect("a log");
    case("guarded and logged, id given", Some(ID));
    case("guarded and logged, id made", None);
}

criterion_group!(benches, measure);
criterion_main!(benches);
