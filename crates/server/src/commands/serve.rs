//! `monocoque serve`

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::time::Duration;

use chassis::health::{Health, WorkerLimits};
use chassis::serve::ServeLimits;
use chassis::telemetry;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::application::Plan;
use crate::command_line::Serve;
use crate::failure::Failure;
use crate::settings::{self, Settings};

pub(super) fn run(arguments: &Serve) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    let _flushed_at_the_end = telemetry::init(settings.log_mode, &settings.log_filter.0)
        .map_err(|error| Failure::settings(error.to_string()))?;
    let served = super::runtime(Builder::new_multi_thread())?.block_on(serve(arguments, &settings));
    served.map_err(Failure::log)
}

async fn serve(arguments: &Serve, settings: &Settings) -> Result<(), Failure> {
    let plan = Plan::new(settings, &arguments.services, arguments.sample_data)?;
    // An address that is taken is found out before anything is written to the store.
    let (main, listen) = bind(settings.listen, "listen").await?;
    let (admin, admin_listen) = bind(settings.admin_listen, "admin_listen").await?;
    announce(&plan, listen, admin_listen);
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(stop_on_signal(stop));
    let application = plan.open(settings).await?;
    let health = application.health.clone();
    if let Err(error) = health.watch_workers(&Handle::current(), WorkerLimits::default()) {
        return Err(Failure::internal(format!(
            "the watchdog does not start: {error}"
        )));
    }
    tokio::spawn(drain_when(stopping.clone(), health));
    let limits = serve_limits(settings);
    tokio::join!(
        chassis::serve::serve(main, application.main, limits, stopped(stopping.clone())),
        chassis::serve::serve(admin, application.admin, limits, stopped(stopping)),
    );
    if let Some(store) = application.store {
        store.close().await;
    }
    tracing::info!("stopped");
    Ok(())
}

async fn bind(address: SocketAddr, name: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let failed = |error| {
        Failure::settings(format!(
            "the setting '{name}': cannot listen on {address}: {error}"
        ))
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// The first log line, and a banner where a person looks on.
fn announce(plan: &Plan, listen: SocketAddr, admin_listen: SocketAddr) {
    let services = plan.services.join(", ");
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(
        version, %services, %listen, %admin_listen, store = plan.store, "monocoque starts"
    );
    if std::io::stderr().is_terminal() {
        let store = &plan.store;
        let _ = writeln!(
            std::io::stderr(),
            "\n  monocoque {version}\n  services    {services}\n  listening   http://{listen}\n  \
             operations  http://{admin_listen}\n  store       {store}\n"
        );
    }
}

fn serve_limits(settings: &Settings) -> ServeLimits {
    ServeLimits {
        header_read_timeout: Duration::from_millis(settings.header_read_timeout_ms),
        idle_timeout: Duration::from_millis(settings.idle_timeout_ms),
        connections_max: settings.connections_max,
        drain_timeout: Duration::from_millis(settings.drain_timeout_ms),
    }
}

/// The first signal lets requests finish, the second one does not.
async fn stop_on_signal(stop: watch::Sender<bool>) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals cannot be received; only SIGKILL stops this process");
        return std::future::pending().await;
    };
    for last in [false, true] {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(
            signal = name,
            "told to stop{}",
            if last { " at once" } else { "" }
        );
        if last {
            std::process::exit(0);
        }
        stop.send_replace(true);
    }
}

async fn drain_when(stopping: watch::Receiver<bool>, health: Health) {
    stopped(stopping).await;
    health.drain();
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // Without a sender there is no signal to wait for.
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
}
