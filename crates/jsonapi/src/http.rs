//! The protocol on axum: negotiation in front of a service, documents as responses.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{Applied, BodyFormat, Error, Errors, MEDIA_TYPE, Offered, accept, content_type};

/// A JSON:API document as a response, whole or as a stream of its pieces.
#[must_use]
pub fn document(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

impl IntoResponse for Errors {
    fn into_response(self) -> Response {
        document(self.status(), self.to_json())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Errors::from(self).into_response()
    }
}

/// Middleware that answers 406 to clients that do not take JSON:API documents, where neither
/// extensions nor profiles are offered.
pub async fn negotiate(request: Request, next: Next) -> Response {
    negotiate_with(State(Offered::default()), request, next).await
}

/// Middleware that negotiates what is offered.
///
/// Handlers find what applies to the answer as an [`Applied`] among the extensions of the request:
/// what `Accept` asks for, and what the body was sent with. It is named by the `Content-Type` of
/// the answer, also of an error. An answer to which something else applies says so by an
/// [`Applied`] among its own extensions.
///
/// Unusable media types are answered with 406 and 415.
pub async fn negotiate_with(
    State(offered): State<Offered>,
    mut request: Request,
    next: Next,
) -> Response {
    let ranges = request.headers().get_all(header::ACCEPT);
    // A header that is not visible ASCII names no media type.
    let ranges = ranges.iter().map(|range| range.to_str().unwrap_or("?"));
    let asked = match accept(ranges, offered) {
        Ok(asked) => asked,
        Err(error) => return error.into_response(),
    };
    // Whoever reads the body refuses other media types.
    let sent = body_with(request.headers(), offered).map(|(_, sent)| sent);
    let extensions = sent.map(|sent| sent.extensions).unwrap_or_default();
    let applied = asked.and(Applied {
        extensions,
        profiles: Vec::new(),
    });
    request.extensions_mut().insert(applied.clone());
    let mut response = next.run(request).await;
    vary_on_accept(response.headers_mut());
    let applied = response.extensions_mut().remove().unwrap_or(applied);
    name_applied(&mut response, &applied);
    response
}

/// Every answer depends on `Accept`, also one without a body.
fn vary_on_accept(headers: &mut HeaderMap) {
    let names_accept = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(',')
            .any(|name| name.trim().eq_ignore_ascii_case("accept"))
    };
    if !headers.get_all(header::VARY).iter().any(names_accept) {
        headers.append(header::VARY, HeaderValue::from_static("Accept"));
    }
}

fn name_applied(response: &mut Response, applied: &Applied) {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_plain = content_type.is_some_and(|value| value == MEDIA_TYPE);
    if is_plain
        && !applied.is_empty()
        && let Ok(value) = HeaderValue::try_from(applied.to_string())
    {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
}

/// How the body of a request is to be read, where no extensions are offered.
///
/// # Errors
/// 415, see [`content_type`].
pub fn body_format(headers: &HeaderMap) -> Result<BodyFormat, Error> {
    body_with(headers, Offered::default()).map(|(format, _)| format)
}

/// How the body of a request is to be read, and what applies to it.
///
/// # Errors
/// 415, see [`content_type`].
pub fn body_with(headers: &HeaderMap, offered: Offered) -> Result<(BodyFormat, Applied), Error> {
    let header = headers.get(header::CONTENT_TYPE);
    content_type(header.map(|value| value.to_str().unwrap_or("?")), offered)
}

#[cfg(test)]
mod tests {
    use axum::middleware::{from_fn, from_fn_with_state};
    use axum::routing::get;
    use axum::{Extension, Router};
    use tower::ServiceExt;

    use super::*;
    use crate::{ATOMIC, CURSOR_PAGINATION};

    const OFFERED: Offered = Offered {
        extensions: &[ATOMIC],
        profiles: &[CURSOR_PAGINATION],
    };

    /// Answers 400, and applies nothing where it is told so.
    async fn refuse(applied: Extension<Applied>, headers: HeaderMap) -> Response {
        let meta = Error::malformed_document("x").meta("applied", applied.to_string());
        let mut response = meta.into_response();
        if headers.contains_key("nothing") {
            response.extensions_mut().insert(Applied::default());
        }
        response
    }

    async fn answered(headers: &[(&str, &str)]) -> (StatusCode, String) {
        let route = get(refuse).layer(from_fn_with_state(OFFERED, negotiate_with));
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = Router::new()
            .route("/", route)
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(response.headers()["vary"], "Accept");
        let content_type = response.headers()["content-type"].to_str().unwrap();
        (response.status(), content_type.to_owned())
    }

    #[tokio::test]
    async fn cn_4_and_ao_27_errors_name_what_was_negotiated() {
        let profile = format!("{MEDIA_TYPE};profile=\"{CURSOR_PAGINATION}\"");
        let atomic = format!("{MEDIA_TYPE};ext=\"{ATOMIC}\"");
        let refused = StatusCode::BAD_REQUEST;
        assert_eq!(answered(&[]).await, (refused, MEDIA_TYPE.to_owned()));
        assert_eq!(
            answered(&[("accept", &profile)]).await,
            (refused, profile.clone())
        );
        assert_eq!(
            answered(&[("content-type", &atomic)]).await,
            (refused, atomic)
        );
        let nothing = answered(&[("accept", &profile), ("nothing", "")]).await;
        assert_eq!(nothing, (refused, MEDIA_TYPE.to_owned()));
    }

    #[tokio::test]
    async fn cn_14_answers_without_a_document_vary_too() {
        for (given, expected) in [
            (None, vec!["Accept"]),
            (Some("Origin"), vec!["Origin", "Accept"]),
            (Some("origin, accept"), vec!["origin, accept"]),
        ] {
            let answer = move || async move {
                let mut response = StatusCode::NO_CONTENT.into_response();
                if let Some(given) = given {
                    let value = HeaderValue::from_static(given);
                    response.headers_mut().insert(header::VARY, value);
                }
                response
            };
            let route = get(answer).layer(from_fn(negotiate));
            let request = Request::get("/").body(Body::empty()).unwrap();
            let router = Router::new().route("/", route);
            let response = router.oneshot(request).await.unwrap();
            let found: Vec<_> = response.headers().get_all(header::VARY).iter().collect();
            assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn cn_9_an_unusable_accept_header_is_answered_here() {
        let accept = "application/vnd.api+json;charset=utf-8, */*";
        let expected = (StatusCode::NOT_ACCEPTABLE, MEDIA_TYPE.to_owned());
        assert_eq!(answered(&[("accept", accept)]).await, expected);
    }
}
