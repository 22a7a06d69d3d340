//! What reading asks of a store, and what becomes of what the store gives.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use resources::query::{Filter, Query, Total};
use resources::schema::{Id, Relationship, ResourceType, load_folder};
use resources::store::{
    Event, EventKind, Events, Import, ImportMode, Key, KeyLimits, KeyRefusal, Page, Plan, Point,
    Resource, Resources, Scan, Store, StoreError, Unit, WatchError, Watching, WriteError, Written,
};
use resources::{Limits, router};
use serde_json::Value;
use tokio::sync::mpsc;
use tower::ServiceExt;

const LIMITS: Limits = Limits {
    keys: KeyLimits {
        time: Duration::ZERO,
        answer_bytes_max: 0,
        bytes_max: 0,
    },
    body_bytes_max: 1 << 20,
    error_bytes_max: 1 << 16,
    held_bytes_max: 1 << 20,
    cache_bytes_max: 0,
    operations_max: 100,
    include_depth_max: 5,
    feeds_max: 10,
    feed_readers_max: 100,
    feed_buffer_bytes_max: 1 << 16,
    feed_heartbeat: Duration::from_hours(1),
    any_media_type: false,
};

/// A batch of what does not fit the beginning of a page.
type Batch = Result<Vec<i64>, StoreError>;

/// A store that notes what it is asked. Each list and each relationship has the resources 1 and 2,
/// and each resource names author 1, article 1 and the tags 1 and 2.
#[derive(Default)]
struct Asked {
    requests: Mutex<Vec<String>>,
    /// The store's ends of what is watched.
    watched: Mutex<Vec<mpsc::Sender<Result<Events, WatchError>>>>,
    rest: Mutex<Option<Vec<Batch>>>,
}

const TEXT: &str = r#"{"author":1,"article":1,"tags":[1,2]}"#;

fn resources(ids: &[i64]) -> Resources {
    let mut resources = Resources::default();
    for id in ids {
        resources.push(Id::Integer(*id), TEXT);
    }
    resources
}

fn page(rest: Option<Scan>) -> Page {
    Page {
        resources: Arc::new(resources(&[1, 2])),
        rest,
        more: false,
        total: Some(Total::Exact(2)),
    }
}

impl Asked {
    fn note(&self, what: String) {
        self.requests.lock().unwrap().push(what);
    }

    /// The answer to a request, and what the store was asked for it.
    async fn get(self, url: &str) -> (Response<Body>, Vec<String>) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/blog");
        let types = load_folder(&folder, &[]).unwrap();
        let served: Vec<String> = types.iter().map(|one| one.name.clone()).collect();
        let store = Arc::new(self);
        let (_, ending) = tokio::sync::watch::channel(false);
        let router = router(&types, &served, store.clone(), LIMITS, ending);
        let request = Request::get(url).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let requests = store.requests.lock().unwrap().clone();
        (response, requests)
    }
}

