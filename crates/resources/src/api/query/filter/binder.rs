//! An expression bound to a type.

use std::sync::Arc;

use jsonapi::Path;
use jsonapi::filter::{self as syntax, Element, Expression, Literal, Node, Operand};

use super::linkage::{empty, linked, through};
use super::literal::{array, count, ids, ordered, scalars, sought, text};
use super::{Mistake, mistake};
use crate::api::query::member::{Field, Named, Purpose, member_of_element, named};
use crate::query::{Comparison, Filter, Test};
use crate::schema::{Declared, Relationship, ResourceType, Types};

/// What the names of an expression belong to.
#[derive(Clone, Copy)]
pub(super) enum Seen<'s> {
    Resource(&'s Arc<ResourceType>),
    /// An element of an array, which has neither an id nor relationships.
    Element(&'s Declared),
}

pub(super) struct Binder<'t> {
    pub(super) types: &'t Types,
}

impl Binder<'_> {
    pub(super) fn bind(&self, seen: Seen<'_>, expression: &Expression) -> Result<Filter, Mistake> {
        let all = |parts: &[Expression]| -> Result<Vec<Filter>, Mistake> {
            parts.iter().map(|part| self.bind(seen, part)).collect()
        };
        match &expression.node {
            Node::And(parts) => all(parts).map(Filter::All),
            Node::Or(parts) => all(parts).map(Filter::Any),
            Node::Not(part) => Ok(Filter::Not(Box::new(self.bind(seen, part)?))),
            Node::Compare {
                operand,
                comparison,
                literal,
            } => self.compare(seen, operand, *comparison, literal),
            Node::Between {
                operand,
                lower,
                upper,
            } => {
                let least = self.compare(seen, operand, Comparison::GreaterOrEqual, lower)?;
                let most = self.compare(seen, operand, Comparison::LessOrEqual, upper)?;
                Ok(Filter::All(vec![least, most]))
            }
            Node::AnyOf { operand, literals } => self.any_of(seen, operand, literals),
            Node::Null(path) => self.null(seen, path),
            Node::Missing(path) => self.missing(seen, path),
            Node::Text {
                path,
                relation,
                case,
                literal,
            } => {
                let test = Test::Text {
                    relation: *relation,
                    ignores_case: *case == syntax::Case::Ignored,
                    text: sought(literal)?,
                };
                self.on_attribute(seen, path, |path_names, declared| {
                    text(declared, path.at, path_names)?;
                    Ok(test)
                })
            }
            Node::Has { path, filter } => self.has(seen, path, filter.as_deref()),
            Node::AnyElement { path, element } => self.any_element(seen, path, element),
        }
    }

    fn compare(
        &self,
        seen: Seen<'_>,
        operand: &Operand,
        comparison: Comparison,
        literal: &Literal,
    ) -> Result<Filter, Mistake> {
        match operand {
            Operand::Path(_) if comparison == Comparison::Equal => {
                self.any_of(seen, operand, std::slice::from_ref(literal))
            }
            Operand::Path(path) => self.on_attribute(seen, path, |names, declared| {
                ordered(declared, path.at, names)?;
                // What is not declared is compared as what it looks like.
                let mut scalars = scalars(declared, literal, names)?;
                Ok(Test::Compare(comparison, scalars.swap_remove(0)))
            }),
            Operand::Size(path) => {
                let size = count(literal)?;
                self.on_attribute(seen, path, |names, declared| {
                    array(declared, path.at, names)?;
                    Ok(Test::Size(comparison, size))
                })
            }
            Operand::Count(path) => {
                let number = count(literal)?;
                self.on_relationship(seen, path, |relationship| {
                    if relationship.is_to_one() {
                        let reason = format!("'{path}' is no to-many relationship");
                        return mistake(path.at, reason);
                    }
                    Ok(Filter::Count {
                        relationship: relationship.clone(),
                        comparison,
                        number,
                    })
                })
            }
        }
    }

    fn any_of(
        &self,
        seen: Seen<'_>,
        operand: &Operand,
        literals: &[Literal],
    ) -> Result<Filter, Mistake> {
        let path = match operand {
            Operand::Path(path) => path,
            Operand::Size(_) | Operand::Count(_) => {
                let equal = |literal| self.compare(seen, operand, Comparison::Equal, literal);
                let any = literals.iter().map(equal).collect::<Result<Vec<_>, _>>();
                return any.map(one_or_any);
            }
        };
        let found = self.named(seen, path)?;
        let filter = match &found.field {
            Field::Id(kind) => Filter::Ids(ids(*kind, literals)?),
            Field::Relationship(relationship) => {
                linked(relationship, ids(relationship.target.id, literals)?)
            }
            Field::Attribute {
                path: member,
                declared,
            } => {
                let mut all = Vec::new();
                for literal in literals {
                    all.extend(scalars(declared, literal, &member.names)?);
                }
                let test = match all.len() {
                    1 => Test::Compare(Comparison::Equal, all.swap_remove(0)),
                    _ => Test::OneOf(all),
                };
                Filter::member(member.clone(), test)
            }
        };
        Ok(through(found.through, filter))
    }

    /// A to-one relationship is null where it leads nowhere, however that is stored.
    fn null(&self, seen: Seen<'_>, path: &Path) -> Result<Filter, Mistake> {
        let found = self.named(seen, path)?;
        let filter = match found.field {
            Field::Id(_) => Filter::Any(Vec::new()),
            Field::Relationship(relationship) => empty(&relationship),
            Field::Attribute { path, .. } => Filter::member(path, Test::Null),
        };
        Ok(through(found.through, filter))
    }

    fn missing(&self, seen: Seen<'_>, path: &Path) -> Result<Filter, Mistake> {
        let found = self.named(seen, path)?;
        let filter = match found.field {
            Field::Attribute { path, .. } => Filter::member(path, Test::Missing),
            Field::Relationship(relationship) => empty(&relationship),
            Field::Id(_) => Filter::Any(Vec::new()),
        };
        Ok(through(found.through, filter))
    }

    fn has(
        &self,
        seen: Seen<'_>,
        path: &Path,
        filter: Option<&Expression>,
    ) -> Result<Filter, Mistake> {
        self.on_relationship(seen, path, |relationship| {
            let target = self.types.target(relationship);
            let filter = filter
                .map(|filter| self.bind(Seen::Resource(target), filter))
                .transpose()?;
            Ok(Filter::Related {
                relationship: relationship.clone(),
                filter: Box::new(filter.unwrap_or_default()),
            })
        })
    }

    fn any_element(
        &self,
        seen: Seen<'_>,
        path: &Path,
        element: &Element,
    ) -> Result<Filter, Mistake> {
        self.on_attribute(seen, path, |names, declared| {
            array(declared, path.at, names)?;
            let elements = declared.items();
            match element {
                Element::OneOf(literals) => {
                    let mut all = Vec::new();
                    for literal in literals {
                        all.extend(scalars(&elements, literal, names)?);
                    }
                    Ok(Test::AnyElement(all))
                }
                Element::Matching(filter) => {
                    let filter = self.bind(Seen::Element(&elements), filter)?;
                    Ok(Test::AnyObject(Box::new(filter)))
                }
            }
        })
    }

    fn named(&self, seen: Seen<'_>, path: &Path) -> Result<Named, Mistake> {
        let found = match seen {
            Seen::Resource(seen) => named(self.types, seen, &path.names, Purpose::Filter),
            Seen::Element(seen) => member_of_element(seen, &path.names),
        };
        found.or_else(|reason| mistake(path.at, reason))
    }

    fn on_attribute(
        &self,
        seen: Seen<'_>,
        path: &Path,
        test: impl FnOnce(&[String], &Declared) -> Result<Test, Mistake>,
    ) -> Result<Filter, Mistake> {
        let found = self.named(seen, path)?;
        match found.field {
            Field::Attribute {
                path: member,
                declared,
            } => {
                let test = test(&member.names, &declared)?;
                Ok(through(found.through, Filter::member(member, test)))
            }
            Field::Id(_) => mistake(path.at, "An id is compared by equals(…) and any(…) alone"),
            Field::Relationship(_) => {
                let reason =
                    format!("'{path}' is a relationship; use has(…), or name an attribute of it");
                mistake(path.at, reason)
            }
        }
    }

    fn on_relationship(
        &self,
        seen: Seen<'_>,
        path: &Path,
        filter: impl FnOnce(&Arc<Relationship>) -> Result<Filter, Mistake>,
    ) -> Result<Filter, Mistake> {
        let found = self.named(seen, path)?;
        match &found.field {
            Field::Relationship(relationship) => Ok(through(found.through, filter(relationship)?)),
            Field::Id(_) | Field::Attribute { .. } => {
                mistake(path.at, format!("'{path}' is no relationship"))
            }
        }
    }
}

fn one_or_any(mut any: Vec<Filter>) -> Filter {
    match any.len() {
        1 => any.swap_remove(0),
        _ => Filter::Any(any),
    }
}
