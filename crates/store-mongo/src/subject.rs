//! What the expressions of an aggregation look at: a document, or an object within one.

use mongodb::bson::{Bson, doc};
use resources::query::MemberPath;
use resources::schema::IdKind;

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

    /// The value at a path, missing where the path leads through something else than objects, as
    /// it would in an array.
    pub(crate) fn value(&self, path: &MemberPath) -> Bson {
        let nothing = Bson::from("$$REMOVE");
        if !self.has(path) {
            return nothing;
        }
        let value = self.field(&path.names.join("."));
        if path.names.len() == 1 {
            return value;
        }
        let are_objects = (1..path.names.len()).map(|length| {
            let around = self.field(&path.names[..length].join("."));
            doc! { "$eq": [{ "$type": around }, "object"] }
        });
        let are_objects: Vec<_> = are_objects.collect();
        doc! { "$cond": [{ "$and": are_objects }, value, nothing] }.into()
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
