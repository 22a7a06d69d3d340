//! A body as it comes.

use std::mem;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::HeldBytes;
use crate::fault::Fault;

/// The pieces of a body so far.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    first: Bytes,
    rest: BytesMut,
}

impl Pieces {
    /// Takes the next piece. Returns whether there may be more.
    pub(super) async fn next(
        &mut self,
        body: &mut Body,
        held: &mut HeldBytes,
    ) -> Result<bool, Fault> {
        let frame = match body.frame().await {
            None => return Ok(false),
            Some(Err(_broken)) => return Err(Fault::BodyUnreadable),
            Some(Ok(frame)) => frame,
        };
        if let Ok(piece) = frame.into_data() {
            let bytes_max = held.bodies.limits.bytes_max;
            if self.len() + piece.len() > bytes_max {
                return Err(Fault::BodyTooLarge { bytes_max });
            }
            held.hold(piece.len())?;
            self.push(piece);
        }
        Ok(!body.is_end_stream())
    }

    fn len(&self) -> usize {
        if self.rest.is_empty() {
            self.first.len()
        } else {
            self.rest.len()
        }
    }

    fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&mem::take(&mut self.first));
        }
        self.rest.extend_from_slice(&piece);
    }

    pub(super) fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() {
            self.first
        } else {
            self.rest.freeze()
        }
    }
}
