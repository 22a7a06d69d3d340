//! Accepts connections and serves them until it is told to stop.
//!
//! The loop is our own, because a server has to arm the timers that cut off clients who say
//! nothing, to survive running out of file descriptors, to empty the backlog before it closes the
//! door, and to end its drain at a deadline.

mod connection;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use self::connection::Connections;

/// How long to wait before the next attempt when the process is out of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How much connections may take.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// How long a new connection has for the complete head of its first request. Default 10 s.
    pub header_read_timeout: Duration,
    /// How long a connection has for the complete head of each later request, counted from the end
    /// of the response before it; so also how long it may be idle. Default 75 s. A proxy in front
    /// must keep its idle connections for less than this, or it will send requests into
    /// connections that are being closed.
    pub idle_timeout: Duration,
    /// The most connections at once. More wait in the listener's backlog. Default 16384.
    pub connections_max: usize,
    /// How long connections have to finish after the shutdown was asked for; then they are cut.
    /// Default 30 s.
    pub drain_timeout: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            connections_max: 16_384,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// How the drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had not finished at the deadline and were cut. None is a clean drain.
    pub connections_cut: usize,
}

/// Serves `router` to everybody who connects to `listener`, until `shutdown` completes; then
/// finishes what was begun.
///
/// The order of the drain: connections that wait in the backlog are accepted, so that none of them
/// is reset; the listener is closed, so that a proxy turns to another replica; each connection
/// finishes its request and is closed; what is left at `drain_timeout` is cut.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServeLimits,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let (draining, told) = watch::channel(false);
    let mut server = Server {
        connections: Connections::new(router, limits, told),
        slots: Arc::new(Semaphore::new(
            limits.connections_max.min(Semaphore::MAX_PERMITS),
        )),
        tasks: JoinSet::new(),
    };
    tokio::select! {
        () = server.accept_all(&listener) => {}
        () = shutdown => {}
    }
    if let Err(error) = server.accept_backlog(listener) {
        tracing::error!(%error, "connections that waited to be accepted were lost");
    }
    tracing::info!(
        connections = server.tasks.len(),
        "no longer accepting connections"
    );
    draining.send_replace(true);
    let drained = server.finish(limits.drain_timeout).await;
    tracing::info!(
        connections_cut = drained.connections_cut,
        "connections drained"
    );
    drained
}

struct Server {
    connections: Connections,
    slots: Arc<Semaphore>,
    tasks: JoinSet<()>,
}

impl Server {
    /// Accepts for ever.
    async fn accept_all(&mut self, listener: &TcpListener) {
        let mut failing = false;
        loop {
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else {
                return;
            };
            while self.tasks.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    failing = false;
                    self.spawn(stream, Some(slot));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // One line for each time of need, not ten a second.
                    if !failing {
                        tracing::error!(%error, "cannot accept connections, trying again");
                    }
                    failing = true;
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Accepts what already waits, also beyond the limit, since these clients believe that they
    /// are connected; then closes the door.
    ///
    /// It asks the kernel itself: the runtime would report nothing waiting as long as it has not
    /// heard of a connection.
    fn accept_backlog(&mut self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        loop {
            match listener.accept() {
                Ok((stream, _peer)) => {
                    stream.set_nonblocking(true)?;
                    self.spawn(TcpStream::from_std(stream)?, None);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn spawn(&mut self, stream: TcpStream, slot: Option<OwnedSemaphorePermit>) {
        let serving = self.connections.serve(stream);
        self.tasks.spawn(async move {
            serving.await;
            drop(slot);
        });
    }

    async fn finish(mut self, drain_timeout: Duration) -> Drained {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(drain_timeout, all).await;
        let connections_cut = self.tasks.len();
        self.tasks.shutdown().await;
        Drained { connections_cut }
    }
}

/// Whether accepting failed because of the one client, who has already left again.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
