//! What is written of a resource: its stored members apart into attributes and relationships.

use std::collections::HashMap;
use std::sync::Arc;

use jsonapi::{
    DocumentWriter, IdentifierParts, LinkageParts, Links, Pagination, Parameters,
    RelationshipParts, ResourceParts, ResourceWriter, ResultsWriter,
};

use crate::api::Service;
use crate::api::query::Fields;
use crate::controller::{Compound, Linkage};
use crate::schema::{Id, Relationship, ResourceType};
use crate::store::{ResourceRef, StoreError, for_each_member};

/// The writers of all types, by their names.
pub(in crate::api) type Writers = HashMap<String, Arc<ResourceWriter>>;

/// How the resources of a type are written in one answer.
#[derive(Debug, Clone)]
pub(in crate::api) struct Shape {
    resource_type: Arc<ResourceType>,
    pub(super) writer: Arc<ResourceWriter>,
    /// The fields that are shown, if not all are.
    fields: Option<Vec<String>>,
    /// The relationships that are shown, with their positions among all.
    relationships: Vec<(usize, Arc<Relationship>)>,
    /// Whether the stored text is the attributes as they are shown.
    is_plain: bool,
}

/// All that the resources of one answer are written with.
pub(in crate::api) struct Shapes {
    pub(in crate::api) writers: Arc<Writers>,
    pub(in crate::api) fields: Fields,
    /// The request's, whose filters and orders of relationships the links of their pages repeat.
    pub(in crate::api) parameters: Arc<Parameters>,
}

impl Shapes {
    pub(in crate::api) fn new(
        service: &Service,
        fields: Fields,
        parameters: Arc<Parameters>,
    ) -> Self {
        Self {
            writers: service.writers.clone(),
            fields,
            parameters,
        }
    }

    /// How resources of this type are written.
    pub(in crate::api) fn of(&self, resource_type: &Arc<ResourceType>) -> Shape {
        let fields = self.fields.of(resource_type).map(<[String]>::to_vec);
        let is_shown = |one: &Relationship| {
            let is_wanted = fields
                .as_ref()
                .is_none_or(|fields| fields.contains(&one.name));
            one.reading.readable && is_wanted
        };
        let all = resource_type.relationships.iter().cloned().enumerate();
        let relationships: Vec<_> = all.filter(|(_, one)| is_shown(one)).collect();
        let has_linkage = resource_type
            .relationships
            .iter()
            .any(|one| one.own_member().is_some());
        let has_hidden = resource_type.reading.values().any(|one| !one.readable);
        Shape {
            writer: self.writers[&resource_type.name].clone(),
            is_plain: fields.is_none() && relationships.is_empty() && !has_linkage && !has_hidden,
            resource_type: resource_type.clone(),
            fields,
            relationships,
        }
    }

    /// Writes the next resource of the primary data.
    pub(super) fn write(
        &self,
        document: &mut DocumentWriter,
        shape: &Shape,
        resource: ResourceRef<'_>,
        beside: Beside<'_>,
    ) -> Result<(), StoreError> {
        if shape.is_plain && beside.cursor.is_none() {
            let id = resource.id.to_string();
            if beside.is_included {
                document.include(&shape.writer, &id, resource.text);
            } else {
                document.resource(&shape.writer, &id, resource.text);
            }
            return Ok(());
        }
        self.with_parts(shape, resource, beside, |parts| {
            if beside.is_included {
                document.include_parts(&shape.writer, parts);
            } else {
                document.resource_parts(&shape.writer, parts);
            }
        })
    }

    /// Writes the resource that an operation has stored.
    pub(in crate::api) fn write_result(
        &self,
        results: &mut ResultsWriter,
        shape: &Shape,
        resource: ResourceRef<'_>,
    ) -> Result<(), StoreError> {
        self.with_parts(shape, resource, Beside::default(), |parts| {
            results.resource(&shape.writer, parts);
        })
    }

