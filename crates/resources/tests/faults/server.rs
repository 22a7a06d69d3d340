//! The servers and stores of the tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use resources::repository::Repository;
use resources::repository::mongo::{MongoRepository, MongoSettings};
use resources::schema::{self, ResourceType};

/// The longest that anything may take before the store gives up.
pub(crate) const OPERATION_TIMEOUT: Duration = Duration::from_secs(4);

/// The server that the tests share; a missing one fails them.
pub(crate) fn uri() -> String {
    #[expect(clippy::disallowed_methods, reason = "the one setting of the tests")]
    let uri = std::env::var("MONOCOQUE_TEST_MONGO_URI");
    uri.expect("no MongoDB server: run the tests as `scripts/mongodb run -- cargo test`")
}

/// The server that the tests share, for stores whose errors it is told to give.
///
/// A server that says that it is going down also tells its watchers when it is back. One that
/// only was told to say so has nothing to tell, so it is asked twice a second.
pub(crate) fn uri_for_fail_points() -> String {
    with_option(&uri(), "serverMonitoringMode=poll&heartbeatFrequencyMS=500")
}

/// The connection string with one more option.
pub(crate) fn with_option(uri: &str, option: &str) -> String {
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{option}")
}

/// A store of a database and an application of its own.
pub(crate) struct TestStore {
    pub(crate) repository: Arc<MongoRepository>,
    pub(crate) of: Arc<ResourceType>,
    pub(crate) application: String,
    pub(crate) database: String,
}

impl TestStore {
    pub(crate) async fn connect(uri: &str) -> Self {
        let unique = ObjectId::new();
        let mut settings = MongoSettings::new(uri);
        settings.operation_timeout = OPERATION_TIMEOUT;
        settings.application = format!("faults-{unique}");
        settings.database = Some(format!("monocoque_faults_{unique}"));
        let (application, database) = (settings.application.clone(), settings.database.clone());
        let repository = MongoRepository::connect(settings).await.unwrap();
        let definition = "type: things\nattributes: {type: object}\nindexes: [{attributes: [n]}]\n";
        Self {
            repository: Arc::new(repository),
            of: Arc::new(schema::parse(definition).unwrap()),
            application,
            database: database.unwrap(),
        }
    }

    /// A store whose collection is there.
    pub(crate) async fn prepared(uri: &str) -> Self {
        let store = Self::connect(uri).await;
        store.repository.prepare(&store.of).await.unwrap();
        store.repository.ping().await.unwrap();
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
}

/// Commands for the server itself, past the store.
pub(crate) struct Operator(Client);

impl Operator {
    pub(crate) async fn connect(uri: &str) -> Self {
        Self(Client::with_uri_str(uri).await.unwrap())
    }

    pub(crate) async fn admin(&self, command: Document) -> mongodb::error::Result<Document> {
        self.0.database("admin").run_command(command).await
    }

    pub(crate) fn documents(&self, store: &TestStore) -> mongodb::Collection<Document> {
        self.0.database(&store.database).collection("things")
    }

    pub(crate) async fn collections(&self, store: &TestStore) -> Vec<String> {
        let database = self.0.database(&store.database);
        database.list_collection_names().await.unwrap()
    }

    pub(crate) async fn drop_database(&self, store: &TestStore) {
        self.0.database(&store.database).drop().await.unwrap();
    }

    /// Makes commands of one store's application fail; `mode` is `alwaysOn`, `off` or a count.
    pub(crate) async fn fail(&self, store: &TestStore, mode: impl Into<Mode>, mut data: Document) {
        data.insert("appName", &store.application);
        let mode = mode.into().0;
        let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        self.admin(command).await.unwrap();
    }
}

/// How long a fail point lasts.
pub(crate) struct Mode(Bson);

impl From<&str> for Mode {
    fn from(mode: &str) -> Self {
        Self(mode.into())
    }
}

impl From<i32> for Mode {
    fn from(times: i32) -> Self {
        Self(doc! { "times": times }.into())
    }
}
