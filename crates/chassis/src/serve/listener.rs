//! Sockets to accept connections on: bound here, or passed on by a service manager.

use std::io;
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

/// How many connections may wait to be accepted. The kernel has a limit of its own.
const BACKLOG: u32 = 4096;

/// Listens on `address`. With `reuse_port` other processes may listen there too, and the kernel
/// deals connections out to them (`SO_REUSEPORT`); connections that it deals to a process in the
/// moment in which that one closes its socket are reset.
///
/// # Errors
///
/// When the address is taken or is none of this machine's, or outside of a Tokio runtime.
pub fn bind(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    if reuse_port {
        socket.set_reuseport(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// The sockets that a service manager passed on with `LISTEN_FDS` and `LISTEN_PID`, in their order;
/// see `sd_listen_fds(3)`. Such a socket outlives the process: connections wait in it for the next.
///
/// # Errors
///
/// When one of them is no TCP socket that listens. Sockets that were meant for another process
/// (`LISTEN_PID`) are none of ours.
pub fn inherited() -> io::Result<Vec<TcpListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        let Some(listener) = passed.take_tcp_listener(index)? else {
            continue;
        };
        if !rustix::net::sockopt::socket_acceptconn(&listener)? {
            let text = format!("socket {} does not listen", index + 1);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        listeners.push(listener);
    }
    Ok(listeners)
}
