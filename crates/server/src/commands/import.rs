//! `monocoque import`

mod report;
mod source;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resources::schema::{IdKind, ResourceType};
use resources::store::Store;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use transfer::{self, Format, ImportError, ImportOptions, Importer, RowIds, Summary, UpsertKey};

use self::report::{and_more, report};
use self::source::Source;
use super::file_format::file_format;
use super::progress::Progress;
use super::say;
use crate::command_line::{Import, Rejection};
use crate::definitions;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::store;

/// Set by the first signal.
static STOP: AtomicBool = AtomicBool::new(false);

/// A file and the collection of its rows.
struct Job<'a> {
    arguments: &'a Import,
    resource_type: Arc<ResourceType>,
    file: PathBuf,
    format: Format,
    /// By what a row finds the resource whose place it takes, if it takes one.
    upsert: Option<UpsertKey>,
}

pub(super) fn run(arguments: &Import) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    let upserts = arguments.upsert || !arguments.upsert_by.is_empty();
    if upserts && matches!(arguments.on_error, Rejection::Stop) {
        return Err(Failure::usage(
            "--upsert and --upsert-by store each row by itself, and cannot undo all: name --on-error skip or \
             --on-error halt",
        ));
    }
    let jobs = jobs(&settings, arguments)?;
    if arguments.dry_run {
        // Each file is checked, whatever the others have.
        let checked: Vec<_> = jobs.iter().map(Job::dry_run).collect();
        return checked.into_iter().collect();
    }
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let sources = jobs.iter().map(|job| Source::open(&job.file, job.format));
        let sources: Vec<Source> = sources.collect::<Result<_, _>>()?;
        let row_ids = jobs
            .iter()
            .zip(&sources)
            .map(|(job, source)| job.row_ids(source));
        let row_ids: Vec<_> = row_ids.collect::<Result<_, _>>()?;
        stop_on_signal()?;
        let types: Vec<_> = jobs.iter().map(|job| job.resource_type.clone()).collect();
        let store = store::open(&settings, &types).await?;
        let skips = matches!(arguments.on_error, Rejection::Skip);
        let mut outcome = Ok(());
        for ((job, source), row_ids) in jobs.iter().zip(sources).zip(row_ids) {
            let ran = job.run(&*store, source, row_ids).await;
            let goes_on = match &ran {
                Ok(()) => true,
                Err(failure) => skips && failure.is_about_input(),
            };
            outcome = outcome.and(ran);
            if !goes_on {
                break;
            }
        }
        store.close().await;
        outcome
    })
}

fn jobs<'a>(settings: &Settings, arguments: &'a Import) -> Result<Vec<Job<'a>>, Failure> {
    if let (Some(name), Some(file)) = (&arguments.resource_type, &arguments.file) {
        let resource_type = definitions::find(settings, name)?;
        let by = match arguments.upsert_by.as_slice() {
            [] => arguments.upsert.then_some(UpsertKey::Id),
            names => Some(UpsertKey::unique(&resource_type, names).map_err(Failure::usage)?),
        };
        return Ok(vec![Job {
            format: file_format(arguments.format, file)?,
            upsert: by,
            resource_type,
            file: file.clone(),
            arguments,
        }]);
    }
    let folder = arguments.all.clone().unwrap_or_default();
    let job = |resource_type: Arc<ResourceType>| Job {
        file: folder.join(format!("{}.ndjson", resource_type.name)),
        format: Format::JsonLines,
        upsert: arguments.upsert.then_some(UpsertKey::Id),
        resource_type,
        arguments,
    };
    let jobs = definitions::all(settings)?.into_iter().map(job);
    let jobs: Vec<_> = jobs.filter(|job| job.file.exists()).collect();
    if jobs.is_empty() {
        return Err(Failure::settings(format!(
            "{} has no file TYPE.ndjson of a declared type",
            folder.display()
        )));
    }
    Ok(jobs)
}

