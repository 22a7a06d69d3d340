//! One unit of work inside the transaction of the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, ErrorCode, OptionalExtension};
use serde_json::Value;

use super::super::failure;
use super::super::table::{Table, index_name};
use resources::store::{
    Check, NewResource, Operation, Refusal, StoreError, Resource, Write, WriteError, Written,
};
use resources::schema::{Attributes, Id, ResourceType};

/// A refusal is an answer of the store, not a failure of it.
type Attempt<T> = Result<Result<T, Refusal>, StoreError>;

/// Does all writes of a unit or none.
pub(super) fn apply(connection: &Connection, unit: Vec<Write>) -> Result<Vec<Written>, WriteError> {
    run(connection, "SAVEPOINT unit")?;
    // A check is code from outside; its panic must not end the one writer there is.
    let outcome = catch_unwind(AssertUnwindSafe(|| apply_all(connection, unit)))
        .unwrap_or_else(|_| Err(StoreError::Internal("a check panicked".to_owned()).into()));
    if outcome.is_err() && !connection.is_autocommit() {
        run(connection, "ROLLBACK TO unit")?;
    }
    if !connection.is_autocommit() {
        run(connection, "RELEASE unit")?;
    }
    outcome
}

fn apply_all(connection: &Connection, unit: Vec<Write>) -> Result<Vec<Written>, WriteError> {
    unit.into_iter()
        .enumerate()
        .map(|(index, write)| {
            let done = perform(connection, write).map_err(WriteError::Store)?;
            done.map_err(|refusal| WriteError::Refused { index, refusal })
        })
        .collect()
}

fn perform(connection: &Connection, write: Write) -> Attempt<Written> {
    let Write { of, operation } = write;
    let stored = match operation {
        Operation::Insert(new) => insert(connection, &of, new)?,
        Operation::Update { id, changes, check } => update(connection, &of, id, changes, &check)?,
        Operation::Replace { id, attributes } => {
            replace(connection, &of, id, Value::Object(attributes).to_string())?
        }
        Operation::Delete { id } => {
            let deleted = connection
                .prepare_cached(&Table::of(&of).delete())
                .and_then(|mut statement| statement.execute([&id]))
                .map_err(failure)?;
            let absent = deleted == 0;
            return Ok(if absent {
                Err(Refusal::Absent(id))
            } else {
                Ok(Written::Deleted)
            });
        }
    };
    Ok(stored.map(Written::Stored))
}

pub(super) fn insert(
    connection: &Connection,
    of: &ResourceType,
    new: NewResource,
) -> Attempt<Resource> {
    let id = match new.id {
        Some(id) => id,
        None => next_integer(connection, of)?,
    };
    let attributes = Value::Object(new.attributes).to_string();
    let inserted = connection
        .prepare_cached(&Table::of(of).insert())
        .and_then(|mut statement| statement.execute((&id, &attributes)));
    if let Err(error) = inserted {
        return refusal(error, of, &id).map(Err);
    }
    if let Id::Integer(number) = id {
        connection
            .prepare_cached(
                "UPDATE collections SET greatest_id = max(greatest_id, ?2) WHERE name = ?1",
            )
            .and_then(|mut statement| statement.execute((&of.collection, number)))
            .map_err(failure)?;
    }
    Ok(Ok(Resource { id, attributes }))
}

fn next_integer(connection: &Connection, of: &ResourceType) -> Result<Id, StoreError> {
    let greatest: i64 = connection
        .prepare_cached("SELECT greatest_id FROM collections WHERE name = ?1")
        .and_then(|mut statement| statement.query_one([&of.collection], |row| row.get(0)))
        .map_err(failure)?;
    let exhausted = || StoreError::Internal("there is no integer id left".to_owned());
    greatest
        .checked_add(1)
        .map(Id::Integer)
        .ok_or_else(exhausted)
}

fn update(
    connection: &Connection,
    of: &ResourceType,
    id: Id,
    changes: Attributes,
    check: &Check,
) -> Attempt<Resource> {
    let current: Option<String> = connection
        .prepare_cached(&Table::of(of).find())
        .and_then(|mut statement| statement.query_row([&id], |row| row.get(0)).optional())
        .map_err(failure)?;
    let Some(text) = current else {
        return Ok(Err(Refusal::Absent(id)));
    };
    let before: Value = serde_json::from_str(&text)
        .map_err(|error| StoreError::Corrupt(format!("the document {id}: {error}")))?;
    let mut after = before.clone();
    if let Value::Object(attributes) = &mut after {
        attributes.extend(changes);
    }
    match check(&before, &after) {
        Ok(()) => replace(connection, of, id, after.to_string()),
        Err(violations) => Ok(Err(Refusal::Invalid(violations))),
    }
}

fn replace(
    connection: &Connection,
    of: &ResourceType,
    id: Id,
    attributes: String,
) -> Attempt<Resource> {
    let replaced = connection
        .prepare_cached(&Table::of(of).replace())
        .and_then(|mut statement| statement.execute((&id, &attributes)));
    match replaced {
        Ok(0) => Ok(Err(Refusal::Absent(id))),
        Ok(_) => Ok(Ok(Resource { id, attributes })),
        Err(error) => refusal(error, of, &id).map(Err),
    }
}

/// SQLite names the index that stands against a write only in its message.
fn refusal(error: rusqlite::Error, of: &ResourceType, id: &Id) -> Result<Refusal, StoreError> {
    if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
        return Err(failure(error));
    }
    let message = error.to_string();
    if message.ends_with(&format!("{}.id", Table::of(of).name)) {
        return Ok(Refusal::IdTaken(id.clone()));
    }
    let index = of.indexes.iter().find(|index| {
        index.unique && message.ends_with(&format!("index '{}'", index_name(of, index)))
    });
    index
        .map(|index| Refusal::NotUnique(index.attribute_names()))
        .ok_or(StoreError::Internal(message))
}

fn run(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .map(|_| ())
        .map_err(failure)
}
