//! Statements as text with bound values, and how rows and members are named in them.

use resources::schema::{IdKind, Relationship, ResourceType, Stored};
use rusqlite::types::Value;
use serde_json::Number;

use super::functions::key_function;
use super::table::{self, Collection};

/// The values of a statement. Text has only names and numbers of parameters; whatever a client
/// chose is bound.
#[derive(Default)]
pub(super) struct Parameters {
    values: Vec<Value>,
    aliases: usize,
}

impl Parameters {
    /// The parameter that stands for a value, as often as it is wanted.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// Parameters for several values, separated by commas.
    pub(super) fn bind_all(&mut self, values: impl IntoIterator<Item = Value>) -> String {
        let all: Vec<String> = values.into_iter().map(|value| self.bind(value)).collect();
        all.join(", ")
    }

    pub(super) fn values(&self) -> rusqlite::ParamsFromIter<&[Value]> {
        rusqlite::params_from_iter(self.values.as_slice())
    }

    /// A name that no other row of the statement has.
    fn alias(&mut self, prefix: &str) -> String {
        self.aliases += 1;
        format!("{prefix}{}", self.aliases)
    }
}

/// A row that filters and orders look at.
#[derive(Clone)]
pub(super) struct Row<'t> {
    /// What the row is called in the statement.
    pub(super) alias: String,
    /// The JSON of its members.
    pub(super) document: String,
    pub(super) collection: String,
    pub(super) ids: IdKind,
    /// The relationships of its type, where they are known: those of related rows are not.
    pub(super) relationships: &'t [std::sync::Arc<Relationship>],
}

impl<'t> Row<'t> {
    /// A row of the type that is asked for.
    pub(super) fn wanted(resource_type: &'t ResourceType) -> Self {
        Self {
            alias: "o".to_owned(),
            document: "o.document".to_owned(),
            collection: resource_type.collection.clone(),
            ids: resource_type.id,
            relationships: &resource_type.relationships,
        }
    }
}

impl Row<'_> {
    /// A row to which a relationship leads.
    pub(super) fn related(parameters: &mut Parameters, relationship: &Relationship) -> Self {
        let alias = parameters.alias("r");
        Self {
            document: format!("{alias}.document"),
            alias,
            collection: relationship.target.collection.clone(),
            ids: relationship.target.id,
            relationships: &[],
        }
    }

    /// An element of an array of this row. It has neither id nor relationships.
    pub(super) fn element(&self, parameters: &mut Parameters) -> Self {
        let alias = parameters.alias("e");
        Self {
            document: format!("{alias}.value"),
            alias,
            relationships: &[],
            ..self.clone()
        }
    }

    /// The table with its alias.
    pub(super) fn table(&self) -> String {
        format!(
            "{} AS {}",
            Collection::named(&self.collection).quoted,
            self.alias
        )
    }

    pub(super) fn member<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Member {
        Member::new(&self.document, names)
    }

    /// The id as members of other resources hold it.
    pub(super) fn id_as_member(&self) -> String {
        match self.ids {
            IdKind::ObjectId | IdKind::Uuid => format!("id_member({}.id)", self.alias),
            IdKind::String | IdKind::Integer => format!("{}.id", self.alias),
        }
    }
}

/// A member of a JSON document.
pub(super) struct Member {
    document: String,
    path: String,
}

impl Member {
    pub(super) fn new<'n>(document: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        Self {
            document: document.to_owned(),
            path: table::json_path(names),
        }
    }

    /// Its value: NULL for null and what is missing, 1 and 0 for booleans, text for arrays and
    /// objects. The same text is in the indexes.
    pub(super) fn value(&self) -> String {
        format!("{} ->> {}", self.document, self.path)
    }

    /// What its value is compared by.
    pub(super) fn key(&self, stored: Option<Stored>) -> String {
        keyed(&self.value(), stored)
    }

    /// The name of its kind; NULL for what is missing.
    pub(super) fn kind(&self) -> String {
        format!("json_type({}, {})", self.document, self.path)
    }

    pub(super) fn length(&self) -> String {
        format!("json_array_length({}, {})", self.document, self.path)
    }

    /// Its elements as rows; those of an object, too.
    pub(super) fn elements(&self, alias: &str) -> String {
        format!("json_each({}, {}) AS {alias}", self.document, self.path)
    }
}

/// What a value is compared by.
pub(super) fn keyed(value: &str, stored: Option<Stored>) -> String {
    match stored.and_then(key_function) {
        Some(function) => format!("{function}({value})"),
        None => value.to_owned(),
    }
}

/// The id that a member's value is, as the resource with that id has it; NULL if it is none.
pub(super) fn id_of_member(ids: IdKind, value: &str) -> String {
    match ids {
        IdKind::ObjectId | IdKind::Uuid => format!("member_id({value})"),
        IdKind::String | IdKind::Integer => value.to_owned(),
    }
}

/// A number as SQLite compares it: exactly, whether it is an integer or a double.
pub(super) fn number(number: &Number) -> Value {
    match number.as_i64() {
        Some(integer) => Value::Integer(integer),
        None => Value::Real(number.as_f64().unwrap_or_default()),
    }
}

/// All of these, or any, as one condition; `none` if there are none. Halves within halves, since
/// SQLite bounds how deep a condition is: <https://www.sqlite.org/limits.html#max_expr_depth>.
pub(super) fn joined(conditions: &[String], operator: &str, none: &str) -> String {
    match conditions {
        [] => none.to_owned(),
        [only] => format!("({only})"),
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            let (left, right) = (joined(left, operator, none), joined(right, operator, none));
            format!("({left} {operator} {right})")
        }
    }
}
