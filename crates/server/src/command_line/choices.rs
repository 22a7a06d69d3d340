//! Values of flags that are one of a few.

use clap::ValueEnum;
use transfer::OnError;

/// How resources that do not fit are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MisfitFormat {
    /// A line of text for each thing that does not fit
    Lines,
    /// A JSON object on each line
    Json,
}

/// What a rejected row means for the others.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Rejection {
    /// Nothing is stored; the others are read to report what else is wrong
    Stop,
    /// They are stored
    Skip,
    /// Those before it are stored, those after it are not
    Halt,
}

impl From<Rejection> for OnError {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Stop => Self::Stop,
            Rejection::Skip => Self::Skip,
            Rejection::Halt => Self::Halt,
        }
    }
}

/// How a result is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Columns of text
    Table,
    /// One JSON object
    Json,
    /// Tables in Markdown, of which the second has what did not pass
    Markdown,
}
