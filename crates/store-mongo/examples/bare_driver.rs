//! What the driver does alone: the measure for the benchmarks in `benchmarks/mongodb` and
//! `benchmarks/writing`.
//!
//! `bare_driver URI find SECONDS CONCURRENCY` finds documents of `contacts` by id, `update SECONDS
//! CONCURRENCY` finds and changes documents of `rows`, `batches SECONDS CONCURRENCY` reads the first 500 raw, `insert COUNT BATCH` inserts the documents of
//! an ndjson file on the standard input, and `serve PORT` answers GET /contacts/{id} with the
//! bytes that `find` finds, over hyper alone. Each prints one number: operations a second, or nothing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for people who measure"
)]

use std::convert::Infallible;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use mongodb::{Client, Collection};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

type Contacts = Collection<RawDocumentBuf>;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments[at].parse::<u64>().unwrap();
    let mut options = ClientOptions::parse(&arguments[0]).await.unwrap();
    options.max_pool_size = Some(50);
    options.write_concern = Some(WriteConcern::builder().w(Acknowledgment::Majority).build());
    let client = Client::with_options(options).unwrap();
    let contacts: Contacts = client.default_database().unwrap().collection("contacts");
    match arguments[1].as_str() {
        "find" => {
            let ids = Arc::new(ids(&contacts).await);
            let find = move |contacts: Contacts, n: u64| {
                let id = ids[usize::try_from(n).unwrap() % ids.len()];
                async move {
                    contacts
                        .find_one(doc! { "_id": id })
                        .await
                        .unwrap()
                        .unwrap();
                }
            };
            measure(&contacts, number(2), number(3), find).await;
        }
        "update" => {
            let rows = client.default_database().unwrap().collection("rows");
            let ids = Arc::new(ids(&rows).await);
            let update = move |rows: Contacts, n: u64| {
                let id = ids[usize::try_from(n).unwrap() % ids.len()];
                async move {
                    let by_id = doc! { "_id": id };
                    rows.find_one(by_id.clone()).await.unwrap().unwrap();
                    let group = i64::try_from(n % 100).unwrap();
                    let change = doc! { "$set": { "group": group, "name": format!("row {n}") } };
                    rows.update_one(by_id, change).await.unwrap();
                }
            };
            measure(&rows, number(2), number(3), update).await;
        }
        "batches" => {
            let read = |contacts: Contacts, _| async move {
                let page = contacts
                    .find(doc! {})
                    .sort(doc! { "_id": 1 })
                    .limit(500)
                    .batch_size(500);
                let mut cursor = page.batch().await.unwrap();
                while let Some(batch) = cursor.next().await {
                    assert!(batch.unwrap().doc_slices().unwrap().into_iter().count() > 0);
                }
            };
            measure(&contacts, number(2), number(3), read).await;
        }
        "insert" => insert(&contacts, usize::try_from(number(2)).unwrap()).await,
        _ => serve(contacts, u16::try_from(number(2)).unwrap()).await,
    }
    // Left to itself the driver ends its sessions in a task, which the runtime may not outlive.
    client.shutdown().immediate(true).await;
}

async fn ids(contacts: &Contacts) -> Vec<ObjectId> {
    let found = contacts.find(doc! {}).limit(10_000).await.unwrap();
    let id = |document: RawDocumentBuf| document.get_object_id("_id").unwrap();
    found.map(|document| id(document.unwrap())).collect().await
}

/// Prints operations a second.
async fn measure<F>(
    contacts: &Contacts,
    seconds: u64,
    concurrency: u64,
    operation: impl Fn(Contacts, u64) -> F + Clone + Send + 'static,
) where
    F: Future<Output = ()> + Send,
{
    let done = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for _ in 0..concurrency {
        let (contacts, done, operation) = (contacts.clone(), done.clone(), operation.clone());
        tasks.spawn(async move {
            while Instant::now() < end {
                operation(contacts.clone(), done.fetch_add(1, Ordering::Relaxed)).await;
            }
        });
    }
    tasks.join_all().await;
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let rate = done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    println!("{rate:.0}");
}

async fn insert(contacts: &Contacts, batch: usize) {
    let documents: Vec<RawDocumentBuf> = std::io::stdin()
        .lock()
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            let mut document = doc! { "_id": ObjectId::new() };
            document.extend(Document::try_from(value.as_object().unwrap().clone()).unwrap());
            RawDocumentBuf::try_from(&document).unwrap()
        })
        .collect();
    let begun = Instant::now();
    for rows in documents.chunks(batch) {
        contacts.insert_many(rows).ordered(false).await.unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let rate = documents.len() as f64 / begun.elapsed().as_secs_f64();
    println!("{rate:.0}");
}

async fn serve(contacts: Contacts, port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let contacts = contacts.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let contacts = contacts.clone();
                async move {
                    let id = request.uri().path().rsplit('/').next().unwrap_or_default();
                    let id = ObjectId::parse_str(id).unwrap();
                    let found = contacts
                        .find_one(doc! { "_id": id })
                        .await
                        .unwrap()
                        .unwrap();
                    // As it came: what a service does with it is not the driver's work.
                    let bytes = Bytes::from(found.into_bytes());
                    Ok::<_, Infallible>(Response::new(Full::new(bytes)))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}
