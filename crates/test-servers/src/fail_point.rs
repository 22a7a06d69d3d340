//! Errors that a server is told to give.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mongodb::bson::{Bson, Document, doc};

use crate::{ConnectionString, Operator, OwnServer, operator, shared};

/// A command that only the tests send. It is made to fail with the others, which shows whether
/// the fail point still has failures left.
const PROBE: &str = "connectionStatus";

/// A server has one fail point, so one test of a process at a time has it.
static ALONE: Mutex<()> = Mutex::new(());

/// Makes commands of one application fail until it is dropped.
pub struct FailPoint {
    operator: Operator,
    /// Known to the server as the application.
    probe: Operator,
    application: String,
    _alone: MutexGuard<'static, ()>,
}

impl FailPoint {
    /// On the shared deployment; nothing fails yet.
    pub fn new(application: &str) -> Self {
        Self::on(&shared(), operator().clone(), application)
    }

    /// On a server of the test's own; nothing fails yet.
    pub fn on_own(server: &OwnServer, application: &str) -> Self {
        let place = ConnectionString::from(server.uri());
        Self::on(&place, Operator::new(&place), application)
    }

    fn on(place: &ConnectionString, operator: Operator, application: &str) -> Self {
        Self {
            _alone: ALONE.lock().unwrap_or_else(PoisonError::into_inner),
            operator,
            probe: Operator::new(&place.clone().option("appName", application)),
            application: application.to_owned(),
        }
    }

    fn configure(&self, mode: Bson, data: Document) -> Result<Document, String> {
        let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        self.operator.run("admin", command)
    }

    /// Commands fail from now on, as often as the mode of the fail point says.
    pub fn set(&self, mode: Bson, mut data: Document) {
        let _ = self.configure("off".into(), doc! {});
        data.insert("appName", &self.application);
        if let Ok(commands) = data.get_array_mut("failCommands") {
            commands.push(PROBE.into());
        }
        self.configure(mode, data).unwrap();
    }

    /// The next so many of these commands fail.
    pub fn times(&self, times: i32, data: Document) {
        self.set(doc! { "times": times }.into(), data);
    }

    /// All of these commands fail.
    pub fn always(&self, data: Document) {
        self.set("alwaysOn".into(), data);
    }

    pub fn off(&self) {
        self.configure("off".into(), doc! {}).unwrap();
    }

    /// Panics unless as many commands have failed as were to.
    #[track_caller]
    pub fn assert_used_up(&self) {
        assert!(self.is_used_up(), "the fault has not happened");
    }

    pub fn is_used_up(&self) -> bool {
        self.probe.run("admin", doc! { PROBE: 1 }).is_ok()
    }
}

impl Drop for FailPoint {
    fn drop(&mut self) {
        let off = self.configure("off".into(), doc! {});
        assert!(std::thread::panicking() || off.is_ok(), "{off:?}");
    }
}