impl Job<'_> {
    async fn run(
        &self,
        store: &dyn Store,
        source: Source,
        row_ids: Option<RowIds>,
    ) -> Result<(), Failure> {
        let name = &self.resource_type.name;
        if self.arguments.if_empty && !store::is_empty(store, &self.resource_type).await? {
            say(&format!("nothing is imported: there are {name} already"));
            return Ok(());
        }
        let options = ImportOptions {
            skip_rows: self.arguments.skip_rows,
            row_ids,
            upsert: self.upsert.clone(),
            rejections_max: self.arguments.rejections_max,
            stop: Some(&STOP),
        };
        let on_error = self.arguments.on_error;
        let outcome = import(store, &self.resource_type, on_error, options, source).await;
        self.print_name()?;
        report(self.arguments, &self.file, outcome)
    }

    /// Checks the rows against the definition alone.
    fn dry_run(&self) -> Result<(), Failure> {
        let source = Source::open(&self.file, self.format)?;
        let (file, _) = source.counted(&STOP);
        let unreadable = |reason| Failure::settings(format!("{}: {reason}", self.file.display()));
        let rows = transfer::rows(self.format, &self.resource_type, file).map_err(unreadable)?;
        let rejections_max = self.arguments.rejections_max;
        let mut rejected = |line, reason: &str| say(&format!("line {line} rejected: {reason}"));
        let checked = transfer::check(&self.resource_type, rows, rejections_max, &mut rejected);
        let Summary {
            stored, rejected, ..
        } = checked.map_err(|error| unreadable(error.to_string()))?;
        self.print_name()?;
        super::print(&format!(
            "{stored} fine, {rejected} rejected; nothing is stored\n"
        ))?;
        if rejected == 0 {
            return Ok(());
        }
        let more = and_more(self.arguments, rejected);
        Err(Failure::settings(format!("rows would be rejected{more}")))
    }

    /// Begins the line of a type where there are several.
    fn print_name(&self) -> Result<(), Failure> {
        match self.arguments.all {
            Some(_) => super::print(&format!("{}: ", self.resource_type.name)),
            None => Ok(()),
        }
    }

    /// What makes the ids of rows that bring none, if `--restartable` is given.
    fn row_ids(&self, source: &Source) -> Result<Option<RowIds>, Failure> {
        let resource_type = &self.resource_type;
        // Rows of types with string ids always bring an id.
        if !self.arguments.restartable || resource_type.id == IdKind::String {
            return Ok(None);
        }
        if !RowIds::can_make(resource_type.id) {
            return Err(Failure::usage(format!(
                "--restartable is for ids that are objectId or uuid, but those of '{}' are {}; \
                 --skip-rows goes on where an import ended",
                resource_type.name, resource_type.id
            )));
        }
        let name = self.file.file_name().unwrap_or_default();
        match source.changed {
            Some(changed) => Ok(Some(RowIds::new(&name.to_string_lossy(), changed))),
            None => Err(Failure::usage(
                "--restartable needs a file: its name and the time of its last change are in the \
                 ids",
            )),
        }
    }
}

/// The first signal ends the import after the batch that is being stored, the second at once.
fn stop_on_signal() -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::internal(format!("signals cannot be received: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        STOP.store(true, Ordering::Relaxed);
        say("told to stop after what is being stored; a second signal stops at once");
        either(&mut terminate, &mut interrupt).await;
        std::process::exit(69);
    });
    Ok(())
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// Stores the rows and says on the standard error which are rejected.
async fn import(
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
    on_error: Rejection,
    options: ImportOptions<'_>,
    source: Source,
) -> Result<Summary, ImportError> {
    let progress = RefCell::new(Progress::new(source.length));
    let format = source.format;
    let (file, position) = source.counted(&STOP);
    let summary = Summary::default();
    let rows = transfer::rows(format, resource_type, file).map_err(|reason| {
        if STOP.load(Ordering::Relaxed) {
            return ImportError::Stopped { summary };
        }
        ImportError::File { reason, summary }
    })?;
    let importer = Importer {
        store,
        resource_type,
        on_error: on_error.into(),
        options,
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
