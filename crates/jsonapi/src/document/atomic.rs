//! Atomic operations: <https://jsonapi.org/ext/atomic>.

use serde_json::{Map, Value};

use super::{Identifier, Linkage, ResourceObject, malformed};
use crate::{Error, Errors};

const OPERATIONS: &str = "atomic:operations";

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// `op`.
    pub code: OperationCode,
    /// `ref` or `href`, absent where `data` says what the operation is about.
    pub target: Option<OperationTarget>,
    /// `data`.
    pub data: OperationData,
    /// `meta`, empty when absent.
    pub meta: Map<String, Value>,
    /// Where the operation stands in the request document.
    pub pointer: String,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationCode {
    /// Creates a resource, or adds to a to-many relationship.
    Add,
    /// Changes a resource, or replaces the linkage of a relationship.
    Update,
    /// Deletes a resource, or removes from a to-many relationship.
    Remove,
}

/// What an operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationTarget {
    /// A resource that has a name here, or one of its relationships.
    Ref {
        /// The resource.
        identifier: Identifier,
        /// `relationship`.
        relationship: Option<String>,
    },
    /// A URL, as it was sent: its path says whether it leads to a collection, a resource or a
    /// relationship.
    Href(String),
}

/// `data`, as far as it can be read before the target of an `href` is known.
#[derive(Debug, Clone, PartialEq)]
pub enum OperationData {
    /// There is none.
    Absent,
    /// The target is a collection or a resource.
    Resource(Box<ResourceObject>),
    /// The target is a relationship.
    Linkage(Linkage),
    /// The target is an `href`: [`Operation::resource`] or [`Operation::linkage`] reads it.
    Unread(Value),
}

