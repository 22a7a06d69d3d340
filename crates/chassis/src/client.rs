//! Who asks, and how much each may.

mod forwarded;
mod key;
mod proxies;
mod rate;
mod tally;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub use self::forwarded::ForwardedHeader;
pub(crate) use self::key::ClientKey;
pub use self::proxies::{TrustedProxies, TrustedProxiesError};
pub use self::rate::{RateLimit, RateLimiter, Standing};
pub use self::tally::{Taken, Tally};

/// Where a request comes from: a request extension of every request that came over a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientAddress {
    /// The client: the peer, or whom a trusted proxy names in its place. Absent where a Unix
    /// socket or a proxy tells no address.
    pub client: Option<IpAddr>,
    /// The other end of the connection. Absent over a Unix socket.
    pub peer: Option<SocketAddr>,
}

impl ClientAddress {
    /// A client without a proxy before it.
    #[must_use]
    pub fn direct(peer: SocketAddr) -> Self {
        Self {
            client: Some(peer.ip().to_canonical()),
            peer: Some(peer),
        }
    }
}

/// The certificate that a client showed when it connected: an extension of its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Its subject such as `CN=reports, O=Example`, or its first alternative name where that is
    /// empty. At most 256 characters.
    pub subject: Arc<str>,
}
