//! Reads that the server answers with errors.

use resources::query::{Query, Total};
use resources::schema::Id;
use resources::store::{Store, StoreError};

use mongodb::bson::{Document, doc};
use test_servers::TestStore;

use crate::fail_points::{OF_ELECTIONS, OF_NETWORKS, cut, failing, store_that_fails};

/// What is read, and the command that is to fail meanwhile.
#[derive(Debug, Clone, Copy)]
enum Read {
    ById,
    Page,
    /// Of a page that does not show the end of the collection.
    Total,
}

const READS: [Read; 3] = [Read::ById, Read::Page, Read::Total];
const THINGS: u64 = 4;

impl Read {
    fn command(self) -> &'static str {
        match self {
            Self::ById | Self::Page => "find",
            Self::Total => "aggregate",
        }
    }

    /// Fails if the answer is wrong.
    async fn read(self, store: &TestStore, id: &Id) -> Result<(), StoreError> {
        if matches!(self, Self::ById) {
            let found = store.find(id).await?;
            assert_eq!(found.unwrap().text, "{\"n\":0}");
            return Ok(());
        }
        let page = store.mongo.list(&store.things, &Query::first(2)).await?;
        assert_eq!(
            (page.resources.len(), page.total.map(Total::number)),
            (2, Some(THINGS))
        );
        Ok(())
    }
}

/// A code that costs the search for a primary fails one of the reads, any other fails all.
fn reads(index: usize, code: i32) -> Vec<Read> {
    if OF_ELECTIONS.contains(&code) {
        return vec![READS[index % READS.len()]];
    }
    READS.to_vec()
}

async fn fill(store: &TestStore) -> Id {
    let documents = (0..THINGS).map(|n| doc! { "n": i64::try_from(n).unwrap() });
    let stored = store.collection().insert_many(documents).await.unwrap();
    Id::ObjectId(stored.inserted_ids[&0].as_object_id().unwrap().bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_retryable_error_is_not_seen_by_reads() {
    let (store, point) = store_that_fails().await;
    let id = fill(&store).await;
    for (index, code) in OF_ELECTIONS.into_iter().chain(OF_NETWORKS).enumerate() {
        for read in reads(index, code) {
            point.times(1, failing(&[read.command()], code));
            let outcome = read.read(&store, &id).await;
            outcome.unwrap_or_else(|error| panic!("{read:?} {code}: {error}"));
            point.assert_used_up();
        }
    }
    for read in READS {
        point.times(1, cut(&[read.command()]));
        read.read(&store, &id).await.unwrap();
        point.assert_used_up();
    }
}

/// What a reader learns of an error that stays, and the codes of such errors.
const WITHOUT_END: [(&str, &[i32]); 2] = [
    (
        "unavailable",
        &[
            6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
        ],
    ),
    ("busy", &[24, 43, 50, 112, 237, 251, 14031]),
];

#[tokio::test(flavor = "multi_thread")]
async fn errors_without_end_are_answered_to_readers_as_what_they_are() {
    let (store, point) = store_that_fails().await;
    let id = fill(&store).await;
    for (expected, codes) in WITHOUT_END {
        for (index, code) in codes.iter().enumerate() {
            for read in reads(index, *code) {
                point.always(failing(&[read.command()], *code));
                let error = read.read(&store, &id).await.unwrap_err();
                let is_expected = match &error {
                    StoreError::Unavailable(_) => expected == "unavailable",
                    StoreError::Busy(_) => expected == "busy",
                    _ => false,
                };
                assert!(is_expected, "{read:?} {code} is {error:?}");
                point.off();
                store.recovered().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_is_interrupted_goes_on_where_it_was() {
    let (store, point) = store_that_fails().await;
    let documents: Vec<Document> = (0..3500).map(|n| doc! { "n": n }).collect();
    store.collection().insert_many(documents).await.unwrap();
    let all: Vec<String> = (0..3500).map(|n| format!("{{\"n\":{n}}}")).collect();
    // Interrupted by a step-down; by a recovery; the cursor is not there any more; it is killed.
    for code in [11602, 13436, 43, 237] {
        point.times(1, failing(&["getMore"], code));
        let mut scan = store.mongo.scan(&store.things).await.unwrap();
        let mut seen = Vec::new();
        while let Some(batch) = scan.next().await.unwrap() {
            seen.extend(batch.iter().map(|one| one.text.to_owned()));
        }
        assert_eq!(seen, all, "{code}");
        point.assert_used_up();
    }
}
