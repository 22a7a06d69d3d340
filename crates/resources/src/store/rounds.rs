//! Reads that are wanted at the same time are asked of a store together: a wrapper around any
//! store.
//!
//! `docs/decisions/0010-reads-in-rounds.md` says why this is safe and what it gains.

mod gathering;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::watch;

use self::gathering::Gathering;
use super::{
    Duplicates, Import, ImportMode, Key, KeyRefusal, Page, Plan, Point, Reachability, Resource,
    Scan, Store, StoreError, Unit, WatchError, Watching, WriteError, Written,
};
use crate::query::{Filter, Query};
use crate::schema::{Id, Relationship, ResourceType};

type Found = Result<Vec<Option<Resource>>, StoreError>;

/// `None` tells a reader to ask alone.
type Shared = Option<Result<Page, StoreError>>;

/// A store that is asked once for what several readers want at the same time.
pub struct Rounds {
    store: Arc<dyn Store>,
    /// By type and scope: the ids that each reader wants.
    finds: Arc<Gathering<(String, Filter), Vec<Id>, Found>>,
    /// By type and query.
    pages: Arc<Gathering<(String, Query), (), Shared>>,
}

impl Rounds {
    /// Reads of `store` go in rounds; everything else goes to it as it is.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            finds: Gathering::new("find"),
            pages: Gathering::new("list"),
        }
    }
}

#[async_trait]
impl Store for Rounds {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn hosts(&self) -> Option<&str> {
        self.store.hosts()
    }

    fn changes(&self) -> Option<u64> {
        self.store.changes()
    }

    fn reachability(&self) -> Option<watch::Receiver<Reachability>> {
        self.store.reachability()
    }

    async fn prepare(&self, types: &[Arc<ResourceType>]) -> Result<(), StoreError> {
        self.store.prepare(types).await
    }

    async fn collections(&self) -> Result<Vec<String>, StoreError> {
        self.store.collections().await
    }

    async fn duplicates(
        &self,
        resource_type: &Arc<ResourceType>,
        limit: usize,
    ) -> Result<Vec<Duplicates>, StoreError> {
        self.store.duplicates(resource_type, limit).await
    }

