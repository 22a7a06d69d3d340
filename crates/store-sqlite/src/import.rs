//! An import while it runs; other writes wait.

use std::sync::Arc;

use resources::schema::ResourceType;
use resources::store::{
    ImportMode, NewResource, Outcomes, Refusal, Step, StoreError, WriteFailure,
};
use tokio::sync::mpsc;

use super::changes;
use super::failure::failure;
use super::session::Session;
use super::unit;

/// Takes the steps of an import to its end.
pub(super) fn run(
    session: &Session,
    resource_type: &Arc<ResourceType>,
    mode: ImportMode,
    steps: &mut mpsc::Receiver<Step>,
) {
    let import = Running {
        session,
        resource_type,
        mode,
    };
    let mut broken = import.begin().err();
    while let Some(step) = steps.blocking_recv() {
        if let Some(error) = broken.take() {
            step.fail(error);
            break;
        }
        match step {
            Step::Insert(rows, reply) => {
                let outcome = import.insert(rows);
                broken = import.end_after(&outcome);
                let _ = reply.send(outcome);
            }
            Step::Commit(reply) => {
                let _ = reply.send(import.commit());
                break;
            }
            Step::Abandon => break,
        }
    }
    session.roll_back();
}

struct Running<'a> {
    session: &'a Session,
    resource_type: &'a Arc<ResourceType>,
    mode: ImportMode,
}

impl Running<'_> {
    fn is_whole(&self) -> bool {
        self.mode == ImportMode::AllOrNothing
    }

    fn begin(&self) -> Result<(), StoreError> {
        if self.is_whole() {
            self.session.execute("BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    fn insert(&self, rows: Vec<NewResource>) -> Result<Outcomes, StoreError> {
        if self.is_whole() {
            self.insert_all(rows)
        } else {
            self.session.in_transaction(|| self.insert_all(rows))
        }
    }

    fn insert_all(&self, rows: Vec<NewResource>) -> Result<Outcomes, StoreError> {
        changes::trim(self.session).map_err(failure)?;
        let mut outcomes = Outcomes::with_capacity(rows.len());
        for row in rows {
            let outcome = self.insert_one(row);
            self.session.still_in_transaction()?;
            let outcome = outcome?;
            let ends = self.mode != ImportMode::EachBatch && outcome.is_err();
            outcomes.push(outcome);
            if ends {
                break;
            }
        }
        Ok(outcomes)
    }

    fn insert_one(&self, row: NewResource) -> Result<Result<(), Refusal>, StoreError> {
        let NewResource { id, attributes } = row;
        match unit::insert(self.session, self.resource_type, &id, &attributes) {
            Ok(()) => Ok(Ok(())),
            Err(WriteFailure::Refused(refusal)) => Ok(Err(refusal)),
            Err(WriteFailure::Store(error)) => Err(error),
        }
    }

    /// The reason why the import ends with this outcome, if it does. An import of all or nothing
    /// must leave nothing behind, whatever its caller does next.
    fn end_after(&self, outcome: &Result<Outcomes, StoreError>) -> Option<StoreError> {
        let ended = match outcome {
            Err(error) => Some(error.clone()),
            Ok(outcomes) if self.is_whole() && outcomes.iter().any(Result::is_err) => Some(
                StoreError::Internal("the import has ended with a row that was refused".to_owned()),
            ),
            Ok(_) => None,
        };
        if ended.is_some() {
            self.session.roll_back();
        }
        ended
    }

    fn commit(&self) -> Result<(), StoreError> {
        if self.is_whole() {
            self.session.commit()?;
        }
        Ok(())
    }
}
