//! The operations port: probes, metrics and what operators may do.

use std::time::Duration;

use chassis::health::Health;
use chassis::lifecycle::{self, Stop, StopSignal};
use chassis::operations::{Audience, Port};
use chassis::serve::Listener;
use chassis::stack;
use chassis::tls::Tls;
use tokio::sync::watch;

use super::{STOP_PATIENCE, THREAD_BUDGET, address_of, edge};
use crate::application::Plan;
use crate::backups::Backups;
use crate::error_pages;
use crate::failure::{EXIT_HUNG, Failure};
use crate::probes;
use crate::settings::Settings;
use crate::telemetry::{Telemetry, log_state};

/// The operations port, which also hears the signals: it runs when all else hangs.
pub(super) struct Operations<'a> {
    pub(super) socket: Listener,
    pub(super) tls: &'a edge::Both,
    pub(super) backups: Option<&'a Backups>,
    pub(super) telemetry: &'a Telemetry,
    pub(super) stop: (watch::Sender<Stop>, StopSignal),
}

impl Operations<'_> {
    pub(super) fn open(
        self,
        plan: &Plan,
        settings: &Settings,
        health: &Health,
    ) -> Result<Port, Failure> {
        let Self {
            socket,
            tls,
            backups,
            telemetry,
            stop: (tell, told),
        } = self;
        let wording = plan.wording();
        let mut router = probes::router(health, Audience::Operators, settings, &wording)
            .merge(telemetry.router(plan.wording()));
        if let Some(backups) = backups {
            router = router.merge(backups.router()).merge(error_pages::router());
        }
        let rules = edge::operations_rules(settings, &address_of(&socket)?);
        let service = stack::apply_with(router, &probes::limits(settings), rules, wording);
        let watched: Vec<Tls> = tls.each().cloned().collect();
        let interval = settings.tls_reload_interval_ms;
        let dumped = health.clone();
        let drain = settings.drain_delay_ms + settings.drain_timeout_ms;
        let bound = bound_shutdown(told, drain);
        let signals = move || {
            for tls in &watched {
                tokio::spawn(tls.clone().watch(interval));
            }
            let reload = move || watched.iter().for_each(Tls::look_again);
            let listening = lifecycle::listen(tell, move || log_state(&dumped), reload)?;
            Ok(async move {
                tokio::join!(listening, bound);
            })
        };
        let heartbeat = health.heartbeat("the thread of the operations port", THREAD_BUDGET);
        let entrance = edge::operations_entrance(settings, tls);
        Port::open(socket, entrance, service, heartbeat, signals).map_err(|error| {
            Failure::internal(format!("the operations port does not open: {error}"))
        })
    }
}

/// Ends a process whose shutdown hangs. It runs on the thread of the operations port, because the
/// workers may be what hangs.
async fn bound_shutdown(mut told: StopSignal, drain: Duration) {
    for (stop, patience) in [
        (Stop::Drain, drain + STOP_PATIENCE * 2),
        (Stop::Now, STOP_PATIENCE * 2),
    ] {
        told.reaches(stop).await;
        if let Err(error) = lifecycle::force_exit_after(patience, EXIT_HUNG) {
            tracing::error!(%error, "nothing ends this process if its shutdown hangs");
        }
    }
}
