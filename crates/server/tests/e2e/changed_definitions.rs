//! Definitions that change after data is stored: what a start says of it, and what `check` finds.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Invocation, Outcome, Server, Setup, Store, folder_with};

const BOOKS: &str = "type: books\nid: string\nattributes:\n  type: object\n";

/// A server of these definitions over a store.
async fn serve(store: &Store, files: &[(&str, &str)]) -> Server {
    let folder = folder_with(files);
    Setup::on(store).definitions(folder.path()).start().await
}

/// A store with books of these attributes, whose ids are their positions from 1.
async fn with_books(books: &[Value]) -> Store {
    let store = Store::fresh();
    let server = serve(&store, &[("books.yaml", BOOKS)]).await;
    for (position, book) in books.iter().enumerate() {
        let mut book = book.clone();
        book["id"] = json!((position + 1).to_string());
        let answer = server.send_plain(Method::POST, "/books", &book).await;
        answer.document(201);
    }
    assert!(server.terminate().await.success());
    store
}

#[track_caller]
fn command(store: &Store, definition: &str, arguments: &[&str]) -> Outcome {
    let folder = folder_with(&[("books.yaml", definition)]);
    let resources = ["--resources", folder.path().to_str().unwrap()];
    Invocation::new(&[arguments, &resources].concat())
        .on(store)
        .run()
}

fn is_warning(line: &Value, told: &str) -> bool {
    line["level"] == "WARN" && line["message"].as_str().unwrap().contains(told)
}

