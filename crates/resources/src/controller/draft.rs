//! A resource as a client or a file gives it.

use serde_json::Value;

use super::Failure;
use crate::schema::{Attributes, Id, ResourceType, Violation};

/// Where an id was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdPlace {
    /// In the URL.
    Url,
    /// Beside the attributes.
    Beside,
    /// Among the attributes, where the type repeats it.
    Attribute,
    /// It was not given.
    Nowhere,
}

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

    /// The id, if any, with its place, and the attributes without it.
    pub(crate) fn take_apart(
        mut self,
        of: &ResourceType,
    ) -> Result<(Option<(Id, IdPlace)>, Attributes), Failure> {
        let repeated = of
            .id_attribute
            .as_ref()
            .and_then(|name| self.attributes.shift_remove(name));
        let parse = |text: &str, place| {
            let id = of.id.parse(text);
            id.map(|id| (id, place))
                .map_err(|invalid| Failure::InvalidId { invalid, place })
        };
        let beside = self
            .id
            .map(|text| parse(&text, IdPlace::Beside))
            .transpose()?;
        let Some(value) = repeated else {
            return Ok((beside, self.attributes));
        };
        let text = id_text(&value).ok_or_else(|| wrong_id_type(of))?;
        let (named, place) = parse(&text, IdPlace::Attribute)?;
        match beside {
            Some((expected, _)) if expected != named => Err(Failure::IdDiffers {
                expected,
                from: "resource object",
                named,
                place,
            }),
            Some(beside) => Ok((Some(beside), self.attributes)),
            None => Ok((Some((named, place)), self.attributes)),
        }
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
