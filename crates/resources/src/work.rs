//! Where work is done that grows with what a client has sent: small work at once, large work on
//! threads where it keeps nobody waiting, and only so much of that at a time.

use std::sync::LazyLock;

use serde_json::Value;
use tokio::sync::Semaphore;

use crate::schema::Attributes;
use crate::store::StoreError;

/// What is larger than so many bytes of text is large work.
pub const LARGE_BYTES: usize = 32 << 10;

/// One large work for each core at a time; others wait, and whoever stops waiting costs nothing.
static AT_ONCE: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));

/// Does `work` here or, where it is large, on a thread that may block.
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
    let done = tokio::task::spawn_blocking(work).await;
    drop(permit);
    done.map_err(|error| StoreError::Internal(error.to_string()))
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
}
