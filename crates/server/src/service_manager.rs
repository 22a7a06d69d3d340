//! What a service manager is told, in the way of systemd: see `sd_notify(3)`. Under none, nothing
//! is sent.

use std::time::Duration;

use chassis::health::Health;
use sd_notify::NotifyState;
use tokio::task::JoinHandle;

/// Requests are served from now on. If the manager has a watchdog, it hears from this process twice
/// in its time, for as long as the process is live.
pub(crate) fn serving(health: &Health) {
    drop(tell(NotifyState::Ready));
    if let Some(patience) = sd_notify::watchdog_enabled() {
        tokio::spawn(prove_life(health.clone(), patience / 2));
    }
}

/// The process was told to stop, and drains.
pub(crate) fn stopping() {
    drop(tell(NotifyState::Stopping));
}

async fn prove_life(health: Health, period: Duration) {
    loop {
        if health.liveness().is_none_or(|liveness| liveness.alive()) {
            let _ = tell(NotifyState::Watchdog).await;
        }
        tokio::time::sleep(period).await;
    }
}

/// On a thread for what blocks: a manager that does not listen must not hold up a worker.
fn tell(state: NotifyState<'static>) -> JoinHandle<()> {
    tokio::task::spawn_blocking(move || {
        if let Err(error) = sd_notify::notify(&[state]) {
            tracing::warn!(%error, "the service manager cannot be told");
        }
    })
}
