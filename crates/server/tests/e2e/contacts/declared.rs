//! Types of one's own, with other ids and a closed schema.

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::ids;
use crate::harness::{Server, Setup, folder_with, pointers};

pub(super) const BOOKS: &str = "
type: books
id: uuid
page: {default: 2, maximum: 5}
attributes:
  type: object
  required: [title]
  additionalProperties: false
  properties:
    title: {type: string, minLength: 1}
    isbn: {type: [string, 'null']}
    pages: {type: integer, minimum: 1}
    published: {type: string, format: date}
indexes:
  - {attributes: [isbn], unique: true}
";

const COUNTRIES: &str = "
type: countries
singular: country
id: string
idAttribute: code
attributes: {type: object}
";

const INVOICES: &str = "
type: invoices
id: integer
attributes: {type: object}
";

pub(super) fn definitions() -> TempDir {
    folder_with(&[
        ("books.yaml", BOOKS),
        ("countries.yaml", COUNTRIES),
        ("invoices.yaml", INVOICES),
    ])
}

async fn server() -> (Server, TempDir) {
    let folder = definitions();
    (
        Setup::fresh().definitions(folder.path()).start().await,
        folder,
    )
}

fn document(of: &str, id: Option<&str>, attributes: &Value) -> Value {
    let mut data = json!({"type": of, "attributes": attributes});
    if let Some(id) = id {
        data["id"] = id.into();
    }
    json!({ "data": data })
}

#[tokio::test]
async fn declared_types_take_the_place_of_the_built_in_ones() {
    let (server, _definitions) = server().await;
    for path in ["/books", "/countries", "/invoices"] {
        assert_eq!(server.get(path).await.document(200)["data"], json!([]));
    }
    server.get("/contacts").await.error(404, "not_found");
}

#[tokio::test]
async fn a_closed_schema_names_all_that_it_refuses() {
    let (server, _definitions) = server().await;
    let bad = json!({"isbn": 5, "pages": 0, "published": "tomorrow", "colour": "red"});
    let names = ["", "/colour", "/isbn", "/pages", "/published"];
    let plain = server
        .send_plain(Method::POST, "/books", &bad)
        .await
        .errors(422);
    assert_eq!(pointers(&plain), names);
    let body = document("books", None, &bad);
    let answer = server.send_document(Method::POST, "/books", &body).await;
    let errors = answer.errors(422);
    assert_eq!(
        pointers(&errors),
        names.map(|name| format!("/data/attributes{name}"))
    );
    assert!(errors[0]["detail"].as_str().unwrap().contains("'title'"));
    let keywords: Vec<&Value> = errors
        .iter()
        .map(|error| &error["meta"]["keyword"])
        .collect();
    assert_eq!(
        keywords,
        [
            "required",
            "additionalProperties",
            "type",
            "minimum",
            "format"
        ]
    );
    let good = json!({"title": "Sylvie", "pages": 9, "published": "1889-12-13"});
    let created = server.send_plain(Method::POST, "/books", &good).await;
    // Only a type that says so repeats its id among the attributes.
    assert_eq!(created.data(201)["attributes"], good);
}

#[tokio::test]
async fn a_change_is_checked_with_what_is_there() {
    let (server, _definitions) = server().await;
    let book = json!({"title": "Sylvie", "pages": 9});
    let created = server.send_plain(Method::POST, "/books", &book).await;
    let url = format!("/books/{}", created.id(201));
    let bad = json!({"title": null, "pages": "many"});
    let answer = server.send_plain(Method::PATCH, &url, &bad).await;
    assert_eq!(pointers(&answer.errors(422)), ["/pages", "/title"]);
    let answer = server
        .send_plain(Method::PUT, &url, &json!({"pages": 3}))
        .await;
    assert_eq!(pointers(&answer.errors(422)), [""]);
    let answer = server
        .send_plain(Method::PATCH, &url, &json!({"pages": 10}))
        .await;
    assert_eq!(
        answer.data(200)["attributes"],
        json!({"title": "Sylvie", "pages": 10})
    );
}

#[tokio::test]
async fn a_page_has_the_size_that_the_definition_says() {
    let (server, _definitions) = server().await;
    for number in 0..3 {
        let book = json!({"title": format!("Volume {number}")});
        server
            .send_plain(Method::POST, "/books", &book)
            .await
            .document(201);
    }
    assert_eq!(ids(&server.get("/books").await.document(200)).len(), 2);
    assert_eq!(
        ids(&server.get("/books?page[size]=5").await.document(200)).len(),
        3
    );
    server
        .get("/books?page[size]=6")
        .await
        .error(400, "invalid_query_parameter");
}

