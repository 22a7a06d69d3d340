//! A cursor of the server, from raw batches straight to JSON text.

use std::sync::Arc;

use futures_util::StreamExt;
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, RawArray, RawBson, RawBsonRef, RawDocument};
use mongodb::error::Error;
use mongodb::raw_batch_cursor::{RawBatch, SessionRawBatchCursor};
use resources::schema::ResourceType;
use resources::store::{Resources, StoreError};

use crate::connection::Connection;
use crate::failure::{Intent, of_read};
use crate::json;
use crate::request::Request;

/// What a query has found and not yet given, with the session that it belongs to.
pub(crate) struct Cursor {
    resource_type: Arc<ResourceType>,
    batches: SessionRawBatchCursor,
    session: ClientSession,
    keys: Vec<String>,
    ended: bool,
    cut: bool,
    /// What a batch may hold, in bytes, if it has more than one resource.
    bytes_max: usize,
    ends: Option<(Position, Position)>,
}

/// Where a document stands: the keys by which its collection is sorted, as they are stored, because
/// an id of another BSON type than the declared one is known by its text only.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Position(Vec<(String, RawBson)>);

impl Position {
    fn new(keys: &[String], document: &RawDocument) -> bson::error::Result<Self> {
        let key = |path: &String| Ok((path.clone(), stored(document, path)?));
        keys.iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// The keys. There are none where another program has stored an array in their place, which
    /// MongoDB sorts by one of its elements.
    pub(crate) fn bound(&self) -> Option<Document> {
        let mut bound = Document::new();
        for (path, value) in &self.0 {
            match value {
                RawBson::Array(_) => return None,
                value => bound.insert(path, Bson::try_from(value.clone()).ok()?),
            };
        }
        Some(bound)
    }
}

/// The value at a path, null if it is absent, or the array that is on the way.
fn stored(document: &RawDocument, path: &str) -> bson::error::Result<RawBson> {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    Ok(match document.get(name)? {
        Some(RawBsonRef::Document(inner)) if !rest.is_empty() => stored(inner, rest)?,
        Some(RawBsonRef::Array(array)) => RawBson::Array(array.to_owned()),
        Some(value) if rest.is_empty() => value.into(),
        _ => RawBson::Null,
    })
}

impl Cursor {
    /// Asks for documents of a type; the first batch comes with the answer. `keys` are those by
    /// which they are sorted, where their positions are of interest.
    pub(crate) async fn open(
        store: &Connection,
        resource_type: &Arc<ResourceType>,
        request: Request,
        keys: Vec<String>,
        mut session: ClientSession,
    ) -> Result<Self, Error> {
        let collection = store.collection(resource_type);
        let batches = request.batches(&collection, &mut session).await?;
        Ok(Self {
            resource_type: resource_type.clone(),
            batches,
            session,
            keys,
            ended: false,
            cut: false,
            bytes_max: usize::MAX,
            ends: None,
        })
    }

    /// From now on batches end before they have more bytes, and a batch that was cut is the last.
    pub(crate) fn cut_at(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// Opens a cursor in a session of its own, as one call of the store.
    pub(crate) async fn open_in_time(
        store: &Arc<Connection>,
        resource_type: &Arc<ResourceType>,
        request: Request,
        keys: Vec<String>,
    ) -> Result<Self, StoreError> {
        let (connection, resource_type) = (store.clone(), resource_type.clone());
        let work = async move {
            let session = connection.client.start_session().causal_consistency(false);
            let session = session.await.map_err(of_read)?;
            let opened = Self::open(&connection, &resource_type, request, keys, session);
            opened.await.map_err(of_read)
        };
        store.calls.run(Intent::Read, Box::pin(work)).await
    }

    /// The next batch, or `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Resources>, StoreError> {
        if self.ended || self.cut {
            return Ok(None);
        }
        let next = self.batches.stream(&mut self.session).next().await;
        let Some(batch) = next.transpose().map_err(of_read)? else {
            self.ended = true;
            return Ok(None);
        };
        let resources = self.resources(&batch)?;
        self.ended = !self.cut && is_last(&batch);
        Ok(Some(resources))
    }

    /// The next batch as one call of the store, and the cursor back.
    pub(crate) async fn next_in_time(
        mut self,
        store: &Arc<Connection>,
    ) -> Result<(Self, Option<Resources>), StoreError> {
        let work = async move {
            let batch = self.next().await?;
            Ok((self, batch))
        };
        store.calls.run(Intent::Read, work).await
    }

    /// Whether the batches so far were all that the query has found.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The positions of the first and the last document of the newest batch that had any.
    pub(crate) fn ends(&self) -> Option<&(Position, Position)> {
        self.ends.as_ref()
    }

    /// For more questions about the same moment.
    pub(crate) fn session(&mut self) -> &mut ClientSession {
        &mut self.session
    }

    fn resources(&mut self, batch: &RawBatch) -> Result<Resources, StoreError> {
        let documents: &RawArray = batch.doc_slices().map_err(of_read)?;
        let mut first_and_last: Option<(&RawDocument, &RawDocument)> = None;
        // JSON has about as many bytes of punctuation as BSON has of types and lengths.
        let mut text = Vec::with_capacity(documents.as_bytes().len().min(self.bytes_max));
        let mut entries = Vec::new();
        for document in documents {
            let document = document.map_err(|error| self.damaged(&error))?;
            let document = document
                .as_document()
                .ok_or_else(|| self.damaged(&"a batch holds something other than documents"))?;
            let before = text.len();
            let id = json::write_resource(&self.resource_type, document, &mut text)?;
            if text.len() > self.bytes_max && before > 0 {
                text.truncate(before);
                self.cut = true;
                break;
            }
            entries.push((id, text.len()));
            let first = first_and_last.map_or(document, |(first, _)| first);
            first_and_last = Some((first, document));
        }
        let text = String::from_utf8(text).map_err(|error| self.damaged(&error))?;
        if let Some((first, last)) = first_and_last {
            let position = |document| Position::new(&self.keys, document);
            let ends = position(first).and_then(|first| Ok((first, position(last)?)));
            self.ends = Some(ends.map_err(|error| self.damaged(&error))?);
        }
        Ok(Resources::new(entries, text))
    }

    fn damaged(&self, what: &dyn std::fmt::Display) -> StoreError {
        StoreError::Corrupt(format!("{}: {what}", self.resource_type.collection))
    }
}

/// The server forgets a cursor with its last batch and gives 0 for its id.
fn is_last(batch: &RawBatch) -> bool {
    let cursor = batch.as_raw_document().get_document("cursor");
    let id = cursor.and_then(|cursor| cursor.get_i64("id"));
    id.is_ok_and(|id| id == 0)
}