#[async_trait]
impl Store for Asked {
    fn name(&self) -> &'static str {
        "asked"
    }

    async fn prepare(&self, _: &[Arc<ResourceType>]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn next_ids(&self, _: &Arc<ResourceType>, _: usize) -> Result<Vec<Id>, StoreError> {
        unreachable!("nothing is written")
    }

    async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        _: &Filter,
    ) -> Result<Vec<Option<Resource>>, StoreError> {
        self.note(format!("find {}", resource_type.name));
        let resource = |id: &Id| {
            let (id, text) = (id.clone(), TEXT.to_owned());
            Some(Resource { id, text })
        };
        Ok(ids.iter().map(resource).collect())
    }

    async fn list(&self, resource_type: &Arc<ResourceType>, _: &Query) -> Result<Page, StoreError> {
        self.note(format!("list {}", resource_type.name));
        let Some(batches) = self.rest.lock().unwrap().take() else {
            return Ok(page(None));
        };
        let (sender, rest) = Scan::channel();
        tokio::spawn(async move {
            for batch in batches {
                sender.send(batch.map(|ids| resources(&ids))).await.unwrap();
            }
        });
        Ok(page(Some(rest)))
    }

    async fn related(
        &self,
        resource_type: &Arc<ResourceType>,
        _: &Arc<Relationship>,
        ids: &[Id],
        _: &Query,
    ) -> Result<Vec<Page>, StoreError> {
        self.note(format!("related {}", resource_type.name));
        Ok(ids.iter().map(|_| page(None)).collect())
    }

    async fn explain(&self, _: &Arc<ResourceType>, _: &Query) -> Result<Plan, StoreError> {
        unreachable!("no plan is asked for")
    }

    async fn write(&self, _: Unit) -> Result<Vec<Written>, WriteError> {
        unreachable!("nothing is written")
    }

    async fn recall(&self, _: &Key) -> Result<Option<KeyRefusal>, StoreError> {
        Ok(None)
    }

    async fn scan(&self, _: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        unreachable!("nothing is exported")
    }

    async fn import(&self, _: &Arc<ResourceType>, _: ImportMode) -> Result<Import, StoreError> {
        unreachable!("nothing is imported")
    }

    async fn watch(
        &self,
        resource_type: &Arc<ResourceType>,
        after: Option<&Point>,
    ) -> Result<Watching, WatchError> {
        let after = after.map_or("now", Point::as_str);
        self.note(format!("watch {} {after}", resource_type.name));
        let (sender, watching) = Watching::channel(Point::new(after));
        self.watched.lock().unwrap().push(sender);
        Ok(watching)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn each_level_of_an_include_is_one_request_for_each_type_and_inverse() {
    for (url, expected) in [
        ("/articles", &["list articles"][..]),
        (
            "/articles?include=author",
            &["list articles", "find people"],
        ),
        (
            "/articles?include=author,tags",
            &["list articles", "find people", "find tags"],
        ),
        (
            "/articles?include=comments",
            &["list articles", "related comments"],
        ),
        (
            "/articles?include=comments.author",
            &["list articles", "related comments", "find people"],
        ),
        // What the level before has read is not read again.
        (
            "/articles?include=author,comments.author",
            &["list articles", "find people", "related comments"],
        ),
        (
            "/comments?include=article.author,author",
            &["list comments", "find articles", "find people"],
        ),
        (
            "/people?include=articles.comments,comments.article",
            &[
                "list people",
                "related articles",
                "related comments",
                "related comments",
            ],
        ),
        (
            "/articles?include=tags&filter[tags][name]=a",
            &["list articles", "find tags"],
        ),
    ] {
        let (response, mut requests) = Asked::default().get(url).await;
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        requests.sort_unstable();
        assert_eq!(requests, expected, "{url}");
    }
}

async fn large_page(rest: Vec<Batch>) -> Response<Body> {
    let store = Asked::default();
    *store.rest.lock().unwrap() = Some(rest);
    store.get("/articles?fields[articles]=author").await.0
}

#[tokio::test]
async fn a_page_in_batches_is_one_document() {
    let response = large_page(vec![Ok(vec![3, 4]), Ok(vec![]), Ok(vec![5])]).await;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let document: Value = serde_json::from_slice(&body).unwrap();
    let data = document["data"].as_array().unwrap();
    let ids: Vec<&str> = data.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
    assert_eq!(document["meta"]["total"], 2);
    assert!(document["links"]["self"].is_string());
}

#[tokio::test]
async fn a_page_whose_store_fails_half_way_is_cut_short() {
    let away = StoreError::Unavailable("away".to_owned());
    let response = large_page(vec![Ok(vec![3]), Err(away)]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_compound_document_has_the_whole_page_in_it() {
    let store = Asked::default();
    *store.rest.lock().unwrap() = Some(vec![Ok(vec![3, 4]), Ok(vec![5])]);
    let (response, _) = store.get("/articles?include=tags").await;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["data"].as_array().unwrap().len(), 5);
    assert_eq!(document["included"].as_array().unwrap().len(), 2);
}

/// Readers of feeds of one service.
struct Feeds {
    router: axum::Router,
    store: Arc<Asked>,
}

impl Feeds {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/blog");
        let types = load_folder(&folder, &[]).unwrap();
        let served: Vec<String> = types.iter().map(|one| one.name.clone()).collect();
        let store = Arc::<Asked>::default();
        let (_, ending) = tokio::sync::watch::channel(false);
        let router = router(&types, &served, store.clone(), LIMITS, ending);
        Self { router, store }
    }

    async fn join(&self, url: &str, after: Option<&str>) -> Response<Body> {
        let mut request = Request::get(url);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.store.requests.lock().unwrap())
    }

    /// Has the store tell changes of the first stream: each of another resource.
    async fn tell(&self, stream: usize, ids: std::ops::Range<i64>) {
        let sender = self.store.watched.lock().unwrap()[stream].clone();
        for id in ids {
            let event = Event {
                point: Point::new(format!("p{id}")),
                kind: EventKind::Deleted,
                id: Id::Integer(id),
                resource: None,
            };
            let passed = event.point.clone();
            let events = vec![event];
            let is_end = false;
            sender
                .send(Ok(Events {
                    events,
                    passed,
                    is_end,
                }))
                .await
                .unwrap();
        }
    }
}

