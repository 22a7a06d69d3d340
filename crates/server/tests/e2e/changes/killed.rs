//! The process and its MongoDB server are killed while writers write and a reader comes back.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use test_servers::OwnServer;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{LABELS, NOTES};
use crate::harness::feed::{Event, Feed};
use crate::harness::{LOOK_INTERVAL, SOON, Server, Setup, Store, folder_with};

const ROUNDS: usize = 6;
const WRITERS: usize = 4;
/// Acknowledged writes of a round before something is killed.
const ENOUGH: usize = 40;
const PATH: &str = "/labels/-/changes";

/// What was sent about one label, of which each is written by one writer: how often it was changed,
/// and how often nobody knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sent {
    acknowledged: usize,
    unknown: usize,
}

type Ledger = HashMap<String, Sent>;

/// A writer that writes until it is told to stop; what fails it does not send again.
async fn write(
    root: String,
    name: String,
    stop: watch::Receiver<bool>,
    done: watch::Sender<usize>,
) -> Ledger {
    let client = Client::builder().no_proxy().timeout(SOON).build().unwrap();
    let mut ledger = Ledger::new();
    for number in 0.. {
        let id = format!("{name}-{number}");
        let url = format!("{root}/labels/{id}");
        let body = |n: usize| json!({"data": {"type": "labels", "id": id, "attributes": {"n": n}}});
        let mut requests = vec![(Method::POST, format!("{root}/labels"), body(0))];
        requests.extend((1..4).map(|n| (Method::PATCH, url.clone(), body(n))));
        if number % 3 == 0 {
            requests.push((Method::DELETE, url.clone(), json!({})));
        }
        for (method, url, body) in requests {
            if *stop.borrow() {
                return ledger;
            }
            let sent = ledger.entry(id.clone()).or_default();
            let request = client.request(method, url).body(body.to_string());
            let request = request.header("content-type", "application/vnd.api+json");
            match request.send().await {
                Ok(answer) if answer.status().is_success() => {
                    sent.acknowledged += 1;
                    done.send_modify(|done| *done += 1);
                }
                // The next ones would not find it, or find it changed.
                _ => {
                    sent.unknown += 1;
                    break;
                }
            }
        }
    }
    ledger
}

/// All that a reader was told, who connects again whenever its connection ends.
#[derive(Default)]
struct Told {
    events: Vec<Event>,
    places: Vec<String>,
}

async fn read(address: watch::Receiver<Option<String>>, told: Arc<Mutex<Told>>) {
    let mut after: Option<String> = None;
    loop {
        let root = address.borrow().clone();
        let connected = match &root {
            Some(root) => Feed::connect(&format!("{root}{PATH}"), after.as_deref())
                .await
                .ok(),
            None => None,
        };
        let Some(mut feed) = connected else {
            tokio::time::sleep(LOOK_INTERVAL * 10).await;
            continue;
        };
        while let Some(event) = feed.next().await {
            after.clone_from(&feed.last_event_id);
            if event.name == "end" {
                // Of a server that was killed while the reader caught up.
                assert_eq!(event.end(), "datastore_unavailable");
                break;
            }
            let mut told = told.lock().unwrap();
            told.events.push(event);
            told.places.push(feed.last_event_id.clone().unwrap());
        }
        after.clone_from(&feed.last_event_id);
    }
}

/// What is killed and comes back.
struct World {
    store: Store,
    mongodb: Option<OwnServer>,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let mongodb = crate::ON_MONGODB.then(|| OwnServer::started(&[]));
        Self {
            store: Store::Embedded(Arc::new(tempfile::tempdir().unwrap())),
            mongodb,
            folder: folder_with(&[("notes.yaml", NOTES), ("labels.yaml", LABELS)]),
        }
    }

    async fn start(&self) -> Server {
        let mut setup = Setup::on(&self.store).definitions(self.folder.path());
        if let Some(mongodb) = &self.mongodb {
            let uri = format!("mongodb://{}/shop?directConnection=true", mongodb.address());
            setup = setup.variable("MONGO_URI", &uri);
            setup = setup.variable("MONOCOQUE_MONGO_OPERATION_TIMEOUT_MS", "10s");
        }
        setup.start().await
    }
}