    fn with_parts(
        &self,
        shape: &Shape,
        resource: ResourceRef<'_>,
        beside: Beside<'_>,
        write: impl FnOnce(&ResourceParts<'_>),
    ) -> Result<(), StoreError> {
        let id = resource.id.to_string();
        let (attributes, stored) = shape.split(resource)?;
        let linkages = self.linkages(shape, resource.id, stored, beside.compound);
        let identifiers: Vec<Vec<IdentifierParts<'_>>> =
            linkages.iter().map(Written::identifiers).collect();
        let relationships: Vec<RelationshipParts<'_>> = shape
            .relationships
            .iter()
            .zip(linkages.iter().zip(&identifiers))
            .map(|((position, _), (linkage, identifiers))| linkage.parts(*position, identifiers))
            .collect();
        write(&ResourceParts {
            shows_id_attribute: shape.shows_id_attribute(),
            relationships: &relationships,
            cursor: beside.cursor,
            ..ResourceParts::new(&id, &attributes)
        });
        Ok(())
    }

    fn linkages(
        &self,
        shape: &Shape,
        id: &Id,
        stored: Vec<Stored>,
        compound: Option<&Compound>,
    ) -> Vec<Written> {
        let relationships = shape.relationships.iter().zip(stored);
        let linkage =
            |((position, relationship), stored): (&(usize, Arc<Relationship>), Stored)| {
                let included = compound.and_then(|compound| {
                    compound.linkage(&shape.resource_type, id, &relationship.name)
                });
                let url = || shape.writer.relationship_url(&id.to_string(), *position);
                self.linkage(relationship, stored, included, url)
            };
        relationships.map(linkage).collect()
    }

    /// What is written of a relationship: its linkage as it was included, or as far as it is
    /// stored and fits a page.
    fn linkage(
        &self,
        relationship: &Relationship,
        stored: Stored,
        included: Option<&Linkage>,
        url: impl FnOnce() -> Option<String>,
    ) -> Written {
        let size = relationship.page.default;
        let (ids, total, size) = match (included, stored) {
            (Some(included), _) => {
                let ids = included.ids.clone();
                (Some(ids), Some(included.total), included.size)
            }
            (None, Some(mut ids)) => {
                let total = ids.len() as u64;
                ids.truncate(usize::try_from(size).unwrap_or(usize::MAX));
                (Some(ids), Some(total), size)
            }
            (None, None) => (None, None, size),
        };
        let total = total.filter(|_| !relationship.is_to_one());
        let cut = total.filter(|total| *total > size);
        let pages = cut.and_then(|total| {
            let own = |included: &Linkage| self.parameters.of_relationship(&included.path);
            let parameters = included.map(own).unwrap_or_default();
            let first = Pagination { number: 1, size };
            Some(parameters.page_links(&url()?, first, total))
        });
        Written {
            is_to_one: relationship.is_to_one(),
            writer: self.writers[&relationship.target.name].clone(),
            ids: ids.map(|ids| ids.iter().map(Id::to_string).collect()),
            total,
            pages,
        }
    }
}

/// What stands beside a resource.
#[derive(Clone, Copy, Default)]
pub(super) struct Beside<'a> {
    pub(super) compound: Option<&'a Compound>,
    pub(super) cursor: Option<&'a str>,
    pub(super) is_included: bool,
}

impl Shape {
    /// The attributes as the text of an object, and for each shown relationship the ids that are
    /// stored with the resource.
    fn split(&self, resource: ResourceRef<'_>) -> Result<(String, Vec<Stored>), StoreError> {
        let of_own = |(_, one): &(usize, Arc<Relationship>)| one.own_member().map(|_| Vec::new());
        let mut stored: Vec<Stored> = self.relationships.iter().map(of_own).collect();
        let mut attributes = String::with_capacity(resource.text.len());
        attributes.push('{');
        let read = for_each_member(resource.text, &mut |name, value| {
            if self.is_linkage(name) {
                for ((_, relationship), ids) in self.relationships.iter().zip(&mut stored) {
                    if relationship.own_member() == Some(name) {
                        *ids = Some(relationship.ids(value));
                    }
                }
            } else if self.shows(name) {
                if attributes.len() > 1 {
                    attributes.push(',');
                }
                attributes.push_str(&serde_json::Value::from(name).to_string());
                attributes.push(':');
                attributes.push_str(value);
            }
        });
        read.map_err(|error| StoreError::Corrupt(format!("{}: {error}", resource.id)))?;
        attributes.push('}');
        Ok((attributes, stored))
    }

    /// Whether a member of the stored object is that of a relationship.
    fn is_linkage(&self, member: &str) -> bool {
        let mut all = self.resource_type.relationships.iter();
        all.any(|one| one.own_member() == Some(member))
    }

    fn shows(&self, attribute: &str) -> bool {
        let is_wanted = |fields: &Vec<String>| fields.iter().any(|field| field == attribute);
        self.fields.as_ref().is_none_or(is_wanted) && self.resource_type.reading(attribute).readable
    }

    fn shows_id_attribute(&self) -> bool {
        let name = self.resource_type.id_attribute.as_ref();
        name.is_some_and(|name| self.shows(name))
    }
}

/// The ids that are stored with a resource; `None` for an inverse.
type Stored = Option<Vec<Id>>;

/// The linkage of a relationship, and what is said of it.
struct Written {
    is_to_one: bool,
    writer: Arc<ResourceWriter>,
    ids: Option<Vec<String>>,
    total: Option<u64>,
    pages: Option<Links>,
}

impl Written {
    fn identifiers(&self) -> Vec<IdentifierParts<'_>> {
        let writer = &self.writer;
        let ids = self.ids.iter().flatten();
        ids.map(|id| IdentifierParts { writer, id }).collect()
    }

    fn parts<'a>(
        &'a self,
        position: usize,
        identifiers: &'a [IdentifierParts<'a>],
    ) -> RelationshipParts<'a> {
        let data = match (&self.ids, self.is_to_one) {
            (None, _) => None,
            (Some(_), true) => Some(LinkageParts::One(identifiers.first().copied())),
            (Some(_), false) => Some(LinkageParts::Many(identifiers)),
        };
        RelationshipParts {
            position,
            data,
            pages: self.pages.as_ref(),
            total: self.total,
        }
    }
}
