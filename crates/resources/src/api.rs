//! Routes: URL and method to handler, for every type.

mod handlers;
mod request;
mod document;
mod held;
mod failure;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use http::StatusCode;
use jsonapi::ResourceWriter;

use self::held::Held;
use crate::controller::Controller;
use crate::schema::ResourceType;
use crate::store::Store;

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
    /// Whether bodies of other or absent media types are read as plain JSON. Pages of any origin
    /// may send such requests without asking.
    pub any_media_type: bool,
}

/// What the handlers work with.
struct Service {
    /// The types by their names, which are the first segments of their URLs.
    types: HashMap<String, ServedType>,
    controller: Controller,
    limits: Limits,
    held: Held,
}

/// A type with what its documents have in common.
struct ServedType {
    resource_type: Arc<ResourceType>,
    writer: Arc<ResourceWriter>,
}

impl Service {
    /// The type of a URL.
    ///
    /// # Errors
    /// 404 for a path that does not begin with the name of a type; the routes have none.
    fn served(&self, path: &str) -> Result<&ServedType, jsonapi::Error> {
        let name = path.split('/').nth(1);
        name.and_then(|name| self.types.get(name)).ok_or_else(|| {
            jsonapi::Error::new(StatusCode::NOT_FOUND, "not_found", "Nothing here")
                .detail("The path begins with the name of no resource type.")
        })
    }
}

/// The JSON:API service of these types; the store is prepared for them.
pub fn router(types: &[Arc<ResourceType>], store: Arc<dyn Store>, limits: Limits) -> Router {
    let mut router = Router::new();
    for name in types.iter().map(|resource_type| &resource_type.name) {
        let collection = get(handlers::list).post(handlers::create);
        let resource = get(handlers::find)
            .patch(handlers::update)
            .put(handlers::replace)
            .delete(handlers::delete);
        router = router
            .route(&format!("/{name}"), collection)
            .route(&format!("/{name}/{{id}}"), resource);
    }
    let service = Service {
        types: types.iter().map(served).collect(),
        controller: Controller::new(store),
        limits,
        held: Held::new(limits.held_bytes_max),
    };
    router
        .with_state(Arc::new(service))
        .layer(from_fn(jsonapi::http::negotiate))
}

fn served(resource_type: &Arc<ResourceType>) -> (String, ServedType) {
    let name = &resource_type.name;
    let id_attribute = resource_type.id_attribute.as_deref();
    let writer = ResourceWriter::new(name, &format!("/{name}"), id_attribute);
    let served = ServedType {
        resource_type: resource_type.clone(),
        writer: Arc::new(writer),
    };
    (name.clone(), served)
}
