//! The stores of the tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, oid::ObjectId};
use resources::query::Filter;
use resources::schema::{self, Id, ResourceType};
use resources::store::{Resource, Store, StoreError};
use store_mongo::{MongoSettings, MongoStore};

use crate::{ConnectionString, operator, shared};

/// The longest that anything may take before the store gives up.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(4);

/// For stores whose errors a server is told to give, or whose password it refuses.
///
/// A server that says that it is going down also tells its watchers when it is back. A server
/// that was never away has nothing to tell, so it is asked twice a second.
pub fn polling(place: ConnectionString) -> ConnectionString {
    place
        .option("serverMonitoringMode", "poll")
        .option("heartbeatFrequencyMS", "500")
}

/// The shared deployment, for stores with a fail point.
pub fn shared_for_fail_points() -> ConnectionString {
    polling(shared())
}

/// A store over a database of its own, which is known to the server as an application of its own.
pub struct TestStore {
    pub mongo: Arc<MongoStore>,
    /// A type whose ids are known without the store.
    pub things: Arc<ResourceType>,
    /// A type whose ids the store hands out.
    pub orders: Arc<ResourceType>,
    pub application: String,
    pub database: String,
}

impl TestStore {
    pub async fn connect(place: &ConnectionString) -> Self {
        let unique = ObjectId::new();
        let application = format!("faults-{unique}");
        let database = format!("monocoque_faults_{unique}");
        let uri = place.clone().option("appName", &application).to_string();
        let mut settings = MongoSettings::new(&uri);
        settings.operation_timeout = OPERATION_TIMEOUT;
        settings.database = Some(database.clone());
        let mongo = MongoStore::connect(settings).await.unwrap();
        let attributes = "attributes: {type: object}\n";
        let things = format!("type: things\n{attributes}indexes: [{{attributes: [unit]}}]\n");
        let orders = format!("type: orders\nid: integer\n{attributes}");
        Self {
            mongo: Arc::new(mongo),
            things: Arc::new(schema::parse(&things).unwrap()),
            orders: Arc::new(schema::parse(&orders).unwrap()),
            application,
            database,
        }
    }

    /// A store whose collections are there; its server is waited for.
    pub async fn prepared(place: &ConnectionString) -> Self {
        let store = Self::connect(place).await;
        store.recovered().await;
        store.prepare().await;
        store
    }

    /// Prepares the store for both types.
    pub async fn prepare(&self) {
        let types = [self.things.clone(), self.orders.clone()];
        self.mongo.prepare(&types).await.unwrap();
    }

    /// One of the things by its id.
    pub async fn find(&self, id: &Id) -> Result<Option<Resource>, StoreError> {
        let ids = std::slice::from_ref(id);
        let scope = Filter::Everything;
        let mut found = self.mongo.find(&self.things, ids, &scope).await?;
        Ok(found.remove(0))
    }

    /// Waits until requests are answered again; panics if that takes too long.
    pub async fn recovered(&self) {
        let begun = Instant::now();
        while let Err(error) = self.mongo.ping().await {
            assert!(begun.elapsed() < Duration::from_secs(30), "still {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The collection of the things in the shared deployment.
    pub fn collection(&self) -> mongodb::Collection<Document> {
        let database = operator().client().database(&self.database);
        database.collection("things")
    }
}

impl Drop for TestStore {
    /// A database on a server of the test's own goes with that server.
    fn drop(&mut self) {
        operator().drop_database(&self.database);
    }
}
