//! The blog over a socket, with a fault.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;

use crate::blog::{self, Answered, Asked, Store};

/// What a broken server does: it may change the request before it is answered, and the answer.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    None,
    /// The request is read wrongly.
    Reads(fn(&mut Asked)),
    /// The answer is wrong.
    Answers(fn(&Asked, &mut Answered)),
    /// The document of a success is wrong.
    Shows(fn(&mut serde_json::Value)),
    /// The first error of a refusal is wrong.
    Refuses(fn(&mut serde_json::Value)),
    /// Something happens to the resources after the answer was made.
    Stores(fn(&Asked, &Answered, &mut Store)),
}

/// A server on a port of its own, until the process ends; its base URL.
pub(crate) fn start(fault: Fault) -> (String, Arc<Mutex<Store>>) {
    let store = Arc::new(Mutex::new(blog::store()));
    let shared = Arc::clone(&store);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            let answer = move |request: Request| answer(fault, Arc::clone(&shared), request);
            let router = Router::new().fallback(answer);
            #[expect(
                clippy::disallowed_methods,
                reason = "the server of a test neither drains nor waits"
            )]
            axum::serve(listener, router).await.unwrap();
        });
    });
    (format!("http://{}", receiver.recv().unwrap()), store)
}

async fn answer(fault: Fault, store: Arc<Mutex<Store>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        let value = head.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let mut asked = Asked {
        method: head.method.clone(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        accept: header("accept"),
        content_type: header("content-type"),
        override_method: header("x-http-method-override"),
        body: to_bytes(body, 16 << 20).await.unwrap().to_vec(),
    };
    if let Fault::Reads(change) = fault {
        change(&mut asked);
    }
    let mut store = store.lock().unwrap();
    let mut answered = blog::answer(&mut store, &asked);
    match fault {
        Fault::Answers(change) => change(&asked, &mut answered),
        Fault::Shows(change) if answered.status < 300 && answered.document.is_object() => {
            change(&mut answered.document);
        }
        Fault::Refuses(change) if answered.status >= 400 => {
            change(&mut answered.document["errors"][0]);
        }
        Fault::Stores(change) => change(&asked, &answered, &mut store),
        Fault::None | Fault::Reads(_) | Fault::Shows(_) | Fault::Refuses(_) => {}
    }
    let mut response = Response::builder().status(answered.status);
    for (name, value) in &answered.headers {
        response = response.header(*name, value);
    }
    let text = match &answered.document {
        serde_json::Value::Null => String::new(),
        document => document.to_string(),
    };
    response.body(Body::from(text)).unwrap()
}
