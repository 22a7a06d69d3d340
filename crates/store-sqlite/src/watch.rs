//! Whether the open files are still the ones in the data directory, and only changed by us.
//! SQLite itself goes on writing into a file that was deleted: decision 0017.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use resources::store::StoreError;
use tokio::sync::watch;

use super::lock::{FilesState, Lock};
use super::reserve;

/// Free space below which a failure to write is put down to a full disk, in bytes.
const ROOM_MIN: usize = 1 << 20;

/// Reads rely on a look at the files for so long.
const LOOK_AGE_MAX: Duration = Duration::from_millis(5);

/// The files of a store while they are open, and the lock of their directory.
pub(super) struct Watch {
    lock: Lock,
    /// Tells this file and its log from others.
    token: String,
    folder: PathBuf,
    /// The file, its log, and the index of the log. SQLite changes the index at any time, so only
    /// its presence is looked at.
    paths: [PathBuf; 3],
    opened: [Signature; 3],
    /// As the last work has left the file and its log; locked while they are worked on.
    seen: Mutex<Seen>,
    /// How many commits there were.
    changes: AtomicU64,
    /// The same for those who wait for the next one.
    commits: watch::Sender<u64>,
    started: Instant,
    /// Microseconds from the start to the last look for a read.
    looked: AtomicU64,
    lost: OnceLock<StoreError>,
    is_noted: AtomicBool,
    is_full: AtomicBool,
}

/// What tells a file from another one, and from itself after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Signature {
    file: (u64, u64),
    length: u64,
    changed: (i64, i64),
}

impl Signature {
    /// `None` where there is no file.
    ///
    /// # Errors
    /// `Unavailable` when nobody can say, such as without descriptors or while a disk does not
    /// answer: the file may be there.
    fn of(path: &Path) -> Result<Option<Self>, StoreError> {
        match std::fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self {
                file: (metadata.dev(), metadata.ino()),
                length: metadata.len(),
                changed: (metadata.mtime(), metadata.mtime_nsec()),
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let path = path.display();
                let text = format!("{path} cannot be looked at: {error}");
                Err(StoreError::Unavailable(text))
            }
        }
    }
}

/// The file and its log when nobody works on them; `None` where nobody could look.
type Seen = [Option<Signature>; 2];

/// Work on the files that is not ended yet.
pub(super) struct Work<'a> {
    watch: &'a Watch,
    seen: MutexGuard<'a, Seen>,
}

impl Watch {
    /// Watches the file at `path` and its log, which are open and at rest.
    pub(super) fn start(path: &Path, token: String, lock: Lock) -> Result<Self, StoreError> {
        let paths = [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")];
        let signature = |path: &PathBuf| {
            let gone = || StoreError::Unavailable(format!("{} has gone", path.display()));
            Signature::of(path)?.ok_or_else(gone)
        };
        let opened = [
            signature(&paths[0])?,
            signature(&paths[1])?,
            signature(&paths[2])?,
        ];
        Ok(Self {
            lock,
            token,
            folder: path.parent().unwrap_or(path).to_owned(),
            paths,
            opened,
            seen: Mutex::new([Some(opened[0]), Some(opened[1])]),
            lost: OnceLock::new(),
            changes: AtomicU64::new(0),
            started: Instant::now(),
            looked: AtomicU64::new(0),
            commits: watch::Sender::new(0),
            is_noted: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
        })
    }

    /// Whether the files were lost before now.
    pub(super) fn intact(&self) -> Result<(), StoreError> {
        self.lost.get().cloned().map_or(Ok(()), Err)
    }

    /// Looks at the files. While they are worked on, only whether they are the same.
    ///
    /// # Errors
    /// How the files were lost; `Busy` while the disk is full.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.check_files()?;
        if self.is_full.load(Ordering::Relaxed) && self.has_no_room() {
            return Err(full());
        }
        self.is_full.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Looks at the files, whatever room there is.
    pub(super) fn check_files(&self) -> Result<(), StoreError> {
        match self.seen.try_lock() {
            Ok(seen) => self.compare(Some(&seen)),
            Err(TryLockError::Poisoned(seen)) => self.compare(Some(&seen.into_inner())),
            Err(TryLockError::WouldBlock) => self.compare(None),
        }
    }

    /// Looks at the files, unless another read has just done so.
    pub(super) fn check_for_read(&self) -> Result<(), StoreError> {
        let now = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let age = now.saturating_sub(self.looked.load(Ordering::Relaxed));
        if Duration::from_micros(age) < LOOK_AGE_MAX {
            return self.intact();
        }
        self.check_files()?;
        self.looked.store(now, Ordering::Relaxed);
        Ok(())
    }

    /// Looks at the files and takes them to be changed by us until the work ends.
    pub(super) fn begin(&self) -> Result<Work<'_>, StoreError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.compare(Some(&seen))?;
        Ok(Work { watch: self, seen })
    }

