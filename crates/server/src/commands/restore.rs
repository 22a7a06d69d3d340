//! `monocoque restore`

use super::say;
use crate::command_line::Backup;
use crate::failure::Failure;
use crate::settings;

/// Reads the whole backup before it is put into its place, and fails with what is damaged.
pub(super) fn run(arguments: &Backup) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    if settings.mongo_uri.is_some() {
        return Err(Failure::usage(
            "restore is for the embedded store; a MongoDB deployment has mongorestore and \
             snapshots of its own",
        ));
    }
    let (file, data_dir) = (&arguments.file, &settings.data_dir);
    let report = store_sqlite::restore(file, data_dir, settings.files_mode.0)?;
    if !report.damages.is_empty() {
        return Err(Failure::unavailable(format!(
            "the backup {} is damaged, and nothing was restored:\n{}",
            file.display(),
            report.damages.join("\n")
        )));
    }
    let (resources, data_dir) = (report.resources, data_dir.display());
    say(&format!("{data_dir}: restored, with {resources} resources"));
    Ok(())
}
