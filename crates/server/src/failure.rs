//! Why a command ended early: a message for people and an exit code for programs.

use std::io::Write;
use std::process::ExitCode;

use resources::repository::RepositoryError;

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

/// A failure that ends the process.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Usage,
            message: message.into(),
        }
    }

    pub(crate) fn settings(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Settings,
            message: message.into(),
        }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Unavailable,
            message: message.into(),
        }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Internal,
            message: message.into(),
        }
    }

    /// Says it on standard error, also when the logs are JSON: nobody may be listening to them.
    pub(crate) fn report(&self) -> ExitCode {
        let _ = writeln!(std::io::stderr(), "monocoque: {}", self.message);
        ExitCode::from(self.kind as u8)
    }
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Unusable(text) => Self::settings(text),
            RepositoryError::Unavailable(_)
            | RepositoryError::OutcomeUnknown(_)
            | RepositoryError::Corrupt(_) => Self::unavailable(error.to_string()),
            RepositoryError::Internal(_) => Self::internal(error.to_string()),
        }
    }
}
