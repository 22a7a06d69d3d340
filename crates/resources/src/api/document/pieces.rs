//! A page that is too large to be held at once, piece by piece.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http::StatusCode;
use jsonapi::{Closing, DocumentWriter};

use super::listing::{Ends, Listing};
use super::shape::{Beside, Shape, Shapes};
use crate::api::held::Room;
use crate::controller::{Failure, Reason};
use crate::store::{Resources, Scan, StoreError};

/// A document of one page, of which the beginning has this room and the rest comes by itself.
pub(in crate::api) fn pieces(
    shapes: Shapes,
    listing: Listing,
    beginning: &Resources,
    rest: Scan,
    room: Room,
) -> Result<Response, StoreError> {
    let applied = listing.applied.clone();
    let mut pieces = Pieces {
        document: DocumentWriter::many(super::bytes(beginning)),
        shape: shapes.of(&listing.resource_type),
        ends: Ends::default(),
        shapes,
        listing,
        rest,
    };
    pieces.write(beginning)?;
    let first = room.keep(pieces.document.take().into());
    let body = stream::once(async { Ok(first) }).chain(pieces.stream());
    let mut response = jsonapi::http::document(StatusCode::OK, Body::from_stream(body));
    response.extensions_mut().insert(applied);
    Ok(response)
}

struct Pieces {
    document: DocumentWriter,
    shapes: Shapes,
    shape: Shape,
    listing: Listing,
    ends: Ends,
    rest: Scan,
}

impl Pieces {
    /// The document, as the batches come. A failure of the store cuts the response short, so
    /// that nobody takes what is there for the whole page.
    fn stream(self) -> impl Stream<Item = Result<Bytes, StoreError>> {
        stream::try_unfold(Some(self), |pieces| async {
            match pieces {
                Some(pieces) => pieces.next().await.map(Some).inspect_err(|error| {
                    tracing::error!(%error, "a page was cut short");
                }),
                None => Ok(None),
            }
        })
    }

    async fn next(mut self) -> Result<(Bytes, Option<Self>), StoreError> {
        let Some(batch) = self.rest.next().await? else {
            return Ok((self.end().await?.into(), None));
        };
        self.write(&batch)?;
        Ok((self.document.take().into(), Some(self)))
    }

    fn write(&mut self, resources: &Resources) -> Result<(), StoreError> {
        if self.listing.has_cursors() {
            self.ends.note(resources.iter());
        }
        for resource in resources.iter() {
            let cursor = self.listing.item_cursor(resource)?;
            let beside = Beside {
                cursor: cursor.as_deref(),
                ..Beside::default()
            };
            let (document, shape) = (&mut self.document, &self.shape);
            self.shapes.write(document, shape, resource, beside)?;
        }
        Ok(())
    }

    async fn end(self) -> Result<Vec<u8>, StoreError> {
        let links = self.listing.links(&self.ends).await.map_err(store_error)?;
        Ok(self.document.close(&Closing {
            links: &links,
            total: self.listing.total,
            range_truncated: self.listing.is_truncated_range(),
            applied: &self.listing.applied,
        }))
    }
}

fn store_error(failure: Failure) -> StoreError {
    match failure.reason {
        Reason::Store(error) => error,
        other => StoreError::Internal(other.to_string()),
    }
}
