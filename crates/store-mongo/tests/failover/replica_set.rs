//! A replica set of three as a driver sees it, over one server: who is the primary changes, and
//! the data are always the same. What replication does to them is not simulated.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use test_servers::{ConnectionString, Guise, Interposer};
use tokio::sync::watch;

const NAME: &str = "simulated";
const MEMBERS: usize = 3;
/// Those that change something, or belong to something that does.
const WRITES: [&str; 11] = [
    "insert",
    "update",
    "delete",
    "findAndModify",
    "create",
    "createIndexes",
    "drop",
    "dropDatabase",
    "commitTransaction",
    "abortTransaction",
    "bulkWrite",
];

/// What the members agree on.
#[derive(Debug, Clone)]
struct State {
    addresses: Vec<SocketAddr>,
    primary: Option<usize>,
    /// Of the last election.
    term: u32,
    /// Rises with every change, as the counter of `topologyVersion`.
    version: i64,
}

pub(crate) struct ReplicaSet {
    server: String,
    state: watch::Sender<State>,
    refused: Arc<AtomicUsize>,
    members: Vec<Option<Interposer>>,
}

impl ReplicaSet {
    /// `server` is host and port; the first member is the primary.
    pub(crate) async fn over(server: &str) -> Self {
        let state = watch::Sender::new(State {
            addresses: Vec::new(),
            primary: Some(0),
            term: 1,
            version: 1,
        });
        let mut set = Self {
            server: server.to_owned(),
            state,
            refused: Arc::default(),
            members: Vec::new(),
        };
        let mut addresses = Vec::new();
        for number in 0..MEMBERS {
            let member = set.member(number, ([127, 0, 0, 1], 0).into()).await;
            addresses.push(member.address);
            set.members.push(Some(member));
        }
        set.state.send_modify(|state| state.addresses = addresses);
        set
    }

    async fn member(&self, number: usize, address: SocketAddr) -> Interposer {
        let process = ObjectId::new();
        let guise = Member {
            number,
            process,
            refused: self.refused.clone(),
            state: self.state.subscribe(),
        };
        Interposer::start(address, &self.server, Arc::new(guise)).await
    }

    pub(crate) fn place(&self) -> ConnectionString {
        let hosts = self.state.borrow().hosts().join(",");
        ConnectionString::parsed(&format!("mongodb://{hosts}/?replicaSet={NAME}"))
    }

    pub(crate) fn primary(&self) -> usize {
        self.state.borrow().primary.expect("a primary")
    }

    /// How many commands were refused because another member is the primary, or none.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    fn change(&self, primary: Option<usize>) {
        self.state.send_modify(|state| {
            state.primary = primary;
            state.version += 1;
            state.term += u32::from(primary.is_some());
        });
    }

    /// The primary is gone with its connections and its port, and nobody takes its place yet.
    pub(crate) async fn kill_primary(&mut self) -> usize {
        let number = self.primary();
        let mut member = self.members[number].take().expect("it is there");
        member.task.abort();
        let _ = (&mut member.task).await;
        self.change(None);
        number
    }

    /// The primary is a secondary now, its connections stay, and nobody takes its place yet.
    pub(crate) fn step_down(&self) {
        self.change(None);
    }

    pub(crate) fn elect(&self, number: usize) {
        assert!(self.members[number].is_some(), "{number} is not there");
        self.change(Some(number));
    }

    /// One that was killed comes back as a secondary.
    pub(crate) async fn restart(&mut self, number: usize) {
        let address = self.state.borrow().addresses[number];
        self.members[number] = Some(self.member(number, address).await);
    }
}

impl State {
    fn hosts(&self) -> Vec<String> {
        self.addresses.iter().map(ToString::to_string).collect()
    }
}

/// One member of the set.
struct Member {
    number: usize,
    /// Another one after each start.
    process: ObjectId,
    refused: Arc<AtomicUsize>,
    state: watch::Receiver<State>,
}

impl Member {
    fn topology_version(&self) -> Document {
        doc! { "processId": self.process, "counter": self.state.borrow().version }
    }

    fn not_primary(&self, code: i32, name: &str, text: &str) -> Document {
        self.refused.fetch_add(1, Ordering::Relaxed);
        doc! {
            "ok": 0.0, "errmsg": text, "code": code, "codeName": name,
            "topologyVersion": self.topology_version(),
        }
    }
}

#[async_trait]
impl Guise for Member {
    fn hello(&self, mut own: Document) -> Document {
        let state = self.state.borrow().clone();
        let hosts = state.hosts();
        let is_primary = state.primary == Some(self.number);
        for name in ["primary", "electionId", "msg", "helloOk"] {
            own.remove(name);
        }
        own.insert("isWritablePrimary", is_primary);
        own.insert("ismaster", is_primary);
        own.insert("secondary", !is_primary);
        own.insert("setName", NAME);
        own.insert("setVersion", 1);
        own.insert("me", &hosts[self.number]);
        if let Some(primary) = state.primary {
            own.insert("primary", &hosts[primary]);
        }
        if is_primary {
            let mut election = [0; 12];
            election[8..].copy_from_slice(&state.term.to_be_bytes());
            own.insert("electionId", ObjectId::from_bytes(election));
        }
        own.insert("hosts", hosts);
        own.insert("helloOk", true);
        own.insert("topologyVersion", self.topology_version());
        own
    }

    fn refusal(&self, command: &Document) -> Option<Document> {
        if self.state.borrow().primary == Some(self.number) {
            return None;
        }
        let name = command.keys().next()?.as_str();
        if WRITES.contains(&name) || command.contains_key("startTransaction") {
            return Some(self.not_primary(10107, "NotWritablePrimary", "not primary"));
        }
        let preference = command.get_document("$readPreference");
        let by_primary = preference.map_or(true, |mode| {
            mode.get_str("mode").is_ok_and(|mode| mode == "primary")
        });
        let reads = ["find", "aggregate", "getMore", "count"].contains(&name);
        let text = "not primary and secondaryOk=false";
        (reads && by_primary).then(|| self.not_primary(13435, "NotPrimaryNoSecondaryOk", text))
    }

    async fn news(&self, command: &Document) {
        let known = command.get_document("topologyVersion").ok();
        let known = known.and_then(|version| version.get_i64("counter").ok());
        let longest = command
            .get("maxAwaitTimeMS")
            .and_then(|millis| match millis {
                Bson::Int32(millis) => u64::try_from(*millis).ok(),
                Bson::Int64(millis) => u64::try_from(*millis).ok(),
                _ => None,
            });
        let mut state = self.state.clone();
        let changed = state.wait_for(|state| Some(state.version) != known);
        let longest = Duration::from_millis(longest.unwrap_or_default());
        let _ = tokio::time::timeout(longest, changed).await;
    }
}
