//! What is asked of requests beside their size and time, and what every answer gets.

use std::sync::Arc;

use super::cors::Origins;
use super::hosts::Hosts;
use crate::client::{ForwardedHeader, RateLimiter, Tally, TrustedProxies};

/// The rules of an edge. Default none but those that cost nobody anything.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Which hosts requests may name. Default any.
    pub hosts: Hosts,
    /// Pages of which origins may read answers. Default none.
    pub origins: Origins,
    /// Peers that say for whom they ask. Default nobody.
    pub trusted_proxies: TrustedProxies,
    /// The header in which they say it.
    pub forwarded_header: ForwardedHeader,
    /// How often each client may ask. Default as often as it likes. Probes are exempt, and so is
    /// whoever has no address.
    pub rate_limiter: Option<Arc<RateLimiter>>,
    /// Whether answers tell where their client stands: `RateLimit` and `RateLimit-Policy`.
    pub rate_limit_headers: bool,
    /// How many bytes of request bodies each client may hold, from their coming to the answers.
    pub body_bytes_per_client: Option<Arc<Tally>>,
    /// The least bytes of an answer that is compressed for a client that takes it. Default nothing
    /// is compressed.
    pub compressed_bytes_min: Option<u64>,
}
