//! What the tests of a served crate need: a real server on a free port, and the lines it logs.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::subscriber::DefaultGuard;

use crate::health::Heartbeat;
use crate::lifecycle::{Stop, StopSignal};
use crate::serve::{Control, Door, Drained, Entrance, HttpService, ServeLimits, serve};
use crate::telemetry::{self, LogSettings};

/// A server on a free port of the loopback interface. It begins to drain when it is dropped.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    stop: watch::Sender<Stop>,
    serving: JoinHandle<Drained>,
}

impl TestServer {
    /// Serves `service` with the default limits of connections, but that idle ones are not kept for
    /// long when it stops.
    ///
    /// # Panics
    ///
    /// When there is no port to be had.
    pub async fn start(service: impl HttpService) -> Self {
        let limits = ServeLimits {
            drain_quiet: Duration::from_millis(100),
            ..ServeLimits::default()
        };
        Self::start_with(service, limits).await
    }

    /// Serves `service`.
    ///
    /// # Panics
    ///
    /// When there is no port to be had.
    pub async fn start_with(service: impl HttpService, limits: ServeLimits) -> Self {
        Self::start_behind(service, limits, Entrance::default()).await
    }

    /// Serves `service` for those who come through `entrance`.
    ///
    /// # Panics
    ///
    /// When there is no port to be had.
    pub async fn start_behind(
        service: impl HttpService,
        limits: ServeLimits,
        entrance: Entrance,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener
            .local_addr()
            .expect("the address of a bound socket");
        let (stop, told) = StopSignal::channel();
        let control = Control {
            stop: told,
            heartbeat: Heartbeat::unwatched(),
            listener_outlives_server: false,
        };
        let listener = listener.into_std().expect("a socket");
        let door = Door::new(listener.into(), entrance).expect("a socket");
        let serving = tokio::spawn(serve(door, service, limits, control));
        Self {
            address,
            stop,
            serving,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of `path`, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Shuts down, and waits until all connections are drained.
    ///
    /// # Panics
    ///
    /// When the server panicked.
    #[expect(
        clippy::expect_used,
        reason = "a test whose server panicked has to fail"
    )]
    pub async fn stop(self) -> Drained {
        drop(self.stop);
        self.serving.await.expect("the server ended in order")
    }
}

/// The log of the current thread, kept instead of written, until this value is dropped.
///
/// With a current-thread runtime (the default of `#[tokio::test]`) that is the log of everything
/// the test runs.
#[derive(Debug)]
pub struct LogCapture {
    lines: Lines,
    _guard: DefaultGuard,
}

impl LogCapture {
    /// Keeps lines of all levels that pass `filter`, in the form of JSON.
    ///
    /// # Panics
    ///
    /// When `filter` cannot be read.
    #[must_use]
    pub fn start(filter: &str) -> Self {
        Self::start_with(&LogSettings {
            filter: filter.to_owned(),
            ..LogSettings::default()
        })
    }

    /// Keeps lines as the settings want them.
    ///
    /// # Panics
    ///
    /// When the filter cannot be read.
    #[must_use]
    pub fn start_with(settings: &LogSettings) -> Self {
        let lines = Lines::default();
        let made = telemetry::lines(settings, Arc::new(lines.clone()));
        let subscriber = telemetry::subscriber(made, &settings.filter);
        let (subscriber, _) = subscriber.expect("a readable filter");
        let guard = tracing::subscriber::set_default(subscriber);
        Self {
            lines,
            _guard: guard,
        }
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let bytes = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes)
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
