//! The stores of the tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, oid::ObjectId};
use resources::schema::{self, ResourceType};
use resources::store::Store;
use store_mongo::{MongoSettings, MongoStore};

use crate::connection_string::ConnectionString;
use crate::operator::{operator, shared};

/// The longest that anything may take before the store gives up.
pub(crate) const OPERATION_TIMEOUT: Duration = Duration::from_secs(4);

/// For stores whose errors a server is told to give, or whose password it refuses.
///
/// A server that says that it is going down also tells its watchers when it is back. One that
/// was never away has nothing to tell, so it is asked twice a second.
pub(crate) fn polling(place: ConnectionString) -> ConnectionString {
    place
        .option("serverMonitoringMode", "poll")
        .option("heartbeatFrequencyMS", "500")
}

/// The shared deployment, for stores with a fail point.
pub(crate) fn shared_for_fail_points() -> ConnectionString {
    polling(shared())
}

/// A store of a database and an application of its own.
pub(crate) struct TestStore {
    pub(crate) repository: Arc<MongoStore>,
    pub(crate) of: Arc<ResourceType>,
    /// A type whose ids the store chooses.
    pub(crate) numbered: Arc<ResourceType>,
    pub(crate) application: String,
    pub(crate) database: String,
}

impl TestStore {
    pub(crate) async fn connect(place: &ConnectionString) -> Self {
        let unique = ObjectId::new();
        let application = format!("faults-{unique}");
        let database = format!("monocoque_faults_{unique}");
        let uri = place.clone().option("appName", &application).to_string();
        let mut settings = MongoSettings::new(&uri);
        settings.operation_timeout = OPERATION_TIMEOUT;
        settings.database = Some(database.clone());
        let repository = MongoStore::connect(settings).await.unwrap();
        let attributes = "attributes: {type: object}\n";
        let things = format!("type: things\n{attributes}indexes: [{{attributes: [unit]}}]\n");
        let orders = format!("type: orders\nid: integer\n{attributes}");
        Self {
            repository: Arc::new(repository),
            of: Arc::new(schema::parse(&things).unwrap()),
            numbered: Arc::new(schema::parse(&orders).unwrap()),
            application,
            database,
        }
    }

    /// A store whose collections are there; its server is waited for.
    pub(crate) async fn prepared(place: &ConnectionString) -> Self {
        let store = Self::connect(place).await;
        store.recovered().await;
        for of in [&store.of, &store.numbered] {
            store.repository.prepare(of).await.unwrap();
        }
        store
    }

    /// Waits until requests are answered again; fails if that takes too long.
    pub(crate) async fn recovered(&self) {
        let begun = Instant::now();
        while let Err(error) = self.repository.ping().await {
            assert!(begun.elapsed() < Duration::from_secs(30), "still {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The collection of its things in the shared deployment.
    pub(crate) fn things(&self) -> mongodb::Collection<Document> {
        let database = operator().client().database(&self.database);
        database.collection("things")
    }
}

impl Drop for TestStore {
    /// The database of one that is on another server goes with that.
    fn drop(&mut self) {
        operator().drop_database(&self.database);
    }
}
