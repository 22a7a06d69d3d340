//! The service alone, with two routes to compare it with: the server of `benchmarks/fibonacci`.
//!
//! `cargo run --release -p fibonacci --example serve -- [LISTEN [WORKERS [PREBUILT [FORM]]]]`
//!
//! Besides the service's routes there are `/constant`, a short answer that costs nothing to make,
//! and `/prebuilt`, the list of the first `PREBUILT` numbers, made at the start and sent as frames of
//! the size that streams use.

#![expect(
    clippy::print_stdout,
    reason = "whoever starts it wants to know that it runs"
)]

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use fibonacci::generator::Sequence;
use fibonacci::{Form, Settings, router};
use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

type Anything<T> = Result<T, Box<dyn Error>>;

fn main() -> Anything<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |place: usize, default: &str| words.get(place).map_or(default, |w| w).to_owned();
    let listen = word(0, "127.0.0.1:8080");
    let prebuilt: u64 = word(2, "0").parse()?;
    let settings = Settings {
        generator: word(3, "auto").parse()?,
        ..Settings::default()
    };

    let text: Arc<[Bytes]> = frames(prebuilt).into();
    let router = router(&settings)?
        .route(
            "/constant",
            get(async || "The answer is constant, and as short as a small list."),
        )
        .route("/prebuilt", get(async move || send(&text)));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(word(1, "2").parse()?)
        .enable_all()
        .build()?
        .block_on(accept(&listen, router))
}

async fn accept(listen: &str, router: Router) -> Anything<()> {
    let listener = TcpListener::bind(listen).await?;
    println!(
        "listening on {}, generator {}",
        listener.local_addr()?,
        Form::best()
    );
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            // A client that leaves is none of the server's errors.
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn frames(count: u64) -> Vec<Bytes> {
    const FRAME_BYTES: usize = 192 << 10;
    if count == 0 {
        return Vec::new();
    }
    let mut text = b"{\"answer\":[".to_vec();
    let mut sequence = Sequence::new(Form::best(), count - 1);
    let mut number = vec![0; 10 + usize::try_from(count).unwrap_or(usize::MAX) / 4];
    for n in 0..count {
        let used = sequence.write(&mut number, 1, b"");
        text.extend_from_slice(&number[..used]);
        text.extend_from_slice(if n + 1 == count { b"]}" } else { b"," });
    }
    let text = Bytes::from(text);
    let starts = (0..text.len()).step_by(FRAME_BYTES);
    starts
        .map(|start| text.slice(start..text.len().min(start + FRAME_BYTES)))
        .collect()
}

fn send(text: &Arc<[Bytes]>) -> Response<Body> {
    let length: usize = text.iter().map(Bytes::len).sum();
    let text = Arc::clone(text);
    let frames = (0..text.len())
        .map(move |i| Ok::<_, std::convert::Infallible>(Frame::data(text[i].clone())));
    let mut response = Response::new(Body::new(StreamBody::new(futures_util::stream::iter(
        frames,
    ))));
    response.headers_mut().insert(
        CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, http::HeaderValue::from(length));
    response
}
