//! `monocoque export`

mod api;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use resources::query::{Query, Total};
use resources::schema::ResourceType;
use resources::store::{Scan, Store, StoreError};
use tokio::runtime::Builder;
use transfer::{self, ExportError, Format};

use self::api::Api;
use self::target::Target;
use super::file_format::file_format;
use super::progress::Progress;
use super::say;
use crate::command_line::Export;
use crate::definitions;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::store;

/// A collection and the file that it goes to.
struct Job {
    resource_type: Arc<ResourceType>,
    file: PathBuf,
    format: Format,
}

/// Where the resources come from.
enum Source {
    Store(Arc<dyn Store>),
    Api(Api),
}

impl Source {
    async fn scan(&self, resource_type: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        match self {
            Self::Store(store) => store.scan(resource_type).await,
            Self::Api(api) => Ok(api.scan(resource_type)),
        }
    }

    /// How many resources there are, where that is known beforehand.
    async fn total(&self, resource_type: &Arc<ResourceType>) -> Result<Option<u64>, StoreError> {
        match self {
            Self::Store(store) => {
                let page = store.list(resource_type, &Query::first(1)).await?;
                Ok(page.total.map(Total::number))
            }
            Self::Api(_) => Ok(None),
        }
    }
}

pub(super) fn run(arguments: &Export) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    let api = arguments.from.as_deref().map(Api::new).transpose()?;
    let jobs = jobs(&settings, arguments)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        if let Some(api) = api {
            return export_all(&Source::Api(api), &settings, &jobs).await;
        }
        let store = store::open_to_read(&settings).await?;
        let source = Source::Store(store.clone());
        let outcome = export_all(&source, &settings, &jobs).await;
        store.close().await;
        outcome
    })
}

async fn export_all(source: &Source, settings: &Settings, jobs: &[Job]) -> Result<(), Failure> {
    for job in jobs {
        if matches!(source, Source::Api(_)) {
            warn_of_hidden(&job.resource_type);
        }
        let target = Target::create(&job.file, settings.files_mode.0)?;
        let count = export(source, &job.resource_type, job.format, target, &job.file).await?;
        match jobs {
            [_] => say(&format!("{count} exported")),
            _ => say(&format!("{}: {count} exported", job.resource_type.name)),
        }
    }
    Ok(())
}

fn warn_of_hidden(resource_type: &ResourceType) {
    let hidden = api::hidden(resource_type);
    if !hidden.is_empty() {
        say(&format!(
            "warning: the API of '{}' does not show {}, and the export does not have them; an \
             export of the store itself does",
            resource_type.name,
            hidden.join(", ")
        ));
    }
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
    if settings.mongo_uri.is_none() && arguments.from.is_none() {
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
    source: &Source,
    resource_type: &Arc<ResourceType>,
    format: Format,
    mut target: Target,
    path: &Path,
) -> Result<u64, Failure> {
    let mut progress = Progress::new(source.total(resource_type).await?);
    let file = &mut target.file;
    let advance = &mut |rows| progress.advance(rows, rows);
    let scan = async || source.scan(resource_type).await;
    let outcome = transfer::export(scan, resource_type, format, file, advance).await;
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
