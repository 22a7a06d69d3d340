//! One run against one server: requests are sent and judged, and what they create is removed.

mod drafts;

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::Problem;
use crate::client::Client;
use crate::exchange::{Answer, Request, href, key};
use crate::responses::Tallies;
use crate::samples::Samples;
use crate::verdict::{Miss, unjudged};
use crate::world::{ResourceType, World};

pub(crate) use drafts::Created;

/// How many pages of a collection are walked through.
const PAGES_MAX: usize = 60;

/// The state of a run.
pub(crate) struct Run<'w> {
    client: Client,
    pub(crate) world: &'w World,
    pub(crate) samples: Samples,
    pub(crate) tallies: Tallies,
    /// How many requests were sent.
    pub(crate) requests: usize,
    /// The paths of resources that the check at hand has created.
    created: Vec<String>,
    /// What could not be removed.
    pub(crate) left: Vec<String>,
    ids: BTreeMap<String, Vec<String>>,
    number: u64,
}

impl<'w> Run<'w> {
    /// Reads the samples.
    ///
    /// # Errors
    /// The server does not answer.
    pub(crate) fn begin(client: Client, world: &'w World) -> Result<Self, Problem> {
        let mut run = Self {
            client,
            world,
            samples: Samples::default(),
            tallies: Tallies::default(),
            requests: 0,
            created: Vec::new(),
            left: Vec::new(),
            ids: BTreeMap::new(),
            number: u64::from(std::process::id()) * 1000,
        };
        let first = Request::get(run.collection());
        if let Err(reason) = run.client.send(&first) {
            let text = format!("the server does not answer {}: {reason}", first.line());
            return Err(Problem::Unreachable(text));
        }
        run.samples = Samples::read(&mut run);
        Ok(run)
    }

    /// Sends a request, judges the answer by what every answer must keep, and remembers what it
    /// created.
    pub(crate) fn send(&mut self, request: &Request) -> Result<Answer, Miss> {
        let answer = self.client.send(request);
        self.take(request, answer)
    }

    /// Sends requests at the same time.
    pub(crate) fn send_together(&mut self, requests: &[Request]) -> Result<Vec<Answer>, Miss> {
        let answers = self.client.send_together(requests);
        // All of them are taken before the first failure is told, so that nothing stays behind.
        let taken: Vec<_> = requests
            .iter()
            .zip(answers)
            .map(|(request, answer)| self.take(request, answer))
            .collect();
        taken.into_iter().collect()
    }

    fn take(&mut self, request: &Request, answer: Result<Answer, String>) -> Result<Answer, Miss> {
        self.requests += 1;
        let answer = answer
            .map_err(|reason| Miss::Fails(format!("{}: no answer: {reason}", request.line())))?;
        let created = self.created_by(request, &answer);
        self.created.extend(created);
        if !request.foreign {
            self.tallies.judge(self.world, request, &answer);
        }
        Ok(answer)
    }

    /// What a request has created, to be removed later.
    fn created_by(&self, request: &Request, answer: &Answer) -> Vec<String> {
        if request.method != http::Method::POST || !answer.is_success() {
            return Vec::new();
        }
        let results = answer.document["atomic:results"].as_array();
        if let Some(results) = results {
            let sent = request.document().unwrap_or_default();
            let added = results.iter().enumerate().filter(|(index, result)| {
                let operation = &sent["atomic:operations"][*index];
                operation["op"] == "add" && result["data"]["id"].is_string()
            });
            return added
                .map(|(_, result)| self.path_of(&result["data"]))
                .collect();
        }
        match answer.status {
            201 => vec![self.path_of(answer.data())],
            204 if !request.path.contains("/relationships/") => {
                let sent = request.document().unwrap_or_default();
                let id = sent["data"]["id"].as_str();
                id.map(|_| self.path_of(&sent["data"]))
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Removes what the check at hand has created.
    pub(crate) fn tidy(&mut self) {
        while let Some(path) = self.created.pop() {
            let removed = self.send(&Request::delete(&path));
            let removed = removed.is_ok_and(|it| it.is_success());
            let mut gone = || {
                self.get(&path)
                    .is_ok_and(|it| matches!(it.status, 404 | 410))
            };
            if !removed && !gone() {
                self.left.push(path);
            }
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Answer, Miss> {
        self.send(&Request::get(path))
    }

    /// Follows a link of the server.
    pub(crate) fn follow(&mut self, link: &str) -> Result<Answer, Miss> {
        let target = self.target(link)?;
        self.get(&target)
    }

    /// The path that a link leads to.
    pub(crate) fn target(&self, link: &str) -> Result<String, Miss> {
        self.client.target(link).map_err(Miss::Unjudged)
    }

    /// The pages of a collection from this request on, along their `next` links.
    pub(crate) fn walk(&mut self, first: Request) -> Result<Vec<Answer>, Miss> {
        let mut pages = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next {
            let page = self.send(&request)?;
            page.is(&[200])?;
            let link = page.link("next");
            let link = link.map(|link| self.target(&link)).transpose()?;
            pages.push(page);
            if pages.len() > PAGES_MAX {
                return unjudged(format!("the collection has more than {PAGES_MAX} pages"));
            }
            next = link.map(|path| Request { path, ..request });
        }
        Ok(pages)
    }

    pub(crate) fn main(&self) -> &'w ResourceType {
        self.world.main_type()
    }

    /// The path of the main collection.
    pub(crate) fn collection(&self) -> String {
        self.path(&self.world.main)
    }

    /// The path of a type's collection.
    pub(crate) fn path(&self, name: &str) -> String {
        self.client.rooted(&self.world.path(name))
    }

    /// The path of a resource of this type and id.
    pub(crate) fn path_to(&self, name: &str, id: &str) -> String {
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC).to_string();
        format!("{}/{}", self.path(name), id.replace("%2D", "-"))
    }

    /// The path of a main resource that is not there.
    pub(crate) fn absent(&mut self) -> Result<String, Miss> {
        let id = self.absent_id(&self.world.main)?;
        Ok(self.path_to(&self.world.main, &id))
    }

    /// The path of a resource: where its `self` link leads, else the recommended one.
    pub(crate) fn path_of(&self, resource: &Value) -> String {
        let own = href(&resource["links"]["self"]).and_then(|link| self.client.target(&link).ok());
        let (kind, id) = key(resource);
        own.unwrap_or_else(|| self.path_to(&kind, &id))
    }

    /// The path of a relationship: where its `self` link leads, else the recommended one.
    pub(crate) fn relationship_path(&self, resource: &Value, name: &str) -> String {
        let link = href(&resource["relationships"][name]["links"]["self"]);
        let own = link.and_then(|link| self.client.target(&link).ok());
        own.unwrap_or_else(|| format!("{}/relationships/{name}", self.path_of(resource)))
    }

    /// The path of what is related: where the `related` link leads, else the recommended one.
    pub(crate) fn related_path(&self, resource: &Value, name: &str) -> String {
        let link = href(&resource["relationships"][name]["links"]["related"]);
        let own = link.and_then(|link| self.client.target(&link).ok());
        own.unwrap_or_else(|| format!("{}/{name}", self.path_of(resource)))
    }
}
