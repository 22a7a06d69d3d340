//! A copy of the store back in its place.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use resources::store::StoreError;

use super::check::{Report, look};
use super::file;
use super::lock::Lock;
use super::watch::beside;

/// Puts a file that [`super::back_up`] made into a data directory without a store, after it was
/// read wholly. With damages in the report, nothing is put there.
///
/// # Errors
/// `Unusable` when the directory has a store already, another process uses it, or the file cannot
/// be read or belongs to another program; `Corrupt` when it cannot be read as a store at all.
pub fn restore(source: &Path, data_dir: &Path, files_mode: u32) -> Result<Report, StoreError> {
    let target = data_dir.join(file::NAME);
    if target.exists() || beside(&target, "-wal").exists() {
        return Err(StoreError::Unusable(format!(
            "the data directory {} has a store already: move it away, or name another directory",
            data_dir.display()
        )));
    }
    // Before anything is made: what is no store is named as it was given.
    if source.is_file() && file::check_magic(source).is_err() {
        let source = source.display();
        return Err(StoreError::Unusable(format!(
            "{source} is no backup, or its first page is damaged: it is not an SQLite file"
        )));
    }
    let _lock = Lock::acquire(data_dir, files_mode)?;
    let partial = Partial(beside(&target, ".restored"));
    copy(source, &partial.0, files_mode).map_err(|error| {
        StoreError::Unusable(format!("{} cannot be restored: {error}", source.display()))
    })?;
    let mut report = Report::default();
    let connection = file::open_to_look(&partial.0)?;
    file::check(&connection, source)?;
    if let Err(error) = look(&connection, &mut report) {
        report.damages.push(error.to_string());
    }
    drop(connection);
    if report.damages.is_empty() {
        let named = fs::rename(&partial.0, &target).and_then(|()| File::open(data_dir)?.sync_all());
        named.map_err(|error| {
            StoreError::Unusable(format!("{} cannot be made: {error}", target.display()))
        })?;
    }
    Ok(report)
}

fn copy(source: &Path, target: &Path, files_mode: u32) -> io::Result<()> {
    let mut options = File::options();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(files_mode);
    let mut copy = options.open(target)?;
    io::copy(&mut File::open(source)?, &mut copy)?;
    copy.sync_all()
}

/// A file that does not have its name yet; it is gone with the value.
struct Partial(std::path::PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        for name in [
            self.0.clone(),
            beside(&self.0, "-wal"),
            beside(&self.0, "-shm"),
        ] {
            let _ = fs::remove_file(name);
        }
    }
}
