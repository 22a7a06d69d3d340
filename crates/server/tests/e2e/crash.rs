//! What is left after kill -9.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Server, Setup, Store};

const ROUNDS: usize = 20;
const CLIENTS: usize = 6;

/// What must be found of one contact: the one state that was acknowledged, or also the one that
/// was on its way. `None` is a contact that is not there.
#[derive(Debug, Clone)]
struct Expected {
    url: Option<String>,
    possible: Vec<Option<Value>>,
}

/// All contacts by their attribute `key`.
type Ledger = HashMap<String, Expected>;

/// Kills the server at the very moment of an acknowledgement: a write that was acknowledged too
/// early is not safe by then.
pub(crate) struct Killer {
    acknowledged: AtomicUsize,
    enough: usize,
    server: Mutex<Option<Server>>,
}

impl Killer {
    /// Kills the server at this acknowledgement.
    pub(crate) fn new(server: Server, enough: usize) -> Self {
        Self {
            acknowledged: AtomicUsize::new(0),
            enough,
            server: Mutex::new(Some(server)),
        }
    }

    pub(crate) fn one_more(&self) {
        if self.acknowledged.fetch_add(1, Ordering::SeqCst) + 1 == self.enough {
            let server = self.server.lock().unwrap().take();
            server.expect("it is killed once").kill_hard();
        }
    }

    /// Fails where the clients were through before the kill.
    pub(crate) fn has_killed(&self) {
        assert!(self.server.lock().unwrap().is_none(), "nobody was killed");
    }
}

/// A client that writes until the server is gone.
struct Writer {
    client: Client,
    root: String,
    killer: Arc<Killer>,
    ledger: Ledger,
}

impl Writer {
    /// Creates contacts; changes every second one and deletes every third.
    async fn run(mut self, name: String) -> Ledger {
        for number in 0.. {
            let key = format!("{name}-{number}");
            let gone = match self.create(&key).await {
                None => true,
                Some(_) if number % 2 == 0 && !self.change(&key, number).await => true,
                Some(_) => number % 3 == 0 && !self.delete(&key).await,
            };
            if gone {
                break;
            }
        }
        self.ledger
    }

    async fn create(&mut self, key: &str) -> Option<Value> {
        let attributes = json!({"key": key, "text": "x".repeat(4000)});
        let expected = Expected {
            url: None,
            possible: vec![None, Some(attributes.clone())],
        };
        self.ledger.insert(key.to_owned(), expected);
        let document = self
            .send(Method::POST, "/contacts", &attributes, 201)
            .await?;
        let url = document["data"]["links"]["self"]
            .as_str()
            .unwrap()
            .to_owned();
        let expected = Expected {
            url: Some(url),
            possible: vec![Some(attributes.clone())],
        };
        self.ledger.insert(key.to_owned(), expected);
        Some(attributes)
    }

    async fn change(&mut self, key: &str, number: usize) -> bool {
        let changes = json!({"text": null, "number": number});
        let after = json!({"key": key, "text": null, "number": number});
        self.write(Method::PATCH, key, &changes, Some(after)).await
    }

    async fn delete(&mut self, key: &str) -> bool {
        self.write(Method::DELETE, key, &json!({}), None).await
    }

    /// Changes a contact to `after`; false when the server is gone.
    async fn write(
        &mut self,
        method: Method,
        key: &str,
        body: &Value,
        after: Option<Value>,
    ) -> bool {
        let expected = self.ledger.get_mut(key).unwrap();
        expected.possible.push(after.clone());
        let url = expected.url.clone().unwrap();
        let acknowledged = self.send(method, &url, body, 200).await.is_some();
        if acknowledged {
            self.ledger.get_mut(key).unwrap().possible = vec![after];
        }
        acknowledged
    }

    /// The answer to a write, or nothing when the server is gone.
    async fn send(&self, method: Method, path: &str, body: &Value, status: u16) -> Option<Value> {
        let request = self.client.request(method, format!("{}{path}", self.root));
        let request = request.header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.ok()?;
        assert_eq!(response.status().as_u16(), status);
        self.killer.one_more();
        // The head was the acknowledgement, but without the body nobody knows what was stored.
        serde_json::from_slice(&response.bytes().await.ok()?).unwrap()
    }
}

/// Writes with several clients at once until the server is killed in the middle of it.
async fn write_until_killed(server: Server, round: usize) -> Ledger {
    let connections: Vec<_> = (0..CLIENTS).map(|_| server.client()).collect();
    let killer = Arc::new(Killer::new(server, 1 + (round * 7) % 40));
    let mut writers = JoinSet::new();
    for (number, (client, root)) in connections.into_iter().enumerate() {
        let writer = Writer {
            client,
            root,
            killer: killer.clone(),
            ledger: Ledger::new(),
        };
        writers.spawn(writer.run(format!("{round}-{number}")));
    }
    let parts = writers.join_all().await;
    killer.has_killed();
    parts.into_iter().flatten().collect()
}

/// All contacts of the collection by their `key`, each with its URL.
async fn stored(server: &Server) -> HashMap<String, (String, Value)> {
    let mut stored = HashMap::new();
    let mut next = json!("/contacts?page[size]=1000");
    while let Some(url) = next.as_str() {
        let document = server.get(url).await.document(200);
        for contact in document["data"].as_array().unwrap() {
            let mut attributes = contact["attributes"].clone();
            attributes.as_object_mut().unwrap().shift_remove("_id");
            let key = attributes["key"].as_str().expect("a key").to_owned();
            let url = contact["links"]["self"].as_str().unwrap().to_owned();
            let twice = stored.insert(key, (url, attributes));
            assert_eq!(twice, None);
        }
        next = document["links"]["next"].clone();
    }
    stored
}

/// A state as it is shown when it is wrong.
fn brief(state: Option<&Value>) -> String {
    let text = state.map_or("absent".to_owned(), Value::to_string);
    text.chars().take(80).collect()
}

/// Checks that the store has what the ledger says and nothing else, and writes down which of the
/// possible states it is, for it must stay so.
async fn settle(server: &Server, ledger: &mut Ledger) {
    let mut stored = stored(server).await;
    for (key, expected) in ledger.iter_mut() {
        let found = stored.remove(key);
        let state = found.as_ref().map(|(_, attributes)| attributes.clone());
        let possible = expected.possible.iter();
        let possible = possible.map(|state| brief(state.as_ref()));
        assert!(
            expected.possible.contains(&state),
            "{key} is {} but was acknowledged as {:?}",
            brief(state.as_ref()),
            possible.collect::<Vec<_>>()
        );
        if let (Some(url), Some((found, _))) = (&expected.url, &found) {
            assert_eq!(found, url);
        }
        expected.possible = vec![state];
    }
    assert!(stored.is_empty(), "nobody wrote {:?}", stored.keys());
}

#[tokio::test]
async fn every_acknowledged_write_survives_twenty_kills() {
    let store = Store::fresh();
    let mut ledger = Ledger::new();
    for round in 0..ROUNDS {
        let server = Setup::on(&store).start().await;
        settle(&server, &mut ledger).await;
        ledger.extend(write_until_killed(server, round).await);
    }
    let server = Setup::on(&store).start().await;
    settle(&server, &mut ledger).await;
    let states = || ledger.values().map(|expected| &expected.possible[0]);
    let changed =
        |state: &Option<Value>| state.as_ref().is_some_and(|state| state["text"].is_null());
    // All three kinds of writes were among them.
    assert!(states().flatten().count() > ROUNDS, "{}", ledger.len());
    assert!(states().any(changed) && states().any(Option::is_none));
}
