//! The changes of a collection as Server-Sent Events:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use jsonapi::{Error, Parameters};

use super::document::Shapes;
use super::failure::Answered;
use super::feeds::View;
use super::query::{Fields, take_fields, take_filter};
use super::request::Collection;
use super::{Api, Service};
use crate::query::{Order, Seal};
use crate::schema::ResourceType;
use crate::store::Point;

const EVENT_STREAM: &str = "text/event-stream";

/// The place behind which a client goes on, as browsers send it.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The same for clients that cannot set a header.
const PARAMETER: &str = "lastEventId";

/// Keeps Nginx from holding messages back.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) async fn changes(
    State(service): Api,
    on: Collection,
    url: Uri,
    headers: HeaderMap,
) -> Response {
    let found = feed(&service, &on.resource_type, url.query(), &headers).await;
    let mut response = service.respond(found);
    let vary = HeaderValue::from_static("Accept");
    response.headers_mut().insert(header::VARY, vary);
    response
}

async fn feed(
    service: &Arc<Service>,
    resource_type: &Arc<ResourceType>,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Answered {
    negotiate(headers)?;
    let mut parameters = Parameters::parse(query)?;
    let fields = take_fields(service, &mut parameters)?;
    let filter = take_filter(service, resource_type, &mut parameters)?;
    if !filter.is_local() {
        let detail = "A feed's filter is about the attributes of the resources and the ids that \
                      they name, not about other resources.";
        return Err(super::query::invalid("filter", detail).into());
    }
    let named = parameters.take(PARAMETER).map(str::to_owned);
    parameters.finish()?;
    let list = service.writer(resource_type).collection();
    let seal = Seal::new(&format!("{list}/-/changes"), &filter, &Order::default());
    let after = place(seal, headers, named.as_deref())?;
    let view = View {
        resource_type: resource_type.clone(),
        filter,
        shapes: shapes(service, fields),
        seal,
    };
    let feeds = &service.feeds;
    let reader = feeds.join(&service.controller, view, after).await?;
    let mut response = Response::new(reader.into_body());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, EVENT_STREAM),
        (header::CACHE_CONTROL, "no-store"),
        (BUFFERING, "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn shapes(service: &Service, fields: Fields) -> Shapes {
    Shapes::new(service, fields, Arc::default())
}

fn negotiate(headers: &HeaderMap) -> Result<(), Error> {
    let ranges = headers.get_all(header::ACCEPT).iter();
    let ranges = ranges.map(|range| range.to_str().unwrap_or("?"));
    if jsonapi::accepts(ranges, EVENT_STREAM) {
        return Ok(());
    }
    let (code, title) = ("not_acceptable", "Not acceptable");
    Err(Error::new(StatusCode::NOT_ACCEPTABLE, code, title)
        .detail(format!("Changes are sent as {EVENT_STREAM} only."))
        .header("Accept"))
}

/// The place that the client names. A browser that connects again repeats the URL, so that the
/// header is the newer one.
fn place(seal: Seal, headers: &HeaderMap, parameter: Option<&str>) -> Result<Option<Point>, Error> {
    let refused = || {
        let (code, title) = ("invalid_last_event_id", "Invalid last event id");
        Error::new(StatusCode::BAD_REQUEST, code, title).detail(
            "This is no id of an event of this feed: an id belongs to one type and one filter.",
        )
    };
    if let Some(text) = headers.get(LAST_EVENT_ID) {
        let point = text
            .to_str()
            .ok()
            .and_then(|text| seal.open_point(text).ok());
        let refused = || refused().header("Last-Event-ID");
        return point.ok_or_else(refused).map(Some);
    }
    let open = |text| seal.open_point(text);
    let point = parameter.map(open).transpose();
    point.map_err(|_| refused().parameter(PARAMETER))
}
