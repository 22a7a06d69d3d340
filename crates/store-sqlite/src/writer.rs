//! The one thread that writes: what waits is committed together, so that many writers share the
//! price of one `fsync`.

mod unit;

use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::failure;
use super::table::{Table, index_name};
use resources::store::{Outcomes, Step};
use resources::store::{ImportMode, NewResource, StoreError, Write, WriteError, Written};
use resources::schema::ResourceType;

/// Units of work that may wait for the thread; more make their senders wait.
const JOBS_WAITING_MAX: usize = 1024;

/// Units of work in one commit.
const UNITS_TOGETHER_MAX: usize = 256;

type Outcome = Result<Vec<Written>, WriteError>;

enum Job {
    Unit(Vec<Write>, oneshot::Sender<Outcome>),
    Prepare(
        Arc<ResourceType>,
        oneshot::Sender<Result<(), StoreError>>,
    ),
    Import(Arc<ResourceType>, ImportMode, mpsc::Receiver<Step>),
}

/// The handle of the thread; it ends when the handle is dropped, after what was handed to it.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (jobs, receiver) = mpsc::channel(JOBS_WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || run(&connection, receiver))
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(super) async fn write(&self, unit: Vec<Write>) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        self.hand_over(Job::Unit(unit, reply)).await?;
        outcome.await.map_err(|_| gone())?
    }

    pub(super) async fn prepare(&self, of: Arc<ResourceType>) -> Result<(), StoreError> {
        let (reply, outcome) = oneshot::channel();
        self.hand_over(Job::Prepare(of, reply)).await?;
        outcome.await.map_err(|_| gone())?
    }

    pub(super) async fn import(
        &self,
        of: Arc<ResourceType>,
        mode: ImportMode,
        steps: mpsc::Receiver<Step>,
    ) -> Result<(), StoreError> {
        self.hand_over(Job::Import(of, mode, steps)).await
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

fn run(connection: &Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut next = jobs.blocking_recv();
    while let Some(job) = next.take() {
        match job {
            Job::Unit(unit, reply) => {
                let mut units = vec![(unit, reply)];
                while units.len() < UNITS_TOGETHER_MAX {
                    match jobs.try_recv() {
                        Ok(Job::Unit(unit, reply)) => units.push((unit, reply)),
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                commit_together(connection, units);
            }
            Job::Prepare(of, reply) => {
                let _ = reply.send(prepare(connection, &of));
            }
            Job::Import(of, mode, steps) => import(connection, &of, mode, steps),
        }
        next = next.or_else(|| jobs.blocking_recv());
    }
}

/// Nobody hears of success before the commit is on the disk.
fn commit_together(connection: &Connection, units: Vec<(Vec<Write>, oneshot::Sender<Outcome>)>) {
    let mut replies = Vec::with_capacity(units.len());
    let committed = in_transaction(connection, || {
        for (unit, reply) in units {
            let outcome = unit::apply(connection, unit);
            replies.push((reply, outcome));
            // Some failures, such as a full disk, end the whole transaction.
            if connection.is_autocommit() {
                return Err(StoreError::Unavailable(
                    "the transaction was rolled back".into(),
                ));
            }
        }
        Ok(())
    });
    for (reply, outcome) in replies {
        let outcome = match (&committed, outcome) {
            (Err(error), Ok(_)) => {
                Err(StoreError::Unavailable(format!("not committed: {error}")).into())
            }
            (_, outcome) => outcome,
        };
        // Who no longer waits has left a write that is done all the same.
        let _ = reply.send(outcome);
    }
}

fn in_transaction<T>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(failure)?;
    let outcome = work().and_then(|value| {
        connection.execute_batch("COMMIT").map_err(failure)?;
        Ok(value)
    });
    if outcome.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    outcome
}

fn prepare(connection: &Connection, of: &ResourceType) -> Result<(), StoreError> {
    in_transaction(connection, || {
        let kind = of.id.to_string();
        connection
            .execute(
                "INSERT INTO collections (name, id_kind) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (&of.collection, &kind),
            )
            .map_err(failure)?;
        let known: String = connection
            .query_one(
                "SELECT id_kind FROM collections WHERE name = ?1",
                [&of.collection],
                |row| row.get(0),
            )
            .map_err(failure)?;
        if known != kind {
            return Err(StoreError::Unusable(format!(
                "the collection '{}' has ids of the kind {known}, but the definition of '{}' says \
                 {kind}",
                of.collection, of.name
            )));
        }
        let table = Table::of(of);
        drop_undeclared(connection, &table, of).map_err(failure)?;
        connection.execute_batch(&table.create()).map_err(failure)?;
        for index in &of.indexes {
            connection
                .execute_batch(&table.create_index(of, index))
                .map_err(|error| {
                    StoreError::Unusable(format!(
                        "the index over {} of '{}' cannot be made: {error}",
                        index.attribute_names(),
                        of.collection
                    ))
                })?;
        }
        Ok(())
    })
}

/// An index holds no data, and a unique one that nobody declares would refuse writes for no reason
/// that anybody could see.
fn drop_undeclared(
    connection: &Connection,
    table: &Table,
    of: &ResourceType,
) -> rusqlite::Result<()> {
    let declared: Vec<String> = of
        .indexes
        .iter()
        .map(|index| index_name(of, index))
        .collect();
    let made = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 \
                AND sql IS NOT NULL";
    let mut statement = connection.prepare(made)?;
    let names = statement.query_map([&table.name], |row| row.get::<_, String>(0))?;
    for name in names.collect::<Result<Vec<_>, _>>()? {
        if !declared.contains(&name) {
            tracing::info!(
                index = name,
                "an index that is no longer declared is dropped"
            );
            connection.execute_batch(&format!("DROP INDEX \"{}\"", name.replace('"', "\"\"")))?;
        }
    }
    Ok(())
}

/// Runs an import to its end; other writes wait.
fn import(
    connection: &Connection,
    of: &Arc<ResourceType>,
    mode: ImportMode,
    mut steps: mpsc::Receiver<Step>,
) {
    let whole = mode == ImportMode::AllOrNothing;
    let begun = if whole {
        connection.execute_batch("BEGIN IMMEDIATE")
    } else {
        Ok(())
    };
    let mut broken = begun.map_err(failure).err();
    while let Some(step) = steps.blocking_recv() {
        if let Some(error) = broken.take() {
            step.fail(error);
            break;
        }
        match step {
            Step::Insert(rows, reply) => {
                let insert = || insert_rows(connection, of, mode, rows);
                let outcome = if whole {
                    insert()
                } else {
                    in_transaction(connection, insert)
                };
                let _ = reply.send(outcome);
            }
            Step::Commit(reply) => {
                let commit = if whole {
                    connection.execute_batch("COMMIT")
                } else {
                    Ok(())
                };
                let _ = reply.send(commit.map_err(failure));
                break;
            }
            Step::Abandon => break,
        }
    }
    if !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
}

fn insert_rows(
    connection: &Connection,
    of: &Arc<ResourceType>,
    mode: ImportMode,
    rows: Vec<NewResource>,
) -> Result<Outcomes, StoreError> {
    let mut outcomes = Outcomes::with_capacity(rows.len());
    for row in rows {
        let outcome = unit::insert(connection, of, row)?.map(drop);
        let ends = mode == ImportMode::InOrder && outcome.is_err();
        outcomes.push(outcome);
        if ends {
            break;
        }
    }
    Ok(outcomes)
}
