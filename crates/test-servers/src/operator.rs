//! The deployment that the tests share, and what only its operator may do.

use std::sync::{LazyLock, OnceLock, mpsc};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::ConnectionString;

/// The connection string of the shared deployment; a missing one fails the tests.
pub fn shared() -> ConnectionString {
    #[expect(clippy::disallowed_methods, reason = "the one setting of the tests")]
    let uri = std::env::var("MONOCOQUE_TEST_MONGO_URI");
    let uri = uri.expect("no MongoDB server: run the tests as `scripts/mongodb run -- cargo test`");
    ConnectionString::parsed(&uri)
}

/// The operator of the shared deployment.
pub fn operator() -> &'static Operator {
    static OPERATOR: OnceLock<Operator> = OnceLock::new();
    OPERATOR.get_or_init(|| Operator::new(&shared()))
}

/// Host and port of that member of the shared deployment which takes the writes.
pub fn address_of_primary() -> String {
    let hello = operator().run("admin", doc! { "hello": 1 }).unwrap();
    // Only a member of a replica set knows its own address.
    let known = hello.get_str("me").map(str::to_owned);
    known.unwrap_or_else(|_| shared().host().to_owned())
}

/// Longer than any command of an operator takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Most runtimes of tests end before the databases of the tests are dropped. This one does not.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Sends commands to a deployment without the code under test. Each call blocks until it is
/// answered, so that synchronous tests and `drop` can use it too.
#[derive(Debug, Clone)]
pub struct Operator(Client);

impl Operator {
    pub fn new(place: &ConnectionString) -> Self {
        // Longer than an election takes.
        let patience = ("serverSelectionTimeoutMS", "15000");
        let uri = place.clone().option(patience.0, patience.1).to_string();
        Self(wait(async { Client::with_uri_str(uri).await.unwrap() }))
    }

    pub fn client(&self) -> &Client {
        &self.0
    }

    pub fn run(&self, database: &str, command: Document) -> Result<Document, String> {
        let database = self.0.database(database);
        let text = command.to_string();
        let reply = wait(async move { timeout(PATIENCE, database.run_command(command)).await });
        let reply = reply.map_err(|_| format!("no answer to {text}"))?;
        reply.map_err(|error| error.to_string())
    }

    /// For `drop`: a test that is failing already shows its own reason.
    fn tidy_up(&self, database: &str, command: Document) {
        let tidied = self.run(database, command);
        assert!(std::thread::panicking() || tidied.is_ok(), "{tidied:?}");
    }

    pub fn drop_database(&self, name: &str) {
        self.tidy_up(name, doc! { "dropDatabase": 1 });
    }

    /// Whether the server is one of the stand-ins of `scripts/mongodb`.
    pub fn is_of_stand_in(&self) -> bool {
        let build = self.run("admin", doc! { "buildInfo": 1 }).unwrap();
        build.contains_key("secantusVersion")
    }
}

fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (reply, answer) = mpsc::channel();
    RUNTIME.spawn(async move { reply.send(work.await) });
    answer.recv().expect("the work of the operator ends")
}
