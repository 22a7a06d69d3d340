//! A standalone server as MongoDB's own is. The stand-ins say that they are standalone and take
//! transactions all the same, so an interposer refuses them in MongoDB's words.

use std::sync::Arc;

use async_trait::async_trait;
use mongodb::Client;
use mongodb::bson::{Document, doc};

use crate::{Guise, Interposer, OwnServer};

/// A server of a test's own that is no replica set.
pub struct Unreplicated {
    address: String,
    _server: OwnServer,
    _interposer: Option<Interposer>,
}

impl Unreplicated {
    pub async fn started() -> Self {
        let server = OwnServer::started(&["--standalone".as_ref()]);
        let mut address = server.address();
        let mut interposer = None;
        if takes_transactions(&server).await {
            let guise = Arc::new(Refusing);
            let started = Interposer::start(([127, 0, 0, 1], 0).into(), &address, guise).await;
            address = started.address.to_string();
            interposer = Some(started);
        }
        Self {
            address,
            _server: server,
            _interposer: interposer,
        }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Whether the server, which is waited for, is other than MongoDB's own.
async fn takes_transactions(server: &OwnServer) -> bool {
    let patient = format!("{}&serverSelectionTimeoutMS=30000", server.uri());
    let client = Client::with_uri_str(patient).await.unwrap();
    let admin = client.database("admin");
    admin.run_command(doc! { "ping": 1 }).await.unwrap();
    let mut session = client.start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    let probe = client.database("probe").collection::<Document>("probe");
    let inserted = probe.insert_one(doc! {}).session(&mut session).await;
    let _ = session.abort_transaction().await;
    inserted.is_ok()
}

/// Whether a command asks for a change stream.
fn watches(command: &Document) -> bool {
    let stages = command.get_array("pipeline").ok();
    let first = stages.and_then(|stages| stages.first()?.as_document());
    first.is_some_and(|stage| stage.contains_key("$changeStream"))
}

struct Refusing;

#[async_trait]
impl Guise for Refusing {
    /// Without a version of the topology nobody waits for news of it.
    fn hello(&self, mut own: Document) -> Document {
        own.remove("topologyVersion");
        own
    }

    fn refusal(&self, command: &Document) -> Option<Document> {
        let level = command.get_document("readConcern").ok();
        let level = level.and_then(|concern| concern.get_str("level").ok());
        let (code, name, text) = if command.contains_key("txnNumber") {
            let text = "Transaction numbers are only allowed on a replica set member or mongos";
            (20, "IllegalOperation", text)
        } else if level == Some("snapshot") {
            let text = "node needs to be a replica set member to use readConcern: snapshot";
            (123, "NotAReplicaSet", text)
        } else if watches(command) {
            let text = "The $changeStream stage is only supported on replica sets";
            (40573, "Location40573", text)
        } else {
            return None;
        };
        Some(doc! { "ok": 0.0, "errmsg": text, "code": code, "codeName": name })
    }

    async fn news(&self, _command: &Document) {}
}
