//! `monocoque backup`

use std::ops::ControlFlow;

use super::progress::Progress;
use super::say;
use crate::backups;
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
    let (data_dir, file) = (&settings.data_dir, &arguments.file);
    let how = backups::settings_of(&settings);
    let mut progress: Option<Progress> = None;
    let mut advance = |done: store_sqlite::BackupProgress| {
        let progress = progress.get_or_insert_with(|| Progress::new(Some(done.total)));
        progress.advance_bytes(done.copied, done.total);
        ControlFlow::Continue(())
    };
    let made = store_sqlite::back_up(data_dir, file, &how, &mut advance);
    if let Some(progress) = &progress {
        progress.finish();
    }
    say(&format!("{}: {} bytes", file.display(), made?));
    Ok(())
}
