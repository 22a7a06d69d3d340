//! Links, atomic units and requests under keys, after kill -9 in the middle of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::crash::Killer;
use crate::harness::{JSON_API, LOOK_INTERVAL, Server, Setup, Store, folder_with};

const ROUNDS: usize = 12;
/// Of each kind.
const WRITERS: usize = 2;

/// MongoDB gives up a transaction after a minute.
const UNFINISHED: Duration = Duration::from_secs(100);

const ATOMIC: &str = r#"application/vnd.api+json;ext="https://jsonapi.org/ext/atomic""#;

const NOTES: &str = "type: notes\nid: integer\nattributes: {type: object}\n";
const SHELVES: &str = "type: shelves\nid: string\nattributes: {type: object}
relationships: {notes: {type: notes, kind: many, onDelete: clear}}\n";

/// What the clients have sent in all rounds, and what was said of it.
#[derive(Default)]
struct Sent {
    /// By the name of a note: how often it must be there at least and at most.
    notes: BTreeMap<String, (usize, usize)>,
    /// Requests under keys without an answer: the keys, and the bodies with the media types.
    open: Vec<Request>,
    /// Links of the shelf that must be there, and those that may.
    linked: BTreeSet<String>,
    perhaps_linked: BTreeSet<String>,
}

#[derive(Clone)]
struct Request {
    key: Option<String>,
    method: Method,
    path: String,
    media_type: &'static str,
    body: Value,
    /// The notes that it makes.
    names: Vec<String>,
}

impl Request {
    /// One note under a key.
    fn note(name: &str) -> Self {
        Self {
            key: Some(name.to_owned()),
            method: Method::POST,
            path: "/notes".to_owned(),
            media_type: "application/json",
            body: json!({ "name": name }),
            names: vec![name.to_owned()],
        }
    }

    /// Three notes in one unit.
    fn unit(name: &str, key: Option<String>) -> Self {
        let names: Vec<String> = (0..3).map(|part| format!("{name}.{part}")).collect();
        let add = |name: &String| json!({"op": "add", "data": {"type": "notes", "attributes": {"name": name}}});
        let operations: Vec<Value> = names.iter().map(add).collect();
        Self {
            key,
            method: Method::POST,
            path: "/operations".to_owned(),
            media_type: ATOMIC,
            body: json!({ "atomic:operations": operations }),
            names,
        }
    }

    fn link(method: Method, id: &str) -> Self {
        Self {
            key: None,
            method,
            path: "/shelves/s/relationships/notes".to_owned(),
            media_type: JSON_API,
            body: json!({"data": [{"type": "notes", "id": id}]}),
            names: Vec::new(),
        }
    }

    /// Whether it is answered; what fails otherwise than by the end of the server panics.
    async fn sent(&self, client: &Client, root: &str) -> Option<()> {
        let request = client.request(self.method.clone(), format!("{root}{}", self.path));
        let request = request.header("content-type", self.media_type);
        let request = match &self.key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        let request = request.body(self.body.to_string());
        let deadline = Instant::now() + UNFINISHED;
        let response = loop {
            let again = request.try_clone().expect("a text can be sent again");
            let response = again.send().await.ok()?;
            // The transaction of a process that was killed is in the way until the server gives it
            // up. A new note without a key meets no other.
            let may_be_repeated = self.key.is_some() || self.names.is_empty();
            let is_in_the_way = [409, 503].contains(&response.status().as_u16());
            if !(is_in_the_way && may_be_repeated) || Instant::now() > deadline {
                break response;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        };
        let status = response.status();
        if status == 503 {
            // Whether it was done is not known.
            return None;
        }
        assert!(status.is_success(), "{status}: {:?}", response.text().await);
        Some(())
    }
}

/// A client that goes on until the server is gone.
struct Writer {
    client: Client,
    root: String,
    killer: Arc<Killer>,
    sent: Sent,
}

impl Writer {
    async fn send(&self, request: &Request) -> bool {
        let is_answered = request.sent(&self.client, &self.root).await.is_some();
        if is_answered {
            self.killer.one_more();
        }
        is_answered
    }

    /// Makes notes, alone and three at a time.
    async fn make(mut self, name: String) -> Sent {
        for number in 0.. {
            let name = format!("{name}-{number}");
            let request = match number % 3 {
                0 => Request::note(&name),
                1 => Request::unit(&name, Some(name.clone())),
                _ => Request::unit(&name, None),
            };
            let is_answered = self.send(&request).await;
            for name in &request.names {
                let least = usize::from(is_answered);
                self.sent.notes.insert(name.clone(), (least, 1));
            }
            if !is_answered {
                if request.key.is_some() {
                    self.sent.open.push(request);
                }
                break;
            }
        }
        self.sent
    }

    /// Puts notes of its own on the shelf, and takes every third away again.
    async fn link(mut self, ids: Vec<String>) -> Sent {
        for (number, id) in ids.iter().enumerate() {
            self.sent.perhaps_linked.insert(id.clone());
            if !self.send(&Request::link(Method::POST, id)).await {
                break;
            }
            self.sent.linked.insert(id.clone());
            if number % 3 == 1 {
                self.sent.linked.remove(id);
                if !self.send(&Request::link(Method::DELETE, id)).await {
                    break;
                }
                self.sent.perhaps_linked.remove(id);
            }
        }
        self.sent
    }
}

impl Sent {
    fn join(&mut self, other: Self) {
        self.notes.extend(other.notes);
        self.open.extend(other.open);
        self.linked.extend(other.linked);
        self.perhaps_linked.extend(other.perhaps_linked);
    }

