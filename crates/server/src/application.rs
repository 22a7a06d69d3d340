//! Opens the store and mounts the services; the only place where all crates meet.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chassis::health::{Health, Schedule};
use chassis::operations::{self, BuildInfo};
use chassis::stack;
use resources::schema::{self, ResourceType};
use resources::store::{Store, StoreError};
use store_mongo::{MongoSettings, MongoStore, masked};
use store_sqlite::SqliteStore;

use crate::failure::Failure;
use crate::presenter::Wording;
use crate::sample_contacts;
use crate::settings::Settings;
use crate::store_check::StoreCheck;

const FIBONACCI: &str = "fibonacci";

/// Query parameters that name nobody.
const LOGGED_PARAMETERS: [&str; 7] = [
    "count",
    "from",
    "numbers",
    "page[number]",
    "page%5Bnumber%5D",
    "page[size]",
    "page%5Bsize%5D",
];

/// First segments of paths that no resource type can have.
const RESERVED: [&str; 5] = [FIBONACCI, "ping", "liveness", "readiness", "operations"];

/// Which services are to run, before anything is opened.
pub(crate) struct Plan {
    /// The names of the services.
    pub(crate) services: Vec<String>,
    /// Where their resources are kept, in words.
    pub(crate) store: String,
    fibonacci: bool,
    types: Vec<Arc<ResourceType>>,
    /// The type that gets sample data.
    sampled: Option<Arc<ResourceType>>,
}

/// All services of a process, ready to serve.
pub(crate) struct Application {
    /// The store, if a service needs one.
    pub(crate) store: Option<Arc<dyn Store>>,
    /// Readiness and liveness.
    pub(crate) health: Health,
    /// The services and the operations routes.
    pub(crate) main: Router,
    /// The operations routes alone.
    pub(crate) admin: Router,
}

impl Plan {
    /// Reads the definitions and picks the named services; no name means all.
    pub(crate) fn of(
        settings: &Settings,
        names: &[String],
        sample_data: bool,
    ) -> Result<Self, Failure> {
        let types = definitions(settings)?;
        let known = |name: &String| name == FIBONACCI || types.iter().any(|of| of.name == *name);
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            let types: Vec<&str> = types.iter().map(|of| of.name.as_str()).collect();
            return Err(Failure::usage(format!(
                "there is no service '{unknown}'; there are {FIBONACCI}, {}",
                types.join(", ")
            )));
        }
        let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let fibonacci = wanted(FIBONACCI);
        let types: Vec<_> = types.into_iter().filter(|of| wanted(&of.name)).collect();
        let names = types.iter().map(|of| of.name.clone());
        let services = fibonacci
            .then(|| FIBONACCI.to_owned())
            .into_iter()
            .chain(names)
            .collect();
        let store = if types.is_empty() {
            "none".to_owned()
        } else {
            store_name(settings)
        };
        let sampled = sample_data.then(|| {
            let contacts = types.iter().find(|of| of.name == "contacts").cloned();
            contacts.ok_or_else(|| Failure::usage("--sample-data needs the service 'contacts'"))
        });
        Ok(Self {
            sampled: sampled.transpose()?,
            services,
            store,
            fibonacci,
            types,
        })
    }

    /// Opens what the services need and mounts them.
    pub(crate) async fn open(self, settings: &Settings) -> Result<Application, Failure> {
        let health = Health::new();
        let wording = Arc::new(Wording {
            fibonacci: self.fibonacci,
        });
        let mut main = Router::new();
        let mut store = None;
        if self.fibonacci {
            main = main.merge(fibonacci(settings)?);
        }
        if !self.types.is_empty() {
            let repository = open_store(settings, &self.types).await?;
            if let Some(contacts) = &self.sampled {
                sample_contacts::fill(&*repository, contacts).await?;
            }
            health.watch(
                Arc::new(StoreCheck::of(repository.clone())),
                Schedule::default(),
            );
            for of in &self.types {
                let body_bytes_max = settings.request_body_bytes_max;
                main = main.merge(resources::router(of, repository.clone(), body_bytes_max));
            }
            store = Some(repository);
        }
        let operations = operations::router(health.clone(), &build_info(), wording.clone());
        let limits = limits(settings);
        Ok(Application {
            store,
            health,
            main: stack::apply(main.merge(operations.clone()), &limits, wording.clone()),
            admin: stack::apply(operations, &limits, wording),
        })
    }
}

/// The declared types, or the built-in contacts.
pub(crate) fn definitions(settings: &Settings) -> Result<Vec<Arc<ResourceType>>, Failure> {
    match &settings.resources {
        Some(folder) => load_definitions(folder),
        None => Ok(vec![Arc::new(schema::contacts())]),
    }
}

