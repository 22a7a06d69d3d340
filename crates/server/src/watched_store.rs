//! A store that tells the health of the process what its requests meet, so that readiness follows
//! them at once and not at the next scheduled check.

mod check;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chassis::health::{CheckFailure, Health, Schedule, Upstream};
use chassis::telemetry::Calls;
use resources::query::{Filter, Query};
use resources::schema::{Id, Relationship, ResourceType};
use resources::store::{
    Duplicates, Import, ImportMode, Key, KeyRefusal, Page, Plan, Point, Reachability, Resource,
    Scan, Store, StoreError, Unit, WatchError, Watching, WriteError, Written,
};

use tokio::sync::watch;

use self::check::{StoreCheck, failure_of, reason_of};
use crate::settings::Settings;
use crate::telemetry::Telemetry;

/// A store and what is known of it.
pub(crate) struct WatchedStore {
    store: Arc<dyn Store>,
    upstream: Upstream,
    check: Arc<StoreCheck>,
    calls: Calls,
}

impl WatchedStore {
    /// Has `health` watch a store from now on.
    pub(crate) fn watched_by(
        health: &Health,
        store: Arc<dyn Store>,
        settings: &Settings,
        telemetry: &Telemetry,
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
            calls: telemetry.calls(store.name()),
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

    /// Waits for a call and notes what became of it; `collection` is the name of its type, if it
    /// has one.
    async fn noted<T>(
        &self,
        operation: &'static str,
        collection: &str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let error_type = |error: &StoreError| Some(reason_of(error));
        let followed = self.calls.follow(operation, collection, call, error_type);
        let outcome = followed.await;
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
        self.noted("prepare", "", self.store.prepare(types)).await
    }

    async fn collections(&self) -> Result<Vec<String>, StoreError> {
        self.noted("collections", "", self.store.collections())
            .await
    }

    async fn duplicates(
        &self,
        resource_type: &Arc<ResourceType>,
        limit: usize,
    ) -> Result<Vec<Duplicates>, StoreError> {
        self.noted(
            "duplicates",
            &resource_type.name,
            self.store.duplicates(resource_type, limit),
        )
        .await
    }

    async fn noted_definition(
        &self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<Option<String>, StoreError> {
        self.noted(
            "noted_definition",
            &resource_type.name,
            self.store.noted_definition(resource_type),
        )
        .await
    }

    async fn note_definition(
        &self,
        resource_type: &Arc<ResourceType>,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        self.noted(
            "note_definition",
            &resource_type.name,
            self.store.note_definition(resource_type, fingerprint),
        )
        .await
    }

    async fn next_ids(
        &self,
        resource_type: &Arc<ResourceType>,
        count: usize,
    ) -> Result<Vec<Id>, StoreError> {
        self.noted(
            "next_ids",
            &resource_type.name,
            self.store.next_ids(resource_type, count),
        )
        .await
    }

    async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        scope: &Filter,
    ) -> Result<Vec<Option<Resource>>, StoreError> {
        self.noted(
            "find",
            &resource_type.name,
            self.store.find(resource_type, ids, scope),
        )
        .await
    }

    async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, StoreError> {
        self.noted(
            "list",
            &resource_type.name,
            self.store.list(resource_type, query),
        )
        .await
    }

    async fn related(
        &self,
        resource_type: &Arc<ResourceType>,
        relationship: &Arc<Relationship>,
        ids: &[Id],
        query: &Query,
    ) -> Result<Vec<Page>, StoreError> {
        let related = self.store.related(resource_type, relationship, ids, query);
        self.noted("related", &resource_type.name, related).await
    }

    async fn explain(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Plan, StoreError> {
        self.noted(
            "explain",
            &resource_type.name,
            self.store.explain(resource_type, query),
        )
        .await
    }

    async fn write(&self, unit: Unit) -> Result<Vec<Written>, WriteError> {
        let error_type = |error: &WriteError| match error {
            // It is for the client to mend.
            WriteError::Refused { .. } | WriteError::Key(_) => None,
            WriteError::Store(error) => Some(reason_of(error)),
        };
        let write = self.store.write(unit);
        let outcome = self.calls.follow("write", "", write, error_type).await;
        match &outcome {
            Ok(_) | Err(WriteError::Refused { .. } | WriteError::Key(_)) => self.succeeded(),
            Err(WriteError::Store(error)) => self.note(error),
        }
        outcome
    }

    async fn recall(&self, key: &Key) -> Result<Option<KeyRefusal>, StoreError> {
        self.noted("recall", "", self.store.recall(key)).await
    }

    async fn scan(&self, resource_type: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        self.noted("scan", &resource_type.name, self.store.scan(resource_type))
            .await
    }

    async fn import(
        &self,
        resource_type: &Arc<ResourceType>,
        mode: ImportMode,
    ) -> Result<Import, StoreError> {
        self.noted(
            "import",
            &resource_type.name,
            self.store.import(resource_type, mode),
        )
        .await
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
        self.noted("ping", "", self.store.ping()).await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
