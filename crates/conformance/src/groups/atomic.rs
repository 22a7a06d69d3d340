//! AO: the extension of atomic operations.

pub(super) mod lids;
mod refusals;
mod results;

use serde_json::{Value, json};

use super::Checks;
use crate::exchange::Answer;
use crate::run::{Created, Run};
use crate::verdict::{Miss, unjudged};

pub(super) const CHECKS: Checks = &[
    ("AO-1", refusals::data_beside_operations),
    ("AO-2", refusals::results_beside_operations),
    ("AO-3", refusals::a_failure_has_errors_only),
    ("AO-4", refusals::no_operations),
    ("AO-5", refusals::an_unknown_op),
    ("AO-6", refusals::ref_and_href),
    ("AO-7", refusals::an_incomplete_ref),
    ("AO-8", results::href_leads_to_the_target),
    ("AO-9", lids::a_lid_is_that_resource),
    ("AO-10", refusals::other_methods),
    ("AO-11", results::operations_are_done_in_order),
    ("AO-12", results::all_or_none),
    ("AO-13", results::results_stand_at_their_places),
    ("AO-14", results::nothing_to_show),
    ("AO-15", refusals::a_failure_has_errors_only),
    ("AO-16", refusals::pointers_lead_to_the_operation),
    ("AO-17", refusals::malformed_operations),
    ("AO-18", refusals::malformed_operations_are_pointed_to),
    ("AO-19", refusals::what_cannot_be_done),
    ("AO-20", refusals::an_addition_without_data),
    ("AO-21", results::an_addition_shows_the_resource),
    ("AO-22", results::an_update_names_its_target),
    ("AO-23", results::changes_by_the_server_are_shown),
    ("AO-24", results::a_removal_names_its_target),
    ("AO-25", results::a_to_one_is_set_and_cleared),
    ("AO-26", results::a_to_many_is_changed),
    ("AO-28", refusals::too_many_operations),
];

/// The attribute that is changed.
fn attribute<'w>(run: &Run<'w>) -> Result<&'w String, Miss> {
    match run.main().strings.first() {
        Some(name) => Ok(name),
        None => unjudged("the world names no attribute that is a text"),
    }
}

/// The resource of a draft.
fn resource(run: &mut Run<'_>) -> Result<Value, Miss> {
    run.operations()?;
    Ok(run.draft()?["data"].clone())
}

/// A resource to operate on.
fn created(run: &mut Run<'_>) -> Result<Created, Miss> {
    run.operations()?;
    run.create()
}

/// Where a resource is, as `ref`.
fn reference(run: &Run<'_>, created: &Created) -> Value {
    json!({"type": run.world.main, "id": created.id})
}

/// The update of one attribute, as `data`.
fn change(run: &Run<'_>, created: &Created, value: &str) -> Result<Value, Miss> {
    let name = attribute(run)?;
    Ok(json!({"type": run.world.main, "id": created.id, "attributes": {name: value}}))
}

/// Fails unless the attribute has this value.
fn must_be(run: &mut Run<'_>, created: &Created, value: &str) -> Result<Answer, Miss> {
    let answer = run.get(&created.path)?;
    let found = &answer.is(&[200])?.data()["attributes"][attribute(run)?];
    answer.must(found == value, &format!("'{value}'"), found)?;
    Ok(answer)
}

/// Sends operations that must succeed.
fn done(run: &mut Run<'_>, operations: &Value) -> Result<Answer, Miss> {
    let answer = run.operate(operations)?;
    answer.is(&[200, 204])?;
    Ok(answer)
}
