//! What stands around the resources of a list: the links to its pages, and how many there are.

use std::sync::Arc;

use jsonapi::{Applied, CURSOR_PAGINATION, CursorPage, Links, Page, Parameters, Total};

use crate::api::Service;
use crate::api::page::List;
use crate::api::query::Selection;
use crate::controller::Failure;
use crate::query::{Bound, NoRelated, Order, Seal};
use crate::schema::{Id, ResourceType};
use crate::store::{self, ResourceRef, StoreError, stored_value};

/// One page of a list, without its resources.
pub(in crate::api) struct Listing {
    pub(in crate::api) service: Arc<Service>,
    pub(in crate::api) resource_type: Arc<ResourceType>,
    /// The request's.
    pub(in crate::api) parameters: Arc<Parameters>,
    /// The path of the list.
    pub(in crate::api) path: String,
    pub(in crate::api) page: Page,
    pub(in crate::api) seal: Seal,
    pub(in crate::api) order: Order,
    pub(in crate::api) total: Option<Total>,
    pub(in crate::api) more: bool,
    pub(in crate::api) applied: Applied,
}

/// The first and the last resource of a page.
#[derive(Default)]
pub(in crate::api) struct Ends {
    first: Option<(Id, String)>,
    last: Option<(Id, String)>,
}

impl Ends {
    /// Notes resources that follow those before.
    pub(in crate::api) fn note<'r>(
        &mut self,
        mut all: impl DoubleEndedIterator<Item = ResourceRef<'r>>,
    ) {
        let own = |one: ResourceRef<'_>| (one.id.clone(), one.text.to_owned());
        let last = all.next_back();
        if self.first.is_none() {
            self.first = all.next().or(last).map(own);
        }
        if let Some(last) = last {
            self.last = Some(own(last));
        }
    }
}

impl Listing {
    pub(in crate::api) fn new(
        service: &Arc<Service>,
        list: List<'_>,
        selection: Selection,
        found: &store::Page,
        parameters: &Arc<Parameters>,
    ) -> Self {
        Self {
            service: service.clone(),
            resource_type: list.resource_type.clone(),
            parameters: parameters.clone(),
            path: list.path.to_owned(),
            applied: applied_to(&selection.page),
            page: selection.page,
            seal: selection.seal,
            order: selection.query.order,
            total: found.total,
            more: found.more,
        }
    }

    /// Whether the links need the ends of the page.
    pub(in crate::api) fn has_cursors(&self) -> bool {
        matches!(self.page, Page::Cursor(_))
    }

    /// The links of the document.
    pub(in crate::api) async fn links(&self, ends: &Ends) -> Result<Links, Failure> {
        Ok(match &self.page {
            Page::Number(page) => match self.total {
                Some(Total::Exact(total)) => self.parameters.page_links(&self.path, *page, total),
                _ => self
                    .parameters
                    .uncounted_page_links(&self.path, *page, self.more),
            },
            Page::Cursor(page) => self.cursor_links(page, ends).await?,
        })
    }

    /// Whether a range between two cursors has more than this page.
    pub(in crate::api) fn is_truncated_range(&self) -> bool {
        match &self.page {
            Page::Cursor(page) => page.after.is_some() && page.before.is_some() && self.more,
            Page::Number(_) => false,
        }
    }

    /// Whether there is a page before and one behind is known on the side to which the page was
    /// read. On the other side a cursor was given, so there was something once.
    async fn cursor_links(&self, page: &CursorPage, ends: &Ends) -> Result<Links, Failure> {
        let (has_prev, has_next) = match (&page.after, &page.before) {
            (None, Some(_)) => (self.more, true),
            // A range begins behind its first cursor.
            (Some(_), Some(_)) => (false, self.more),
            (after, None) => (after.is_some(), self.more),
        };
        let first = match &ends.first {
            Some(first) if has_prev => Some(self.cursor(first).await?),
            _ => None,
        };
        let last = match &ends.last {
            Some(last) if has_next => Some(self.cursor(last).await?),
            _ => None,
        };
        let (path, parameters) = (&self.path, &self.parameters);
        Ok(parameters.cursor_links(path, page, first.as_deref(), last.as_deref()))
    }

    async fn cursor(&self, resource: &(Id, String)) -> Result<String, Failure> {
        let (id, text) = resource;
        let service = &self.service;
        let bound =
            service
                .controller
                .bound(&service.types, &self.resource_type, &self.order, (id, text));
        Ok(self.seal.cursor(&bound.await?))
    }

    /// The cursor of one resource, where the client asked for cursors and the resource alone tells
    /// its place.
    pub(super) fn item_cursor(&self, one: ResourceRef<'_>) -> Result<Option<String>, StoreError> {
        if !self.applied.has(CURSOR_PAGINATION) || self.order.related_key().is_some() {
            return Ok(None);
        }
        let corrupt = |error| StoreError::Corrupt(format!("{}: {error}", one.id));
        let members = stored_value(one.text).map_err(corrupt)?;
        let values = self.order.values(one.id, &members, &NoRelated);
        let id = one.id.clone();
        let bound = Bound { values, id };
        Ok(Some(self.seal.cursor(&bound)))
    }
}

/// The profile of pages by cursor applies to these alone.
fn applied_to(page: &Page) -> Applied {
    let profiles = match page {
        Page::Cursor(_) => vec![CURSOR_PAGINATION],
        Page::Number(_) => Vec::new(),
    };
    Applied {
        profiles,
        ..Applied::default()
    }
}
