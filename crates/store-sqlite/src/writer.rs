//! The one thread that writes: what waits is committed together, so that many writers share the
//! price of one `fsync`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use resources::schema::{Id, ResourceType};
use resources::store::{ImportMode, Step, StoreError, Unit, WriteError, Written};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::{mpsc, oneshot};

use super::failure::failure;
use super::id::Counters;
use super::session::Session;
use super::unit::{Decisions, Undone};
use super::watch::Watch;
use super::{file, import, keys, preparation, registry, sweep, unit};

/// Jobs that may wait for the thread; more make their senders wait.
const JOBS_WAITING_MAX: usize = 1024;

/// How long the end of the store waits for reads before it leaves the log as it is.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a commit may take before the thread counts as stuck; SQLite itself waits up to 5 s for
/// a lock.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// Units of work in one commit.
const UNITS_TOGETHER_MAX: usize = 256;

type Outcome = Result<Vec<Written>, Undone>;

/// A unit, what was decided about its large writes, and who waits for it.
pub(super) struct Waiting {
    unit: Arc<Unit>,
    decisions: Decisions,
    reply: oneshot::Sender<Outcome>,
}

/// What the thread does.
pub(super) enum Job {
    Unit(Waiting),
    Prepare(
        Vec<Arc<ResourceType>>,
        oneshot::Sender<Result<(), StoreError>>,
    ),
    Import(Arc<ResourceType>, ImportMode, mpsc::Receiver<Step>),
    /// Says whether there may be more to sweep.
    Sweep(oneshot::Sender<Result<bool, StoreError>>),
    Note(
        Arc<ResourceType>,
        String,
        oneshot::Sender<Result<(), StoreError>>,
    ),
}

pub(super) struct Writer {
    // `None` only while the writer is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
    began: Arc<Began>,
    is_swept: AtomicBool,
}

/// When the thread began with the units that it commits now, if it does.
type Began = Mutex<Option<Instant>>;

