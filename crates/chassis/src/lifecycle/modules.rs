//! The parts of a process: started in order, stopped in reverse, and all of them when one fails.

use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};

use super::{Stop, StopSignal};

type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A part ended, or could not go on, though nobody had told it to.
#[derive(Debug, thiserror::Error)]
#[error("'{module}' ended by itself: {reason}")]
pub struct ModuleFailure {
    /// The name of the part.
    pub module: &'static str,
    /// Why, in words for the log.
    pub reason: String,
}

/// The parts that were started so far, in the order of their start.
#[derive(Default)]
pub struct Modules {
    started: Vec<Module>,
    running: JoinSet<(&'static str, Result<(), String>)>,
}

struct Module {
    name: &'static str,
    patience: Duration,
    stop: Box<dyn FnOnce() -> Ending + Send>,
}

impl Modules {
    /// No parts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part that was started after those before it. `running` ends when the part does, which
    /// before `stop` was called is a failure; `stop` returns when the part has stopped, for which it
    /// has `patience`.
    pub fn add<S, F>(
        &mut self,
        name: &'static str,
        patience: Duration,
        running: impl Future<Output = Result<(), String>> + Send + 'static,
        stop: S,
    ) where
        S: FnOnce() -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.running.spawn(async move { (name, running.await) });
        self.started.push(Module {
            name,
            patience,
            stop: Box::new(move || Box::pin(stop())),
        });
    }

    /// [`Modules::add`] of a part that does nothing by itself, such as a store.
    pub fn add_passive<S, F>(&mut self, name: &'static str, patience: Duration, stop: S)
    where
        S: FnOnce() -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.add(name, patience, std::future::pending(), stop);
    }

    /// Waits until the process is told to stop, or until a part fails.
    ///
    /// # Errors
    ///
    /// The failure. The other parts still run.
    pub async fn run(&mut self, told: &mut StopSignal) -> Result<(), ModuleFailure> {
        tokio::select! {
            () = told.reaches(Stop::Drain) => Ok(()),
            Some(ended) = self.running.join_next() => Err(failure_of(ended)),
        }
    }

    /// Stops all parts, the last one first. When the patience with one is over, the next one is
    /// stopped all the same.
    pub async fn stop(mut self) {
        let began = Instant::now();
        while let Some(module) = self.started.pop() {
            let stopped = tokio::time::timeout(module.patience, (module.stop)()).await;
            let after_millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            match stopped {
                Ok(()) => tracing::debug!(module = module.name, after_millis, "stopped"),
                Err(_late) => {
                    tracing::error!(module = module.name, after_millis, "does not stop in time");
                }
            }
        }
    }
}

fn failure_of(ended: Result<(&'static str, Result<(), String>), JoinError>) -> ModuleFailure {
    match ended {
        Ok((module, outcome)) => ModuleFailure {
            module,
            reason: outcome
                .err()
                .unwrap_or_else(|| "without a reason".to_owned()),
        },
        Err(error) => ModuleFailure {
            module: "a task",
            reason: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    type Stopped = Arc<Mutex<Vec<&'static str>>>;

    fn noting(stopped: &Stopped, name: &'static str) -> impl FnOnce() -> Ending + Send + use<> {
        let stopped = Arc::clone(stopped);
        move || Box::pin(async move { stopped.lock().unwrap().push(name) })
    }

    #[tokio::test]
    async fn parts_stop_in_the_reverse_order_of_their_start() {
        let stopped = Stopped::default();
        let mut modules = Modules::new();
        for name in ["store", "checks", "services"] {
            modules.add_passive(name, LONG, noting(&stopped, name));
        }
        let (tell, mut told) = StopSignal::channel();
        tell.send_replace(Stop::Drain);
        modules.run(&mut told).await.unwrap();
        modules.stop().await;
        assert_eq!(*stopped.lock().unwrap(), ["services", "checks", "store"]);
    }

    #[tokio::test]
    async fn the_failure_of_one_part_ends_the_wait_with_its_reason() {
        let (_tell, mut told) = StopSignal::channel();
        let mut modules = Modules::new();
        modules.add_passive("store", LONG, async || {});
        modules.add(
            "port",
            LONG,
            async { Err("the socket is gone".to_owned()) },
            async || {},
        );
        let failure = modules.run(&mut told).await.unwrap_err();
        assert_eq!(
            failure.to_string(),
            "'port' ended by itself: the socket is gone"
        );
        let mut modules = Modules::new();
        modules.add(
            "port",
            LONG,
            async { panic!("as the test wants it") },
            async || {},
        );
        assert!(modules.run(&mut told).await.is_err());
    }

    #[tokio::test]
    async fn a_part_that_does_not_stop_does_not_keep_the_others() {
        let stopped = Stopped::default();
        let mut modules = Modules::new();
        modules.add_passive("store", LONG, noting(&stopped, "store"));
        modules.add_passive(
            "port",
            Duration::from_millis(20),
            std::future::pending::<()>,
        );
        modules.stop().await;
        assert_eq!(*stopped.lock().unwrap(), ["store"]);
    }
}
