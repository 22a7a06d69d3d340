//! Where work is done that grows with what a client has sent: small work at once, large work on
//! threads where it keeps nobody waiting, and only so much of that at a time.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock, Weak};

use serde_json::Value;
use tokio::sync::Semaphore;

use crate::schema::Attributes;
use crate::store::StoreError;

/// What is larger than so many bytes of text is large work.
pub const LARGE_BYTES: usize = 32 << 10;

/// One large work for each core at a time; others wait. A caller that leaves while it waits has
/// taken no place.
static AT_ONCE: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));

thread_local! {
    /// The caller of the work on this thread, as long as it waits.
    static CALLER: RefCell<Option<Weak<()>>> = const { RefCell::new(None) };
}

/// Does `work` here or, where it is large, on a thread that may block. Large work keeps its place
/// among those at a time until it ends, also when the caller has dropped this future; it can ask
/// [`is_abandoned`] to end sooner then.
///
/// # Errors
/// [`StoreError::Internal`] when the work panics on the other thread.
pub async fn run<T: Send + 'static>(
    is_large: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    if !is_large {
        return Ok(work());
    }
    let permit = AT_ONCE.acquire().await;
    let permit = permit.map_err(|error| StoreError::Internal(error.to_string()))?;
    let caller = Arc::new(());
    let waiting = Arc::downgrade(&caller);
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let _called = Called::by(waiting);
        work()
    });
    let done = done.await;
    drop(caller);
    done.map_err(|error| StoreError::Internal(error.to_string()))
}

/// Whether the caller of the large work on this thread has left, so that nobody takes its outcome.
#[must_use]
pub fn is_abandoned() -> bool {
    CALLER.with_borrow(|caller| caller.as_ref().is_some_and(|one| one.strong_count() == 0))
}

/// While it lives, the thread works for a caller.
struct Called;

impl Called {
    fn by(caller: Weak<()>) -> Self {
        CALLER.set(Some(caller));
        Self
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        CALLER.set(None);
    }
}

/// Whether attributes have more text than [`LARGE_BYTES`]; looks at no more than that.
#[must_use]
pub fn is_large(attributes: &Attributes) -> bool {
    let mut left = LARGE_BYTES;
    let mut members = attributes.iter();
    !members.all(|(name, value)| takes(&mut left, name.len()) && fits(value, &mut left))
}

fn fits(value: &Value, left: &mut usize) -> bool {
    match value {
        Value::String(text) => takes(left, text.len()),
        Value::Array(elements) => takes(left, 0) && elements.iter().all(|inner| fits(inner, left)),
        Value::Object(members) => {
            let mut members = members.iter();
            takes(left, 0)
                && members.all(|(name, inner)| takes(left, name.len()) && fits(inner, left))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => takes(left, 0),
    }
}

/// A text of so many bytes and what stands around it.
fn takes(left: &mut usize, bytes: usize) -> bool {
    match left.checked_sub(bytes + 2) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn large_is_what_has_much_text_or_many_values() {
        for (value, expected) in [
            (json!({}), false),
            (json!({"a": "x".repeat(LARGE_BYTES / 2)}), false),
            (json!({"a": "x".repeat(LARGE_BYTES)}), true),
            (json!({"a": vec![1; LARGE_BYTES / 2]}), true),
            (json!({"a": {"b": [{"c": "x".repeat(LARGE_BYTES)}]}}), true),
        ] {
            let Value::Object(attributes) = value else {
                panic!("not an object")
            };
            assert_eq!(is_large(&attributes), expected);
        }
    }

    #[tokio::test]
    async fn large_work_leaves_the_thread_of_its_caller() {
        let here = std::thread::current().id();
        let small = run(false, || std::thread::current().id()).await.unwrap();
        let large = run(true, || std::thread::current().id()).await.unwrap();
        assert!(small == here && large != here);
    }
    #[tokio::test]
    async fn large_work_keeps_its_place_when_its_caller_leaves() {
        use std::sync::mpsc::channel;
        use std::time::Duration;
        let (started, is_started) = channel();
        let mut senders = Vec::new();
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (release, released) = channel::<()>();
            let started = started.clone();
            let left = run(true, move || {
                started.send(()).unwrap();
                // Until the test senders it.
                let _ = released.recv();
            });
            let is_started = &is_started;
            let left = async {
                tokio::select! {
                    biased;
                    _ = left => panic!("the work ended by itself"),
                    () = async { while is_started.try_recv().is_err() { tokio::task::yield_now().await } } => {}
                }
            };
            left.await;
            senders.push(release);
        }
        let next = run(true, || ());
        tokio::pin!(next);
        let soon = Duration::from_millis(100);
        let early = tokio::time::timeout(soon, &mut next).await;
        assert!(early.is_err(), "more large work than places");
        drop(senders);
        next.await.unwrap();
    }

    #[tokio::test]
    async fn large_work_can_see_that_its_caller_has_left() {
        use std::time::{Duration, Instant};
        let (seen, is_seen) = tokio::sync::oneshot::channel();
        let work = run(true, move || {
            let began = Instant::now();
            assert!(!is_abandoned());
            while !is_abandoned() && began.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(1));
            }
            seen.send(is_abandoned()).unwrap();
        });
        let left = tokio::time::timeout(Duration::from_millis(50), work).await;
        assert!(left.is_err());
        assert!(is_seen.await.unwrap());
        assert!(!is_abandoned());
    }
}
