//! Opens the store that the settings choose. Another store is another branch here.

use std::sync::Arc;

use resources::query::{Count, Query};
use resources::schema::ResourceType;
use resources::store::{Rounds, Store, StoreError};
use store_mongo::{MongoSettings, MongoStore, masked};
use store_sqlite::{Snapshot, SqliteSettings, SqliteStore};

use crate::failure::Failure;
use crate::settings::Settings;

/// Opens the store and prepares it for the types.
pub(crate) async fn open(
    settings: &Settings,
    types: &[Arc<ResourceType>],
) -> Result<Arc<dyn Store>, Failure> {
    let store: Arc<dyn Store> = match open_mongodb(settings).await? {
        Some(mongodb) => Arc::new(mongodb),
        None => Arc::new(open_sqlite(settings).await?),
    };
    // A read costs more than the wait for others who want the same.
    let store: Arc<dyn Store> = Arc::new(Rounds::new(store));
    if let Err(error) = store.prepare(types).await {
        store.close().await;
        return Err(error.into());
    }
    Ok(store)
}

/// A store that is only read, where there must be one already: a misspelled data directory is not
/// an empty collection. An embedded one is read as of this moment, also while another process uses
/// it; nothing is made ready and nothing is written.
pub(crate) async fn open_to_read(settings: &Settings) -> Result<Arc<dyn Store>, Failure> {
    if let Some(mongodb) = open_mongodb(settings).await? {
        return Ok(Arc::new(mongodb));
    }
    let data_dir = settings.data_dir.clone();
    let opened = tokio::task::spawn_blocking(move || Snapshot::open(&data_dir)).await;
    let snapshot = opened.map_err(|error| Failure::internal(error.to_string()))??;
    Ok(Arc::new(snapshot))
}

/// Whether a collection has no resource.
pub(crate) async fn is_empty(
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
) -> Result<bool, StoreError> {
    let any = Query {
        count: Count::Never,
        ..Query::first(1)
    };
    let page = store.list(resource_type, &any).await?;
    Ok(page.resources.is_empty())
}

/// Fails without an embedded store in the data directory.
pub(crate) fn must_exist(settings: &Settings) -> Result<(), Failure> {
    if SqliteStore::exists(&settings.data_dir) {
        return Ok(());
    }
    let data_dir = settings.data_dir.display();
    Err(Failure::settings(format!(
        "there is no store in the data directory {data_dir}"
    )))
}

/// The MongoDB store, if the settings choose it. Its server may be away.
pub(crate) async fn open_mongodb(settings: &Settings) -> Result<Option<MongoStore>, Failure> {
    let Some(uri) = &settings.mongo_uri else {
        return Ok(None);
    };
    let mongodb = MongoSettings {
        operation_timeout: settings.mongo_operation_timeout_ms,
        shows_hosts: settings.mongo_shows_hosts,
        page_bytes_max: settings.page_bytes_max.in_memory(),
        page_streams_bytes_max: settings.page_streams_bytes_max.in_memory(),
        ..MongoSettings::new(uri.reveal())
    };
    let connected = MongoStore::connect(mongodb).await;
    connected.map(Some).map_err(|error| match error {
        StoreError::Unusable(text) => Failure::settings(format!("the setting 'mongo_uri': {text}")),
        other => other.into(),
    })
}

async fn open_sqlite(settings: &Settings) -> Result<SqliteStore, Failure> {
    let data_dir = settings.data_dir.clone();
    let sqlite = sqlite(settings);
    let open = move || SqliteStore::open(&data_dir, &sqlite);
    let opened = tokio::task::spawn_blocking(open).await;
    Ok(opened.map_err(|error| Failure::internal(error.to_string()))??)
}

/// How the files of the embedded store are kept.
pub(crate) fn sqlite(settings: &Settings) -> SqliteSettings {
    SqliteSettings {
        files_mode: settings.files_mode.0,
        page_bytes_max: settings.page_bytes_max.in_memory(),
        page_streams_bytes_max: settings.page_streams_bytes_max.in_memory(),
        changes_kept: u32::try_from(settings.changes_kept).unwrap_or(u32::MAX),
    }
}

/// The store in words, without credentials.
pub(crate) fn describe(settings: &Settings) -> String {
    match &settings.mongo_uri {
        Some(uri) => format!("MongoDB at {}", masked(uri.reveal())),
        None => format!("embedded (SQLite) in {}", settings.data_dir.display()),
    }
}
