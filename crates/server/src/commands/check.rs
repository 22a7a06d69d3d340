//! `monocoque check`

mod misfits;

use std::process::ExitCode;
use std::sync::Arc;

use resources::schema::ResourceType;
use store_sqlite::SqliteStore;
use tokio::runtime::Builder;

use super::say;
use crate::command_line::Check;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::{definitions, store};

/// Reads the whole embedded store, and the resources of the named types against their definitions.
/// Fails with what is damaged; the code is 1 where a resource does not fit.
pub(super) fn run(arguments: &Check) -> Result<ExitCode, Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    let types = types(arguments, &settings)?;
    if settings.mongo_uri.is_none() {
        check_files(&settings, !types.is_empty())?;
    } else if types.is_empty() {
        return Err(Failure::usage(
            "'check' without a TYPE reads the embedded store; MongoDB has its own command \
             'validate'. 'check TYPE' holds stored resources against their definition on MongoDB too",
        ));
    }
    if types.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let declared = definitions::all(&settings)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let store = store::open_to_read(&settings).await?;
        let found = misfits::list(&*store, &types, &declared, arguments.format).await;
        store.close().await;
        Ok(if found? {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    })
}

fn types(arguments: &Check, settings: &Settings) -> Result<Vec<Arc<ResourceType>>, Failure> {
    if arguments.all {
        return definitions::all(settings);
    }
    let names = arguments.types.iter();
    names
        .map(|name| definitions::find(settings, name))
        .collect()
}

/// Reads the files of the embedded store. Where a process uses them, only what it has stored can
/// be looked at.
fn check_files(settings: &Settings, may_be_in_use: bool) -> Result<(), Failure> {
    store::must_exist(settings)?;
    let data_dir = settings.data_dir.display();
    if may_be_in_use && SqliteStore::is_in_use(&settings.data_dir) {
        say(&format!(
            "{data_dir}: a process uses the store, whose files are not checked"
        ));
        return Ok(());
    }
    let report = SqliteStore::check(&settings.data_dir, &store::sqlite(settings))?;
    if !report.damages.is_empty() {
        return Err(Failure::unavailable(format!(
            "the store in {data_dir} is damaged; restore it from a backup or export what can still \
             be read:\n{}",
            report.damages.join("\n")
        )));
    }
    let unchecked = match report.unchecked {
        0 => String::new(),
        count => format!(", {count} of them without a checksum, from an earlier version"),
    };
    let resources = report.resources;
    let told = format!("{data_dir}: whole, with {resources} resources{unchecked}");
    if may_be_in_use {
        // The standard output has what does not fit, and nothing else.
        say(&told);
        return Ok(());
    }
    super::print(&format!("{told}\n"))
}
