//! Documents whose primary data is one resource, or none where there might be one.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{StatusCode, header};
use jsonapi::{Applied, Links, Parameters};

use super::Service;
use super::cache::Document;
use super::conditions::tag;
use super::document::{self, Around, Shapes};
use super::failure::Answered;
use super::held::Room;
use super::query::Shown;
use crate::controller::{Compound, Failure, Inclusion, Reason, Typed};
use crate::schema::ResourceType;
use crate::store::{Resource, ResourceRef, StoreError};

/// What an answer shows of a resource and beside it.
pub(super) struct Answer<'s> {
    service: &'s Arc<Service>,
    resource_type: Arc<ResourceType>,
    shapes: Shapes,
    include: Option<Vec<Inclusion>>,
    /// Whether it tells of something that was done, so that it must not say otherwise.
    is_done: bool,
}

impl<'s> Answer<'s> {
    /// Takes `include` and `fields`; nothing else means anything for one resource.
    pub(super) fn take(
        service: &'s Arc<Service>,
        resource_type: &Arc<ResourceType>,
        query: Option<&str>,
    ) -> Result<Self, jsonapi::Error> {
        let mut parameters = Parameters::parse(query)?;
        let shown = Shown::take(service, resource_type, &mut parameters)?;
        parameters.finish()?;
        Ok(Self {
            service,
            resource_type: resource_type.clone(),
            shapes: Shapes::new(service, shown.fields, Arc::new(parameters)),
            include: shown.include,
            is_done: false,
        })
    }

    /// The same for a resource that was changed before it is shown.
    pub(super) fn of_change(mut self) -> Self {
        self.is_done = true;
        self
    }

    /// A document of this resource.
    pub(super) async fn resource(self, status: StatusCode, resource: Resource) -> Answered {
        let url = self
            .service
            .writer(&self.resource_type)
            .url(&resource.id.to_string());
        self.document(status, &url, Some(resource)).await
    }

    /// A document of the resource to which a relationship with this path leads, if to any.
    pub(super) async fn related(self, path: &str, resource: Option<Resource>) -> Answered {
        self.document(StatusCode::OK, path, resource).await
    }

    async fn document(
        self,
        status: StatusCode,
        path: &str,
        resource: Option<Resource>,
    ) -> Answered {
        let (service, resource_type) = (self.service, &self.resource_type);
        let resource = resource.map(Arc::new);
        let primary = resource.iter().map(|one| typed(resource_type, one.clone()));
        let compound = include(service, primary.collect(), self.include.as_deref()).await;
        let compound = compound.map_err(|failure| self.told(failure))?;
        let around = Around {
            links: Links::new(self.shapes.parameters.url(path)),
            compound: compound.as_ref(),
            applied: Applied::default(),
        };
        let primary = resource.as_ref().map(|one| ResourceRef {
            id: &one.id,
            text: &one.text,
        });
        let own = resource.as_ref().map_or(0, |one| one.text.len());
        let bytes = own + document::bytes_beside(compound.as_ref());
        let room = if self.is_done {
            Room::uncounted()
        } else {
            service.room(resource_type, bytes)?
        };
        let document = document::one(&self.shapes, resource_type, primary, &around);
        let document = document.map_err(|error| Failure::new(resource_type, error.into()))?;
        let mut response = kept(status, document, room, Applied::default());
        // What is included may change while the resource stays as it is.
        if let Some(tag) = resource
            .filter(|_| compound.is_none())
            .and_then(|one| tag(&one))
        {
            response.headers_mut().insert(header::ETAG, tag);
        }
        Ok(response)
    }

    /// A failure as it is told. After a change no failure of the store promises that nothing was
    /// done.
    fn told(&self, failure: Failure) -> Failure {
        match failure.reason {
            Reason::Store(error) if self.is_done => {
                let text = format!("the change was made and cannot be shown: {error}");
                Failure::new(&self.resource_type, StoreError::OutcomeUnknown(text).into())
            }
            reason => Failure { reason, ..failure },
        }
    }
}

/// What is included beside these resources, where something may be.
pub(super) async fn include(
    service: &Service,
    primary: Vec<Typed>,
    inclusions: Option<&[Inclusion]>,
) -> Result<Option<Compound>, Failure> {
    match inclusions {
        Some(inclusions) => {
            let found = service.controller.include(primary, inclusions).await;
            found.map(Some)
        }
        None => Ok(None),
    }
}

pub(super) fn typed(resource_type: &Arc<ResourceType>, resource: Arc<Resource>) -> Typed {
    let resource_type = resource_type.clone();
    Typed {
        resource_type,
        resource,
    }
}

/// The answer with a whole document, which has this room until the client has taken it.
pub(super) fn kept(
    status: StatusCode,
    document: Vec<u8>,
    room: Room,
    applied: Applied,
) -> Response {
    let text = Bytes::from(document);
    let mut response = jsonapi::http::document(status, room.keep(text.clone()));
    response.extensions_mut().insert(applied.clone());
    response.extensions_mut().insert(Document {
        text,
        tag: None,
        applied,
    });
    response
}