/// Takes the operations out of a document, `maximum` at most.
///
/// # Errors
/// 400 for every mistake in any operation, with pointers such as `/atomic:operations/2/op`.
pub fn operations(document: Value, maximum: usize) -> Result<Vec<Operation>, Errors> {
    let root = format!("/{OPERATIONS}");
    let Value::Object(mut document) = document else {
        let detail = format!("The document must be an object with '{OPERATIONS}'.");
        return Err(malformed("", detail).into());
    };
    for name in ["data", "included", "errors", "atomic:results"] {
        if document.contains_key(name) {
            let detail = format!("A document with '{OPERATIONS}' cannot have '{name}'.");
            return Err(malformed(format!("/{name}"), detail).into());
        }
    }
    let operations = match document.remove(OPERATIONS) {
        Some(Value::Array(operations)) if !operations.is_empty() => operations,
        Some(_) => {
            let detail = format!("'{OPERATIONS}' must be an array of one or more operations.");
            return Err(malformed(root, detail).into());
        }
        None => {
            let detail = format!("The document has no '{OPERATIONS}'.");
            return Err(malformed("", detail).into());
        }
    };
    if operations.len() > maximum {
        let found = operations.len();
        let detail = format!("A request has {maximum} operations at most, and this one {found}.");
        return Err(malformed(root, detail).meta("maximum", maximum).into());
    }
    let (mut read, mut errors) = (Vec::new(), Vec::new());
    for (position, operation) in operations.into_iter().enumerate() {
        match Operation::parse(operation, format!("{root}/{position}")) {
            Ok(operation) => read.push(operation),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() {
        Ok(read)
    } else {
        Err(Errors::new(errors))
    }
}

impl Operation {
    fn parse(value: Value, pointer: String) -> Result<Self, Vec<Error>> {
        let Value::Object(mut members) = value else {
            return Err(vec![malformed(pointer, "An operation is an object.")]);
        };
        let mut errors = Vec::new();
        let code = code(members.get("op"), &pointer).map_err(|error| errors.push(error));
        let target = target(&mut members, &pointer).map_err(|more| errors.extend(more));
        let (Ok(code), Ok(target)) = (code, target) else {
            return Err(errors);
        };
        check(
            code,
            target.as_ref(),
            members.contains_key("data"),
            &pointer,
        )?;
        let data = match (members.remove("data"), &target) {
            (None, _) => OperationData::Absent,
            (Some(value), Some(OperationTarget::Href(_))) => OperationData::Unread(value),
            (
                Some(value),
                Some(OperationTarget::Ref {
                    relationship: Some(_),
                    ..
                }),
            ) => linkage(value, &pointer)
                .map(OperationData::Linkage)
                .map_err(Errors::into_vec)?,
            // What a deleted resource was like means nothing.
            (Some(_), _) if code == OperationCode::Remove => OperationData::Absent,
            (Some(value), _) => {
                let object = resource(value, &pointer).map_err(Errors::into_vec)?;
                let names_itself = object.id.is_some() || object.lid.is_some();
                if code == OperationCode::Update && target.is_none() && !names_itself {
                    let detail = "The resource object has neither 'id' nor 'lid', and the \
                                  operation neither 'ref' nor 'href'.";
                    return Err(vec![malformed(format!("{pointer}/data"), detail)]);
                }
                OperationData::Resource(Box::new(object))
            }
        };
        let meta = match members.remove("meta") {
            None => Map::new(),
            Some(Value::Object(meta)) => meta,
            Some(_) => {
                let detail = "'meta' must be an object.";
                return Err(vec![malformed(format!("{pointer}/meta"), detail)]);
            }
        };
        Ok(Self {
            code,
            target,
            data,
            meta,
            pointer,
        })
    }

    /// The data as a resource object.
    ///
    /// # Errors
    /// 400 for each mistake in it, or for other data.
    pub fn resource(self) -> Result<ResourceObject, Errors> {
        match self.data {
            OperationData::Resource(object) => Ok(*object),
            OperationData::Unread(value) => resource(value, &self.pointer),
            OperationData::Linkage(_) => {
                let detail = "A resource object is wanted here, no linkage.";
                Err(malformed(format!("{}/data", self.pointer), detail).into())
            }
            OperationData::Absent => Err(no_data(&self.pointer).into()),
        }
    }

    /// The data as linkage.
    ///
    /// # Errors
    /// 400 for each mistake in it, or for other data.
    pub fn linkage(self) -> Result<Linkage, Errors> {
        match self.data {
            OperationData::Linkage(linkage) => Ok(linkage),
            OperationData::Unread(value) => linkage(value, &self.pointer),
            OperationData::Resource(_) => {
                let detail = "Linkage is wanted here, no resource object.";
                Err(malformed(format!("{}/data", self.pointer), detail).into())
            }
            OperationData::Absent => Err(no_data(&self.pointer).into()),
        }
    }
}

fn code(op: Option<&Value>, pointer: &str) -> Result<OperationCode, Error> {
    match op.map(|op| op.as_str()) {
        Some(Some("add")) => Ok(OperationCode::Add),
        Some(Some("update")) => Ok(OperationCode::Update),
        Some(Some("remove")) => Ok(OperationCode::Remove),
        Some(_) => {
            let detail = "'op' must be 'add', 'update' or 'remove'.";
            Err(malformed(format!("{pointer}/op"), detail))
        }
        None => Err(malformed(pointer, "The operation has no 'op'.")),
    }
}

fn target(
    members: &mut Map<String, Value>,
    pointer: &str,
) -> Result<Option<OperationTarget>, Vec<Error>> {
    match (members.remove("ref"), members.remove("href")) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            let detail = "An operation cannot have both 'ref' and 'href'.";
            Err(vec![malformed(pointer, detail)])
        }
        (None, Some(Value::String(href))) => Ok(Some(OperationTarget::Href(href))),
        (None, Some(_)) => Err(vec![malformed(
            format!("{pointer}/href"),
            "'href' must be a string.",
        )]),
        (Some(reference), None) => reference_target(reference, &format!("{pointer}/ref")).map(Some),
    }
}

fn reference_target(value: Value, pointer: &str) -> Result<OperationTarget, Vec<Error>> {
    let Value::Object(mut reference) = value else {
        return Err(vec![malformed(pointer, "'ref' must be an object.")]);
    };
    let relationship = match reference.remove("relationship") {
        None => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => {
            let detail = "'relationship' must be a string.";
            return Err(vec![malformed(format!("{pointer}/relationship"), detail)]);
        }
    };
    Ok(OperationTarget::Ref {
        identifier: Identifier::read(reference, pointer)?,
        relationship,
    })
}

