//! A place between drivers and a server that changes what the server seems to be.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use mongodb::bson::Document;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::wire::Message;

/// What a server seems to be.
#[async_trait]
pub trait Guise: Send + Sync + 'static {
    /// The answer to `hello`, made of the server's own.
    fn hello(&self, own: Document) -> Document;

    /// The answer to a command that the server does not get to see.
    fn refusal(&self, command: &Document) -> Option<Document>;

    /// Waits until `hello` has something new to say to one who knows this, as long as it may.
    async fn news(&self, command: &Document);
}

/// A port of this machine behind which a server is in a guise, until it is dropped.
pub struct Interposer {
    pub address: SocketAddr,
    /// Aborted, it cuts all connections and closes the port.
    pub task: JoinHandle<()>,
}

impl Interposer {
    /// `server` is host and port; port 0 of the address is any free one.
    pub async fn start(address: SocketAddr, server: &str, guise: Arc<dyn Guise>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(accept(listener, server.to_owned(), guise));
        Self { address, task }
    }
}

impl Drop for Interposer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: String, guise: Arc<dyn Guise>) {
    // Dropped with this task, it takes the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, guise) = (server.clone(), guise.clone());
        connections.spawn(async move {
            if let Ok(server) = TcpStream::connect(server).await {
                let connection = Connection {
                    client,
                    server,
                    guise,
                    own_hello: Document::new(),
                };
                connection.pass_all().await;
            }
        });
    }
}

struct Connection {
    client: TcpStream,
    server: TcpStream,
    guise: Arc<dyn Guise>,
    /// What the server last said of itself.
    own_hello: Document,
}

impl Connection {
    /// Drivers send a command only when the one before it is answered.
    async fn pass_all(mut self) -> Option<()> {
        let _ = self.client.set_nodelay(true);
        let _ = self.server.set_nodelay(true);
        loop {
            let request = Message::read(&mut self.client).await?;
            let command = request.body();
            if let Some(refusal) = self.guise.refusal(&command) {
                self.answer(&request.answer(&refusal, false)).await?;
                continue;
            }
            let name = command.keys().next()?.to_lowercase();
            let is_hello = name == "hello" || name == "ismaster";
            if is_hello && command.contains_key("topologyVersion") {
                self.stream(request, &command).await?;
                continue;
            }
            self.server.write_all(request.bytes()).await.ok()?;
            if request.is_unacknowledged() {
                continue;
            }
            let mut reply = Message::read(&mut self.server).await?;
            if is_hello {
                self.own_hello = reply.body();
                reply = reply.with_body(&self.guise.hello(self.own_hello.clone()));
            }
            self.answer(&reply).await?;
        }
    }

    /// Answers a monitor whenever there is news, without the server.
    async fn stream(&mut self, request: Message, command: &Document) -> Option<()> {
        let (mut asked, mut command) = (request, command.clone());
        let more = asked.takes_a_stream();
        loop {
            self.guise.news(&command).await;
            let hello = self.guise.hello(self.own_hello.clone());
            command.insert("topologyVersion", hello.get("topologyVersion")?.clone());
            let answer = asked.answer(&hello, more);
            self.answer(&answer).await?;
            if !more {
                return Some(());
            }
            asked = answer;
        }
    }

    async fn answer(&mut self, message: &Message) -> Option<()> {
        self.client.write_all(message.bytes()).await.ok()
    }
}
