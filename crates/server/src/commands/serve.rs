//! `monocoque serve`: the parts of the process in the order of their start.

mod edge;
mod operations;
mod services;
mod sockets;

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::health::{Health, WorkerLimits};
use chassis::lifecycle::{Modules, Stop, StopSignal};
use chassis::operations::Port;
use chassis::serve::{Address, Listener, ServeLimits};

use resources::store::Store;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::operations::Operations;
use self::services::Services;
use crate::application::Plan;
use crate::backups::Backups;
use crate::command_line::Serve;
use crate::failure::{EXIT_STUCK, Failure};
use crate::service_manager;
use crate::settings::{self, DrainReadiness, Settings};
use crate::telemetry::Telemetry;

/// How long a part other than the services may take to stop, and the services beyond their drain.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How long a task or thread with a heartbeat may be silent.
pub(crate) const THREAD_BUDGET: Duration = Duration::from_secs(30);

pub(super) fn run(arguments: &Serve) -> Result<(), Failure> {
    let (settings, values) = settings::read(&arguments.settings)?;
    let health = Health::new();
    let telemetry = Telemetry::start(&settings, &values, &health)?;
    let mut builder = Builder::new_multi_thread();
    builder.thread_name("worker");
    if settings.worker_threads > 0 {
        builder.worker_threads(settings.worker_threads);
    }
    let runtime = super::runtime(builder)?;
    let served = runtime.block_on(serve(arguments, &settings, &health, &telemetry));
    // The last tasks let go of the store, which then closes its files. What hangs is left behind.
    runtime.shutdown_timeout(STOP_PATIENCE);
    served.map_err(Failure::log)
}

async fn serve(
    arguments: &Serve,
    settings: &Settings,
    health: &Health,
    telemetry: &Telemetry,
) -> Result<(), Failure> {
    let began = Instant::now();
    let plan = Plan::new(settings, &arguments.services, arguments.sample_data)?;
    let backups = Backups::allowed(settings)?;
    // An address that is taken is found out before anything is written to the store.
    let tls = edge::Both::load(settings)?;
    let ([main, admin], inherited) = sockets::open(settings)?;
    let addresses = [address_of(&main)?, address_of(&admin)?];
    announce(&plan, &tls, &addresses);
    let (tell, mut told) = StopSignal::channel();
    let mut modules = Modules::new();
    // First of all parts, so that it answers from the start to the very end.
    let operations = Operations {
        socket: admin,
        tls: &tls,
        backups: backups.as_ref(),
        telemetry,
        stop: (tell.clone(), told.clone()),
    };
    let port = operations.open(&plan, settings, health)?;
    add_port(&mut modules, port);
    watch_workers(health, settings)?;
    telemetry.observe_runtime(&Handle::current(), health);
    let rules = edge::services_rules(settings, &addresses[0]);
    let opened = tokio::select! {
        opened = plan.open(settings, health, telemetry, rules) => opened,
        () = told.reaches(Stop::Drain) => {
            modules.stop().await;
            return Ok(());
        }
    };
    let application = match opened {
        Ok(application) => application,
        Err(failure) => {
            modules.stop().await;
            return Err(failure);
        }
    };
    add_passive(
        &mut modules,
        application.store,
        backups,
        application.comparison,
    );
    let services = Services {
        service: application.main,
        ending: application.ending,
        limits: serve_limits(settings),
        entrance: edge::services_entrance(settings, &tls),
        listener_outlives_server: inherited,
        heartbeat: health.heartbeat("the task that accepts connections", THREAD_BUDGET),
    };
    let patience = settings.drain_timeout_ms + STOP_PATIENCE;
    let ask = services.add_to(&mut modules, patience, main, told.clone())?;
    health.started();
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(micros, "serving");
    service_manager::serving(health);
    run_to_the_end(modules, settings, health, told, [&tell, &ask]).await
}

/// Waits until the process is told to stop or a part fails, and stops all parts.
async fn run_to_the_end(
    mut modules: Modules,
    settings: &Settings,
    health: &Health,
    mut told: StopSignal,
    [all, services]: [&watch::Sender<Stop>; 2],
) -> Result<(), Failure> {
    let outcome = modules.run(&mut told).await;
    service_manager::stopping();
    // A part that failed stops the others in the same order as a signal does.
    raise(all, Stop::Drain);
    raise(services, Stop::Soon);
    drain(settings, health, &mut told).await;
    modules.stop().await;
    tracing::info!("stopped");
    outcome.map_err(|failure| Failure::internal(failure.to_string()))
}

