//! The request document of a write: one resource object as primary data.

use serde_json::{Map, Value};

use crate::{Error, Errors, pointer_token};

/// A resource object as a client sends it: <https://jsonapi.org/format/1.1/#crud>.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceObject {
    /// `type`.
    pub resource_type: String,
    /// `id`, absent where the server is to choose it.
    pub id: Option<String>,
    /// `attributes`, empty when absent; `@`-members are left out, as the format demands.
    pub attributes: Map<String, Value>,
    /// `relationships`, empty when absent; each is an object.
    pub relationships: Map<String, Value>,
}

impl ResourceObject {
    /// Takes the resource object out of a document. Members that JSON:API does not define are
    /// ignored, as it demands.
    ///
    /// # Errors
    /// 400 for each member that has the wrong shape, all in one answer, with pointers.
    pub fn from_document(document: Value) -> Result<Self, Errors> {
        let Value::Object(mut root) = document else {
            return Err(
                malformed("", "The document must be an object with a 'data' member.").into(),
            );
        };
        let mut data = match root.remove("data") {
            Some(Value::Object(data)) => data,
            Some(_) => {
                let detail = "'data' must be one resource object.";
                return Err(malformed("/data", detail).into());
            }
            None => {
                let detail = "The document has no 'data' member with the resource object.";
                return Err(malformed("", detail).into());
            }
        };
        let mut errors = Vec::new();
        let resource_type = take_string(&mut data, "type", &mut errors);
        if resource_type.is_none() && errors.is_empty() {
            errors.push(malformed("/data", "The resource object has no 'type'."));
        }
        let id = take_string(&mut data, "id", &mut errors);
        let attributes = take_object(&mut data, "attributes", &mut errors);
        let relationships = take_object(&mut data, "relationships", &mut errors);
        errors.extend(misshapen(&attributes, &relationships));
        match resource_type {
            Some(resource_type) if errors.is_empty() => Ok(Self {
                resource_type,
                id,
                attributes,
                relationships,
            }),
            _ => Err(Errors::new(errors)),
        }
    }
}

/// Attributes and relationships share one namespace with `type` and `id`.
fn misshapen(attributes: &Map<String, Value>, relationships: &Map<String, Value>) -> Vec<Error> {
    let mut errors = Vec::new();
    for name in ["type", "id"] {
        if attributes.contains_key(name) {
            errors.push(malformed(
                format!("/data/attributes/{name}"),
                format!(
                    "No attribute can be called '{name}': it is a member of the resource object."
                ),
            ));
        }
    }
    for (name, relationship) in relationships {
        let pointer = format!("/data/relationships/{}", pointer_token(name));
        if !relationship.is_object() {
            errors.push(malformed(
                pointer,
                format!("The relationship '{name}' must be an object."),
            ));
        } else if attributes.contains_key(name) {
            let detail = format!("'{name}' is given both as an attribute and as a relationship.");
            errors.push(malformed(pointer, detail));
        }
    }
    errors
}

fn take_string(
    data: &mut Map<String, Value>,
    name: &str,
    errors: &mut Vec<Error>,
) -> Option<String> {
    if let Value::String(text) = data.remove(name)? {
        return Some(text);
    }
    errors.push(malformed(
        format!("/data/{name}"),
        format!("'{name}' must be a string."),
    ));
    None
}

fn take_object(
    data: &mut Map<String, Value>,
    name: &str,
    errors: &mut Vec<Error>,
) -> Map<String, Value> {
    match data.remove(name) {
        None => Map::new(),
        Some(Value::Object(mut members)) => {
            members.retain(|member, _| !member.starts_with('@'));
            members
        }
        Some(_) => {
            errors.push(malformed(
                format!("/data/{name}"),
                format!("'{name}' must be an object."),
            ));
            Map::new()
        }
    }
}

fn malformed(pointer: impl Into<String>, detail: impl Into<String>) -> Error {
    Error::malformed_document(detail).pointer(pointer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Source;

    fn pointers(document: Value) -> Vec<String> {
        let errors = ResourceObject::from_document(document).unwrap_err();
        let pointer = |error: &Error| match error.source.clone() {
            Some(Source::Pointer(pointer)) => pointer,
            other => panic!("no pointer but {other:?}"),
        };
        errors.as_slice().iter().map(pointer).collect()
    }

    #[test]
    fn a_resource_object_is_taken_apart() {
        let object = ResourceObject::from_document(json!({
            "data": {"type": "contacts", "id": "7", "attributes": {"city": "Brighton"}}
        }));
        let object = object.unwrap();
        assert_eq!(
            (object.resource_type.as_str(), object.id.as_deref()),
            ("contacts", Some("7"))
        );
        assert_eq!(
            Value::Object(object.attributes),
            json!({"city": "Brighton"})
        );
    }

    #[test]
    fn ds_1_and_cr_2_the_document_is_an_object_with_one_resource_object() {
        for (document, pointer) in [
            (json!([]), ""),
            (json!(null), ""),
            (json!({}), ""),
            (json!({"data": []}), "/data"),
            (json!({"data": null}), "/data"),
        ] {
            assert_eq!(pointers(document), [pointer]);
        }
    }

    #[test]
    fn every_misshapen_member_is_named_in_one_answer() {
        let document = json!({"data": {
            "type": 5, "id": 1, "attributes": [], "relationships": {"author": "9"}
        }});
        let expected = [
            "/data/type",
            "/data/id",
            "/data/attributes",
            "/data/relationships/author",
        ];
        assert_eq!(pointers(document), expected);
    }

    #[test]
    fn cr_3_a_type_is_demanded() {
        assert_eq!(pointers(json!({"data": {"attributes": {}}})), ["/data"]);
    }

    #[test]
    fn ds_15_attributes_cannot_be_called_type_or_id() {
        let document = json!({"data": {"type": "t", "attributes": {"id": "1", "type": "x"}}});
        assert_eq!(
            pointers(document),
            ["/data/attributes/type", "/data/attributes/id"]
        );
    }

    #[test]
    fn ds_6_and_39_foreign_members_and_at_members_are_ignored() {
        let object = ResourceObject::from_document(json!({
            "@context": "x", "foo": 1,
            "data": {"type": "t", "foo": 1, "@x": 2, "attributes": {"@y": 3, "a": 4}}
        }));
        assert_eq!(Value::Object(object.unwrap().attributes), json!({"a": 4}));
    }
}
