//! What a service manager is told, in the way of systemd: see `sd_notify(3)`. Under none, nothing
//! is sent.

use std::time::Duration;

use chassis::health::Health;
use sd_notify::NotifyState;

/// Requests are served from now on. If the manager has a watchdog, it hears from this process twice
/// in its time, for as long as the process is live.
pub(crate) fn serving(health: &Health) {
    tell(NotifyState::Ready);
    if let Some(patience) = sd_notify::watchdog_enabled() {
        tokio::spawn(prove_life(health.clone(), patience / 2));
    }
}

/// The process was told to stop, and drains.
pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}

async fn prove_life(health: Health, period: Duration) {
    loop {
        if health.liveness().is_none_or(|liveness| liveness.alive()) {
            tell(NotifyState::Watchdog);
        }
        tokio::time::sleep(period).await;
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
