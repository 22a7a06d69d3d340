//! Writes, and what the store said of each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resources::schema::{Attributes, ResourceType};
use resources::store::{
    ImportMode, NewResource, Store, StoreError, Unit, Version, Write, WriteError, Written,
};
use serde_json::json;

use crate::book::{Book, Change, Kind, Said, Shown, counter_name, shown};
use crate::server::{OPERATION_TIMEOUT, TestStore};

/// Every write that was ever sent, and what was said of it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    book: Mutex<Book>,
    slowest: Mutex<Duration>,
    /// The last answer that was none.
    last_failure: Mutex<String>,
    /// By document, the text that the store gave last.
    texts: Mutex<HashMap<usize, String>>,
    /// Whether the server loses its memory of writes in a crash, so that the second attempt of a
    /// driver can find the first one done. MongoDB knows the second for what it is.
    is_forgetful: bool,
}

impl Ledger {
    /// Of a server that may be `kill`ed and may be a stand-in.
    pub(crate) fn of_one_that_forgets(is_forgetful: bool) -> Self {
        Self {
            is_forgetful,
            ..Self::default()
        }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        // A reader that finds something wrong panics with the book in its hands.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, said: Said) -> usize {
        self.book().count(said)
    }

    pub(crate) fn last_failure(&self) -> String {
        self.last_failure.lock().unwrap().clone()
    }

    /// The number of a document that is not there yet.
    pub(crate) fn new_document(&self, store: &TestStore, kind: Kind) -> usize {
        let id = of(store, kind).id.generate();
        self.book().new_document(kind, id)
    }

    /// Sends one unit of so many new things, and notes the answer.
    pub(crate) async fn send(&self, store: &TestStore, size: usize) -> Said {
        let fresh = |_| Change::Insert(self.new_document(store, Kind::Thing));
        let changes: Vec<Change> = (0..size).map(fresh).collect();
        self.perform(store, &changes).await
    }

    /// Sends one unit, and notes the answer.
    pub(crate) async fn perform(&self, store: &TestStore, changes: &[Change]) -> Said {
        let unit = self.book().begin(changes);
        if let Err(error) = self.choose_ids(store, changes).await {
            *self.last_failure.lock().unwrap() = error.to_string();
            let said = said_by(&error);
            assert_eq!(said, Said::NotDone, "{error}: nothing was sent");
            self.book().end(unit, said);
            return said;
        }
        let writes = changes
            .iter()
            .map(|change| self.write(store, unit, *change));
        let writes = writes.collect();
        let begun = Instant::now();
        let outcome = store.repository.write(Unit::new(writes)).await;
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

    /// Lets the store choose the ids of new documents that have none.
    async fn choose_ids(&self, store: &TestStore, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            let Change::Insert(number) = *change else {
                continue;
            };
            let (kind, id) = self.book().document(number);
            if id.is_none() {
                let begun = Instant::now();
                let chosen = store.repository.next_ids(of(store, kind), 1).await;
                self.took(begun.elapsed());
                self.book().has_id(number, &chosen?[0]);
            }
        }
        Ok(())
    }

    /// Sends so many new things as a batch of an import, which is done in part where it is unknown.
    pub(crate) async fn import(&self, store: &TestStore, size: usize) -> Said {
        let fresh = |_| Change::Insert(self.new_document(store, Kind::Thing));
        let (mut units, mut rows) = (Vec::new(), Vec::new());
        for change in (0..size).map(fresh) {
            let unit = self.book().begin(&[change]);
            units.push(unit);
            let id = self.write(store, unit, change).id;
            let Change::Insert(number) = change else {
                unreachable!("all are new")
            };
            let attributes = attributes(number, unit);
            rows.push(NewResource { id, attributes });
        }
        let begun = store.repository.import(&store.of, ImportMode::EachBatch);
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

    fn took(&self, time: Duration) {
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = time.max(*slowest);
    }

    /// What the store says that it has now is what it was sent, and has an id.
    fn note(&self, unit: usize, changes: &[Change], written: &[Written]) {
        for (change, written) in changes.iter().zip(written) {
            match (change, written) {
                (Change::Insert(number) | Change::Replace(number), Written::Stored(stored)) => {
                    assert_eq!(stored.text, json!(attributes(*number, unit)).to_string());
                    let (_, id) = self.book().document(*number);
                    assert_eq!(id.as_ref(), Some(&stored.id));
                    let mut texts = self.texts.lock().unwrap();
                    texts.insert(*number, stored.text.clone());
                }
                (Change::Count { writer, .. }, Written::Stored(stored)) => {
                    let counted = format!("\"{}\":{unit}", counter_name(*writer));
                    assert!(stored.text.contains(&counted), "{stored:?}");
                }
                (Change::Delete(_), Written::Deleted) => (),
                other => panic!("{other:?}"),
            }
        }
    }

    fn write(&self, store: &TestStore, unit: usize, change: Change) -> Write {
        let (Change::Insert(number)
        | Change::Replace(number)
        | Change::Delete(number)
        | Change::Count {
            document: number, ..
        }) = change;
        let (kind, id) = self.book().document(number);
        let (of, id) = (of(store, kind), id.expect("it has one before it is sent"));
        let mut write = match change {
            Change::Insert(_) => Write::insert(of, id, attributes(number, unit)),
            Change::Replace(_) => Write::replace(of, id, attributes(number, unit)),
            Change::Delete(_) => Write::delete(of, id),
            Change::Count { writer, .. } => {
                let counter = (counter_name(writer), unit.into());
                return Write::update(of, id, Attributes::from_iter([counter]));
            }
        };
        // One writer changes the document, so a version that is refused means that the store has
        // done the write a second time. Every other unit is without a version, which stores do in
        // another way.
        let texts = self.texts.lock().unwrap();
        if let Some(text) = texts.get(&number).filter(|_| unit.is_multiple_of(2)) {
            write.guard.version = Some(Version::of_text(text));
        }
        write
    }

    /// Everything that the store shows of some types.
    pub(crate) async fn everything(
        store: &TestStore,
        kinds: &[Kind],
    ) -> Result<HashMap<usize, Shown>, StoreError> {
        let mut all = HashMap::new();
        for kind in kinds {
            let mut scan = store.repository.scan(of(store, *kind)).await?;
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
    pub(crate) async fn assert_kept(&self, store: &TestStore) {
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

    /// Fails a store that does not know what it has done more often than it must.
    pub(crate) fn assert_unknown_at_most(&self, most: usize) {
        let unknown = self.count(Said::Unknown);
        assert!(unknown <= most, "{unknown} units are unknown");
    }
}

fn said_by(error: &StoreError) -> Said {
    match error {
        StoreError::Unavailable(_) | StoreError::Busy(_) => Said::NotDone,
        StoreError::OutcomeUnknown(_) => Said::Unknown,
        other => panic!("{other}"),
    }
}

/// The type of a kind of documents.
pub(crate) fn of(store: &TestStore, kind: Kind) -> &Arc<ResourceType> {
    match kind {
        Kind::Thing => &store.of,
        Kind::Order => &store.numbered,
    }
}

fn attributes(number: usize, unit: usize) -> Attributes {
    let number = ("number".to_owned(), number.into());
    Attributes::from_iter([number, ("unit".to_owned(), unit.into())])
}
