//! Writers and readers that go on until they are told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{RwLock, RwLockWriteGuard};
use tokio::task::JoinSet;

use super::documents::{Change, Kind, Said};
use super::shared::Shared;
use super::{Ledger, readers};
use crate::{Operator, TestStore};

/// How many units are on their way at once, so how many one fault can make unknown.
pub const WRITERS: usize = HABITS.len();

const HABITS: [Habit; 13] = [
    Habit::Insert(Kind::Thing),
    Habit::Insert(Kind::Thing),
    Habit::Insert(Kind::Order),
    Habit::InsertThree,
    Habit::Life,
    Habit::Generations,
    Habit::Count,
    Habit::Count,
    Habit::CountTogether,
    Habit::Link,
    Habit::Link,
    Habit::Keyed(1),
    Habit::Keyed(3),
];

/// What a writer does, over and over.
#[derive(Debug, Clone, Copy)]
enum Habit {
    Insert(Kind),
    InsertThree,
    /// One document is inserted, replaced twice and deleted.
    Life,
    /// A unit inserts one document, replaces the one of the unit before, and deletes that before.
    Generations,
    /// Changes a document that others change too.
    Count,
    /// A unit changes two of these and inserts another.
    CountTogether,
    /// Links a document that others link too.
    Link,
    /// Sends a unit of so many new documents under its key until it is done.
    Keyed(usize),
}

pub struct Load {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl Load {
    /// On a server that keeps its memory.
    pub async fn start(store: &Arc<TestStore>) -> Self {
        Self::noted_in(Ledger::default(), store).await
    }

    /// The same where connections are cut under requests.
    ///
    /// The second attempt of a driver can then overtake the first, which a stand-in is still at:
    /// MongoDB lets it wait for the first and gives it that one's answer.
    pub async fn on_cut_connections(server: &Operator, store: &Arc<TestStore>) -> Self {
        let ledger = Ledger::new(server.is_of_stand_in());
        Self::noted_in(ledger, store).await
    }

    pub async fn noted_in(ledger: Ledger, store: &Arc<TestStore>) -> Self {
        let counters = [(); 2].map(|()| ledger.new_document(Kind::Thing));
        let inserted = ledger.perform(store, &counters.map(Change::Insert)).await;
        assert_eq!(inserted, Said::Done);
        // Makes the counter of the ids, which the stand-ins answer wrongly where a transaction and
        // another write make it at the same time.
        let first = Change::Insert(ledger.new_document(Kind::Order));
        assert_eq!(ledger.perform(store, &[first]).await, Said::Done);
        let shared = Arc::new(Shared {
            store: store.clone(),
            ledger,
            failed_reads: AtomicUsize::default(),
            reads: AtomicUsize::default(),
            stop: AtomicBool::default(),
            under_way: RwLock::default(),
        });
        let mut tasks = JoinSet::new();
        for (number, habit) in HABITS.into_iter().enumerate() {
            let writer = Writer {
                number,
                habit,
                counters,
                turn: 0,
                generations: [None; 2],
            };
            tasks.spawn(writer.write(shared.clone()));
        }
        tasks.spawn(readers::find(shared.clone()));
        tasks.spawn(readers::list(shared.clone()));
        tasks.spawn(readers::scan(shared.clone()));
        Self { shared, tasks }
    }

    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// Waits until so many more units are acknowledged.
    pub async fn acknowledged(&mut self, more: usize) {
        let wanted = self.ledger().count(Said::Done) + more;
        let begun = Instant::now();
        while self.ledger().count(Said::Done) < wanted {
            if let Some(ended) = self.tasks.try_join_next() {
                // Only a panic ends one of them before it is told to stop.
                ended.unwrap();
            }
            let in_time = begun.elapsed() < Duration::from_secs(40);
            let failure = || self.ledger().last_failure();
            assert!(in_time, "nothing is acknowledged: {}", failure());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until so many are acknowledged in a row, nothing being refused or unknown and nothing
    /// not read meanwhile; a store that a fault is over for must come to that soon.
    pub async fn undisturbed(&mut self, more: usize) {
        let shared = self.shared.clone();
        let failures = || {
            let reads = shared.failed_reads.load(Ordering::Relaxed);
            let count = |said| shared.ledger.count(said);
            [reads, count(Said::Unknown), count(Said::NotDone)]
        };
        let begun = Instant::now();
        let mut before = failures();
        loop {
            self.acknowledged(more).await;
            let after = failures();
            if before == after {
                return;
            }
            let in_time = begun.elapsed() < Duration::from_secs(15);
            assert!(in_time, "still failing: {}", self.ledger().last_failure());
            before = after;
        }
    }

    /// Waits until all writes are answered; none is sent before what this gives is dropped.
    pub async fn pause(&self) -> RwLockWriteGuard<'_, ()> {
        self.shared.under_way.write().await
    }

    /// Waits until all is answered.
    async fn stop(self) -> Arc<Shared> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        let reads = self.shared.reads.load(Ordering::Relaxed);
        assert!(reads > 0, "nothing was read");
        self.shared
    }

