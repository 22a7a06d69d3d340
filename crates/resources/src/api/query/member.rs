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
    let path = MemberPath::declared(names, &declared);
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
    if is_id || first == "type" {
        return Err(unknown());
    }
    let names = if is_shown(resource_type, first) {
        allow(resource_type, first, resource_type.reading(first), purpose)?;
        names.to_vec()
    } else {
        vec![NOBODYS.to_owned()]
    };
    let declared = resource_type.attributes.at(&names);
    if matches!(declared, Declared::Unknown) {
        return Err(unknown());
    }
    let path = MemberPath::declared(&names, &declared);
    Ok(Field::Attribute { path, declared })
}

/// Stands for a member that is not shown where members may be named that nothing declares. It is
/// not told from a name that no resource uses, and it has no value: JSON:API reserves the slash.
const NOBODYS: &str = "/";

/// Whether a member of the stored object may be an attribute that clients see.
fn is_shown(resource_type: &ResourceType, member: &str) -> bool {
    let mut all = resource_type.relationships.iter();
    resource_type.reading(member).readable && !all.any(|one| one.own_member() == Some(member))
}

/// Whether clients may ask for an attribute of this name, whether it is there or not.
pub(super) fn is_attribute(resource_type: &ResourceType, name: &String) -> bool {
    let nobodys = NOBODYS.to_owned();
    let name = if is_shown(resource_type, name) {
        name
    } else {
        &nobodys
    };
    let declared = resource_type.attributes.at(std::slice::from_ref(name));
    !matches!(declared, Declared::Unknown)
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
