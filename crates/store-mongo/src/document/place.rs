//! Where in the attributes something is refused.

use resources::schema::Violation;

/// Where a value stands in the attributes. It becomes a JSON Pointer only when the value is refused.
pub(super) struct JsonPath<'a> {
    around: Option<&'a JsonPath<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Name(&'a str),
    Position(usize),
}

impl<'a> JsonPath<'a> {
    pub(super) fn new(attribute: &'a str) -> Self {
        Self {
            around: None,
            step: Step::Name(attribute),
        }
    }

    pub(super) fn with<'b>(&'b self, step: Step<'b>) -> JsonPath<'b>
    where
        'a: 'b,
    {
        JsonPath {
            around: Some(self),
            step,
        }
    }

    pub(super) fn pointer(&self) -> String {
        let around = self.around.map_or_else(String::new, JsonPath::pointer);
        match self.step {
            Step::Name(name) => format!("{around}/{}", jsonapi::pointer_token(name)),
            Step::Position(position) => format!("{around}/{position}"),
        }
    }

    pub(super) fn violation(&self, keyword: &str, message: String) -> Violation {
        Violation {
            pointer: self.pointer(),
            keyword: keyword.to_owned(),
            message,
        }
    }
}
