//! A network between store and server that can be cut, stopped and slowed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How the network behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Weather {
    /// Everything passes.
    Fair,
    /// Connections are taken, and nothing passes.
    Still,
    /// Each message waits for 30 ms.
    Slow,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    server: String,
    weather: AtomicU8,
    /// Bytes that still pass to the server, then to the client, before the connection is cut.
    to_server: AtomicU64,
    to_client: AtomicU64,
}

impl Proxy {
    /// `server` is host and port.
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            server: server.to_owned(),
            weather: AtomicU8::new(Weather::Fair as u8),
            to_server: AtomicU64::new(u64::MAX),
            to_client: AtomicU64::new(u64::MAX),
        });
        tokio::spawn(accept(listener, Arc::downgrade(&state)));
        Self { address, state }
    }

    pub(crate) fn uri(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.address)
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.state.weather.store(weather as u8, Ordering::Relaxed);
    }

    /// Cuts the connection that next sends its client so many bytes.
    pub(crate) fn cut_reply_after(&self, bytes: u64) {
        self.state.to_client.store(bytes, Ordering::Relaxed);
    }

    /// Cuts the connection that next sends the server so many bytes.
    pub(crate) fn cut_request_after(&self, bytes: u64) {
        self.state.to_server.store(bytes, Ordering::Relaxed);
    }
}

async fn accept(listener: TcpListener, state: std::sync::Weak<State>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let Some(state) = state.upgrade() else { return };
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect(&state.server).await else {
                return;
            };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            // The first direction that ends takes the other with it.
            tokio::select! {
                () = pass(from_client, to_server, &state, &state.to_server) => (),
                () = pass(from_server, to_client, &state, &state.to_client) => (),
            }
        });
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State, left: &AtomicU64) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        while state.weather.load(Ordering::Relaxed) == Weather::Still as u8 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if state.weather.load(Ordering::Relaxed) == Weather::Slow as u8 {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        let budget = left.load(Ordering::Relaxed);
        let passing = usize::try_from(budget).unwrap_or(usize::MAX).min(count);
        if to.write_all(&bytes[..passing]).await.is_err() {
            return;
        }
        if budget != u64::MAX {
            left.store(budget - passing as u64, Ordering::Relaxed);
            if passing < count {
                // Once only: the next connection is a whole one.
                left.store(u64::MAX, Ordering::Relaxed);
                return;
            }
        }
    }
}