/// The next message, and the id in it.
async fn message(response: &mut Response<Body>) -> (String, String) {
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("id: "));
    (text.clone(), id.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn readers_who_see_the_same_share_one_stream_of_the_store() {
    let feeds = Feeds::new();
    let views = [
        "/articles/-/changes",
        "/articles/-/changes?filter[views][gt]=1",
        "/articles/-/changes?fields[articles]=title",
        "/people/-/changes",
    ];
    let mut readers = Vec::new();
    for url in views.iter().cycle().take(40) {
        readers.push(feeds.join(url, None).await);
    }
    let expected = ["articles", "articles", "articles", "people"];
    assert_eq!(
        feeds.asked(),
        expected.map(|name| format!("watch {name} now"))
    );
    feeds.tell(0, 1..3).await;
    for reader in readers.iter_mut().step_by(4) {
        message(reader).await;
        for id in ["1", "2"] {
            let (text, _) = message(reader).await;
            assert!(text.starts_with("event: delete\n"), "{text}");
            assert!(text.contains(&format!("\"id\":\"{id}\"")), "{text}");
        }
    }
    drop(readers);
    // With the last reader the stream goes.
    let gone = async {
        let senders = feeds.store.watched.lock().unwrap().clone();
        for sender in &senders {
            sender.closed().await;
        }
    };
    gone.await;
}

#[tokio::test]
async fn a_reader_joins_at_a_place_that_the_feed_knows_and_else_reads_on_alone_until_it_can() {
    let feeds = Feeds::new();
    let url = "/articles/-/changes";
    let mut first = feeds.join(url, None).await;
    message(&mut first).await;
    feeds.tell(0, 1..4).await;
    let mut ids = Vec::new();
    for _ in 1..4 {
        ids.push(message(&mut first).await.1);
    }
    feeds.asked();
    let mut second = feeds.join(url, Some(&ids[0])).await;
    message(&mut second).await;
    assert_eq!(message(&mut second).await.1, ids[1]);
    assert_eq!(feeds.asked(), [""; 0]);
    // An id from before this feed: nobody else knows it.
    let other = Feeds::new();
    let mut earlier = other.join(url, None).await;
    message(&mut earlier).await;
    other.tell(0, 0..1).await;
    let unknown = message(&mut earlier).await.1;
    let mut third = feeds.join(url, Some(&unknown)).await;
    message(&mut third).await;
    assert_eq!(feeds.asked(), ["watch articles p0"]);
    feeds.tell(1, 1..2).await;
    // It leaves its own stream with the first change that both know.
    for id in &ids {
        assert_eq!(message(&mut third).await.1, *id);
    }
    let own = feeds.store.watched.lock().unwrap()[1].clone();
    own.closed().await;
}

#[tokio::test]
async fn a_reader_joins_a_quiet_feed_when_both_have_surely_come_to_the_end() {
    let feeds = Feeds::new();
    let url = "/articles/-/changes";
    let mut first = feeds.join(url, None).await;
    message(&mut first).await;
    let other = Feeds::new();
    let mut earlier = other.join(url, None).await;
    message(&mut earlier).await;
    other.tell(0, 0..1).await;
    let unknown = message(&mut earlier).await.1;
    let mut second = feeds.join(url, Some(&unknown)).await;
    message(&mut second).await;
    let ends = async {
        let senders = feeds.store.watched.lock().unwrap().clone();
        loop {
            for sender in &senders {
                let events = Events {
                    events: Vec::new(),
                    passed: Point::new("end"),
                    is_end: true,
                };
                let _ = sender.send(Ok(events)).await;
                tokio::task::yield_now().await;
            }
            if senders[1].is_closed() {
                return;
            }
        }
    };
    let reads = async {
        let text = message(&mut second).await.0;
        panic!("{text}")
    };
    tokio::select! {
        () = ends => {}
        () = reads => {}
    }
    feeds.tell(0, 7..8).await;
    assert_eq!(message(&mut second).await.1, message(&mut first).await.1);
}

#[tokio::test]
async fn a_place_that_is_gone_while_readers_are_there_ends_their_feed_and_the_next_one_is_new() {
    let feeds = Feeds::new();
    let url = "/articles/-/changes";
    let mut reader = feeds.join(url, None).await;
    message(&mut reader).await;
    let sender = feeds.store.watched.lock().unwrap()[0].clone();
    sender.send(Err(WatchError::Gone)).await.unwrap();
    let (text, _) = message(&mut reader).await;
    assert!(
        text.starts_with("event: end\n") && text.contains("changes_gone"),
        "{text}"
    );
    assert!(reader.body_mut().frame().await.is_none());
    feeds.asked();
    feeds.join(url, None).await;
    assert_eq!(feeds.asked(), ["watch articles now"]);
}
