//! A resource as a client or a file gives it.

use serde_json::Value;

use super::Failure;
use crate::schema::{Attributes, Id, ResourceType, Violation};

/// A resource before anything about it was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The id beside the attributes.
    pub id: Option<String>,
    /// The attributes, which may repeat the id where the type says so.
    pub attributes: Attributes,
}

impl Draft {
    /// A draft from one plain object, which holds the id among the attributes
    /// ([`ResourceType::plain_id_member`]).
    #[must_use]
    pub fn plain(of: &ResourceType, mut attributes: Attributes) -> Self {
        let id = match of.id_attribute {
            // It stays where `take_apart` looks for it.
            Some(_) => None,
            None => attributes.get("id").and_then(id_text).inspect(|_| {
                attributes.shift_remove("id");
            }),
        };
        Self { id, attributes }
    }

    /// The id, if any, and the attributes without it.
    pub(crate) fn take_apart(self, of: &ResourceType) -> Result<(Option<Id>, Attributes), Failure> {
        let Self { id, mut attributes } = self;
        let mut id = id.map(|text| of.id.parse(&text)).transpose()?;
        let repeated = of
            .id_attribute
            .as_ref()
            .and_then(|name| attributes.shift_remove(name));
        if let Some(value) = repeated {
            let text = id_text(&value).ok_or_else(|| wrong_id_type(of))?;
            let repeated = of.id.parse(&text)?;
            match &id {
                Some(id) if *id != repeated => {
                    return Err(Failure::IdDiffers {
                        url: id.clone(),
                        body: repeated,
                    });
                }
                _ => id = Some(repeated),
            }
        }
        Ok((id, attributes))
    }
}

/// People write integer ids without quotes, though JSON:API has them in quotes.
fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

fn wrong_id_type(of: &ResourceType) -> Failure {
    Failure::Invalid(vec![Violation {
        pointer: format!("/{}", jsonapi::pointer_token(of.plain_id_member())),
        keyword: "type".to_owned(),
        message: "an id is a string".to_owned(),
    }])
}