/// Writes with several clients until something was killed, and returns the server if it was not
/// that.
async fn round(
    world: &mut World,
    server: Server,
    number: usize,
    ledger: &mut Ledger,
) -> Option<Server> {
    let root = format!("http://{}", server.address());
    let (stop, is_stopped) = watch::channel(false);
    let done = watch::Sender::new(0);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let name = format!("{number}-{writer}");
        writers.spawn(write(root.clone(), name, is_stopped.clone(), done.clone()));
    }
    let mut enough = done.subscribe();
    let waited = tokio::time::timeout(SOON, enough.wait_for(|done| *done >= ENOUGH)).await;
    waited.expect("acknowledged writes in time").unwrap();
    let left = match &mut world.mongodb {
        Some(mongodb) if number % 2 == 1 => {
            mongodb.kill();
            mongodb.start();
            Some(server)
        }
        _ => {
            server.kill_hard();
            None
        }
    };
    stop.send_replace(true);
    ledger.extend(writers.join_all().await.into_iter().flatten());
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_told_twice_when_process_and_server_are_killed() {
    let mut world = World::new();
    let (address, reads_from) = watch::channel(None);
    let told = Arc::new(Mutex::new(Told::default()));
    let mut ledger = Ledger::new();
    let mut server = world.start().await;
    // The reader has to have a first place.
    address.send_replace(Some(format!("http://{}", server.address())));
    let first = Feed::connect(&format!("http://{}{PATH}", server.address()), None).await;
    first.unwrap().begin().await;
    let reading = tokio::spawn(read(reads_from, told.clone()));
    begun(&server, &told).await;
    for number in 0..ROUNDS {
        let left = round(&mut world, server, number, &mut ledger).await;
        server = match left {
            Some(server) => server,
            None => world.start().await,
        };
        server.becomes_ready().await;
        address.send_replace(Some(format!("http://{}", server.address())));
    }
    finished(&server, &told).await;
    assert!(!reading.is_finished(), "the reader has failed");
    reading.abort();
    let told = std::mem::take(&mut *told.lock().unwrap());
    let places: HashSet<&String> = told.places.iter().collect();
    assert_eq!(places.len(), told.places.len(), "told twice");
    compare(&ledger, &told.events);
    assert_eq!(copy(&told.events), listed(&server).await);
}

/// Waits until the reader has been told of a label that is written now.
async fn begun(server: &Server, told: &Mutex<Told>) {
    let deadline = Instant::now() + SOON;
    for number in 0.. {
        let body =
            json!({"data": {"type": "labels", "id": format!("begin{number}"), "attributes": {}}});
        let written = server.send_document(Method::POST, "/labels", &body).await;
        written.document(201);
        if !told.lock().unwrap().events.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "nothing is told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn finished(server: &Server, told: &Mutex<Told>) {
    let body = json!({"data": {"type": "labels", "id": "finished", "attributes": {}}});
    let written = server.send_document(Method::POST, "/labels", &body).await;
    written.document(201);
    let deadline = Instant::now() + SOON * 2;
    let is_it = |event: &Event| event.document["data"]["id"] == "finished";
    while !told.lock().unwrap().events.iter().any(is_it) {
        assert!(Instant::now() < deadline, "the end is not told");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Each acknowledged change was told once, and of the others each at most once.
fn compare(ledger: &Ledger, events: &[Event]) {
    let mut told_of: HashMap<&str, Vec<&str>> = HashMap::new();
    for event in events {
        let (name, id) = event.about();
        told_of.entry(id).or_default().push(name);
    }
    for (id, sent) in ledger {
        let names = told_of.remove(&**id).unwrap_or_default();
        // A creation is not told where the resource was gone before the store was asked for it.
        let is_gone = !names.contains(&"create") && names.contains(&"delete");
        let told = names.len() + usize::from(is_gone);
        let possible = sent.acknowledged..=sent.acknowledged + sent.unknown;
        assert!(
            possible.contains(&told),
            "{id} was told {names:?}: {sent:?}"
        );
    }
    assert!(ledger.len() > ROUNDS * WRITERS, "{}", ledger.len());
}

/// What a reader has who does what it is told, without what was written before it was there.
fn copy(events: &[Event]) -> HashMap<String, Value> {
    let mut copy = HashMap::new();
    for event in events {
        let (name, id) = event.about();
        match name {
            "create" | "update" => {
                let attributes = event.document["data"]["attributes"].clone();
                copy.insert(id.to_owned(), attributes);
            }
            _ => drop(copy.remove(id)),
        }
    }
    copy.retain(|id, _| !id.starts_with("begin"));
    copy
}

async fn listed(server: &Server) -> HashMap<String, Value> {
    let mut listed = HashMap::new();
    let mut next = json!("/labels?page[size]=100");
    while let Some(url) = next.as_str() {
        let document = server.get(url).await.document(200);
        for one in document["data"].as_array().unwrap() {
            let id = one["id"].as_str().unwrap().to_owned();
            listed.insert(id, one["attributes"].clone());
        }
        next = document["links"]["next"].clone();
    }
    listed.retain(|id, _| !id.starts_with("begin"));
    listed
}
