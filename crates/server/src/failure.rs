//! Why a command ended early: a message for people and an exit code for programs.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use resources::store::StoreError;

use crate::redaction::without_passwords;

/// The kinds of failure, by exit code (those of `sysexits.h` where there is one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The command line makes no sense.
    Usage = 2,
    /// A setting, a definition file or an input file is wrong.
    Settings = 64,
    /// What the process depends on is not there or damaged.
    Unavailable = 69,
    /// An error of the program.
    Internal = 70,
}

/// The process could not end in order and was ended.
pub(crate) const EXIT_HUNG: i32 = Kind::Internal as i32;
/// Every worker thread stood still.
pub(crate) const EXIT_STUCK: i32 = 71;

/// A failure that ends the process.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    logged: bool,
}

impl Failure {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: without_passwords(&message.into()),
            logged: false,
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn settings(message: impl Into<String>) -> Self {
        Self::new(Kind::Settings, message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Whether a setting or a file of the user is wrong.
    pub(crate) fn is_about_input(&self) -> bool {
        self.kind == Kind::Settings
    }

    /// Writes the failure to the log.
    pub(crate) fn log(mut self) -> Self {
        tracing::error!(
            error = self.message,
            exit_code = self.kind as u8,
            "monocoque ends"
        );
        self.logged = true;
        self
    }

    /// Writes the failure to the standard error, unless the log has it and no person is watching.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.logged || std::io::stderr().is_terminal() {
            let _ = writeln!(std::io::stderr(), "monocoque: {}", self.message);
        }
        ExitCode::from(self.kind as u8)
    }
}

impl From<resources::Failure> for Failure {
    fn from(failure: resources::Failure) -> Self {
        match failure.reason {
            resources::Reason::Store(error) => error.into(),
            reason => Self::usage(reason.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unusable(text) | StoreError::Unsupported(text) => Self::settings(text),
            StoreError::Unavailable(_)
            | StoreError::Busy(_)
            | StoreError::Unprepared(_)
            | StoreError::OutcomeUnknown(_)
            | StoreError::Lost(_)
            | StoreError::Corrupt(_) => Self::unavailable(error.to_string()),
            StoreError::Internal(_) => Self::internal(error.to_string()),
        }
    }
}
