//! `filter`: one tree for two ways of writing, `filter[age][gt]=18` and
//! `filter=greaterThan(age,'18')`. The grammar is in `docs/filters.md`.

mod brackets;
mod expression;
mod functions;
mod parser;

pub use expression::{Case, Comparison, Element, Expression, Literal, Node, Operand, TextMatch};

use super::Parameters;
use super::parameters::Parameter;
use super::place::{Misplaced, excerpt};
use crate::Error;
use parser::Parser;

/// How large filters may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterLimits {
    /// How deep functions may be nested, at least 1.
    pub depth: usize,
    /// How many functions and literals the parameters of one taking may have together.
    pub terms: usize,
    /// How many bytes one parameter may have, its name included.
    pub bytes: usize,
}

/// The filter of one parameter; all filters of a request must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The parameter as `name=value`, decoded: places in the tree are byte offsets into it.
    text: String,
    name_bytes: usize,
    /// What must hold.
    pub expression: Expression,
}

impl Filter {
    /// The name of the parameter.
    #[must_use]
    pub fn parameter(&self) -> &str {
        &self.text[..self.name_bytes]
    }

    /// The parameter as `name=value`, decoded.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// 400 about a place in this filter, such as that of a path or a literal. `reason` is a
    /// sentence without its full stop; the text around the place follows it.
    #[must_use]
    pub fn refusal(&self, at: usize, reason: &str) -> Error {
        Misplaced::new(at, reason).in_parameter(self.parameter(), &self.text)
    }
}

impl Parameters {
    /// Takes `filter` and what is left of `filter[…]`: filters of the primary data. Those of
    /// included resources are taken before, with [`Self::take_filter_of`].
    ///
    /// `is_relationship` tells whether a path names a relationship: `filter[author]=1,2` means one
    /// of these authors, while `filter[name]=Abel, Ada` means this name.
    ///
    /// # Errors
    /// 400 for the first mistake, with its place and the text around it.
    pub fn take_filter(
        &mut self,
        limits: FilterLimits,
        is_relationship: &dyn Fn(&[String]) -> bool,
    ) -> Result<Vec<Filter>, Error> {
        let mut reader = Reader::new(limits, is_relationship);
        let parameters = self.take_family("filter", |_| true);
        parameters
            .iter()
            .map(|parameter| reader.read(parameter, 0))
            .collect()
    }

    /// Takes `filter[RELATIONSHIP]=expression` and `filter[RELATIONSHIP][…]=…`: filters of the
    /// included resources of that path, seen from them. `filter[RELATIONSHIP]=1,2` and
    /// `filter[RELATIONSHIP][OPERATOR]=…` are left, since they filter the primary data.
    ///
    /// # Errors
    /// As [`Self::take_filter`].
    pub fn take_filter_of(
        &mut self,
        relationship: &str,
        limits: FilterLimits,
        is_relationship: &dyn Fn(&[String]) -> bool,
    ) -> Result<Vec<Filter>, Error> {
        let mut reader = Reader::new(limits, is_relationship);
        let expressions = self.take_expression_of(relationship);
        let expressions: Vec<_> = expressions
            .map(|one| reader.read(one, 1))
            .into_iter()
            .collect();
        let brackets = self.take_family("filter", |keys| match keys {
            [(_, first), (_, second), ..] => {
                *first == relationship && !functions::is_operator(second)
            }
            _ => false,
        });
        let brackets = brackets.iter().map(|parameter| reader.read(parameter, 1));
        expressions.into_iter().chain(brackets).collect()
    }

    fn take_expression_of(&mut self, relationship: &str) -> Option<&Parameter> {
        let name = format!("filter[{relationship}]");
        if !parser::is_expression(self.value(&name)?) {
            return None;
        }
        let taken = self.take_family(
            "filter",
            |keys| matches!(keys, [(_, only)] if *only == relationship),
        );
        taken.first().copied()
    }
}

/// Reads parameters within the limits that they share.
struct Reader<'a> {
    limits: FilterLimits,
    terms_left: usize,
    is_relationship: &'a dyn Fn(&[String]) -> bool,
}

impl<'a> Reader<'a> {
    fn new(limits: FilterLimits, is_relationship: &'a dyn Fn(&[String]) -> bool) -> Self {
        Self {
            limits,
            terms_left: limits.terms,
            is_relationship,
        }
    }

    /// Reads a parameter whose first brackets, `scopes` in number, name whose filter it is.
    fn read(&mut self, parameter: &Parameter, scopes: usize) -> Result<Filter, Error> {
        let (name, value) = (&parameter.name, &parameter.value);
        let text = format!("{name}={value}");
        let start = name.len() + 1;
        let keys = parameter.keys();
        let expression = if text.len() > self.limits.bytes {
            let reason = format!("A filter has {} bytes at most", self.limits.bytes);
            Err(Misplaced::new(self.limits.bytes, reason))
        } else if keys.len() == scopes {
            Parser::new(&text, start, self.limits, &mut self.terms_left).whole()
        } else {
            let condition = brackets::Condition {
                keys: &keys[scopes..],
                value,
                start,
            };
            condition.read(self.is_relationship, &mut self.terms_left)
        };
        match expression {
            Ok(expression) => Ok(Filter {
                text,
                name_bytes: name.len(),
                expression,
            }),
            Err(mistake) => Err(mistake.in_parameter(name, &text)),
        }
    }
}

/// Takes one of the terms that are left.
fn count_term(terms_left: &mut usize, at: usize) -> Result<(), Misplaced> {
    let Some(left) = terms_left.checked_sub(1) else {
        let reason = "The filters have more functions and values than are taken";
        return Err(Misplaced::new(at, reason));
    };
    *terms_left = left;
    Ok(())
}

/// The start of a text that is quoted in a message.
fn quoted(text: &str) -> String {
    let shown = excerpt(text, 0);
    format!("'{}'", shown.trim_start_matches('^'))
}

#[cfg(test)]
mod tests;
