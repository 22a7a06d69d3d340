//! Documents whose primary data is a page of a list of resources.

use std::sync::Arc;

use http::StatusCode;
use jsonapi::Parameters;

use super::Service;
use super::answer::{include, kept, typed};
use super::document::{self, Around, Ends, Listing, Shapes};
use super::failure::Answered;
use super::held::Room;
use super::query::{Selection, Shown};
use crate::controller::{Compound, Failure};
use crate::query::Filter;
use crate::schema::{self, ResourceType};
use crate::store::{self, Resource, ResourceRef, Resources, StoreError};

/// A list whose resources are asked for.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    /// Its path, which is also that of its pages.
    pub(super) path: &'a str,
    /// The type of its resources.
    pub(super) resource_type: &'a Arc<ResourceType>,
    /// Those that can be in it at all.
    pub(super) scope: &'a Filter,
    /// The sizes of its pages.
    pub(super) page: schema::PageLimits,
    /// Whether the client asks for pages by cursor.
    pub(super) prefers_cursors: bool,
}

/// The page that the parameters ask for.
pub(super) async fn answer(
    service: &Arc<Service>,
    list: List<'_>,
    mut parameters: Parameters,
) -> Answered {
    let resource_type = list.resource_type;
    let shown = Shown::take(service, resource_type, &mut parameters)?;
    let selection = Selection::take(service, list, &shown, &mut parameters)?;
    let mut found = service
        .controller
        .list(resource_type, &selection.query)
        .await?;
    let parameters = Arc::new(parameters);
    let listing = Listing::new(service, list, selection, &found, &parameters);
    let shapes = Shapes::new(service, shown.fields, parameters);
    let Some(inclusions) = shown.include else {
        let room = service.room(resource_type, document::bytes(&found.resources))?;
        if let Some(rest) = found.rest.take() {
            return document::pieces(shapes, listing, &found.resources, rest, room)
                .map_err(|error| failure(resource_type, error).into());
        }
        return whole(&shapes, &listing, &found.resources, None, room).await;
    };
    read_rest(resource_type, &mut found, service.limits.held_bytes_max).await?;
    let own = |one: ResourceRef<'_>| {
        let (id, text) = (one.id.clone(), one.text.to_owned());
        typed(resource_type, Arc::new(Resource { id, text }))
    };
    let primary = found.resources.iter().map(own).collect();
    let compound = include(service, primary, Some(&inclusions)).await?;
    let bytes = document::bytes(&found.resources) + document::bytes_beside(compound.as_ref());
    let room = service.room(resource_type, bytes)?;
    whole(&shapes, &listing, &found.resources, compound.as_ref(), room).await
}

async fn whole(
    shapes: &Shapes,
    listing: &Listing,
    resources: &Resources,
    compound: Option<&Compound>,
    room: Room,
) -> Answered {
    let mut ends = Ends::default();
    if listing.has_cursors() {
        ends.note(resources.iter());
    }
    let around = Around {
        links: listing.links(&ends).await?,
        compound,
        applied: listing.applied.clone(),
    };
    let resource_type = &listing.resource_type;
    let document = document::many(shapes, listing, resources, &around);
    let document = document.map_err(|error| failure(resource_type, error))?;
    Ok(kept(
        StatusCode::OK,
        document,
        room,
        listing.applied.clone(),
    ))
}

/// A compound document is held whole, since what is included stands behind the page.
pub(super) async fn read_rest(
    resource_type: &Arc<ResourceType>,
    found: &mut store::Page,
    bytes_max: usize,
) -> Result<(), Failure> {
    let Some(mut rest) = found.rest.take() else {
        return Ok(());
    };
    let resources = Arc::make_mut(&mut found.resources);
    while let Some(batch) = rest
        .next()
        .await
        .map_err(|error| failure(resource_type, error))?
    {
        for one in batch.iter() {
            resources.push(one.id.clone(), one.text);
        }
        if resources.bytes() > bytes_max {
            let text = "a page with included resources is larger than all answers may be together";
            return Err(failure(resource_type, StoreError::Busy(text.to_owned())));
        }
    }
    Ok(())
}

fn failure(resource_type: &Arc<ResourceType>, error: StoreError) -> Failure {
    Failure::new(resource_type, error.into())
}
