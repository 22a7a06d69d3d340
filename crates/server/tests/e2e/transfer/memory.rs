//! Files of any size.

use std::io::Write;
use std::time::Duration;

use super::{array, import, rows};
use crate::harness::Store;

/// Ten batches, so that as many are underway at once as ever are.
const SMALL: usize = 5_000;
const LARGE: usize = 50_000;

/// What a tenfold file may take more than a small one, in KiB: the cache of SQLite (2 MiB) and
/// its index of the log (8 bytes for each page of 4 KiB), or what the allocator holds for a while
/// of what one thread made and others freed on its way to MongoDB. The text alone of the large
/// file is more, and its rows are many times that.
const GROWTH_MAX_KIB: usize = if crate::ON_MONGODB { 12 } else { 6 } * 1024;

/// A stand-in for MongoDB takes its time to copy the rows of the large file.
const PATIENCE: Duration = Duration::from_mins(2);

/// The most memory that a process has had so far, in KiB.
fn peak_memory_kib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.expect("the peak").parse().unwrap()
}

/// Imports rows and returns the peak and the size of the file, both in KiB.
fn import_peak(count: usize) -> (usize, usize) {
    let text = array(&rows(count));
    let (all_but_the_end, end) = text.split_at(text.len() - "]\n".len());
    let store = Store::fresh();
    let mut running = import(&store, &["-", "--format", "json"]).begin();
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(all_but_the_end.as_bytes()).unwrap();
    // It has read all but what a pipe holds, and lives as long as the end is missing.
    let peak = peak_memory_kib(running.pid());
    stdin.write_all(end.as_bytes()).unwrap();
    drop(stdin);
    let outcome = running.end_within(PATIENCE);
    super::all_stored(&outcome, count);
    (peak, text.len() / 1024)
}

#[test]
#[cfg(target_os = "linux")]
fn an_import_of_50_000_rows_takes_hardly_more_memory_than_one_of_5_000() {
    let (small, _) = import_peak(SMALL);
    let (large, size) = import_peak(LARGE);
    assert!(size > GROWTH_MAX_KIB, "the file proves nothing: {size} KiB");
    assert!(
        large < small + GROWTH_MAX_KIB,
        "{SMALL} rows take {small} KiB, {LARGE} rows {large} KiB"
    );
    println!("{SMALL} rows: {small} KiB, {LARGE} rows ({size} KiB): {large} KiB");
}
