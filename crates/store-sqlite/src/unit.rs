//! One unit of work inside the transaction of the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use resources::schema::{Attributes, Id, ResourceType};
use resources::store::{
    After, Change, Presence, Refusal, Resource, StoreError, Write, WriteFailure, Written, admit,
};
use rusqlite::ErrorCode;

use super::checksum::checksum;
use super::collection::{Collection, index_name};
use super::failure::failure;
use super::id::SqlId;
use super::large::{Decision, Decisions, Undone};
use super::writer::Desk;

/// Does all writes of a unit or none.
pub(super) fn apply(
    desk: &Desk,
    unit: &[Write],
    decisions: &Decisions,
) -> Result<Vec<Written>, Undone> {
    desk.execute("SAVEPOINT unit")?;
    // The validation of JSON Schema is foreign code; its panic must not end the one writer.
    let outcome = catch_unwind(AssertUnwindSafe(|| apply_all(desk, unit, decisions)))
        .unwrap_or_else(|_| Err(StoreError::Internal("a write panicked".to_owned()).into()));
    // A failure may have ended the whole transaction, and the savepoint with it.
    if !desk.connection.is_autocommit() {
        if outcome.is_err() {
            desk.execute("ROLLBACK TO unit")?;
        }
        desk.execute("RELEASE unit")?;
    }
    outcome
}

fn apply_all(desk: &Desk, unit: &[Write], decisions: &Decisions) -> Result<Vec<Written>, Undone> {
    let mut all = Vec::with_capacity(unit.len());
    for (index, write) in unit.iter().enumerate() {
        let decision = decisions.get(index).and_then(Option::as_deref);
        let written = match perform(desk, write, decision) {
            Ok(Performed::Done(written)) => written,
            Ok(Performed::Undecided(current)) => {
                return Err(Undone::Undecided { index, current });
            }
            Err(failure) => return Err(failure.at(index).into()),
        };
        all.push(written);
    }
    Ok(all)
}

enum Performed {
    Done(Written),
    /// A large write, of which nothing is decided for this text.
    Undecided(String),
}

fn perform(
    desk: &Desk,
    write: &Write,
    decision: Option<&Decision>,
) -> Result<Performed, WriteFailure> {
    if write.needs_current() {
        return perform_on_current(desk, write, decision);
    }
    let row = Row::new(desk, &write.resource_type, &write.id);
    let written = match (&write.change, write.guard.presence) {
        (Change::Replace(members), Presence::MustBeNew) => row.insert(members),
        (Change::Replace(members), Presence::MustExist) => row.replace(members),
        (Change::Replace(members), Presence::Either) => row.put(members),
        (_, presence) => row.delete(presence),
    };
    written.map(Performed::Done)
}

fn perform_on_current(
    desk: &Desk,
    write: &Write,
    decision: Option<&Decision>,
) -> Result<Performed, WriteFailure> {
    let row = Row::new(desk, &write.resource_type, &write.id);
    let current = row.collection.text(&desk.connection, row.id);
    let current = current.map_err(failure)?;
    let decided = match (decision, current) {
        (Some(decision), Some(current)) if decision.current == current => &decision.after,
        (_, Some(current)) if write.is_large(current.len()) => {
            return Ok(Performed::Undecided(current));
        }
        (_, current) => &admit(write, current.as_deref())?,
    };
    let written = match decided {
        // What presence asks for holds already.
        After::Replaced(members) => row.put(members),
        After::Updated { whole: members, .. } => row.replace(members),
        After::Removed => row.delete(Presence::MustExist),
        After::Unchanged => Ok(Written::Unchanged),
    };
    written.map(Performed::Done)
}

/// Stores a new resource.
pub(super) fn insert(
    desk: &Desk,
    resource_type: &ResourceType,
    id: &Id,
    members: &Attributes,
) -> Result<(), WriteFailure> {
    Row::new(desk, resource_type, id).insert(members).map(drop)
}

/// The row of one resource, whether it is there or not.
struct Row<'a> {
    desk: &'a Desk,
    collection: Collection,
    resource_type: &'a ResourceType,
    id: &'a Id,
}

impl<'a> Row<'a> {
    fn new(desk: &'a Desk, resource_type: &'a ResourceType, id: &'a Id) -> Self {
        Self {
            desk,
            collection: Collection::new(resource_type),
            resource_type,
            id,
        }
    }

    fn insert(&self, members: &Attributes) -> Result<Written, WriteFailure> {
        let (_, written) = self.store(&self.collection.insert(), members)?;
        self.note_integer()?;
        Ok(written)
    }

    fn replace(&self, members: &Attributes) -> Result<Written, WriteFailure> {
        match self.store(&self.collection.replace(), members)? {
            (0, _) => Err(Refusal::Absent(self.id.clone()).into()),
            (_, written) => Ok(written),
        }
    }

    fn put(&self, members: &Attributes) -> Result<Written, WriteFailure> {
        let (_, written) = self.store(&self.collection.put(), members)?;
        self.note_integer()?;
        Ok(written)
    }

    /// How many rows were changed, and what the resource is then.
    fn store(&self, sql: &str, members: &Attributes) -> Result<(usize, Written), WriteFailure> {
        let text = serde_json::to_string(members);
        let text = text.map_err(|error| StoreError::Internal(error.to_string()))?;
        let changed = self
            .desk
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| {
                statement.execute((SqlId(self.id), &text, checksum(self.id, &text)))
            });
        let changed = changed.map_err(|error| self.refusal(error))?;
        let id = self.id.clone();
        Ok((changed, Written::Stored(Resource { id, text })))
    }

    fn delete(&self, presence: Presence) -> Result<Written, WriteFailure> {
        let deleted = self
            .desk
            .connection
            .prepare_cached(&self.collection.delete())
            .and_then(|mut statement| statement.execute([SqlId(self.id)]))
            .map_err(failure)?;
        match (deleted, presence) {
            (0, Presence::MustExist) => Err(Refusal::Absent(self.id.clone()).into()),
            (0, _) => Ok(Written::Unchanged),
            _ => Ok(Written::Deleted),
        }
    }

    /// Keeps an integer id from being given out, now and after a restart.
    fn note_integer(&self) -> Result<(), StoreError> {
        let Id::Integer(number) = self.id else {
            return Ok(());
        };
        let collection = &self.resource_type.collection;
        self.desk.counters.raise(collection, *number);
        let raise = "UPDATE collections SET greatest_id = max(greatest_id, ?2) WHERE name = ?1";
        self.desk
            .connection
            .prepare_cached(raise)
            .and_then(|mut statement| statement.execute((collection, number)))
            .map(drop)
            .map_err(failure)
    }

    /// SQLite names the violated index only in its message.
    fn refusal(&self, error: rusqlite::Error) -> WriteFailure {
        if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
            return failure(error).into();
        }
        let message = error.to_string();
        if message.ends_with(&format!("{}.id", self.collection.table)) {
            return Refusal::IdTaken(self.id.clone()).into();
        }
        let index = self.resource_type.indexes.iter().find(|index| {
            let name = index_name(self.resource_type, index);
            index.unique && message.ends_with(&format!("index '{name}'"))
        });
        match index {
            Some(index) => Refusal::NotUnique(index.attribute_names()).into(),
            None => StoreError::Internal(message).into(),
        }
    }
}
