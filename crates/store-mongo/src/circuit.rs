//! Keeps the process quick while the server is away: requests fail at once, one probe looks on.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::doc;
use uuid::Uuid;

use resources::store::StoreError;

/// Failures in a row, of any requests, after which the server is taken to be away.
const FAILURES_MAX: u32 = 2;
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// A server that is there answers a ping sooner, however slow a request is.
const SUSPECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Between two probes, plus up to as much again, so that many processes don't probe together.
const PROBE_PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Circuit {
    client: Client,
    failures: AtomicU32,
    open: AtomicBool,
    /// A ping is on its way to learn why a request had no answer.
    suspecting: AtomicBool,
    reason: Mutex<String>,
}

impl Circuit {
    pub(super) fn new(client: Client) -> Arc<Self> {
        Arc::new(Self {
            client,
            failures: AtomicU32::new(0),
            open: AtomicBool::new(false),
            suspecting: AtomicBool::new(false),
            reason: Mutex::default(),
        })
    }

    /// # Errors
    /// `Unavailable` while the server is away.
    pub(super) fn admit(&self) -> Result<(), StoreError> {
        if self.open.load(Ordering::Acquire) {
            let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            return Err(StoreError::Unavailable(reason.clone()));
        }
        Ok(())
    }

    pub(super) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn failed(self: &Arc<Self>, reason: &str) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= FAILURES_MAX {
            self.open(reason);
        }
    }

    /// A request had no answer in time: the server is away, or the request was a slow one, which
    /// must not be to the cost of all others. A ping tells.
    pub(super) fn suspect(self: &Arc<Self>, reason: String) {
        if self.suspecting.swap(true, Ordering::AcqRel) {
            return;
        }
        let circuit = self.clone();
        tokio::spawn(async move {
            if !answers(&circuit.client, SUSPECT_TIMEOUT).await {
                circuit.open(&reason);
            }
            circuit.suspecting.store(false, Ordering::Release);
        });
    }

    fn open(self: &Arc<Self>, reason: &str) {
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
        if !self.open.swap(true, Ordering::AcqRel) {
            tracing::warn!(reason, "mongodb is away");
            tokio::spawn(probe(Arc::downgrade(self)));
        }
    }

    fn close(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.open.store(false, Ordering::Release);
        tracing::info!("mongodb is back");
    }
}

async fn answers(client: &Client, within: Duration) -> bool {
    let admin = client.database("admin");
    // Not dropped half-way: the driver's futures are to run to their end.
    let ping = tokio::spawn(async move { admin.run_command(doc! { "ping": 1 }).await });
    let answered = tokio::time::timeout(within, ping).await;
    matches!(answered, Ok(Ok(Ok(_))))
}

/// Ends with the first answer, or with the store.
async fn probe(circuit: Weak<Circuit>) {
    loop {
        let Some(client) = circuit.upgrade().map(|circuit| circuit.client.clone()) else {
            return;
        };
        if answers(&client, PROBE_TIMEOUT).await {
            if let Some(circuit) = circuit.upgrade() {
                circuit.close();
            }
            return;
        }
        let [random, ..] = Uuid::new_v4().into_bytes();
        tokio::time::sleep(PROBE_PAUSE + PROBE_PAUSE * u32::from(random) / 256).await;
    }
}
