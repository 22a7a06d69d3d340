//! Accepts connections and serves them until it is told to stop.
//!
//! The loop is our own, because a server has to cut off clients who say nothing or read nothing, to
//! survive running out of file descriptors, to empty the backlog before it closes the door, to let
//! idle connections end without losing a request, and to end its drain at a deadline.

mod activity;
mod connection;
mod counted;
mod descriptors;
mod door;
mod entrance;
mod limits;
mod listener;
mod proxy_protocol;
mod response;
mod service;
mod socket;
mod stream;
mod sweep;
mod unix_path;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use self::connection::Protocol;
use self::descriptors::backlog_room;
pub use self::descriptors::connections_within_limit;
pub use self::door::Door;
use self::entrance::Entered;
pub use self::entrance::{Entrance, Refusals, refusals};
pub use self::limits::ServeLimits;
use self::listener::Accepting;
pub use self::listener::{Address, Listener, bind, bind_unix, inherited};
pub use self::service::HttpService;
use self::socket::Socket;
pub use self::stream::Transport;
use self::sweep::Connections;
use crate::client::ClientAddress;
use crate::health::Heartbeat;
use crate::lifecycle::{Stop, StopSignal};

/// How long to wait before the next attempt when the process is out of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a new connection waits for a place before an idle one is closed for it.
const PLACE_PATIENCE: Duration = Duration::from_millis(20);

/// How the drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had not finished at the deadline and were cut. None is a clean drain.
    pub connections_cut: usize,
}

/// Stop signal and heartbeat of a server, and who owns its socket.
#[derive(Debug)]
pub struct Control {
    /// [`Stop::Soon`] ends the connections that there are, each with its next response,
    /// [`Stop::Drain`] begins the drain, [`Stop::Now`] ends it.
    pub stop: StopSignal,
    /// Beats with each look at the connections.
    pub heartbeat: Heartbeat,
    /// Whether somebody else keeps the socket open when the server stops. Connections that wait in
    /// it are then left for the next process.
    pub listener_outlives_server: bool,
}

/// Serves everybody who comes in at `door`, until it is told to stop; then finishes what was begun.
///
/// The order of the drain: connections that wait in the backlog are accepted, so that none of them
/// is reset; the listener is closed, so that a proxy turns to another replica; each HTTP/1
/// connection is told with its next response that it is the last, and idle ones are closed after a
/// quiet time; HTTP/2 connections are told with GOAWAY; what is left at `drain_timeout` is cut.
pub async fn serve(
    door: impl Into<Door>,
    service: impl HttpService,
    limits: ServeLimits,
    mut control: Control,
) -> Drained {
    let Door {
        accepting,
        entrance,
    } = door.into();
    let mut server = Server {
        protocol: Arc::new(Protocol::new(service, &limits)),
        entrance,
        connections: Arc::new(Connections::new(limits)),
        places: Arc::new(Semaphore::new(
            limits.connections_max.min(Semaphore::MAX_PERMITS),
        )),
        tasks: JoinSet::new(),
    };
    let connections = Arc::clone(&server.connections);
    let retiring = retire(&connections, control.stop.clone());
    tokio::select! {
        () = server.accept_all(&accepting) => {}
        () = sweep(&connections, &control.heartbeat) => {}
        () = retiring => {}
        () = control.stop.reaches(Stop::Drain) => {}
    }
    let drained = server.finish(accepting, &limits, &mut control).await;
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

/// Once the process is to stop, has the connections that there are end with their next responses.
/// Never ends.
async fn retire(connections: &Connections, mut stop: StopSignal) {
    stop.reaches(Stop::Soon).await;
    connections.retire_all();
    std::future::pending::<()>().await;
}

struct Server<S> {
    protocol: Arc<Protocol<S>>,
    entrance: Arc<Entrance>,
    connections: Arc<Connections>,
    places: Arc<Semaphore>,
    tasks: JoinSet<()>,
}

impl<S: HttpService> Server<S> {
    /// Accepts for ever.
    async fn accept_all(&mut self, listener: &Accepting) {
        let mut failing = false;
        loop {
            let place = self.place().await;
            while self.tasks.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((socket, address)) => {
                    failing = false;
                    self.spawn(socket, address, place, false);
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
                Err(_full) => self.connections.evict_idle(),
            }
        }
    }

    /// Accepts what already waits, since these clients believe that they are connected; then closes
    /// the door. Some are taken beyond the limit; the others wait until connections have ended.
    async fn accept_backlog(&mut self, listener: Accepting, count_max: usize) -> io::Result<()> {
        let listener = listener.into_listener()?;
        loop {
            while self.connections.count() >= count_max {
                sleep(PLACE_PATIENCE).await;
            }
            match listener.take_waiting() {
                Ok((socket, address)) => self.spawn(socket, address, None, true),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections, trying again");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn close_door(&mut self, listener: Accepting, limits: &ServeLimits, leave: bool) {
        if !leave {
            let count_max = limits.connections_max.saturating_add(backlog_room());
            if let Err(error) = self.accept_backlog(listener, count_max).await {
                tracing::error!(%error, "connections that waited to be accepted were lost");
            }
        }
        tracing::info!(
            connections = self.connections.count(),
            "no longer accepting connections"
        );
    }

    fn spawn(
        &mut self,
        socket: Socket,
        address: ClientAddress,
        place: Option<OwnedSemaphorePermit>,
        draining: bool,
    ) {
        let registration = self.connections.open(draining);
        let protocol = Arc::clone(&self.protocol);
        let entrance = Arc::clone(&self.entrance);
        self.tasks.spawn(async move {
            let entered = tokio::select! {
                entered = entrance.lead_in(socket, address) => entered,
                // It is to close, and has asked for nothing yet.
                _ = registration.activity.ordered() => None,
            };
            match entered {
                Some(Entered::Plain(socket, visitor)) => {
                    protocol.serve(socket, &visitor, registration).await;
                }
                Some(Entered::Tls(stream, visitor)) => {
                    Box::pin(protocol.serve(*stream, &visitor, registration)).await;
                }
                None => {}
            }
            drop(place);
        });
    }

    async fn finish(
        mut self,
        listener: Accepting,
        limits: &ServeLimits,
        control: &mut Control,
    ) -> Drained {
        let connections = Arc::clone(&self.connections);
        connections.advance_clock(false);
        connections.retire_all();
        let since = connections.clock.now();
        let sweeping = async {
            loop {
                control.heartbeat.beat();
                connections.sweep(Some(since));
                sleep(connections.interval(true)).await;
            }
        };
        let leave_backlog = control.listener_outlives_server;
        let all = async {
            self.close_door(listener, limits, leave_backlog).await;
            while self.tasks.join_next().await.is_some() {}
        };
        let due = Instant::now() + limits.drain_timeout;
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
