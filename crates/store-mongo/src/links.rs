//! The ids that relationships hold: served as the engine has them, stored as the target's `_id`s.

use bson::RawBson;
use resources::schema::{IdKind, ResourceType};
use serde_json::Value;

use crate::elements::{Element, Elements, Malformed};
use crate::{ids, json};

/// What the ids are that a member holds, if it is that of a relationship and they are stored in
/// another form than they are served.
pub(crate) fn kind(resource_type: &ResourceType, member: impl AsRef<[u8]>) -> Option<IdKind> {
    let member = member.as_ref();
    let of_member = resource_type.relationships.iter().find(|relationship| {
        let own = relationship.own_member();
        own.is_some_and(|own| own.as_bytes() == member)
    });
    let kind = of_member?.target.id;
    (kind != IdKind::String).then_some(kind)
}

/// Writes the value of a relationship's member. What is no id of this kind is written as anywhere
/// else.
pub(crate) fn write(
    kind: IdKind,
    element: &Element<'_>,
    text: &mut Vec<u8>,
) -> Result<(), Malformed> {
    if element.kind != Element::ARRAY {
        return write_one(kind, element, text);
    }
    text.push(b'[');
    for (position, item) in Elements::new(element.value)?.enumerate() {
        if position > 0 {
            text.push(b',');
        }
        write_one(kind, &item?, text)?;
    }
    text.push(b']');
    Ok(())
}

fn write_one(kind: IdKind, element: &Element<'_>, text: &mut Vec<u8>) -> Result<(), Malformed> {
    let id = match element.kind {
        // No ids of the kinds that are written here are texts.
        Element::STRING | Element::NULL => None,
        _ => ids::from_bson(element.alone()?.value()?),
    };
    match id.filter(|id| ids::is_of_kind(kind, id)) {
        Some(id) => {
            text.extend_from_slice(id.to_member().to_string().as_bytes());
            Ok(())
        }
        None => json::write_value(element, text),
    }
}

/// The stored form of an id, if a value is one in the spelling that would be served again.
pub(crate) fn raw(kind: IdKind, value: &Value) -> Option<RawBson> {
    let id = kind.of_member(value)?;
    (id.to_member() == *value).then(|| ids::to_raw(&id))
}
