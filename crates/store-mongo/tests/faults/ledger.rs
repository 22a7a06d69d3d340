//! Writes, and what the store said of each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resources::schema::{Attributes, ResourceType, Violation};
use resources::store::{
    ImportMode, NewResource, Operation, Store, StoreError, Write, WriteError, Written,
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
        let writes = changes
            .iter()
            .map(|change| self.write(store, unit, *change));
        let writes = writes.collect();
        let begun = Instant::now();
        let outcome = store.repository.write(writes).await;
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

    /// Sends so many new things as a batch of an import, which is done in part where it is unknown.
    pub(crate) async fn import(&self, store: &TestStore, size: usize) -> Said {
        let fresh = |_| Change::Insert(self.new_document(store, Kind::Thing));
        let (mut units, mut rows) = (Vec::new(), Vec::new());
        for change in (0..size).map(fresh) {
            let unit = self.book().begin(&[change]);
            units.push(unit);
            if let Operation::Insert(new) = self.write(store, unit, change).operation {
                rows.push(new);
            }
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
                    assert_eq!(
                        stored.attributes,
                        json!(attributes(*number, unit)).to_string()
                    );
                    self.book().has_id(*number, &stored.id);
                }
                (Change::Count { writer, .. }, Written::Stored(stored)) => {
                    let counted = format!("\"{}\":{unit}", counter_name(*writer));
                    assert!(stored.attributes.contains(&counted), "{stored:?}");
                }
                (Change::Delete(_), Written::Deleted) => (),
                other => panic!("{other:?}"),
            }
        }
    }

    fn write(&self, store: &TestStore, unit: usize, change: Change) -> Write {
        let id_of = |number| self.book().document(number).1;
        let known = |number| id_of(number).expect("it was inserted");
        let (number, operation) = match change {
            Change::Insert(number) => {
                let (id, attributes) = (id_of(number), attributes(number, unit));
                (number, Operation::Insert(NewResource { id, attributes }))
            }
            Change::Replace(number) => {
                let (id, attributes) = (known(number), attributes(number, unit));
                (number, Operation::Replace { id, attributes })
            }
            Change::Delete(number) => (number, Operation::Delete { id: known(number) }),
            Change::Count { document, writer } => {
                let name = counter_name(writer);
                let update = Operation::Update {
                    id: known(document),
                    changes: Attributes::from_iter([(name.clone(), unit.into())]),
                    check: Box::new(move |before, _| once(&before[&name], unit)),
                };
                (document, update)
            }
        };
        let (kind, _) = self.book().document(number);
        let of = of(store, kind).clone();
        Write { of, operation }
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
                    let (number, shown) = shown(one.id, one.attributes);
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

/// Refuses an update that is done already.
fn once(before: &serde_json::Value, unit: usize) -> Result<(), Vec<Violation>> {
    if *before != json!(unit) {
        return Ok(());
    }
    Err(vec![Violation {
        pointer: String::new(),
        keyword: "once".to_owned(),
        message: "the update is done a second time".to_owned(),
    }])
}