/// What an operation must have so that it means something.
fn check(
    code: OperationCode,
    target: Option<&OperationTarget>,
    has_data: bool,
    pointer: &str,
) -> Result<(), Vec<Error>> {
    let refuse = |detail: &str| Err(vec![malformed(pointer, detail)]);
    let is_linkage = matches!(
        target,
        Some(OperationTarget::Ref {
            relationship: Some(_),
            ..
        })
    );
    let is_resource = matches!(
        target,
        Some(OperationTarget::Ref {
            relationship: None,
            ..
        })
    );
    match code {
        OperationCode::Add if is_resource => {
            let detail = "'add' creates a resource without 'ref', or adds to the 'relationship' \
                          that its 'ref' names.";
            Err(vec![malformed(format!("{pointer}/ref"), detail)])
        }
        OperationCode::Remove if target.is_none() => {
            refuse("'remove' has a 'ref' or an 'href' that says what to remove.")
        }
        OperationCode::Remove if is_linkage && !has_data => Err(vec![no_data(pointer)]),
        OperationCode::Add | OperationCode::Update if !has_data => Err(vec![no_data(pointer)]),
        _ => Ok(()),
    }
}

fn no_data(pointer: &str) -> Error {
    malformed(pointer, "The operation has no 'data'.")
}

fn resource(value: Value, pointer: &str) -> Result<ResourceObject, Errors> {
    ResourceObject::parse(value, &format!("{pointer}/data"))
}

