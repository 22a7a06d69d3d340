//! Whose loss is to be survived: the primary of the deployment that the tests are given, if that is
//! a replica set of three or more, else a server of the test's own, whose place nobody takes.

use std::process::Command;
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, ServerAddress};

use crate::own_server::OwnServer;
use crate::server::uri;

/// How long a member that was killed may take until it is a member again.
const RETURN_TIMEOUT: Duration = Duration::from_mins(2);

pub(crate) enum Victim {
    Own(OwnServer),
    PrimaryOf(Set),
}

/// A deployment of others, which restart what is killed.
pub(crate) struct Set {
    /// Host and port of each member.
    members: Vec<String>,
    client: Client,
}

impl Victim {
    pub(crate) async fn found() -> Self {
        let client = Client::with_uri_str(uri()).await.unwrap();
        let hello = said(&client, doc! { "hello": 1 }).await;
        let hosts = hello.get_array("hosts").cloned().unwrap_or_default();
        let members: Vec<String> = hosts
            .iter()
            .filter_map(|host| host.as_str().map(str::to_owned))
            .collect();
        if members.len() < 3 {
            return Self::Own(OwnServer::started(&[]));
        }
        Self::PrimaryOf(Set { members, client })
    }

    pub(crate) fn uri(&self) -> String {
        match self {
            Self::Own(server) => server.uri(),
            Self::PrimaryOf(_) => uri(),
        }
    }

    /// Ends it without a chance to tidy up.
    pub(crate) async fn kill(&mut self) {
        match self {
            Self::Own(server) => server.kill(),
            Self::PrimaryOf(set) => set.kill_primary().await,
        }
    }

    /// Returns when it is there again, as whatever it is then.
    pub(crate) async fn come_back(&mut self) {
        match self {
            Self::Own(server) => server.start(),
            Self::PrimaryOf(set) => set.be_complete().await,
        }
    }
}

impl Set {
    /// As `kill -9` does, if it is a process of this machine; else by a command.
    async fn kill_primary(&self) {
        let primary = said(&self.client, doc! { "hello": 1 }).await;
        let is_near = ["127.0.0.1:", "localhost:", "[::1]:"]
            .iter()
            .any(|near| primary.get_str("me").unwrap().starts_with(near));
        let status = said(&self.client, doc! { "serverStatus": 1 }).await;
        let pid = status.get_i64("pid").unwrap_or_default();
        // Behind a port of a container it would be the number of somebody else here.
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
        if is_near && command.is_ok_and(|command| command.contains("mongod")) {
            let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
            assert!(killed.unwrap().success(), "{pid} was not killed");
        } else {
            let shutdown = doc! { "shutdown": 1, "force": true, "timeoutSecs": 0 };
            // It goes without an answer.
            let _ = self.client.database("admin").run_command(shutdown).await;
        }
    }

    async fn be_complete(&self) {
        let begun = Instant::now();
        for member in &self.members {
            while !is_member(member).await {
                assert!(
                    begun.elapsed() < RETURN_TIMEOUT,
                    "{member} was killed and did not come back: something must restart it, as \
                     `scripts/mongodb run --members 3` does"
                );
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Asks one member alone, with the credentials and certificates of the whole.
async fn is_member(address: &str) -> bool {
    let mut options = ClientOptions::parse(uri()).await.unwrap();
    options.hosts = vec![ServerAddress::parse(address).unwrap()];
    options.repl_set_name = None;
    options.direct_connection = Some(true);
    options.server_selection_timeout = Some(Duration::from_secs(1));
    let admin = Client::with_options(options).unwrap().database("admin");
    let hello = admin.run_command(doc! { "hello": 1 }).await;
    let is = |hello: &Document, name| hello.get_bool(name).unwrap_or(false);
    hello.is_ok_and(|hello| is(&hello, "isWritablePrimary") || is(&hello, "secondary"))
}

async fn said(client: &Client, command: Document) -> Document {
    client.database("admin").run_command(command).await.unwrap()
}
