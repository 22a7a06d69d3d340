//! The contract of [`Repository`] as tests. Every store runs all of them, each on a fresh store:
//! `contract::clauses!(fresh)`, where `fresh` gives a guard and a repository.

mod imports;
mod reads;
mod units;
mod writes;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Check, Import, ImportMode, NewResource, Operation, Page, Refusal, Repository, Resource,
    ResourceRef, Write, WriteError, Written,
};
use crate::query::{Pagination, Query};
use crate::schema::{self, Attributes, Id, IdKind, ResourceType, Violation};

/// Makes a test of each clause.
macro_rules! clauses {
    ($fresh:path) => {
        $crate::repository::contract::clauses!($fresh;
            an_inserted_resource_is_found_as_it_was_given,
            any_json_value_is_kept,
            an_unknown_id_is_none,
            readers_at_once_are_each_given_their_own,
            a_write_that_was_acknowledged_is_in_every_later_read,
            an_id_that_is_taken_is_refused,
            ids_of_every_kind_are_kept,
            the_store_chooses_integer_ids_and_none_twice,
            collections_are_separate,
            preparing_again_changes_nothing,
            pages_partition_the_collection_in_the_order_of_creation,
            ids_that_clients_choose_do_not_decide_the_order,
            changes_do_not_move_a_resource,
            a_page_past_the_end_is_empty,
            an_update_changes_only_what_it_names,
            an_update_that_fails_its_check_changes_nothing,
            a_replacement_takes_the_place_of_all_attributes,
            a_deleted_resource_is_gone,
            writes_to_an_absent_resource_are_refused,
            a_unit_is_done_wholly_or_not_at_all,
            a_write_sees_those_before_it_in_the_unit,
            concurrent_updates_lose_nothing,
            of_concurrent_inserts_of_one_id_exactly_one_is_done,
            a_unique_index_refuses_equal_values_but_not_absent_ones,
            a_scan_gives_every_resource_in_the_order_of_creation,
            an_import_of_all_or_nothing_is_invisible_until_it_commits,
            an_import_that_is_dropped_leaves_nothing,
            an_import_by_batches_keeps_what_was_acknowledged,
            an_import_says_which_rows_are_refused,
            an_import_in_order_ends_at_the_first_refusal,
        );
    };
    ($fresh:path; $($clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $clause() {
                let (guard, repository) = $fresh().await;
                $crate::repository::contract::$clause(Arc::new(repository)).await;
                drop(guard);
            }
        )*
    };
}
pub(crate) use {clauses, imports::*, reads::*, units::*, writes::*};

type Store = Arc<dyn Repository>;

fn declared(text: &str) -> Arc<ResourceType> {
    Arc::new(schema::parse(text).unwrap())
}

async fn prepared(store: &Store, text: &str) -> Arc<ResourceType> {
    let of = declared(text);
    store.prepare(&of).await.unwrap();
    of
}

async fn things(store: &Store) -> Arc<ResourceType> {
    prepared(store, "type: things\nattributes: {type: object}\n").await
}

fn attributes(value: Value) -> Attributes {
    let Value::Object(attributes) = value else {
        panic!("not an object: {value}")
    };
    attributes
}

fn write(of: &Arc<ResourceType>, operation: Operation) -> Write {
    Write {
        of: of.clone(),
        operation,
    }
}

fn insertion(of: &Arc<ResourceType>, id: Option<Id>, value: Value) -> Write {
    write(
        of,
        Operation::Insert(NewResource {
            id,
            attributes: attributes(value),
        }),
    )
}

fn update(of: &Arc<ResourceType>, id: &Id, changes: Value) -> Write {
    let check: Check = Box::new(|_, _| Ok(()));
    write(
        of,
        Operation::Update {
            id: id.clone(),
            changes: attributes(changes),
            check,
        },
    )
}

fn deletion(of: &Arc<ResourceType>, id: &Id) -> Write {
    write(of, Operation::Delete { id: id.clone() })
}

async fn one(store: &Store, write: Write) -> Result<Written, Refusal> {
    match store.write(vec![write]).await {
        Ok(mut written) => Ok(written.remove(0)),
        Err(WriteError::Refused { index: 0, refusal }) => Err(refusal),
        Err(other) => panic!("{other}"),
    }
}

async fn insert(store: &Store, of: &Arc<ResourceType>, value: Value) -> Resource {
    match one(store, insertion(of, of.id.generate(), value))
        .await
        .unwrap()
    {
        Written::Stored(resource) => resource,
        Written::Deleted => panic!("an insertion deletes nothing"),
    }
}

/// The attributes of a resource that must be there.
async fn found(store: &Store, of: &Arc<ResourceType>, id: &Id) -> Value {
    let resource = store.find(of, id).await.unwrap().unwrap();
    assert_eq!(&resource.id, id);
    serde_json::from_str(&resource.attributes).unwrap()
}

/// A page with all of its resources, however large it is.
async fn page(store: &Store, of: &Arc<ResourceType>, number: u64, size: u64) -> Page {
    let page = Pagination { number, size };
    let mut page = store.list(of, &Query { page }).await.unwrap();
    if let Some(mut rest) = page.rest.take() {
        while let Some(batch) = rest.next().await.unwrap() {
            for one in batch.iter() {
                Arc::make_mut(&mut page.resources).push(one.id.clone(), one.attributes);
            }
        }
    }
    page
}

async fn numbers(store: &Store, of: &Arc<ResourceType>) -> Vec<i64> {
    let page = page(store, of, 1, 10_000).await;
    assert_eq!(page.total, page.resources.len() as u64);
    page.resources.iter().map(number).collect()
}

fn number(resource: ResourceRef<'_>) -> i64 {
    serde_json::from_str::<Value>(resource.attributes).unwrap()["n"]
        .as_i64()
        .unwrap()
}

fn rows(of: &Arc<ResourceType>, range: std::ops::Range<i64>) -> Vec<NewResource> {
    let row = |n| NewResource {
        id: of.id.generate(),
        attributes: attributes(json!({"n": n})),
    };
    range.map(row).collect()
}

async fn insert_all(import: &mut Import, rows: Vec<NewResource>) {
    let outcomes = import.insert(rows).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}
