//! A resource object as primary data, or inside an operation.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::linkage::Linkage;
use super::malformed;
use crate::{Error, Errors, pointer_token};

/// A resource object as a client sends it: <https://jsonapi.org/format/1.1/#crud>.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceObject {
    /// `type`.
    pub resource_type: String,
    /// `id`, absent where the server is to choose it.
    pub id: Option<String>,
    /// `lid`, by which the same document names a resource that has no id yet.
    pub lid: Option<String>,
    /// `attributes`, empty when absent; `@`-members are left out, as the format demands.
    pub attributes: Map<String, Value>,
    /// `relationships` with their linkage, empty when absent; `@`-members are left out.
    pub relationships: BTreeMap<String, Linkage>,
}

impl ResourceObject {
    /// Takes the resource object out of a document, where it stands at `/data`. Members that
    /// JSON:API does not define are ignored, as it demands.
    ///
    /// # Errors
    /// 400 for each member that has the wrong shape, all in one answer, with pointers.
    pub fn from_document(document: Value) -> Result<Self, Errors> {
        let data = super::primary_data(document, "the resource object")?;
        Self::parse(data, "/data")
    }

    /// Takes a resource object apart that stands at `base`, a JSON pointer into the request
    /// document.
    ///
    /// # Errors
    /// As [`Self::from_document`].
    pub fn parse(value: Value, base: &str) -> Result<Self, Errors> {
        let Value::Object(data) = value else {
            let name = base.rsplit('/').next().unwrap_or_default();
            let detail = format!("'{name}' must be one resource object.");
            return Err(malformed(base, detail).into());
        };
        let mut members = Members {
            data,
            base,
            errors: Vec::new(),
        };
        let resource_type = members.take_string("type");
        if resource_type.is_none() && members.errors.is_empty() {
            let error = malformed(base, "The resource object has no 'type'.");
            members.errors.push(error);
        }
        let id = members.take_string("id");
        let lid = members.take_string("lid");
        let attributes = members.take_object("attributes");
        let relationships = members.take_object("relationships");
        members.check_names(&attributes, &relationships);
        let relationships = members.linkages(relationships);
        match resource_type {
            Some(resource_type) if members.errors.is_empty() => Ok(Self {
                resource_type,
                id,
                lid,
                attributes,
                relationships,
            }),
            _ => Err(Errors::new(members.errors)),
        }
    }
}

/// The members of a resource object, and what was found wrong with them.
struct Members<'a> {
    data: Map<String, Value>,
    base: &'a str,
    errors: Vec<Error>,
}

impl Members<'_> {
    fn take_string(&mut self, name: &str) -> Option<String> {
        if let Value::String(text) = self.data.remove(name)? {
            return Some(text);
        }
        self.refuse(name, format!("'{name}' must be a string."));
        None
    }

    fn take_object(&mut self, name: &str) -> Map<String, Value> {
        match self.data.remove(name) {
            None => Map::new(),
            Some(Value::Object(mut members)) => {
                members.retain(|member, _| !member.starts_with('@'));
                members
            }
            Some(_) => {
                self.refuse(name, format!("'{name}' must be an object."));
                Map::new()
            }
        }
    }

    /// Attributes and relationships share one namespace with `type` and `id`.
    fn check_names(&mut self, attributes: &Map<String, Value>, relationships: &Map<String, Value>) {
        for name in ["type", "id"] {
            if attributes.contains_key(name) {
                let detail = format!(
                    "No attribute can be called '{name}': it is a member of the resource object."
                );
                self.refuse(&format!("attributes/{name}"), detail);
            }
        }
        for name in relationships.keys() {
            let detail = match name.as_str() {
                "type" | "id" => format!(
                    "No relationship can be called '{name}': it is a member of the resource object."
                ),
                _ if attributes.contains_key(name) => {
                    format!("'{name}' is given both as an attribute and as a relationship.")
                }
                _ => continue,
            };
            self.refuse(&format!("relationships/{}", pointer_token(name)), detail);
        }
    }

    /// A relationship that is written has `data`; its other members mean nothing to a server.
    fn linkages(&mut self, relationships: Map<String, Value>) -> BTreeMap<String, Linkage> {
        let mut linkages = BTreeMap::new();
        for (name, relationship) in relationships {
            let place = format!("relationships/{}", pointer_token(&name));
            let Value::Object(mut relationship) = relationship else {
                let detail = format!("The relationship '{name}' must be an object.");
                self.refuse(&place, detail);
                continue;
            };
            let Some(data) = relationship.remove("data") else {
                let detail = format!("The relationship '{name}' has no 'data' with its linkage.");
                self.refuse(&place, detail);
                continue;
            };
            match Linkage::parse(data, &format!("{}/{place}/data", self.base)) {
                Ok(linkage) => {
                    linkages.insert(name, linkage);
                }
                Err(errors) => self.errors.extend(errors.into_vec()),
            }
        }
        linkages
    }

    fn refuse(&mut self, place: &str, detail: String) {
        let pointer = format!("{}/{place}", self.base);
        self.errors.push(malformed(pointer, detail));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{Source, Target};

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
    fn pointers_begin_where_the_resource_object_stands() {
        let object = json!({"type": "t", "attributes": {"id": 1}, "relationships": {"a/b": 1}});
        let errors = ResourceObject::parse(object, "/atomic:operations/2/data").unwrap_err();
        let sources: Vec<_> = errors
            .as_slice()
            .iter()
            .map(|one| one.source.clone())
            .collect();
        let expected = ["attributes/id", "relationships/a~1b"].map(|place| {
            Some(Source::Pointer(format!(
                "/atomic:operations/2/data/{place}"
            )))
        });
        assert_eq!(sources, expected);
    }

    #[test]
    fn cr_4_and_up_6_relationships_are_read_and_must_have_data() {
        let relationships = json!({
            "author": {"data": {"type": "people", "id": "9"}, "links": [], "meta": 1, "@x": 2},
            "tags": {"data": []}, "@context": "x"
        });
        let object = json!({"data": {"type": "t", "relationships": relationships}});
        let mut object = ResourceObject::from_document(object).unwrap();
        let author = object.relationships.remove("author").unwrap();
        let author = author.into_one().unwrap().unwrap();
        assert_eq!(author.target, Target::Id("9".into()));
        assert_eq!(author.pointer, "/data/relationships/author/data");
        assert_eq!(object.relationships.keys().collect::<Vec<_>>(), ["tags"]);
        let relationships = json!({
            "author": {"links": {}}, "editor": {"data": "9"}, "type": {"data": null},
            "tags": {"data": [{"type": "tags"}, 5]}
        });
        let expected = [
            "relationships/type",
            "relationships/author",
            "relationships/editor/data",
            "relationships/tags/data/0",
            "relationships/tags/data/1",
        ];
        assert_eq!(
            pointers(json!({"data": {"type": "t", "relationships": relationships}})),
            expected.map(|place| format!("/data/{place}"))
        );
    }

    proptest! {
        #[test]
        fn any_document_is_read_or_refused_at_places_that_exist(document in crate::document::any_json()) {
            let document = json!({"data": document});
            if let Err(errors) = ResourceObject::from_document(document.clone()) {
                for error in errors.as_slice() {
                    let Some(Source::Pointer(pointer)) = &error.source else {
                        panic!("{error:?}");
                    };
                    prop_assert!(document.pointer(pointer).is_some(), "{} in {}", pointer, document);
                }
            }
        }
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
