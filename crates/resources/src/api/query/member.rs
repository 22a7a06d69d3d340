//! What a path names: the id, an attribute, a relationship, or something of a related resource.

use std::sync::Arc;

use crate::query::MemberPath;
use crate::schema::{Declared, IdKind, Reading, Relationship, ResourceType, Types};

/// What a path names, seen from a type.
pub(super) struct Named {
    /// The relationships that lead to the resource that has it.
    pub(super) through: Vec<Arc<Relationship>>,
    /// What of it.
    pub(super) field: Field,
}

/// A field of a resource.
pub(super) enum Field {
    /// The id, of this kind.
    Id(IdKind),
    Attribute {
        path: MemberPath,
        declared: Declared,
    },
    Relationship(Arc<Relationship>),
}

/// What a path is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Filter,
    Sort,
}

/// Finds what a path names.
///
/// # Errors
/// A sentence without its full stop that says what is wrong. What is not readable is not told from
/// what is not there.
pub(super) fn named(
    types: &Types,
    resource_type: &Arc<ResourceType>,
    names: &[String],
    purpose: Purpose,
) -> Result<Named, String> {
    let mut through = Vec::new();
    let mut current = resource_type;
    let mut names = names;
    while let Some((first, others)) = names.split_first() {
        let relationship = current
            .relationship(first)
            .filter(|one| one.reading.readable);
        let Some(relationship) = relationship else {
            break;
        };
        allow(current, first, relationship.reading, purpose)?;
        if others.is_empty() {
            return Ok(Named {
                through,
                field: Field::Relationship(relationship.clone()),
            });
        }
        through.push(relationship.clone());
        current = types.target(relationship);
        names = others;
    }
    let field = attribute(current, names, purpose)?;
    Ok(Named { through, field })
}

/// Finds a member of the objects in an array.
///
/// # Errors
/// As [`named`].
pub(super) fn member_of_element(elements: &Declared, names: &[String]) -> Result<Named, String> {
    let declared = elements.at(names);
    if matches!(declared, Declared::Unknown) {
        return Err(format!("the elements have no member '{}'", names.join(".")));
    }
    let kinds = declared.kinds();
    let names = names.to_vec();
    let path = MemberPath { names, kinds };
    Ok(Named {
        through: Vec::new(),
        field: Field::Attribute { path, declared },
    })
}

fn attribute(
    resource_type: &ResourceType,
    names: &[String],
    purpose: Purpose,
) -> Result<Field, String> {
    let first = &names[0];
    let is_id = first == "id" || resource_type.id_attribute.as_ref() == Some(first);
    if is_id && names.len() == 1 {
        return Ok(Field::Id(resource_type.id));
    }
    let path = names.join(".");
    let unknown = || format!("'{}' has no field '{path}'", resource_type.name);
    let reading = resource_type.reading(first);
    if is_id || first == "type" || !reading.readable {
        return Err(unknown());
    }
    let is_linkage = |one: &Arc<Relationship>| one.own_member() == Some(first);
    if resource_type.relationships.iter().any(is_linkage) {
        return Err(unknown());
    }
    let declared = resource_type.attributes.at(names);
    if matches!(declared, Declared::Unknown) {
        return Err(unknown());
    }
    allow(resource_type, first, reading, purpose)?;
    Ok(Field::Attribute {
        path: MemberPath {
            names: names.to_vec(),
            kinds: declared.kinds(),
        },
        declared,
    })
}

fn allow(
    resource_type: &ResourceType,
    name: &str,
    reading: Reading,
    purpose: Purpose,
) -> Result<(), String> {
    let type_name = &resource_type.name;
    match purpose {
        Purpose::Filter if !reading.filterable => {
            Err(format!("'{name}' of '{type_name}' takes no filters"))
        }
        Purpose::Sort if !reading.sortable => {
            Err(format!("'{type_name}' cannot be sorted by '{name}'"))
        }
        _ => Ok(()),
    }
}
