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
        None => json::write_value(element, None, text),
    }
}

/// The stored form of an id, if a value is one in the spelling that would be served again.
pub(crate) fn raw(kind: IdKind, value: &Value) -> Option<RawBson> {
    let id = kind.of_member(value)?;
    (id.to_member() == *value).then(|| ids::to_raw(&id))
}

#[cfg(test)]
mod tests {
    use bson::RawBsonRef;
    use bson::spec::{BinarySubtype, ElementType};
    use serde_json::json;

    use super::*;

    fn served(kind: IdKind, stored: &RawBson) -> Value {
        let mut holder = bson::RawDocumentBuf::new();
        holder.append(bson::cstr!("v"), stored.as_raw_bson_ref());
        let mut text = Vec::new();
        for element in Elements::new(holder.as_bytes()).unwrap() {
            write(kind, &element.unwrap(), &mut text).unwrap();
        }
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn ids_are_served_as_they_were_given_and_stored_as_those_of_their_target() {
        let uuid = "0198c2a7-1b2c-7def-8123-456789abcdef";
        for (kind, value, stored) in [
            (
                IdKind::ObjectId,
                json!("5973ecc8c453c823e4c471d2"),
                ElementType::ObjectId,
            ),
            (IdKind::Uuid, json!(uuid), ElementType::Binary),
            (IdKind::Integer, json!(7), ElementType::Int64),
        ] {
            let link = raw(kind, &value).unwrap();
            assert_eq!(link.element_type(), stored);
            if let RawBsonRef::Binary(binary) = link.as_raw_bson_ref() {
                assert_eq!(binary.subtype, BinarySubtype::Uuid);
            }
            assert_eq!(served(kind, &link), value);
            let array = bson::RawArrayBuf::from_iter([link, RawBson::Int32(-1)]);
            assert_eq!(served(kind, &RawBson::Array(array)), json!([value, -1]));
        }
    }

    #[test]
    fn what_is_no_id_of_the_target_stays_as_it_is() {
        for value in [
            json!("5973ECC8C453C823E4C471D2"),
            json!("x"),
            json!(null),
            json!(1.5),
        ] {
            for kind in [IdKind::ObjectId, IdKind::Uuid, IdKind::Integer] {
                assert_eq!(raw(kind, &value), None, "{kind} {value}");
            }
        }
        let id = RawBson::ObjectId(bson::oid::ObjectId::from_bytes([1; 12]));
        let shown = json!({"$oid": "01".repeat(12)});
        assert_eq!(served(IdKind::Integer, &id), shown);
    }
}
