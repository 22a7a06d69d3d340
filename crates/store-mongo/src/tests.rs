mod failing;
mod imports;
mod indexes;
mod patience;
mod queries;
mod reads;
mod writes;

use mongodb::Database;
use resources::schema::Attributes;
use resources::store::{Write, contract};

use super::*;

/// A database of its own for each test, removed when the test ends.
pub(crate) struct Fresh(pub(crate) Database);

impl Drop for Fresh {
    fn drop(&mut self) {
        let database = self.0.clone();
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async { database.drop().await.ok() })
        });
    }
}

/// The connection string of the shared deployment.
fn uri() -> String {
    test_servers::shared().to_string()
}

pub(crate) async fn fresh() -> (Fresh, MongoStore) {
    let mut settings = MongoSettings::new(&uri());
    // Servers under test share a machine with many others.
    settings.operation_timeout = Duration::from_secs(30);
    settings.database = Some(format!("monocoque_test_{}", bson::oid::ObjectId::new()));
    let store = MongoStore::connect(settings).await.unwrap();
    (Fresh(store.connection.database.clone()), store)
}

contract::clauses!(fresh);
contract::clauses_of_changes!(fresh);

/// The same clauses where reads go in rounds.
mod in_rounds {
    use super::*;

    async fn fresh() -> (Fresh, resources::store::Rounds) {
        let (fresh, store) = super::fresh().await;
        (fresh, resources::store::Rounds::new(Arc::new(store)))
    }

    contract::clauses!(fresh);
}

fn declared(definition: &str) -> Arc<ResourceType> {
    Arc::new(resources::schema::parse(definition).unwrap())
}

pub(crate) fn things() -> Arc<ResourceType> {
    declared("type: things\nattributes: {type: object}\n")
}

async fn page(store: &MongoStore, resource_type: &Arc<ResourceType>, number: u64) -> Page {
    let query = Query {
        skip: 3 * (number - 1),
        ..Query::first(3)
    };
    store.list(resource_type, &query).await.unwrap()
}

async fn prepare(store: &MongoStore, resource_type: &Arc<ResourceType>) -> Result<(), StoreError> {
    store.prepare(std::slice::from_ref(resource_type)).await
}

async fn look_up(
    store: &MongoStore,
    resource_type: &Arc<ResourceType>,
    id: &Id,
) -> Option<Resource> {
    let ids = std::slice::from_ref(id);
    let found = store.find(resource_type, ids, &Filter::Everything).await;
    found.unwrap().remove(0)
}

async fn written(store: &MongoStore, write: Write) -> Result<Vec<Written>, WriteError> {
    store.write(Unit::new(vec![write])).await
}

fn attributes(value: serde_json::Value) -> Attributes {
    match value {
        serde_json::Value::Object(attributes) => attributes,
        other => panic!("not an object: {other}"),
    }
}
