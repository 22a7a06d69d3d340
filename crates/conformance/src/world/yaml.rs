//! YAML to a JSON value.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

/// Reads a text with one YAML document; JSON is YAML, too.
pub(super) fn value(text: &str) -> Result<Value, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| {
        let (marker, info) = (error.marker(), error.info());
        format!(
            "line {}, column {}: {info}",
            marker.line(),
            marker.col() + 1
        )
    })?;
    match documents.as_slice() {
        [document] => convert(document),
        [] => Err("the file is empty".to_owned()),
        _ => Err("the file has more than one document".to_owned()),
    }
}

fn convert(node: &Yaml<'_>) -> Result<Value, String> {
    Ok(match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => Value::from(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::FloatingPoint(value)) => Value::from(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => Value::from(value.as_ref()),
        Yaml::Sequence(items) => items.iter().map(convert).collect::<Result<_, _>>()?,
        Yaml::Mapping(members) => {
            let mut object = Map::new();
            for (key, value) in members {
                let key = key.as_str().ok_or("the name of a member is no string")?;
                object.insert(key.to_owned(), convert(value)?);
            }
            Value::Object(object)
        }
        _ => return Err("something stands there that JSON cannot say".to_owned()),
    })
}
