//! Request bodies that clients have compressed.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::fault::Fault;

/// The codings that are taken, as `Accept-Encoding` lists them.
pub(in crate::stack) const TAKEN: &str = "gzip, zstd, br, deflate";

/// The window that a sender of zstd may demand, as a power of two: 8 MiB, as RFC 9659 has it.
const WINDOW_LOG_MAX: u32 = 23;

/// The coding of a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coded {
    Gzip,
    Zstd,
    Brotli,
    Deflate,
}

impl Coded {
    /// The coding that a request names; none for a body as it is.
    ///
    /// # Errors
    ///
    /// For a coding that is not known, and for several: a body that was compressed twice is a
    /// mistake or an attack.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Fault> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => value.as_bytes().trim_ascii(),
            (Some(_), Some(_)) => return Err(Fault::CodingUnknown),
        };
        let is = |name: &str| value.eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("identity") || value.is_empty() => Ok(None),
            () if is("gzip") || is("x-gzip") => Ok(Some(Self::Gzip)),
            () if is("zstd") => Ok(Some(Self::Zstd)),
            () if is("br") => Ok(Some(Self::Brotli)),
            () if is("deflate") => Ok(Some(Self::Deflate)),
            () => Err(Fault::CodingUnknown),
        }
    }

    /// The body as it was before it was compressed.
    ///
    /// # Errors
    ///
    /// When it is larger than `bytes_max`, of which not much more is made; when it cannot be read.
    pub(super) async fn expand(self, body: &[u8], bytes_max: usize) -> Result<Bytes, Fault> {
        match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(body);
                decoder.multiple_members(true);
                read(decoder, bytes_max).await
            }
            Self::Zstd => {
                let window = [DParameter::window_log_max(WINDOW_LOG_MAX)];
                read(ZstdDecoder::with_params(body, &window), bytes_max).await
            }
            Self::Brotli => read(BrotliDecoder::new(body), bytes_max).await,
            Self::Deflate => read(ZlibDecoder::new(body), bytes_max).await,
        }
    }
}

async fn read(decoder: impl AsyncRead + Unpin, bytes_max: usize) -> Result<Bytes, Fault> {
    let mut bytes = Vec::new();
    let end = u64::try_from(bytes_max)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let reading = decoder.take(end).read_to_end(&mut bytes).await;
    reading.map_err(|_broken| Fault::BodyUnreadable)?;
    if bytes.len() > bytes_max {
        return Err(Fault::BodyTooLarge { bytes_max });
    }
    Ok(Bytes::from(bytes))
}
