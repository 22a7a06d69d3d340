//! `monocoque export`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resources::query::{Query, Total};
use resources::schema::ResourceType;
use resources::store::Store;
use tokio::runtime::Builder;
use transfer::{self, ExportError, Format};

use super::file_format::file_format;
use super::progress::Progress;
use super::say;
use crate::command_line::Export;
use crate::definitions;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::store;

/// Bytes that are written to a file at a time.
const BUFFER: usize = 1 << 18;

/// A collection and the file that it goes to.
struct Job {
    resource_type: Arc<ResourceType>,
    file: PathBuf,
    format: Format,
}

pub(super) fn run(arguments: &Export) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    let jobs = jobs(&settings, arguments)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let store = store::open_to_read(&settings).await?;
        let outcome = export_all(&*store, &settings, &jobs).await;
        store.close().await;
        outcome
    })
}

async fn export_all(store: &dyn Store, settings: &Settings, jobs: &[Job]) -> Result<(), Failure> {
    for job in jobs {
        let target = Target::create(&job.file, settings.files_mode.0)?;
        let count = export(store, &job.resource_type, job.format, target, &job.file).await?;
        match jobs {
            [_] => say(&format!("{count} exported")),
            _ => say(&format!("{}: {count} exported", job.resource_type.name)),
        }
    }
    Ok(())
}

fn jobs(settings: &Settings, arguments: &Export) -> Result<Vec<Job>, Failure> {
    if let Some(name) = &arguments.resource_type {
        return Ok(vec![Job {
            format: format(arguments)?,
            resource_type: definitions::find(settings, name)?,
            file: arguments.file.clone(),
        }]);
    }
    let folder = arguments.all.clone().unwrap_or_default();
    let types = definitions::all(settings)?;
    if settings.mongo_uri.is_none() {
        store::must_exist(settings)?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| unwritable(&error, &folder))?;
    let job = |resource_type: Arc<ResourceType>| Job {
        file: folder.join(format!("{}.ndjson", resource_type.name)),
        format: Format::JsonLines,
        resource_type,
    };
    Ok(types.into_iter().map(job).collect())
}

/// Writes the file and returns the count of its rows.
async fn export(
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
    format: Format,
    mut target: Target,
    path: &Path,
) -> Result<u64, Failure> {
    let total = store
        .list(resource_type, &Query::first(1))
        .await?
        .total
        .map(Total::number);
    let mut progress = Progress::new(total);
    let file = &mut target.file;
    let advance = &mut |rows| progress.advance(rows, rows);
    let outcome = transfer::export(store, resource_type, format, file, advance).await;
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
    if arguments.format.is_none() && arguments.file == Path::new("-") {
        return Ok(Format::Json);
    }
    file_format(arguments.format, &arguments.file)
}

/// Where an export goes. A regular file gets its name when it is complete; anything else, such as a
/// pipe, is written to directly.
struct Target {
    file: Box<dyn Write + Send>,
    partial: Option<Partial>,
}

/// A file that is not complete. If it is dropped before it gets its name, it is removed.
struct Partial {
    file: File,
    path: PathBuf,
    complete: PathBuf,
}

impl Target {
    fn create(path: &Path, mode: u32) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let output = BufWriter::with_capacity(BUFFER, std::io::stdout());
            return Ok(Self {
                file: Box::new(output),
                partial: None,
            });
        }
        // The file behind a symbolic link is written, and the link stays.
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
        let mut options = File::options();
        let created = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&partial);
        let created = created.and_then(|file| Ok((file.try_clone()?, file)));
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
