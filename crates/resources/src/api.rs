//! Routes: URL and method to handler.

mod body;
mod failure;
mod handlers;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;

use crate::controller::Controller;
use crate::repository::Repository;
use crate::schema::ResourceType;

/// What the handlers of one resource type work with.
struct Service {
    controller: Controller,
    writer: Arc<jsonapi::ResourceWriter>,
    body_bytes_max: usize,
}

impl Service {
    fn resource_type(&self) -> &ResourceType {
        self.controller.resource_type()
    }
}

/// The JSON:API service of one resource type.
///
/// Bodies over `body_bytes_max` are answered with 413. The repository is prepared for the type.
pub fn router(
    of: &Arc<ResourceType>,
    repository: Arc<dyn Repository>,
    body_bytes_max: usize,
) -> Router {
    let collection = format!("/{}", of.name);
    let writer = jsonapi::ResourceWriter::new(&of.name, &collection, of.id_attribute.as_deref());
    let service = Arc::new(Service {
        writer: Arc::new(writer),
        controller: Controller::new(of.clone(), repository),
        body_bytes_max,
    });
    Router::new()
        .route(&collection, get(handlers::list).post(handlers::create))
        .route(
            &format!("{collection}/{{id}}"),
            get(handlers::find)
                .patch(handlers::update)
                .put(handlers::replace)
                .delete(handlers::delete),
        )
        .with_state(service)
        .layer(from_fn(jsonapi::http::negotiate))
}
