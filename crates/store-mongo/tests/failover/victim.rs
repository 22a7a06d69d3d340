//! Whose loss is to be survived: the primary of the deployment that the tests are given, if that is
//! a replica set of three or more, else a server of the test's own, whose place nobody takes.

use std::process::Command;
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, ServerAddress};
use test_servers::{ConnectionString, Operator, OwnServer, operator, shared};

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
}

impl Victim {
    pub(crate) fn found() -> Self {
        let hello = said(doc! { "hello": 1 });
        let hosts = hello.get_array("hosts").cloned().unwrap_or_default();
        let members: Vec<String> = hosts
            .iter()
            .filter_map(|host| host.as_str().map(str::to_owned))
            .collect();
        if members.len() < 3 {
            return Self::Own(OwnServer::started(&[]));
        }
        Self::PrimaryOf(Set { members })
    }

    pub(crate) fn place(&self) -> ConnectionString {
        match self {
            Self::Own(server) => server.uri().into(),
            Self::PrimaryOf(_) => shared(),
        }
    }

    /// Whether it loses its memory of writes in a crash.
    pub(crate) fn is_forgetful(&self) -> bool {
        match self {
            Self::Own(server) => Operator::new(&server.uri().into()).is_of_stand_in(),
            Self::PrimaryOf(_) => operator().is_of_stand_in(),
        }
    }

    /// Ends it without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        match self {
            Self::Own(server) => server.kill(),
            Self::PrimaryOf(_) => kill_primary(),
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

/// As `kill -9` does, if it is a process of this machine; else by a command.
fn kill_primary() {
    let primary = said(doc! { "hello": 1 });
    let is_near = ["127.0.0.1:", "localhost:", "[::1]:"]
        .iter()
        .any(|near| primary.get_str("me").unwrap().starts_with(near));
    let status = said(doc! { "serverStatus": 1 });
    let pid = status.get_i64("pid").unwrap_or_default();
    // Behind a port of a container it would be the number of somebody else here.
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
    if is_near && command.is_ok_and(|command| command.contains("mongod")) {
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
        assert!(killed.unwrap().success(), "{pid} was not killed");
    } else {
        let shutdown = doc! { "shutdown": 1, "force": true, "timeoutSecs": 0 };
        // It goes without an answer.
        let _ = operator().run("admin", shutdown);
    }
}

/// Asks one member alone, with the credentials and certificates of the whole.
async fn is_member(address: &str) -> bool {
    let mut options = ClientOptions::parse(shared().to_string()).await.unwrap();
    options.hosts = vec![ServerAddress::parse(address).unwrap()];
    options.repl_set_name = None;
    options.direct_connection = Some(true);
    options.server_selection_timeout = Some(Duration::from_secs(1));
    let admin = Client::with_options(options).unwrap().database("admin");
    let hello = admin.run_command(doc! { "hello": 1 }).await;
    let is = |hello: &Document, name| hello.get_bool(name).unwrap_or(false);
    hello.is_ok_and(|hello| is(&hello, "isWritablePrimary") || is(&hello, "secondary"))
}

fn said(command: Document) -> Document {
    operator().run("admin", command).unwrap()
}
