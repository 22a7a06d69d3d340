//! What a connection passes before its first request: PROXY protocol, its client's share, TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::proxy_protocol::{self, HEADER_BYTES_MAX, Parsed, Source};
use super::socket::Socket;
use crate::client::{ClientAddress, ClientCertificate, Taken, Tally, TrustedProxies};
use crate::tls::{Tls, subject};

/// The answer to plain HTTP on a port of TLS, as a person who mistyped a URL sees it.
const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
Connection: close\r\nContent-Length: 47\r\n\r\nThis port speaks TLS: begin the URL with https\n";

/// How connections come in. Default: at once, over TCP as it is.
#[derive(Debug, Default)]
pub struct Entrance {
    /// TLS on every connection.
    pub tls: Option<Tls>,
    /// How long the PROXY header and the handshake of TLS may take, each; 0 is for ever.
    pub handshake_timeout: Duration,
    /// Whether trusted proxies begin with a header of the PROXY protocol. Those who are not
    /// trusted are served as themselves; what they begin with is their request.
    pub proxy_protocol: bool,
    /// Whose headers are believed, and who may have any number of connections.
    pub trusted_proxies: TrustedProxies,
    /// How many connections each client may have. Default any number.
    pub connections_per_client: Option<Arc<Tally>>,
}

/// Connections that were closed before their first request, since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// A trusted proxy began with something that is no header of the PROXY protocol.
    pub proxy_headers: u64,
    /// The handshake of TLS failed or took too long.
    pub handshakes: u64,
    /// Their clients had as many as each may have.
    pub clients_with_too_many: u64,
}

static PROXY_HEADERS: AtomicU64 = AtomicU64::new(0);
static HANDSHAKES: AtomicU64 = AtomicU64::new(0);
static CLIENTS_WITH_TOO_MANY: AtomicU64 = AtomicU64::new(0);

/// How many connections all servers of this process refused.
#[must_use]
pub fn refusals() -> Refusals {
    Refusals {
        proxy_headers: PROXY_HEADERS.load(Ordering::Relaxed),
        handshakes: HANDSHAKES.load(Ordering::Relaxed),
        clients_with_too_many: CLIENTS_WITH_TOO_MANY.load(Ordering::Relaxed),
    }
}

/// What is known of a connection's client.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) address: ClientAddress,
    pub(super) certificate: Option<ClientCertificate>,
    _share: Option<Taken>,
}

/// A connection that may send requests.
pub(super) enum Entered {
    Plain(Socket, Visitor),
    Tls(Box<TlsStream<Socket>>, Visitor),
}

impl Entrance {
    /// Leads a connection in. None is to be closed.
    pub(super) async fn lead_in(
        &self,
        mut socket: Socket,
        mut address: ClientAddress,
    ) -> Option<Entered> {
        if self.proxy_protocol && self.trusted_proxies.has_peer(&address) {
            let header = self.in_time(read_header(&mut socket)).await.flatten();
            let Some(source) = header else {
                refused(&PROXY_HEADERS, &address, "proxy_header");
                return None;
            };
            match source {
                Source::Proxy => {}
                Source::Nameless => address.client = None,
                Source::Client(client) => address.client = Some(client),
            }
        }
        let Ok(share) = self.share(&address) else {
            let counter = &CLIENTS_WITH_TOO_MANY;
            refused(counter, &address, "client_share");
            return None;
        };
        let visitor = Visitor {
            address,
            certificate: None,
            _share: share,
        };
        match &self.tls {
            None => Some(Entered::Plain(socket, visitor)),
            Some(tls) => self.encrypt(tls, socket, visitor).await,
        }
    }

    /// One more of the connections that the client may have. Proxies have those of many clients.
    fn share(&self, address: &ClientAddress) -> Result<Option<Taken>, ()> {
        let (Some(tally), Some(client)) = (&self.connections_per_client, address.client) else {
            return Ok(None);
        };
        if self.trusted_proxies.has(client) {
            return Ok(None);
        }
        tally.take(client, 1).map(Some).ok_or(())
    }

    async fn encrypt(
        &self,
        tls: &Tls,
        mut socket: Socket,
        mut visitor: Visitor,
    ) -> Option<Entered> {
        let address = visitor.address;
        let shaking = async {
            if is_plain_http(&mut socket).await? {
                let _ = socket.write_all(PLAIN_HTTP).await;
                let _ = socket.shutdown().await;
                return None;
            }
            match TlsAcceptor::from(tls.config()).accept(socket).await {
                Ok(stream) => Some(stream),
                Err(error) => {
                    tracing::debug!(%error, client = ?address.client, "TLS handshake failed");
                    None
                }
            }
        };
        // Boxed, so that connections without TLS need not carry the room for a handshake.
        let Some(stream) = self.in_time(Box::pin(shaking)).await.flatten() else {
            refused(&HANDSHAKES, &address, "handshake");
            return None;
        };
        let certificates = stream.get_ref().1.peer_certificates();
        let shown = certificates.and_then(|chain| subject(chain.first()?));
        visitor.certificate = shown.map(|subject| ClientCertificate {
            subject: subject.into(),
        });
        Some(Entered::Tls(Box::new(stream), visitor))
    }

    async fn in_time<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        if self.handshake_timeout.is_zero() {
            return Some(step.await);
        }
        timeout(self.handshake_timeout, step).await.ok()
    }
}

fn refused(counter: &AtomicU64, address: &ClientAddress, reason: &'static str) {
    counter.fetch_add(1, Ordering::Relaxed);
    // Not more than debug: whoever can connect could fill the log.
    let (client, peer) = (address.client, address.peer);
    tracing::debug!(?client, ?peer, reason, "connection refused");
}

/// Reads the header of the PROXY protocol and leaves what follows it in the socket.
async fn read_header(socket: &mut Socket) -> Option<Source> {
    let mut bytes = BytesMut::with_capacity(256);
    loop {
        match proxy_protocol::parse(&bytes) {
            Parsed::Malformed => return None,
            Parsed::Header { source, length } => {
                socket.put_back(bytes.split_off(length).freeze());
                return Some(source);
            }
            Parsed::Incomplete => {
                if bytes.len() > HEADER_BYTES_MAX || socket.read_some(&mut bytes).await.ok()? == 0 {
                    return None;
                }
            }
        }
    }
}

/// Whether the first byte begins the name of a method and no record of TLS. None where there is no
/// first byte.
async fn is_plain_http(socket: &mut Socket) -> Option<bool> {
    let mut bytes = BytesMut::with_capacity(2048);
    if socket.read_some(&mut bytes).await.ok()? == 0 {
        return None;
    }
    let is_http = bytes[0].is_ascii_uppercase();
    socket.put_back(bytes.freeze());
    Some(is_http)
}
