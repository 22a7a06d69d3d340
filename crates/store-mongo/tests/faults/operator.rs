//! The deployment that the tests share, and what only its operator may do; the tests of the binary
//! use it too.

use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::connection_string::ConnectionString;

/// Whose connection string it is; a missing server fails the tests.
pub(crate) fn shared() -> ConnectionString {
    #[expect(clippy::disallowed_methods, reason = "the one setting of the tests")]
    let uri = std::env::var("MONOCOQUE_TEST_MONGO_URI");
    let uri = uri.expect("no MongoDB server: run the tests as `scripts/mongodb run -- cargo test`");
    ConnectionString::parsed(&uri)
}

/// The operator of the shared deployment.
pub(crate) fn operator() -> &'static Operator {
    static OPERATOR: OnceLock<Operator> = OnceLock::new();
    OPERATOR.get_or_init(|| Operator::of(&shared()))
}

/// Host and port of that member of the shared deployment which takes the writes.
pub(crate) fn address_of_primary() -> String {
    let hello = operator().run("admin", doc! { "hello": 1 }).unwrap();
    // Only a member of a replica set knows its own address.
    let known = hello.get_str("me").map(str::to_owned);
    known.unwrap_or_else(|_| shared().host().to_owned())
}

/// Longer than any command of an operator takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Outlives the runtimes of the tests, most of which end before what they have made is removed.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Commands for a deployment, past what is tested. Each takes the place of an await, so that sync
/// tests and `drop` can use it too.
#[derive(Debug, Clone)]
pub(crate) struct Operator(Client);

impl Operator {
    pub(crate) fn of(place: &ConnectionString) -> Self {
        // Longer than an election takes.
        let patience = ("serverSelectionTimeoutMS", "15000");
        let uri = place.clone().option(patience.0, patience.1).to_string();
        Self(wait(async { Client::with_uri_str(uri).await.unwrap() }))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0
    }

    pub(crate) fn run(&self, database: &str, command: Document) -> Result<Document, String> {
        let database = self.0.database(database);
        let text = command.to_string();
        let reply = wait(async move { timeout(PATIENCE, database.run_command(command)).await });
        let reply = reply.map_err(|_| format!("no answer to {text}"))?;
        reply.map_err(|error| error.to_string())
    }

    /// For `drop`: a test that fails already must say its own reason.
    fn tidy_up(&self, database: &str, command: Document) {
        let tidied = self.run(database, command);
        assert!(std::thread::panicking() || tidied.is_ok(), "{tidied:?}");
    }

    pub(crate) fn drop_database(&self, name: &str) {
        self.tidy_up(name, doc! { "dropDatabase": 1 });
    }

    /// Whether it is no MongoDB, but one of the stand-ins of `scripts/mongodb`.
    pub(crate) fn is_of_stand_in(&self) -> bool {
        let build = self.run("admin", doc! { "buildInfo": 1 }).unwrap();
        build.contains_key("secantusVersion")
    }
}

fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (reply, answer) = mpsc::channel();
    RUNTIME.spawn(async move { reply.send(work.await) });
    answer.recv().expect("the work of the operator ends")
}

/// A command that nobody but the tests sends, and that fails with the others.
const PROBE: &str = "connectionStatus";

/// A server has one fail point, so one test at a time has it.
static ALONE: Mutex<()> = Mutex::new(());

/// Makes commands of one application fail, until this is dropped.
pub(crate) struct FailPoint {
    operator: Operator,
    /// Known to the server as the application.
    probe: Operator,
    application: String,
    _alone: MutexGuard<'static, ()>,
}

impl FailPoint {
    /// Of the shared deployment; nothing fails yet.
    pub(crate) fn of(application: &str) -> Self {
        Self {
            _alone: ALONE.lock().unwrap_or_else(PoisonError::into_inner),
            operator: operator().clone(),
            probe: Operator::of(&shared().option("appName", application)),
            application: application.to_owned(),
        }
    }

    fn configure(&self, mode: Bson, data: Document) -> Result<Document, String> {
        let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        self.operator.run("admin", command)
    }

    fn set(&self, mode: Bson, mut data: Document) {
        let _ = self.configure("off".into(), doc! {});
        data.insert("appName", &self.application);
        if let Ok(commands) = data.get_array_mut("failCommands") {
            commands.push(PROBE.into());
        }
        self.configure(mode, data).unwrap();
    }

    /// From now on, so many of the commands fail.
    pub(crate) fn times(&self, times: i32, data: Document) {
        self.set(doc! { "times": times }.into(), data);
    }

    /// From now on, all of the commands fail.
    pub(crate) fn always(&self, data: Document) {
        self.set("alwaysOn".into(), data);
    }

    pub(crate) fn off(&self) {
        self.configure("off".into(), doc! {}).unwrap();
    }

    /// Fails unless all that were to fail have.
    #[track_caller]
    pub(crate) fn assert_used_up(&self) {
        assert!(self.is_used_up(), "the fault has not happened");
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.probe.run("admin", doc! { PROBE: 1 }).is_ok()
    }
}

impl Drop for FailPoint {
    fn drop(&mut self) {
        let off = self.configure("off".into(), doc! {});
        assert!(std::thread::panicking() || off.is_ok(), "{off:?}");
    }
}
