//! A database of one test's own on the MongoDB server that the tests share.

use std::sync::{LazyLock, mpsc};

use mongodb::Client;
use mongodb::bson::{Document, doc, oid::ObjectId};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// The server that the tests share; a missing one fails them.
fn server() -> String {
    #[expect(clippy::disallowed_methods, reason = "the one setting of the tests")]
    let uri = std::env::var("MONOCOQUE_TEST_MONGO_URI");
    uri.expect("no MongoDB server: run the tests as `scripts/mongodb run -- cargo test`")
}

/// Outlives the runtimes of the tests, most of which end before their databases are dropped.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static OPERATOR: OnceCell<Client> = OnceCell::const_new();

async fn operator() -> &'static Client {
    let connected = || async { Client::with_uri_str(server()).await.unwrap() };
    OPERATOR.get_or_init(connected).await
}

pub(crate) struct Database {
    pub(crate) name: String,
    uri: String,
}

impl Database {
    pub(super) fn fresh() -> Self {
        let unique = ObjectId::new();
        let name = format!("monocoque_e2e_{unique}");
        let uri = with_database(&server(), &name);
        Self { name, uri }
    }

    /// A connection string that names the database, and it as the application.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }
}

/// Has the server do what only its operator may. Takes the place of an await, so that
/// sync tests and `drop` can use it too.
pub(crate) fn run(database: &str, command: Document) -> Result<Document, String> {
    let (reply, answer) = mpsc::channel();
    let database = database.to_owned();
    RUNTIME.spawn(async move {
        let database = operator().await.database(&database);
        reply.send(database.run_command(command).await)
    });
    let answer = answer.recv().map_err(|error| error.to_string())?;
    answer.map_err(|error| error.to_string())
}

impl Drop for Database {
    fn drop(&mut self) {
        let dropped = run(&self.name, doc! { "dropDatabase": 1 });
        // A test that fails already must say its own reason.
        if !std::thread::panicking() {
            dropped.unwrap();
        }
    }
}

/// The connection string of a server with a database, which is the name of the application too.
fn with_database(uri: &str, database: &str) -> String {
    let (scheme, rest) = uri.split_once("://").expect("a connection string");
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    let hosts = place.split('/').next().unwrap_or_default();
    let separator = if options.is_empty() { "" } else { "&" };
    format!("{scheme}://{hosts}/{database}?{options}{separator}appName={database}")
}
