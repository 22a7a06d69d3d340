//! Resource linkage: <https://jsonapi.org/format/1.1/#document-resource-object-linkage>.

use serde_json::{Map, Value};

use super::malformed;
use crate::{Error, Errors};

/// A resource identifier object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// `type`.
    pub resource_type: String,
    /// `id` or `lid`.
    pub target: Target,
    /// Where the object stands in the request document.
    pub pointer: String,
}

/// Which resource of its type is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// One that exists.
    Id(String),
    /// One that the same document creates.
    LocalId(String),
}

/// The linkage of a relationship, where it stands, and what it is by its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linkage {
    /// An identifier or null.
    One(Option<Identifier>, String),
    /// An array of identifiers.
    Many(Vec<Identifier>, String),
}

impl Linkage {
    /// Takes the linkage out of a document, where it stands at `/data`.
    ///
    /// # Errors
    /// 400 for each mistake, with its pointer.
    pub fn from_document(document: Value) -> Result<Self, Errors> {
        let data = super::primary_data(document, "the linkage")?;
        Self::parse(data, "/data")
    }

    /// Reads linkage that stands at `base` in the request document.
    ///
    /// # Errors
    /// 400 for each mistake, with its pointer.
    pub fn parse(value: Value, base: &str) -> Result<Self, Errors> {
        let base = base.to_owned();
        match value {
            Value::Null => Ok(Self::One(None, base)),
            Value::Object(object) => {
                let identifier = Identifier::read(object, &base).map_err(Errors::new)?;
                Ok(Self::One(Some(identifier), base))
            }
            Value::Array(elements) => {
                let (mut identifiers, mut errors) = (Vec::new(), Vec::new());
                for (position, element) in elements.into_iter().enumerate() {
                    match Identifier::parse(element, &format!("{base}/{position}")) {
                        Ok(identifier) => identifiers.push(identifier),
                        Err(more) => errors.extend(more),
                    }
                }
                if errors.is_empty() {
                    Ok(Self::Many(identifiers, base))
                } else {
                    Err(Errors::new(errors))
                }
            }
            _ => {
                let detail = "Linkage is null, a resource identifier object, or an array of them.";
                Err(malformed(base, detail).into())
            }
        }
    }

    /// The linkage of a to-one relationship.
    ///
    /// # Errors
    /// 400 for an array.
    pub fn into_one(self) -> Result<Option<Identifier>, Error> {
        match self {
            Self::One(identifier, _) => Ok(identifier),
            Self::Many(_, base) => {
                let detail = "The relationship is to one resource: its linkage is null or one \
                              resource identifier object, no array.";
                Err(malformed(base, detail))
            }
        }
    }

    /// The linkage of a to-many relationship.
    ///
    /// # Errors
    /// 400 for anything but an array.
    pub fn into_many(self) -> Result<Vec<Identifier>, Error> {
        match self {
            Self::Many(identifiers, _) => Ok(identifiers),
            Self::One(_, base) => {
                let detail = "The relationship is to many resources: its linkage is an array of \
                              resource identifier objects.";
                Err(malformed(base, detail))
            }
        }
    }

    /// Where it stands in the request document.
    #[must_use]
    pub fn pointer(&self) -> &str {
        let (Self::One(_, pointer) | Self::Many(_, pointer)) = self;
        pointer
    }
}

impl Identifier {
    fn parse(value: Value, base: &str) -> Result<Self, Vec<Error>> {
        let Value::Object(object) = value else {
            let detail = "A resource identifier object with 'type' and 'id' is wanted here.";
            return Err(vec![malformed(base, detail)]);
        };
        Self::read(object, base)
    }

