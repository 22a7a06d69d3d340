//! What the signals of the operating system mean.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How urgently the process is to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    #[default]
    No,
    /// Not yet: those who are connected are asked to go, and everybody is served.
    Soon,
    /// After what was begun is finished.
    Drain,
    /// Without waiting for anybody.
    Now,
}

/// Whether to stop, for all who have to know. Clones hear the same.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<Stop>);

impl StopSignal {
    /// A signal, and the way to give it.
    #[must_use]
    pub fn channel() -> (watch::Sender<Stop>, Self) {
        let (sender, receiver) = watch::channel(Stop::No);
        (sender, Self(receiver))
    }

    /// Waits until it is at least as urgent as `stop`. A dropped sender
    /// counts as [`Stop::Drain`].
    pub async fn reaches(&mut self, stop: Stop) {
        let reached = self.0.wait_for(|told| *told >= stop).await.is_ok();
        if !reached && stop > Stop::Drain {
            std::future::pending::<()>().await;
        }
    }
}

/// Listens for signals until the process ends: SIGTERM and SIGINT drain, once more they end the
/// drain; SIGQUIT and SIGUSR1 call `dump`, SIGHUP calls `reload`; SIGUSR2 is noted and otherwise
/// ignored.
///
/// # Errors
///
/// When the operating system does not let this process listen, or outside of a runtime.
pub fn listen(
    stop: watch::Sender<Stop>,
    dump: impl Fn() + Send + 'static,
    reload: impl Fn() + Send + 'static,
) -> io::Result<impl Future<Output = ()> + Send> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        quit: signal(SignalKind::quit())?,
        hangup: signal(SignalKind::hangup())?,
        user1: signal(SignalKind::user_defined1())?,
        user2: signal(SignalKind::user_defined2())?,
    };
    Ok(async move {
        loop {
            match signals.next().await {
                name @ ("SIGTERM" | "SIGINT") => {
                    let urgency = match *stop.borrow() {
                        Stop::No | Stop::Soon => Stop::Drain,
                        Stop::Drain | Stop::Now => Stop::Now,
                    };
                    let at_once = if urgency == Stop::Now { " at once" } else { "" };
                    tracing::info!(signal = name, "told to stop{at_once}");
                    stop.send_replace(urgency);
                }
                "SIGQUIT" | "SIGUSR1" => dump(),
                "SIGHUP" => {
                    tracing::info!(signal = "SIGHUP", "told to look at the files of TLS again");
                    reload();
                }
                name => tracing::info!(signal = name, "signal ignored"),
            }
        }
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    user1: Signal,
    user2: Signal,
}

impl Signals {
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.quit.recv() => "SIGQUIT",
            _ = self.hangup.recv() => "SIGHUP",
            _ = self.user1.recv() => "SIGUSR1",
            _ = self.user2.recv() => "SIGUSR2",
        }
    }
}
