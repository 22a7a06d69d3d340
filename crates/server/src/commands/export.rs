//! `monocoque export`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resources::query::{Pagination, Query};
use resources::schema::ResourceType;
use resources::store::Store;
use tokio::runtime::Builder;
use transfer::{self, ExportError, Format};

use super::progress::Progress;
use crate::command_line::Export;
use crate::definitions;
use crate::failure::Failure;
use crate::settings;
use crate::store;

/// Bytes that are written to a file at a time.
const BUFFER: usize = 1 << 18;

pub(super) fn run(arguments: &Export) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    let format = format(arguments)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let of = definitions::find(&settings, &arguments.resource_type)?;
        let repository = store::open_existing(&settings, &of).await?;
        let outcome = export(&*repository, &of, format, &arguments.file).await;
        repository.close().await;
        let count = outcome?;
        let _ = writeln!(std::io::stderr(), "{count} exported");
        Ok(())
    })
}

/// Writes the file and returns the count of its rows.
async fn export(
    repository: &dyn Store,
    of: &Arc<ResourceType>,
    format: Format,
    path: &Path,
) -> Result<u64, Failure> {
    let first = Query {
        page: Pagination { number: 1, size: 1 },
    };
    let total = repository.list(of, &first).await?.total;
    let mut target = Target::create(path)?;
    let mut progress = Progress::new(Some(total));
    let file = &mut target.file;
    let advance = &mut |rows| progress.advance(rows, rows);
    let outcome = transfer::export(repository, of, format, file, advance).await;
    progress.finish();
    let count = outcome.map_err(|error| failure(error, path))?;
    target.complete()?;
    Ok(count)
}

fn failure(error: ExportError, path: &Path) -> Failure {
    match error {
        ExportError::Store(error) => error.into(),
        ExportError::Write(error) => unwritable(&error, path),
        ExportError::NewColumn(_) => Failure::unavailable(error.to_string()),
    }
}

fn unwritable(error: &std::io::Error, path: &Path) -> Failure {
    Failure::settings(format!("{} cannot be written: {error}", path.display()))
}

fn format(arguments: &Export) -> Result<Format, Failure> {
    if let Some(format) = arguments
        .format
        .or_else(|| Format::of_extension(&arguments.file))
    {
        return Ok(format);
    }
    if arguments.file == Path::new("-") {
        return Ok(Format::Json);
    }
    Err(Failure::usage(format!(
        "the extension of '{}' says nothing about its format: name it with --format json, ndjson \
         or csv",
        arguments.file.display()
    )))
}

/// Where an export goes. A regular file has its name only when it is complete; anything else, such
/// as a pipe, is written into.
struct Target {
    file: Box<dyn Write + Send>,
    partial: Option<Partial>,
}

/// A file that is not complete; it goes when it is dropped before it has its name.
struct Partial {
    file: File,
    path: PathBuf,
    complete: PathBuf,
}

impl Target {
    fn create(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let output = BufWriter::with_capacity(BUFFER, std::io::stdout());
            return Ok(Self {
                file: Box::new(output),
                partial: None,
            });
        }
        // A link keeps leading to the file that is written.
        let complete = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if complete.exists() && !complete.is_file() {
            let file = File::create(&complete).map_err(|error| unwritable(&error, path))?;
            let file = Box::new(BufWriter::with_capacity(BUFFER, file));
            return Ok(Self {
                file,
                partial: None,
            });
        }
        let name = complete
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let partial = complete.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        let created = File::create_new(&partial).and_then(|file| Ok((file.try_clone()?, file)));
        let (file, writer) = created.map_err(|error| unwritable(&error, path))?;
        let writer = Box::new(BufWriter::with_capacity(BUFFER, writer));
        Ok(Self {
            file: writer,
            partial: Some(Partial {
                file,
                path: partial,
                complete,
            }),
        })
    }

    fn complete(mut self) -> Result<(), Failure> {
        let path = self
            .partial
            .as_ref()
            .map_or(Path::new("-"), |partial| &partial.complete);
        self.file
            .flush()
            .map_err(|error| unwritable(&error, path))?;
        let Some(partial) = self.partial.take() else {
            return Ok(());
        };
        let renamed = partial
            .file
            .sync_all()
            .and_then(|()| std::fs::rename(&partial.path, &partial.complete));
        renamed.map_err(|error| unwritable(&error, &partial.complete))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the renaming there is nothing of this name.
        let _ = std::fs::remove_file(&self.path);
    }
}
