//! The contract of [`Store`] as tests. Every store runs all of them, each on a fresh store:
//! `contract::clauses!(fresh)`, where `fresh` gives a guard and a store.

#![expect(clippy::unwrap_used, reason = "a clause fails where it cannot go on")]
#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "the name of a clause is its claim; a clause that does not hold panics"
)]
#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "clauses share one vocabulary")
)]

mod absences;
mod definitions;
mod generated;
mod imports;
mod indexes;
mod keys;
mod library;
mod queries;
mod reads;
mod reference;
mod units;
mod watching;
mod writes;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Absence, Change, Import, ImportMode, Key, KeyLimits, KeyRefusal, NewResource, Page, Presence,
    Refusal, Resource, ResourceRef, Store, StoreError, Unit, Version, Write, WriteError, Written,
};
use crate::query::{Count, Filter, MemberPath, Query, Test, Total};
use crate::schema::{self, Attributes, Id, IdKind, ResourceType};

/// Makes a test of each clause.
#[macro_export]
macro_rules! store_contract {
    ($fresh:path) => {
        $crate::store::contract::clauses!($fresh;
            an_inserted_resource_is_found_as_it_was_given,
            any_json_value_is_kept,
            an_unknown_id_is_none,
            many_are_found_in_the_order_in_which_they_were_asked_for,
            a_total_is_given_where_it_is_wanted,
            readers_at_once_are_each_given_their_own,
            a_write_that_was_acknowledged_is_in_every_later_read,
            a_change_is_told_before_it_is_acknowledged,
            an_id_that_is_taken_is_refused,
            ids_of_every_kind_are_kept,
            the_store_chooses_integer_ids_and_none_twice,
            ids_that_are_handed_out_at_once_are_all_different,
            ids_that_clients_choose_are_not_handed_out,
            collections_are_separate,
            preparing_again_changes_nothing,
            pages_partition_the_collection_in_the_order_of_creation,
            ids_that_clients_choose_do_not_decide_the_order,
            changes_do_not_move_a_resource,
            a_page_past_the_end_is_empty,
            a_large_page_is_whole_and_in_order,
            an_update_changes_only_what_it_names,
            an_update_whose_result_is_not_valid_changes_nothing,
            a_replacement_takes_the_place_of_all_attributes,
            a_write_to_another_version_is_refused_and_told_the_current_one,
            a_write_of_either_presence_creates_or_replaces,
            a_deleted_resource_is_gone,
            writes_to_an_absent_resource_are_refused,
            a_unit_is_done_wholly_or_not_at_all,
            a_write_sees_those_before_it_in_the_unit,
            a_unit_without_writes_does_nothing,
            a_unit_can_demand_that_a_resource_exists,
            a_unit_is_not_done_while_something_is_there_that_must_not_be,
            a_unit_may_demand_any_absence_that_a_filter_says,
            what_must_be_absent_is_looked_for_after_the_writes_of_the_unit,
            of_linking_and_deleting_at_once_no_link_leads_nowhere,
            a_replacement_keeps_the_members_that_it_says,
            a_unit_whose_key_is_known_is_not_done_again,
            a_key_is_that_of_one_request,
            a_unit_that_is_not_done_leaves_its_key_free,
            of_concurrent_units_of_one_key_exactly_one_is_done,
            of_concurrent_changes_under_one_key_exactly_one_is_done,
            a_key_is_known_for_its_time,
            what_is_too_much_for_a_key_is_not_done,
            concurrent_updates_lose_nothing,
            concurrent_links_lose_and_double_nothing,
            of_concurrent_inserts_of_one_id_exactly_one_is_done,
            of_concurrent_changes_of_one_version_exactly_one_is_done,
            a_unique_index_refuses_equal_values_but_not_absent_ones,
            a_unique_index_may_take_no_notice_of_case,
            an_index_that_is_no_longer_declared_refuses_nothing,
            values_that_a_new_unique_index_forbids_are_told_by_the_ids_that_have_them,
            a_definition_that_was_noted_is_given_back,
            the_collections_that_have_resources_are_told_whatever_is_declared,
            a_scan_gives_every_resource_in_the_order_of_creation,
            an_import_of_all_or_nothing_is_invisible_until_it_commits,
            an_import_that_is_dropped_leaves_nothing,
            an_import_by_batches_keeps_what_was_acknowledged,
            an_import_by_batches_says_which_rows_are_refused,
            an_import_of_all_or_nothing_ends_at_the_first_refusal,
            an_import_in_order_ends_at_the_first_refusal,
            a_write_during_an_import_is_kept,
            null_is_not_missing,
            values_of_different_kinds_are_neither_equal_nor_in_an_order,
            what_does_not_compare_passes_the_negation,
            filters_are_combined,
            numbers_compare_by_their_exact_values,
            a_path_leads_through_objects_and_not_through_arrays,
            names_of_members_are_taken_literally,
            a_part_of_a_text_is_found_with_and_without_case,
            characters_of_patterns_stand_for_themselves,
            the_elements_of_an_array_are_looked_at_one_by_one,
            an_object_of_an_array_passes_as_a_whole,
            resources_are_found_by_any_of_their_ids,
            resources_are_found_through_their_relationships,
            resources_are_found_by_the_ids_that_they_name,
            related_resources_are_counted,
            values_of_all_kinds_stand_in_one_order,
            what_is_equal_stands_in_the_order_of_the_ids,
            resources_are_sorted_by_members_of_related_ones,
            the_last_resources_stand_in_the_same_order,
            a_page_goes_on_from_a_place_whose_resource_is_gone,
            what_passes_a_filter_is_counted_up_to_a_bound,
            related_resources_are_listed_for_many_at_once,
            what_is_out_of_scope_is_not_found,
            a_write_to_what_is_out_of_scope_meets_nothing,
            generated_queries_are_answered_as_the_reference_answers_them,
            generated_relationships_are_listed_as_the_reference_lists_them,
            generated_scopes_hide_what_the_reference_hides,
        );
    };
    ($fresh:path; $($clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $clause() {
                let (guard, repository) = $fresh().await;
                $crate::store::contract::$clause(std::sync::Arc::new(repository)).await;
                drop(guard);
            }
        )*
    };
}

