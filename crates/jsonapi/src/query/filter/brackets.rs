//! `filter[path]=value` and `filter[path][operator]=value`.

use super::super::Path;
use super::super::place::Misplaced;
use super::functions::{OPERATORS, Operator, operator};
use super::{Comparison, Element, Expression, Literal, Node, Operand, count_term, parser, quoted};

/// One condition, in parts.
pub(super) struct Condition<'a> {
    /// What stands in brackets, each with its place; there is at least one.
    pub(super) keys: &'a [(usize, &'a str)],
    pub(super) value: &'a str,
    /// Where the value begins.
    pub(super) start: usize,
}

impl Condition<'_> {
    pub(super) fn read(
        &self,
        is_relationship: &dyn Fn(&[String]) -> bool,
        terms_left: &mut usize,
    ) -> Result<Expression, Misplaced> {
        let (at, key) = self.keys[0];
        let path = Path::parse(key, at)?;
        let node = match self.keys[1..] {
            [] if is_relationship(&path.names) => self.association(path)?,
            [] => compare(Operand::Path(path), Comparison::Equal, self.literal()),
            [(at, name)] => self.operation(path, named(at, name)?, at)?,
            [(place, name), (inner, comparison)] => {
                let operand = match named(place, name)? {
                    Operator::Size => Operand::Size(path),
                    Operator::Count => Operand::Count(path),
                    _ => return Err(Misplaced::new(inner, "Nothing can follow this operator")),
                };
                self.of_number(operand, named(inner, comparison)?, inner)?
            }
            [_, _, (at, _), ..] => return Err(Misplaced::new(at, "No more brackets are taken")),
        };
        let is_list = matches!(self.keys.last(), Some((_, "in" | "notIn" | "has")));
        let commas = self.value.matches(',').count();
        for _ in 0..if is_list { 2 + commas } else { 2 } {
            count_term(terms_left, at)?;
        }
        Ok(Expression { at, node })
    }

    /// The resources of a relationship, by id.
    fn association(&self, path: Path) -> Result<Node, Misplaced> {
        if parser::is_expression(self.value) {
            let reason = format!("'{path}' is not included, so that its resources take no filter");
            return Err(Misplaced::new(self.start, reason));
        }
        let literals = self.literals()?;
        let operand = Operand::Path(path);
        Ok(Node::AnyOf { operand, literals })
    }

    fn operation(&self, path: Path, operator: Operator, at: usize) -> Result<Node, Misplaced> {
        Ok(match operator {
            Operator::Size => self.of_number(Operand::Size(path), EQUAL, at)?,
            Operator::Count => self.of_number(Operand::Count(path), EQUAL, at)?,
            Operator::Text(relation, case) => Node::Text {
                path,
                relation,
                case,
                literal: self.literal(),
            },
            Operator::Has => Node::AnyElement {
                path,
                element: Element::OneOf(self.literals()?),
            },
            Operator::Missing => self.either(Node::Missing(path))?,
            Operator::Null => self.either(Node::Null(path))?,
            other => self.of_number(Operand::Path(path), other, at)?,
        })
    }

    /// What can be asked of numbers of things, and of any other value.
    fn of_number(
        &self,
        operand: Operand,
        operator: Operator,
        at: usize,
    ) -> Result<Node, Misplaced> {
        Ok(match operator {
            Operator::Compare(comparison) => compare(operand, comparison, self.literal()),
            Operator::NotEqual => not(at, compare(operand, Comparison::Equal, self.literal())),
            Operator::In => Node::AnyOf {
                operand,
                literals: self.literals()?,
            },
            Operator::NotIn => {
                let literals = self.literals()?;
                not(at, Node::AnyOf { operand, literals })
            }
            Operator::Between => {
                let Ok([lower, upper]) = <[Literal; 2]>::try_from(self.literals()?) else {
                    let reason = "Two values are wanted, separated by a comma";
                    return Err(Misplaced::new(self.start, reason));
                };
                Node::Between {
                    operand,
                    lower,
                    upper,
                }
            }
            _ => {
                return Err(Misplaced::new(
                    at,
                    "A number of things has no such operator",
                ));
            }
        })
    }

    /// The whole value, whatever is in it.
    fn literal(&self) -> Literal {
        Literal {
            at: self.start,
            text: self.value.to_owned(),
        }
    }

    /// The values between commas.
    fn literals(&self) -> Result<Vec<Literal>, Misplaced> {
        let mut literals = Vec::new();
        let mut at = self.start;
        for text in self.value.split(',') {
            if text.is_empty() {
                return Err(Misplaced::new(at, "A value is missing"));
            }
            let text = text.to_owned();
            let next = at + text.len() + 1;
            literals.push(Literal { at, text });
            at = next;
        }
        Ok(literals)
    }

    /// The condition, or that it does not hold.
    fn either(&self, node: Node) -> Result<Node, Misplaced> {
        match self.value {
            "true" => Ok(node),
            "false" => Ok(not(self.keys[0].0, node)),
            _ => Err(Misplaced::new(self.start, "'true' or 'false' is wanted")),
        }
    }
}

const EQUAL: Operator = Operator::Compare(Comparison::Equal);

fn compare(operand: Operand, comparison: Comparison, literal: Literal) -> Node {
    Node::Compare {
        operand,
        comparison,
        literal,
    }
}

fn not(at: usize, node: Node) -> Node {
    Node::Not(Box::new(Expression { at, node }))
}

fn named(at: usize, name: &str) -> Result<Operator, Misplaced> {
    operator(name).ok_or_else(|| {
        let names: Vec<&str> = OPERATORS.iter().map(|(name, _)| *name).collect();
        let reason = format!(
            "{} is no operator; there are {}. A member within another is written with a dot",
            quoted(name),
            names.join(", ")
        );
        Misplaced::new(at, reason)
    })
}