    /// Sends again what had no answer. It is done then, however often it was sent.
    async fn insist(&mut self, server: &Server) {
        let (client, root) = server.client();
        for request in std::mem::take(&mut self.open) {
            for _ in 0..2 {
                request.sent(&client, &root).await.expect("an answer");
            }
            for name in &request.names {
                self.notes.insert(name.clone(), (1, 1));
            }
        }
    }

    /// Compares all that was sent with what is there.
    async fn check(&self, server: &Server) {
        let mut there: BTreeMap<String, usize> = BTreeMap::new();
        let mut next = json!("/notes?page[size]=1000");
        while let Some(url) = next.as_str() {
            let document = server.get(url).await.document(200);
            for note in document["data"].as_array().unwrap() {
                let name = note["attributes"]["name"].as_str().expect("a name");
                *there.entry(name.to_owned()).or_default() += 1;
            }
            next = document["links"]["next"].clone();
        }
        for (name, (least, most)) in &self.notes {
            let count = there.remove(name).unwrap_or_default();
            assert!(
                (*least..=*most).contains(&count),
                "{name} is there {count} times"
            );
        }
        there.retain(|name, _| !name.starts_with("seed"));
        assert!(there.is_empty(), "nobody sent {there:?}");
        let answer = server
            .get("/shelves/s/relationships/notes?page[size]=1000")
            .await;
        let linkage = answer.data(200);
        let ids = linkage.as_array().unwrap().iter();
        let ids: Vec<&str> = ids.map(|one| one["id"].as_str().unwrap()).collect();
        let linked: BTreeSet<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(linked.len(), ids.len(), "a link is doubled: {ids:?}");
        assert!(
            linked.is_superset(&self.linked),
            "lost: {:?}",
            self.linked.difference(&linked)
        );
        let mut strange = linked.difference(&self.perhaps_linked);
        assert_eq!(strange.next(), None);
    }

    /// That no unit is there in part.
    async fn check_units(&self, server: &Server) {
        let mut units: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.notes.keys() {
            let Some((unit, _)) = name.split_once('.') else {
                continue;
            };
            let found = server.get(&format!("/notes?filter[name]={name}")).await;
            let found = found.data(200).as_array().unwrap().len();
            *units.entry(unit).or_default() += found;
        }
        let half = units.iter().find(|(_, count)| ![0, 3].contains(*count));
        assert_eq!(half, None, "a unit is there in part");
    }
}

/// Notes that can be put on the shelf.
async fn seeds(server: &Server, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let note = json!({"name": format!("seed{number}")});
        ids.push(
            server
                .send_plain(Method::POST, "/notes", &note)
                .await
                .id(201),
        );
    }
    ids
}

async fn write_until_killed(server: Server, round: usize, seeds: &[String], sent: &mut Sent) {
    let (first, seeds) = seeds.split_first().expect("a note");
    let (client, root) = server.client();
    let link = Request::link(Method::POST, first);
    link.sent(&client, &root).await.expect("an answer");
    sent.linked.insert(first.clone());
    sent.perhaps_linked.insert(first.clone());
    let connections: Vec<_> = (0..2 * WRITERS).map(|_| server.client()).collect();
    let killer = Arc::new(Killer::new(server, 10 + (round * 7) % 40));
    let mut writers = JoinSet::new();
    for (number, (client, root)) in connections.into_iter().enumerate() {
        let writer = Writer {
            client,
            root,
            killer: killer.clone(),
            sent: Sent::default(),
        };
        if number < WRITERS {
            writers.spawn(writer.make(format!("{round}-{number}")));
        } else {
            let own = seeds.iter().skip(number - WRITERS).step_by(WRITERS);
            writers.spawn(writer.link(own.cloned().collect()));
        }
    }
    for part in writers.join_all().await {
        sent.join(part);
    }
    killer.has_killed();
}

#[tokio::test]
async fn links_units_and_keys_survive_kills_wholly_and_once() {
    let store = Store::fresh();
    let folder = folder_with(&[("notes.yaml", NOTES), ("shelves.yaml", SHELVES)]);
    let start = || Setup::on(&store).definitions(folder.path()).start();
    let server = start().await;
    let seeds = seeds(&server, 40 * ROUNDS).await;
    let shelf = json!({"id": "s"});
    server
        .send_plain(Method::POST, "/shelves", &shelf)
        .await
        .data(201);
    assert!(server.terminate().await.success());
    let mut sent = Sent::default();
    let mut insisted = 0;
    for round in 0..ROUNDS {
        let server = start().await;
        sent.check(&server).await;
        insisted += sent.open.len();
        sent.insist(&server).await;
        sent.check(&server).await;
        let own = &seeds[40 * round..40 * (round + 1)];
        write_until_killed(server, round, own, &mut sent).await;
    }
    let server = start().await;
    sent.check(&server).await;
    insisted += sent.open.len();
    sent.insist(&server).await;
    sent.check(&server).await;
    sent.check_units(&server).await;
    assert!(insisted > 0, "every request had its answer");
    assert!(sent.linked.len() >= ROUNDS, "{:?}", sent.linked);
}