pub use crate::store_contract as clauses;
pub use crate::store_contract_of_changes as clauses_of_changes;
pub use reference::{Answer, World};
pub use {
    absences::*, definitions::*, generated::*, imports::*, indexes::*, keys::*, queries::*,
    reads::*, units::*, watching::*, writes::*,
};

type AnyStore = Arc<dyn Store>;

fn declared(text: &str) -> Arc<ResourceType> {
    Arc::new(schema::parse(text).unwrap())
}

async fn prepared(store: &AnyStore, text: &str) -> Arc<ResourceType> {
    let resource_type = declared(text);
    store
        .prepare(std::slice::from_ref(&resource_type))
        .await
        .unwrap();
    resource_type
}

async fn things(store: &AnyStore) -> Arc<ResourceType> {
    prepared(store, "type: things\nattributes: {type: object}\n").await
}

fn attributes(value: Value) -> Attributes {
    let Value::Object(attributes) = value else {
        panic!("not an object: {value}")
    };
    attributes
}

fn fresh_id(resource_type: &ResourceType) -> Id {
    resource_type.id.generate().unwrap()
}

fn insertion(resource_type: &Arc<ResourceType>, id: Id, value: Value) -> Write {
    Write::insert(resource_type, id, attributes(value))
}

fn update(resource_type: &Arc<ResourceType>, id: &Id, changes: Value) -> Write {
    Write::update(resource_type, id.clone(), attributes(changes))
}

fn replacement(resource_type: &Arc<ResourceType>, id: &Id, value: Value) -> Write {
    Write::replace(resource_type, id.clone(), attributes(value))
}

fn deletion(resource_type: &Arc<ResourceType>, id: &Id) -> Write {
    Write::delete(resource_type, id.clone())
}

/// The outcome of a unit that must not fail.
async fn unit(store: &AnyStore, writes: Vec<Write>) -> Result<Vec<Written>, (usize, Refusal)> {
    match store.write(Unit::new(writes)).await {
        Ok(written) => Ok(written),
        Err(WriteError::Refused { index, refusal }) => Err((index, refusal)),
        Err(other) => panic!("{other}"),
    }
}

async fn one(store: &AnyStore, write: Write) -> Result<Written, Refusal> {
    match unit(store, vec![write]).await {
        Ok(mut written) => Ok(written.remove(0)),
        Err((0, refusal)) => Err(refusal),
        Err((index, refusal)) => panic!("write {index} of one: {refusal}"),
    }
}

async fn insert(store: &AnyStore, resource_type: &Arc<ResourceType>, value: Value) -> Resource {
    let id = store.next_ids(resource_type, 1).await.unwrap().remove(0);
    match one(store, insertion(resource_type, id, value))
        .await
        .unwrap()
    {
        Written::Stored(resource) => resource,
        other => panic!("an insertion left {other:?}"),
    }
}

async fn find(store: &AnyStore, resource_type: &Arc<ResourceType>, id: &Id) -> Option<Resource> {
    let ids = std::slice::from_ref(id);
    let mut found = store
        .find(resource_type, ids, &Filter::Everything)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// The members of a resource that must be there.
async fn found(store: &AnyStore, resource_type: &Arc<ResourceType>, id: &Id) -> Value {
    let resource = find(store, resource_type, id).await.unwrap();
    assert_eq!(&resource.id, id);
    serde_json::from_str(&resource.text).unwrap()
}

/// So many resources after the first `skip`, however large they are.
async fn page(store: &AnyStore, resource_type: &Arc<ResourceType>, skip: u64, limit: u64) -> Page {
    let query = Query {
        skip,
        ..Query::first(limit)
    };
    let mut page = store.list(resource_type, &query).await.unwrap();
    if let Some(mut rest) = page.rest.take() {
        while let Some(batch) = rest.next().await.unwrap() {
            for one in batch.iter() {
                Arc::make_mut(&mut page.resources).push(one.id.clone(), one.text);
            }
        }
    }
    page
}

async fn numbers(store: &AnyStore, resource_type: &Arc<ResourceType>) -> Vec<i64> {
    let page = page(store, resource_type, 0, 10_000).await;
    assert_eq!(page.total, Some(Total::Exact(page.resources.len() as u64)));
    page.resources.iter().map(number).collect()
}

fn number(resource: ResourceRef<'_>) -> i64 {
    serde_json::from_str::<Value>(resource.text).unwrap()["n"]
        .as_i64()
        .unwrap()
}

fn rows(resource_type: &Arc<ResourceType>, range: std::ops::Range<i64>) -> Vec<NewResource> {
    let row = |n| NewResource {
        id: fresh_id(resource_type),
        attributes: attributes(json!({"n": n})),
    };
    range.map(row).collect()
}

async fn begun(store: &AnyStore, resource_type: &Arc<ResourceType>, mode: ImportMode) -> Import {
    store.import(resource_type, mode).await.unwrap()
}

async fn insert_all(import: &mut Import, rows: Vec<NewResource>) {
    let outcomes = import.insert(rows).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}
