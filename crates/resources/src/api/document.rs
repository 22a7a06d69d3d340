//! What was found as a document: whole, or piece by piece where the store gives it so.

mod listing;
mod pieces;
mod shape;

use std::collections::HashMap;
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use jsonapi::{Applied, Closing, DocumentWriter, Links};

pub(super) use listing::{Ends, Listing};
pub(super) use pieces::pieces;
pub(super) use shape::{Shapes, Writers};

use self::shape::Beside;
use crate::controller::{Compound, Typed};
use crate::schema::{Id, ResourceType};
use crate::store::{ResourceRef, Resources, StoreError};

/// About how many bytes a document takes beside the texts of its resources, for each of them.
pub(super) const AROUND: usize = 256;

/// What a document says besides its primary data.
pub(super) struct Around<'a> {
    pub(super) links: Links,
    /// What is included, where something may be.
    pub(super) compound: Option<&'a Compound>,
    pub(super) applied: Applied,
}

/// A document of one resource, or of none where there might be one.
pub(super) fn one(
    shapes: &Shapes,
    resource_type: &Arc<ResourceType>,
    resource: Option<ResourceRef<'_>>,
    around: &Around<'_>,
) -> Result<Vec<u8>, StoreError> {
    let bytes = resource.map_or(0, |one| one.text.len()) + AROUND;
    let mut document = DocumentWriter::one(bytes + bytes_beside(around.compound));
    if let Some(resource) = resource {
        let beside = Beside {
            compound: around.compound,
            ..Beside::default()
        };
        shapes.write(&mut document, &shapes.of(resource_type), resource, beside)?;
    }
    around.end(shapes, document, None)
}

/// A document of a whole page.
pub(super) fn many(
    shapes: &Shapes,
    listing: &Listing,
    resources: &Resources,
    around: &Around<'_>,
) -> Result<Vec<u8>, StoreError> {
    let mut document = DocumentWriter::many(bytes(resources) + bytes_beside(around.compound));
    let shape = shapes.of(&listing.resource_type);
    for resource in resources.iter() {
        let cursor = listing.item_cursor(resource)?;
        let beside = Beside {
            compound: around.compound,
            cursor: cursor.as_deref(),
            is_included: false,
        };
        shapes.write(&mut document, &shape, resource, beside)?;
    }
    around.end(shapes, document, Some(listing))
}

/// A document of the linkage of a relationship.
pub(super) fn linkage(
    shapes: &Shapes,
    target: &ResourceType,
    ids: &[Id],
    listing: Option<&Listing>,
    around: &Around<'_>,
) -> Result<Vec<u8>, StoreError> {
    let writer = &shapes.writers[&target.name];
    let bytes = ids.len() * AROUND / 2 + bytes_beside(around.compound);
    let mut document = match listing {
        Some(_) => DocumentWriter::many(bytes),
        None => DocumentWriter::one(bytes),
    };
    for id in ids {
        document.identifier(writer, &id.to_string(), None);
    }
    around.end(shapes, document, listing)
}

impl Around<'_> {
    fn end(
        &self,
        shapes: &Shapes,
        mut document: DocumentWriter,
        listing: Option<&Listing>,
    ) -> Result<Vec<u8>, StoreError> {
        if let Some(compound) = self.compound {
            document.begin_included();
            let mut shapes_of = HashMap::new();
            for Typed {
                resource_type,
                resource,
            } in &compound.included
            {
                let (id, text) = (&resource.id, &*resource.text);
                let beside = Beside {
                    compound: self.compound,
                    cursor: None,
                    is_included: true,
                };
                let shape = shapes_of
                    .entry(resource_type.name.as_str())
                    .or_insert_with(|| shapes.of(resource_type));
                shapes.write(&mut document, shape, ResourceRef { id, text }, beside)?;
            }
        }
        Ok(document.close(&Closing {
            links: &self.links,
            total: listing.and_then(|listing| listing.total),
            range_truncated: listing.is_some_and(Listing::is_truncated_range),
            applied: &self.applied,
        }))
    }
}

/// About how many bytes a page takes.
pub(super) fn bytes(resources: &Resources) -> usize {
    resources.bytes() + resources.len() * AROUND
}

/// About how many bytes the included resources take.
pub(super) fn bytes_beside(compound: Option<&Compound>) -> usize {
    let included = compound.iter().flat_map(|compound| &compound.included);
    included.map(|one| one.resource.text.len() + AROUND).sum()
}

/// What is left of a resource that was deleted.
pub(super) fn deleted(resource_type: &ResourceType, id: &Id) -> Response {
    let identifier = serde_json::json!({"type": resource_type.name, "id": id.to_string()});
    let meta = serde_json::json!({"deleted": identifier});
    jsonapi::http::document(StatusCode::OK, jsonapi::document("meta", &meta))
}
