//! What the operating system gives a process: descriptors, sockets.

use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;

use crate::harness::{Answer, Setup, Wire, command};

#[tokio::test]
async fn connections_leave_descriptors_for_the_operations_port() {
    // Of 200 descriptors a quarter is kept.
    let server = Setup::fresh().descriptors(200).start().await;
    let few = |line: &serde_json::Value| line["connections"] == 150;
    assert_eq!(server.log().matching(few).await[0]["file_descriptors"], 200);
    let mut kept = Vec::new();
    for _ in 0..400 {
        kept.push(Wire::connect(server.address()).await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for path in ["/liveness", "/readiness"] {
        let request = server.admin_request(Method::GET, path);
        assert_eq!(Answer::to(request).await.status, 200, "{path}");
    }
    let exhausted = |line: &serde_json::Value| line.to_string().contains("cannot accept");
    assert!(!server.log().values().iter().any(exhausted));
}

/// The parent makes the socket and passes it on as a service manager does.
const ACTIVATION: &str = "
import os, socket, sys
s = socket.socket()
s.bind(('127.0.0.1', 0))
s.listen(16)
print(s.getsockname()[1], flush=True)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
";

#[tokio::test]
async fn a_socket_that_is_passed_on_is_served() {
    use std::io::{BufRead, BufReader};

    let binary = command::binary().get_program().to_owned();
    let mut child = Command::new("python3")
        .args(["-c", ACTIVATION])
        .arg(binary)
        .args(["serve", "fibonacci", "--admin-listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3, which scripts/test needs too");
    let mut port = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut port).unwrap();
    let url = format!("http://127.0.0.1:{}/fibonacci/list?count=3", port.trim());
    // The connection waits in the socket until the process takes it.
    let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert_eq!(answer, r#"{"answer":[0,1,1]}"#);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn two_processes_may_share_an_address() {
    let one = Setup::fresh()
        .arguments(["--reuse-port", "true"])
        .start()
        .await;
    let address = one.address().to_string();
    let arguments = ["--reuse-port", "true", "--listen", &address];
    let other = Setup::fresh().arguments(arguments).start_unready().await;
    assert_eq!(other.address(), one.address());
}

#[tokio::test]
async fn all_probes_answer_while_the_process_waits_for_its_store() {
    let uri = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=300";
    let server = Setup::fresh()
        .variable("MONGO_URI", uri)
        .start_unready()
        .await;
    for (path, expected) in [("/ping", 200), ("/liveness", 200), ("/readiness", 503)] {
        let answer = Answer::to(server.admin_request(Method::GET, path)).await;
        assert_eq!(answer.status, expected, "{path}: {answer:?}");
    }
}
