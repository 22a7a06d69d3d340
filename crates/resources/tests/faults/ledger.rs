//! Writes under load, and what the store said of each.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use resources::repository::{
    NewResource, Operation, Refusal, Repository, RepositoryError, Write, WriteError,
};
use resources::schema::{Attributes, Id};
use tokio::task::JoinSet;

use crate::server::{OPERATION_TIMEOUT, TestStore};

/// What the store said of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Done,
    NotDone,
    Unknown,
}

/// Every resource that was ever sent, with its unit and what was said of it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    units: Mutex<Vec<(Vec<Id>, Said)>>,
    slowest: Mutex<Duration>,
}

impl Ledger {
    pub(crate) fn count(&self, said: Said) -> usize {
        let units = self.units.lock().unwrap();
        units.iter().filter(|(_, it)| *it == said).count()
    }

    /// Sends one unit of so many new resources, and notes the answer.
    pub(crate) async fn send(&self, store: &TestStore, size: usize) -> Said {
        let ids: Vec<Id> = (0..size).filter_map(|_| store.of.id.generate()).collect();
        let unit = ids.iter().map(|id| insertion(store, id)).collect();
        let begun = Instant::now();
        let said = match store.repository.write(unit).await {
            Ok(_) => Said::Done,
            Err(WriteError::Store(RepositoryError::Unavailable(_) | RepositoryError::Busy(_))) => {
                Said::NotDone
            }
            // Where the id is taken: it is fresh, so the driver sent the unit twice and found its own first try. MongoDB
            // would have known the second for what it is; the stand-ins forget that in a crash.
            Err(
                WriteError::Store(RepositoryError::OutcomeUnknown(_))
                | WriteError::Refused {
                    refusal: Refusal::IdTaken(_),
                    ..
                },
            ) => Said::Unknown,
            Err(other) => panic!("{other}"),
        };
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = begun.elapsed().max(*slowest);
        self.units.lock().unwrap().push((ids, said));
        said
    }

    /// What was acknowledged is there once, what was not done is not there, and what is unknown
    /// is there wholly or not at all.
    pub(crate) async fn assert_kept(&self, store: &TestStore) {
        let mut there: HashMap<String, u32> = HashMap::new();
        let mut scan = store.repository.scan(&store.of).await.unwrap();
        while let Some(batch) = scan.next().await.unwrap() {
            for resource in batch.iter() {
                *there.entry(resource.id.to_string()).or_default() += 1;
            }
        }
        assert!(there.values().all(|count| *count == 1), "doubled");
        let units = self.units.lock().unwrap();
        for (ids, said) in units.iter() {
            let found = ids.iter().filter(|id| there.contains_key(&id.to_string()));
            match (said, found.count()) {
                (Said::Done, count) => assert_eq!(count, ids.len(), "lost: {ids:?}"),
                (Said::NotDone, count) => assert_eq!(count, 0, "done after all: {ids:?}"),
                (Said::Unknown, count) => {
                    assert!(count == 0 || count == ids.len(), "half: {ids:?}");
                }
            }
        }
        let slowest = *self.slowest.lock().unwrap();
        assert!(
            slowest < OPERATION_TIMEOUT + Duration::from_secs(1),
            "took {slowest:?}"
        );
    }
}

fn insertion(store: &TestStore, id: &Id) -> Write {
    let mut attributes = Attributes::new();
    attributes.insert("n".to_owned(), 1.into());
    Write {
        of: store.of.clone(),
        operation: Operation::Insert(NewResource {
            id: Some(id.clone()),
            attributes,
        }),
    }
}

/// Writers that go on until they are told to stop: some send single writes, some units of three.
pub(crate) struct Load {
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
    writers: JoinSet<()>,
}

impl Load {
    pub(crate) fn start(store: &Arc<TestStore>) -> Self {
        let (ledger, stop) = (Arc::<Ledger>::default(), Arc::<AtomicBool>::default());
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let (ledger, stop, store) = (ledger.clone(), stop.clone(), store.clone());
            let size = if writer % 2 == 0 { 1 } else { 3 };
            writers.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    if ledger.send(&store, size).await != Said::Done {
                        // As a client would, before it tries again.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            });
        }
        Self {
            ledger,
            stop,
            writers,
        }
    }

    /// Waits until so many more units are acknowledged.
    pub(crate) async fn acknowledged(&self, more: usize) {
        let wanted = self.ledger.count(Said::Done) + more;
        let begun = Instant::now();
        while self.ledger.count(Said::Done) < wanted {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "nothing is acknowledged"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn stop(self) -> Arc<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        self.writers.join_all().await;
        self.ledger
    }
}
