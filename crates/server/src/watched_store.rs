//! A store that tells the health of the process what its requests meet, so that readiness follows
//! them at once and not at the next scheduled check.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chassis::health::{Check, CheckFailure, Health, Schedule, Upstream};
use resources::query::{Filter, Query};
use resources::schema::{Id, Relationship, ResourceType};
use resources::store::{
    Duplicates, Import, ImportMode, Key, KeyRefusal, Page, Plan, Point, Reachability, Resource,
    Scan, Store, StoreError, Unit, WatchError, Watching, WriteError, Written,
};

use tokio::sync::watch;

use crate::settings::Settings;

/// A store and what is known of it.
pub(crate) struct WatchedStore {
    store: Arc<dyn Store>,
    upstream: Upstream,
    check: Arc<StoreCheck>,
}

impl WatchedStore {
    /// Has `health` watch a store from now on.
    pub(crate) fn watched_by(
        health: &Health,
        store: Arc<dyn Store>,
        settings: &Settings,
    ) -> Arc<dyn Store> {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let schedule = Schedule {
            interval: settings.store_check_interval_ms,
            timeout: settings.store_check_timeout_ms,
            failures_to_fail: count(settings.store_failures_to_fail),
            successes_to_recover: count(settings.store_successes_to_recover),
            policy: settings.store_policy,
        };
        let check = Arc::new(StoreCheck {
            store: store.clone(),
            answers_and_fails: AtomicBool::new(false),
        });
        let upstream = health.watch(check.clone(), schedule);
        if let Some(reachability) = store.reachability() {
            tokio::spawn(follow(upstream.clone(), reachability));
        }
        Arc::new(Self {
            store,
            upstream,
            check,
        })
    }

    /// A store that has no room, is not prepared or is damaged still answers some requests, which
    /// does not make it ready.
    fn succeeded(&self) {
        if !self.check.answers_and_fails.load(Ordering::Relaxed) {
            self.upstream.succeeded();
        }
    }

    fn noted<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        match &outcome {
            Ok(_) => self.succeeded(),
            Err(error) => self.note(error),
        }
        outcome
    }

    fn note(&self, error: &StoreError) {
        // Of the others it is not known whether the next request would fail too: the check tells.
        match error {
            StoreError::Unavailable(_) | StoreError::Lost(_) => {
                self.upstream.failed(failure_of(error));
            }
            _ => self.upstream.doubted(),
        }
    }
}

/// Hands on what the store learns of its server, also when no request asks.
async fn follow(upstream: Upstream, mut reachability: watch::Receiver<Reachability>) {
    while reachability.changed().await.is_ok() {
        let now = reachability.borrow_and_update().clone();
        match now {
            Reachability::Reachable => upstream.succeeded(),
            Reachability::Away(reason) => {
                upstream.failed(CheckFailure::new("unreachable").with_detail(reason));
            }
        }
    }
}

/// Asks the store for as little as possible.
struct StoreCheck {
    store: Arc<dyn Store>,
    /// Whether the last check was answered, and failed all the same.
    answers_and_fails: AtomicBool,
}

#[async_trait]
impl Check for StoreCheck {
    fn name(&self) -> &str {
        self.store.name()
    }

    async fn check(&self) -> Result<(), CheckFailure> {
        let outcome = self.store.ping().await;
        let answers_and_fails = match &outcome {
            Ok(()) | Err(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)) => false,
            Err(_) => true,
        };
        self.answers_and_fails
            .store(answers_and_fails, Ordering::Relaxed);
        outcome.map_err(|error| failure_of(&error))
    }
}

/// The public reason names neither files nor hosts; the log has the whole of it.
fn failure_of(error: &StoreError) -> CheckFailure {
    let reason = match error {
        StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_) => "unreachable",
        StoreError::Busy(_) => "busy",
        StoreError::Unprepared(_) => "unprepared",
        StoreError::Lost(_) => "lost",
        StoreError::Corrupt(_) => "damaged",
        StoreError::Unusable(_) | StoreError::Unsupported(_) | StoreError::Internal(_) => "failed",
    };
    CheckFailure::new(reason).with_detail(error.to_string())
}

#[async_trait]
impl Store for WatchedStore {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn hosts(&self) -> Option<&str> {
        self.store.hosts()
    }

    fn changes(&self) -> Option<u64> {
        self.store.changes()
    }

    async fn prepare(&self, types: &[Arc<ResourceType>]) -> Result<(), StoreError> {
        self.noted(self.store.prepare(types).await)
    }

    async fn collections(&self) -> Result<Vec<String>, StoreError> {
        self.noted(self.store.collections().await)
    }

    async fn duplicates(
        &self,
        resource_type: &Arc<ResourceType>,
        limit: usize,
    ) -> Result<Vec<Duplicates>, StoreError> {
        self.noted(self.store.duplicates(resource_type, limit).await)
    }

    async fn noted_definition(
        &self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<Option<String>, StoreError> {
        self.noted(self.store.noted_definition(resource_type).await)
    }

    async fn note_definition(
        &self,
        resource_type: &Arc<ResourceType>,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        self.noted(self.store.note_definition(resource_type, fingerprint).await)
    }

    async fn next_ids(
        &self,
        resource_type: &Arc<ResourceType>,
        count: usize,
    ) -> Result<Vec<Id>, StoreError> {
        self.noted(self.store.next_ids(resource_type, count).await)
    }

    async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        scope: &Filter,
    ) -> Result<Vec<Option<Resource>>, StoreError> {
        self.noted(self.store.find(resource_type, ids, scope).await)
    }

    async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, StoreError> {
        self.noted(self.store.list(resource_type, query).await)
    }

    async fn related(
        &self,
        resource_type: &Arc<ResourceType>,
        relationship: &Arc<Relationship>,
        ids: &[Id],
        query: &Query,
    ) -> Result<Vec<Page>, StoreError> {
        let related = self.store.related(resource_type, relationship, ids, query);
        self.noted(related.await)
    }

    async fn explain(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Plan, StoreError> {
        self.noted(self.store.explain(resource_type, query).await)
    }

    async fn write(&self, unit: Unit) -> Result<Vec<Written>, WriteError> {
        let outcome = self.store.write(unit).await;
        match &outcome {
            Ok(_) | Err(WriteError::Refused { .. } | WriteError::Key(_)) => self.succeeded(),
            Err(WriteError::Store(error)) => self.note(error),
        }
        outcome
    }

    async fn recall(&self, key: &Key) -> Result<Option<KeyRefusal>, StoreError> {
        self.noted(self.store.recall(key).await)
    }

    async fn scan(&self, resource_type: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        self.noted(self.store.scan(resource_type).await)
    }

    async fn import(
        &self,
        resource_type: &Arc<ResourceType>,
        mode: ImportMode,
    ) -> Result<Import, StoreError> {
        self.noted(self.store.import(resource_type, mode).await)
    }

    async fn watch(
        &self,
        resource_type: &Arc<ResourceType>,
        after: Option<&Point>,
    ) -> Result<Watching, WatchError> {
        let watching = self.store.watch(resource_type, after).await;
        if let Err(WatchError::Store(error)) = &watching {
            self.note(error);
        }
        watching
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.noted(self.store.ping().await)
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
