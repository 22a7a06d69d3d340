//! Routes: URL and method to handler, for every type.

mod read;
mod write;
mod operations;
mod changes;
mod feeds;
mod conditions;
mod retries;
mod request;
mod links;
mod query;
mod answer;
mod page;
mod linkage;
mod explain;
mod document;
mod held;
mod cache;
mod failure;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use http::StatusCode;
use jsonapi::{Offered, ResourceWriter};
use tokio::sync::watch;

pub use self::explain::{Unexplained, explain};

use self::cache::Cache;
use self::document::Writers;
use self::feeds::Feeds;
use self::held::Held;
use self::retries::InFlight;
use crate::controller::Controller;
use crate::schema::{ResourceType, Types};
use crate::store::{KeyLimits, Store};

/// The path of atomic operations.
const OPERATIONS: &str = "/operations";

const OFFERED: Offered = Offered {
    extensions: &[],
    profiles: &[jsonapi::CURSOR_PAGINATION],
};

/// What requests may be like.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Larger bodies are answered with 413.
    pub body_bytes_max: usize,
    /// What is wrong with a request is listed up to this many bytes.
    pub error_bytes_max: usize,
    /// What the answers that clients have not taken yet may hold together; for more, 503. What is
    /// read of a large page after its beginning is counted by the store.
    pub held_bytes_max: usize,
    /// What the written answers that are kept may hold together, where the store knows of all its
    /// changes; nothing is kept for 0.
    pub cache_bytes_max: usize,
    /// How many relationships a path of `include` goes through at most.
    pub include_depth_max: usize,
    /// How many atomic operations a request has at most; for more, 400.
    pub operations_max: usize,
    /// How many feeds of changes there are at most that differ in what they show, and how many
    /// readers all of them have together; for more, 503.
    pub feeds_max: usize,
    /// See [`Self::feeds_max`].
    pub feed_readers_max: usize,
    /// What the latest messages of a feed hold together, in bytes: a reader that lags further behind
    /// is cut off.
    pub feed_buffer_bytes_max: usize,
    /// How often a reader of a feed is shown that the connection is alive.
    pub feed_heartbeat: Duration,
    /// Whether bodies of other or absent media types are read as plain JSON. Pages of any origin
    /// may send such requests without asking.
    pub any_media_type: bool,
    /// What is kept under idempotency keys.
    pub keys: KeyLimits,
}

type Api = State<Arc<Service>>;

/// What the handlers work with.
struct Service {
    types: Arc<Types>,
    /// The names of those that have URLs.
    served: HashSet<String>,
    /// The writers of all types.
    writers: Arc<Writers>,
    controller: Arc<Controller>,
    limits: Limits,
    held: Held,
    cache: Cache,
    in_flight: InFlight,
    feeds: Feeds,
}

impl Service {
    fn new(
        types: &[Arc<ResourceType>],
        served: &[String],
        store: Arc<dyn Store>,
        limits: Limits,
        ending: watch::Receiver<bool>,
    ) -> Self {
        let writer = |one: &Arc<ResourceType>| (one.name.clone(), Arc::new(writer(one)));
        let writers = types.iter().map(writer).collect();
        let types = Arc::new(Types::new(types));
        Self {
            writers: Arc::new(writers),
            served: served.iter().cloned().collect(),
            controller: Arc::new(Controller::new(store, types.clone())),
            types,
            limits,
            held: Held::new(limits.held_bytes_max),
            cache: Cache::new(limits.cache_bytes_max),
            in_flight: InFlight::default(),
            feeds: Feeds::new(&limits, ending),
        }
    }

    /// The type of a URL.
    ///
    /// # Errors
    /// 404 for a path that does not begin with the name of a type; the routes have none.
    fn resource_type(&self, path: &str) -> Result<&Arc<ResourceType>, jsonapi::Error> {
        let name = path.split('/').nth(1);
        name.and_then(|name| self.types.get(name)).ok_or_else(|| {
            jsonapi::Error::new(StatusCode::NOT_FOUND, "not_found", "Nothing here")
                .detail("The path begins with the name of no resource type.")
        })
    }

    fn writer(&self, resource_type: &ResourceType) -> &Arc<ResourceWriter> {
        &self.writers[&resource_type.name]
    }
}

/// The JSON:API service of those of these types that are called so; the store is prepared for all
/// of them, since relationships lead from one to the other. Once `ending` is true, all feeds of
/// changes end.
pub fn router(
    types: &[Arc<ResourceType>],
    served: &[String],
    store: Arc<dyn Store>,
    limits: Limits,
    ending: watch::Receiver<bool>,
) -> Router {
    let service = Arc::new(Service::new(types, served, store, limits, ending));
    let mut router = Router::new();
    for (path, methods) in served.iter().flat_map(|name| routes(&service, name)) {
        router = mount(router, &path, methods);
    }
    router
        .layer(from_fn_with_state(OFFERED, jsonapi::http::negotiate_with))
        .merge(operations(&service))
        .merge(feeds(served))
        .with_state(service)
}

/// Atomic operations, if they may be about a type that is served.
fn operations(service: &Arc<Service>) -> Router<Arc<Service>> {
    let served = service.types.iter();
    let mut served = served.filter(|one| service.served.contains(&one.name));
    if !served.any(|one| one.operations) {
        return Router::new();
    }
    let negotiate = from_fn_with_state(operations::OFFERED, jsonapi::http::negotiate_with);
    let operate = keyed(service, post(operations::operate));
    let router = mount(Router::new(), OPERATIONS, operate);
    router.layer(negotiate)
}

/// The changes of each type. They negotiate by themselves: they are no JSON:API document.
fn feeds(served: &[String]) -> Router<Arc<Service>> {
    served.iter().fold(Router::new(), |router, name| {
        mount(router, &format!("/{name}/-/changes"), get(changes::changes))
    })
}

/// Some clients end every path with a slash.
fn mount(
    router: Router<Arc<Service>>,
    path: &str,
    methods: MethodRouter<Arc<Service>>,
) -> Router<Arc<Service>> {
    router
        .route(&format!("{path}/"), methods.clone())
        .route(path, methods)
}

/// What may be written under an idempotency key.
fn keyed(
    service: &Arc<Service>,
    methods: MethodRouter<Arc<Service>>,
) -> MethodRouter<Arc<Service>> {
    methods.layer(from_fn_with_state(service.clone(), retries::keyed))
}

fn routes(service: &Arc<Service>, name: &str) -> [(String, MethodRouter<Arc<Service>>); 5] {
    let collection = get(read::list).post(write::create).fallback(read::query);
    let resource = get(read::find)
        .patch(write::update)
        .put(write::replace)
        .delete(write::delete);
    let linkage = get(read::linkage)
        .patch(write::relink)
        .post(write::link)
        .delete(write::unlink);
    [
        (format!("/{name}"), keyed(service, collection)),
        (format!("/{name}/-/query"), post(read::posted_query)),
        (format!("/{name}/{{id}}"), keyed(service, resource)),
        (
            format!("/{name}/{{id}}/{{relationship}}"),
            get(read::related),
        ),
        (
            format!("/{name}/{{id}}/relationships/{{relationship}}"),
            keyed(service, linkage),
        ),
    ]
}

fn writer(resource_type: &ResourceType) -> ResourceWriter {
    let name = &resource_type.name;
    let id_attribute = resource_type.id_attribute.as_deref();
    let relationships = resource_type.relationships.iter();
    ResourceWriter::new(name, &format!("/{name}"), id_attribute)
        .with_relationships(relationships.map(|one| one.name.as_str()))
}
