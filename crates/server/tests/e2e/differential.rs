//! Generated requests, sent to the embedded store and to MongoDB: every answer is the same.
//!
//! A seed names each request; a run that finds a difference prints it. Ids of the server's choice
//! are integers here, which both count alike.

// Numbers that look random.
mod random;
// Requests that read.
mod reads;
// Values, and the types that have them.
mod values;
// Requests that write.
mod writes;

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;

use self::random::Random;
use crate::harness::{Answer, JSON_API, Server, Setup, Store, folder_with};

/// Where the first request begins; the following ones count on from it.
const SEED: u64 = 20_151_126;

/// Rounds of writes, each followed by reads.
const ROUNDS: u64 = 24;
const WRITES: u64 = 25;
const READS: u64 = 100;

/// A request as both servers get it.
#[derive(Debug, Clone)]
struct Request {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Request {
    fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            url: url.into(),
            headers: Vec::new(),
            body: None,
        }
    }

    fn document(method: Method, url: impl Into<String>, document: &Value) -> Self {
        Self {
            method,
            headers: vec![("content-type", JSON_API.to_owned())],
            body: Some(document.to_string()),
            ..Self::get(url)
        }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Both stores, and what their answers have said so far.
struct Both {
    embedded: Server,
    mongodb: Server,
    /// The tags of resources, by their URLs.
    tags: HashMap<String, String>,
    /// How often each status was answered.
    statuses: HashMap<u16, usize>,
}

/// What must be the same of an answer.
fn essence(answer: &Answer) -> (u16, String, Vec<String>) {
    let headers = ["content-type", "etag", "location", "allow", "retry-after"];
    let headers = headers.map(|name| format!("{name}: {}", answer.header(name)));
    (answer.status, answer.text().to_owned(), headers.to_vec())
}

impl Both {
    async fn start(folder: &tempfile::TempDir) -> Self {
        let embedded = Store::Embedded(Arc::new(tempfile::tempdir().unwrap()));
        let on = |store: Store| Setup::on(&store).definitions(folder.path()).start();
        Self {
            embedded: on(embedded).await,
            mongodb: on(Store::fresh()).await,
            tags: HashMap::new(),
            statuses: HashMap::new(),
        }
    }

    /// The answer of both.
    async fn answer(&mut self, seed: u64, request: &Request) -> Answer {
        let ask = |server: &Server| {
            let mut asked = server.request(request.method.clone(), &request.url);
            for (name, value) in &request.headers {
                asked = asked.header(*name, value);
            }
            Answer::to(match &request.body {
                Some(body) => asked.body(body.clone()),
                None => asked,
            })
        };
        let (one, other) = tokio::join!(ask(&self.embedded), ask(&self.mongodb));
        let (embedded, mongodb) = (essence(&one), essence(&other));
        assert!(
            embedded == mongodb,
            "seed {seed}: {request:#?}\nembedded: {embedded:#?}\nMongoDB: {mongodb:#?}"
        );
        assert!(one.status < 500, "seed {seed}: {request:#?}\n{embedded:#?}");
        *self.statuses.entry(one.status).or_default() += 1;
        self.note_tags(request, &one);
        one
    }

    fn note_tags(&mut self, request: &Request, answer: &Answer) {
        let path = request.url.split('?').next().unwrap_or_default();
        if request.method == Method::DELETE {
            self.tags.remove(path);
        } else if !answer.header("etag").is_empty() {
            let location = Some(answer.header("location")).filter(|url| !url.is_empty());
            let tag = answer.header("etag").to_owned();
            self.tags.insert(location.unwrap_or(path).to_owned(), tag);
        }
    }

    /// The tag that a resource has or had, or one that none has.
    fn tag(&self, random: &mut Random, url: &str) -> String {
        let known = self.tags.get(url).filter(|_| random.percent(75));
        known
            .map_or("\"00000000000000000000000000000000\"", String::as_str)
            .to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stores_answer_generated_requests_alike() {
    let folder = folder_with(&values::DEFINITIONS);
    let mut both = Both::start(&folder).await;
    for (url, data) in values::first() {
        let document = serde_json::json!({"data": data});
        let request = Request::document(Method::POST, url, &document);
        both.answer(SEED, &request).await;
    }
    let mut seed = SEED;
    for _ in 0..ROUNDS {
        for _ in 0..WRITES {
            seed += 1;
            let request = writes::request(&mut Random::new(seed), &both);
            both.answer(seed, &request).await;
        }
        for url in ["/books", "/people", "/labels"] {
            both.answer(seed, &Request::get(format!("{url}?page[size]=100")))
                .await;
        }
        for _ in 0..READS {
            seed += 1;
            let mut random = Random::new(seed);
            let request = reads::request(&mut random, &both);
            let answer = both.answer(seed, &request).await;
            if let Some(next) = reads::link(&mut random, &answer) {
                let headers = request.headers.clone();
                both.answer(
                    seed,
                    &Request {
                        headers,
                        ..Request::get(next)
                    },
                )
                .await;
            }
        }
    }
    // Requests of each kind were among them, and most of them found or changed something.
    let count = |status| both.statuses.get(&status).copied().unwrap_or_default();
    let all: usize = both.statuses.values().sum();
    assert!(count(200) * 2 > all, "{:?}", both.statuses);
    for status in [201, 204, 304, 400, 403, 404, 409, 412, 422] {
        assert!(count(status) > 0, "none was {status}: {:?}", both.statuses);
    }
}
