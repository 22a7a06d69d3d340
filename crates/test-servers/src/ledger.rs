//! Every write that tests send, and what the store said of it.

mod book;
mod documents;
mod shared;
mod keyed;
mod load;
mod readers;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resources::schema::{Attributes, Id};
use resources::store::{
    Change as StoredChange, ImportMode, NewResource, Store, StoreError, Unit, Version, Write,
    WriteError, Written,
};
use serde_json::{Value, json};

use self::book::{Book, Shown, counter_name, link, shown};
use self::documents::{attributes, resource_type, said_by};
use crate::{OPERATION_TIMEOUT, TestStore};

pub use documents::{Change, Kind, Said};
pub use load::{Load, WRITERS};

/// Every write that was ever sent, and what was said of it.
#[derive(Debug, Default)]
pub struct Ledger {
    book: Mutex<Book>,
    slowest: Mutex<Duration>,
    /// Why the last unit that failed did.
    last_failure: Mutex<String>,
    /// Whether the server forgets in a crash which writes it has done. The second attempt of a
    /// driver can then find the first one done, while MongoDB recognizes the second attempt.
    is_forgetful: bool,
}

impl Ledger {
    /// For a server that may forget in a crash which writes it has done.
    pub fn new(is_forgetful: bool) -> Self {
        Self {
            is_forgetful,
            ..Self::default()
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A reader that finds a mistake panics while it holds the lock.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count(&self, said: Said) -> usize {
        self.book().count(said)
    }

    pub fn last_failure(&self) -> String {
        self.last_failure.lock().unwrap().clone()
    }

    /// The number of a document that is not there yet.
    pub fn new_document(&self, kind: Kind) -> usize {
        self.book().new_document(kind)
    }

    /// Sends one unit of so many new things, and notes the answer.
    pub async fn send(&self, store: &TestStore, size: usize) -> Said {
        let fresh = |_| Change::Insert(self.new_document(Kind::Thing));
        let changes: Vec<Change> = (0..size).map(fresh).collect();
        self.perform(store, &changes).await
    }

    /// Sends one unit, and notes the answer.
    pub async fn perform(&self, store: &TestStore, changes: &[Change]) -> Said {
        if let Err(error) = self.reserve_ids(store, changes).await {
            return self.not_sent(changes, &error);
        }
        // The versions before the unit itself is in the book.
        let guards: Vec<_> = changes.iter().map(|change| self.version(*change)).collect();
        let linked: Vec<_> = changes.iter().map(|change| self.linked(*change)).collect();
        let unit = self.book().begin(changes);
        let guards = guards.into_iter().zip(linked);
        let writes = changes
            .iter()
            .zip(guards)
            .map(|(change, (version, linked))| {
                let mut write = self.write(store, unit, *change);
                if let StoredChange::Link { remove, .. } = &mut write.change {
                    *remove = linked;
                }
                // Stores do a write without a version in another way, so every other unit has none.
                write.guard.versions = version
                    .filter(|_| unit.is_multiple_of(2))
                    .map(|one| vec![one]);
                write
            });
        let writes = Unit::new(writes.collect());
        let begun = Instant::now();
        let outcome = store.mongo.write(writes).await;
        self.took(begun.elapsed());
        if let Err(error) = &outcome {
            *self.last_failure.lock().unwrap() = error.to_string();
        }
        let said = match &outcome {
            Ok(_) => Said::Done,
            Err(WriteError::Store(error)) => said_by(error),
            Err(WriteError::Refused { .. }) if self.is_forgetful => Said::Unknown,
            Err(refused) => panic!("{changes:?}: {refused}"),
        };
        self.book().end(unit, said);
        self.note(unit, changes, &outcome.unwrap_or_default());
        said
    }

    /// Sends so many new things as a batch of an import. Where the outcome is unknown, a part of
    /// them may be stored.
    pub async fn import(&self, store: &TestStore, size: usize) -> Said {
        let (mut units, mut rows) = (Vec::new(), Vec::new());
        for _ in 0..size {
            let number = self.new_document(Kind::Thing);
            let change = Change::Insert(number);
            self.reserve_ids(store, &[change]).await.unwrap();
            let unit = self.book().begin(&[change]);
            units.push(unit);
            rows.push(NewResource {
                id: self.id(number),
                attributes: attributes(number, unit),
            });
        }
        let begun = store.mongo.import(&store.things, ImportMode::EachBatch);
        let outcome = match begun.await {
            Ok(mut import) => import.insert(rows).await,
            Err(error) => Err(error),
        };
        let said = match outcome {
            Ok(outcomes) => {
                assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
                Said::Done
            }
            Err(error) => said_by(&error),
        };
        for unit in units {
            self.book().end(unit, said);
        }
        said
    }

    /// Asks for the ids of new documents. Things have theirs without the store.
    async fn reserve_ids(&self, store: &TestStore, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            let Change::Insert(number) = change else {
                continue;
            };
            let (kind, None) = self.book().document(*number) else {
                continue;
            };
            let begun = Instant::now();
            let ids = store.mongo.next_ids(resource_type(store, kind), 1).await;
            self.took(begun.elapsed());
            self.book().has_id(*number, &ids?[0]);
        }
        Ok(())
    }

    /// Notes a unit that was not sent because it got no ids. The store must not call it unknown.
    fn not_sent(&self, changes: &[Change], error: &StoreError) -> Said {
        assert_ne!(said_by(error), Said::Unknown, "{error}");
        *self.last_failure.lock().unwrap() = error.to_string();
        let unit = self.book().begin(changes);
        self.book().end(unit, Said::NotDone);
        Said::NotDone
    }

    fn took(&self, time: Duration) {
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = time.max(*slowest);
    }

    /// Checks that the store says to have stored what it was sent.
    fn note(&self, unit: usize, changes: &[Change], written: &[Written]) {
        for (change, written) in changes.iter().zip(written) {
            match (change, written) {
                (Change::Insert(number) | Change::Replace(number), Written::Stored(stored)) => {
                    let sent = json!(attributes(*number, unit)).to_string();
                    assert_eq!(stored.text, sent);
                    assert_eq!(stored.id, self.id(*number));
                }
                (Change::Count { writer, .. }, Written::Stored(stored)) => {
                    let counted = format!("\"{}\":{unit}", counter_name(*writer));
                    assert!(stored.text.contains(&counted), "{stored:?}");
                }
                (Change::Link { writer, .. }, Written::Stored(stored)) => {
                    let linked = link(unit, *writer).to_string();
                    assert!(stored.text.contains(&linked), "{stored:?}");
                }
                (Change::Delete(_), Written::Deleted) => (),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The version of a document that only one writer changes. If the store sends a change again
    /// that is done already, the second attempt meets another version and is refused.
    fn version(&self, change: Change) -> Option<Version> {
        let (Change::Replace(number) | Change::Delete(number)) = change else {
            return None;
        };
        let unit = self.book().written_by(number)?;
        let text = json!(attributes(number, unit)).to_string();
        Some(Version::of_text(&text))
    }

    /// What a link takes the place of.
    fn linked(&self, change: Change) -> Vec<Value> {
        let Change::Link { document, writer } = change else {
            return Vec::new();
        };
        let units = self.book().linked(document, writer).into_iter();
        units.map(|unit| link(unit, writer).into()).collect()
    }

    fn write(&self, store: &TestStore, unit: usize, change: Change) -> Write {
        let resource_type = |number| resource_type(store, self.book().document(number).0);
        match change {
            Change::Insert(number) => {
                let attributes = attributes(number, unit);
                Write::insert(resource_type(number), self.id(number), attributes)
            }
            Change::Replace(number) => {
                let attributes = attributes(number, unit);
                Write::replace(resource_type(number), self.id(number), attributes)
            }
            Change::Delete(number) => Write::delete(resource_type(number), self.id(number)),
            Change::Count { document, writer } => {
                let changes = Attributes::from_iter([(counter_name(writer), unit.into())]);
                Write::update(resource_type(document), self.id(document), changes)
            }
            Change::Link { document, writer } => {
                let (of, id) = (resource_type(document), self.id(document));
                let mut write = Write::update(of, id, Attributes::new());
                write.guard.validated = false;
                write.change = StoredChange::Link {
                    relationship: "links".to_owned(),
                    add: vec![link(unit, writer).into()],
                    remove: Vec::new(),
                };
                write
            }
        }
    }

    fn id(&self, number: usize) -> Id {
        self.book().document(number).1.expect("it has an id")
    }

    /// Everything that the store shows of some types.
    async fn everything(
        store: &TestStore,
        kinds: &[Kind],
    ) -> Result<HashMap<usize, Shown>, StoreError> {
        let mut all = HashMap::new();
        for kind in kinds {
            let mut scan = store.mongo.scan(resource_type(store, *kind)).await?;
            while let Some(batch) = scan.next().await? {
                for one in batch.iter() {
                    let (number, shown) = shown(one.id, one.text);
                    assert!(all.insert(number, shown).is_none(), "{number} is doubled");
                }
            }
        }
        Ok(all)
    }

    /// What was acknowledged is there once, what was not done is not there, what is unknown is
    /// there wholly or not at all, nothing else is there, and no answer came late.
    pub async fn assert_kept(&self, store: &TestStore) {
        const ALL: [Kind; 2] = [Kind::Thing, Kind::Order];
        let there = Self::everything(store, &ALL).await.unwrap();
        let book = self.book();
        book.check_all(&ALL, &there, book.now());
        book.check_units(&there);
        let slowest = *self.slowest.lock().unwrap();
        assert!(
            slowest < OPERATION_TIMEOUT + Duration::from_secs(1),
            "took {slowest:?}"
        );
    }

    /// Panics if the store did not know more often than this what it has done.
    pub fn assert_unknown_at_most(&self, most: usize) {
        let unknown = self.count(Said::Unknown);
        assert!(unknown <= most, "{unknown} units are unknown");
    }
}
