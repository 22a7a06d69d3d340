//! Turns the panic of a handler into a value.

use std::any::Any;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

/// A handler panicked.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {message}")]
pub(super) struct Panic {
    message: String,
}

impl Panic {
    /// The message as what a response carries to the access log, never to the client.
    pub(super) fn into_hidden_cause(self) -> Arc<dyn Error + Send + Sync> {
        Arc::new(self)
    }
}

/// Awaits a service that cannot fail but may panic.
///
/// What the handler shared with others is theirs to keep sound: a poisoned lock tells them.
pub(super) async fn catch<T, E: Into<std::convert::Infallible>>(
    handler: impl Future<Output = Result<T, E>>,
) -> Result<T, Panic> {
    match AssertUnwindSafe(handler).catch_unwind().await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(never)) => match never.into() {},
        Err(payload) => Err(Panic {
            message: message(&*payload),
        }),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "without a message".to_owned()
    }
}
