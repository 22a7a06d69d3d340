//! A process from its start to its end: the states it is in, the parts it starts and stops, the
//! signals it obeys.

mod backstop;
mod modules;
mod signals;

pub use self::backstop::force_exit_after;
pub use self::modules::{ModuleFailure, Modules};
pub use self::signals::{Stop, StopSignal, listen};

/// Where a process is. The worst that is true counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does not have all that it needs yet.
    Starting,
    /// All is well.
    Ready,
    /// An upstream fails.
    Degraded {
        /// Whether the policies of all that fail let the process serve without them.
        ready: bool,
    },
    /// It was told to stop.
    Draining {
        /// Whether that does not show in readiness, and no upstream makes the process unready.
        ready: bool,
    },
    /// A proof of life is missing.
    Stuck,
}

/// Whether each of the probes answers yes (200) or no (503).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "it is a row of a truth table"
)]
pub struct Answers {
    /// Can somebody connect to us?
    pub ping: bool,
    /// Are we functional?
    pub liveness: bool,
    /// Can we serve now?
    pub readiness: bool,
    /// Have we begun to serve?
    pub startup: bool,
}

impl State {
    /// The truth table that all probes answer from.
    #[must_use]
    pub fn answers(self) -> Answers {
        let (ping, liveness, readiness, startup) = match self {
            Self::Starting => (true, true, false, false),
            Self::Ready => (true, true, true, true),
            Self::Degraded { ready } | Self::Draining { ready } => (true, true, ready, true),
            Self::Stuck => (true, false, false, true),
        };
        Answers {
            ping,
            liveness,
            readiness,
            startup,
        }
    }

    /// Its name in reports and in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded { .. } => "degraded",
            Self::Draining { .. } => "draining",
            Self::Stuck => "stuck",
        }
    }
}
