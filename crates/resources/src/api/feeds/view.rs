//! What the readers of a feed see: which resources, and which of their fields.

use std::sync::Arc;

use bytes::Bytes;
use jsonapi::{Applied, Links};

use super::message;
use crate::api::document::{self, Around, Shapes};
use crate::controller::Seen;
use crate::query::{Filter, Seal};
use crate::schema::{Id, ResourceType};
use crate::store::{Event, Point, Resource, ResourceRef, StoreError};

/// What the readers of a feed see.
pub(in crate::api) struct View {
    pub(in crate::api) resource_type: Arc<ResourceType>,
    /// A local one.
    pub(in crate::api) filter: Filter,
    pub(in crate::api) shapes: Shapes,
    /// That of the ids of its messages.
    pub(in crate::api) seal: Seal,
}

/// What tells feeds apart: those with the same key tell the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    resource_type: String,
    filter: Filter,
    fields: Option<Vec<String>>,
}

impl View {
    pub(super) fn key(&self) -> Key {
        let fields = self.shapes.fields.of(&self.resource_type);
        let fields = fields.map(|fields| {
            let mut fields = fields.to_vec();
            fields.sort_unstable();
            fields.dedup();
            fields
        });
        Key {
            resource_type: self.resource_type.name.clone(),
            filter: self.filter.clone(),
            fields,
        }
    }

    /// The id by which clients name a place.
    pub(super) fn id(&self, point: &Point) -> String {
        self.seal.point(point)
    }

    /// What is told of a change, if anything.
    pub(super) fn message(&self, event: &Event) -> Result<Option<Bytes>, StoreError> {
        let Some(seen) = Seen::of(event, &self.filter)? else {
            return Ok(None);
        };
        let (name, document) = match seen {
            Seen::Created(resource) => ("create", self.document(resource)?),
            Seen::Updated(resource) => ("update", self.document(resource)?),
            Seen::Left => ("leave", self.identifier(&event.id)),
            Seen::Deleted => ("delete", self.identifier(&event.id)),
        };
        let id = self.id(&event.point);
        Ok(Some(message::change(name, &id, &document)))
    }

    fn document(&self, resource: &Resource) -> Result<Vec<u8>, StoreError> {
        let writer = &self.shapes.writers[&self.resource_type.name];
        let around = Around {
            links: Links::new(writer.url(&resource.id.to_string())),
            compound: None,
            applied: Applied::default(),
        };
        let (id, text) = (&resource.id, &*resource.text);
        let resource = Some(ResourceRef { id, text });
        document::one(&self.shapes, &self.resource_type, resource, &around)
    }

    fn identifier(&self, id: &Id) -> Vec<u8> {
        let name = &self.resource_type.name;
        let identifier = serde_json::json!({"type": name, "id": id.to_string()});
        jsonapi::document("data", &identifier)
    }
}
