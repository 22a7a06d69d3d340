//! The tree of a filter, and its text.

use std::cmp::Ordering;
use std::fmt;

use super::super::Path;
use super::functions::{Function, name_of};

/// A condition, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// A byte offset into the text of the filter.
    pub at: usize,
    /// What must hold.
    pub node: Node,
}

/// What must hold. Names and values are texts: what they mean is up to the types.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// All of at least two.
    And(Vec<Expression>),
    /// At least one of at least two.
    Or(Vec<Expression>),
    /// Not this.
    Not(Box<Expression>),
    /// `equals`, `lessThan` and the like.
    Compare {
        /// The left side.
        operand: Operand,
        /// How it relates to the right side.
        comparison: Comparison,
        /// The right side.
        literal: Literal,
    },
    /// `between`: from the lower to the upper bound, both included.
    Between {
        /// What is compared.
        operand: Operand,
        /// The smallest value.
        lower: Literal,
        /// The largest value.
        upper: Literal,
    },
    /// `any`: equal to one of these. A path that names a relationship is compared by ids.
    AnyOf {
        /// What is compared.
        operand: Operand,
        /// At least one.
        literals: Vec<Literal>,
    },
    /// `equals(path,null)`: the value is null.
    Null(Path),
    /// `missing`: the member is not there.
    Missing(Path),
    /// `contains`, `startsWith`, `endsWith` and the forms that ignore case.
    Text {
        /// A string.
        path: Path,
        /// Where in it the literal is.
        relation: TextMatch,
        /// Whether case counts.
        case: Case,
        /// What is looked for.
        literal: Literal,
    },
    /// `has`: a resource of the relationship exists for which the filter holds.
    Has {
        /// The relationship.
        path: Path,
        /// Seen from the related resource; absent where any resource will do.
        filter: Option<Box<Expression>>,
    },
    /// `anyElement`: the array has such an element.
    AnyElement {
        /// The array.
        path: Path,
        /// The element.
        element: Element,
    },
}

/// The element that an array must have.
#[derive(Debug, Clone, PartialEq)]
pub enum Element {
    /// One that equals one of these; there is at least one.
    OneOf(Vec<Literal>),
    /// An object for which this holds, seen from the object.
    Matching(Box<Expression>),
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// The value of a member.
    Path(Path),
    /// `count`: the number of resources of a to-many relationship.
    Count(Path),
    /// `size`: the number of elements of an array.
    Size(Path),
}

impl Operand {
    /// The path, whatever of it is compared.
    #[must_use]
    pub fn path(&self) -> &Path {
        let (Self::Path(path) | Self::Count(path) | Self::Size(path)) = self;
        path
    }
}

/// A value as it was written, without quotes.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// A byte offset into the text of the filter: that of the quote, if there is one.
    pub at: usize,
    /// The text.
    pub text: String,
}

/// How the left side relates to the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `equals`
    Equal,
    /// `lessThan`
    Less,
    /// `lessOrEqual`
    LessOrEqual,
    /// `greaterThan`
    Greater,
    /// `greaterOrEqual`
    GreaterOrEqual,
}

impl Comparison {
    /// Whether it holds for a left and a right side in this order.
    #[must_use]
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// Where in a text another is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextMatch {
    /// It is the whole text; only where case is ignored.
    Equals,
    /// Anywhere.
    Contains,
    /// At the start.
    StartsWith,
    /// At the end.
    EndsWith,
}

/// Whether upper and lower case differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Case {
    /// They differ.
    Respected,
    /// They don't.
    Ignored,
}

/// The function grammar.
impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = |function| format!("{}(", name_of(function));
        match &self.node {
            Node::And(all) => write_list(formatter, &function(Function::And), all)?,
            Node::Or(some) => write_list(formatter, &function(Function::Or), some)?,
            Node::Not(other) => write!(formatter, "not({other}")?,
            Node::Compare {
                operand,
                comparison,
                literal,
            } => {
                let name = function(Function::Compare(*comparison));
                write!(formatter, "{name}{operand},{literal}")?;
            }
            Node::Between {
                operand,
                lower,
                upper,
            } => write!(formatter, "between({operand},{lower},{upper}")?,
            Node::AnyOf { operand, literals } => {
                write_list(formatter, &format!("any({operand},"), literals)?;
            }
            Node::Null(path) => write!(formatter, "equals({path},null")?,
            Node::Missing(path) => write!(formatter, "missing({path}")?,
            Node::Text {
                path,
                relation,
                case,
                literal,
            } => {
                let name = function(Function::Text(*relation, *case));
                write!(formatter, "{name}{path},{literal}")?;
            }
            Node::Has { path, filter: None } => write!(formatter, "has({path}")?,
            Node::Has {
                path,
                filter: Some(filter),
            } => write!(formatter, "has({path},{filter}")?,
            Node::AnyElement { path, element } => {
                let start = format!("anyElement({path},");
                match element {
                    Element::OneOf(literals) => write_list(formatter, &start, literals)?,
                    Element::Matching(filter) => write!(formatter, "{start}{filter}")?,
                }
            }
        }
        formatter.write_str(")")
    }
}

fn write_list<T: fmt::Display>(
    formatter: &mut fmt::Formatter<'_>,
    start: &str,
    list: &[T],
) -> fmt::Result {
    formatter.write_str(start)?;
    for (position, one) in list.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        write!(formatter, "{comma}{one}")?;
    }
    Ok(())
}

impl fmt::Display for Operand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(formatter, "{path}"),
            Self::Count(path) => write!(formatter, "count({path})"),
            Self::Size(path) => write!(formatter, "size({path})"),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "'{}'", self.text.replace('\'', "''"))
    }
}