impl Writer {
    pub(super) fn start(
        connection: Connection,
        watch: Arc<Watch>,
        changes_kept: u32,
    ) -> Result<Self, StoreError> {
        let (jobs, receiver) = mpsc::channel(JOBS_WAITING_MAX);
        let counters = Arc::new(Counters::default());
        let began = Arc::new(Began::default());
        let session = Session {
            connection,
            counters: counters.clone(),
            watch,
            changes_kept,
        };
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn({
                let began = began.clone();
                move || session.run(receiver, &began)
            })
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            counters,
            began,
            is_swept: AtomicBool::new(false),
        })
    }

    /// Whether the thread is there and gets on.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.check_within(STUCK_AFTER)
    }

    pub(super) fn check_within(&self, patience: Duration) -> Result<(), StoreError> {
        if self.jobs.as_ref().is_none_or(mpsc::Sender::is_closed) {
            return Err(gone());
        }
        let began = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
        match began.map(|began| began.elapsed()) {
            Some(elapsed) if elapsed > patience => Err(StoreError::Busy(format!(
                "a commit has taken {} s so far",
                elapsed.as_secs()
            ))),
            _ => Ok(()),
        }
    }

    /// Does a unit, unless it has a large write of which nothing is decided yet.
    pub(super) async fn try_write(&self, unit: Arc<Unit>, decisions: Decisions) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let waiting = Waiting {
            unit,
            decisions,
            reply,
        };
        self.hand_over(Job::Unit(waiting)).await?;
        outcome.await.map_err(|_| gone())?
    }

    pub(super) async fn prepare(&self, types: Vec<Arc<ResourceType>>) -> Result<(), StoreError> {
        if let Some(jobs) = &self.jobs
            && !self.is_swept.swap(true, Ordering::Relaxed)
        {
            tokio::spawn(sweep::regularly(jobs.downgrade()));
        }
        let (reply, outcome) = oneshot::channel();
        self.hand_over(Job::Prepare(types, reply)).await?;
        outcome.await.map_err(|_| gone())?
    }

    /// Notes with which definition a collection was compared.
    pub(super) async fn note(
        &self,
        resource_type: Arc<ResourceType>,
        fingerprint: String,
    ) -> Result<(), StoreError> {
        let (reply, outcome) = oneshot::channel();
        let note = Job::Note(resource_type, fingerprint, reply);
        self.hand_over(note).await?;
        outcome.await.map_err(|_| gone())?
    }

    pub(super) async fn import(
        &self,
        resource_type: Arc<ResourceType>,
        mode: ImportMode,
        steps: mpsc::Receiver<Step>,
    ) -> Result<(), StoreError> {
        self.hand_over(Job::Import(resource_type, mode, steps))
            .await
    }

    pub(super) fn next_integers(
        &self,
        resource_type: &ResourceType,
        count: usize,
    ) -> Result<Vec<Id>, StoreError> {
        self.counters.next(&resource_type.collection, count)
    }

    async fn hand_over(&self, job: Job) -> Result<(), StoreError> {
        match &self.jobs {
            Some(jobs) => jobs.send(job).await.map_err(|_| gone()),
            None => Err(gone()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::Internal("the writer of the store has gone".to_owned())
}

impl Session {
    fn run(&self, mut jobs: mpsc::Receiver<Job>, began: &Began) {
        let note = |now| *began.lock().unwrap_or_else(PoisonError::into_inner) = now;
        let mut next = jobs.blocking_recv();
        while let Some(job) = next.take() {
            match job {
                Job::Unit(first) => {
                    let mut units = vec![first];
                    while units.len() < UNITS_TOGETHER_MAX {
                        match jobs.try_recv() {
                            Ok(Job::Unit(another)) => units.push(another),
                            Ok(other) => {
                                next = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    note(Some(Instant::now()));
                    self.commit_together(units);
                    note(None);
                }
                Job::Prepare(types, reply) => {
                    let _ = reply.send(self.watched(|| preparation::prepare_all(self, &types)));
                }
                Job::Sweep(reply) => {
                    let _ = reply.send(self.watched(|| keys::sweep(self)));
                }
                Job::Note(resource_type, fingerprint, reply) => {
                    let note = || {
                        let connection = &self.connection;
                        registry::note_definition(connection, &resource_type, &fingerprint)
                            .map_err(failure)
                    };
                    let _ = reply.send(self.watched(|| self.in_transaction(note)));
                }
                Job::Import(resource_type, mode, mut steps) => {
                    let ran = self.watched(|| {
                        import::run(self, &resource_type, mode, &mut steps);
                        // The caller waits for that, whatever is found out at the end of the work.
                        steps.close();
                        Ok(())
                    });
                    if let Err(error) = ran
                        && let Some(step) = steps.blocking_recv()
                    {
                        step.fail(error);
                    }
                }
            }
            next = next.or_else(|| jobs.blocking_recv());
        }
        self.close();
    }

    /// Brings what the log has into the file, unless the file at the path is not ours any more.
    fn close(&self) {
        let _ = self.connection.busy_timeout(CLOSE_TIMEOUT);
        let Ok(_work) = self.watch.begin() else {
            let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            let _ = self.connection.set_db_config(setting, true);
            return;
        };
        // What cannot be emptied is read at the next start.
        let _ = file::empty_log(&self.connection, || self.watch.note_closed());
    }

    /// No caller hears of success before the commit is on the disk.
    fn commit_together(&self, units: Vec<Waiting>) {
        let mut outcomes = Vec::with_capacity(units.len());
        let work = || {
            for waiting in &units {
                outcomes.push(unit::apply(self, &waiting.unit, &waiting.decisions));
                self.still_in_transaction()?;
            }
            Ok(())
        };
        let committed = self.watched(|| self.in_transaction(work));
        let mut outcomes = outcomes.into_iter();
        for waiting in units {
            let outcome = match (&committed, outcomes.next()) {
                (_, Some(Err(Undone::Failed(WriteError::Store(error))))) => {
                    Err(self.watch.explain(error).into())
                }
                (_, Some(Err(undone @ Undone::Undecided { .. }))) => Err(undone),
                // What a unit was refused for may be a part of the same commit.
                (Err(error), _) => Err(error.clone().into()),
                (Ok(()), Some(outcome)) => outcome,
                (Ok(()), None) => Err(gone().into()),
            };
            // A caller that has gone left a write that is done all the same.
            let _ = waiting.reply.send(outcome);
        }
    }
}
