//! Sockets that a service manager passes on (`LISTEN_FDS`).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Child, Command, Output, Stdio};

use crate::harness::{SOON, command, terminate};

/// A shell that has the two sockets as its standard input and output passes on `count` of them, as
/// descriptors from 3 on; a third is the first again.
fn activation(sockets: [&dyn AsFd; 2], count: usize) -> Command {
    let script = format!(
        "export LISTEN_FDS={count} LISTEN_PID=$$
        exec \"$0\" \"$@\" 3<&0 4<&1 5<&0 </dev/null >/dev/null"
    );
    let mut command = command::through_shell(&command::binary(), &script);
    let [first, second] = sockets.map(|socket| socket.as_fd().try_clone_to_owned().unwrap());
    command
        .stdin(Stdio::from(first))
        .stdout(Stdio::from(second));
    command.args(["serve", "fibonacci", "--admin-listen", "127.0.0.1:0"]);
    command.args(["--drain-delay-ms", "0", "--drain-quiet-ms", "50ms"]);
    command.stderr(Stdio::null());
    command
}

fn socket() -> (TcpListener, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A process that is killed when it is dropped.
struct Activated(Child);

impl Activated {
    fn start(sockets: [&dyn AsFd; 2], count: usize) -> Self {
        Self(activation(sockets, count).spawn().unwrap())
    }
}

impl Drop for Activated {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends a request, which waits in the socket until a process takes it.
fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    stream
}

#[track_caller]
fn is_answered(mut stream: TcpStream) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

const LIST: &str = "/fibonacci/list?count=3";

#[test]
fn the_first_is_that_of_the_services_and_the_second_that_of_the_operations() {
    let ((services, main), (operations, admin)) = (socket(), socket());
    let _process = Activated::start([&services, &operations], 2);
    is_answered(ask(main, LIST));
    is_answered(ask(admin, "/ping"));
    let mut refused = String::new();
    ask(admin, LIST).read_to_string(&mut refused).unwrap();
    assert!(refused.starts_with("HTTP/1.1 404 "), "{refused}");
}

#[test]
fn connections_wait_in_the_socket_while_the_process_restarts() {
    let (socket, address) = socket();
    let mut first = Activated::start([&socket, &socket], 1);
    is_answered(ask(address, LIST));
    assert!(terminate(first.0.id()));
    assert!(first.0.wait().unwrap().success());
    let waiting: Vec<_> = (0..20).map(|_| ask(address, LIST)).collect();
    let _second = Activated::start([&socket, &socket], 1);
    waiting.into_iter().for_each(is_answered);
}

#[test]
fn more_than_two_or_what_does_not_listen_stops_the_start() {
    let (listening, _) = socket();
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (sockets, count, said) in [
        (
            [&listening as &dyn AsFd, &listening],
            3,
            "3 sockets were passed on",
        ),
        ([&bound, &listening], 1, "socket 1 does not listen"),
        ([&listening, &bound], 2, "socket 2 does not listen"),
        ([&listening, &datagrams], 2, "LISTEN_FDS cannot be used"),
    ] {
        let mut command = activation(sockets, count);
        let Output { status, stderr, .. } = command.stderr(Stdio::piped()).output().unwrap();
        let log = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(64), "{log}");
        assert!(log.contains(said), "{log}");
    }
}
