//! Log lines on their way to a thread that writes them.
//!
//! A request appends its line to a buffer under a lock that is held for one copy; the thread takes
//! the whole buffer and writes it with one call. It waits a little before it does, so that under
//! load there is one wake-up and one write for many lines instead of one for each.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::health::Heartbeat;

/// How much may wait. Beyond it lines are dropped and counted.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long lines are collected before they are written.
const COLLECTING: Duration = Duration::from_millis(2);
/// How long a note waits for lines to come with it.
pub(super) const REMINDER: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct LineQueue {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true or not by itself"
)]
struct State {
    bytes: Vec<u8>,
    lines_dropped: u64,
    /// The writer sleeps until it is notified.
    waiting: bool,
    /// The writer holds a batch that is not written yet.
    writing: bool,
    /// Someone waits for the queue to be empty.
    hurry: bool,
    /// The thread is to note something, with or without lines.
    reminded: bool,
}

impl LineQueue {
    /// Starts the thread. It lives as long as the process. Its heart waits while there are no
    /// lines, and while the sink takes its time. `note` adds lines about the log to what is
    /// written: it is told how many lines were dropped since it was called last.
    pub(super) fn start_writing(
        self: &Arc<Self>,
        mut sink: impl Write + Send + 'static,
        heartbeat: Heartbeat,
        mut note: impl FnMut(u64, &mut Vec<u8>) + Send + 'static,
    ) -> io::Result<()> {
        let queue = Arc::clone(self);
        let writer = thread::Builder::new().name("log".to_owned());
        writer.spawn(move || {
            let mut batch = Vec::new();
            loop {
                heartbeat.wait();
                let dropped = queue.take(&mut batch);
                heartbeat.beat();
                note(dropped, &mut batch);
                heartbeat.wait();
                // A log that nobody reads any more is no reason to stop serving.
                let _ = sink.write_all(&batch).and_then(|()| sink.flush());
                heartbeat.beat();
                batch.clear();
                queue.written();
            }
        })?;
        Ok(())
    }

    /// Waits until all lines are written, but no longer than `timeout`.
    pub(super) fn flush(&self, timeout: Duration) {
        let due = Instant::now() + timeout;
        let mut state = self.lock();
        state.hurry = true;
        self.filled.notify_one();
        while !state.bytes.is_empty() || state.writing {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .emptied
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// How many lines were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Has the thread call its `note` after a while, also when no line comes.
    pub(super) fn remind(&self) {
        let mut state = self.lock();
        state.reminded = true;
        self.filled.notify_one();
    }

    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.bytes.len() + line.len() > BYTES_MAX {
            state.lines_dropped += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.bytes.extend_from_slice(line);
        if mem::take(&mut state.waiting) {
            drop(state);
            self.filled.notify_one();
        }
    }

    /// Waits for lines and moves them into `batch`; returns how many were dropped meanwhile.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let mut state = self.lock();
        while state.bytes.is_empty() {
            state.waiting = true;
            let reminded = mem::take(&mut state.reminded);
            let patience = if reminded { REMINDER } else { Duration::MAX };
            let waited = self.filled.wait_timeout(state, patience);
            let waited = waited.unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            if reminded && waited.1.timed_out() {
                break;
            }
            state.reminded |= reminded;
        }
        state.waiting = false;
        if !state.hurry {
            drop(state);
            thread::sleep(COLLECTING);
            state = self.lock();
        }
        mem::swap(&mut state.bytes, batch);
        state.writing = true;
        mem::take(&mut state.lines_dropped)
    }

    fn written(&self) {
        let mut state = self.lock();
        state.writing = false;
        if state.bytes.is_empty() {
            state.hurry = false;
            self.emptied.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;
    use crate::health::{Health, WorkerLimits};

    /// Waits for permission before each write, and hands out what was written.
    struct Gate {
        permission: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, batch: &[u8]) -> io::Result<usize> {
            let _ = self.permission.recv();
            let _ = self.written.send(batch.to_vec());
            Ok(batch.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const LONG: Duration = Duration::from_secs(10);

    fn noting(dropped: u64, batch: &mut Vec<u8>) {
        if dropped > 0 {
            let _ = writeln!(batch, "{dropped} dropped");
        }
    }

    #[test]
    fn a_stalled_reader_costs_lines_and_is_told_how_many() {
        let queue = Arc::new(LineQueue::default());
        let (permit, permission) = channel();
        let (written, batches) = channel();
        queue
            .start_writing(
                Gate {
                    permission,
                    written,
                },
                Heartbeat::unwatched(),
                noting,
            )
            .unwrap();
        queue.push(b"first\n");
        while !queue.lock().writing {
            thread::yield_now();
        }
        let line = [b'x'; 1024];
        for _ in 0..BYTES_MAX / line.len() + 5 {
            queue.push(&line);
        }
        queue.flush(Duration::from_millis(10));
        assert!(queue.lock().bytes.len() <= BYTES_MAX);
        drop(permit);
        queue.flush(LONG);
        let batches: Vec<_> = batches.try_iter().collect();
        assert_eq!(batches[0], b"first\n");
        assert!(batches[1].ends_with(b"5 dropped\n"));
        assert_eq!(queue.dropped(), 5);
    }

    #[test]
    fn a_broken_sink_is_no_reason_to_stop() {
        let queue = Arc::new(LineQueue::default());
        queue
            .start_writing(Broken, Heartbeat::unwatched(), noting)
            .unwrap();
        for _ in 0..3 {
            queue.push(b"line\n");
            let started = Instant::now();
            queue.flush(LONG);
            assert!(started.elapsed() < LONG);
        }
    }
    struct Panicking;

    impl Write for Panicking {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("as the test wants it")
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_writer_that_is_gone_fails_liveness_and_one_whose_reader_stalls_does_not() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let health = Health::new();
        let limits = WorkerLimits::default();
        health.watch_workers(runtime.handle(), limits).unwrap();
        let (_permit, permission) = channel();
        let (written, _batches) = channel();
        let stalled = Gate {
            permission,
            written,
        };
        let heartbeat = |name| health.heartbeat(name, Duration::from_nanos(1));
        let queues = [(); 2].map(|()| Arc::new(LineQueue::default()));
        queues[0]
            .start_writing(stalled, heartbeat("the stalled"), noting)
            .unwrap();
        queues[1]
            .start_writing(Panicking, heartbeat("the log"), noting)
            .unwrap();
        for queue in &queues {
            queue.push(b"line\n");
        }
        while !queues[0].lock().writing {
            thread::yield_now();
        }
        let started = Instant::now();
        while health.liveness().unwrap().failures != ["the log panicked"] {
            assert!(started.elapsed() < LONG, "{:?}", health.liveness());
            thread::sleep(Duration::from_millis(5));
        }
    }
}