/// The types that a directory declares.
pub(crate) fn load_definitions(folder: &Path) -> Result<Vec<Arc<ResourceType>>, Failure> {
    schema::load_folder(folder, &RESERVED).map_err(|error| {
        Failure::settings(format!("the definition files cannot be used:\n{error}"))
    })
}

/// One declared type by its name.
pub(crate) fn find_type(settings: &Settings, name: &str) -> Result<Arc<ResourceType>, Failure> {
    let types = definitions(settings)?;
    types
        .iter()
        .find(|of| of.name == name)
        .cloned()
        .ok_or_else(|| {
            let known: Vec<&str> = types.iter().map(|of| of.name.as_str()).collect();
            Failure::usage(format!(
                "there is no resource type '{name}'; there are {}",
                known.join(", ")
            ))
        })
}

/// Opens the store that the settings choose and prepares it for the types.
pub(crate) async fn open_store(
    settings: &Settings,
    types: &[Arc<ResourceType>],
) -> Result<Arc<dyn Store>, Failure> {
    let repository: Arc<dyn Store> = if let Some(mongodb) = open_mongodb(settings).await? {
        Arc::new(mongodb)
    } else {
        let data_dir = settings.data_dir.clone();
        let open = move || SqliteStore::open(&data_dir);
        let opened = tokio::task::spawn_blocking(open).await;
        Arc::new(opened.map_err(|error| Failure::internal(error.to_string()))??)
    };
    // Side by side, because each may wait for a server that is away.
    let prepared = types.iter().map(|of| repository.prepare(of));
    if let Err(error) = futures_util::future::try_join_all(prepared).await {
        repository.close().await;
        return Err(error.into());
    }
    Ok(repository)
}

/// [`open_store`] for one type, where there must be one already: a misspelled data directory is not
/// an empty collection.
pub(crate) async fn open_existing_store(
    settings: &Settings,
    of: &Arc<ResourceType>,
) -> Result<Arc<dyn Store>, Failure> {
    if settings.mongo_uri.is_none() && !SqliteStore::exists(&settings.data_dir) {
        let data_dir = settings.data_dir.display();
        return Err(Failure::settings(format!(
            "there is no store in the data directory {data_dir}"
        )));
    }
    open_store(settings, std::slice::from_ref(of)).await
}

/// The MongoDB store, if the settings choose it. Its server may be away.
pub(crate) async fn open_mongodb(settings: &Settings) -> Result<Option<MongoStore>, Failure> {
    let Some(uri) = &settings.mongo_uri else {
        return Ok(None);
    };
    let mongodb = MongoSettings {
        operation_timeout: Duration::from_millis(settings.mongo_operation_timeout_ms),
        shows_hosts: settings.mongo_shows_hosts,
        ..MongoSettings::new(uri.reveal())
    };
    let connected = MongoStore::connect(mongodb).await;
    connected.map(Some).map_err(|error| match error {
        StoreError::Unusable(text) => Failure::settings(format!("the setting 'mongo_uri': {text}")),
        other => other.into(),
    })
}

fn store_name(settings: &Settings) -> String {
    match &settings.mongo_uri {
        Some(uri) => format!("MongoDB at {}", masked(uri.reveal())),
        None => format!("embedded (SQLite) in {}", settings.data_dir.display()),
    }
}

fn fibonacci(settings: &Settings) -> Result<Router, Failure> {
    let settings = fibonacci::Settings {
        count_max: settings.fibonacci_count_max,
        table_count_max: settings.fibonacci_table_count_max,
        index_max: settings.fibonacci_index_max,
        streaming_bytes_max: settings.fibonacci_streaming_bytes_max,
        computations_max: settings.fibonacci_computations_max,
        generator: settings.fibonacci_generator,
    };
    fibonacci::router(&settings)
        .map_err(|error| Failure::settings(format!("the settings 'fibonacci_…': {error}")))
}

fn limits(settings: &Settings) -> stack::Limits {
    stack::Limits {
        request_body_bytes_max: settings.request_body_bytes_max,
        request_timeout: Duration::from_millis(settings.request_timeout_ms),
        requests_in_flight_max: settings.requests_in_flight_max,
        logged_parameters: &LOGGED_PARAMETERS,
    }
}

fn build_info() -> BuildInfo {
    BuildInfo {
        name: "monocoque".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("BUILD_COMMIT").to_owned(),
        rustc: env!("BUILD_RUSTC").to_owned(),
    }
}
