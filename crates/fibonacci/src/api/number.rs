//! `GET /fibonacci/{n}`: one number, however large.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;

use super::answer::{Answer, Slices, Wanted};
use super::query::{self, Numbers};
use super::{ApiError, Service};
use crate::length::digits;
use crate::number;
use crate::stream::{self, Held};

pub(super) async fn number(
    State(service): State<Arc<Service>>,
    n: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let index_max = service.settings.index_max;
    let Path(n) = n.map_err(|_| ApiError::InvalidType("n", "an integer"))?;
    let (n, numbers) = query::number(&n, request.uri().query(), index_max)?;
    let (tag, quote) = match numbers {
        Numbers::Integer => ("number", ""),
        Numbers::String => ("number-string", "\""),
    };
    let (before, after) = (
        format!("{{\"n\":{n},\"answer\":{quote}"),
        format!("{quote}}}"),
    );
    let answer = Answer {
        content_type: "application/json",
        etag: format!("\"1-{tag}-{n}\""),
        length: before.len() as u64 + digits(n) + after.len() as u64,
        negotiated: false,
    };
    let (mut response, wanted) = answer.plan(&request)?;
    if let Some(Wanted { offset, length }) = wanted {
        let parts = [before.into(), service.digits(n).await?, after.into()];
        *response.body_mut() = Slices::cut(parts, offset, length);
    }
    Ok(response)
}

impl Service {
    /// The digits of `F(n)`: looked up if the table has them, else computed.
    async fn digits(&self, n: u64) -> Result<Bytes, ApiError> {
        if let Some(digits) = self.table.number(n) {
            return Ok(digits);
        }
        let reservation = self.reservations.reserve(stream::number_memory(n));
        let reservation = reservation.ok_or(ApiError::Busy)?;
        let digits = self
            .computations
            .run(move |stop| number::number(n, stop))
            .await?;
        Ok(Held::shared(digits, reservation))
    }
}
