use serde_json::{Value, json};

use super::*;

/// Where a text such as `phones[].kind` leads.
fn declared(schema: &Value, path: &str) -> Found {
    let steps = path.split('.').flat_map(|part| {
        let name = part.trim_end_matches("[]");
        let elements = (part.len() - name.len()) / 2;
        let member = (!name.is_empty()).then(|| Step::Member(name.to_owned()));
        member
            .into_iter()
            .chain(std::iter::repeat_n(Step::Element, elements))
    });
    search::find(&Parts::new(schema.clone()), &steps.collect::<Vec<_>>())
}

fn known(kinds: Kinds) -> Found {
    Found::Values(Values {
        kinds,
        ..Values::ANY
    })
}

fn integer(kinds: Kinds) -> Found {
    Found::Values(Values {
        kinds,
        is_integer: true,
        format: None,
    })
}

#[test]
fn types_are_those_of_the_schema_at_any_depth() {
    let schema = json!({"type": "object", "properties": {
        "name": {"type": ["string", "null"]},
        "views": {"type": "integer"},
        "price": {"type": ["number", "integer"]},
        "born": {"type": "string", "format": "date"},
        "any": true,
        "address": {"type": "object", "properties": {"city": {"type": "string"}}}
    }});
    for (path, expected) in [
        ("", known(Kinds::OBJECT)),
        ("name", known(Kinds::TEXT.and(Kinds::NULL))),
        ("views", integer(Kinds::NUMBER)),
        ("price", known(Kinds::NUMBER)),
        ("any", known(Kinds::ANY)),
        ("address", known(Kinds::OBJECT)),
        ("address.city", known(Kinds::TEXT)),
        ("address.zip", Found::Anything),
        ("any.thing", Found::Anything),
        ("other", Found::Anything),
        ("other.thing", Found::Anything),
        // No object, so it has no members.
        ("name.first", Found::Nothing),
        ("name[]", Found::Nothing),
    ] {
        assert_eq!(declared(&schema, path), expected, "{path}");
    }
    let Found::Values(born) = declared(&schema, "born") else {
        panic!("not declared")
    };
    assert_eq!(born.format.as_deref(), Some("date"));
}

#[test]
fn a_closed_schema_knows_what_it_does_not_have() {
    let schema = json!({"additionalProperties": false,
        "properties": {"a": {}, "b": {"additionalProperties": {"type": "integer"}}},
        "patternProperties": {"^x": {"type": "string"}}});
    for (path, expected) in [
        ("a", known(Kinds::ANY)),
        ("z", Found::Nothing),
        ("z.z", Found::Nothing),
        ("b.whatever", integer(Kinds::NUMBER)),
        ("xyz", known(Kinds::TEXT)),
    ] {
        assert_eq!(declared(&schema, path), expected, "{path}");
    }
}

#[test]
fn all_of_several_schemas_leave_what_they_have_in_common() {
    let schema = json!({"properties": {"a": {
        "allOf": [{"type": ["string", "null"]}, {"format": "email"}],
        "type": ["string", "integer"]}}});
    let expected = Found::Values(Values {
        kinds: Kinds::TEXT,
        format: Some("email".to_owned()),
        is_integer: false,
    });
    assert_eq!(declared(&schema, "a"), expected);
    let closed = json!({"allOf": [{"properties": {"a": {}}, "additionalProperties": false}]});
    assert_eq!(declared(&closed, "b"), Found::Nothing);
}

#[test]
fn alternatives_allow_what_one_of_them_allows() {
    for keyword in ["anyOf", "oneOf"] {
        let schema = json!({"properties": {
            "a": {keyword: [{"type": "string", "format": "date"}, {"type": "null"}]},
            "b": {keyword: [{"type": "string", "format": "date"}, {"type": "string"}]},
            "c": {keyword: [{"type": "integer"}, {"type": "string"}]},
            "d": {keyword: [{"type": "integer"}, {"type": "number"}]},
            "e": {keyword: [{"properties": {"x": {"type": "string"}}}, {}]},
        }});
        let date = Found::Values(Values {
            kinds: Kinds::TEXT.and(Kinds::NULL),
            format: Some("date".to_owned()),
            is_integer: false,
        });
        for (path, expected) in [
            ("a", date),
            ("b", known(Kinds::TEXT)),
            ("c", integer(Kinds::NUMBER.and(Kinds::TEXT))),
            ("d", known(Kinds::NUMBER)),
            ("e.x", known(Kinds::ANY)),
            ("e.y", Found::Anything),
        ] {
            assert_eq!(declared(&schema, path), expected, "{keyword}: {path}");
        }
    }
}

#[test]
fn listed_values_have_their_kinds() {
    let schema = json!({"properties": {
        "state": {"enum": ["open", "closed", null]},
        "level": {"enum": [1, 2], "type": ["integer", "string"]},
        "fixed": {"const": true},
    }});
    for (path, expected) in [
        ("state", Kinds::TEXT.and(Kinds::NULL)),
        ("level", Kinds::NUMBER),
        ("fixed", Kinds::BOOLEAN),
    ] {
        let Found::Values(found) = declared(&schema, path) else {
            panic!("{path} is not declared")
        };
        assert_eq!(found.kinds, expected, "{path}");
    }
}

#[test]
fn elements_of_arrays_are_declared_by_their_items() {
    let schema = json!({"properties": {
        "tags": {"type": "array", "items": {"type": "string"}},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "null"}},
        "phones": {"type": "array", "items": {"$ref": "#/$defs/phone"}},
    }, "$defs": {"phone": {"type": "object", "additionalProperties": false,
                           "properties": {"kind": {"type": "string"}}}}});
    for (path, expected) in [
        ("tags", known(Kinds::ARRAY)),
        ("tags[]", known(Kinds::TEXT)),
        ("pair[]", known(Kinds::TEXT.and(Kinds::NULL))),
        ("phones[]", known(Kinds::OBJECT)),
        ("phones[].kind", known(Kinds::TEXT)),
        ("phones[].number", Found::Nothing),
        // A path of names alone does not lead through arrays.
        ("phones.kind", Found::Nothing),
        ("tags[][]", Found::Nothing),
    ] {
        assert_eq!(declared(&schema, path), expected, "{path}");
    }
}

#[test]
fn alternatives_that_recurse_do_not_multiply() {
    let again = json!({"properties": {"a": {"$ref": "#"}}});
    let schema = json!({"anyOf": [again, again], "properties": {"n": {"type": "null"}}});
    let path = format!("{}n", "a.".repeat(200));
    assert_eq!(declared(&schema, &path), known(Kinds::NULL));
    let looping = json!({"allOf": [{"$ref": "#"}], "properties": {"n": {"type": "null"}}});
    assert_eq!(declared(&looping, "n"), known(Kinds::NULL));
}

#[test]
fn a_declared_place_leads_further_inside() {
    let schema = json!({"type": "object", "additionalProperties": false, "properties": {
        "phones": {"type": "array", "items": {"additionalProperties": false, "properties": {
            "kind": {"type": "string", "format": "uri"}, "extension": {"type": "integer"}}}}}});
    let schema = Declared::root(&Arc::new(Parts::new(schema)));
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let phone = schema.at(&names(&["phones"])).items();
    let kind = phone.at(&names(&["kind"]));
    assert_eq!((kind.kinds(), kind.format()), (Kinds::TEXT, Some("uri")));
    assert!(phone.at(&names(&["extension"])).is_integer());
    assert!(matches!(phone.at(&names(&["number"])), Declared::Unknown));
    assert!(matches!(
        schema.at(&names(&["fax"])).items(),
        Declared::Unknown
    ));
}
