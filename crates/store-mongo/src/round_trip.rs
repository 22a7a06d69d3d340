//! What is served comes back as the same bytes.

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{
    Binary, Bson, DateTime, Decimal128, Document, JavaScriptCodeWithScope, RawDocumentBuf, Regex,
    Timestamp, doc,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::{document, json};
use resources::schema::{self, Attributes, Id, ResourceType};
use resources::store::Refusal;

fn things() -> ResourceType {
    schema::parse("type: things\nattributes: {type: object}\n").unwrap()
}

fn raw(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).unwrap()
}

fn served(document: &RawDocumentBuf) -> Attributes {
    let resource = json::resource(&things(), document).unwrap();
    serde_json::from_str(&resource.text).unwrap()
}

fn id() -> Bson {
    Bson::ObjectId(ObjectId::from_bytes([7; 12]))
}

/// One value of each type that BSON has.
fn of_every_type() -> Document {
    let date = |millis| DateTime::from_millis(millis);
    doc! {
        "_id": id(),
        "double": 1.5, "whole": 2.0, "tiny": -5e-324, "nan": f64::NAN, "inf": f64::NEG_INFINITY,
        "text": "\u{0}\"\\/\u{1f600}", "document": { "a": { "": 1 } }, "array": [1, [2.0], {}],
        "binary": Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 255] },
        "uuid": Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] },
        "old": Binary { subtype: BinarySubtype::BinaryOld, bytes: vec![1, 2, 3] },
        "own": Binary { subtype: BinarySubtype::UserDefined(200), bytes: vec![] },
        "undefined": Bson::Undefined, "id": id(), "true": true, "null": null_value(),
        "date": date(1_500_000_000_123), "before": date(-1), "far": date(i64::MAX),
        "regex": Regex { pattern: bson::cstr!("^a\"b").into(), options: bson::cstr!("im").into() },
        "code": Bson::JavaScriptCode("x()".into()),
        "scoped": JavaScriptCodeWithScope { code: "y".into(), scope: doc! { "z": 1_i64 } },
        "symbol": Bson::Symbol("s".into()), "int": 5, "long": i64::MAX, "short": 5_i64,
        "timestamp": Timestamp { time: 4_000_000_000, increment: 7 },
        "decimal": "1.50".parse::<Decimal128>().unwrap(),
        "min": Bson::MinKey, "max": Bson::MaxKey,
        "looks": { "$date": "2020-01-01T00:00:00Z" }, "literally": { "$literal": { "a": 1 } },
        "like": { "$date": 5 }, "operator": { "$set": { "a.b": 1 } },
    }
}

fn null_value() -> Bson {
    Bson::Null
}

