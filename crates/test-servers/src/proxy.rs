//! A network between store and server that can be cut, stopped and slowed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How the network behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Weather {
    /// Everything passes.
    Fair,
    /// Connections are taken, and nothing passes.
    Still,
    /// Each message waits for 30 ms.
    Slow,
}

pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    server: String,
    weather: AtomicU8,
    to_server: Budget,
    to_client: Budget,
    cuts: AtomicUsize,
    /// Told when all connections are to be cut.
    end: Notify,
}

/// The bytes that still pass in a direction before a connection is cut, if one is to be.
type Budget = Mutex<Option<usize>>;

impl Proxy {
    /// `server` is host and port.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            server: server.to_owned(),
            weather: AtomicU8::new(Weather::Fair as u8),
            to_server: Budget::default(),
            to_client: Budget::default(),
            cuts: AtomicUsize::default(),
            end: Notify::new(),
        });
        tokio::spawn(accept(listener, Arc::downgrade(&state)));
        Self { address, state }
    }

    /// How many connections were cut so far.
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::Relaxed)
    }

    pub fn set(&self, weather: Weather) {
        self.state.weather.store(weather as u8, Ordering::Relaxed);
    }

    /// Cuts the connection that next sends its client so many bytes.
    pub fn cut_reply_after(&self, bytes: usize) {
        *self.state.to_client.lock().unwrap() = Some(bytes);
    }

    /// Cuts the connection that next sends the server so many bytes.
    pub fn cut_request_after(&self, bytes: usize) {
        *self.state.to_server.lock().unwrap() = Some(bytes);
    }

    /// Cuts all connections that there are.
    pub fn cut_all(&self) {
        self.state.end.notify_waiters();
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
                () = state.end.notified() => (),
            }
        });
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State, left: &Budget) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        while state.weather.load(Ordering::Relaxed) == Weather::Still as u8 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if state.weather.load(Ordering::Relaxed) == Weather::Slow as u8 {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        let passing = take(left, count);
        if to.write_all(&bytes[..passing]).await.is_err() {
            return;
        }
        if passing < count {
            state.cuts.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
}

/// How many of so many bytes pass. Once it is fewer than all, the next connection is a whole one.
fn take(left: &Budget, count: usize) -> usize {
    let mut left = left.lock().unwrap();
    let Some(budget) = *left else { return count };
    *left = budget.checked_sub(count);
    budget.min(count)
}