#[tokio::test]
async fn uuids_are_the_clients_choice_or_the_servers() {
    let (server, _definitions) = server().await;
    let id = "0198c2a7-1b2c-7def-8123-456789abcdef";
    let body = document("books", Some(id), &json!({"title": "Sylvie"}));
    let answer = server.send_document(Method::POST, "/books", &body).await;
    assert_eq!(answer.id(201), id);
    assert_eq!(answer.header("location"), format!("/books/{id}"));
    let taken = server
        .send_document(Method::POST, "/books", &body)
        .await
        .error(409, "id_taken");
    assert_eq!(taken["source"]["pointer"], "/data/id");
    let made = server
        .send_plain(Method::POST, "/books", &json!({"title": "Bruno"}))
        .await
        .id(201);
    assert_eq!((made.len(), made.as_bytes()[14]), (36, b'7'), "{made}");
    let body = document("books", Some("not-a-uuid"), &json!({"title": "Bruno"}));
    server
        .send_document(Method::POST, "/books", &body)
        .await
        .error(400, "invalid_id");
    let error = server.get("/books/7").await.error(400, "invalid_id");
    assert_eq!(error["title"], "Invalid book id");
    let absent = server
        .get("/books/0198c2a7-1b2c-7def-8123-000000000000")
        .await;
    assert_eq!(absent.error(404, "not_found")["title"], "Book not found");
}

#[tokio::test]
async fn string_ids_are_the_clients_to_choose_and_survive_urls() {
    let (server, _definitions) = server().await;
    for id in ["ch", "a b/c?d#e%f", "Zürich", "...", "\"quoted\""] {
        let body = document("countries", Some(id), &json!({"name": id}));
        let answer = server
            .send_document(Method::POST, "/countries", &body)
            .await;
        let data = answer.data(201);
        assert_eq!(data["attributes"], json!({"code": id, "name": id}));
        let found = server.get(answer.header("location")).await;
        assert_eq!(found.data(200), data, "{id}");
        assert_eq!(
            server.delete(answer.header("location")).await.status,
            200,
            "{id}"
        );
    }
    let plain = json!({"code": "de", "name": "Germany"});
    assert_eq!(
        server
            .send_plain(Method::POST, "/countries", &plain)
            .await
            .id(201),
        "de"
    );
    let nameless = server
        .send_plain(Method::POST, "/countries", &json!({"name": "x"}))
        .await;
    assert_eq!(nameless.error(422, "id_missing")["source"]["pointer"], "");
}

#[tokio::test]
async fn ids_that_no_url_could_name_are_refused() {
    let (server, _definitions) = server().await;
    for id in [".", "..", "-", "", &"x".repeat(513)] {
        let body = document("countries", Some(id), &json!({}));
        let answer = server
            .send_document(Method::POST, "/countries", &body)
            .await;
        answer.error(400, "invalid_id");
    }
}

#[tokio::test]
async fn integer_ids_count_up_and_are_never_given_out_twice() {
    let (server, _definitions) = server().await;
    let create = async || {
        server
            .send_plain(Method::POST, "/invoices", &json!({}))
            .await
            .id(201)
    };
    assert_eq!(
        (create().await, create().await),
        ("1".to_owned(), "2".to_owned())
    );
    server.delete("/invoices/2").await.document(200);
    assert_eq!(create().await, "3");
    for id in ["0", "-1", "01", "1.0", "9223372036854775808"] {
        server
            .get(&format!("/invoices/{id}"))
            .await
            .error(400, "invalid_id");
    }
    let body = document("invoices", Some("9"), &json!({}));
    let answer = server.send_document(Method::POST, "/invoices", &body).await;
    answer.error(403, "client_id_not_allowed");
}

#[tokio::test]
async fn a_unique_index_makes_a_second_one_a_conflict() {
    let (server, _definitions) = server().await;
    let book = json!({"title": "Sylvie", "isbn": "978-0"});
    server
        .send_plain(Method::POST, "/books", &book)
        .await
        .document(201);
    let second = server.send_plain(Method::POST, "/books", &book).await;
    let error = second.error(409, "not_unique");
    assert_eq!(error["source"]["pointer"], "/isbn");
    assert!(
        error["detail"].as_str().unwrap().contains("isbn"),
        "{error}"
    );
    let other = json!({"title": "Bruno", "isbn": "978-1"});
    let url = format!(
        "/books/{}",
        server
            .send_plain(Method::POST, "/books", &other)
            .await
            .id(201)
    );
    for method in [Method::PATCH, Method::PUT] {
        server
            .send_plain(method, &url, &book)
            .await
            .error(409, "not_unique");
    }
    assert_eq!(server.get(&url).await.data(200)["attributes"], other);
    // Null and absent values never clash.
    for none in [json!({"title": "a", "isbn": null}), json!({"title": "b"})] {
        for _ in 0..2 {
            server
                .send_plain(Method::POST, "/books", &none)
                .await
                .document(201);
        }
    }
}

#[tokio::test]
async fn a_new_resource_has_the_defaults_of_what_it_does_not_bring() {
    let definition = "type: tasks\nattributes:\n  type: object\n  required: [state]\n  \
                      properties:\n    state: {type: string, default: open}\n    \
                      tags: {type: array, default: []}\n";
    let folder = folder_with(&[("tasks.yaml", definition)]);
    let server = Setup::fresh().definitions(folder.path()).start().await;
    let body = json!({"tags": ["a"]});
    let created = server.send_plain(Method::POST, "/tasks", &body).await;
    let created = created.data(201);
    assert_eq!(
        created["attributes"],
        json!({"tags": ["a"], "state": "open"})
    );
    let url = created["links"]["self"].as_str().unwrap();
    // Whoever replaces a resource says all of it.
    let replaced = server.send_plain(Method::PUT, url, &json!({})).await;
    replaced.error(422, "invalid_attribute");
}
