//! What keeps a flood of failures from becoming a flood of lines.
//!
//! Lines of warnings, of errors and of refused requests are written from each place of the code up
//! to so many bytes in a second; the others are counted, and a line says how many they were.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use tracing::callsite::Identifier;
use tracing::{Level, Metadata};

use super::line_queue::REMINDER;

/// The target of lines about requests that were refused: a client can cause any number of them.
pub(crate) const REFUSED: &str = "chassis::stack::access_log::refused";

/// How many seconds' worth of lines may come at once.
const BURST_SECONDS: f64 = 64.0;

/// The bounds of a process, and how far each place has used its own.
pub(super) struct Flood {
    /// Bytes in a second from each place; 0 for no bound.
    bytes_per_second: f64,
    places: Mutex<HashMap<Identifier, Place>>,
    /// Lines were left out of which no line tells yet.
    pending: AtomicBool,
    left_out: AtomicU64,
    /// When lines that were left out were last told of.
    told: Mutex<Instant>,
    /// Called with the first line that is left out.
    begins: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flood").finish_non_exhaustive()
    }
}

/// A place of the code.
#[derive(Debug)]
struct Place {
    target: &'static str,
    bytes_left: f64,
    filled: Instant,
    left_out: u64,
}

impl Flood {
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self {
            #[expect(clippy::cast_precision_loss, reason = "it is a rate")]
            bytes_per_second: bytes_per_second as f64,
            places: Mutex::default(),
            pending: AtomicBool::new(false),
            left_out: AtomicU64::new(0),
            told: Mutex::new(Instant::now()),
            begins: OnceLock::new(),
        }
    }

    /// Has `begins` called whenever lines begin to be left out. The first call counts.
    pub(super) fn when_it_begins(&self, begins: impl Fn() + Send + Sync + 'static) {
        let _ = self.begins.set(Box::new(begins));
    }

    /// Whether lines of this place are bounded at all.
    pub(super) fn bounds(&self, place: &Metadata<'_>) -> bool {
        self.bytes_per_second > 0.0 && (*place.level() <= Level::WARN || place.target() == REFUSED)
    }

    /// Whether a line of this place is to be written.
    pub(super) fn admit(&self, metadata: &'static Metadata<'static>) -> bool {
        let (now, burst) = (Instant::now(), self.bytes_per_second * BURST_SECONDS);
        let mut places = self.places();
        let place = places.entry(metadata.callsite()).or_insert_with(|| Place {
            target: metadata.target(),
            bytes_left: burst,
            filled: now,
            left_out: 0,
        });
        let seconds = now.duration_since(place.filled).as_secs_f64();
        place.bytes_left = burst.min(place.bytes_left + seconds * self.bytes_per_second);
        place.filled = now;
        if place.bytes_left > 0.0 {
            return true;
        }
        place.left_out += 1;
        self.left_out.fetch_add(1, Ordering::Relaxed);
        let is_first = !self.pending.swap(true, Ordering::AcqRel);
        drop(places);
        if is_first && let Some(begins) = self.begins.get() {
            begins();
        }
        false
    }

    /// A line of this place was written.
    pub(super) fn wrote(&self, metadata: &'static Metadata<'static>, bytes: usize) {
        if let Some(place) = self.places().get_mut(&metadata.callsite()) {
            #[expect(clippy::cast_precision_loss, reason = "it is the length of a line")]
            let bytes = bytes as f64;
            place.bytes_left -= bytes;
        }
    }

    /// Whether lines were left out of which no line tells.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// Whether it is time to tell: not so often that telling is a flood itself.
    pub(super) fn is_due(&self) -> bool {
        let told = || self.told.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_pending() && told().elapsed() >= REMINDER
    }

    /// The targets with lines that were left out since the last call, and how many.
    pub(super) fn take_left_out(&self) -> Vec<(&'static str, u64)> {
        let mut places = self.places();
        self.pending.store(false, Ordering::Release);
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let mut taken: Vec<_> = places
            .values_mut()
            .filter(|place| place.left_out > 0)
            .map(|place| (place.target, std::mem::take(&mut place.left_out)))
            .collect();
        taken.sort_unstable();
        taken
    }

    /// How many lines were left out since the start.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Identifier, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Arc;

    use super::*;
    use crate::telemetry::{LogSettings, lines, subscriber};

    #[derive(Default)]
    struct Written(AtomicU64);

    impl Write for &Written {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.fetch_add(line.len() as u64, Ordering::Relaxed);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_flood_from_one_place_is_cut_counted_and_costs_no_line_of_another() {
        let settings = LogSettings {
            failure_bytes_per_second: 100,
            ..LogSettings::default()
        };
        let written = Arc::new(Written::default());
        let lines = lines(&settings, Arc::clone(&written));
        let flood = Arc::clone(&lines.flood);
        let begun = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&begun);
        flood.when_it_begins(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let (subscriber, _) = subscriber(lines, "info").unwrap();
        let bytes = || written.0.load(Ordering::Relaxed);
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..10_000 {
                tracing::warn!(number, "a failure");
            }
            assert!(bytes() < 64 * 100 + 10_000, "{}", bytes());
            let of_flood = bytes();
            tracing::warn!("another place");
            for _ in 0..1000 {
                tracing::info!("what is no failure");
            }
            assert!(bytes() > of_flood + 1000 * 100, "{}", bytes());
        });
        let left_out = flood.left_out();
        assert!((9_000..10_000).contains(&left_out), "{left_out}");
        let told = flood.take_left_out();
        assert_eq!(told, [("chassis::telemetry::flood::tests", left_out)]);
        assert_eq!(
            (flood.take_left_out(), begun.load(Ordering::Relaxed)),
            (vec![], 1)
        );
    }
}
