//! A copy of the store while a process uses it.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use resources::store::StoreError;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::failure::failure;
use super::{file, lock};

/// Pages that are copied before anybody is told.
const STEP_PAGES: i32 = 64;

/// How long a copy that is ahead of its pace sleeps before it looks whether it is to end.
const SLEEP: Duration = Duration::from_millis(50);

/// How a copy is made.
#[derive(Debug, Clone, Copy)]
pub struct BackupSettings {
    /// What the file may be used for, as in `chmod`.
    pub files_mode: u32,
    /// How much is copied in a second, at most, in bytes.
    pub bytes_per_second_max: u64,
}

/// How much of a copy is made, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackupProgress {
    /// What is copied so far.
    pub copied: u64,
    /// The size of the whole copy.
    pub total: u64,
}

/// Copies the store of `data_dir` to the new file `target` and returns its size in bytes.
/// `progress` hears of each step, and ends the copy where it wants to.
///
/// The copy has what was committed at one moment. It is made within one transaction that reads
/// (<https://www.sqlite.org/backup.html>), which hinders neither readers nor the writer; until it
/// is done, the log beside the store grows by what is written. The copy has its name when it is
/// whole and on the disk; what a killed process has left of one is hidden, and is removed by the
/// next copy of the same name. Blocks until it is done.
///
/// # Errors
/// `Unusable` when there is no store, when there is a file `target` already, or when it cannot be
/// written; `Corrupt` when a part of the store is missing that had acknowledged writes;
/// `Unavailable` when `progress` has ended it.
pub fn back_up(
    data_dir: &Path,
    target: &Path,
    settings: &BackupSettings,
    progress: &mut dyn FnMut(BackupProgress) -> ControlFlow<()>,
) -> Result<u64, StoreError> {
    let source = data_dir.join(file::NAME);
    if !source.exists() {
        return Err(file::no_store(data_dir));
    }
    if target.exists() {
        let target = target.display();
        return Err(StoreError::Unusable(format!(
            "{target} is there already; name a new file"
        )));
    }
    file::missing(&source, &lock::known(data_dir))?;
    let unwritable = |error: io::Error| {
        StoreError::Unusable(format!("{} cannot be written: {error}", target.display()))
    };
    let partial = Partial::beside(target, settings.files_mode).map_err(unwritable)?;
    let connection = file::open_reader(&source)?;
    let moment = "BEGIN; SELECT count(*) FROM collections;";
    connection.execute_batch(moment).map_err(failure)?;
    let mut copy = Connection::open(&partial.path).map_err(failure)?;
    let pace = Pace::new(settings.bytes_per_second_max);
    copy_pages(&connection, &mut copy, &pace, progress)?;
    // A file that is read for itself needs no log beside it.
    let plain = copy.pragma_update(None, "journal_mode", "DELETE");
    plain.map_err(failure)?;
    copy.close().map_err(|(_, error)| failure(error))?;
    settle(&partial.path, target).map_err(unwritable)
}

fn copy_pages(
    source: &Connection,
    copy: &mut Connection,
    pace: &Pace,
    progress: &mut dyn FnMut(BackupProgress) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    // What is not whole is removed: it needs neither a journal nor a sync of its own.
    let careless = copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;");
    careless.map_err(failure)?;
    let page_size: i64 = file::pragma(source, "page_size").map_err(failure)?;
    let bytes = |count: i32| u64::try_from(i64::from(count) * page_size).unwrap_or_default();
    let backup = Backup::new(source, copy).map_err(failure)?;
    loop {
        let step = backup.step(STEP_PAGES).map_err(failure)?;
        let pages = backup.progress();
        let done = BackupProgress {
            copied: bytes(pages.pagecount - pages.remaining),
            total: bytes(pages.pagecount),
        };
        match step {
            StepResult::Done => {
                let _ = progress(done);
                return Ok(());
            }
            StepResult::More => pace.wait(done, progress)?,
            _ => {
                let text = "the file is locked by another program";
                return Err(StoreError::Busy(text.to_owned()));
            }
        }
    }
}

/// Keeps a copy from being faster than it may be.
struct Pace {
    began: Instant,
    bytes_per_second_max: u64,
}

impl Pace {
    fn new(bytes_per_second_max: u64) -> Self {
        Self {
            began: Instant::now(),
            bytes_per_second_max: bytes_per_second_max.max(1),
        }
    }

    /// Waits until so much may be copied.
    fn wait(
        &self,
        done: BackupProgress,
        progress: &mut dyn FnMut(BackupProgress) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        loop {
            if progress(done).is_break() {
                let text = "the backup was told to stop, and there is no file of it";
                return Err(StoreError::Unavailable(text.to_owned()));
            }
            let millis = u128::from(done.copied) * 1000 / u128::from(self.bytes_per_second_max);
            let due = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
            match due.checked_sub(self.began.elapsed()) {
                Some(early) if !early.is_zero() => std::thread::sleep(early.min(SLEEP)),
                _ => return Ok(()),
            }
        }
    }
}

/// Gives the whole copy its name, lastingly.
fn settle(partial: &Path, target: &Path) -> io::Result<u64> {
    let file = File::open(partial)?;
    file.sync_all()?;
    // Unlike a renaming this takes no other file's place.
    fs::hard_link(partial, target)?;
    File::open(folder_of(target))?.sync_all()?;
    Ok(file.metadata()?.len())
}

fn folder_of(target: &Path) -> &Path {
    let folder = target.parent().filter(|parent| *parent != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

/// A copy that is not whole. The file is gone with the value; while it is there, it is locked.
struct Partial {
    path: PathBuf,
    _locked: File,
}

impl Partial {
    fn beside(target: &Path, mode: u32) -> io::Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        remove_leftovers(folder_of(target), &name)?;
        let path = target.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        let mut options = File::options();
        let file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)?;
        let _ = file.try_lock();
        Ok(Self {
            path,
            _locked: file,
        })
    }
}

/// Removes what killed processes have left of copies of this name.
fn remove_leftovers(folder: &Path, name: &str) -> io::Result<()> {
    let prefix = format!(".{name}.");
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.file_name();
        let found = found.to_string_lossy();
        let rest = found.strip_prefix(&prefix);
        let Some(process) = rest.and_then(|rest| rest.strip_suffix(".partial")) else {
            continue;
        };
        let is_ours = process.bytes().all(|byte| byte.is_ascii_digit());
        let is_left = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_ours && is_left() {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
