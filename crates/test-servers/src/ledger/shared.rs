//! What the writers and readers of a load share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::RwLock;

use super::Ledger;
use crate::TestStore;

/// What writers and readers share.
pub(super) struct Shared {
    pub(super) store: Arc<TestStore>,
    pub(super) ledger: Ledger,
    pub(super) failed_reads: AtomicUsize,
    pub(super) reads: AtomicUsize,
    pub(super) stop: AtomicBool,
    /// Held by each who has something on its way.
    pub(super) under_way: RwLock<()>,
}

impl Shared {
    pub(super) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}