    /// Waits until all is answered, and compares that with what is there.
    pub async fn assert_kept(self, unknown_at_most: usize) {
        let shared = self.stop().await;
        shared.ledger.assert_kept(&shared.store).await;
        shared.ledger.assert_unknown_at_most(unknown_at_most);
    }
}

struct Writer {
    number: usize,
    habit: Habit,
    counters: [usize; 2],
    /// How many units of it were done.
    turn: usize,
    /// The documents of the unit before and of the one before that.
    generations: [Option<usize>; 2],
}

/// Sends one unit under its key until it is done, or there is no more time.
async fn insist(shared: &Shared, size: usize) {
    let mut keyed = shared.ledger.begin_keyed(size);
    while shared.goes_on() {
        let under_way = shared.under_way.read().await;
        let is_done = shared.ledger.attempt(&shared.store, &mut keyed).await;
        drop(under_way);
        if is_done {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shared.ledger.end_keyed(&keyed);
}

impl Writer {
    async fn write(mut self, shared: Arc<Shared>) {
        while shared.goes_on() {
            if let Habit::Keyed(size) = self.habit {
                insist(&shared, size).await;
                continue;
            }
            let fresh = |kind| shared.ledger.new_document(kind);
            let changes = self.next(fresh);
            let under_way = shared.under_way.read().await;
            let said = shared.ledger.perform(&shared.store, &changes).await;
            drop(under_way);
            self.learn(&changes, said);
            if said != Said::Done {
                // As a client would, before it tries again.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    fn next(&self, fresh: impl Fn(Kind) -> usize) -> Vec<Change> {
        let insert = |kind| Change::Insert(fresh(kind));
        let count = |document| Change::Count {
            document,
            writer: self.number,
        };
        match self.habit {
            Habit::Insert(kind) => vec![insert(kind)],
            Habit::InsertThree => (0..3).map(|_| insert(Kind::Thing)).collect(),
            Habit::Life => vec![match (self.generations[0], self.turn % 4) {
                (Some(document), 1 | 2) => Change::Replace(document),
                (Some(document), 3) => Change::Delete(document),
                _ => insert(Kind::Thing),
            }],
            Habit::Generations => {
                let [young, old] = self.generations;
                let changes = [
                    Some(insert(Kind::Thing)),
                    young.map(Change::Replace),
                    old.map(Change::Delete),
                ];
                changes.into_iter().flatten().collect()
            }
            Habit::Count => vec![count(self.counters[self.turn % 2])],
            Habit::Link => vec![Change::Link {
                document: self.counters[self.turn % 2],
                writer: self.number,
            }],
            Habit::Keyed(_) => unreachable!("these are sent again and again"),
            Habit::CountTogether => {
                let [first, second] = self.counters.map(count);
                vec![first, second, insert(Kind::Order)]
            }
        }
    }

    /// Where it is unknown what became of documents, they are left as they are.
    fn learn(&mut self, changes: &[Change], said: Said) {
        match said {
            Said::Done => {
                self.turn += 1;
                if let Some(Change::Insert(new)) = changes.first() {
                    self.generations = [Some(*new), self.generations[0]];
                }
            }
            Said::NotDone => (),
            Said::Unknown => {
                self.turn = 0;
                self.generations = [None; 2];
            }
        }
    }
}