    async fn noted_definition(
        &self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<Option<String>, StoreError> {
        self.store.noted_definition(resource_type).await
    }

    async fn note_definition(
        &self,
        resource_type: &Arc<ResourceType>,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        self.store.note_definition(resource_type, fingerprint).await
    }

    async fn next_ids(
        &self,
        resource_type: &Arc<ResourceType>,
        count: usize,
    ) -> Result<Vec<Id>, StoreError> {
        self.store.next_ids(resource_type, count).await
    }

    async fn find(&self, resource_type: &Arc<ResourceType>, ids: &[Id], scope: &Filter) -> Found {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let key = (resource_type.name.clone(), scope.clone());
        let (store, of, scope) = (self.store.clone(), resource_type.clone(), scope.clone());
        let ask = move |wanted| async move { find_all(&*store, &of, wanted, &scope).await };
        self.finds.answer(key, ids.to_vec(), ids.len(), ask).await?
    }

    async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, StoreError> {
        let key = (resource_type.name.clone(), query.clone());
        let (store, of, once) = (self.store.clone(), resource_type.clone(), query.clone());
        let ask = move |readers: Vec<()>| async move {
            let page = store.list(&of, &once).await;
            let mut answers: Vec<_> = readers[1..].iter().map(|()| copy(&page)).collect();
            answers.push(Some(page));
            answers
        };
        match self.pages.answer(key, (), 1, ask).await? {
            Some(answer) => answer,
            None => self.store.list(resource_type, query).await,
        }
    }

    async fn related(
        &self,
        resource_type: &Arc<ResourceType>,
        relationship: &Arc<Relationship>,
        ids: &[Id],
        query: &Query,
    ) -> Result<Vec<Page>, StoreError> {
        let (store, of) = (&self.store, resource_type);
        store.related(of, relationship, ids, query).await
    }

    async fn explain(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Plan, StoreError> {
        self.store.explain(resource_type, query).await
    }

    async fn write(&self, unit: Unit) -> Result<Vec<Written>, WriteError> {
        self.store.write(unit).await
    }

    async fn recall(&self, key: &Key) -> Result<Option<KeyRefusal>, StoreError> {
        self.store.recall(key).await
    }

    async fn scan(&self, resource_type: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        self.store.scan(resource_type).await
    }

    async fn import(
        &self,
        resource_type: &Arc<ResourceType>,
        mode: ImportMode,
    ) -> Result<Import, StoreError> {
        self.store.import(resource_type, mode).await
    }

    async fn watch(
        &self,
        resource_type: &Arc<ResourceType>,
        after: Option<&Point>,
    ) -> Result<Watching, WatchError> {
        self.store.watch(resource_type, after).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

/// What each reader wants, asked for together.
async fn find_all(
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
    wanted: Vec<Vec<Id>>,
    scope: &Filter,
) -> Vec<Found> {
    if let [ids] = &wanted[..] {
        return vec![store.find(resource_type, ids, scope).await];
    }
    let (mut positions, mut distinct) = (HashMap::new(), Vec::new());
    for id in wanted.iter().flatten() {
        positions.entry(id).or_insert_with(|| {
            distinct.push(id.clone());
            distinct.len() - 1
        });
    }
    match store.find(resource_type, &distinct, scope).await {
        Ok(found) => {
            let of = |ids: &Vec<Id>| ids.iter().map(|id| found[positions[id]].clone()).collect();
            wanted.iter().map(|ids| Ok(of(ids))).collect()
        }
        // A resource that cannot be read fails its own readers alone.
        Err(StoreError::Corrupt(_)) => {
            join_all(
                wanted
                    .iter()
                    .map(|ids| store.find(resource_type, ids, scope)),
            )
            .await
        }
        Err(error) => vec![Err(error); wanted.len()],
    }
}

/// The same page for another reader; what has not arrived yet can only be read by one.
fn copy(answer: &Result<Page, StoreError>) -> Shared {
    match answer {
        Ok(page) if page.rest.is_some() => None,
        Ok(page) => Some(Ok(Page {
            resources: page.resources.clone(),
            rest: None,
            more: page.more,
            total: page.total,
        })),
        Err(error) => Some(Err(error.clone())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::schema;

    /// A store that has every integer below 100 but cannot read 13, and notes what it is asked.
    #[derive(Default)]
    struct Numbers(Mutex<Vec<usize>>);

    #[async_trait]
    impl Store for Numbers {
        fn name(&self) -> &'static str {
            "numbers"
        }

        async fn prepare(&self, _: &[Arc<ResourceType>]) -> Result<(), StoreError> {
            Ok(())
        }

        async fn next_ids(&self, _: &Arc<ResourceType>, _: usize) -> Result<Vec<Id>, StoreError> {
            Ok(Vec::new())
        }

        async fn find(&self, _: &Arc<ResourceType>, ids: &[Id], _: &Filter) -> Found {
            self.0.lock().unwrap().push(ids.len());
            if ids.contains(&Id::Integer(13)) {
                return Err(StoreError::Corrupt("13".to_owned()));
            }
            let found = |id: &Id| match id {
                Id::Integer(number) if *number < 100 => Some(Resource {
                    id: id.clone(),
                    text: number.to_string(),
                }),
                _ => None,
            };
            Ok(ids.iter().map(found).collect())
        }

        async fn list(&self, _: &Arc<ResourceType>, query: &Query) -> Result<Page, StoreError> {
            self.0.lock().unwrap().push(0);
            // A page of one comes in two parts.
            let (_, rest) = Scan::channel();
            Ok(Page {
                resources: Arc::default(),
                rest: (query.limit == 1).then_some(rest),
                more: false,
                total: None,
            })
        }

        async fn related(
            &self,
            _: &Arc<ResourceType>,
            _: &Arc<Relationship>,
            _: &[Id],
            _: &Query,
        ) -> Result<Vec<Page>, StoreError> {
            Ok(Vec::new())
        }

        async fn explain(&self, _: &Arc<ResourceType>, _: &Query) -> Result<Plan, StoreError> {
            let text = String::new();
            let is_costly = false;
            Ok(Plan { text, is_costly })
        }

        async fn write(&self, _: Unit) -> Result<Vec<Written>, WriteError> {
            Ok(Vec::new())
        }

        async fn recall(&self, _: &Key) -> Result<Option<KeyRefusal>, StoreError> {
            Ok(None)
        }

        async fn scan(&self, _: &Arc<ResourceType>) -> Result<Scan, StoreError> {
            Ok(Scan::channel().1)
        }

        async fn import(&self, _: &Arc<ResourceType>, _: ImportMode) -> Result<Import, StoreError> {
            Ok(Import::channel().1)
        }

        async fn ping(&self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn numbers() -> (Arc<Numbers>, Rounds, Arc<ResourceType>) {
        let store = Arc::<Numbers>::default();
        let text = "type: numbers\nid: integer\nattributes: {type: object}\n";
        let resource_type = Arc::new(schema::parse(text).unwrap());
        (store.clone(), Rounds::new(store), resource_type)
    }

    async fn found(rounds: &Rounds, resource_type: &Arc<ResourceType>, ids: &[i64]) -> Found {
        let ids: Vec<Id> = ids.iter().copied().map(Id::Integer).collect();
        rounds.find(resource_type, &ids, &Filter::Everything).await
    }

    fn texts(found: Found) -> Vec<Option<String>> {
        let text = |one: Option<Resource>| one.map(|one| one.text);
        found.unwrap().into_iter().map(text).collect()
    }

    #[tokio::test]
    async fn each_reader_of_a_round_is_given_what_it_asked_for() {
        let (store, rounds, of) = numbers();
        let (one, two, three) = tokio::join!(
            found(&rounds, &of, &[1, 200, 2]),
            found(&rounds, &of, &[2]),
            found(&rounds, &of, &[]),
        );
        let text = |number: i64| Some(number.to_string());
        assert_eq!(texts(one), [text(1), None, text(2)]);
        assert_eq!(texts(two), [text(2)]);
        assert_eq!(texts(three), []);
        // Three different ids, asked for once.
        assert_eq!(*store.0.lock().unwrap(), [3]);
    }

    #[tokio::test]
    async fn a_resource_that_cannot_be_read_fails_its_own_reader_alone() {
        let (_, rounds, of) = numbers();
        let (good, bad) = tokio::join!(found(&rounds, &of, &[1]), found(&rounds, &of, &[13]));
        assert_eq!(texts(good), [Some("1".to_owned())]);
        assert!(matches!(bad, Err(StoreError::Corrupt(_))), "{bad:?}");
    }

    #[tokio::test]
    async fn a_page_is_shared_unless_it_has_a_rest() {
        let (store, rounds, of) = numbers();
        for (limit, asked, with_rest) in [(2, 1, 0), (1, 2, 2)] {
            let query = Query::first(limit);
            let (one, other) = tokio::join!(rounds.list(&of, &query), rounds.list(&of, &query));
            let pages = [one.unwrap(), other.unwrap()];
            let rests = pages.iter().filter(|page| page.rest.is_some());
            assert_eq!(rests.count(), with_rest);
            assert_eq!(std::mem::take(&mut *store.0.lock().unwrap()).len(), asked);
        }
    }
}
