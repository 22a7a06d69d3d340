//! One batch of an import, stored once however often it is sent.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bson::RawDocumentBuf;
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Bson, doc};
use mongodb::error::{Error, ErrorKind, IndexedWriteError};
use resources::schema::{Id, ResourceType};
use resources::store::{NewResource, Outcomes, Refusal, StoreError};

use crate::connection::Connection;
use crate::failure::{self, of_read, of_write, refusal_of_document};
use crate::{document, ids};

/// The rows of a batch, as far as they can be documents.
pub(super) struct Batch {
    /// What came of each row.
    outcomes: Outcomes,
    ids: Vec<Id>,
    pub(super) documents: Arc<Vec<RawDocumentBuf>>,
    /// The row of each document.
    rows: Vec<usize>,
    /// Whether the first row that is refused ends the batch.
    in_order: bool,
}

impl Batch {
    /// The documents are made once, so that each attempt sends the same.
    pub(super) fn new(resource_type: &ResourceType, rows: &[NewResource], in_order: bool) -> Self {
        let mut outcomes: Outcomes = vec![Ok(()); rows.len()];
        let (mut documents, mut positions) = (Vec::new(), Vec::new());
        for (position, row) in rows.iter().enumerate() {
            match document::new(resource_type, &row.id, &row.attributes) {
                Ok(document) => {
                    documents.push(document);
                    positions.push(position);
                }
                Err(refusal) => {
                    outcomes[position] = Err(refusal);
                    if in_order {
                        break;
                    }
                }
            }
        }
        Self {
            outcomes,
            ids: rows.iter().map(|row| row.id.clone()).collect(),
            documents: Arc::new(documents),
            rows: positions,
            in_order,
        }
    }

    /// Stores the documents, again and again while the server is away or busy for a while.
    pub(super) async fn store(
        self,
        store: &Connection,
        resource_type: &ResourceType,
    ) -> Result<Outcomes, StoreError> {
        let target = store.primary_collection(resource_type);
        let (in_order, sent_before) = (self.in_order, AtomicBool::new(false));
        let errors = store.calls.run_patiently("an import", || {
            let sending = Sending {
                target: target.clone(),
                documents: self.documents.clone(),
                in_order,
                sent_before: sent_before.swap(true, Ordering::Relaxed),
            };
            sending.send()
        });
        let errors = errors.await?;
        Ok(self.outcomes(resource_type, &errors))
    }

    /// What came of each row, where these documents were refused.
    pub(super) fn outcomes(
        mut self,
        resource_type: &ResourceType,
        errors: &[IndexedWriteError],
    ) -> Outcomes {
        for error in errors {
            let row = self.rows[error.index];
            let id = &self.ids[row];
            let refusal = refusal_of_document(resource_type, id, error.code, &error.message);
            self.outcomes[row] = Err(refusal.unwrap_or_else(|| Refusal::IdTaken(id.clone())));
        }
        let first_refused = self.outcomes.iter().position(Result::is_err);
        if let Some(last) = first_refused.filter(|_| self.in_order) {
            self.outcomes.truncate(last + 1);
        }
        self.outcomes
    }
}

/// One attempt to store what is not there yet.
struct Sending {
    target: Collection<RawDocumentBuf>,
    documents: Arc<Vec<RawDocumentBuf>>,
    in_order: bool,
    sent_before: bool,
}

impl Sending {
    /// The errors are those of single documents.
    ///
    /// A stored document that equals the sent one counts as stored by an earlier attempt. Either its
    /// id is the import's own, or the difference cannot be seen.
    async fn send(self) -> Result<Vec<IndexedWriteError>, StoreError> {
        let mut pending: Vec<usize> = (0..self.documents.len()).collect();
        loop {
            if self.sent_before {
                let there = self.already_there(&pending).await?;
                pending.retain(|position| !there.contains(position));
            }
            let mut sent = pending.clone();
            if sent.is_empty() && self.sent_before {
                // One more write proves that all are where the write concern wants them.
                sent.extend(self.documents.len().checked_sub(1));
            }
            let mut errors = self.insert(&sent).await?;
            for error in &mut errors {
                error.index = sent[error.index];
            }
            errors.retain(|error| pending.contains(&error.index));
            if self.sent_before {
                // What was sent before may have arrived just now.
                let refused: Vec<usize> = errors.iter().map(|error| error.index).collect();
                if !self.already_there(&refused).await?.is_empty() {
                    continue;
                }
            }
            return Ok(errors);
        }
    }

    /// Which of these documents are stored. Of several that are the same, only the first can be.
    async fn already_there(&self, positions: &[usize]) -> Result<HashSet<usize>, StoreError> {
        let id = |position: &usize| {
            let id = self.documents[*position].get(ids::ID).ok().flatten()?;
            Bson::try_from(id).ok()
        };
        let all: Vec<Bson> = positions.iter().filter_map(id).collect();
        if all.is_empty() {
            return Ok(HashSet::new());
        }
        let found = self.target.find(doc! { ids::ID: { "$in": all } });
        let found: Vec<RawDocumentBuf> = found
            .await
            .map_err(of_read)?
            .try_collect()
            .await
            .map_err(of_read)?;
        let mut found: HashSet<&[u8]> = found.iter().map(|one| one.as_bytes()).collect();
        let documents = self.documents.iter().enumerate();
        let mut there: HashSet<usize> = documents
            .filter(|(_, document)| found.remove(document.as_bytes()))
            .map(|(position, _)| position)
            .collect();
        there.retain(|position| positions.contains(position));
        Ok(there)
    }

    async fn insert(&self, positions: &[usize]) -> Result<Vec<IndexedWriteError>, StoreError> {
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let sent = positions.iter().map(|position| &self.documents[*position]);
        match self.target.insert_many(sent).ordered(self.in_order).await {
            Ok(_) => Ok(Vec::new()),
            Err(error) => errors_of_documents(error).map_err(of_write),
        }
    }
}

/// The errors that lie in single documents; anything else fails the batch.
pub(super) fn errors_of_documents(error: Error) -> Result<Vec<IndexedWriteError>, Error> {
    match error.kind.as_ref() {
        ErrorKind::InsertMany(many)
            if many.write_concern_error.is_none() && failure::code(&error).is_none() =>
        {
            match &many.write_errors {
                Some(errors) if !errors.is_empty() => Ok(errors.clone()),
                _ => Err(error),
            }
        }
        _ => Err(error),
    }
}
