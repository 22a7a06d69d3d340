//! Readers under load: they may be told that the store is away or busy, and nothing that is wrong.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use resources::query::{Filter, Query, Total};
use resources::store::{Page, Store, StoreError};

use super::book::{Moment, shown};
use super::documents::Kind;
use super::shared::Shared;
use super::{Ledger, resource_type};

const KINDS: [Kind; 2] = [Kind::Thing, Kind::Order];

/// Between two reads, which must not leave the writers no time.
const PAUSE: Duration = Duration::from_millis(5);

impl Shared {
    /// What was read, if anything was.
    async fn answered<T>(&self, read: Result<T, StoreError>) -> Option<T> {
        let answer = match read {
            Ok(answer) => {
                self.reads.fetch_add(1, Ordering::Relaxed);
                Some(answer)
            }
            Err(StoreError::Unavailable(_) | StoreError::Busy(_)) => {
                self.failed_reads.fetch_add(1, Ordering::Relaxed);
                None
            }
            Err(other) => panic!("{other}"),
        };
        tokio::time::sleep(PAUSE).await;
        answer
    }
}

/// Reads single documents, most of them new ones.
pub(super) async fn find(shared: Arc<Shared>) {
    let mut turn = 0;
    while shared.goes_on() {
        turn += 1;
        let (since, number, (kind, id)) = {
            let book = shared.ledger.book();
            let documents = book.documents();
            // Now and then one of the counters, which are the first two.
            let number = match turn % 4 {
                0 => turn / 4 % 2,
                other => documents.saturating_sub(turn * other % 40 + 1),
            };
            (book.now(), number, book.document(number))
        };
        let Some(id) = id else {
            tokio::task::yield_now().await;
            continue;
        };
        let store = &shared.store;
        let (of, ids) = (resource_type(store, kind), [id]);
        let read = store.mongo.find(of, &ids, &Filter::Everything).await;
        if let Some(found) = shared.answered(read).await {
            let found = found[0].as_ref();
            let found = found.map(|found| shown(&found.id, &found.text));
            let book = shared.ledger.book();
            assert!(found.as_ref().is_none_or(|(it, _)| *it == number));
            book.check(number, found.as_ref().map(|(_, shown)| shown), since);
        }
    }
}

/// Reads pages with the size of the collection.
pub(super) async fn list(shared: Arc<Shared>) {
    let mut turn = 0;
    while shared.goes_on() {
        turn += 1;
        let kind = KINDS[turn % 2];
        let since = shared.ledger.book().now();
        let page = Query {
            skip: u64::try_from(turn / 2 % 5 * 20).unwrap(),
            ..Query::first(20)
        };
        let store = &shared.store;
        let read = store.mongo.list(resource_type(store, kind), &page);
        let read = read.await;
        if let Some(page) = shared.answered(read).await {
            check_page(&shared.ledger, kind, &page, since);
        }
    }
}

fn check_page(ledger: &Ledger, kind: Kind, page: &Page, since: Moment) {
    assert!(page.rest.is_none(), "a small page is whole");
    let book = ledger.book();
    let mut seen = HashSet::new();
    for one in page.resources.iter() {
        let (number, shown) = shown(one.id, one.text);
        assert!(seen.insert(number), "{number} is twice on a page");
        assert_eq!(book.document(number).0, kind);
        book.check(number, Some(&shown), since);
    }
    let size = book.size(kind, since);
    let total = page
        .total
        .map(Total::number)
        .expect("a total was asked for");
    assert!(size.contains(&total), "{total} of {size:?}");
}

/// Reads whole collections.
pub(super) async fn scan(shared: Arc<Shared>) {
    let mut turn = 0;
    while shared.goes_on() {
        turn += 1;
        let kind = KINDS[turn % 2];
        let since = shared.ledger.book().now();
        let read = Ledger::everything(&shared.store, &[kind]).await;
        if let Some(there) = shared.answered(read).await {
            let book = shared.ledger.book();
            book.check_all(&[kind], &there, since);
        }
        tokio::time::sleep(10 * PAUSE).await;
    }
}
