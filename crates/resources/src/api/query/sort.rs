//! `sort`: the order of a list.

use std::sync::Arc;

use jsonapi::{Error, Parameters, SortKey, excerpt};

use super::member::{Field, Purpose, named};
use super::{SORT_KEYS_MAX, invalid};
use crate::api::Service;
use crate::query::{Key, KeyPath, Order};
use crate::schema::{Kinds, ResourceType};

/// Takes `sort`.
pub(super) fn take(
    service: &Service,
    resource_type: &Arc<ResourceType>,
    parameters: &mut Parameters,
) -> Result<Order, Error> {
    let keys = parameters.take_sort(SORT_KEYS_MAX)?;
    order(service, resource_type, "sort", &keys)
}

/// Takes the `sort` of an included relationship.
pub(super) fn take_of(
    service: &Service,
    resource_type: &Arc<ResourceType>,
    relationship: &str,
    parameters: &mut Parameters,
) -> Result<Order, Error> {
    let keys = parameters.take_sort_of(relationship, SORT_KEYS_MAX)?;
    let parameter = format!("sort[{relationship}]");
    order(service, resource_type, &parameter, &keys)
}

fn order(
    service: &Service,
    resource_type: &Arc<ResourceType>,
    parameter: &str,
    keys: &[SortKey],
) -> Result<Order, Error> {
    let bound = keys.iter().map(|key| {
        let path = path(service, resource_type, &key.path.names);
        let descending = key.descending;
        path.map(|path| Key { path, descending }).map_err(|reason| {
            let text = key.path.to_string();
            invalid(parameter, format!("{reason}: {}", excerpt(&text, 0)))
        })
    });
    let keys = bound.collect::<Result<_, _>>()?;
    Ok(Order { keys })
}

fn path(
    service: &Service,
    resource_type: &Arc<ResourceType>,
    names: &[String],
) -> Result<KeyPath, String> {
    let found = named(&service.types, resource_type, names, Purpose::Sort)?;
    if let Some(many) = found.through.iter().find(|one| !one.is_to_one()) {
        return Err(format!("'{}' leads to many resources", many.name));
    }
    match found.field {
        Field::Id(_) if found.through.is_empty() => Ok(KeyPath::Id),
        Field::Id(_) => Err("Ids of related resources are no sort keys".to_owned()),
        Field::Relationship(relationship) => Err(format!(
            "'{}' is a relationship: name an attribute of it",
            relationship.name
        )),
        Field::Attribute { path, .. } if path.kinds.are_within(Kinds::ARRAY.and(Kinds::OBJECT)) => {
            Err("Arrays and objects have no order".to_owned())
        }
        Field::Attribute { path, .. } if path.stored.is_some_and(|stored| !stored.has_order()) => {
            Err("Bytes have no order".to_owned())
        }
        Field::Attribute { path, .. } => {
            let through = found.through;
            Ok(KeyPath::Member { through, path })
        }
    }
}
