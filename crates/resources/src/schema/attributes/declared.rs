//! What a schema declares at a place inside the attributes, for filters and orders that name it.
//!
//! The answer never rules out a value that the schema allows. It may allow too much: conditions
//! (`if`, `not`, `dependentSchemas`) and anchors are not followed.

mod search;

use std::sync::Arc;

use self::search::{Found, Step, Values};
use super::parts::Parts;
use crate::schema::{Kinds, Places, Stored};

/// What is declared at a place.
#[derive(Debug, Clone)]
pub enum Declared {
    /// Nothing can be there: the schema is closed and does not have it, or what is around it is
    /// something else than an object or array.
    Unknown,
    /// It is not declared, but anything may be there.
    Open,
    /// It is declared.
    Known(Known),
}

/// A place that a schema declares.
#[derive(Debug, Clone)]
pub struct Known {
    values: Values,
    schema: Arc<Parts>,
    steps: Vec<Step>,
}

impl Known {
    /// The kinds of the values that are possible there.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        self.values.kinds
    }
}

impl Declared {
    /// What `schema` declares where the steps lead.
    fn find(schema: &Arc<Parts>, steps: Vec<Step>) -> Self {
        match search::find(schema, &steps) {
            Found::Nothing => Self::Unknown,
            Found::Anything => Self::Open,
            Found::Values(values) => Self::Known(Known {
                values,
                schema: schema.clone(),
                steps,
            }),
        }
    }

    /// What a schema declares of the whole value.
    pub(super) fn root(schema: &Arc<Parts>) -> Self {
        Self::Known(Known {
            values: Values::ANY,
            schema: schema.clone(),
            steps: Vec::new(),
        })
    }

    /// What is declared of a member of an object within an object within this value. No name leads
    /// into an array.
    #[must_use]
    pub fn at(&self, names: &[String]) -> Self {
        self.inside(names.iter().cloned().map(Step::Member))
    }

    /// What is declared of the elements of the array that this value is.
    #[must_use]
    pub fn items(&self) -> Self {
        self.inside([Step::Element])
    }

    fn inside(&self, further: impl IntoIterator<Item = Step>) -> Self {
        let Self::Known(known) = self else {
            return self.clone();
        };
        let mut steps = known.steps.clone();
        steps.extend(further);
        Self::find(&known.schema, steps)
    }

    /// The kinds of the values that are possible there.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        match self {
            Self::Unknown => Kinds::NONE,
            Self::Open => Kinds::ANY,
            Self::Known(known) => known.values.kinds,
        }
    }

    /// The format of the texts among them, such as `date-time`.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        match self {
            Self::Known(known) => known.values.format.as_deref(),
            Self::Unknown | Self::Open => None,
        }
    }

    /// How the texts among them are stored, or those that are elements of the arrays among them,
    /// where that is otherwise than as texts.
    #[must_use]
    pub fn stored(&self) -> Option<Stored> {
        let Self::Known(known) = self else {
            return None;
        };
        let places = known
            .steps
            .iter()
            .try_fold(known.schema.stored(), |at, step| match step {
                Step::Member(name) => at.member(name),
                Step::Element => at.items(),
            })?;
        let elements = || places.items().and_then(Places::here);
        let stored = places.here().or_else(elements);
        stored.filter(|stored| *stored != Stored::Long)
    }

    /// Whether the numbers among them are integers.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::Known(known) if known.values.is_integer)
    }
}

#[cfg(test)]
mod tests;
