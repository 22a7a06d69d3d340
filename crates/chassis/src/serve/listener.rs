//! Sockets to accept connections on: bound here, or passed on by a service manager.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::{TcpSocket, UnixListener, UnixSocket};

use super::socket::Socket;
use super::unix_path::OwnPath;
use crate::client::ClientAddress;

/// How many connections may wait to be accepted. The kernel has a limit of its own.
const BACKLOG: u32 = 4096;

/// A socket that listens.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(std::net::TcpListener),
    /// The path goes with the socket, but not that of a socket that was passed on.
    Unix(std::os::unix::net::UnixListener, Option<OwnPath>),
}

/// Where a socket listens: `127.0.0.1:8000`, `unix:/run/monocoque.sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

/// Listens on `address`. With `reuse_port` other processes may listen there too, and the kernel
/// deals connections out to them (`SO_REUSEPORT`); connections that it deals to a process in the
/// moment in which that one closes its socket are reset.
///
/// # Errors
///
/// When the address is taken or is none of this machine's, or outside of a Tokio runtime.
pub fn bind(address: SocketAddr, reuse_port: bool) -> io::Result<Listener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    if reuse_port {
        socket.set_reuseport(true)?;
    }
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    Ok(Listener(Kind::Tcp(listener)))
}

/// Listens on a Unix socket at `path`, which those may connect to whom `mode` lets write. A socket
/// there on which nobody answers is left over and removed. The path goes when the server stops.
///
/// # Errors
///
/// When somebody answers there, when something other than a socket is there, when the path cannot
/// be made, or outside of a Tokio runtime.
pub fn bind_unix(path: &Path, mode: u32) -> io::Result<Listener> {
    let socket = UnixSocket::new_stream()?;
    let own = OwnPath::bind(&socket, path, mode)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    Ok(Listener(Kind::Unix(listener, Some(own))))
}

/// The sockets that a service manager passed on with `LISTEN_FDS` and `LISTEN_PID`, in their order;
/// see `sd_listen_fds(3)`. Such a socket outlives the process: connections wait in it for the next.
///
/// # Errors
///
/// When one of them is no TCP or Unix socket that listens. Sockets that were meant for another
/// process (`LISTEN_PID`) are none of ours.
pub fn inherited() -> io::Result<Vec<Listener>> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        // A socket of the wrong kind is left at its place.
        let listener = match passed.take_unix_listener(index) {
            Ok(Some(socket)) => Kind::Unix(socket, None),
            Ok(None) => continue,
            Err(_not_unix) => match passed.take_tcp_listener(index)? {
                Some(socket) => Kind::Tcp(socket),
                None => continue,
            },
        };
        let listens = match &listener {
            Kind::Tcp(socket) => rustix::net::sockopt::socket_acceptconn(socket)?,
            Kind::Unix(socket, _) => rustix::net::sockopt::socket_acceptconn(socket)?,
        };
        if !listens {
            let text = format!("socket {} does not listen", index + 1);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        listeners.push(Listener(listener));
    }
    Ok(listeners)
}

impl From<std::net::TcpListener> for Listener {
    fn from(socket: std::net::TcpListener) -> Self {
        Self(Kind::Tcp(socket))
    }
}

impl Listener {
    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the operating system does not say.
    pub fn address(&self) -> io::Result<Address> {
        match &self.0 {
            Kind::Tcp(socket) => socket.local_addr().map(Address::Tcp),
            Kind::Unix(socket, _) => {
                let address = socket.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new(""));
                Ok(Address::Unix(path.to_owned()))
            }
        }
    }

    /// The next connection that already waits, or `WouldBlock`. It asks the kernel itself: the
    /// runtime would report nothing waiting as long as it has not heard of a connection.
    pub(super) fn take_waiting(&self) -> io::Result<(Socket, ClientAddress)> {
        match &self.0 {
            Kind::Tcp(socket) => {
                let (stream, peer) = socket.accept()?;
                stream.set_nonblocking(true)?;
                Ok((Socket::try_from(stream)?, ClientAddress::direct(peer)))
            }
            Kind::Unix(socket, _) => {
                let (stream, _unnamed) = socket.accept()?;
                stream.set_nonblocking(true)?;
                Ok((Socket::try_from(stream)?, ClientAddress::default()))
            }
        }
    }
}

/// A socket in a runtime.
#[derive(Debug)]
pub(super) enum Accepting {
    Tcp(tokio::net::TcpListener),
    Unix(UnixListener, Option<OwnPath>),
}

impl TryFrom<Listener> for Accepting {
    type Error = io::Error;

    fn try_from(listener: Listener) -> io::Result<Self> {
        match listener.0 {
            Kind::Tcp(socket) => {
                socket.set_nonblocking(true)?;
                tokio::net::TcpListener::from_std(socket).map(Self::Tcp)
            }
            Kind::Unix(socket, path) => {
                socket.set_nonblocking(true)?;
                Ok(Self::Unix(UnixListener::from_std(socket)?, path))
            }
        }
    }
}

impl Accepting {
    /// Waits for the next connection.
    pub(super) async fn accept(&self) -> io::Result<(Socket, ClientAddress)> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                Ok((Socket::from(stream), ClientAddress::direct(peer)))
            }
            Self::Unix(socket, _) => {
                let (stream, _unnamed) = socket.accept().await?;
                Ok((Socket::from(stream), ClientAddress::default()))
            }
        }
    }

    /// The socket out of its runtime.
    pub(super) fn into_listener(self) -> io::Result<Listener> {
        Ok(Listener(match self {
            Self::Tcp(socket) => Kind::Tcp(socket.into_std()?),
            Self::Unix(socket, path) => Kind::Unix(socket.into_std()?, path),
        }))
    }
}
