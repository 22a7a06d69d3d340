//! Units that are sent again under their keys until it is known that they are done.

use std::time::Instant;

use resources::schema::Id;
use resources::store::{Key, KeyLimits, KeyRefusal, Store, Unit, Write, WriteError, Written};

use super::documents::{Change, Kind, Said};
use super::{Ledger, attributes, said_by};
use crate::TestStore;

/// A unit of new things that is on its way under a key.
pub struct Keyed {
    unit: usize,
    numbers: Vec<usize>,
    /// What became of it, as far as is known.
    said: Said,
}

impl Ledger {
    /// Notes a unit of so many new things that is about to be sent.
    pub fn begin_keyed(&self, size: usize) -> Keyed {
        let numbers: Vec<usize> = (0..size).map(|_| self.new_document(Kind::Thing)).collect();
        let changes: Vec<Change> = numbers.iter().copied().map(Change::Insert).collect();
        Keyed {
            unit: self.book().begin(&changes),
            numbers,
            said: Said::NotDone,
        }
    }

    /// Sends the unit, each time with ids of its own: one that is done twice is there twice. True
    /// as soon as it is done.
    pub async fn attempt(&self, store: &TestStore, keyed: &mut Keyed) -> bool {
        let insert = |number: &usize| {
            let id = store.things.id.generate().expect("ids are made anywhere");
            Write::insert(&store.things, id, attributes(*number, keyed.unit))
        };
        let key = Key {
            name: format!("unit-{}", keyed.unit),
            fingerprint: [7; 32],
            answering: (0..keyed.numbers.len()).collect(),
            limits: KeyLimits::default(),
        };
        let unit = Unit::new(keyed.numbers.iter().map(insert).collect()).with_key(key);
        let begun = Instant::now();
        let outcome = store.mongo.write(unit).await;
        self.took(begun.elapsed());
        if let Err(error) = &outcome {
            *self.last_failure.lock().unwrap() = error.to_string();
        }
        let ids = match outcome {
            Ok(written) => written.into_iter().map(id_of).collect(),
            Err(WriteError::Key(KeyRefusal::Done(answer))) => ids_in(store, answer.text()),
            // An attempt of which nobody knows what becomes holds the key.
            Err(WriteError::Key(KeyRefusal::InFlight)) => {
                keyed.said = Said::Unknown;
                return false;
            }
            Err(WriteError::Store(error)) => {
                if said_by(&error) == Said::Unknown {
                    keyed.said = Said::Unknown;
                }
                return false;
            }
            Err(other) => panic!("{other}"),
        };
        let ids: Vec<Id> = ids;
        assert_eq!(ids.len(), keyed.numbers.len());
        let mut book = self.book();
        for (number, id) in keyed.numbers.iter().zip(&ids) {
            book.has_id(*number, id);
        }
        keyed.said = Said::Done;
        true
    }

    /// Notes what became of the unit.
    pub fn end_keyed(&self, keyed: &Keyed) -> Said {
        self.book().end(keyed.unit, keyed.said);
        keyed.said
    }
}

fn id_of(written: Written) -> Id {
    match written {
        Written::Stored(resource) => resource.id,
        other => panic!("an insertion left {other:?}"),
    }
}

fn ids_in(store: &TestStore, answer: &str) -> Vec<Id> {
    let stored: Vec<(String, String)> = serde_json::from_str(answer).unwrap();
    let id = |(id, _): (String, String)| store.things.id.parse(&id).unwrap();
    stored.into_iter().map(id).collect()
}
