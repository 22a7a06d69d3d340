//! Ids as `_id`, and the order of creation.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, RawBson, RawBsonRef, doc};
use uuid::Uuid;

use resources::schema::{Id, IdKind, ResourceType};

pub(crate) const ID: &str = "_id";

/// Holds a UUID of version 7 where ids are chosen by clients and so say nothing about the order.
pub(crate) const POSITION: &str = "_position";

/// Whether documents of this type carry [`POSITION`].
pub(crate) fn have_position(resource_type: &ResourceType) -> bool {
    resource_type.id.client_may_choose()
}

/// The order of creation. Documents that others wrote without a position stand first.
pub(crate) fn order(resource_type: &ResourceType) -> Document {
    if have_position(resource_type) {
        doc! { POSITION: 1, ID: 1 }
    } else {
        doc! { ID: 1 }
    }
}

/// Whether a field of a stored document is the store's and not an attribute.
pub(crate) fn is_reserved(resource_type: &ResourceType, name: impl AsRef<[u8]>) -> bool {
    is_own(resource_type.id, name)
}

/// [`is_reserved`] where ids are of this kind.
pub(crate) fn is_own(kind: IdKind, name: impl AsRef<[u8]>) -> bool {
    let name = name.as_ref();
    name == ID.as_bytes() || (name == POSITION.as_bytes() && kind.client_may_choose())
}

pub(crate) fn to_bson(id: &Id) -> Bson {
    match to_raw(id) {
        RawBson::ObjectId(id) => Bson::ObjectId(id),
        RawBson::Binary(binary) => Bson::Binary(binary),
        RawBson::Int64(number) => Bson::Int64(number),
        RawBson::String(text) => Bson::String(text),
        _ => Bson::Null,
    }
}

pub(crate) fn to_raw(id: &Id) -> RawBson {
    match id {
        Id::ObjectId(bytes) => RawBson::ObjectId(ObjectId::from_bytes(*bytes)),
        Id::String(text) => RawBson::String(text.clone()),
        Id::Uuid(uuid) => RawBson::Binary(binary(uuid)),
        Id::Integer(number) => RawBson::Int64(*number),
    }
}

pub(crate) fn binary(uuid: &Uuid) -> Binary {
    Binary {
        subtype: BinarySubtype::Uuid,
        bytes: uuid.as_bytes().to_vec(),
    }
}

/// An `_id` of a type that ids have.
pub(crate) fn from_bson(value: RawBsonRef<'_>) -> Option<Id> {
    match value {
        RawBsonRef::ObjectId(id) => Some(Id::ObjectId(id.bytes())),
        RawBsonRef::String(text) => Some(Id::String(text.to_owned())),
        RawBsonRef::Int32(number) => Some(Id::Integer(number.into())),
        RawBsonRef::Int64(number) => Some(Id::Integer(number)),
        RawBsonRef::Double(number) => whole(number).map(Id::Integer),
        RawBsonRef::Binary(binary) if binary.subtype == BinarySubtype::Uuid => {
            Uuid::from_slice(binary.bytes).ok().map(Id::Uuid)
        }
        _ => None,
    }
}

/// The `mongo` shell writes every number as a double.
fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it was just checked")]
    exact.then_some(number as i64)
}

/// Whether an `_id` is of the kind that a type declares.
pub(crate) fn is_of_kind(kind: IdKind, id: &Id) -> bool {
    matches!(
        (kind, id),
        (IdKind::ObjectId, Id::ObjectId(_))
            | (IdKind::String, Id::String(_))
            | (IdKind::Uuid, Id::Uuid(_))
            | (IdKind::Integer, Id::Integer(_))
    )
}
