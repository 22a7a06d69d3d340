//! What the kernel says about a thread of this process.

use std::fs;

/// The kernel's number of the calling thread.
pub(super) fn current() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// The state of a thread in the letters of `ps` (`R` runs, `S` sleeps, `D` waits for a disk), and
/// the function of the kernel that it waits in, where the kernel tells.
pub(super) fn state(thread: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    // The name before it is in parentheses and may hold anything.
    let state = stat.rsplit_once(") ")?.1.chars().next()?;
    let waits_in = fs::read_to_string(format!("/proc/self/task/{thread}/wchan"));
    Some(match waits_in.unwrap_or_default().as_str() {
        "" | "0" => state.to_string(),
        function => format!("{state} in {function}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calling_thread_runs() {
        let state = state(current()).unwrap();
        assert!(state.starts_with('R'), "{state}");
    }
}
