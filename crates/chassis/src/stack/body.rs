//! Reads request bodies whole before their handlers run, within bounds of size, time and number.
//!
//! A body that is still coming holds no place among the requests in flight: slow clients cannot
//! keep others out. When bodies that are coming take too much together, the one that has been
//! coming longest is refused, since healthy ones are there in milliseconds.

mod expansion;
mod pieces;

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, Request};
use futures_util::FutureExt;
use http::header;
use http_body_util::{BodyExt, Limited};
use tokio::sync::Notify;

use self::expansion::Coded;
pub(super) use self::expansion::TAKEN;
use self::pieces::Pieces;
use super::RETRY_AFTER;
use crate::client::{ClientAddress, Taken, Tally};
use crate::fault::Fault;

/// How much of a refused body is still read, and for how long. A connection that is closed with
/// unread data is reset, and the client may lose the answer that says why.
const DISCARD_BYTES_MAX: usize = 8 * 1024 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// What request bodies may take.
#[derive(Clone, Debug)]
pub(super) struct BodyLimits {
    /// The most bytes of one.
    pub(super) bytes_max: usize,
    /// How long one may take.
    pub(super) read_timeout: Duration,
    /// How many may be coming at once.
    pub(super) count_max: usize,
    /// The most bytes of all of them, those of requests in flight included.
    pub(super) bytes_together_max: usize,
    /// What each client may hold of them.
    pub(super) bytes_per_client: Option<Arc<Tally>>,
}

/// All request bodies of a process.
#[derive(Debug)]
pub(super) struct Bodies {
    limits: BodyLimits,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    next_key: u64,
    /// Those that are coming, the oldest first, each with its means to be refused.
    coming: BTreeMap<u64, Arc<Notify>>,
}

/// The bytes of a body, counted until its request is answered.
#[derive(Debug)]
pub(super) struct HeldBytes {
    bodies: Arc<Bodies>,
    bytes: usize,
    of_client: Option<Taken>,
}

impl HeldBytes {
    /// Counts more bytes.
    fn hold(&mut self, bytes: usize) -> Result<(), Fault> {
        if let Some(of_client) = &mut self.of_client
            && !of_client.take_more(bytes)
        {
            return Err(Fault::ClientHoldsTooMuch {
                retry_after: RETRY_AFTER,
            });
        }
        self.bodies.hold(bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.bodies.held().bytes -= self.bytes;
        }
    }
}

/// A body that is coming. It leaves the list when it is dropped.
struct Coming<'a> {
    bodies: &'a Bodies,
    key: u64,
    refused: Arc<Notify>,
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.bodies.held().coming.remove(&self.key);
    }
}

impl Bodies {
    pub(super) fn new(limits: BodyLimits) -> Self {
        Self {
            limits,
            held: Mutex::default(),
        }
    }

    /// Puts the whole body in the place of the one that is coming.
    pub(super) async fn read(self: &Arc<Self>, request: &mut Request) -> Result<HeldBytes, Fault> {
        // The limit here replaces the one that axum's extractors have by default.
        DefaultBodyLimit::disable().apply(request);
        let mut held = HeldBytes {
            bodies: Arc::clone(self),
            bytes: 0,
            of_client: self.share_of(request),
        };
        let coded = Coded::of(request.headers()).inspect_err(|_| discard_body(request))?;
        let bytes_max = self.limits.bytes_max;
        let announced = usize::try_from(request.body().size_hint().lower()).unwrap_or(usize::MAX);
        if announced > bytes_max {
            discard_body(request);
            return Err(Fault::BodyTooLarge { bytes_max });
        }
        let mut body = mem::take(request.body_mut());
        let mut read = Pieces::default();
        if let Err(fault) = self.read_whole(&mut read, &mut body, &mut held).await {
            if !matches!(fault, Fault::BodyTimeout { .. } | Fault::BodyUnreadable) {
                discard(body);
            }
            return Err(fault);
        }
        let mut bytes = read.into_bytes();
        if let Some(coded) = coded {
            let coded_len = bytes.len();
            bytes = coded.expand(&bytes, bytes_max).await?;
            // What it was expanded from is not held any more.
            held.hold(bytes.len().saturating_sub(coded_len))?;
            // The service is given a body like any other.
            let headers = request.headers_mut();
            headers.remove(header::CONTENT_ENCODING);
            headers.insert(header::CONTENT_LENGTH, bytes.len().into());
        }
        *request.body_mut() = Body::from(bytes);
        Ok(held)
    }

