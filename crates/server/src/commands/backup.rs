//! `monocoque backup`

use super::say;
use crate::command_line::Backup;
use crate::failure::Failure;
use crate::settings;

pub(super) fn run(arguments: &Backup) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    if settings.mongo_uri.is_some() {
        return Err(Failure::usage(
            "backup is for the embedded store; a MongoDB deployment has mongodump and snapshots \
             of its own",
        ));
    }
    let mode = settings.files_mode.0;
    let size = store_sqlite::back_up(&settings.data_dir, &arguments.file, mode)?;
    say(&format!("{}: {size} bytes", arguments.file.display()));
    Ok(())
}
