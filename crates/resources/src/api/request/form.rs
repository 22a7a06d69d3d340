//! Query parameters in a body.

use axum::body::to_bytes;
use axum::extract::Request;
use http::{StatusCode, header};
use jsonapi::Error;

use super::unread;
use crate::api::Service;

/// The parameters of a query that stand in the body, as a form.
pub(in crate::api) async fn form(request: Request, on: &Service) -> Result<String, Error> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let media_type = request.headers().get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|text| text.split(';').next());
    if !essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(FORM)) {
        let (code, title) = ("unsupported_media_type", "Unsupported media type");
        return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, title)
            .detail(format!("The body has the query parameters, as {FORM}."))
            .header("Content-Type"));
    }
    let url = request.uri().query().map(str::to_owned);
    let bytes_max = on.limits.body_bytes_max;
    let body = to_bytes(request.into_body(), bytes_max).await;
    let body = body.map_err(|error| unread(&error, bytes_max))?;
    let body = String::from_utf8(body.into()).map_err(|_| {
        let title = "Invalid query parameter";
        Error::new(StatusCode::BAD_REQUEST, "invalid_query_parameter", title)
            .detail("The parameters in the body are not UTF-8.")
    })?;
    let parts = url.into_iter().chain([body]);
    Ok(parts.collect::<Vec<_>>().join("&"))
}
