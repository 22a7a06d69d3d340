//! A copy of the store while a process uses it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use resources::store::StoreError;

use super::failure::failure;
use super::{file, lock};

/// Copies the store of `data_dir` to the new file `target`, which may be used as `files_mode` says
/// (such as 0600), and returns its size in bytes.
///
/// The copy has what was committed at one moment. It is written by `VACUUM INTO`
/// (<https://www.sqlite.org/lang_vacuum.html>), which hinders neither readers nor the writer; until
/// it is done, the log beside the store grows by what is written. The copy has its name when it is
/// whole and on the disk. To restore it, put it into an empty data directory as `monocoque.sqlite`.
///
/// # Errors
/// `Unusable` when there is no store, when there is a file `target` already, or when it cannot be
/// written; `Corrupt` when a part of the store is missing that had acknowledged writes.
pub fn back_up(data_dir: &Path, target: &Path, files_mode: u32) -> Result<u64, StoreError> {
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
    let partial = Partial::beside(target);
    let unwritable = |error: io::Error| {
        StoreError::Unusable(format!("{} cannot be written: {error}", target.display()))
    };
    // Made first, so that a folder that cannot be written has an error of its own.
    let mut options = File::options();
    options.write(true).create_new(true).mode(files_mode);
    drop(options.open(&partial.0).map_err(unwritable)?);
    let connection = file::open_reader(&source)?;
    let copy = partial.0.to_string_lossy();
    connection
        .execute("VACUUM INTO ?1", [&*copy])
        .map_err(failure)?;
    settle(&partial.0, target).map_err(unwritable)
}

/// Gives the whole copy its name, lastingly.
fn settle(partial: &Path, target: &Path) -> io::Result<u64> {
    let file = File::open(partial)?;
    file.sync_all()?;
    // Unlike a renaming this takes no other file's place.
    fs::hard_link(partial, target)?;
    let folder = target.parent().filter(|parent| *parent != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(file.metadata()?.len())
}

/// The name of a copy that is not whole. The file of that name is gone with the value.
struct Partial(PathBuf);

impl Partial {
    fn beside(target: &Path) -> Self {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        Self(target.with_file_name(format!(".{name}.{}.partial", std::process::id())))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
