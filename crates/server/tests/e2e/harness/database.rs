//! A database of one test's own in the MongoDB deployment that the tests share.

use mongodb::bson::{Document, oid::ObjectId};
use test_servers::{operator, shared};

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

    /// A connection string with the name of the database, also as the name of the application.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Sends a command without the binary.
    pub(crate) fn run(&self, command: Document) -> Result<Document, String> {
        operator().run(&self.name, command)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        operator().drop_database(&self.name);
    }
}
