use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use chassis::health::{Health, Liveness, WorkerLimits};
use chassis::operations::{self, Audience, BuildInfo, Port};
use chassis::presenter::Presenter;
use chassis::serve::{Address, Entrance};
use tokio::runtime::{Builder, Runtime};

use crate::harness::{Plain, SOON, guarded, process};

const WORKERS: usize = 4;

fn quick() -> WorkerLimits {
    WorkerLimits {
        // A watchdog that is scheduled later than twice this accuses nobody, so on a busy machine
        // a shorter one would never find anything.
        sample_interval: Duration::from_millis(200),
        slow_after: Duration::from_millis(400),
        stuck_after: Duration::from_secs(1),
        exit_when_all_are_stuck: None,
    }
}

fn watched(configure: impl Fn(&mut Builder)) -> (Runtime, Health) {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_all();
    configure(&mut builder);
    let runtime = builder.build().unwrap();
    let health = Health::new();
    health.watch_workers(runtime.handle(), quick()).unwrap();
    (runtime, health)
}

/// Blocks workers until the senders are dropped.
fn block(runtime: &Runtime, count: usize) -> Vec<Sender<()>> {
    let blocked = (0..count).map(|_| {
        let (release, blocked) = channel();
        let (began, beginning) = channel();
        runtime.spawn(async move {
            began.send(()).unwrap();
            blocked.recv()
        });
        // One after the other, so that no two wait for the same worker.
        beginning.recv_timeout(SOON).unwrap();
        release
    });
    blocked.collect()
}