    /// A commit was tried: what was read before may not be true any more.
    pub(super) fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.commits.send_modify(|commits| *commits += 1);
    }

    /// Tells of each commit.
    pub(super) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// How many commits were tried, while the files are ours.
    pub(super) fn changes(&self) -> Option<u64> {
        self.intact().ok()?;
        let changes = self.changes.load(Ordering::SeqCst);
        self.check_for_read().ok()?;
        Some(changes)
    }

    /// Looks at the files before anybody hears of a commit, and leaves to the next process that
    /// the log has to be there.
    pub(super) fn committed(&self) -> Result<(), StoreError> {
        self.check_files()?;
        if self.is_noted.load(Ordering::Relaxed) {
            return Ok(());
        }
        if Signature::of(&self.paths[1])?.is_some_and(|log| log.length > 0) {
            self.lock.note(&FilesState::Logged(self.token.clone()));
            self.is_noted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The log has no writes any more that are not in the file.
    pub(super) fn note_closed(&self) {
        if self.intact().is_ok() {
            self.lock.note(&FilesState::Closed);
        }
    }

    /// A failure in which a full disk is told from other troubles with files.
    pub(super) fn explain(&self, error: StoreError) -> StoreError {
        if let Err(lost) = self.intact() {
            return lost;
        }
        match error {
            StoreError::Unavailable(_) | StoreError::Busy(_) if self.has_no_room() => {
                self.is_full.store(true, Ordering::Relaxed);
                full()
            }
            error => error,
        }
    }

    fn has_no_room(&self) -> bool {
        !reserve::has_room(&self.folder, ROOM_MIN)
    }

    fn compare(&self, seen: Option<&Seen>) -> Result<(), StoreError> {
        self.intact()?;
        for (index, path) in self.paths.iter().enumerate() {
            let found = Signature::of(path)?;
            let seen = seen.and_then(|seen| seen.get(index)).copied().flatten();
            let reason = match (found, seen) {
                (None, _) => "was deleted",
                (Some(found), _) if found.file != self.opened[index].file => {
                    "was replaced by another file"
                }
                (Some(found), Some(seen)) if found.length < seen.length => "was cut short",
                (Some(found), Some(seen)) if found != seen => "was changed by another program",
                _ => continue,
            };
            return Err(self.lose(path, reason));
        }
        Ok(())
    }

    fn lose(&self, path: &Path, reason: &str) -> StoreError {
        let reason = format!("{} {reason} while it was in use", path.display());
        tracing::error!(reason, "the store has lost its files and stops");
        self.lock.note(&FilesState::Lost(reason.clone()));
        let lost = StoreError::Lost(format!("{reason}; nothing is read or written any more"));
        self.lost.get_or_init(|| lost).clone()
    }
}

impl Work<'_> {
    /// Looks once more, before anybody hears that the work is done.
    pub(super) fn end(mut self) -> Result<(), StoreError> {
        // What was changed by us is not taken for a change by others if a look fails.
        let before = std::mem::take(&mut *self.seen);
        self.watch.compare(None)?;
        let mut found = Seen::default();
        for ((found, before), path) in found.iter_mut().zip(before).zip(&self.watch.paths) {
            *found = Signature::of(path)?;
            let length = before.map_or(0, |before| before.length);
            match found {
                Some(found) if found.length >= length => {}
                Some(_) => return Err(self.watch.lose(path, "was cut short")),
                None => return Err(self.watch.lose(path, "was deleted")),
            }
        }
        *self.seen = found;
        Ok(())
    }
}

/// The file beside a file whose name ends like this.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn full() -> StoreError {
    StoreError::Busy("the disk is full".to_owned())
}
