//! Where the resources of an export come from, if they come from a running process: its API, page
//! by page behind cursors, so that the export goes on where it was after a fault.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Uri;
use resources::schema::{Attributes, Id, IdKind, Relationship, ResourceType};
use resources::store::{Batch, Resources, Scan, StoreError};
use serde_json::Value;
use tokio::sync::mpsc;

use super::super::http_client::{Answer, Base, Failed};
use super::super::say;
use crate::failure::Failure;

/// Resources on a page, unless the definition allows fewer.
const PAGE_SIZE: u64 = 500;

/// How long a process may be away before the export gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a fault is waited for at first, and at most.
const WAITS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];

const CURSORS: &str = "application/vnd.api+json;profile=\"https://jsonapi.org/profiles/\
                       ethanresnick/cursor-pagination\"";

/// The API of a running process.
#[derive(Debug, Clone)]
pub(super) struct Api(Base);

impl Api {
    pub(super) fn new(url: &str) -> Result<Self, Failure> {
        Base::new(url).map(Self).map_err(Failure::usage)
    }

    /// All resources of a type, in the order of their ids.
    pub(super) fn scan(&self, resource_type: &Arc<ResourceType>) -> Scan {
        let (batches, scan) = Scan::channel();
        let reading = Reading {
            base: self.0.clone(),
            resource_type: resource_type.clone(),
            size: PAGE_SIZE.min(resource_type.page.maximum),
        };
        tokio::spawn(reading.run(batches));
        scan
    }
}

/// What the API does not show and an export through it cannot have.
pub(super) fn hidden(resource_type: &ResourceType) -> Vec<&str> {
    let attributes = resource_type.reading.iter();
    let attributes = attributes
        .filter(|(_, reading)| !reading.readable)
        .map(|(name, _)| name.as_str());
    let links = resource_type.relationships.iter();
    let links = links
        .filter(|one| one.own_member().is_some() && !one.reading.readable)
        .map(|one| one.name.as_str());
    attributes.chain(links).collect()
}

struct Reading {
    base: Base,
    resource_type: Arc<ResourceType>,
    /// Resources that are asked for at once.
    size: u64,
}

impl Reading {
    async fn run(mut self, batches: mpsc::Sender<Batch>) {
        let mut cursor = None;
        loop {
            let page = self.page(cursor.as_deref()).await;
            let (batch, next) = match page {
                Ok((resources, next)) => (Ok(resources), next),
                Err(error) => (Err(error), None),
            };
            if batches.send(batch).await.is_err() || next.is_none() {
                return;
            }
            cursor = next;
        }
    }

    /// The resources behind a cursor, and the next cursor if there are more.
    async fn page(
        &mut self,
        cursor: Option<&str>,
    ) -> Result<(Resources, Option<String>), StoreError> {
        let document = loop {
            let (name, size) = (&self.resource_type.name, self.size);
            let after = cursor.map_or(String::new(), |at| format!("&page%5Bafter%5D={at}"));
            let path = format!("/{name}?page%5Bsize%5D={size}{after}");
            match self.ask(&path).await {
                Err(Failed::TooLarge) if self.size > 1 => self.size /= 2,
                answered => break answered.map_err(store_error)?,
            }
        };
        let mut resources = Resources::default();
        let Some(Value::Array(objects)) = document.get("data") else {
            return Err(unusable("the answer is no JSON:API document of a list"));
        };
        for object in objects {
            let (id, members) = self.members(object).await?;
            resources.push(id, &Value::Object(members).to_string());
        }
        let next = document.pointer("/links/next").and_then(link);
        let next = next.map(|link| {
            let cursor = cursor_in(link);
            cursor.ok_or_else(|| unusable("the link to the next page has no cursor"))
        });
        Ok((resources, next.transpose()?))
    }

    /// The id and the members as a store holds them.
    async fn members(&self, object: &Value) -> Result<(Id, Attributes), StoreError> {
        let of = &self.resource_type;
        let id = id_of(of.id, object)?;
        let mut members = match object.get("attributes") {
            Some(Value::Object(attributes)) => attributes.clone(),
            _ => Attributes::new(),
        };
        members.shift_remove(of.plain_id_member());
        for relationship in &of.relationships {
            let shown = object.pointer(&format!(
                "/relationships/{}",
                jsonapi::pointer_token(&relationship.name)
            ));
            if let (Some(member), Some(shown)) = (relationship.own_member(), shown) {
                let ids = self.linkage(relationship, shown).await?;
                let is_absent = ids.is_empty() && !relationship.is_to_one();
                if !is_absent {
                    members.insert(member.to_owned(), relationship.member_value(&ids));
                }
            }
        }
        Ok((id, members))
    }

