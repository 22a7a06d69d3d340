//! The log belongs to a whole process, so these tests start one.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use crate::harness;

fn process(task: &str) -> Child {
    let mut command = harness::process();
    command.arg(task).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn logs_survive_a_closed_pipe() {
    let mut child = process("logs-much");
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    log.read_line(&mut first).unwrap();
    assert!(first.starts_with(r#"{"@timestamp":""#), "{first}");
    drop(log);
    assert!(child.wait().unwrap().success());
}

#[test]
fn all_lines_are_written_whole_and_in_order_before_the_process_ends() {
    let mut child = process("logs-much");
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(child.wait().unwrap().success());
    let numbers = log.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect(line);
        line["number"].as_u64().expect("a number")
    });
    assert!(numbers.eq(0..50_000));
}

#[test]
fn a_reader_that_reads_nothing_does_not_hold_up_the_process() {
    let mut child = process("logs-much");
    // The pipe is open and nobody reads it: 50,000 lines don't fit into it.
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_panic_is_one_line_with_its_place_and_request() {
    let mut child = process("panics");
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(!child.wait().unwrap().success());
    let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).expect(&log);
    assert_eq!(line["message"], "panic: out of\nluck");
    assert_eq!(
        (&line["log.level"], &line["http.request.id"]),
        (&"ERROR".into(), &"my-id".into())
    );
    assert!(
        line["location"].as_str().unwrap().contains("process.rs:"),
        "{line}"
    );
    // Whoever mends it needs the way to it, whatever the environment says.
    let backtrace = line["error.stack_trace"].as_str().unwrap();
    assert!(backtrace.contains("panicking"), "{backtrace}");
}
