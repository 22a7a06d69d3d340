//! Who asks.

use std::net::{IpAddr, SocketAddr};

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
