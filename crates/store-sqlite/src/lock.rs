//! Whose a data directory is, and what its last process knew when it ended.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use resources::store::StoreError;

pub(super) const NAME: &str = "monocoque.lock";

/// The length of the file, so that it is written in one piece.
const LENGTH: usize = 512;

/// Held for as long as a process uses a data directory; released when it ends, however it ends.
///
/// The directory is locked as well as the file, which somebody may delete.
pub(super) struct Lock {
    _folder: File,
    file: File,
    /// What the last process has left.
    pub(super) last: FilesState,
    /// What the files in the directory may be used for.
    pub(super) files_mode: u32,
}

/// What is known of the files in a data directory, which a process may use.
pub(super) fn known(data_dir: &Path) -> FilesState {
    let text = std::fs::read_to_string(data_dir.join(NAME)).unwrap_or_default();
    text.lines()
        .nth(1)
        .map_or(FilesState::Unknown, FilesState::parse)
}

/// What is known of the files in a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FilesState {
    /// Nothing: the directory is new, or the lock file was deleted.
    Unknown,
    /// Everything is in the file.
    Closed,
    /// The file with this token has a log, which holds acknowledged writes.
    Logged(String),
    /// A process saw that it has lost its files, in this way.
    Lost(String),
}

impl fmt::Display for FilesState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => Ok(()),
            Self::Closed => formatter.write_str("closed"),
            Self::Logged(token) => write!(formatter, "logged {token}"),
            Self::Lost(reason) => write!(formatter, "lost {reason}"),
        }
    }
}

impl FilesState {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        match text.split_once(' ').unwrap_or((text, "")) {
            ("closed", _) => Self::Closed,
            ("logged", token) => Self::Logged(token.to_owned()),
            ("lost", reason) => Self::Lost(reason.to_owned()),
            _ => Self::Unknown,
        }
    }
}

/// Whether a process has the data directory for itself.
pub(super) fn is_held(data_dir: &Path) -> bool {
    File::open(data_dir.join(NAME))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl Lock {
    /// Makes the directory where it is absent. `files_mode` is what a file may be used for, such
    /// as 0600; a directory may be entered by whoever may read its files.
    pub(super) fn acquire(data_dir: &Path, files_mode: u32) -> Result<Self, StoreError> {
        let unusable = |error: &std::io::Error| {
            let data_dir = data_dir.display();
            StoreError::Unusable(format!("the data directory {data_dir}: {error}"))
        };
        let mut folder = DirBuilder::new();
        folder.recursive(true).mode(folder_mode(files_mode));
        folder.create(data_dir).map_err(|error| unusable(&error))?;
        let folder = File::open(data_dir).map_err(|error| unusable(&error))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options
            .mode(files_mode)
            .open(data_dir.join(NAME))
            .map_err(|error| unusable(&error))?;
        let mut text = String::new();
        let _ = Read::by_ref(&mut file)
            .take(LENGTH as u64)
            .read_to_string(&mut text);
        let mut lines = text.lines();
        let holder = lines.next().unwrap_or_default().trim();
        for locked in [&file, &folder] {
            match locked.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let data_dir = data_dir.display();
                    return Err(StoreError::Unusable(format!(
                        "the data directory {data_dir} is in use by the process {holder}; stop it \
                         or choose another directory"
                    )));
                }
                Err(TryLockError::Error(error)) => return Err(unusable(&error)),
            }
        }
        let last = lines.next().map_or(FilesState::Unknown, FilesState::parse);
        let lock = Self {
            _folder: folder,
            file,
            last,
            files_mode,
        };
        lock.note(&lock.last);
        Ok(lock)
    }

    /// Leaves a state to the next process, on the disk before it returns. The number of this
    /// process is beside it, for people.
    pub(super) fn note(&self, state: &FilesState) {
        let mut text = format!("{}\n{state}", std::process::id());
        text.truncate(text.floor_char_boundary(LENGTH - 1));
        // On a full disk the first note may fail; later ones have their place.
        let text = format!("{text:<LENGTH$}");
        let written = self.file.write_all_at(text.as_bytes(), 0);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            tracing::warn!(%error, "the lock file cannot be written now");
        }
    }
}

fn folder_mode(files_mode: u32) -> u32 {
    files_mode | ((files_mode & 0o444) >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_told_who_holds_the_directory() {
        let folder = tempfile::tempdir().unwrap();
        let held = Lock::acquire(folder.path(), 0o600).unwrap();
        let refused = || {
            Lock::acquire(folder.path(), 0o600)
                .err()
                .unwrap()
                .to_string()
        };
        assert!(refused().contains(&std::process::id().to_string()));
        std::fs::remove_file(folder.path().join(NAME)).unwrap();
        assert!(
            refused().contains("in use"),
            "the lock has gone with its file"
        );
        drop(held);
        assert!(Lock::acquire(folder.path(), 0o600).is_ok());
    }

    #[test]
    fn a_state_is_read_as_it_was_noted() {
        let folder = tempfile::tempdir().unwrap();
        let acquire = || Lock::acquire(folder.path(), 0o600).unwrap();
        assert_eq!(acquire().last, FilesState::Unknown);
        for state in [
            FilesState::Logged("0a".to_owned()),
            FilesState::Lost("was deleted".to_owned()),
            FilesState::Closed,
        ] {
            acquire().note(&state);
            assert_eq!(acquire().last, state);
        }
    }

    #[test]
    fn who_may_read_files_may_enter_their_directory() {
        assert_eq!(folder_mode(0o600), 0o700);
        assert_eq!(folder_mode(0o640), 0o750);
    }
}