    /// The ids that a relationship shows; further pages are asked for.
    async fn linkage(
        &self,
        relationship: &Relationship,
        shown: &Value,
    ) -> Result<Vec<Id>, StoreError> {
        let mut ids = Vec::new();
        let mut page = shown.clone();
        loop {
            let identifiers = match page.get("data") {
                Some(Value::Array(many)) => many.as_slice(),
                Some(Value::Null) | None => &[],
                Some(one) => std::slice::from_ref(one),
            };
            for identifier in identifiers {
                ids.push(id_of(relationship.target.id, identifier)?);
            }
            let Some(next) = page.pointer("/links/next").and_then(link) else {
                return Ok(ids);
            };
            let path = path_of(next).ok_or_else(|| unusable("a link leads nowhere"))?;
            page = self.ask(&path).await.map_err(store_error)?;
        }
    }

    /// The document at a path, after faults that pass.
    async fn ask(&self, path: &str) -> Result<Value, Failed> {
        let (began, [mut wait, wait_max]) = (Instant::now(), WAITS);
        loop {
            let failed = match self.base.get(path, CURSORS).await {
                Ok(answer) => match document(&answer) {
                    Ok(document) => return Ok(document),
                    Err(failed) => failed,
                },
                Err(failed) => failed,
            };
            let passes = matches!(failed, Failed::Passes(_));
            if !passes || began.elapsed() > PATIENCE {
                return Err(failed);
            }
            say(&format!("{failed}; the export goes on where it was"));
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(wait_max);
        }
    }
}

/// The document of an answer that went well.
fn document(answer: &Answer) -> Result<Value, Failed> {
    let document: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let status = answer.status;
    if status.is_success() {
        return document.ok_or_else(|| Failed::Stays("the answer is no JSON".to_owned()));
    }
    let detail = document.as_ref();
    let detail = detail.and_then(|one| one.pointer("/errors/0/detail")?.as_str());
    let text = format!(
        "the answer is {status}: {}",
        detail.unwrap_or("no reason is given")
    );
    if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
        return Err(Failed::Passes(text));
    }
    Err(Failed::Stays(text))
}

fn store_error(failed: Failed) -> StoreError {
    match failed {
        Failed::Passes(text) => StoreError::Unavailable(text),
        other => StoreError::Unusable(other.to_string()),
    }
}

fn unusable(text: &str) -> StoreError {
    StoreError::Unusable(text.to_owned())
}

fn id_of(kind: IdKind, object: &Value) -> Result<Id, StoreError> {
    let text = object["id"].as_str().unwrap_or_default();
    kind.parse(text).map_err(|error| {
        StoreError::Unusable(format!(
            "the definition is another than the process has: {error}"
        ))
    })
}

/// A link is a text, or an object with one.
fn link(link: &Value) -> Option<&str> {
    link.as_str().or_else(|| link.get("href")?.as_str())
}

/// The encoded cursor in the link to the next page.
fn cursor_in(link: &str) -> Option<String> {
    let (_, query) = link.split_once('?')?;
    let mut parameters = query.split('&').filter_map(|pair| pair.split_once('='));
    let is_cursor = |name: &str| matches!(name, "page%5Bafter%5D" | "page[after]");
    parameters
        .find(|(name, _)| is_cursor(name))
        .map(|(_, cursor)| cursor.to_owned())
}

/// The path and query of a link, whatever host it names.
fn path_of(link: &str) -> Option<String> {
    let uri: Uri = link.parse().ok()?;
    Some(uri.path_and_query()?.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_found_wherever_it_stands() {
        for link in [
            "/a?page%5Bafter%5D=x%3D&page%5Bsize%5D=1",
            "http://h/a?sort=b&page[after]=x%3D",
        ] {
            assert_eq!(cursor_in(link).as_deref(), Some("x%3D"), "{link}");
        }
        assert_eq!(cursor_in("/a?page%5Bnumber%5D=2"), None);
        assert_eq!(path_of("http://h:1/a/b?c=d").as_deref(), Some("/a/b?c=d"));
    }
}
