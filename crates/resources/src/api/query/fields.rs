//! `fields`: what of the resources of each type is shown.

use jsonapi::{Error, Fieldsets, Parameters};

use super::invalid;
use super::member::is_attribute;
use crate::api::Service;
use crate::schema::ResourceType;

/// The fields that are shown of each type.
#[derive(Debug, Clone, Default)]
pub(in crate::api) struct Fields(Fieldsets);

/// Takes every `fields[TYPE]`.
pub(in crate::api) fn take(
    service: &Service,
    parameters: &mut Parameters,
) -> Result<Fields, Error> {
    let sets = parameters.take_fields()?;
    for (name, fields) in sets.iter() {
        let parameter = format!("fields[{name}]");
        let Some(resource_type) = service.types.get(name) else {
            return Err(invalid(&parameter, format!("There is no type '{name}'.")));
        };
        let unknown = fields.iter().find(|field| !has_field(resource_type, field));
        if let Some(unknown) = unknown {
            let detail = format!("'{name}' has no field '{unknown}'.");
            return Err(invalid(&parameter, detail));
        }
    }
    Ok(Fields(sets))
}

fn has_field(resource_type: &ResourceType, name: &String) -> bool {
    let relationship = resource_type.relationship(name);
    relationship.is_some_and(|one| one.reading.readable)
        || resource_type.id_attribute.as_ref() == Some(name)
        || is_attribute(resource_type, name)
}

impl Fields {
    /// The fields of a type, if they are restricted.
    pub(in crate::api) fn of(&self, resource_type: &ResourceType) -> Option<&[String]> {
        self.0.of(&resource_type.name)
    }

    /// The members of the stored object that hold the fields of a type, if they are restricted.
    pub(super) fn members(&self, resource_type: &ResourceType) -> Option<Vec<String>> {
        let member = |field: &String| match resource_type.relationship(field) {
            Some(relationship) => relationship.own_member().map(str::to_owned),
            None => Some(field.clone()),
        };
        let fields = self.of(resource_type)?;
        Some(fields.iter().filter_map(member).collect())
    }
}
