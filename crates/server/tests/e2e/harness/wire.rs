//! A connection on which a test writes and reads bytes, for what a polite client cannot send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::SOON;

pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Connects, or not when nobody listens.
    pub(crate) async fn try_connect(address: SocketAddr) -> Option<Self> {
        TcpStream::connect(address).await.ok().map(Self)
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until `end` is seen.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            let byte = tokio::time::timeout(SOON, self.0.read_u8()).await;
            bytes.push(byte.expect("an answer in time").expect("a connection"));
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Reads a whole answer, whose length its head has to say.
    pub(crate) async fn read_answer(&mut self) -> String {
        let head = self.read_until("\r\n\r\n").await;
        let lower = head.to_ascii_lowercase();
        let length = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        let read = tokio::time::timeout(SOON, self.0.read_exact(&mut body)).await;
        read.expect("a body in time").expect("a connection");
        head + std::str::from_utf8(&body).unwrap()
    }

    /// Reads until the server closes the connection.
    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut bytes = Vec::new();
        let reading = self.0.read_to_end(&mut bytes);
        let read = tokio::time::timeout(SOON, reading).await;
        read.expect("a closed connection in time").unwrap();
        String::from_utf8(bytes).unwrap()
    }
}
