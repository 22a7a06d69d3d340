//! Room that is kept for the day when the disk is full: SQLite needs some for the index of its
//! log even to read.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Twice what a log and its index need to be opened, in bytes.
const LENGTH: usize = 256 << 10;

/// Gives the room back if the disk has none.
pub(super) fn release_on_full_disk(data_dir: &Path) {
    if !has_room(data_dir, LENGTH) {
        let _ = std::fs::remove_file(path(data_dir));
    }
}

/// Takes the room while there is enough. Without it only a start on a full disk is lost.
pub(super) fn keep(data_dir: &Path, mode: u32) {
    let path = path(data_dir);
    if path.exists() || !has_room(data_dir, 16 * LENGTH) {
        return;
    }
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let _ = file.and_then(|mut file| file.write_all(&vec![1; LENGTH]));
}

/// Whether the disk has so many bytes for us.
pub(super) fn has_room(folder: &Path, bytes: usize) -> bool {
    let room = rustix::fs::statvfs(folder);
    // What cannot be asked is not known to be full.
    room.map_or(true, |room| {
        room.f_bavail.saturating_mul(room.f_frsize) >= bytes as u64
    })
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("monocoque.reserve")
}
