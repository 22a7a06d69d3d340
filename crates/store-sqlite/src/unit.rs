//! One unit of work inside the transaction of the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use resources::schema::{Attributes, Id, ResourceType};
use resources::store::{
    Absence, After, Change, Presence, Refusal, Resource, StoreError, Unit, Write, WriteError,
    WriteFailure, Written, admit,
};
use rusqlite::ErrorCode;

use super::checksum::checksum;
use super::failure::failure;
use super::id::SqlId;
use super::indexes::index_name;
use super::keys;
use super::selection;
use super::session::Session;
use super::sql::{Parameters, Row as Selected};
use super::table::Collection;

/// What becomes of a resource with this text.
pub(super) struct Decision {
    pub(super) current: String,
    pub(super) after: After,
}

/// For each write of a unit, what was decided about it, if anything.
pub(super) type Decisions = Vec<Option<Arc<Decision>>>;

/// Why a unit was not done.
pub(super) enum Undone {
    Failed(WriteError),
    /// The write at `index` is large, and what becomes of `current` is to be decided elsewhere.
    Undecided {
        index: usize,
        current: String,
    },
}

impl From<WriteError> for Undone {
    fn from(error: WriteError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Does all writes of a unit or none.
pub(super) fn apply(
    session: &Session,
    unit: &Unit,
    decisions: &Decisions,
) -> Result<Vec<Written>, Undone> {
    session.execute("SAVEPOINT unit")?;
    // The validation of JSON Schema is foreign code; its panic must not end the one writer.
    let outcome = catch_unwind(AssertUnwindSafe(|| apply_all(session, unit, decisions)))
        .unwrap_or_else(|_| Err(StoreError::Internal("a write panicked".to_owned()).into()));
    // A failure may have ended the whole transaction, and the savepoint with it.
    if !session.connection.is_autocommit() {
        if outcome.is_err() {
            session.execute("ROLLBACK TO unit")?;
        }
        session.execute("RELEASE unit")?;
    }
    outcome
}

fn apply_all(
    session: &Session,
    unit: &Unit,
    decisions: &Decisions,
) -> Result<Vec<Written>, Undone> {
    if let Some(key) = &unit.key {
        let met = keys::met(&session.connection, key).map_err(failure)?;
        met.map_or(Ok(()), |refusal| Err(WriteError::Key(refusal)))?;
    }
    let mut all = Vec::with_capacity(unit.writes.len());
    for (index, write) in unit.writes.iter().enumerate() {
        let decision = decisions.get(index).and_then(Option::as_deref);
        let written = match perform(session, write, decision) {
            Ok(Performed::Done(written)) => written,
            Ok(Performed::Undecided(current)) => {
                return Err(Undone::Undecided { index, current });
            }
            Err(failure) => return Err(failure.at(index).into()),
        };
        all.push(written);
    }
    for absence in &unit.absences {
        if !holds(session, absence)? {
            let refusal = Refusal::Referenced(absence.resource_type.name.clone());
            let index = unit.writes.len().saturating_sub(1);
            return Err(WriteFailure::Refused(refusal).at(index).into());
        }
    }
    if let Some(key) = &unit.key {
        keys::keep(session, key, &all)?;
    }
    Ok(all)
}

fn holds(session: &Session, absence: &Absence) -> Result<bool, StoreError> {
    let (resource_type, filter) = (&absence.resource_type, &absence.filter);
    let (row, mut parameters) = (Selected::wanted(resource_type), Parameters::default());
    let count = selection::count(&mut parameters, &row, filter, 0);
    let passing = session
        .connection
        .prepare_cached(&count)
        .and_then(|mut statement| statement.query_one(parameters.values(), |row| row.get(0)));
    let passing: u64 = passing.map_err(failure)?;
    Ok(passing == 0)
}

enum Performed {
    Done(Written),
    /// A large write, of which nothing is decided for this text.
    Undecided(String),
}

fn perform(
    session: &Session,
    write: &Write,
    decision: Option<&Decision>,
) -> Result<Performed, WriteFailure> {
    if write.needs_current() {
        return perform_on_current(session, write, decision);
    }
    let row = Row::new(session, &write.resource_type, &write.id);
    let written = match (&write.change, write.guard.presence) {
        (Change::Replace(members), Presence::MustBeNew) => row.insert(members),
        (Change::Replace(members), Presence::MustExist) => row.replace(members),
        (Change::Replace(members), Presence::Either) => row.put(members),
        (_, presence) => row.delete(presence),
    };
    written.map(Performed::Done)
}

fn perform_on_current(
    session: &Session,
    write: &Write,
    decision: Option<&Decision>,
) -> Result<Performed, WriteFailure> {
    let row = Row::new(session, &write.resource_type, &write.id);
    let current = row.collection.text(&session.connection, row.id);
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
    session: &Session,
    resource_type: &ResourceType,
    id: &Id,
    members: &Attributes,
) -> Result<(), WriteFailure> {
    Row::new(session, resource_type, id)
        .insert(members)
        .map(drop)
}

/// The row of one resource, whether it is there or not.
struct Row<'a> {
    session: &'a Session,
    collection: Collection,
    resource_type: &'a ResourceType,
    id: &'a Id,
}

impl<'a> Row<'a> {
    fn new(session: &'a Session, resource_type: &'a ResourceType, id: &'a Id) -> Self {
        Self {
            session,
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
            .session
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
            .session
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
        self.session.counters.raise(collection, *number);
        let raise = "UPDATE collections SET greatest_id = max(greatest_id, ?2) WHERE name = ?1";
        self.session
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
