//! Accepts connections and serves them until it is told to stop.
//!
//! The loop is our own, because a server has to cut off clients who say nothing or read nothing, to
//! survive running out of file descriptors, to empty the backlog before it closes the door, to let
//! idle connections end without losing a request, and to end its drain at a deadline.

mod activity;
mod connection;
mod descriptors;
mod limits;
mod listener;
mod response;
mod stream;
mod sweep;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tower::Service;

use self::connection::Protocol;
pub use self::descriptors::connections_within_limit;
pub use self::limits::ServeLimits;
pub use self::listener::{bind, inherited};
pub use self::stream::Transport;
use self::sweep::Connections;
use crate::health::Heartbeat;
use crate::lifecycle::{Stop, StopSignal};

/// How long to wait before the next attempt when the process is out of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a new connection waits for a place before an idle one is closed for it.
const PLACE_PATIENCE: Duration = Duration::from_millis(20);

/// What answers the requests of a server.
pub trait HttpService: Clone + Send + Sync + 'static {
    /// The body of its answers.
    type Body: HttpBody<Data = Bytes, Error = axum::Error> + Send + Unpin + 'static;

    /// Answers a request.
    fn answer(
        &self,
        request: Request,
    ) -> impl Future<Output = Response<Self::Body>> + Send + use<Self>;

    /// The whole answer, head and body as they go over the wire, to an HTTP/1 request whose head
    /// cannot be read; `head` is the one that the HTTP library would send. Nothing leaves it so.
    fn answer_unreadable(&self, head: &[u8]) -> Option<Vec<u8>> {
        let _ = head;
        None
    }
}

impl HttpService for Router {
    type Body = Body;

    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send + use<> {
        // A router is always ready and never fails.
        let answering = self.clone().call(request);
        async move {
            match answering.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    }
}

/// How the drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had not finished at the deadline and were cut. None is a clean drain.
    pub connections_cut: usize,
}

/// What a server hears while it runs, and how it proves that it does.
#[derive(Debug)]
pub struct Control {
    /// [`Stop::Drain`] begins the drain, [`Stop::Now`] ends it.
    pub stop: StopSignal,
    /// Beats with each look at the connections.
    pub heartbeat: Heartbeat,
}

/// Serves everybody who connects to `listener`, until it is told to stop; then finishes what was
/// begun.
///
/// The order of the drain: connections that wait in the backlog are accepted, so that none of them
/// is reset; the listener is closed, so that a proxy turns to another replica; each HTTP/1
/// connection is told with its next response that it is the last, and idle ones are closed after a
/// quiet time; HTTP/2 connections are told with GOAWAY; what is left at `drain_timeout` is cut.
pub async fn serve(
    listener: TcpListener,
    service: impl HttpService,
    limits: ServeLimits,
    mut control: Control,
) -> Drained {
    let mut server = Server {
        protocol: Arc::new(Protocol::new(service, &limits)),
        connections: Arc::new(Connections::new(limits)),
        places: Arc::new(Semaphore::new(
            limits.connections_max.min(Semaphore::MAX_PERMITS),
        )),
        tasks: JoinSet::new(),
    };
    let connections = Arc::clone(&server.connections);
    tokio::select! {
        () = server.accept_all(&listener) => {}
        () = sweep(&connections, &control.heartbeat) => {}
        () = control.stop.reaches(Stop::Drain) => {}
    }
    if let Err(error) = server.accept_backlog(listener) {
        tracing::error!(%error, "connections that waited to be accepted were lost");
    }
    tracing::info!(
        connections = connections.count(),
        "no longer accepting connections"
    );
    let drained = server.finish(limits.drain_timeout, &mut control).await;
    tracing::info!(
        connections_cut = drained.connections_cut,
        "connections drained"
    );
    drained
}

/// Looks at the connections for ever.
async fn sweep(connections: &Connections, heartbeat: &Heartbeat) {
    loop {
        heartbeat.beat();
        connections.sweep(None);
        sleep(connections.interval(false)).await;
    }
}

struct Server<S> {
    protocol: Arc<Protocol<S>>,
    connections: Arc<Connections>,
    places: Arc<Semaphore>,
    tasks: JoinSet<()>,
}

impl<S: HttpService> Server<S> {
    /// Accepts for ever.
    async fn accept_all(&mut self, listener: &TcpListener) {
        let mut failing = false;
        loop {
            let place = self.place().await;
            while self.tasks.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    failing = false;
                    self.spawn(stream, place, false);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // One line for each time of need, not ten a second.
                    if !failing {
                        tracing::error!(%error, "cannot accept connections, trying again");
                    }
                    failing = true;
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// A place for one more connection.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            let place = Arc::clone(&self.places).acquire_owned();
            match tokio::time::timeout(PLACE_PATIENCE, place).await {
                Ok(place) => return place.ok(),
                Err(_full) => self.connections.evict_one(),
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
                    self.spawn(TcpStream::from_std(stream)?, None, true);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn spawn(&mut self, stream: TcpStream, place: Option<OwnedSemaphorePermit>, draining: bool) {
        // Small answers must not wait for the acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
        let registration = self.connections.open(draining);
        let serving = Arc::clone(&self.protocol).serve(stream, registration);
        self.tasks.spawn(async move {
            serving.await;
            drop(place);
        });
    }

    async fn finish(mut self, drain_timeout: Duration, control: &mut Control) -> Drained {
        let connections = Arc::clone(&self.connections);
        connections.advance_clock(false);
        connections.begin_drain();
        let since = connections.clock.now();
        let sweeping = async {
            loop {
                control.heartbeat.beat();
                connections.sweep(Some(since));
                sleep(connections.interval(true)).await;
            }
        };
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let due = Instant::now() + drain_timeout;
        let _ = timeout_at(due, async {
            tokio::select! {
                () = all => {}
                () = sweeping => {}
                () = control.stop.reaches(Stop::Now) => {}
            }
        })
        .await;
        let connections_cut = connections.cut_all();
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
