//! Keeps the process quick while the server is away: requests fail at once, and one probe looks for
//! the server.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use metrics::Gauge;
use mongodb::Client;
use mongodb::bson::doc;
use resources::store::{Reachability, StoreError};
use tokio::sync::watch;

use crate::patience::{PROBE, Patience};

/// Failures in a row, of any requests, after which the server is taken to be away.
const FAILURES_MAX: u32 = 2;
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// A reachable server answers a ping sooner, however slow a request is.
const SUSPECT_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct Circuit {
    client: Client,
    failures: AtomicU32,
    state: watch::Sender<Reachability>,
    /// A ping is on its way to learn why a request had no answer.
    suspecting: AtomicBool,
    is_open: Gauge,
}

impl Circuit {
    pub(crate) fn new(client: Client) -> Arc<Self> {
        metrics::describe_gauge!(
            "mongodb.circuit.open",
            "1 while the server is away and requests fail at once"
        );
        let is_open = metrics::gauge!("mongodb.circuit.open");
        is_open.set(0.0);
        Arc::new(Self {
            is_open,
            client,
            failures: AtomicU32::new(0),
            state: watch::Sender::new(Reachability::Reachable),
            suspecting: AtomicBool::new(false),
        })
    }

    /// Tells of every change from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<Reachability> {
        self.state.subscribe()
    }

    /// # Errors
    /// `Unavailable` while the server is away.
    pub(crate) fn admit(&self) -> Result<(), StoreError> {
        match &*self.state.borrow() {
            Reachability::Reachable => Ok(()),
            Reachability::Away(reason) => Err(StoreError::Unavailable(reason.clone())),
        }
    }

    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn failed(self: &Arc<Self>, reason: &str) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= FAILURES_MAX {
            self.open(reason);
        }
    }

    /// A request had no answer in time: the server is away, or the request is a slow one, which
    /// must not keep all others out. A ping tells.
    pub(crate) fn suspect(self: &Arc<Self>, reason: String) {
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
        let away = Reachability::Away(reason.to_owned());
        self.is_open.set(1.0);
        if self.state.send_replace(away) == Reachability::Reachable {
            if self.state.receiver_count() == 0 {
                tracing::warn!(reason, "mongodb is away");
            }
            tokio::spawn(probe(Arc::downgrade(self)));
        }
    }

    fn close(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.is_open.set(0.0);
        self.state.send_replace(Reachability::Reachable);
        if self.state.receiver_count() == 0 {
            tracing::info!("mongodb is back");
        }
    }
}

async fn answers(client: &Client, within: Duration) -> bool {
    let admin = client.database("admin");
    // A task, because the driver's futures must run to their end.
    let ping = tokio::spawn(async move { admin.run_command(doc! { "ping": 1 }).await });
    let answered = tokio::time::timeout(within, ping).await;
    matches!(answered, Ok(Ok(Ok(_))))
}

/// Ends with the first answer, or with the store.
async fn probe(circuit: Weak<Circuit>) {
    let mut patience = Patience::new(&PROBE);
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
        patience.wait().await;
    }
}