    /// Reads an object at `base` that has `type` and either `id` or `lid`.
    pub(super) fn read(mut object: Map<String, Value>, base: &str) -> Result<Self, Vec<Error>> {
        let mut errors = Vec::new();
        let mut text = |name: &str| match object.remove(name) {
            Some(Value::String(text)) => Some(text),
            None => None,
            Some(_) => {
                let detail = format!("'{name}' must be a string.");
                errors.push(malformed(format!("{base}/{name}"), detail));
                None
            }
        };
        let (resource_type, id, lid) = (text("type"), text("id"), text("lid"));
        if !errors.is_empty() {
            return Err(errors);
        }
        let wrong = |detail: &str| Err(vec![malformed(base, detail)]);
        let Some(resource_type) = resource_type else {
            return wrong("The resource identifier has no 'type'.");
        };
        let target = match (id, lid) {
            (Some(id), None) => Target::Id(id),
            (None, Some(lid)) => Target::LocalId(lid),
            (Some(_), Some(_)) => {
                return wrong("The resource identifier has both an 'id' and a 'lid'.");
            }
            (None, None) => return wrong("The resource identifier has neither 'id' nor 'lid'."),
        };
        Ok(Self {
            resource_type,
            target,
            pointer: base.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Source;

    fn pointers(errors: &Errors) -> Vec<String> {
        let pointer = |error: &Error| match error.source.clone() {
            Some(Source::Pointer(pointer)) => pointer,
            other => panic!("no pointer but {other:?}"),
        };
        errors.as_slice().iter().map(pointer).collect()
    }

    fn read(data: impl Into<Value>) -> Result<Linkage, Errors> {
        Linkage::from_document(json!({"data": data.into()}))
    }

    #[test]
    fn ds_23_the_four_states_are_read() {
        assert_eq!(read(json!(null)).unwrap().into_one().unwrap(), None);
        assert_eq!(read(json!([])).unwrap().into_many().unwrap(), []);
        let one = read(json!({"type": "people", "id": "9", "meta": {}, "foo": 1}));
        let one = one.unwrap().into_one().unwrap().unwrap();
        assert_eq!(
            (one.resource_type.as_str(), one.pointer.as_str()),
            ("people", "/data")
        );
        let many = read(json!([{"type": "t", "id": "1"}, {"type": "t", "lid": "x"}]));
        let many = many.unwrap().into_many().unwrap();
        let targets: Vec<_> = many.iter().map(|one| one.target.clone()).collect();
        assert_eq!(
            targets,
            [Target::Id("1".into()), Target::LocalId("x".into())]
        );
        assert_eq!(many[1].pointer, "/data/1");
    }

    #[test]
    fn ur_1_and_ur_3_the_other_cardinality_is_refused_and_told() {
        for data in [json!(null), json!({"type": "t", "id": "1"})] {
            let error = read(data).unwrap().into_many().unwrap_err();
            assert_eq!(error.source, Some(Source::Pointer("/data".into())));
            assert!(error.detail.unwrap().contains("to many"));
        }
        let linkage = read(json!([])).unwrap();
        assert_eq!(linkage.pointer(), "/data");
        assert!(
            linkage
                .into_one()
                .unwrap_err()
                .detail
                .unwrap()
                .contains("to one")
        );
    }

    #[test]
    fn ur_1_ds_12_and_ds_25_every_mistake_is_named() {
        for (data, expected) in [
            (json!("x"), vec!["/data"]),
            (json!(5), vec!["/data"]),
            (json!({}), vec!["/data"]),
            (json!({"type": "t"}), vec!["/data"]),
            (json!({"id": "1"}), vec!["/data"]),
            (json!({"type": "t", "id": "1", "lid": "2"}), vec!["/data"]),
            (json!({"type": 5, "id": 1}), vec!["/data/type", "/data/id"]),
            (json!({"type": "t", "lid": null}), vec!["/data/lid"]),
            (
                json!([{"type": "t"}, null, {"type": "t", "id": 1}]),
                vec!["/data/0", "/data/1", "/data/2/id"],
            ),
        ] {
            assert_eq!(
                pointers(&read(data.clone()).unwrap_err()),
                expected,
                "{data}"
            );
        }
        for document in [json!({}), json!([]), json!("x")] {
            assert_eq!(
                pointers(&Linkage::from_document(document).unwrap_err()),
                [""]
            );
        }
    }

    proptest! {
        #[test]
        fn any_linkage_is_read_or_refused_at_places_that_exist(data in crate::document::any_json()) {
            let document = json!({"data": data});
            match Linkage::from_document(document.clone()) {
                Ok(linkage) => prop_assert_eq!(linkage.pointer(), "/data"),
                Err(errors) => for pointer in pointers(&errors) {
                    prop_assert!(document.pointer(&pointer).is_some(), "{}", pointer);
                },
            }
        }
    }
}
