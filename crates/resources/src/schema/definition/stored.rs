//! How values are stored, in a definition file.

use serde_json::Value;

use super::super::located_yaml::LocatedValue;
use super::super::{Places, Stored};
use super::keywords::subschemas;
use super::mistake::{Mistake, mistake};

/// What is wrong with the keyword `stored` in the schema of the attributes.
pub(super) fn mistakes(attributes: &Value, located: &LocatedValue) -> Vec<Mistake> {
    let mut found = Vec::new();
    let mut wrong = |pointer: String, message: String| {
        let pointer = format!("/attributes{pointer}/stored");
        found.push(mistake(located.position(&pointer), &pointer, message));
    };
    for unreached in Places::unreached(attributes) {
        wrong(unreached.pointer, unreached.message.to_owned());
    }
    each(attributes, "", &mut |schema, pointer| {
        let stored = schema["stored"].as_str().and_then(Stored::named);
        if let Some(message) = stored.and_then(|stored| contradiction(stored, schema)) {
            wrong(pointer.to_owned(), message);
        }
    });
    found
}

/// Gives `meet` a schema and all that are in it, with their pointers.
fn each<'a>(schema: &'a Value, pointer: &str, meet: &mut dyn FnMut(&'a Value, &str)) {
    meet(schema, pointer);
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        for (step, inner) in subschemas(keyword, value) {
            each(inner, &format!("{pointer}{step}"), meet);
        }
    }
}

/// What else the schema says that does not go together with how the value is stored.
fn contradiction(stored: Stored, schema: &Value) -> Option<String> {
    let (name, wanted) = (stored.name(), stored.json_type());
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_right =
        types.contains(&wanted) && types.iter().all(|one| [wanted, "null"].contains(one));
    if !is_right {
        return Some(format!(
            "needs 'type: {wanted}' beside it, or 'type: [{wanted}, \"null\"]': a {name} is \
             {}",
            stored.wanted()
        ));
    }
    let listed = schema["enum"].as_array().into_iter().flatten();
    let mut listed = listed.chain(schema.get("const"));
    // A value is compared in its normal form.
    let is_other =
        |value: &&Value| !value.is_null() && stored.normal_value(value).as_ref() != Some(*value);
    if let Some(value) = listed.find(is_other) {
        let normal = stored.normal_value(value);
        let wanted = normal.map_or_else(|| stored.wanted().to_owned(), |one| one.to_string());
        return Some(format!(
            "compares values as they are shown; {value} should be {wanted}"
        ));
    }
    let format = schema["format"].as_str()?;
    let fitting = match stored {
        Stored::Date => "date-time",
        Stored::Uuid => "uuid",
        Stored::Decimal | Stored::ObjectId | Stored::Binary | Stored::Long => "",
    };
    (format != fitting).then(|| {
        format!(
            "contradicts 'format: {format}': a {name} is {}",
            stored.wanted()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use crate::schema::{Places, Stored};

    fn mistakes(attributes: &str) -> Vec<(String, String)> {
        let text = format!("type: things\nattributes: {{type: object, {attributes}}}\n");
        let found = parse(&text).err().unwrap_or_default();
        found
            .into_iter()
            .map(|one| (one.field, one.message))
            .collect()
    }

    #[test]
    fn how_values_are_stored_is_declared_beside_their_types() {
        let text = "type: things\ntimestamps: {createdAt: made, stored: date}\nattributes:\n  \
                    type: object\n  properties:\n    price: {type: [string, 'null'], stored: decimal}\n    \
                    tags: {type: array, items: {type: string, stored: objectId}}\n";
        let things = parse(text).unwrap();
        let stored = things.attributes.stored();
        let here = |name| stored.member(name).and_then(Places::here);
        assert_eq!(here("price"), Some(Stored::Decimal));
        assert_eq!(here("made"), Some(Stored::Date));
        let names = ["tags".to_owned()];
        assert_eq!(
            things.attributes.at(&names).stored(),
            Some(Stored::ObjectId)
        );
    }

    #[test]
    fn what_cannot_be_meant_is_a_mistake_where_it_stands() {
        for (attributes, field, words) in [
            (
                "properties: {a: {type: string, stored: instant}}",
                "/attributes/properties/a/stored",
                "there are date, decimal, objectId, uuid, binary, long",
            ),
            (
                "properties: {a: {type: number, stored: decimal}}",
                "/attributes/properties/a/stored",
                "needs 'type: string'",
            ),
            (
                "properties: {a: {stored: long}}",
                "/attributes/properties/a/stored",
                "needs 'type: integer'",
            ),
            (
                "properties: {a: {type: string, format: date, stored: date}}",
                "/attributes/properties/a/stored",
                "contradicts 'format: date'",
            ),
            (
                "properties: {a: {type: string, stored: decimal, enum: ['1.5', '01']}}",
                "/attributes/properties/a/stored",
                r#""01" should be "1""#,
            ),
            (
                "additionalProperties: {type: string, stored: date}",
                "/attributes/additionalProperties/stored",
                "has no effect here",
            ),
            (
                "properties: {a: {type: string, stored: date, default: soon}}",
                "/attributes/properties/a/default",
                "must be a date",
            ),
        ] {
            let found = mistakes(attributes);
            assert_eq!(found.len(), 1, "{attributes}: {found:?}");
            assert_eq!(found[0].0, field, "{found:?}");
            assert!(found[0].1.contains(words), "{found:?}");
        }
        let fine = "properties: {a: {type: string, format: date-time, stored: date}}";
        assert_eq!(mistakes(fine), []);
    }
}
