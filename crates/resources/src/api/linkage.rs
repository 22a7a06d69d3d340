//! Documents whose primary data is the linkage of a relationship.

use std::sync::Arc;

use http::StatusCode;
use jsonapi::{Applied, Links, Page, Pagination, Parameters, Total};

use super::Service;
use super::answer::{kept, typed};
use super::document::{self, Around, Ends, Listing, Shapes};
use super::failure::Answered;
use super::page::{List, read_rest};
use super::query::{Selection, Shown};
use super::request::RelatedTarget;
use crate::controller::{Compound, Failure, Inclusion, Linked};
use crate::query::{Filter, Query};
use crate::schema::{Id, Relationship, ResourceType};
use crate::store::{Page as Found, Resources};

/// The linkage of a relationship of one resource.
pub(super) struct Linkage<'s> {
    service: &'s Arc<Service>,
    owner: &'s Arc<ResourceType>,
    relationship: &'s Arc<Relationship>,
    target: &'s Arc<ResourceType>,
    /// The URL of the linkage.
    path: String,
    /// The URL of the resources.
    related: String,
    prefers_cursors: bool,
}

impl<'s> Linkage<'s> {
    pub(super) fn new(
        service: &'s Arc<Service>,
        on: &'s RelatedTarget,
        id: &Id,
        prefers_cursors: bool,
    ) -> Self {
        let (resource, name) = (on.url(service, id), on.segment());
        Self {
            service,
            owner: &on.resource_type,
            relationship: &on.relationship,
            target: service.types.target(&on.relationship),
            path: format!("{resource}/relationships/{name}"),
            related: format!("{resource}/{name}"),
            prefers_cursors,
        }
    }

    /// The linkage that the parameters ask for.
    pub(super) async fn answer(&self, linked: Linked, mut parameters: Parameters) -> Answered {
        let shown =
            Shown::take_linked(self.service, self.owner, self.relationship, &mut parameters)?;
        match linked {
            Linked::One(id) => self.one(id, shown, parameters).await,
            Linked::Many(ids) => self.stored(ids, shown, parameters).await,
            Linked::Those(filter) => self.found(&filter, shown, parameters).await,
        }
    }

    async fn one(&self, id: Option<Id>, shown: Shown, parameters: Parameters) -> Answered {
        parameters.finish()?;
        let ids: Vec<Id> = id.into_iter().collect();
        let compound = self.include(&ids, shown.include.as_deref()).await?;
        let links = Links::new(parameters.url(&self.path));
        let around = Around {
            links: links.with("related", Some(self.related.clone())),
            compound: compound.as_ref(),
            applied: Applied::default(),
        };
        let shapes = Shapes::new(self.service, shown.fields, Arc::new(parameters));
        self.document(&shapes, &ids, None, &around)
    }

    /// Ids that are stored with the resource stand in their own order unless another is asked for,
    /// also those that pass a filter: it is the order in which they are shown with the resource.
    async fn stored(&self, ids: Vec<Id>, shown: Shown, mut parameters: Parameters) -> Answered {
        let all = Filter::Ids(ids);
        let selection = self.select(&all, &shown, &mut parameters)?;
        let query = &selection.query;
        let found = match (&all, &selection.page) {
            (Filter::Ids(ids), Page::Number(page)) if query.order.is_creation() => {
                if query.filter == all {
                    slice(ids, *page)
                } else {
                    slice(&self.passing(ids, &query.filter).await?, *page)
                }
            }
            _ => self.list(query).await?,
        };
        self.page(found, selection, shown, parameters).await
    }

    /// Those whose resources pass a filter.
    async fn passing(&self, ids: &[Id], filter: &Filter) -> Result<Vec<Id>, Failure> {
        let controller = &self.service.controller;
        let found = controller.find_passing(self.target, ids, filter).await?;
        Ok(found.into_iter().flatten().map(|one| one.id).collect())
    }

    async fn found(&self, scope: &Filter, shown: Shown, mut parameters: Parameters) -> Answered {
        let selection = self.select(scope, &shown, &mut parameters)?;
        let found = self.list(&selection.query).await?;
        self.page(found, selection, shown, parameters).await
    }

    fn select(
        &self,
        scope: &Filter,
        shown: &Shown,
        parameters: &mut Parameters,
    ) -> Result<Selection, jsonapi::Error> {
        Selection::take(self.service, self.as_list(scope), shown, parameters)
    }

    fn as_list<'l>(&'l self, scope: &'l Filter) -> List<'l> {
        List {
            path: &self.path,
            resource_type: self.target,
            scope,
            page: self.relationship.page,
            prefers_cursors: self.prefers_cursors,
        }
    }

    /// Asks the store. No attribute is shown, but what sorts the page makes its cursors.
    async fn list(&self, query: &Query) -> Result<Found, Failure> {
        let members = query.order.members().map(str::to_owned).collect();
        let query = Query {
            members: Some(members),
            ..query.clone()
        };
        let mut found = self.service.controller.list(self.target, &query).await?;
        read_rest(self.target, &mut found, self.service.limits.held_bytes_max).await?;
        Ok(found)
    }

    async fn page(
        &self,
        found: Found,
        selection: Selection,
        shown: Shown,
        parameters: Parameters,
    ) -> Answered {
        let ids: Vec<Id> = found.resources.iter().map(|one| one.id.clone()).collect();
        let compound = self.include(&ids, shown.include.as_deref()).await?;
        let parameters = Arc::new(parameters);
        let list = self.as_list(&Filter::Everything);
        let listing = Listing::new(self.service, list, selection, &found, &parameters);
        let mut ends = Ends::default();
        ends.note(found.resources.iter());
        let links = listing.links(&ends).await?;
        let around = Around {
            links: links.with("related", Some(self.related.clone())),
            compound: compound.as_ref(),
            applied: listing.applied.clone(),
        };
        let shapes = Shapes::new(self.service, shown.fields, parameters);
        self.document(&shapes, &ids, Some(&listing), &around)
    }

    /// What is included: the resources of the linkage themselves, and what is included of them.
    async fn include(
        &self,
        ids: &[Id],
        inclusions: Option<&[Inclusion]>,
    ) -> Result<Option<Compound>, Failure> {
        let children = match inclusions {
            None => return Ok(None),
            Some([]) => return Ok(Some(Compound::default())),
            Some([linked, ..]) => &linked.children,
        };
        let found = self.service.controller.find_all(self.target, ids).await?;
        let linked = found.into_iter().flatten();
        let linked = linked
            .map(|one| typed(self.target, Arc::new(one)))
            .collect();
        let compound = self.service.controller.include_linked(linked, children);
        compound.await.map(Some)
    }

    fn document(
        &self,
        shapes: &Shapes,
        ids: &[Id],
        listing: Option<&Listing>,
        around: &Around<'_>,
    ) -> Answered {
        let bytes = document::bytes_beside(around.compound) + ids.len() * document::AROUND;
        let room = self.service.room(self.target, bytes)?;
        let document = document::linkage(shapes, self.target, ids, listing, around);
        let document = document.map_err(|error| Failure::new(self.target, error.into()))?;
        Ok(kept(StatusCode::OK, document, room, around.applied.clone()))
    }
}

/// One page of the ids that a resource has.
fn slice(ids: &[Id], page: Pagination) -> Found {
    let start = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let mut resources = Resources::default();
    for id in ids.iter().skip(start).take(size) {
        resources.push(id.clone(), "{}");
    }
    Found {
        more: ids.len() > start.saturating_add(size),
        total: Some(Total::Exact(ids.len() as u64)),
        resources: Arc::new(resources),
        rest: None,
    }
}
