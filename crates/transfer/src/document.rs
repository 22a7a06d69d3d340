//! A JSON:API document as a file of rows: what an API answers can be imported as it is.

use jsonapi::{Identifier, Linkage, ResourceObject, Target};
use resources::schema::{Attributes, ResourceType};
use serde_json::Value;

/// The row of a resource object: its attributes, relationships and id as members of one object.
pub(super) fn row(
    resource_type: &ResourceType,
    mut object: Attributes,
) -> Result<Attributes, String> {
    keep_linkages(resource_type, &mut object)?;
    let object = ResourceObject::parse(Value::Object(object), "").map_err(|errors| {
        let details = errors
            .as_slice()
            .iter()
            .filter_map(|error| error.detail.clone());
        details.collect::<Vec<_>>().join(" ")
    })?;
    if object.resource_type != resource_type.name {
        let (own, other) = (&resource_type.name, &object.resource_type);
        return Err(format!(
            "the resource is of the type '{other}', not '{own}'"
        ));
    }
    let mut row = object.attributes;
    if let Some(id) = object.id {
        // The document may repeat the id among the attributes.
        row.insert(resource_type.plain_id_member().to_owned(), id.into());
    }
    for (name, linkage) in object.relationships {
        let id = |identifier: Identifier| match identifier.target {
            Target::Id(id) => Ok(Value::from(id)),
            Target::LocalId(_) => Err(format!("the relationship '{name}' has a local id")),
        };
        let value = match linkage {
            Linkage::One(one, _) => one.map_or(Ok(Value::Null), id)?,
            Linkage::Many(many, _) => many.into_iter().map(id).collect::<Result<_, _>>()?,
        };
        if resource_type.relationship(&name).is_none() {
            let own = &resource_type.name;
            return Err(format!("'{own}' has no relationship '{name}'"));
        }
        row.insert(name, value);
    }
    Ok(row)
}

/// Relationships that only have links say nothing about what is stored, an inverse is no part of the
/// resource, and one of which only a page is shown says too little.
fn keep_linkages(resource_type: &ResourceType, object: &mut Attributes) -> Result<(), String> {
    let Some(Value::Object(relationships)) = object.get_mut("relationships") else {
        return Ok(());
    };
    let is_inverse = |name: &String| {
        let relationship = resource_type.relationship(name);
        relationship.is_some_and(|one| one.own_member().is_none())
    };
    relationships.retain(|name, one| one.get("data").is_some() && !is_inverse(name));
    let is_cut = |one: &Value| {
        one.pointer("/links/next")
            .is_some_and(|next| !next.is_null())
    };
    match relationships.iter().find(|(_, one)| is_cut(one)) {
        Some((name, _)) => Err(format!(
            "the relationship '{name}' is shown in part: import an export instead"
        )),
        None => Ok(()),
    }
}
