//! Answers in the coding that their clients take, where that is worth it.

mod tags;

use std::io;
use std::sync::Arc;
use std::sync::LazyLock;

use async_compression::Level;
use async_compression::brotli::EncoderParams;
use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use async_compression::zstd::CParameter;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use futures_util::{StreamExt, TryStreamExt};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::io::AsyncRead;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::io::{ReaderStream, StreamReader};

use super::coding::Coding;

/// How many answers are compressed at once. Further ones go as they are: each holds up to 1 MiB.
const COMPRESSIONS_MAX: usize = 128;

/// How much compressed text is made between two looks at other work.
const PIECE_BYTES: usize = 16 * 1024;

/// The window of zstd and brotli, as a power of two: 256 KiB.
const WINDOW_LOG: u8 = 18;

static PLACES: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(COMPRESSIONS_MAX)));

/// What a request says about the coding of its answer.
pub(super) struct Negotiation {
    bytes_min: u64,
    wanted: Option<Coding>,
    /// The coding of the answer that the client has, by its `If-None-Match`.
    held: Option<Coding>,
    is_head: bool,
}

impl Negotiation {
    /// Reads the request, and has the service see the tags that it gave itself.
    pub(super) fn of(request: &mut Request, bytes_min: u64) -> Self {
        Self {
            bytes_min,
            wanted: Coding::wanted(request.headers()),
            held: tags::strip(request.headers_mut()),
            is_head: request.method() == Method::HEAD,
        }
    }

    /// The answer as the client takes it.
    pub(super) fn apply(&self, mut response: Response) -> Response {
        if response.status() == StatusCode::NOT_MODIFIED {
            if let Some(coding) = self.held {
                tags::add(response.headers_mut(), coding);
            }
            return response;
        }
        if !self.is_worth_it(&response) {
            return response;
        }
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        let Some(coding) = self.wanted else {
            return response;
        };
        let place = if self.is_head {
            None
        } else {
            let Ok(place) = Arc::clone(&PLACES).try_acquire_owned() else {
                return response;
            };
            Some(place)
        };
        let coded = HeaderValue::from_static(coding.name());
        headers.insert(CONTENT_ENCODING, coded);
        headers.remove(CONTENT_LENGTH);
        // A part of what was compressed would be of no use.
        headers.remove(ACCEPT_RANGES);
        tags::add(headers, coding);
        match place {
            Some(place) => response.map(|body| compressed(body, coding, place)),
            None => response,
        }
    }

    /// Whether clients get it compressed if they take that.
    fn is_worth_it(&self, response: &Response) -> bool {
        let headers = response.headers();
        let status = response.status();
        let is_whole = status != StatusCode::PARTIAL_CONTENT
            && status != StatusCode::NO_CONTENT
            && !status.is_informational()
            && !headers.contains_key(CONTENT_RANGE)
            && !headers.contains_key(CONTENT_ENCODING);
        is_whole
            && headers.get(CONTENT_TYPE).is_some_and(is_text)
            && length(response).is_none_or(|bytes| bytes >= self.bytes_min)
            && !forbids_it(headers)
    }
}

/// How long the answer is; unknown for one that is made while it is sent.
fn length(response: &Response) -> Option<u64> {
    let announced = response.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse().ok());
    announced.or_else(|| response.body().size_hint().exact())
}

fn forbids_it(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("no-transform"))
}

/// Whether a media type is text that shrinks. Streams of events and of lines are none: each of
/// their frames has to be with the client at once.
fn is_text(media_type: &HeaderValue) -> bool {
    let Ok(text) = media_type.to_str() else {
        return false;
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    match essence {
        "text/event-stream" => false,
        "application/json"
        | "application/vnd.api+json"
        | "application/javascript"
        | "application/xml"
        | "application/yaml"
        | "image/svg+xml" => true,
        other => {
            let is_document = other.starts_with("application/")
                && (other.ends_with("+json") || other.ends_with("+xml"));
            is_document || other.starts_with("text/")
        }
    }
}

fn compressed(body: Body, coding: Coding, place: OwnedSemaphorePermit) -> Body {
    let pieces = body.into_data_stream().map_err(io::Error::other);
    let reader = StreamReader::new(pieces);
    match coding {
        Coding::Gzip => stream(GzipEncoder::with_quality(reader, Level::Fastest), place),
        Coding::Zstd => {
            let window = [CParameter::window_log(WINDOW_LOG.into())];
            let level = Level::Precise(1);
            let encoder = ZstdEncoder::with_quality_and_params(reader, level, &window);
            stream(encoder, place)
        }
        Coding::Brotli => {
            let parameters = EncoderParams::default()
                .quality(Level::Precise(3))
                .window_size(WINDOW_LOG.into());
            stream(BrotliEncoder::with_params(reader, parameters), place)
        }
    }
}

fn stream(encoder: impl AsyncRead + Send + 'static, place: OwnedSemaphorePermit) -> Body {
    let pieces = ReaderStream::with_capacity(encoder, PIECE_BYTES);
    Body::from_stream(pieces.map(move |piece| {
        // Held as long as there is more to come.
        let _ = &place;
        piece
    }))
}
