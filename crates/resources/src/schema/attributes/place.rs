//! A place in a value or in a schema, made into a JSON pointer only where it is wanted.

use std::fmt;

/// A place: its parent and the step from there.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    /// A whole JSON pointer, where there is no parent.
    Pointer(&'a str),
    Name(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The place with this JSON pointer.
    pub(super) fn root(pointer: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Pointer(pointer),
        }
    }

    pub(super) fn name(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Name(name),
        }
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    pub(super) fn is_root(&self) -> bool {
        self.parent.is_none()
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(formatter)?;
        }
        match self.step {
            Step::Pointer(pointer) => formatter.write_str(pointer),
            Step::Name(name) => write!(formatter, "/{}", jsonapi::pointer_token(name)),
            Step::Index(index) => write!(formatter, "/{index}"),
        }
    }
}
