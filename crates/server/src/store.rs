//! Opens the store that the settings choose. Another store is another branch here.

use std::path::PathBuf;
use std::sync::Arc;

use resources::query::{Count, Query};
use resources::schema::ResourceType;
use resources::store::{Rounds, Store, StoreError};
use store_mongo::{MongoSettings, MongoStore, masked};
use store_sqlite::{SqliteSettings, SqliteStore};

use crate::failure::Failure;
use crate::settings::Settings;

/// Opens the store and prepares it for the types.
pub(crate) async fn open(
    settings: &Settings,
    types: &[Arc<ResourceType>],
) -> Result<Arc<dyn Store>, Failure> {
    let store: Arc<dyn Store> = match open_mongodb(settings).await? {
        // A request to a server costs more than the wait for others who want the same.
        Some(mongodb) => Arc::new(Rounds::new(Arc::new(mongodb))),
        None => Arc::new(open_sqlite(settings).await?),
    };
    if let Err(error) = store.prepare(types).await {
        store.close().await;
        return Err(error.into());
    }
    Ok(store)
}

/// A store to read from.
pub(crate) struct ToRead {
    pub(crate) store: Arc<dyn Store>,
    /// Goes with the store that is in it.
    _copy: Option<StoreCopy>,
}

/// [`open`] where there must be a store already: a misspelled data directory is not an empty
/// collection. Of an embedded store that another process uses, a copy as of this moment is read.
pub(crate) async fn open_to_read(
    settings: &Settings,
    types: &[Arc<ResourceType>],
) -> Result<ToRead, Failure> {
    let mut settings = settings.clone();
    let mut copy = None;
    if settings.mongo_uri.is_none() {
        must_exist(&settings)?;
        if SqliteStore::is_in_use(&settings.data_dir) {
            let made = StoreCopy::make(&settings)?;
            settings.data_dir.clone_from(&made.0);
            copy = Some(made);
        }
    }
    let store = open(&settings, types).await?;
    Ok(ToRead { store, _copy: copy })
}

/// A data directory with a copy of the store; it is gone with the value.
struct StoreCopy(PathBuf);

impl StoreCopy {
    /// On the disk of the store itself, which has room for a store.
    fn make(settings: &Settings) -> Result<Self, Failure> {
        let folder = settings
            .data_dir
            .join(format!(".copy.{}", std::process::id()));
        let made = std::fs::create_dir(&folder);
        made.map_err(|error| {
            Failure::settings(format!("{} cannot be made: {error}", folder.display()))
        })?;
        let copy = Self(folder);
        let file = copy.0.join("monocoque.sqlite");
        store_sqlite::back_up(&settings.data_dir, &file, settings.files_mode.0)?;
        Ok(copy)
    }
}

impl Drop for StoreCopy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
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
