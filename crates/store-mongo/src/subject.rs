//! What the expressions of an aggregation look at: a document, or an object within one.

use mongodb::bson::{Bson, doc};
use resources::query::MemberPath;
use resources::schema::IdKind;

use crate::filter::expression::{has_type, literal};
use crate::ids;

/// A document or an object, as expressions name it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subject {
    /// What stands before the name of a member: `$`, `$document.`, `$$element0.`.
    prefix: String,
    /// What the ids of a document are; an object within one has none.
    ids: Option<IdKind>,
    /// In how many arrays it is.
    depth: usize,
}

impl Subject {
    /// The documents that a stage gets.
    pub(crate) fn stored(ids: IdKind) -> Self {
        Self::within("", ids)
    }

    /// The document within a member of what a stage gets.
    pub(crate) fn member(name: &str, ids: IdKind) -> Self {
        Self::within(&format!("{name}."), ids)
    }

    fn within(path: &str, ids: IdKind) -> Self {
        Self {
            prefix: format!("${path}"),
            ids: Some(ids),
            depth: 0,
        }
    }

    /// An element of an array, and the name of the variable that has it.
    pub(crate) fn element(&self) -> (String, Self) {
        let name = format!("element{}", self.depth);
        let element = Self {
            prefix: format!("$${name}."),
            ids: None,
            depth: self.depth + 1,
        };
        (name, element)
    }

    /// The id; none in an object.
    pub(crate) fn id(&self) -> Option<Bson> {
        self.ids
            .map(|_| format!("{}{}", self.prefix, ids::ID).into())
    }

    /// The value of a member of the document itself.
    pub(crate) fn field(&self, name: &str) -> Bson {
        format!("{}{name}", self.prefix).into()
    }

    /// The value at a path, null where there is none.
    pub(crate) fn value(&self, path: &MemberPath) -> Bson {
        if !self.has(path) {
            return Bson::Null;
        }
        let value = doc! { "$ifNull": [self.field(&path.names.join(".")), Bson::Null] };
        match self.leads_through_objects(path) {
            Some(condition) => doc! { "$cond": [condition, value, Bson::Null] }.into(),
            None => value.into(),
        }
    }

    /// Whether there is no value at a path.
    pub(crate) fn lacks(&self, path: &MemberPath) -> Bson {
        if !self.has(path) {
            return true.into();
        }
        let is_missing = match self.depth {
            0 => has_type(&self.field(&path.names.join(".")), &["missing"]),
            // Not every server tells a missing member of a variable from one that is null.
            _ => self.has_no_member(path),
        };
        match self.leads_through_objects(path) {
            Some(condition) => doc! { "$cond": [condition, is_missing, true] }.into(),
            None => is_missing,
        }
    }

    fn has_no_member(&self, path: &MemberPath) -> Bson {
        let (name, around) = path.names.split_last().unzip();
        let around = self.around(around.unwrap_or_default());
        let names = doc! { "$map": {
            "input": { "$objectToArray": around }, "as": "member", "in": "$$member.k",
        } };
        doc! { "$not": [{ "$in": [literal(name.cloned().unwrap_or_default()), names] }] }.into()
    }

    fn around(&self, names: &[String]) -> Bson {
        match names {
            [] => self.prefix.trim_end_matches('.').into(),
            names => self.field(&names.join(".")),
        }
    }

    /// Whether what is around the last member are objects, where that is not certain.
    fn leads_through_objects(&self, path: &MemberPath) -> Option<Bson> {
        // A document itself is one.
        let first = usize::from(self.depth == 0);
        let around = (first..path.names.len())
            .map(|length| has_type(&self.around(&path.names[..length]), &["object"]));
        let around: Vec<Bson> = around.collect();
        (!around.is_empty()).then(|| doc! { "$and": around }.into())
    }

    /// Whether there can be something at a path: what the store keeps for itself is no member,
    /// and a name that MongoDB would not take for one leads nowhere.
    pub(crate) fn has(&self, path: &MemberPath) -> bool {
        let is_name = |name: &String| {
            !name.is_empty() && !name.starts_with('$') && !name.contains(['.', '\0'])
        };
        let is_own = |name: &String| self.ids.is_some_and(|kind| ids::is_own(kind, name));
        path.names.iter().all(is_name) && !path.names.first().is_none_or(is_own)
    }
}
