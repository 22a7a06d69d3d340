//! Places in an order that clients keep: the sort values and the id of a resource, sealed with what
//! they belong to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Filter, Order, SortValue};
use crate::schema::{Id, IdKind, Stored};
use crate::store::Point;

/// The longest cursor that is read, in bytes.
const LENGTH_MAX: usize = 16 << 10;

/// Bytes of the seal.
const SEAL: usize = 12;

/// A place in an order, which need not be that of a resource that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bound {
    /// One value for each key of the order.
    pub values: Vec<SortValue>,
    /// The id of the resource that was there.
    pub id: Id,
}

/// What the cursors of a list belong to: its type, its filter and its order. A cursor of another
/// list is refused, and so is one that was changed.
///
/// The seal is a hash without a key: a cursor tells no more than the resource that it was made of
/// and allows no more than a filter does, so that there is nothing to gain by forging one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal([u8; SEAL]);

/// A text that is no cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor of this list")]
pub struct InvalidCursor;

impl Seal {
    /// The seal of a list. `list` names its type and, where it is that of a relationship, whose.
    #[must_use]
    pub fn new(list: &str, filter: &Filter, order: &Order) -> Self {
        let text = format!("{list}\n{filter:?}\n{order:?}");
        Self(shortened(&Sha256::digest(text.as_bytes())))
    }

    /// The text of a cursor: letters, digits, `-` and `_`.
    #[must_use]
    pub fn cursor(&self, bound: &Bound) -> String {
        let values: Vec<Value> = bound.values.iter().map(to_json).collect();
        let text = json!([values, bound.id.to_member()]).to_string();
        self.sealed(text.as_bytes())
    }

    /// The place that a cursor names.
    ///
    /// # Errors
    /// When it is no cursor of this list.
    pub fn open(&self, cursor: &str, ids: IdKind) -> Result<Bound, InvalidCursor> {
        let text = self.opened(cursor)?;
        let (values, id): (Vec<Value>, Value) =
            serde_json::from_slice(&text).map_err(|_| InvalidCursor)?;
        let id = ids.of_member(&id).ok_or(InvalidCursor)?;
        let values = values.iter().map(from_json).collect();
        Ok(Bound { values, id })
    }

    /// The text by which clients name a place in the changes of the list: letters, digits, `-` and
    /// `_`.
    #[must_use]
    pub fn point(&self, point: &Point) -> String {
        self.sealed(point.as_str().as_bytes())
    }

    /// The place that such a text names.
    ///
    /// # Errors
    /// When it is no place of this list.
    pub fn open_point(&self, text: &str) -> Result<Point, InvalidCursor> {
        let bytes = self.opened(text)?;
        let point = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        Ok(Point::new(point))
    }

    fn sealed(&self, text: &[u8]) -> String {
        let mut bytes = self.over(text).to_vec();
        bytes.extend_from_slice(text);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn opened(&self, sealed: &str) -> Result<Vec<u8>, InvalidCursor> {
        if sealed.len() > LENGTH_MAX {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| InvalidCursor)?;
        let (seal, text) = bytes.split_at_checked(SEAL).ok_or(InvalidCursor)?;
        if seal != self.over(text) {
            return Err(InvalidCursor);
        }
        Ok(text.to_vec())
    }

    fn over(&self, text: &[u8]) -> [u8; SEAL] {
        shortened(
            &Sha256::new()
                .chain_update(self.0)
                .chain_update(text)
                .finalize(),
        )
    }
}

fn shortened(hash: &[u8]) -> [u8; SEAL] {
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&hash[..SEAL]);
    seal
}

fn to_json(value: &SortValue) -> Value {
    match value {
        SortValue::Nothing => Value::Null,
        SortValue::Number(number) => Value::Number(number.clone()),
        SortValue::Text(text) => Value::String(text.clone()),
        SortValue::Stored(stored, text) => json!({ stored.name(): text }),
        SortValue::Object => json!({}),
        SortValue::Array => json!([]),
        SortValue::Boolean(value) => Value::Bool(*value),
    }
}

/// Objects are all equal and have no members here, but for what is stored otherwise than as a text.
fn from_json(value: &Value) -> SortValue {
    let member = value.as_object().and_then(|members| members.iter().next());
    let stored = member.and_then(|(name, text)| Some((Stored::named(name)?, text.as_str()?)));
    stored.map_or_else(
        || SortValue::of(value),
        |(stored, text)| SortValue::Stored(stored, text.to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place_and_to_no_other_list() {
        let bound = Bound {
            values: vec![
                SortValue::Nothing,
                SortValue::Text("é\"".to_owned()),
                SortValue::of(&json!(1.5)),
                SortValue::Boolean(true),
                SortValue::Object,
                SortValue::Array,
                SortValue::Stored(Stored::Decimal, "1.50".to_owned()),
            ],
            id: Id::Integer(7),
        };
        let seal = Seal::new("articles", &Filter::Everything, &Order::by_id());
        let cursor = seal.cursor(&bound);
        assert_eq!(seal.open(&cursor, IdKind::Integer), Ok(bound));
        for other in [
            Seal::new("people", &Filter::Everything, &Order::by_id()),
            Seal::new("articles", &Filter::Any(Vec::new()), &Order::by_id()),
            Seal::new("articles", &Filter::Everything, &Order::default()),
        ] {
            assert_eq!(other.open(&cursor, IdKind::Integer), Err(InvalidCursor));
        }
        assert_eq!(seal.open(&cursor, IdKind::Uuid), Err(InvalidCursor));
    }

    #[test]
    fn a_place_in_the_changes_is_that_of_one_list() {
        let seal = Seal::new("articles", &Filter::Everything, &Order::default());
        let text = seal.point(&Point::new("82.abc"));
        assert_eq!(seal.open_point(&text), Ok(Point::new("82.abc")));
        let other = Seal::new("people", &Filter::Everything, &Order::default());
        assert_eq!(other.open_point(&text), Err(InvalidCursor));
        assert_eq!(seal.open_point(&text[1..]), Err(InvalidCursor));
        assert_eq!(seal.open_point(""), Err(InvalidCursor));
    }

    #[test]
    fn a_cursor_that_was_changed_is_refused() {
        let id = Id::Integer(7);
        let values = Vec::new();
        let seal = Seal::new("articles", &Filter::Everything, &Order::by_id());
        let cursor = seal.cursor(&Bound { values, id });
        for at in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(
                seal.open(&changed, IdKind::Integer),
                Err(InvalidCursor),
                "{at}"
            );
            let cut = &cursor[..at];
            assert_eq!(seal.open(cut, IdKind::Integer), Err(InvalidCursor));
        }
        assert!(seal.open("", IdKind::Integer).is_err());
        assert!(seal.open("garbage!", IdKind::Integer).is_err());
    }
}
