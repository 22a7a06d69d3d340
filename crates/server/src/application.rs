//! Opens the store and mounts the services; the only place where all crates meet.

use std::sync::Arc;

use axum::Router;
use chassis::health::Health;
use chassis::operations::Audience;
use chassis::presenter::Presenter;
use chassis::stack;
use resources::schema::ResourceType;
use resources::store::Store;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::definitions::{self, FIBONACCI};
use crate::failure::Failure;
use crate::presenter::Wording;
use crate::sample_data::SampleData;
use crate::settings::Settings;
use crate::telemetry::Telemetry;
use crate::watched_store::WatchedStore;
use crate::{comparison, error_pages, front_door, probes, store};

/// Which services are to run, before anything is opened.
pub(crate) struct Plan {
    /// The names of the services.
    pub(crate) services: Vec<String>,
    /// Where their resources are kept, in words.
    pub(crate) store: String,
    fibonacci: bool,
    /// All declared types: relationships lead from one to the other, whoever serves them.
    types: Vec<Arc<ResourceType>>,
    /// The names of those that this process serves.
    served: Vec<String>,
    sample_data: Option<SampleData>,
}

/// All services of a process, ready to serve.
pub(crate) struct Application {
    /// The store, if a service needs one.
    pub(crate) store: Option<Arc<dyn Store>>,
    /// What compares the stored resources with the definitions.
    pub(crate) comparison: Option<AbortHandle>,
    /// The services and the operations routes.
    pub(crate) main: stack::Service,
    /// Ends what has no end of its own once it is told true.
    pub(crate) ending: watch::Sender<bool>,
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
        let served = types.iter().map(|known| known.name.clone());
        let served: Vec<String> = served.filter(|name| wanted(name)).collect();
        let services = fibonacci
            .then(|| FIBONACCI.to_owned())
            .into_iter()
            .chain(served.clone())
            .collect();
        let store = if served.is_empty() {
            "none".to_owned()
        } else {
            store::describe(settings)
        };
        let sample_data = sample_data.then(|| {
            let types = types.iter().filter(|known| served.contains(&known.name));
            SampleData::find(settings.resources.as_deref(), types)
        });
        Ok(Self {
            sample_data: sample_data.transpose()?,
            services,
            store,
            fibonacci,
            types,
            served,
        })
    }

    /// Opens what the services need and mounts them. `health` watches it.
    pub(crate) async fn open(
        self,
        settings: &Settings,
        health: &Health,
        telemetry: &Telemetry,
        rules: stack::Rules,
    ) -> Result<Application, Failure> {
        let mut main = error_pages::router();
        let mut opened = None;
        let mut compares = None;
        let (ending, is_ending) = watch::channel(false);
        if self.fibonacci {
            main = main.merge(fibonacci(settings, self.is_fibonacci_alone())?);
        }
        if !self.is_fibonacci_alone() {
            main = main.merge(front_door::router(&self.services, settings.version_shown));
        }
        if !self.served.is_empty() {
            let store = store::open(settings, &self.types).await?;
            if let Some(sample_data) = &self.sample_data {
                sample_data.load(&*store).await?;
            }
            let comparison = comparison::run(store.clone(), self.types.clone());
            compares = Some(tokio::spawn(comparison).abort_handle());
            let store = WatchedStore::watched_by(health, store, settings, telemetry);
            let limits = limits(settings);
            let (types, served) = (&self.types, &self.served);
            let services = resources::router(types, served, store.clone(), limits, is_ending);
            main = main.merge(services);
            opened = Some(store);
        }
        let main = main.merge(probes::router(
            health,
            Audience::Public,
            settings,
            &self.wording(),
        ));
        Ok(Application {
            store: opened,
            comparison: compares,
            main: stack::apply_with(main, &probes::limits(settings), rules, self.wording())
                .observed(telemetry.observation(settings)),
            ending,
        })
    }

    /// How this process words what no service answers.
    pub(crate) fn wording(&self) -> Arc<dyn Presenter> {
        Arc::new(Wording {
            fibonacci: self.fibonacci,
            fibonacci_alone: self.is_fibonacci_alone(),
        })
    }

    /// Whether `/` belongs to the Fibonacci service, as its callers expect.
    fn is_fibonacci_alone(&self) -> bool {
        self.fibonacci && self.served.is_empty()
    }
}

/// What the settings say of requests for resources.
pub(crate) fn limits(settings: &Settings) -> resources::Limits {
    resources::Limits {
        body_bytes_max: settings.request_body_bytes_max.in_memory(),
        error_bytes_max: settings.error_body_bytes_max.in_memory(),
        held_bytes_max: settings.page_streams_bytes_max.in_memory(),
        cache_bytes_max: settings.answer_cache_bytes_max.in_memory(),
        include_depth_max: settings.include_depth_max,
        operations_max: settings.operations_max,
        feeds_max: settings.feeds_max,
        feed_readers_max: settings.feed_readers_max,
        feed_buffer_bytes_max: settings.feed_buffer_bytes_max.in_memory(),
        feed_heartbeat: settings.feed_heartbeat_ms,
        any_media_type: settings.request_body_any_media_type,
        keys: resources::store::KeyLimits {
            time: settings.idempotency_key_ttl_ms,
            answer_bytes_max: settings.idempotency_answer_bytes_max.in_memory(),
            bytes_max: settings.idempotency_bytes_max.0,
        },
    }
}

fn fibonacci(settings: &Settings, at_root: bool) -> Result<Router, Failure> {
    let settings = fibonacci::Settings {
        count_max: settings.fibonacci_count_max,
        table_count_max: settings.fibonacci_table_count_max,
        index_max: settings.fibonacci_index_max,
        streaming_bytes_max: settings.fibonacci_streaming_bytes_max.0,
        computations_max: settings.fibonacci_computations_max,
        generator: settings.fibonacci_generator,
        at_root,
    };
    fibonacci::router(&settings)
        .map_err(|error| Failure::settings(format!("the settings 'fibonacci_…': {error}")))
}
