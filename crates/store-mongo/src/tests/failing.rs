//! A store that is told of errors which the server does not have.

use mongodb::bson::Bson;
use tokio::sync::{Mutex, MutexGuard};

use super::*;

/// A server has one fail point, so one test at a time has it.
static FAIL_POINT: Mutex<()> = Mutex::const_new(());

pub(super) struct Failing {
    pub(super) store: MongoStore,
    application: String,
    _fresh: Fresh,
    _alone: MutexGuard<'static, ()>,
}

impl Failing {
    pub(super) async fn fresh() -> Self {
        let alone = FAIL_POINT.lock().await;
        let uri = uri();
        let separator = if uri.contains('?') { '&' } else { '?' };
        // A server that only was told to say that it goes down has no news for those who watch it.
        let watched = "serverMonitoringMode=poll&heartbeatFrequencyMS=500";
        let mut settings = MongoSettings::new(&format!("{uri}{separator}{watched}"));
        let unique = bson::oid::ObjectId::new();
        let application = format!("failing-{unique}");
        settings.application = application.clone();
        settings.database = Some(format!("monocoque_test_{unique}"));
        let store = MongoStore::connect(settings).await.unwrap();
        Self {
            _fresh: Fresh(store.connection.database.clone()),
            application,
            store,
            _alone: alone,
        }
    }

    pub(super) fn database(&self) -> &Database {
        &self.store.connection.database
    }

    /// Makes commands fail; the mode is `alwaysOn` or how often.
    pub(super) async fn fail(&self, mode: impl Into<Bson>, mut data: Document) {
        data.insert("appName", &self.application);
        self.configure(mode.into(), data).await;
    }

    pub(super) async fn stop(&self) {
        self.configure("off".into(), doc! {}).await;
    }

    async fn configure(&self, mode: Bson, data: Document) {
        let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
        let admin = self.store.connection.client.database("admin");
        admin.run_command(command).await.unwrap();
    }
}

/// For the mode of a fail point.
pub(super) fn times(count: i32) -> Document {
    doc! { "times": count }
}
