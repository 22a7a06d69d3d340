//! Written answers to reads, kept for as long as the store has not changed.
//!
//! The store says whether anything may have changed since an answer was made
//! ([`crate::store::Store::changes`]); one that others write to never says so, and nothing is kept.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, Uri, header};
use jsonapi::Applied;
use metrics::{Counter, Gauge, Unit};

use super::Service;
use super::failure::Answered;
use crate::controller::Failure;
use crate::schema::ResourceType;

/// Longer URLs are not kept.
const URL_BYTES_MAX: usize = 4 << 10;

/// The answers that are kept.
pub(super) struct Cache {
    /// What they hold together, in bytes; nothing is kept for 0.
    bytes_max: usize,
    kept: Mutex<Kept>,
    hits: Counter,
    misses: Counter,
    bytes: Gauge,
}

#[derive(Default)]
struct Kept {
    /// What the store said when they were made.
    changes: u64,
    bytes: usize,
    by_url: HashMap<String, Document>,
    /// The URLs in the order in which their answers came.
    urls: VecDeque<String>,
}

/// The document of an answer, which answers carry among their extensions.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) text: Bytes,
    pub(super) tag: Option<HeaderValue>,
    /// What applies to it.
    pub(super) applied: Applied,
}

impl Cache {
    pub(super) fn new(bytes_max: usize) -> Self {
        metrics::describe_counter!(
            "answer_cache.lookups",
            "Requests for answers that may be kept, by whether there was one"
        );
        metrics::describe_gauge!(
            "answer_cache.size",
            Unit::Bytes,
            "What written answers hold that are kept"
        );
        Self {
            bytes_max,
            kept: Mutex::default(),
            hits: metrics::counter!("answer_cache.lookups", "result" => "hit"),
            misses: metrics::counter!("answer_cache.lookups", "result" => "miss"),
            bytes: metrics::gauge!("answer_cache.size"),
        }
    }

    /// The answer to a request with this URL that is kept, or the one that is made now.
    pub(super) async fn answer(
        &self,
        service: &Service,
        resource_type: &Arc<ResourceType>,
        (url, applied): (&Uri, &Applied),
        make: impl Future<Output = Answered>,
    ) -> Answered {
        let url = url.path_and_query().map_or("", |url| url.as_str());
        let is_kept = self.bytes_max > 0 && applied.is_empty() && url.len() <= URL_BYTES_MAX;
        // Asked before the store is read: what is made of it is at least as new.
        let changes = is_kept.then(|| service.controller.changes()).flatten();
        let Some(changes) = changes else {
            return make.await;
        };
        if let Some(document) = self.get(url, changes) {
            self.hits.increment(1);
            return document.respond(service, resource_type).map_err(Into::into);
        }
        self.misses.increment(1);
        let mut response = make.await?;
        if response.status() == StatusCode::OK
            && let Some(mut document) = response.extensions_mut().remove::<Document>()
        {
            document.tag = response.headers().get(header::ETAG).cloned();
            self.put(url, changes, document);
        }
        Ok(response)
    }

    fn get(&self, url: &str, changes: u64) -> Option<Document> {
        let kept = self.kept();
        (kept.changes == changes)
            .then(|| kept.by_url.get(url).cloned())
            .flatten()
    }

    fn put(&self, url: &str, changes: u64, document: Document) {
        let bytes = size(url, &document);
        let mut kept = self.kept();
        if kept.changes < changes {
            *kept = Kept {
                changes,
                ..Kept::default()
            };
        }
        if kept.changes > changes || bytes > self.bytes_max || kept.by_url.contains_key(url) {
            return;
        }
        while kept.bytes + bytes > self.bytes_max
            && let Some(oldest) = kept.urls.pop_front()
        {
            if let Some(gone) = kept.by_url.remove(&oldest) {
                kept.bytes -= size(&oldest, &gone);
            }
        }
        kept.bytes += bytes;
        kept.urls.push_back(url.to_owned());
        let document = Document {
            // What was written has room to spare, which would be kept with it.
            text: Bytes::copy_from_slice(&document.text),
            ..document
        };
        kept.by_url.insert(url.to_owned(), document);
        // As exact as a float is, which is up to 2^53 bytes.
        self.bytes
            .set(f64::from(u32::try_from(kept.bytes / 1024).unwrap_or(u32::MAX)) * 1024.0);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Document {
    fn respond(
        self,
        service: &Service,
        resource_type: &Arc<ResourceType>,
    ) -> Result<Response, Failure> {
        let room = service.room(resource_type, self.text.len())?;
        let mut response = jsonapi::http::document(StatusCode::OK, room.keep(self.text));
        if let Some(tag) = self.tag {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response.extensions_mut().insert(self.applied);
        Ok(response)
    }
}

/// What an answer takes while it is kept, about, in bytes.
fn size(url: &str, document: &Document) -> usize {
    const AROUND: usize = 200;
    2 * url.len() + document.text.len() + AROUND
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(bytes: usize) -> Document {
        Document {
            text: vec![0; bytes].into(),
            tag: None,
            applied: Applied::default(),
        }
    }

    #[test]
    fn nothing_is_given_after_a_change_and_nothing_older_replaces_it() {
        let cache = Cache::new(1000);
        cache.put("/a", 1, document(10));
        assert!(cache.get("/a", 1).is_some());
        assert!(cache.get("/a", 2).is_none());
        cache.put("/b", 2, document(10));
        assert!(cache.get("/a", 2).is_none() && cache.get("/a", 1).is_none());
        cache.put("/a", 1, document(10));
        assert!(cache.get("/a", 2).is_none());
        assert!(cache.get("/b", 2).is_some());
    }

    #[test]
    fn no_more_is_kept_than_the_bound_allows() {
        let cache = Cache::new(1000);
        for number in 0..50 {
            cache.put(&format!("/{number:02}"), 1, document(100));
            let kept = cache.kept();
            let held = kept.by_url.iter().map(|(url, one)| size(url, one));
            assert_eq!(held.sum::<usize>(), kept.bytes);
            assert!(kept.bytes <= 1000);
        }
        assert!(cache.get("/49", 1).is_some() && cache.get("/00", 1).is_none());
        cache.put("/large", 1, document(1000));
        assert!(cache.get("/large", 1).is_none());
    }
}
