//! What the writes to a type with a shard key ask of the server, as it stands on the wire.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mongodb::bson::{Document, doc, oid::ObjectId};
use resources::schema::{self, Attributes, Id, ResourceType};
use resources::store::{Store, Unit, Write};
use serde_json::json;
use test_servers::{Guise, Interposer, OwnServer, TestStore};

/// A server as it is, whose writes are noted.
#[derive(Default)]
struct Overheard(Mutex<Vec<Document>>);

#[async_trait]
impl Guise for Overheard {
    /// Without a version of the topology nobody waits for news of it.
    fn hello(&self, mut own: Document) -> Document {
        own.remove("topologyVersion");
        own
    }

    fn refusal(&self, command: &Document) -> Option<Document> {
        for name in ["updates", "deletes"] {
            if let Ok(statements) = command.get_array(name) {
                let filters = statements.iter().map(|one| one.as_document().unwrap());
                let filters = filters.map(|one| one.get_document("q").unwrap().clone());
                self.0.lock().unwrap().extend(filters);
            }
        }
        None
    }

    async fn news(&self, _command: &Document) {}
}

/// An update, a replacement and a deletion, each by itself.
fn changes(of: &Arc<ResourceType>, id: &Id) -> Vec<Write> {
    let update = Attributes::from_iter([("n".to_owned(), 1.into())]);
    let replacement = Attributes::from_iter([("city".to_owned(), "y".into())]);
    vec![
        Write::update(of, id.clone(), update),
        Write::replace(of, id.clone(), replacement),
        Write::delete(of, id.clone()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_sharded_type_ask_for_its_shard_key() {
    let overheard = Arc::<Overheard>::default();
    let local = ([127, 0, 0, 1], 0).into();
    let server = OwnServer::started(&[]);
    let interposer = Interposer::start(local, &server.address(), overheard.clone()).await;
    let uri = format!("mongodb://{}/?directConnection=true", interposer.address);
    let store = TestStore::prepared(&uri.into()).await;
    // What the preparation of counters asked for.
    overheard.0.lock().unwrap().clear();
    // The preparation has made the counter of the ids.
    overheard.0.lock().unwrap().clear();
    let definition = "type: things\nattributes: {type: object}\nshardKey: [city, zip]\n";
    let of = Arc::new(schema::parse(definition).unwrap());
    for units in [false, true] {
        let id = ObjectId::new();
        let stored = Id::ObjectId(id.bytes());
        let before = json!({"city": "x", "zip": 1, "street": "z"});
        let before = before.as_object().unwrap().clone();
        let insertion = Write::insert(&of, stored.clone(), before);
        store.mongo.write(Unit::new(vec![insertion])).await.unwrap();
        let writes = changes(&of, &stored);
        if units {
            store.mongo.write(Unit::new(writes)).await.unwrap();
        } else {
            for write in writes {
                store.mongo.write(Unit::new(vec![write])).await.unwrap();
            }
        }
        let filters = std::mem::take(&mut *overheard.0.lock().unwrap());
        // What the replacement left behind has another city and no zip.
        let keys = [("x", Some(1)), ("x", Some(1)), ("y", None)];
        assert_eq!(filters.len(), keys.len(), "{filters:?}");
        for (filter, (city, zip)) in filters.iter().zip(keys) {
            let wanted = doc! { "_id": id, "city": { "$eq": city }, "zip": { "$eq": zip } };
            let mut filter = filter.clone();
            // The condition that nothing has changed is of updates alone.
            filter.remove("$expr");
            assert_eq!(filter, wanted);
        }
    }
}
