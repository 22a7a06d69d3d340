//! The port of the operations: on a thread and a runtime of its own, so that it answers also when
//! every worker of the process hangs, and until the very end.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};

use crate::health::Heartbeat;
use crate::lifecycle::{Stop, StopSignal};
use crate::serve::{Control, Door, Entrance, HttpService, Listener, ServeLimits, serve};

/// Probes are few. With more connections than these somebody else has found the port.
const CONNECTIONS_MAX: usize = 64;

/// The port while it is open.
#[derive(Debug)]
pub struct Port {
    stop: watch::Sender<Stop>,
    thread: JoinHandle<()>,
    /// Its sender is dropped with the thread's last step, also in a panic.
    ended: Option<oneshot::Receiver<()>>,
}

impl Port {
    /// Serves `service` on `listener` for those who come through `entrance`. `background` makes a task that runs on the same thread, such
    /// as one that listens for signals; it is called within the thread's runtime, and a panic of the
    /// task ends the thread. `heartbeat` beats with each look at the connections.
    ///
    /// # Errors
    ///
    /// When the thread, its runtime or the task cannot be started.
    pub fn open<F>(
        listener: Listener,
        entrance: Entrance,
        service: impl HttpService,
        heartbeat: Heartbeat,
        background: impl FnOnce() -> io::Result<F>,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let door = Door::new(listener, entrance)?;
        let background = background()?;
        drop(guard);
        let (stop, told) = StopSignal::channel();
        let control = Control {
            stop: told,
            heartbeat,
            listener_outlives_server: false,
        };
        let limits = ServeLimits {
            header_read_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            connections_max: CONNECTIONS_MAX,
            drain_quiet: Duration::from_millis(50),
            drain_timeout: Duration::from_millis(500),
            ..ServeLimits::default()
        };
        let (alive, ended) = oneshot::channel();
        let thread = thread::Builder::new().name("operations".to_owned());
        let thread = thread.spawn(move || {
            let _alive: oneshot::Sender<()> = alive;
            runtime.block_on(async {
                let background = tokio::spawn(background);
                let panicked = async {
                    if background.await.is_ok() {
                        std::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    _ = serve(door, service, limits, control) => {}
                    () = panicked => {}
                }
            });
            // What waits for signals never ends.
            runtime.shutdown_background();
        })?;
        Ok(Self {
            stop,
            thread,
            ended: Some(ended),
        })
    }

    /// Waits until the thread has ended. The first caller waits; for later ones it never ends.
    pub fn ended(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let ended = self.ended.take();
        async move {
            match ended {
                Some(ended) => drop(ended.await),
                None => std::future::pending().await,
            }
        }
    }

    /// Answers what was asked, and closes the port. Blocks for at most a second.
    pub fn close(self) {
        self.stop.send_replace(Stop::Drain);
        // A panic on the thread is in the log.
        let _ = self.thread.join();
    }
}
