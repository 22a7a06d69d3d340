//! A database of one test's own in the MongoDB deployment that the tests share.

use mongodb::bson::{Document, doc, oid::ObjectId};

use super::operator::{operator, shared};

pub(crate) struct Database {
    pub(crate) name: String,
    uri: String,
}

impl Database {
    pub(super) fn fresh() -> Self {
        let name = format!("monocoque_e2e_{}", ObjectId::new());
        let uri = shared().database(&name).option("appName", &name);
        Self {
            name,
            uri: uri.to_string(),
        }
    }

    /// A connection string that names the database, and it as the application.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }
}

/// Has the server do what only its operator may.
pub(crate) fn run(database: &str, command: Document) -> Result<Document, String> {
    operator().run(database, command)
}

impl Drop for Database {
    fn drop(&mut self) {
        let dropped = run(&self.name, doc! { "dropDatabase": 1 });
        // A test that fails already must say its own reason.
        assert!(std::thread::panicking() || dropped.is_ok(), "{dropped:?}");
    }
}
