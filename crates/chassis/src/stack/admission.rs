//! Who asks, and whether it may ask now.

use axum::extract::Request;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::rules::Rules;
use crate::client::{ClientAddress, Standing};
use crate::fault::Fault;
use crate::operations;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Puts the client that a trusted proxy names in the place of the proxy.
pub(super) fn resolve_client(rules: &Rules, request: &mut Request) {
    if rules.trusted_proxies.is_empty() {
        return;
    }
    let Some(connection) = request.extensions().get::<ClientAddress>().copied() else {
        return;
    };
    let (header, trusted) = (rules.forwarded_header, &rules.trusted_proxies);
    let client = header.client(request.headers(), &connection, trusted);
    if client != connection.client {
        request.extensions_mut().insert(ClientAddress {
            client,
            ..connection
        });
    }
}

/// Counts a request against the limit of its client.
pub(super) fn ask(rules: &Rules, request: &Request) -> Option<Standing> {
    let limiter = rules.rate_limiter.as_ref()?;
    if operations::is_probe(request.uri().path()) {
        return None;
    }
    let client = request.extensions().get::<ClientAddress>()?.client?;
    Some(limiter.ask(client))
}

/// Refuses a request beyond the limit.
pub(super) fn within(standing: Option<Standing>) -> Result<(), Fault> {
    match standing {
        Some(standing) if !standing.allowed => Err(Fault::RateLimited {
            retry_after: standing.reset,
        }),
        _ => Ok(()),
    }
}

/// Says where the client stands, in the names of the draft:
/// <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>.
pub(super) fn stamp(rules: &Rules, standing: Option<Standing>, headers: &mut HeaderMap) {
    let (Some(limiter), Some(standing)) = (&rules.rate_limiter, standing) else {
        return;
    };
    if !rules.rate_limit_headers {
        return;
    }
    let limit = limiter.limit();
    let policy = format!(
        "\"client\";q={};w={}",
        limit.requests,
        limit.window.as_secs().max(1)
    );
    let reset = standing.reset.as_millis().div_ceil(1000);
    let state = format!("\"client\";r={};t={reset}", standing.remaining);
    for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}
