//! When what has expired is removed: by the thread that writes, a little at a time.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::writer::Job;

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_mins(1);

/// Sends the thread to sweep until it is gone. Others get their turn between two portions.
pub(super) async fn regularly(jobs: mpsc::WeakSender<Job>) {
    loop {
        sleep(INTERVAL).await;
        while let Some(jobs) = jobs.upgrade() {
            let (reply, outcome) = oneshot::channel();
            let sent = jobs.send(Job::Sweep(reply)).await;
            drop(jobs);
            if sent.is_err() {
                return;
            }
            match outcome.await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => break,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "expired idempotency keys were not removed");
                    break;
                }
                Err(_) => return,
            }
        }
        if jobs.strong_count() == 0 {
            return;
        }
    }
}
