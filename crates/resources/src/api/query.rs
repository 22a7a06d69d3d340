//! The query parameters of a request, bound to the schema: what they ask of the store, and what of
//! it is shown.

mod fields;
mod filter;
mod include;
mod member;
mod sort;

use std::sync::Arc;

use http::StatusCode;
use jsonapi::filter::FilterLimits;
use jsonapi::{Error, Page, PageLimits, Parameters};

pub(super) use fields::{Fields, take as take_fields};
pub(super) use filter::take as take_filter;

use super::Service;
use super::page::List;
use crate::controller::Inclusion;
use crate::query::{COUNTED_MAX, Count, Order, Query, Seal};
use crate::schema::{Relationship, ResourceType, Totals};

/// How many keys `sort` takes.
const SORT_KEYS_MAX: usize = 16;

/// How many paths `include` takes.
const INCLUDE_PATHS_MAX: usize = 50;

/// How large filters may be.
const FILTERS: FilterLimits = FilterLimits {
    depth: 16,
    terms: 500,
    bytes: 64 << 10,
};

/// What is asked of a collection.
pub(super) struct Selection {
    /// The primary data.
    pub(super) query: Query,
    /// Which page of it, as it was asked for.
    pub(super) page: Page,
    /// The seal of the list's cursors.
    pub(super) seal: Seal,
}

/// What is shown of and beside the primary data.
pub(super) struct Shown {
    /// The fields of each type.
    pub(super) fields: Fields,
    /// What is included; `None` where nobody asked, so that there is no `included`.
    pub(super) include: Option<Vec<Inclusion>>,
}

impl Selection {
    /// Takes all that a collection can be asked.
    pub(super) fn take(
        service: &Service,
        list: List<'_>,
        shown: &Shown,
        parameters: &mut Parameters,
    ) -> Result<Self, Error> {
        let sort = sort::take(service, list.resource_type, parameters)?;
        let filter = filter::take(service, list.resource_type, parameters)?;
        let limits = PageLimits {
            default: list.page.default,
            maximum: list.page.maximum,
        };
        let page = parameters.take_page(limits, list.prefers_cursors)?;
        let count = take_count(list.resource_type, parameters)?;
        parameters.finish()?;
        let order = match (&page, sort) {
            // Without an order of its own a list by cursor is in that of the ids, since a cursor
            // has nothing else to go by when its resource is gone.
            (Page::Cursor(_), order) if order.is_creation() => Order::by_id(),
            (_, order) => order,
        };
        // The path names the scope, which changes with each resource that is linked: cursors outlive
        // that.
        let seal = Seal::new(list.path, &filter, &order);
        let members = shown.members(list.resource_type, &order);
        let mut query = Query {
            filter: list.scope.clone().and(filter),
            order,
            count,
            members,
            ..Query::default()
        };
        place(&mut query, &page, seal, list.resource_type)?;
        Ok(Self { query, page, seal })
    }
}

impl Shown {
    /// Takes `include` and `fields`, which every answer with resources takes.
    pub(super) fn take(
        service: &Service,
        resource_type: &Arc<ResourceType>,
        parameters: &mut Parameters,
    ) -> Result<Self, Error> {
        Ok(Self {
            fields: fields::take(service, parameters)?,
            include: include::take(service, resource_type, parameters)?,
        })
    }

    /// The same where the primary data is the linkage of a relationship, with which every path
    /// begins: <https://jsonapi.org/format/1.1/#fetching-includes>.
    pub(super) fn take_linked(
        service: &Service,
        resource_type: &Arc<ResourceType>,
        relationship: &Relationship,
        parameters: &mut Parameters,
    ) -> Result<Self, Error> {
        let shown = Self::take(service, resource_type, parameters)?;
        let mut all = shown.include.iter().flatten();
        if all.any(|one| one.relationship.name != relationship.name) {
            let name = &relationship.name;
            let detail = format!("Every path begins with '{name}' here, such as '{name}'.");
            return Err(invalid("include", detail));
        }
        Ok(shown)
    }

    /// The members of the stored object that are needed to show a resource of the primary data.
    fn members(&self, resource_type: &ResourceType, order: &Order) -> Option<Vec<String>> {
        let mut members = self.fields.members(resource_type)?;
        if let Some(inclusions) = &self.include {
            push_linkages(&mut members, resource_type, resource_type, inclusions);
        }
        members.extend(order.members().map(str::to_owned));
        members.sort_unstable();
        members.dedup();
        Some(members)
    }
}

/// Adds the members that hold the linkage of what is included of resources of `wanted`, also where
/// a path comes back to them: a resource of the primary data is not read a second time.
fn push_linkages(
    members: &mut Vec<String>,
    wanted: &ResourceType,
    owner: &ResourceType,
    inclusions: &[Inclusion],
) {
    for inclusion in inclusions {
        if owner.name == wanted.name {
            members.extend(inclusion.relationship.own_member().map(str::to_owned));
        }
        push_linkages(members, wanted, &inclusion.target, &inclusion.children);
    }
}

/// Puts the page into the query.
fn place(
    query: &mut Query,
    page: &Page,
    seal: Seal,
    resource_type: &ResourceType,
) -> Result<(), Error> {
    let cursor = match page {
        Page::Number(page) => {
            query.skip = page.offset();
            query.limit = page.size;
            return Ok(());
        }
        Page::Cursor(cursor) => cursor,
    };
    let open = |parameter: &str, text: &Option<String>| {
        let open = |text: &String| seal.open(text, resource_type.id);
        let bound = text.as_ref().map(open).transpose();
        bound.map_err(|_| jsonapi::invalid_cursor(parameter))
    };
    query.after = open("page[after]", &cursor.after)?;
    query.before = open("page[before]", &cursor.before)?;
    query.limit = cursor.size;
    query.from_end = query.before.is_some() && query.after.is_none();
    Ok(())
}

/// Takes `page[total]`.
fn take_count(resource_type: &ResourceType, parameters: &mut Parameters) -> Result<Count, Error> {
    const NAME: &str = "page[total]";
    let wanted = match parameters.take(NAME) {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(invalid(NAME, "'page[total]' is true or false.")),
    };
    match (resource_type.totals, wanted) {
        (Totals::Never, Some(true)) => {
            let detail = format!("Lists of '{}' are not counted.", resource_type.name);
            Err(invalid(NAME, detail))
        }
        (Totals::Always, None) | (_, Some(true)) => Ok(Count::UpTo(COUNTED_MAX)),
        _ => Ok(Count::Never),
    }
}

/// 400 about a query parameter.
pub(super) fn invalid(parameter: &str, detail: impl Into<String>) -> Error {
    let (code, title) = ("invalid_query_parameter", "Invalid query parameter");
    Error::new(StatusCode::BAD_REQUEST, code, title)
        .parameter(parameter)
        .detail(detail)
}
