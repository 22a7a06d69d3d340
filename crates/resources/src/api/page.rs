//! A page as a document: whole, or piece by piece where the store gives it so.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::stream::{self, Stream, StreamExt};
use http::StatusCode;
use jsonapi::{CollectionLinks, PageWriter, ResourceWriter};

use crate::repository::{Page, RepositoryError, Resources, Scan};

pub(super) fn response(
    writer: &Arc<ResourceWriter>,
    found: Page,
    links: CollectionLinks,
) -> Response {
    let resources = &found.resources;
    let mut document = writer.page(resources.len(), resources.bytes());
    write(&mut document, resources);
    match found.rest {
        None => jsonapi::http::document(StatusCode::OK, document.end(links)),
        Some(rest) => {
            let pieces = Body::from_stream(pieces(document, rest, links));
            jsonapi::http::document(StatusCode::OK, pieces)
        }
    }
}

/// The document, as the batches come. A failure of the store cuts the response short, so that
/// nobody takes what is there for the whole page.
fn pieces(
    mut document: PageWriter,
    rest: Scan,
    links: CollectionLinks,
) -> impl Stream<Item = Result<Vec<u8>, RepositoryError>> {
    let first = document.take();
    let others = stream::try_unfold(Some((document, rest)), move |state| async move {
        let Some((mut document, mut rest)) = state else {
            return Ok(None);
        };
        let batch = rest.next().await.inspect_err(|error| {
            tracing::error!(%error, "a page was cut short");
        })?;
        let Some(batch) = batch else {
            return Ok(Some((document.end(links), None)));
        };
        write(&mut document, &batch);
        Ok(Some((document.take(), Some((document, rest)))))
    });
    stream::once(async { Ok(first) }).chain(others)
}

fn write(document: &mut PageWriter, resources: &Resources) {
    let mut id = String::new();
    for resource in resources.iter() {
        id.clear();
        // A `String` takes whatever is written to it.
        let _ = write!(id, "{}", resource.id);
        document.resource(&id, resource.attributes);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;
    use crate::schema::Id;

    fn batch(numbers: std::ops::Range<i64>) -> Resources {
        let mut resources = Resources::default();
        for number in numbers {
            resources.push(Id::Integer(number), "{}");
        }
        resources
    }

    /// A page of 2 whose others come as these batches.
    fn large_page(batches: Vec<Result<Resources, RepositoryError>>) -> Response {
        let (sender, rest) = Scan::channel();
        tokio::spawn(async move {
            for batch in batches {
                sender.send(batch).await.unwrap();
            }
        });
        let found = Page {
            resources: Arc::new(batch(0..2)),
            rest: Some(rest),
            total: 7,
        };
        let writer = Arc::new(ResourceWriter::new("orders", "/orders", None));
        let page = jsonapi::Pagination { number: 1, size: 5 };
        response(&writer, found, CollectionLinks { page, total: 7 })
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
        assert_eq!(
            document["links"]["next"],
            "/orders?page%5Bnumber%5D=2&page%5Bsize%5D=5"
        );
    }

    #[tokio::test]
    async fn a_page_whose_store_fails_half_way_is_cut_short() {
        let away = RepositoryError::Unavailable("away".to_owned());
        let response = large_page(vec![Ok(batch(2..4)), Err(away)]);
        assert!(response.into_body().collect().await.is_err());
    }
}
