//! What a write does to the resource that is there: decided in one place for every store.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{Change, Presence, Refusal, StoreError, Version, Write, WriteFailure, stored_value};
use crate::query::{Filter, NoRelated};
use crate::schema::Attributes;
use crate::work;

/// What a write leaves in the place of a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum After {
    /// These members alone.
    Replaced(Attributes),
    /// The members that were there, of which some are set anew.
    Updated {
        /// The members that are set.
        members: Attributes,
        /// All members.
        whole: Attributes,
    },
    /// Nothing: the resource goes.
    Removed,
    /// What was there, or nothing if nothing was there.
    Unchanged,
}

impl Write {
    /// Whether [`admit`] must see the resource. Otherwise its presence alone decides, which a
    /// store can find out while it writes.
    #[must_use]
    pub fn needs_current(&self) -> bool {
        let conditional = self.guard.versions.is_some()
            || self.guard.validated
            || self.guard.scope != Filter::Everything
            || !self.kept.is_empty();
        let presence_decides = match self.change {
            Change::Replace(_) => true,
            Change::Delete => self.guard.presence != Presence::MustBeNew,
            Change::Update(_) | Change::Link { .. } | Change::Nothing => false,
        };
        conditional || !presence_decides
    }

    /// Whether [`admit`] takes long where the resource has a text of so many bytes. A store must
    /// not let others wait for that; see [`crate::work`].
    #[must_use]
    pub fn is_large(&self, current_bytes: usize) -> bool {
        let members = match &self.change {
            Change::Replace(members) | Change::Update(members) => members,
            Change::Link { .. } | Change::Delete | Change::Nothing => return false,
        };
        self.guard.validated && (current_bytes > work::LARGE_BYTES || work::is_large(members))
    }
}

/// Decides a write, where `current` is the stored text of its resource, if there is one.
///
/// # Errors
/// A refusal, or [`StoreError::Corrupt`] when the stored text is no JSON object.
pub fn admit(write: &Write, current: Option<&str>) -> Result<After, WriteFailure> {
    let Some(text) = current else {
        return admit_absent(write);
    };
    if write.guard.presence == Presence::MustBeNew {
        return Err(Refusal::IdTaken(write.id.clone()).into());
    }
    if !is_in_scope(write, text)? {
        return admit_absent(write);
    }
    if let Some(expected) = &write.guard.versions {
        let version = Version::of_text(text);
        if !expected.contains(&version) {
            let id = write.id.clone();
            return Err(Refusal::Changed { id, version }.into());
        }
    }
    let mut changes = match &write.change {
        Change::Delete => return Ok(After::Removed),
        Change::Nothing => return Ok(After::Unchanged),
        Change::Replace(members) => return replaced(write, members, text).map(After::Replaced),
        Change::Update(members) => members.clone(),
        Change::Link {
            relationship,
            add,
            remove,
        } => {
            let linked = linked(parse(write, text)?.get(relationship), add, remove);
            Attributes::from_iter([(relationship.clone(), linked)])
        }
    };
    let before = parse(write, text)?;
    let mut whole = before.clone();
    whole.extend(changes.clone());
    if whole != before {
        changes.extend(write.stamps.clone());
        whole.extend(write.stamps.clone());
    }
    if write.guard.validated {
        validate(write, &changes, &before, &whole)?;
    }
    Ok(After::Updated {
        members: changes,
        whole,
    })
}

/// The members that stand in the place of all but those that are kept.
fn replaced(write: &Write, members: &Attributes, text: &str) -> Result<Attributes, WriteFailure> {
    if !write.guard.validated && write.kept.is_empty() {
        return Ok(members.clone());
    }
    let before = parse(write, text)?;
    let mut whole = members.clone();
    for name in &write.kept {
        if let Some(value) = before.get(name) {
            whole.insert(name.clone(), value.clone());
        }
    }
    if !write.kept.is_empty() && whole != before {
        whole.extend(write.stamps.clone());
    }
    if write.guard.validated {
        let schema = &write.resource_type.attributes;
        whole = schema.validate(whole).map_err(Refusal::Invalid)?;
    }
    Ok(whole)
}

/// A scope is local: what is related cannot be seen from within a write.
fn is_in_scope(write: &Write, text: &str) -> Result<bool, StoreError> {
    let scope = &write.guard.scope;
    if *scope == Filter::Everything {
        return Ok(true);
    }
    if !scope.is_local() {
        let text = "the scope of a write reaches through relationships";
        return Err(StoreError::Internal(text.to_owned()));
    }
    let members = Value::Object(parse(write, text)?);
    Ok(scope.matches(&write.id, &members, &NoRelated))
}

fn admit_absent(write: &Write) -> Result<After, WriteFailure> {
    let absent = || Err(Refusal::Absent(write.id.clone()).into());
    if write.guard.presence == Presence::MustExist || write.guard.versions.is_some() {
        return absent();
    }
    match &write.change {
        Change::Replace(members) => Ok(After::Replaced(members.clone())),
        Change::Delete | Change::Nothing => Ok(After::Unchanged),
        Change::Update(_) | Change::Link { .. } => absent(),
    }
}

fn parse(write: &Write, text: &str) -> Result<Attributes, StoreError> {
    stored_value(text)
        .map_err(|error| StoreError::Corrupt(format!("the resource {}: {error}", write.id)))
}

fn validate(
    write: &Write,
    changes: &Attributes,
    before: &Attributes,
    after: &Attributes,
) -> Result<(), Refusal> {
    let named: BTreeSet<String> = changes.keys().cloned().collect();
    let (before, after) = (Value::Object(before.clone()), Value::Object(after.clone()));
    let schema = &write.resource_type.attributes;
    schema
        .validate_change(&named, &before, &after)
        .map_err(Refusal::Invalid)
}