#[test]
fn every_type_has_one_form() {
    let attributes = Value::Object(served(&raw(&of_every_type())));
    for (name, form) in [
        ("date", r#"{"$date":"2017-07-14T02:40:00.123Z"}"#),
        ("before", r#"{"$date":{"$numberLong":"-1"}}"#),
        ("decimal", r#"{"$numberDecimal":"1.50"}"#),
        ("long", "9223372036854775807"),
        ("short", "5"),
        ("int", "5"),
        ("whole", "2.0"),
        ("nan", r#"{"$numberDouble":"NaN"}"#),
        ("binary", r#"{"$binary":{"base64":"AP8=","subType":"00"}}"#),
        ("id", r#"{"$oid":"070707070707070707070707"}"#),
        ("timestamp", r#"{"$timestamp":{"t":4000000000,"i":7}}"#),
        (
            "regex",
            r#"{"$regularExpression":{"pattern":"^a\"b","options":"im"}}"#,
        ),
        ("scoped", r#"{"$code":"y","$scope":{"z":1}}"#),
        ("looks", r#"{"$literal":{"$date":"2020-01-01T00:00:00Z"}}"#),
        ("literally", r#"{"$literal":{"$literal":{"a":1}}}"#),
        ("like", r#"{"$date":5}"#),
        ("operator", r#"{"$set":{"a.b":1}}"#),
    ] {
        assert_eq!(attributes[name].to_string(), form, "{name}");
    }
    assert_eq!(attributes.get("_id"), None);
}

#[test]
fn every_type_comes_back_as_itself() {
    let before = raw(&of_every_type());
    let again = document::replacement(&things(), &before, &served(&before)).unwrap();
    assert_eq!(again.as_bytes(), before.as_bytes());
    let again = document::changed(&things(), &before, &served(&before)).unwrap();
    assert_eq!(again.as_bytes(), before.as_bytes());
}

#[test]
fn a_change_leaves_the_types_of_the_other_attributes() {
    let before = raw(&doc! { "_id": id(), "a": 1_i64, "b": Bson::MinKey, "c": "x" });
    let mut changes = Attributes::new();
    changes.insert("c".into(), 2.into());
    let after = document::changed(&things(), &before, &changes).unwrap();
    assert_eq!(
        after,
        raw(&doc! { "_id": id(), "a": 1_i64, "b": Bson::MinKey, "c": 2 })
    );
}

#[test]
fn what_mongodb_cannot_hold_is_refused_with_its_place() {
    for (value, pointer) in [
        (serde_json::json!({"a": {"b": [u64::MAX]}}), "/a/b/0"),
        (serde_json::json!({"a": {"x\u{0}y": 1}}), "/a/x\u{0}y"),
        (serde_json::json!({"_id": 1}), "/_id"),
    ] {
        let Value::Object(attributes) = value else {
            panic!("not an object")
        };
        match document::new(&things(), &Id::ObjectId([1; 12]), &attributes) {
            Err(Refusal::Invalid(violations)) => assert_eq!(violations[0].pointer, pointer),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_damaged_document_is_named() {
    let mut bytes = raw(&doc! { "_id": id(), "a": "text" }).into_bytes();
    let at = bytes.len() - 5;
    bytes[at] = 0xff;
    let damaged = RawDocumentBuf::from_bytes(bytes).unwrap();
    let error = json::resource(&things(), &damaged).unwrap_err().to_string();
    assert!(error.contains("things: the document 0707"), "{error}");
}

fn scalar() -> impl Strategy<Value = Bson> {
    let binary = (any::<u8>(), vec(any::<u8>(), 0..20)).prop_map(|(subtype, bytes)| {
        // The old UUIDs and vectors have rules of their own for their lengths.
        let subtype = if subtype < 128 { 0 } else { subtype };
        Bson::Binary(Binary {
            subtype: subtype.into(),
            bytes,
        })
    });
    prop_oneof![
        any::<f64>().prop_map(|number| if number.is_nan() { f64::NAN } else { number }.into()),
        "\\PC{0,12}".prop_map(Bson::from),
        any::<i32>().prop_map(Bson::from),
        any::<i64>().prop_map(Bson::from),
        (-9_i64..9).prop_map(Bson::from),
        any::<bool>().prop_map(Bson::from),
        any::<i64>().prop_map(|millis| DateTime::from_millis(millis).into()),
        (0_i64..253_402_300_800_000).prop_map(|millis| DateTime::from_millis(millis).into()),
        any::<[u8; 12]>().prop_map(|bytes| ObjectId::from_bytes(bytes).into()),
        (any::<u32>(), any::<u32>())
            .prop_map(|(time, increment)| Timestamp { time, increment }.into()),
        (any::<i64>(), -6000_i32..6000).prop_map(|(digits, exponent)| {
            let number = format!("{digits}E{exponent}").parse::<Decimal128>();
            number.map_or(Bson::Null, Bson::from)
        }),
        binary,
        Just(Bson::MinKey),
        Just(Bson::Undefined),
    ]
}

fn value() -> impl Strategy<Value = Bson> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![
            "\\PC{0,6}".prop_map(|name| name.replace('\0', "")),
            Just("$date".to_owned()),
            Just("$literal".to_owned()),
            Just("$numberLong".to_owned()),
        ];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Bson::Array),
            vec((name, inner), 0..4)
                .prop_map(|fields| Bson::Document(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_comes_back_as_itself(values in vec(value(), 0..6)) {
        let mut before = doc! { "_id": id() };
        before.extend(values.into_iter().enumerate().map(|(n, value)| (format!("f{n}"), value)));
        let before = raw(&before);
        let again = document::replacement(&things(), &before, &served(&before)).unwrap();
        prop_assert_eq!(again.as_bytes(), before.as_bytes());
    }

    #[test]
    fn json_is_stored_and_served_as_given(text in "\\PC{0,20}", number in any::<i64>(), double in any::<f64>()) {
        let given = serde_json::json!({"t": text, "n": number, "d": double, "a": [[number], {}]});
        let Value::Object(given) = given else { unreachable!() };
        let stored = document::new(&things(), &Id::ObjectId([1; 12]), &given).unwrap();
        prop_assert_eq!(
            json::resource(&things(), &stored).unwrap().text,
            Value::Object(given).to_string()
        );
    }
}
