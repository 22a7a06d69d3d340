//! The last resort of a process whose shutdown hangs.

use std::thread;
use std::time::Duration;

/// Ends the process with `code` when it still runs after `patience`. A thread of its own does it,
/// which needs no runtime.
///
/// # Errors
///
/// When the thread cannot be started.
pub fn force_exit_after(patience: Duration, code: i32) -> std::io::Result<()> {
    let watch = move || {
        thread::sleep(patience);
        let patience_millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        tracing::error!(
            patience_millis,
            exit_code = code,
            "the shutdown hangs; the process is ended"
        );
        // The log writes what waits within milliseconds.
        thread::sleep(Duration::from_millis(100));
        std::process::exit(code);
    };
    let thread = thread::Builder::new().name("backstop".to_owned());
    thread.spawn(watch).map(drop)
}
