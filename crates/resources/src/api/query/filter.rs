//! `filter`: texts become a typed tree.

mod binder;
mod linkage;
mod literal;

use std::sync::Arc;

use jsonapi::filter as syntax;
use jsonapi::{Error, Parameters};

use self::binder::{Binder, Seen};
use super::FILTERS;
use super::member::{Field, Purpose, named};
use crate::api::Service;
use crate::query::Filter;
use crate::schema::{ResourceType, Types};

/// Takes the filters of the primary data.
pub(in crate::api) fn take(
    service: &Service,
    resource_type: &Arc<ResourceType>,
    parameters: &mut Parameters,
) -> Result<Filter, Error> {
    let types = &service.types;
    let filters = parameters.take_filter(FILTERS, &is_relationship(types, resource_type))?;
    bind(types, resource_type, &filters)
}

/// Takes the filters of an included relationship; `resource_type` is that of its resources.
pub(super) fn take_of(
    service: &Service,
    resource_type: &Arc<ResourceType>,
    relationship: &str,
    parameters: &mut Parameters,
) -> Result<Filter, Error> {
    let types = &service.types;
    let is_relationship = is_relationship(types, resource_type);
    let filters = parameters.take_filter_of(relationship, FILTERS, &is_relationship)?;
    bind(types, resource_type, &filters)
}

fn is_relationship<'a>(
    types: &'a Types,
    resource_type: &'a Arc<ResourceType>,
) -> impl Fn(&[String]) -> bool + 'a {
    |names| {
        let named = named(types, resource_type, names, Purpose::Filter);
        named.is_ok_and(|named| matches!(named.field, Field::Relationship(_)))
    }
}

fn bind(
    types: &Types,
    resource_type: &Arc<ResourceType>,
    filters: &[syntax::Filter],
) -> Result<Filter, Error> {
    filters.iter().try_fold(Filter::Everything, |all, filter| {
        let binder = Binder { types };
        let bound = binder.bind(Seen::Resource(resource_type), &filter.expression);
        let bound = bound.map_err(|mistake| filter.refusal(mistake.at, &mistake.reason))?;
        Ok(all.and(bound))
    })
}

/// What is wrong in a filter, and at which byte.
pub(super) struct Mistake {
    at: usize,
    reason: String,
}

fn mistake<T>(at: usize, reason: impl Into<String>) -> Result<T, Mistake> {
    let reason = reason.into();
    Err(Mistake { at, reason })
}
