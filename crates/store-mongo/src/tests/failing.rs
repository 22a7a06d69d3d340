//! A store that is told of errors which the server does not have.

use mongodb::bson::Bson;
use test_servers::{FailPoint, shared_for_fail_points};

use super::*;

pub(super) struct Failing {
    pub(super) store: MongoStore,
    point: FailPoint,
    _fresh: Fresh,
}

impl Failing {
    pub(super) async fn fresh() -> Self {
        let mut settings = MongoSettings::new(&shared_for_fail_points().to_string());
        let unique = bson::oid::ObjectId::new();
        settings.application = format!("failing-{unique}");
        settings.database = Some(format!("monocoque_test_{unique}"));
        let point = FailPoint::new(&settings.application);
        let store = MongoStore::connect(settings).await.unwrap();
        Self {
            _fresh: Fresh(store.connection.database.clone()),
            point,
            store,
        }
    }

    pub(super) fn database(&self) -> &Database {
        &self.store.connection.database
    }

    /// Makes commands fail; the mode is `alwaysOn` or how often.
    pub(super) fn fail(&self, mode: impl Into<Bson>, data: Document) {
        self.point.set(mode.into(), data);
    }

    pub(super) fn stop(&self) {
        self.point.off();
    }
}

/// For the mode of a fail point.
pub(super) fn times(count: i32) -> Document {
    doc! { "times": count }
}
