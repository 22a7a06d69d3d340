//! One batch of an import, stored once however often it is sent.

use std::collections::HashSet;
use std::sync::Arc;

use bson::RawDocumentBuf;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, doc};
use mongodb::error::{ErrorKind, IndexedWriteError};

use super::super::calls::Kind;
use super::super::interruptions::Interruptions;
use super::super::{Connection, document, failure, ids};
use super::Documents;
use resources::schema::{Id, ResourceType};
use resources::store::Outcomes;
use resources::store::{NewResource, Refusal, StoreError};

/// The rows of a batch, as far as they can be documents.
pub(super) struct Batch {
    /// What came of each row.
    outcomes: Outcomes,
    ids: Vec<Id>,
    documents: Vec<RawDocumentBuf>,
    /// The row of each document.
    rows: Vec<usize>,
    in_order: bool,
}

impl Batch {
    /// The documents are made once, so that each attempt sends the same.
    pub(super) fn of(
        of: &ResourceType,
        ids: Vec<Id>,
        rows: &[NewResource],
        in_order: bool,
    ) -> Self {
        let mut batch = Self {
            outcomes: vec![Ok(()); rows.len()],
            documents: Vec::with_capacity(rows.len()),
            rows: Vec::with_capacity(rows.len()),
            ids,
            in_order,
        };
        for (position, (row, id)) in rows.iter().zip(&batch.ids).enumerate() {
            match document::new(of, id, &row.attributes) {
                Ok(document) => {
                    batch.documents.push(document);
                    batch.rows.push(position);
                }
                Err(refusal) => {
                    batch.outcomes[position] = Err(refusal);
                    if in_order {
                        break;
                    }
                }
            }
        }
        batch
    }

    pub(super) fn documents(&self) -> &[RawDocumentBuf] {
        &self.documents
    }

    /// Leaves out these documents, whose places are in their order.
    pub(super) fn refuse(&mut self, refused: Vec<(usize, Refusal)>) {
        for (place, refusal) in refused.into_iter().rev() {
            self.documents.remove(place);
            self.outcomes[self.rows.remove(place)] = Err(refusal);
        }
    }

    /// Stores the documents, again and again while the server is away or busy for a while.
    pub(super) async fn store(
        mut self,
        store: &Connection,
        of: &ResourceType,
        target: &Documents,
    ) -> Result<Outcomes, StoreError> {
        let documents = Arc::new(std::mem::take(&mut self.documents));
        let mut interruptions = Interruptions::default();
        let mut sent_before = false;
        let errors = loop {
            let (target, documents) = (target.clone(), documents.clone());
            let attempt = attempt(target, documents, self.in_order, sent_before);
            match store.calls.run(Kind::Write, attempt).await {
                Ok(errors) => break errors,
                Err(error) => interruptions.wait(error, "an import").await?,
            }
            sent_before = true;
        };
        for error in errors {
            let row = self.rows[error.index];
            self.outcomes[row] = Err(match failure::refused_document(error.code) {
                Some(refusal) => refusal,
                None => failure::duplicate_key(of, &self.ids[row], &error.message),
            });
        }
        let first_refused = self.outcomes.iter().position(Result::is_err);
        if let Some(last) = first_refused.filter(|_| self.in_order) {
            self.outcomes.truncate(last + 1);
        }
        Ok(self.outcomes)
    }
}

/// Sends what is not there yet; the errors are those of single documents.
///
/// Whether an attempt before this one has stored a document is seen by its being there just as
/// it was sent: its id is the import's own, or nobody could tell the difference.
async fn attempt(
    target: Documents,
    documents: Arc<Vec<RawDocumentBuf>>,
    in_order: bool,
    sent_before: bool,
) -> Result<Vec<IndexedWriteError>, StoreError> {
    let mut pending: Vec<usize> = (0..documents.len()).collect();
    loop {
        if sent_before {
            let there = already_there(&target, &documents, &pending).await?;
            pending.retain(|place| !there.contains(place));
        }
        let mut sent = pending.clone();
        if sent.is_empty() && sent_before {
            // That all are there is known when they are where the write concern wants them.
            sent.extend(documents.len().checked_sub(1));
        }
        let mut errors = insert(&target, &documents, &sent, in_order).await?;
        for error in &mut errors {
            error.index = sent[error.index];
        }
        errors.retain(|error| pending.contains(&error.index));
        if sent_before {
            // What was sent before may have been on its way, and arrived just now.
            let in_the_way: Vec<usize> = errors.iter().map(|error| error.index).collect();
            if !already_there(&target, &documents, &in_the_way)
                .await?
                .is_empty()
            {
                continue;
            }
        }
        return Ok(errors);
    }
}

/// Which of these documents are stored. Of several that are the same, only the first can be.
async fn already_there(
    target: &Documents,
    documents: &[RawDocumentBuf],
    places: &[usize],
) -> Result<HashSet<usize>, StoreError> {
    let id = |place: &usize| {
        let id = documents[*place].get(ids::ID).ok().flatten()?;
        Bson::try_from(id).ok()
    };
    let all: Vec<Bson> = places.iter().filter_map(id).collect();
    if all.is_empty() {
        return Ok(HashSet::new());
    }
    let read = |error| failure::of_read(&error);
    let found = target.find(doc! { ids::ID: { "$in": all } });
    let found: Vec<RawDocumentBuf> = found
        .await
        .map_err(read)?
        .try_collect()
        .await
        .map_err(read)?;
    let mut found: HashSet<&[u8]> = found.iter().map(|one| one.as_bytes()).collect();
    let firsts = documents.iter().enumerate();
    let there = firsts.filter(|(_, document)| found.remove(document.as_bytes()));
    let places: HashSet<usize> = places.iter().copied().collect();
    Ok(there
        .map(|(place, _)| place)
        .filter(|place| places.contains(place))
        .collect())
}

/// The errors that lie in single documents; anything else fails the batch.
async fn insert(
    target: &Documents,
    documents: &[RawDocumentBuf],
    places: &[usize],
    in_order: bool,
) -> Result<Vec<IndexedWriteError>, StoreError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let sent = places.iter().map(|place| &documents[*place]);
    let Err(error) = target.insert_many(sent).ordered(in_order).await else {
        return Ok(Vec::new());
    };
    match error.kind.as_ref() {
        ErrorKind::InsertMany(many) if many.write_concern_error.is_none() => {
            let errors = many.write_errors.clone().unwrap_or_default();
            match errors.iter().find(|error| !is_of_the_document(error.code)) {
                Some(other) => Err(failure::of_write_error(other.code, &error)),
                None => Ok(errors),
            }
        }
        ErrorKind::InsertMany(_) => Err(StoreError::OutcomeUnknown(failure::text(&error))),
        _ => Err(failure::of_write(&error)),
    }
}

fn is_of_the_document(code: i32) -> bool {
    code == failure::DUPLICATE_KEY || failure::refused_document(code).is_some()
}
