//! `monocoque import`

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use resources::repository::Repository;
use resources::schema::ResourceType;
use resources::transfer::{self, Format, ImportError, Importer, OnError, Summary};
use tokio::runtime::Builder;

use super::progress::Progress;
use crate::application;
use crate::command_line::{Import, Rejection};
use crate::failure::Failure;
use crate::settings;

/// Bytes that are read from a file at a time.
const BUFFER: usize = 1 << 18;

pub(super) fn run(arguments: &Import) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    let format = format(arguments)?;
    let source = Source::open(&arguments.file)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let of = application::find_type(&settings, &arguments.resource_type)?;
        let repository = application::open_store(&settings, std::slice::from_ref(&of)).await?;
        let on_error = arguments.on_error.into();
        let outcome = import(&*repository, &of, on_error, format, source).await;
        repository.close().await;
        report(arguments, outcome)
    })
}

/// Stores the rows and says on the standard error which are rejected.
async fn import(
    repository: &dyn Repository,
    of: &Arc<ResourceType>,
    on_error: OnError,
    format: Format,
    source: Source,
) -> Result<Summary, ImportError> {
    let progress = RefCell::new(Progress::new(source.length));
    let (file, position) = source.counted();
    let rows = transfer::rows(format, of, file).map_err(|reason| ImportError::File {
        reason,
        summary: Summary::default(),
    })?;
    let importer = Importer {
        repository,
        of,
        on_error,
        rejected: &mut |line, reason| {
            progress
                .borrow()
                .say(&format!("line {line} rejected: {reason}"));
        },
        progress: &mut |rows| {
            progress
                .borrow_mut()
                .advance(position.load(Ordering::Relaxed), rows);
        },
    };
    let outcome = importer.run(rows).await;
    progress.borrow().finish();
    outcome
}

/// The closing count, whatever happened, and what was the matter if not all went well.
fn report(arguments: &Import, outcome: Result<Summary, ImportError>) -> Result<(), Failure> {
    let count = |summary: Summary| {
        super::print(&format!(
            "{} stored, {} rejected\n",
            summary.stored, summary.rejected
        ))
    };
    match outcome {
        Ok(summary) => {
            count(summary)?;
            match arguments.on_error {
                Rejection::Stop if summary.rejected > 0 => Err(Failure::settings(
                    "nothing was stored, because a row was rejected; '--on-error skip' stores the \
                     others",
                )),
                Rejection::Halt if summary.rejected > 0 => Err(Failure::settings(
                    "a row was rejected: those before it are stored, those after it are not",
                )),
                _ => Ok(()),
            }
        }
        Err(ImportError::File { reason, summary }) => {
            count(summary)?;
            Err(Failure::settings(format!(
                "{}: {reason}",
                arguments.file.display()
            )))
        }
        Err(ImportError::Store(error)) => Err(error.into()),
    }
}

fn format(arguments: &Import) -> Result<Format, Failure> {
    let by_name = || Format::of_extension(&arguments.file);
    arguments.format.or_else(by_name).ok_or_else(|| {
        Failure::usage(format!(
            "the extension of '{}' says nothing about its format: name it with --format json, \
             ndjson or csv",
            arguments.file.display()
        ))
    })
}

struct Source {
    file: Box<dyn Read>,
    length: Option<u64>,
}

impl Source {
    fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self {
                file: Box::new(std::io::stdin()),
                length: None,
            });
        }
        let unreadable =
            |error| Failure::settings(format!("{} cannot be read: {error}", path.display()));
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Failure::settings(format!(
                "{} is a directory",
                path.display()
            )));
        }
        // A pipe has no length.
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Self {
            file: Box::new(file),
            length,
        })
    }

    /// The text, and how much of it was read so far.
    fn counted(self) -> (impl BufRead, Arc<AtomicU64>) {
        let position = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            file: self.file,
            position: position.clone(),
        };
        (BufReader::with_capacity(BUFFER, counted), position)
    }
}

struct Counted {
    file: Box<dyn Read>,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.position.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}
