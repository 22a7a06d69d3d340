//! Opens the store and mounts the services; the only place where all crates meet.

use std::sync::Arc;

use axum::Router;
use chassis::health::Health;
use chassis::operations::Audience;
use chassis::presenter::Presenter;
use chassis::stack;
use resources::schema::ResourceType;
use resources::store::Store;

use crate::definitions::{self, FIBONACCI};
use crate::failure::Failure;
use crate::presenter::Wording;
use crate::settings::Settings;
use crate::watched_store::WatchedStore;
use crate::{probes, sample_contacts, store};

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
    /// The services and the operations routes.
    pub(crate) main: stack::Service,
}

impl Plan {
    /// Reads the definitions and picks the named services; no name means all.
    pub(crate) fn new(
        settings: &Settings,
        names: &[String],
        sample_data: bool,
    ) -> Result<Self, Failure> {
        let types = definitions::all(settings)?;
        let known =
            |name: &String| name == FIBONACCI || types.iter().any(|known| known.name == *name);
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            let types: Vec<&str> = types.iter().map(|known| known.name.as_str()).collect();
            return Err(Failure::usage(format!(
                "there is no service '{unknown}'; there are {FIBONACCI}, {}",
                types.join(", ")
            )));
        }
        let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let fibonacci = wanted(FIBONACCI);
        let types: Vec<_> = types
            .into_iter()
            .filter(|known| wanted(&known.name))
            .collect();
        let names = types.iter().map(|known| known.name.clone());
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
            let contacts = types.iter().find(|known| known.name == "contacts").cloned();
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

    /// Opens what the services need and mounts them. `health` watches it.
    pub(crate) async fn open(
        self,
        settings: &Settings,
        health: &Health,
    ) -> Result<Application, Failure> {
        let mut main = Router::new();
        let mut served = None;
        if self.fibonacci {
            main = main.merge(fibonacci(settings)?);
        }
        if !self.types.is_empty() {
            let store = store::open(settings, &self.types).await?;
            if let Some(contacts) = &self.sampled {
                sample_contacts::fill(&*store, contacts).await?;
            }
            let store = WatchedStore::watched_by(health, store, settings);
            let limits = resources::Limits {
                body_bytes_max: settings.request_body_bytes_max.in_memory(),
                error_bytes_max: settings.error_body_bytes_max.in_memory(),
                held_bytes_max: settings.page_streams_bytes_max.in_memory(),
                any_media_type: settings.request_body_any_media_type,
            };
            main = main.merge(resources::router(&self.types, store.clone(), limits));
            served = Some(store);
        }
        let main = main.merge(probes::router(health, Audience::Public, &self.wording()));
        Ok(Application {
            store: served,
            main: stack::apply(main, &probes::limits(settings), self.wording()),
        })
    }

    /// How this process words what no service answers.
    pub(crate) fn wording(&self) -> Arc<dyn Presenter> {
        Arc::new(Wording {
            fibonacci: self.fibonacci,
        })
    }
}

fn fibonacci(settings: &Settings) -> Result<Router, Failure> {
    let settings = fibonacci::Settings {
        count_max: settings.fibonacci_count_max,
        table_count_max: settings.fibonacci_table_count_max,
        index_max: settings.fibonacci_index_max,
        streaming_bytes_max: settings.fibonacci_streaming_bytes_max.0,
        computations_max: settings.fibonacci_computations_max,
        generator: settings.fibonacci_generator,
    };
    fibonacci::router(&settings)
        .map_err(|error| Failure::settings(format!("the settings 'fibonacci_…': {error}")))
}