#[tokio::test]
async fn what_no_longer_fits_is_counted_once_after_a_start_and_listed_by_check() {
    let store = with_books(&[
        json!({"title": "Emma", "pages": 474}),
        json!({"title": "Persuasion", "pages": 200}),
        json!({"pages": 900}),
    ])
    .await;
    let narrower = format!(
        "{BOOKS}  required: [title]\n  properties:\n    title: {{type: string}}\n    \
         pages: {{type: integer, maximum: 300}}\n"
    );
    let files = [("books.yaml", narrower.as_str())];
    let server = serve(&store, &files).await;
    let told = |line: &Value| is_warning(line, "do not fit the definition");
    let lines = server.log().matching(told).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["misfits"], 2);
    assert_eq!(lines[0]["of_resources"], 3);
    assert_eq!(lines[0]["all_compared"], true);
    let reasons = lines[0]["reasons"].as_str().unwrap();
    assert_eq!(
        reasons,
        "2 × /pages: the value is more than 300; 1 × /: 'title' is required"
    );
    let message = lines[0]["message"].as_str().unwrap();
    assert!(message.contains("'monocoque check books'"), "{message}");
    // They are served as they are.
    assert_eq!(
        server.get("/books/1").await.data(200)["attributes"]["pages"],
        474
    );
    // `check` runs beside the process, too.
    let checked = command(&store, &narrower, &["check", "books"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    let expected = "books 1: /pages: the value is more than 300\n\
                    books 3: /: 'title' is required\n\
                    books 3: /pages: the value is more than 300\n";
    assert_eq!(checked.stdout, expected);
    assert!(
        checked
            .stderr
            .contains("books: 2 of 3 resources do not fit")
    );
    assert!(server.terminate().await.success());
    // The same definition is not compared again; another one is.
    let server = serve(&store, &files).await;
    server.get("/books").await.document(200);
    let log = server.terminate_and_read().await;
    let again = log.iter().filter(|line| line.contains("do not fit"));
    assert_eq!(again.count(), 0);
    let checked = command(&store, &narrower, &["check", "--all", "--format", "json"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    let found = checked.stdout.lines().map(serde_json::from_str);
    let found: Vec<Value> = found.collect::<Result<_, _>>().unwrap();
    assert_eq!(
        found[0],
        json!({"type": "books", "id": "1", "pointer": "/pages", "keyword": "maximum",
               "message": "the value is more than 300"})
    );
    assert_eq!(found.len(), 3);
    let fits = command(&store, BOOKS, &["check", "books"]);
    assert_eq!(fits.output(), "");
    assert!(fits.stderr.contains("all 3 resources fit"), "{fits:?}");
}

#[tokio::test]
async fn a_removed_attribute_of_a_closed_schema_is_told() {
    let store = with_books(&[json!({"title": "Emma", "isbn": "x"})]).await;
    let closed = format!(
        "{BOOKS}  additionalProperties: false\n  properties: {{title: {{type: string}}}}\n"
    );
    let server = serve(&store, &[("books.yaml", &closed)]).await;
    let told = |line: &Value| is_warning(line, "do not fit the definition");
    let lines = server.log().matching(told).await;
    assert_eq!(lines[0]["reasons"], "1 × /isbn: 'isbn' is not declared");
}

#[tokio::test]
async fn a_collection_that_a_rename_left_is_named_with_what_keeps_it() {
    let store = with_books(&[json!({"title": "Emma"})]).await;
    let renamed = BOOKS.replace("books", "volumes");
    let server = serve(&store, &[("volumes.yaml", &renamed)]).await;
    let told = |line: &Value| is_warning(line, "collection: books");
    let lines = server.log().matching(told).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["collections"], "books");
    assert!(server.terminate().await.success());
    let kept = format!("{renamed}collection: books\n");
    let server = serve(&store, &[("volumes.yaml", &kept)]).await;
    assert_eq!(server.get("/volumes/1").await.data(200)["id"], "1");
    let log = server.terminate_and_read().await;
    assert!(!log.concat().contains("no definition declares"));
}

#[tokio::test]
async fn a_unique_index_that_data_breaks_names_the_resources_before_anything_is_dropped() {
    let books = ["a", "b", "a", "a", "b", "c"].map(|isbn| json!({"isbn": isbn, "shelf": isbn}));
    let store = with_books(&books).await;
    let unique = format!("{BOOKS}indexes:\n- {{attributes: [isbn], unique: true}}\n");
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    let refused = command(&store, &unique, &serve);
    let told = [
        "unique index over isbn of 'books'",
        "2 values",
        "3 resources, such as '1' and '4'",
        "the ids '2' and '5'",
        "monocoque check books",
    ];
    refused.fails_with(64, &told);
    let checked = command(&store, &unique, &["check", "books"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    let mut lines: Vec<&str> = checked.stdout.lines().collect();
    lines.sort_unstable();
    let expected = [
        "books 1: /isbn: '4' and 1 more has the same isbn",
        "books 2: /isbn: '5' has the same isbn",
    ];
    assert_eq!(lines, expected);
    // The old definition is served as before.
    let server = self::serve(&store, &[("books.yaml", BOOKS)]).await;
    for id in [3, 4, 5] {
        let path = format!("/books/{id}");
        server.delete(&path).await.document(200);
    }
    assert!(server.terminate().await.success());
    let server = self::serve(&store, &[("books.yaml", &unique)]).await;
    let again = json!({"id": "9", "isbn": "a"});
    let answer = server.send_plain(Method::POST, "/books", &again).await;
    answer.error(409, "not_unique");
}

#[tokio::test]
async fn relationships_that_lead_nowhere_are_found() {
    let store = with_books(&[
        json!({"title": "Emma", "author": "ada", "sequel": "2"}),
        json!({"title": "Emma II", "sequel": "7"}),
        json!({"title": "Emma III", "sequel": ["1"]}),
    ])
    .await;
    let related = format!("{BOOKS}relationships:\n  sequel: {{type: books}}\n");
    let checked = command(&store, &related, &["check", "books"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    let mut lines: Vec<&str> = checked.stdout.lines().collect();
    lines.sort_unstable();
    let expected = [
        "books 2: /sequel: there is no resource of 'books' with the id '7'",
        "books 3: /sequel: the relationship is to-one, and an array is stored",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn check_needs_a_store_and_a_declared_type() {
    let store = Store::fresh();
    let checked = command(&store, BOOKS, &["check", "bookz"]);
    checked.fails_with(2, &["no resource type 'bookz'", "books"]);
    if let Store::Embedded(_) = store {
        let checked = command(&store, BOOKS, &["check", "books"]);
        checked.fails_with(64, &["there is no store"]);
        assert!(!store.data_dir().exists());
    } else {
        let checked = command(&store, BOOKS, &["check"]);
        checked.fails_with(2, &["'check' without a TYPE", "check TYPE"]);
    }
}
