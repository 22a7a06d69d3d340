//! What was found as a document: whole, or piece by piece where the store gives it so.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http::StatusCode;
use jsonapi::{DocumentWriter, Links, ResourceWriter, Total};

use super::held::Room;
use crate::schema::{Id, ResourceType};
use crate::store::{Page, Resource, Resources, Scan, StoreError};

/// A document of one resource.
pub(super) fn one(status: StatusCode, writer: &ResourceWriter, resource: &Resource) -> Response {
    jsonapi::http::document(status, written(writer, resource))
}

/// The same, kept in this room.
pub(super) fn found(writer: &ResourceWriter, resource: &Resource, room: Room) -> Response {
    let document = room.keep(written(writer, resource));
    jsonapi::http::document(StatusCode::OK, document)
}

fn written(writer: &ResourceWriter, resource: &Resource) -> Vec<u8> {
    let id = resource.id.to_string();
    let mut document = DocumentWriter::one(writer.bytes(1, resource.text.len()));
    document.resource(writer, &id, &resource.text);
    document.end(&Links::new(writer.url(&id)), None)
}

/// What is left of a resource that was deleted.
pub(super) fn deleted(resource_type: &ResourceType, id: &Id) -> Response {
    let identifier = serde_json::json!({"type": resource_type.name, "id": id.to_string()});
    let meta = serde_json::json!({"deleted": identifier});
    jsonapi::http::document(StatusCode::OK, jsonapi::document("meta", &meta))
}

/// What [`many`] writes at once, in bytes, or a little more.
pub(super) fn bytes(writer: &ResourceWriter, found: &Page) -> usize {
    let resources = &found.resources;
    writer.bytes(resources.len(), resources.bytes())
}

/// A document of one page, whose beginning at least has this room.
pub(super) fn many(
    writer: &Arc<ResourceWriter>,
    found: Page,
    links: Links,
    room: Room,
) -> Response {
    let resources = &found.resources;
    let mut document = DocumentWriter::many(bytes(writer, &found));
    write(&mut document, writer, resources);
    if let Some(rest) = found.rest {
        let first = room.keep(document.take());
        let pieces = Pieces {
            document,
            writer: writer.clone(),
            rest,
            links,
            total: exact(found.total),
        };
        let body = stream::once(async { Ok(first) }).chain(pieces.stream());
        return jsonapi::http::document(StatusCode::OK, Body::from_stream(body));
    }
    let document = room.keep(document.end(&links, exact(found.total)));
    jsonapi::http::document(StatusCode::OK, document)
}

fn exact(total: Option<Total>) -> Option<u64> {
    total.map(Total::number)
}

/// The rest of a page that is too large to be held at once.
struct Pieces {
    document: DocumentWriter,
    writer: Arc<ResourceWriter>,
    rest: Scan,
    links: Links,
    total: Option<u64>,
}

impl Pieces {
    /// The document, as the batches come. A failure of the store cuts the response short, so
    /// that nobody takes what is there for the whole page.
    fn stream(self) -> impl Stream<Item = Result<Bytes, StoreError>> {
        stream::try_unfold(Some(self), |pieces| async {
            match pieces {
                Some(pieces) => pieces.next().await.map(Some),
                None => Ok(None),
            }
        })
    }

    async fn next(mut self) -> Result<(Bytes, Option<Self>), StoreError> {
        let batch = self.rest.next().await.inspect_err(|error| {
            tracing::error!(%error, "a page was cut short");
        })?;
        let Some(batch) = batch else {
            return Ok((self.document.end(&self.links, self.total).into(), None));
        };
        write(&mut self.document, &self.writer, &batch);
        Ok((self.document.take().into(), Some(self)))
    }
}

fn write(document: &mut DocumentWriter, writer: &ResourceWriter, resources: &Resources) {
    let mut id = String::new();
    for resource in resources.iter() {
        id.clear();
        // A `String` takes whatever is written to it.
        let _ = write!(id, "{}", resource.id);
        document.resource(writer, &id, resource.text);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::super::held::Held;
    use super::*;

    fn batch(numbers: std::ops::Range<i64>) -> Resources {
        let mut resources = Resources::default();
        for number in numbers {
            resources.push(Id::Integer(number), "{}");
        }
        resources
    }

    /// A page of 2 whose others come as these batches.
    fn large_page(batches: Vec<Result<Resources, StoreError>>) -> Response {
        let (sender, rest) = Scan::channel();
        tokio::spawn(async move {
            for batch in batches {
                sender.send(batch).await.unwrap();
            }
        });
        let found = Page {
            resources: Arc::new(batch(0..2)),
            rest: Some(rest),
            more: false,
            total: Some(Total::Exact(7)),
        };
        let writer = Arc::new(ResourceWriter::new("orders", "/orders", None));
        let room = Held::new(1 << 20).room(bytes(&writer, &found)).unwrap();
        many(&writer, found, Links::new("/orders?a=b".to_owned()), room)
    }

    #[tokio::test]
    async fn a_page_in_batches_is_one_document() {
        let response = large_page(vec![Ok(batch(2..4)), Ok(batch(0..0)), Ok(batch(4..5))]);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let document: Value = serde_json::from_slice(&body).unwrap();
        let data = document["data"].as_array().unwrap();
        let ids: Vec<&str> = data.iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["0", "1", "2", "3", "4"]);
        assert_eq!(document["meta"]["total"], 7);
        assert_eq!(document["links"]["self"], "/orders?a=b");
    }

    #[tokio::test]
    async fn a_page_whose_store_fails_half_way_is_cut_short() {
        let away = StoreError::Unavailable("away".to_owned());
        let response = large_page(vec![Ok(batch(2..4)), Err(away)]);
        assert!(response.into_body().collect().await.is_err());
    }
}
