//! A cursor of the server, from raw batches straight to JSON text.

use std::sync::Arc;

use futures_util::StreamExt;
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, RawArray, RawBson, RawDocument, doc};
use mongodb::options::FindOptions;
use mongodb::raw_batch_cursor::{RawBatch, SessionRawBatchCursor};

use super::calls::Kind;
use super::failure::{self, Failure, read_failure};
use super::{Connection, ids, json};
use resources::schema::ResourceType;
use resources::store::{Resources, StoreError};

/// What a query has found and not yet given, with the session that it belongs to.
pub(super) struct Cursor {
    of: Arc<ResourceType>,
    batches: SessionRawBatchCursor,
    session: ClientSession,
    ended: bool,
    /// The places of the first and the last document of the newest batch that had any.
    ends: Option<(Place, Place)>,
}

/// Where a document stands in the order of its collection: the fields as they are stored, because
/// ids of other kinds than the declared one are known by texts only.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    position: Option<RawBson>,
    pub(super) id: RawBson,
}

impl Place {
    fn of(of: &ResourceType, document: &RawDocument) -> Result<Self, bson::error::Error> {
        let field = |name: &str| -> Result<RawBson, bson::error::Error> {
            Ok(document.get(name)?.map_or(RawBson::Null, Into::into))
        };
        let position = ids::have_position(of).then(|| field(ids::POSITION));
        Ok(Self {
            position: position.transpose()?,
            id: field(ids::ID)?,
        })
    }

    /// The bound of the index of [`ids::order`] from which a query goes on with this document.
    /// There is none where others have stored several positions in one document.
    pub(super) fn bound(&self) -> Option<Document> {
        let mut bound = Document::new();
        match &self.position {
            Some(RawBson::Array(_)) => return None,
            Some(position) => {
                let position = Bson::try_from(position.clone()).ok()?;
                bound.insert(ids::POSITION, position);
            }
            None => {}
        }
        bound.insert(ids::ID, Bson::try_from(self.id.clone()).ok()?);
        Some(bound)
    }
}

impl Cursor {
    /// Asks for the documents of a type; the first batch comes with the answer.
    pub(super) async fn open(
        store: &Connection,
        of: &Arc<ResourceType>,
        mut session: ClientSession,
        options: FindOptions,
    ) -> Result<Self, Failure> {
        let collection = store.collection(of);
        let find = collection.find(doc! {}).with_options(options);
        let batches = find.session(&mut session).batch().await?;
        Ok(Self {
            of: of.clone(),
            batches,
            session,
            ended: false,
            ends: None,
        })
    }

    /// The same in a session of its own, as one call of the store.
    pub(super) async fn open_in_time(
        store: &Arc<Connection>,
        of: &Arc<ResourceType>,
        options: FindOptions,
    ) -> Result<Self, StoreError> {
        let (place, of) = (store.clone(), of.clone());
        let work = async move {
            let session = place.client.start_session().causal_consistency(false).await;
            let session = session.map_err(|error| failure::of_read(&error))?;
            let cursor = Self::open(&place, &of, session, options).await;
            cursor.map_err(read_failure)
        };
        store.calls.run(Kind::Read, work).await
    }

    /// The next batch, or `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Resources>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let next = self.batches.stream(&mut self.session).next().await;
        let Some(batch) = next.transpose()? else {
            self.ended = true;
            return Ok(None);
        };
        self.ended = is_last(&batch);
        Ok(Some(self.resources(&batch)?))
    }

    /// The next batch as one call of the store, and the cursor back.
    pub(super) async fn next_in_time(
        mut self,
        store: &Arc<Connection>,
    ) -> Result<(Self, Option<Resources>), StoreError> {
        let work = async move {
            let batch = self.next().await.map_err(read_failure)?;
            Ok((self, batch))
        };
        store.calls.run(Kind::Read, work).await
    }

    /// Whether the batches so far were all.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The places of the first and the last document of the newest batch that had any.
    pub(super) fn ends(&self) -> Option<&(Place, Place)> {
        self.ends.as_ref()
    }

    /// For more questions of the same moment.
    pub(super) fn session(&mut self) -> &mut ClientSession {
        &mut self.session
    }

    fn resources(&mut self, batch: &RawBatch) -> Result<Resources, Failure> {
        let documents: &RawArray = batch.doc_slices()?;
        let mut first_and_last: Option<(&RawDocument, &RawDocument)> = None;
        // JSON has about as many bytes of punctuation as BSON has of types and lengths.
        let mut text = Vec::with_capacity(documents.as_bytes().len());
        let mut ends = Vec::new();
        for document in documents {
            let document = document.map_err(|error| self.damaged(&error))?;
            let document = document
                .as_document()
                .ok_or_else(|| self.damaged(&"a batch holds something else than documents"))?;
            first_and_last = Some((
                first_and_last.map_or(document, |(first, _)| first),
                document,
            ));
            let id = json::write_resource(&self.of, document, &mut text)?;
            ends.push((id, text.len()));
        }
        let text = String::from_utf8(text).map_err(|error| self.damaged(&error))?;
        if let Some((first, last)) = first_and_last {
            let place = |document| Place::of(&self.of, document);
            let ends = place(first).and_then(|first| Ok((first, place(last)?)));
            self.ends = Some(ends.map_err(|error| self.damaged(&error))?);
        }
        Ok(Resources::of(ends, text))
    }

    fn damaged(&self, what: &dyn std::fmt::Display) -> StoreError {
        StoreError::Corrupt(format!("{}: {what}", self.of.collection))
    }
}

/// The server forgets a cursor with its last batch and gives 0 for its id.
fn is_last(batch: &RawBatch) -> bool {
    let cursor = batch.as_raw_document().get_document("cursor");
    let id = cursor.and_then(|cursor| cursor.get_i64("id"));
    id.is_ok_and(|id| id == 0)
}
