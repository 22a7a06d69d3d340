//! Exports of a running process through its API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Invocation, Server, Setup, Store, folder_with};

const AUTHORS: &str = "type: authors\nid: integer\nattributes: {type: object}\n";
const BOOKS: &str = "type: books\nid: string\npage: {maximum: 7}\nattributes: {type: object}\n\
                     capabilities:\n  secret: {readable: false}\n\
                     relationships:\n  author: {type: authors, member: author_id}\n  \
                     readers: {type: authors, kind: many, page: {default: 2}}\n";

/// The rows of a file, in the order of their ids.
fn rows(text: &str) -> Vec<Value> {
    let mut rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    rows.sort_by_key(|row| row["id"].to_string());
    rows
}

/// Five authors, and thirty books that name some of them.
async fn fill(server: &Server) {
    for name in ["Jane", "Ada", "Eve", "Ann", "Kim"] {
        let answer = server
            .send_plain(Method::POST, "/authors", &json!({"name": name}))
            .await;
        answer.document(201);
    }
    for number in 0..30 {
        let readers: Vec<u32> = (1..=number % 6).collect();
        let mut book = json!({
            "id": format!("b {number:02}"), "title": format!("T\"{number}"), "n": [number, null],
            "readers": readers,
        });
        if number % 2 == 0 {
            book["author"] = json!(1 + number % 5);
        }
        let answer = server.send_plain(Method::POST, "/books", &book).await;
        answer.document(201);
    }
}

/// Rows without what looks from outside as if it were absent: an empty relationship.
fn without_empty(mut rows: Vec<Value>) -> Vec<Value> {
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        row.retain(|name, value| match name.as_str() {
            "readers" => *value != json!([]),
            "author" => !value.is_null(),
            _ => true,
        });
    }
    rows
}

#[tokio::test]
async fn what_the_api_shows_is_the_same_file_as_the_store_gives() {
    let folder = folder_with(&[("authors.yaml", AUTHORS), ("books.yaml", BOOKS)]);
    let resources = folder.path().to_str().unwrap();
    let store = Store::fresh();
    let server = Setup::on(&store).definitions(folder.path()).start().await;
    fill(&server).await;
    let url = format!("http://{}", server.address());
    let export = |format: &str, more: &[&str]| {
        let arguments = [
            "export",
            "books",
            "--resources",
            resources,
            "--format",
            format,
        ];
        Invocation::new(&[&arguments[..], more].concat())
            .on(&store)
            .run()
    };
    let through = export("ndjson", &["--from", &url]);
    assert!(
        through.stderr.contains("does not show secret"),
        "{through:?}"
    );
    let direct = without_empty(rows(export("ndjson", &[]).output()));
    let expected = without_empty(rows(through.output()));
    assert_eq!(expected.len(), 30);
    assert_eq!(expected, direct);
    let csv = export("csv", &["--from", &url]);
    assert_eq!(csv.output().lines().count(), 31);
    let dump = folder.path().join("dump");
    let arguments = [
        "export",
        "--all",
        dump.to_str().unwrap(),
        "--resources",
        resources,
    ];
    let all = Invocation::new(&[&arguments[..], &["--from", &url]].concat()).run();
    assert_eq!(all.code, 0, "{all:?}");
    for (name, count) in [("authors.ndjson", 5), ("books.ndjson", 30)] {
        let text = std::fs::read_to_string(dump.join(name)).unwrap();
        assert_eq!(text.lines().count(), count, "{name}");
    }
}

#[tokio::test]
async fn an_export_goes_on_where_it_was_when_its_process_is_back() {
    let folder = folder_with(&[("authors.yaml", AUTHORS), ("books.yaml", BOOKS)]);
    let resources = folder.path().to_str().unwrap();
    let store = Store::fresh();
    // A port that is free once is likely to be free again.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap().to_string();
    drop(free);
    let url = format!("http://{listen}");
    let file = folder.path().join("authors.ndjson");
    let arguments = [
        "export",
        "authors",
        file.to_str().unwrap(),
        "--resources",
        resources,
        "--from",
        &url,
    ];
    let running = Invocation::new(&arguments).begin();
    let setup = Setup::on(&store).definitions(folder.path());
    let server = setup.variable("MONOCOQUE_LISTEN", &listen).start().await;
    let outcome = running.end();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("0 exported"), "{outcome:?}");
    drop(server);
}

#[test]
fn a_url_that_cannot_be_asked_is_code_2() {
    for url in ["https://localhost", "localhost:8000"] {
        let refused = Invocation::new(&["export", "contacts", "--from", url]).run();
        refused.fails_with(2, &[url]);
    }
}
