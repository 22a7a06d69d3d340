//! Where connections come in.

use std::io;
use std::sync::Arc;

use super::entrance::Entrance;
use super::listener::{Accepting, Listener};

/// A socket that listens, and what those pass who connect to it.
#[derive(Debug)]
pub struct Door {
    pub(super) accepting: Accepting,
    pub(super) entrance: Arc<Entrance>,
}

impl Door {
    /// Takes the socket into the current runtime.
    ///
    /// # Errors
    ///
    /// When the runtime cannot take it.
    pub fn new(listener: Listener, entrance: Entrance) -> io::Result<Self> {
        Ok(Self {
            accepting: listener.try_into()?,
            entrance: Arc::new(entrance),
        })
    }
}

impl From<tokio::net::TcpListener> for Door {
    /// Anybody comes in as he is.
    fn from(listener: tokio::net::TcpListener) -> Self {
        Self {
            accepting: Accepting::Tcp(listener),
            entrance: Arc::default(),
        }
    }
}