/// What only has to be stopped: the store, and what works on it.
fn add_passive(
    modules: &mut Modules,
    store: Option<Arc<dyn Store>>,
    backups: Option<Backups>,
    comparison: Option<AbortHandle>,
) {
    if let Some(store) = store {
        modules.add_passive("store", STOP_PATIENCE, async move || store.close().await);
    }
    if let Some(backups) = backups {
        modules.add_passive("backup", STOP_PATIENCE, async move || backups.stop().await);
    }
    if let Some(comparison) = comparison {
        let stop = async move || comparison.abort();
        modules.add_passive("comparison", STOP_PATIENCE, stop);
    }
}

/// The operations port as a part. It also hears the signals, so its end stops all parts.
fn add_port(modules: &mut Modules, mut port: Port) {
    let ended = port.ended();
    let running = async move {
        ended.await;
        Err("its thread has ended, and nobody listens for signals".to_owned())
    };
    modules.add("operations port", STOP_PATIENCE, running, async move || {
        close(port).await;
    });
}

/// Tells to stop at least as urgently as `stop`.
fn raise(tell: &watch::Sender<Stop>, stop: Stop) {
    tell.send_if_modified(|told| {
        let is_more = *told < stop;
        *told = (*told).max(stop);
        is_more
    });
}

fn address_of(socket: &Listener) -> Result<Address, Failure> {
    let address = socket.address();
    address.map_err(|error| Failure::internal(format!("a socket has no address: {error}")))
}

/// The first log line, and a banner where a person looks on.
fn announce(plan: &Plan, tls: &edge::Both, [listen, admin_listen]: &[Address; 2]) {
    let services = plan.services.join(", ");
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(
        version, %services, %listen, %admin_listen, store = plan.store, "monocoque starts"
    );
    if std::io::stderr().is_terminal() {
        let store = &plan.store;
        let listen = edge::url(listen, tls.services.is_some());
        let operations = edge::url(admin_listen, tls.operations.is_some());
        let _ = writeln!(
            std::io::stderr(),
            "\n  monocoque {version}\n  services    {services}\n  listening   {listen}\n  \
             operations  {operations}\n  store       {store}\n"
        );
    }
}

async fn close(port: Port) {
    let closed = tokio::task::spawn_blocking(move || port.close());
    let _ = closed.await;
}

fn watch_workers(health: &Health, settings: &Settings) -> Result<(), Failure> {
    let limits = WorkerLimits {
        slow_after: settings.worker_slow_after_ms,
        stuck_after: settings.worker_stuck_after_ms,
        exit_when_all_are_stuck: settings.exit_when_stuck.then_some(EXIT_STUCK),
        ..WorkerLimits::default()
    };
    health
        .watch_workers(&Handle::current(), limits)
        .map_err(|error| Failure::internal(format!("the watchdog does not start: {error}")))
}

fn serve_limits(settings: &Settings) -> ServeLimits {
    ServeLimits {
        header_read_timeout: settings.header_read_timeout_ms,
        head_bytes_max: settings.head_bytes_max.in_memory(),
        idle_timeout: settings.idle_timeout_ms,
        write_timeout: settings.write_timeout_ms,
        connection_age_max: settings.connection_age_max_ms,
        connections_max: chassis::serve::connections_within_limit(settings.connections_max),
        streams_max: u32::try_from(settings.http2_streams_max).unwrap_or(u32::MAX),
        drain_quiet: settings.drain_quiet_ms,
        drain_timeout: settings.drain_timeout_ms,
    }
}

/// Tells load balancers to turn away and waits until they have.
async fn drain(settings: &Settings, health: &Health, told: &mut StopSignal) {
    let when = settings.drain_readiness;
    health.drain(when == DrainReadiness::Immediately);
    let _ = tokio::time::timeout(settings.drain_delay_ms, told.reaches(Stop::Now)).await;
    health.drain(when != DrainReadiness::Never);
}