/// The members of a to-many relationship after some have joined and some have left.
fn linked(current: Option<&Value>, add: &[Value], remove: &[Value]) -> Value {
    let mut linked: Vec<Value> = match current {
        Some(Value::Array(ids)) => ids.clone(),
        _ => Vec::new(),
    };
    let texts = |ids: &[Value]| ids.iter().map(Value::to_string).collect::<HashSet<_>>();
    let leaving = texts(remove);
    linked.retain(|id| !leaving.contains(&id.to_string()));
    let mut present = texts(&linked);
    let joining = add.iter().filter(|id| present.insert(id.to_string()));
    linked.extend(joining.cloned());
    Value::Array(linked)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::schema::{self, Id, ResourceType};

    fn books() -> Arc<ResourceType> {
        let text = "type: books\nid: integer\nattributes:\n  type: object\n  properties:\n    \
                    pages: {type: integer}\n";
        Arc::new(schema::parse(text).unwrap())
    }

    fn members(value: Value) -> Attributes {
        match value {
            Value::Object(members) => members,
            other => panic!("not an object: {other}"),
        }
    }

    fn refusal(outcome: Result<After, WriteFailure>) -> Refusal {
        match outcome {
            Err(WriteFailure::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn an_update_sets_what_it_names_and_keeps_positions() {
        let write = Write::update(&books(), Id::Integer(1), members(json!({"b": 2, "c": 3})));
        let After::Updated { whole, .. } = admit(&write, Some(r#"{"b":1,"a":1}"#)).unwrap() else {
            panic!("not an update")
        };
        assert_eq!(Value::Object(whole).to_string(), r#"{"b":2,"a":1,"c":3}"#);
    }

    #[test]
    fn an_update_answers_for_its_own_violations() {
        let write = Write::update(&books(), Id::Integer(1), members(json!({"pages": "many"})));
        let refusal = refusal(admit(&write, Some("{}")));
        assert!(matches!(refusal, Refusal::Invalid(violations) if violations.len() == 1));
    }

    #[test]
    fn another_version_is_refused_and_told() {
        let mut write = Write::delete(&books(), Id::Integer(1));
        write.guard.versions = Some(vec![Version::of_text("{}")]);
        assert_eq!(admit(&write, Some("{}")).unwrap(), After::Removed);
        let version = Version::of_text(r#"{"a":1}"#);
        let id = Id::Integer(1);
        assert_eq!(
            refusal(admit(&write, Some(r#"{"a":1}"#))),
            Refusal::Changed { id, version }
        );
        assert_eq!(
            refusal(admit(&write, None)),
            Refusal::Absent(Id::Integer(1))
        );
    }

    #[test]
    fn presence_decides_what_absence_means() {
        let mut write = Write::replace(&books(), Id::Integer(1), members(json!({"a": 1})));
        assert_eq!(
            refusal(admit(&write, None)),
            Refusal::Absent(Id::Integer(1))
        );
        write.guard.presence = Presence::Either;
        assert!(matches!(admit(&write, None), Ok(After::Replaced(_))));
        write.guard.presence = Presence::MustBeNew;
        assert_eq!(
            refusal(admit(&write, Some("{}"))),
            Refusal::IdTaken(Id::Integer(1))
        );
        let nothing = Write::exists(&books(), Id::Integer(1));
        assert_eq!(admit(&nothing, Some("{}")).unwrap(), After::Unchanged);
        assert_eq!(
            refusal(admit(&nothing, None)),
            Refusal::Absent(Id::Integer(1))
        );
    }

    #[test]
    fn a_replacement_leaves_what_it_keeps() {
        let mut write = Write::replace(&books(), Id::Integer(1), members(json!({"a": 2})));
        write.kept = vec!["k".to_owned(), "absent".to_owned()];
        write.stamps = members(json!({"at": "now"}));
        assert!(write.needs_current());
        let After::Replaced(after) = admit(&write, Some(r#"{"k":1,"a":1,"b":1}"#)).unwrap() else {
            panic!("not a replacement")
        };
        assert_eq!(Value::Object(after), json!({"a": 2, "k": 1, "at": "now"}));
    }

    #[test]
    fn what_is_stamped_is_set_by_a_change_that_changes_something() {
        let stamped = |mut write: Write| {
            write.stamps = members(json!({"at": "now"}));
            match admit(&write, Some(r#"{"a":1,"tags":[1]}"#)).unwrap() {
                After::Updated { members, whole } => {
                    assert_eq!(members.get("at"), whole.get("at"));
                    whole.contains_key("at")
                }
                other => panic!("{other:?}"),
            }
        };
        let update = |value| Write::update(&books(), Id::Integer(1), members(value));
        let link = |id: i64| {
            let mut link = update(json!({}));
            link.change = Change::Link {
                relationship: "tags".to_owned(),
                add: vec![json!(id)],
                remove: Vec::new(),
            };
            link
        };
        assert!(stamped(update(json!({"a": 2}))) && stamped(link(2)));
        assert!(!stamped(update(json!({"a": 1}))) && !stamped(link(1)));
    }

    #[test]
    fn links_are_never_doubled_and_absent_ones_leave_silently() {
        let mut write = Write::update(&books(), Id::Integer(1), Attributes::new());
        write.change = Change::Link {
            relationship: "tags".to_owned(),
            add: vec![json!(3), json!(1)],
            remove: vec![json!(2), json!(9)],
        };
        let After::Updated { members, .. } = admit(&write, Some(r#"{"tags":[1,2]}"#)).unwrap()
        else {
            panic!("not an update")
        };
        assert_eq!(members["tags"], json!([1, 3]));
    }
}
