//! The function grammar: recursive descent over the decoded text, within the limits.

use super::super::Path;
use super::super::path::is_name_character;
use super::super::place::Misplaced;
use super::functions::{FUNCTIONS, Function, function};
use super::{
    Comparison, Element, Expression, FilterLimits, Literal, Node, Operand, count_term, quoted,
};

type Parsed<T> = Result<T, Misplaced>;

/// Whether a text begins with the call of a function.
pub(super) fn is_expression(text: &str) -> bool {
    text.split_once('(')
        .is_some_and(|(name, _)| function(name.trim()).is_some())
}

/// Reads an expression that begins within a text; places are those of the whole text.
pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth_left: usize,
    limits: FilterLimits,
    terms_left: &'a mut usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(
        text: &'a str,
        start: usize,
        limits: FilterLimits,
        terms_left: &'a mut usize,
    ) -> Self {
        Self {
            text,
            at: start,
            depth_left: limits.depth,
            limits,
            terms_left,
        }
    }

    /// Reads one expression, behind which nothing is left.
    pub(super) fn whole(mut self) -> Parsed<Expression> {
        let expression = self.expression()?;
        self.skip_blank();
        if self.at < self.text.len() {
            return self.refuse("The filter ends here, but more text follows");
        }
        Ok(expression)
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.skip_blank();
        let at = self.at;
        let name = self.word();
        let Some(function) = function(name) else {
            return Err(Misplaced::new(at, unknown(name)));
        };
        count_term(self.terms_left, at)?;
        let Some(depth_left) = self.depth_left.checked_sub(1) else {
            let reason = format!("Functions are nested {} deep at most", self.limits.depth);
            return Err(Misplaced::new(at, reason));
        };
        self.depth_left = depth_left;
        self.expect('(')?;
        let node = self.arguments(function)?;
        self.expect(')')?;
        self.depth_left += 1;
        Ok(Expression { at, node })
    }

    fn arguments(&mut self, function: Function) -> Parsed<Node> {
        Ok(match function {
            Function::And => Node::And(self.expressions()?),
            Function::Or => Node::Or(self.expressions()?),
            Function::Not => Node::Not(Box::new(self.expression()?)),
            Function::Compare(comparison) => self.comparison(comparison)?,
            Function::Between => Node::Between {
                operand: self.operand()?,
                lower: self.next_literal()?,
                upper: self.next_literal()?,
            },
            Function::Any => {
                let operand = self.operand()?;
                self.expect(',')?;
                let literals = self.literals()?;
                Node::AnyOf { operand, literals }
            }
            Function::Text(relation, case) => Node::Text {
                path: self.path()?,
                relation,
                case,
                literal: self.next_literal()?,
            },
            Function::Has => {
                let path = self.path()?;
                let filter = if self.take(',') {
                    Some(Box::new(self.expression()?))
                } else {
                    None
                };
                Node::Has { path, filter }
            }
            Function::AnyElement => {
                let path = self.path()?;
                self.expect(',')?;
                let element = self.element()?;
                Node::AnyElement { path, element }
            }
            Function::Missing => Node::Missing(self.path()?),
        })
    }

    fn expressions(&mut self) -> Parsed<Vec<Expression>> {
        let mut all = vec![self.expression()?];
        self.expect(',')?;
        all.push(self.expression()?);
        while self.take(',') {
            all.push(self.expression()?);
        }
        Ok(all)
    }

    fn comparison(&mut self, comparison: Comparison) -> Parsed<Node> {
        let operand = self.operand()?;
        self.expect(',')?;
        self.skip_blank();
        let at = self.at;
        if self.word() != "null" {
            self.at = at;
            let literal = self.literal()?;
            return Ok(Node::Compare {
                operand,
                comparison,
                literal,
            });
        }
        match (comparison, operand) {
            (Comparison::Equal, Operand::Path(path)) => Ok(Node::Null(path)),
            (Comparison::Equal, _) => Err(Misplaced::new(at, "A number of things is never null")),
            _ => Err(Misplaced::new(
                at,
                "null is neither less nor greater than anything",
            )),
        }
    }

    fn element(&mut self) -> Parsed<Element> {
        if is_expression(&self.text[self.at..]) {
            return Ok(Element::Matching(Box::new(self.expression()?)));
        }
        Ok(Element::OneOf(self.literals()?))
    }

    fn operand(&mut self) -> Parsed<Operand> {
        self.skip_blank();
        let at = self.at;
        let word = self.word();
        if !self.take('(') {
            self.at = at;
            return Ok(Operand::Path(self.path()?));
        }
        let path = match word {
            "count" => Operand::Count(self.path()?),
            "size" => Operand::Size(self.path()?),
            other => {
                let reason = format!(
                    "{} is no function of a value; there are count and size",
                    quoted(other)
                );
                return Err(Misplaced::new(at, reason));
            }
        };
        self.expect(')')?;
        Ok(path)
    }

    fn path(&mut self) -> Parsed<Path> {
        self.skip_blank();
        let start = self.at;
        loop {
            self.word();
            if !self.text[self.at..].starts_with('.') {
                break;
            }
            self.at += 1;
        }
        let text = self.text[start..self.at].trim_end();
        if text.is_empty() {
            return self.refuse("The name of a field is missing");
        }
        Path::parse(text, start)
    }

    fn literals(&mut self) -> Parsed<Vec<Literal>> {
        let mut all = vec![self.literal()?];
        while self.take(',') {
            all.push(self.literal()?);
        }
        Ok(all)
    }

    fn next_literal(&mut self) -> Parsed<Literal> {
        self.expect(',')?;
        self.literal()
    }

    /// A text in quotes, or a number, `true` or `false` without.
    fn literal(&mut self) -> Parsed<Literal> {
        self.skip_blank();
        let at = self.at;
        count_term(self.terms_left, at)?;
        let rest = &self.text[at..];
        if rest.starts_with('\'') {
            let text = self.quoted_text()?;
            return Ok(Literal { at, text });
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let text = &rest[..end];
        if !["true", "false"].contains(&text) && !is_number(text) {
            return self.refuse("A value in quotes is wanted, such as 'Smith'");
        }
        self.at += end;
        let text = text.to_owned();
        Ok(Literal { at, text })
    }

    /// A quote within the text is doubled.
    fn quoted_text(&mut self) -> Parsed<String> {
        let start = self.at;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at + 1..];
            let Some(end) = rest.find('\'') else {
                return Err(Misplaced::new(start, "The quote is not closed"));
            };
            text.push_str(&rest[..end]);
            self.at += end + 2;
            if !self.text[self.at..].starts_with('\'') {
                return Ok(text);
            }
            text.push('\'');
        }
    }

    /// What could be one name, without blanks around it.
    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !is_name_character(c)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].trim()
    }

    fn skip_blank(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_blank();
        let found = self.text[self.at..].starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, wanted: char) -> Parsed<()> {
        if self.take(wanted) {
            return Ok(());
        }
        self.refuse(&format!("A '{wanted}' is wanted"))
    }

    fn refuse<T>(&self, reason: &str) -> Parsed<T> {
        Err(Misplaced::new(self.at, reason))
    }
}

/// An integer or decimal number, as JSON has them.
fn is_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok()
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    if name.is_empty() {
        format!("A function is wanted; there are {names}")
    } else {
        format!("{} is no function; there are {names}", quoted(name))
    }
}
