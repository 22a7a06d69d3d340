//! `GET /fibonacci/list`: consecutive numbers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;

use super::accept::{self, MediaType};
use super::answer::{Answer, Slices, Wanted};
use super::query::{self, Numbers};
use super::{ApiError, Service};
use crate::generator::Sequence;
use crate::listing::{self, Listing, Notation};
use crate::number;
use crate::stream::{self, SequenceBody};

pub(super) async fn list(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, ApiError> {
    let arguments = query::list(request.uri().query(), service.settings.count_max)?;
    let notation = notation(accept::media_type(request.headers()), arguments.numbers);
    let listing = Listing {
        notation,
        from: arguments.from,
        count: arguments.count,
    };
    let answer = Answer {
        content_type: notation.content_type,
        etag: format!("\"1-{}-{}-{}\"", notation.tag, listing.from, listing.count),
        length: listing.bytes(),
        negotiated: true,
    };
    let (mut response, wanted) = answer.plan(&request)?;
    if let Some(Wanted { offset, length }) = wanted {
        *response.body_mut() = service.body(listing, offset, length).await?;
    }
    Ok(response)
}

fn notation(media_type: MediaType, numbers: Numbers) -> &'static Notation {
    match (media_type, numbers) {
        (MediaType::Json, Numbers::Integer) => &listing::JSON,
        (MediaType::Json, Numbers::String) => &listing::JSON_STRINGS,
        (MediaType::Lines, Numbers::Integer) => &listing::LINES,
        (MediaType::Lines, Numbers::String) => &listing::LINES_OF_STRINGS,
        (MediaType::Csv, Numbers::Integer) => &listing::CSV,
        (MediaType::Csv, Numbers::String) => &listing::CSV_STRINGS,
    }
}

impl Service {
    /// `length` bytes of the list from `offset` on: out of the table if it is all there, else made
    /// while they are sent.
    async fn body(&self, listing: Listing, offset: u64, length: u64) -> Result<Body, ApiError> {
        let notation = listing.notation;
        if listing.count == 0 {
            return Ok(Slices::cut(
                [Bytes::from_static(notation.empty)],
                offset,
                length,
            ));
        }
        if let Some((head, numbers)) = self.table.slices(&listing) {
            let parts = [head, numbers, Bytes::from_static(notation.tail)];
            return Ok(Slices::cut(parts, offset, length));
        }
        let reservation = self.reservations.reserve(stream::memory(&listing));
        let reservation = reservation.ok_or(ApiError::Busy)?;
        let sequence = self
            .sequence(listing.number_at(offset), listing.end() - 1)
            .await?;
        Ok(Body::new(SequenceBody::new(
            listing,
            sequence,
            (offset, length),
            reservation,
        )))
    }

    /// The sequence from `F(n)` to `F(last)`; a start deep inside is computed.
    async fn sequence(&self, n: u64, last: u64) -> Result<Sequence, ApiError> {
        if n == 0 {
            return Ok(Sequence::new(self.form, last));
        }
        let opening = match (self.table.number(n), self.table.number(n + 1)) {
            (Some(first), Some(second)) => (first.to_vec(), second.to_vec()),
            _ => {
                self.computations
                    .run(move |stop| number::neighbors(n, stop))
                    .await?
            }
        };
        Ok(Sequence::starting_at(self.form, n, opening, last))
    }
}
