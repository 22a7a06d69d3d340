//! Any bytes as a document, and any text as a query string: a value or an error, never a panic.

#![no_main]

use jsonapi::{Linkage, Parameters, ResourceObject, operations, parse_json};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    if let Ok(document) = parse_json(data) {
        // Strict is stricter, and nothing else.
        let expected: Value = serde_json::from_slice(data).expect("JSON");
        assert_eq!(document, expected);
        let _ = Linkage::from_document(document.clone());
        let _ = operations(document.clone(), 10);
        if let Ok(object) = ResourceObject::from_document(document) {
            let data = &expected["data"];
            assert_eq!(data["type"], object.resource_type);
            assert_eq!(data.get("id").and_then(Value::as_str), object.id.as_deref());
            for (name, value) in &object.attributes {
                assert_eq!(&data["attributes"][name], value);
            }
        }
    }
    if let Ok(query) = str::from_utf8(data)
        && let Ok(mut parameters) = Parameters::parse(Some(query))
        && let Ok(pagination) = parameters.take_pagination(20, 100)
    {
        assert!(pagination.number >= 1 && (1..=100).contains(&pagination.size));
        assert!(i64::try_from(pagination.offset()).is_ok());
        let _ = parameters.take_sort(5);
        let _ = parameters.take_include(5, 3);
        let _ = parameters.take_fields();
        let _ = parameters.finish();
    }
});
