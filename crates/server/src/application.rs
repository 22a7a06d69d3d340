//! Opens the store and mounts the services; the only place where all crates meet.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chassis::health::{Health, Schedule};
use chassis::operations::{self, BuildInfo};
use chassis::stack;
use resources::schema::ResourceType;
use resources::store::Store;

use crate::failure::Failure;
use crate::presenter::Wording;
use crate::settings::Settings;
use crate::store_check::StoreCheck;
use crate::{definitions, sample_contacts, store};

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
pub(crate) const RESERVED: [&str; 5] = [FIBONACCI, "ping", "liveness", "readiness", "operations"];

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
    pub(crate) fn new(
        settings: &Settings,
        names: &[String],
        sample_data: bool,
    ) -> Result<Self, Failure> {
        let types = definitions::all(settings)?;
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
            store::describe(settings)
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
            let opened = store::open(settings, &self.types).await?;
            if let Some(contacts) = &self.sampled {
                sample_contacts::fill(&*opened, contacts).await?;
            }
            let check = Arc::new(StoreCheck::new(opened.clone()));
            health.watch(check, Schedule::default());
            let limits = resources::Limits {
                body_bytes_max: settings.request_body_bytes_max,
                error_bytes_max: settings.error_body_bytes_max,
                any_media_type: settings.request_body_any_media_type,
            };
            main = main.merge(resources::router(&self.types, opened.clone(), limits));
            store = Some(opened);
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
