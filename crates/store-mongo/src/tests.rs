mod failing;
mod imports;
mod indexes;
mod patience;
mod reads;
mod writes;

use super::*;
use resources::store::contract;

/// A database of its own for each test, removed when the test ends.
struct Fresh(Database);

impl Drop for Fresh {
    fn drop(&mut self) {
        let database = self.0.clone();
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async { database.drop().await.ok() })
        });
    }
}

/// The server for the tests; a missing one fails them.
fn uri() -> String {
    #[expect(clippy::disallowed_methods, reason = "the one setting of the tests")]
    let uri = std::env::var("MONOCOQUE_TEST_MONGO_URI");
    uri.expect("no MongoDB server: run the tests as `scripts/mongodb run -- cargo test`")
}

async fn fresh() -> (Fresh, MongoStore) {
    let mut settings = MongoSettings::new(&uri());
    // Servers under test share a machine with many others.
    settings.operation_timeout = Duration::from_secs(30);
    settings.database = Some(format!("monocoque_test_{}", bson::oid::ObjectId::new()));
    let repository = MongoStore::connect(settings).await.unwrap();
    (Fresh(repository.store.database.clone()), repository)
}

contract::clauses!(fresh);

fn declared(definition: &str) -> Arc<ResourceType> {
    Arc::new(resources::schema::parse(definition).unwrap())
}

fn things() -> Arc<ResourceType> {
    declared("type: things\nattributes: {type: object}\n")
}

async fn page(repository: &MongoStore, of: &Arc<ResourceType>, number: u64) -> Page {
    let page = resources::query::Pagination { number, size: 3 };
    repository.list(of, &Query { page }).await.unwrap()
}
