//! Atomic operations: <https://jsonapi.org/ext/atomic>.

mod reading;
mod target;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jsonapi::{ATOMIC, Applied, BodyFormat, Error, Errors, Offered, Parameters, ResultsWriter};
use serde_json::Value;

use super::answer::kept;
use super::document::{AROUND, Shapes};
use super::failure::Answered;
use super::held::Room;
use super::query::{Fields, take_fields};
use super::request::json;
use super::retries::{Keyed, marked};
use super::{Api, Service};
use crate::controller::{Action, Failure, Undone};
use crate::schema::ResourceType;
use crate::store::{Resource, ResourceRef};

pub(super) const OFFERED: Offered = Offered {
    extensions: &[ATOMIC],
    profiles: &[],
};

/// Does all operations of the body or none.
pub(super) async fn operate(
    State(service): Api,
    RawQuery(query): RawQuery,
    keyed: Keyed,
    request: Request,
) -> Response {
    let done = async {
        let mut parameters = Parameters::parse(query.as_deref())?;
        let fields = take_fields(&service, &mut parameters)?;
        parameters.finish()?;
        let document = document(request, &service).await?;
        let operations = jsonapi::operations(document, service.limits.operations_max)?;
        let operations = reading::read(&service, operations).await?;
        let about = operations.iter().map(|one| {
            // Linkage is no resource: its result has no data.
            let shows = !matches!(one.action, Action::Link { .. });
            (one.resource_type.clone(), shows)
        });
        let about: Vec<_> = about.collect();
        let done = service.controller.operate(operations, keyed.key()).await;
        let done = done.map_err(|Undone { failure, .. }| failure)?;
        let response = results(&service, fields, &about, &done.left)?;
        Ok(marked(response, done.is_repeated))
    };
    let done = done.await;
    let mut response = service.respond(done);
    response.extensions_mut().insert(applied());
    response
}

fn applied() -> Applied {
    Applied {
        extensions: vec![ATOMIC],
        profiles: Vec::new(),
    }
}

async fn document(request: Request, service: &Service) -> Result<Value, Errors> {
    let (format, sent) = jsonapi::http::body_with(request.headers(), OFFERED)?;
    if format != BodyFormat::JsonApi || !sent.has(ATOMIC) {
        let (code, title) = ("unsupported_media_type", "Unsupported media type");
        let error = Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, title);
        let detail = format!("Operations are sent as {}.", applied());
        return Err(error.detail(detail).header("Content-Type").into());
    }
    json(request, service).await
}

/// The document of what the operations have stored. `about` has the type of each, and whether its
/// result shows the resource.
fn results(
    service: &Service,
    fields: Fields,
    about: &[(Arc<ResourceType>, bool)],
    stored: &[Option<Resource>],
) -> Answered {
    let shown = about
        .iter()
        .zip(stored)
        .map(|((resource_type, shows), one)| {
            let resource = one.as_ref().filter(|_| *shows);
            (resource_type, resource)
        });
    let shown: Vec<_> = shown.collect();
    let bytes = shown
        .iter()
        .map(|(_, one)| AROUND + one.map_or(0, |one| one.text.len()));
    let bytes = bytes.sum();
    let mut writer = ResultsWriter::new(bytes);
    let shapes = Shapes::new(service, fields, Arc::new(Parameters::default()));
    let mut by_type = HashMap::new();
    for (resource_type, resource) in &shown {
        let Some(Resource { id, text }) = resource else {
            writer.nothing();
            continue;
        };
        let shape = by_type
            .entry(resource_type.name.as_str())
            .or_insert_with(|| shapes.of(resource_type));
        let written = shapes.write_result(&mut writer, shape, ResourceRef { id, text });
        written.map_err(|error| Failure::new(resource_type, error.into()))?;
    }
    if shown.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let results = writer.end(&[]);
    Ok(kept(StatusCode::OK, results, Room::uncounted(), applied()))
}