#[track_caller]
fn becomes(health: &Health, fits: impl Fn(&Liveness) -> bool) -> Liveness {
    let deadline = Instant::now() + SOON;
    loop {
        let seen = health.liveness().unwrap();
        if fits(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "still {seen:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn one_blocked_worker_is_found_and_named_with_its_state() {
    let (runtime, health) = watched(|_| {});
    let deadline = Instant::now() + SOON;
    loop {
        let release = block(&runtime, 1);
        let seen = becomes(&health, |seen| !seen.alive());
        assert_eq!((seen.workers, seen.stuck.len()), (WORKERS, 1));
        let named = format!("worker {} stands still", seen.stuck[0]);
        assert!(seen.failures[0].starts_with(&named), "{seen:?}");
        drop(release);
        becomes(&health, Liveness::alive);
        // The thread of a worker is known when the idle workers have met.
        if seen.failures[0].contains("state S") {
            return;
        }
        assert!(Instant::now() < deadline, "{seen:?}");
    }
}

#[test]
fn a_worker_in_an_endless_loop_is_found() {
    let (runtime, health) = watched(|_| {});
    let release = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = Arc::clone(&release);
    runtime.spawn(async move {
        while !told.load(std::sync::atomic::Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    assert_eq!(becomes(&health, |seen| !seen.alive()).stuck.len(), 1);
    release.store(true, std::sync::atomic::Ordering::Relaxed);
    becomes(&health, Liveness::alive);
}

#[test]
fn all_workers_blocked_are_reported_by_the_operations_port() {
    let (runtime, health) = watched(|_| {});
    let presenter: Arc<dyn Presenter> = Arc::new(Plain);
    let build = BuildInfo::default();
    let router = operations::router(&health, &build, Audience::Operators, &presenter);
    let socket = {
        let _within = runtime.enter();
        chassis::serve::bind(([127, 0, 0, 1], 0).into(), false).unwrap()
    };
    let Ok(Address::Tcp(address)) = socket.address() else {
        panic!("no address");
    };
    let service = guarded(router, &chassis::stack::Limits::default());
    let heartbeat = health.heartbeat("the thread of the operations", SOON);
    let port = Port::open(socket, Entrance::default(), service, heartbeat, || {
        Ok(std::future::ready(()))
    })
    .unwrap();
    let release = block(&runtime, WORKERS);
    let timers = |seen: &Liveness| seen.failures.iter().any(|one| one.contains("timers"));
    becomes(&health, |seen| seen.stuck.len() == WORKERS && timers(seen));
    let ask = || {
        let own = Builder::new_current_thread().enable_all().build().unwrap();
        own.block_on(async {
            let answer = reqwest::get(format!("http://{address}/liveness"))
                .await
                .unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    };
    let (status, body) = ask();
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("worker 3 stands still"), "{body}");
    assert!(body.contains("timers do not fire"), "{body}");
    drop(release);
    becomes(&health, Liveness::alive);
    assert_eq!(ask().0, 200);
    port.close();
}

#[tokio::test]
async fn whoever_needs_the_operations_port_hears_that_its_thread_has_ended() {
    let service = guarded(axum::Router::new(), &chassis::stack::Limits::default());
    let socket = chassis::serve::bind(([127, 0, 0, 1], 0).into(), false).unwrap();
    let panicking = async { panic!("as the test wants it") };
    let heartbeat = chassis::health::Heartbeat::unwatched();
    let mut port = Port::open(socket, Entrance::default(), service, heartbeat, || {
        Ok(panicking)
    })
    .unwrap();
    let ended = tokio::time::timeout(SOON, port.ended()).await;
    ended.expect("the end of the thread");
}

#[test]
fn an_exhausted_pool_for_blocking_calls_is_found() {
    let (runtime, health) = watched(|builder| {
        builder.max_blocking_threads(2);
    });
    let (release, blocked) = channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    for _ in 0..2 {
        let blocked = Arc::clone(&blocked);
        runtime.spawn_blocking(move || blocked.lock().unwrap().recv().is_err());
    }
    let seen = becomes(&health, |seen| !seen.alive());
    assert_eq!(
        seen.failures,
        ["the pool for blocking calls has no free thread"]
    );
    drop(release);
    becomes(&health, Liveness::alive);
}

#[test]
fn a_runtime_whose_driver_is_not_polled_is_found() {
    // The one worker has the driver, and polls tasks that are always ready.
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .event_interval(u32::MAX)
        .enable_all()
        .build()
        .unwrap();
    let health = Health::new();
    health.watch_workers(runtime.handle(), quick()).unwrap();
    let always_ready = || {
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        })
    };
    let busy = [(); 2].map(|()| runtime.spawn(always_ready()));
    let timers = |seen: &Liveness| seen.failures.iter().any(|one| one.contains("timers"));
    let found = std::panic::catch_unwind(|| becomes(&health, timers));
    for task in busy {
        task.abort();
    }
    // Its worker never looks whether it is to end.
    runtime.shutdown_background();
    assert!(found.is_ok());
}

#[test]
fn workers_under_full_load_raise_no_alarm() {
    let (runtime, health) = watched(|_| {});
    let load = |_| {
        runtime.spawn(async {
            loop {
                let due = Instant::now() + Duration::from_micros(200);
                while Instant::now() < due {
                    std::hint::spin_loop();
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let tasks: Vec<_> = (0..64).map(load).collect();
    for _ in 0..30 {
        std::thread::sleep(Duration::from_millis(100));
        let seen = health.liveness().unwrap();
        assert!(seen.alive(), "{seen:?}");
    }
    for task in tasks {
        task.abort();
    }
}

#[test]
fn a_task_that_is_silent_or_panicked_is_named() {
    let (runtime, health) = watched(|_| {});
    let task = health.heartbeat("the task of the test", Duration::from_millis(200));
    let seen = becomes(&health, |seen| !seen.alive());
    assert!(
        seen.failures[0].starts_with("the task of the test is silent"),
        "{seen:?}"
    );
    task.beat();
    task.wait();
    becomes(&health, Liveness::alive);
    let panicking = runtime.spawn(async move {
        let _task = task;
        panic!("as the test wants it");
    });
    assert!(runtime.block_on(panicking).is_err());
    becomes(&health, |seen| {
        seen.failures == ["the task of the test panicked"]
    });
}

#[test]
fn a_process_whose_workers_are_all_stuck_or_whose_shutdown_hangs_ends_with_a_code_of_its_own() {
    for (task, code, said) in [
        ("wedges", 71, "every worker is stuck"),
        ("hangs", 70, "the shutdown hangs"),
    ] {
        let outcome = process().arg(task).output().unwrap();
        let log = String::from_utf8(outcome.stderr).unwrap();
        assert_eq!(outcome.status.code(), Some(code), "{log}");
        assert!(log.contains(said), "{log}");
    }
}