    /// What the client of a request holds, where that is bounded and the client is known.
    fn share_of(&self, request: &Request) -> Option<Taken> {
        let tally = self.limits.bytes_per_client.as_ref()?;
        let client = request.extensions().get::<ClientAddress>()?.client?;
        tally.take(client, 0)
    }

    async fn read_whole(
        &self,
        read: &mut Pieces,
        body: &mut Body,
        held: &mut HeldBytes,
    ) -> Result<(), Fault> {
        // Most bodies came with their heads: those need no place and no timer.
        let whole = match read.next(body, held).now_or_never() {
            Some(outcome) => !outcome? || Self::rest_is_here(read, body, held)?,
            None => false,
        };
        if !whole {
            self.wait_for(read, body, held).await?;
        }
        Ok(())
    }

    /// Takes what has come already. Returns whether that was all.
    fn rest_is_here(
        read: &mut Pieces,
        body: &mut Body,
        held: &mut HeldBytes,
    ) -> Result<bool, Fault> {
        while let Some(outcome) = read.next(body, held).now_or_never() {
            if !outcome? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn wait_for(
        &self,
        read: &mut Pieces,
        body: &mut Body,
        held: &mut HeldBytes,
    ) -> Result<(), Fault> {
        let coming = self.begin();
        let refused = Arc::clone(&coming.refused);
        let reading = async {
            while read.next(body, held).await? {}
            Ok(())
        };
        let timeout = self.limits.read_timeout;
        tokio::select! {
            outcome = reading => outcome,
            () = tokio::time::sleep(timeout) => Err(Fault::BodyTimeout { after: timeout }),
            () = refused.notified() => Err(Fault::Overloaded { retry_after: RETRY_AFTER }),
        }
    }

    fn begin(&self) -> Coming<'_> {
        let refused = Arc::new(Notify::new());
        let mut held = self.held();
        if held.coming.len() >= self.limits.count_max {
            held.refuse_oldest();
        }
        let key = held.next_key;
        held.next_key += 1;
        held.coming.insert(key, Arc::clone(&refused));
        Coming {
            bodies: self,
            key,
            refused,
        }
    }

    /// Counts more bytes. Bodies that are coming give way until they fit, but those may hold less:
    /// all together are never above the bound by more than one body.
    fn hold(&self, bytes: usize) -> Result<(), Fault> {
        let mut held = self.held();
        held.bytes += bytes;
        if held.bytes <= self.limits.bytes_together_max {
            return Ok(());
        }
        // Those that are refused give their bytes back soon. Where none is coming, requests that
        // are in flight hold all of them.
        let most = self
            .limits
            .bytes_together_max
            .saturating_add(self.limits.bytes_max);
        if !held.refuse_oldest() || held.bytes > most {
            held.bytes -= bytes;
            return Err(Fault::Overloaded {
                retry_after: RETRY_AFTER,
            });
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn refuse_oldest(&mut self) -> bool {
        let oldest = self.coming.pop_first();
        if let Some((_, refused)) = &oldest {
            refused.notify_one();
        }
        oldest.is_some()
    }
}

/// Reads the body of a refused request and drops it.
pub(super) fn discard_body(request: &mut Request) {
    // A client that waits to be asked for the body sends none.
    if !request.headers().contains_key(header::EXPECT) {
        discard(mem::take(request.body_mut()));
    }
}

fn discard(body: Body) {
    if body.size_hint().lower() > DISCARD_BYTES_MAX as u64 {
        return;
    }
    tokio::spawn(tokio::time::timeout(DISCARD_TIMEOUT, async move {
        let mut body = Limited::new(body, DISCARD_BYTES_MAX);
        while let Some(Ok(_frame)) = body.frame().await {}
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_that_give_way_do_not_let_large_ones_beyond_the_bound() {
        let bodies = Bodies::new(BodyLimits {
            bytes_max: 10,
            read_timeout: Duration::from_secs(1),
            count_max: 100,
            bytes_together_max: 20,
            bytes_per_client: None,
        });
        let _coming: Vec<_> = (0..100).map(|_| bodies.begin()).collect();
        let held = (0..100).filter(|_| bodies.hold(10).is_ok()).count();
        assert_eq!((held, bodies.held().bytes), (3, 30));
    }
}