fn linkage(value: Value, pointer: &str) -> Result<Linkage, Errors> {
    Linkage::parse(value, &format!("{pointer}/data"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{Source, Target};

    fn pointers(document: Value) -> Vec<String> {
        let errors = operations(document, 3).unwrap_err();
        let pointer = |error: &Error| match error.source.clone() {
            Some(Source::Pointer(pointer)) => pointer,
            other => panic!("no pointer but {other:?}"),
        };
        errors.as_slice().iter().map(pointer).collect()
    }

    fn one(operation: impl Into<Value>) -> Result<Operation, Vec<String>> {
        let document = json!({"atomic:operations": [operation.into()]});
        if let Ok(mut all) = operations(document.clone(), 3) {
            return Ok(all.remove(0));
        }
        let short = |pointer: String| pointer.replace("/atomic:operations/0", "");
        Err(pointers(document).into_iter().map(short).collect())
    }

    #[test]
    fn ao_20_to_26_each_form_is_read() {
        let person = json!({"type": "people", "lid": "a"});
        let add = one(json!({"op": "add", "data": person, "foo": 1})).unwrap();
        assert_eq!((add.code, &add.target), (OperationCode::Add, &None));
        assert_eq!(add.resource().unwrap().lid.as_deref(), Some("a"));
        let update =
            json!({"op": "update", "ref": {"type": "t", "id": "1"}, "data": {"type": "t"}});
        assert!(matches!(
            one(update).unwrap().data,
            OperationData::Resource(_)
        ));
        let itself = json!({"op": "update", "data": {"type": "t", "id": "1"}});
        assert_eq!(
            one(itself).unwrap().resource().unwrap().id.as_deref(),
            Some("1")
        );
        let remove = one(json!({"op": "remove", "ref": {"type": "t", "lid": "a"}})).unwrap();
        let Some(OperationTarget::Ref {
            identifier,
            relationship: None,
        }) = remove.target
        else {
            panic!("{:?}", remove.target);
        };
        assert_eq!(identifier.target, Target::LocalId("a".into()));
        let reference = json!({"type": "t", "id": "1", "relationship": "author"});
        let clear = one(json!({"op": "update", "ref": reference, "data": null})).unwrap();
        assert_eq!(clear.linkage().unwrap().into_one().unwrap(), None);
        let reference = json!({"type": "t", "id": "1", "relationship": "tags"});
        for op in ["add", "update", "remove"] {
            let tags = json!({"op": op, "ref": reference, "data": [person]});
            let tags = one(tags).unwrap().linkage().unwrap().into_many().unwrap();
            assert_eq!(tags[0].pointer, "/atomic:operations/0/data/0");
        }
    }

    #[test]
    fn ao_8_data_of_an_href_is_read_when_the_target_is_known() {
        let data = json!([{"type": "tags", "id": "1"}]);
        let operation =
            json!({"op": "add", "href": "/articles/1/relationships/tags", "data": data});
        let operation = one(operation).unwrap();
        assert!(operation.meta.is_empty());
        let href = OperationTarget::Href("/articles/1/relationships/tags".into());
        assert_eq!(operation.target, Some(href));
        assert!(operation.clone().resource().is_err());
        assert_eq!(operation.linkage().unwrap().into_many().unwrap().len(), 1);
        let remove = one(json!({"op": "remove", "href": "/articles/1"})).unwrap();
        assert_eq!(remove.data, OperationData::Absent);
        let error = remove.linkage().unwrap_err();
        let at = Some(Source::Pointer("/atomic:operations/0".into()));
        assert_eq!(error.as_slice()[0].source, at);
    }

    #[test]
    fn ao_1_to_4_the_document_has_operations_and_nothing_else() {
        let operation = json!({"op": "remove", "href": "/x"});
        for (document, expected) in [
            (json!([]), ""),
            (json!({}), ""),
            (json!({"atomic:operations": []}), "/atomic:operations"),
            (json!({"atomic:operations": {}}), "/atomic:operations"),
            (
                json!({"atomic:operations": [operation], "data": null}),
                "/data",
            ),
            (
                json!({"atomic:operations": [operation], "included": []}),
                "/included",
            ),
            (
                json!({"atomic:operations": [operation], "errors": []}),
                "/errors",
            ),
            (
                json!({"atomic:operations": [operation], "atomic:results": []}),
                "/atomic:results",
            ),
        ] {
            assert_eq!(pointers(document), [expected]);
        }
        let document = json!({"atomic:operations": [operation], "meta": {}, "foo": 1, "@x": 2});
        assert!(operations(document, 3).is_ok());
    }

    #[test]
    fn ao_5_to_7_and_17_malformed_operations_are_refused_where_they_are_wrong() {
        for (operation, expected) in [
            (json!(5), vec![""]),
            (json!({}), vec![""]),
            (json!({"op": "ADD"}), vec!["/op"]),
            (json!({"op": "patch", "href": 5}), vec!["/op", "/href"]),
            (json!({"op": 5}), vec!["/op"]),
            (json!({"op": "add"}), vec![""]),
            (json!({"op": "update"}), vec![""]),
            (json!({"op": "remove"}), vec![""]),
            (json!({"op": "remove", "ref": {}, "href": "/x"}), vec![""]),
            (json!({"op": "remove", "ref": "x"}), vec!["/ref"]),
            (json!({"op": "remove", "ref": {"type": "t"}}), vec!["/ref"]),
            (
                json!({"op": "remove", "ref": {"type": "t", "id": "1", "lid": "2"}}),
                vec!["/ref"],
            ),
            (
                json!({"op": "remove", "ref": {"type": 1, "id": 2}}),
                vec!["/ref/type", "/ref/id"],
            ),
            (
                json!({"op": "remove", "ref": {"type": "t", "id": "1", "relationship": 5}}),
                vec!["/ref/relationship"],
            ),
            (
                json!({"op": "remove", "ref": {"type": "t", "id": "1", "relationship": "x"}}),
                vec![""],
            ),
            (
                json!({"op": "add", "ref": {"type": "t", "id": "1"}, "data": {"type": "t"}}),
                vec!["/ref"],
            ),
            (
                json!({"op": "remove", "href": "/x", "meta": 1}),
                vec!["/meta"],
            ),
            (json!({"op": "add", "data": null}), vec!["/data"]),
            (
                json!({"op": "add", "data": {"attributes": []}}),
                vec!["/data", "/data/attributes"],
            ),
            (
                json!({"op": "update", "data": {"type": "t"}}),
                vec!["/data"],
            ),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(one(operation.clone()).unwrap_err(), expected, "{operation}");
        }
    }

    #[test]
    fn ao_16_and_18_all_operations_are_looked_at() {
        let document =
            json!({"atomic:operations": [{"op": "x"}, {"op": "remove", "href": "/x"}, 5]});
        assert_eq!(
            pointers(document),
            ["/atomic:operations/0/op", "/atomic:operations/2"]
        );
    }

    #[test]
    fn ao_28_the_bound_on_the_count_is_exact() {
        let many = |count: usize| json!({"atomic:operations": vec![json!({"op": "remove", "href": "/x"}); count]});
        assert_eq!(operations(many(3), 3).unwrap().len(), 3);
        assert_eq!(pointers(many(4)), ["/atomic:operations"]);
    }

    proptest! {
        #[test]
        fn any_operations_are_read_or_refused_at_places_that_exist(
            all in prop::collection::vec(crate::document::any_json(), 1..4)
        ) {
            let document = json!({"atomic:operations": all});
            match operations(document.clone(), 3) {
                Ok(read) => prop_assert_eq!(read.len(), all.len()),
                Err(_) => for pointer in pointers(document.clone()) {
                    prop_assert!(document.pointer(&pointer).is_some(), "{} in {}", pointer, document);
                },
            }
        }
    }
}
