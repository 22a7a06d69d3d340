//! Bodies that are refused, and with which words.

use reqwest::Method;
use serde_json::{Value, json};

use super::{NOBODY, attributes, created};
use crate::harness::{JSON_API, Server, Setup, Wire, contact, pointers};

/// The limit in tests of large bodies, in bytes.
const BYTES_MAX: usize = 4096;

async fn posted(server: &Server, media_type: &str, body: &str) -> crate::harness::Answer {
    server
        .send_text(Method::POST, "/contacts", media_type, body.to_owned())
        .await
}

async fn total(server: &Server) -> Value {
    server.get("/contacts").await.document(200)["meta"]["total"].clone()
}

#[tokio::test]
async fn malformed_json_is_refused_with_its_position() {
    let server = Server::start().await;
    for (body, line, column) in [
        ("{\n  \"city\": tru }", 2, 14),
        ("{\"city\": \"Brighton\"", 1, 19),
        ("", 1, 1),
        ("{} {}", 1, 4),
        ("{\"a\": 01}", 1, 8),
    ] {
        for media_type in [JSON_API, "application/json"] {
            let error = posted(&server, media_type, body)
                .await
                .error(400, "malformed_json");
            assert_eq!(error["meta"]["line"], line, "{body}: {error}");
            assert_eq!(error["meta"]["column"], column, "{body}: {error}");
            let place = format!("Line {line}, column {column}: ");
            assert!(
                error["detail"].as_str().unwrap().starts_with(&place),
                "{error}"
            );
        }
    }
    assert_eq!(total(&server).await, 0);
}

#[tokio::test]
async fn duplicate_members_are_refused_by_name() {
    let server = Server::start().await;
    let plain = r#"{"city":"Brighton","city":"Detroit"}"#;
    let escaped = r#"{"city":"Brighton","\u0063ity":"Detroit"}"#;
    let nested = r#"{"data":{"type":"contacts","attributes":{"a":{"city":1,"city":2}}}}"#;
    for (media_type, body) in [
        ("application/json", plain),
        ("application/json", escaped),
        (JSON_API, nested),
    ] {
        let error = posted(&server, media_type, body)
            .await
            .error(400, "duplicate_member");
        assert!(
            error["detail"].as_str().unwrap().contains("city"),
            "{error}"
        );
    }
    assert_eq!(total(&server).await, 0);
}

#[tokio::test]
async fn json_deeper_than_64_levels_is_refused() {
    let server = Server::start().await;
    // The object around the arrays is a level too.
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        format!("{{\"deep\":{open}{close}}}")
    };
    posted(&server, "application/json", &nested(64))
        .await
        .document(201);
    for levels in [65, 10_000] {
        let answer = posted(&server, "application/json", &nested(levels)).await;
        answer.error(400, "json_too_deep");
    }
    assert_eq!(total(&server).await, 1);
}

#[tokio::test]
async fn documents_of_the_wrong_shape_are_refused_with_pointers() {
    let server = Server::start().await;
    for (body, expected) in [
        (json!([]), vec![""]),
        (json!({"firstName": "Ada"}), vec![""]),
        (json!({"data": []}), vec!["/data"]),
        (json!({"data": {"attributes": {}}}), vec!["/data"]),
        (
            json!({"data": {"type": 1, "attributes": []}}),
            vec!["/data/type", "/data/attributes"],
        ),
        (
            json!({"data": {"type": "contacts", "relationships": {"boss": {"data": null}}}}),
            vec!["/data/relationships/boss"],
        ),
    ] {
        let answer = server.send_document(Method::POST, "/contacts", &body).await;
        let errors = answer.errors(400);
        assert_eq!(pointers(&errors), expected, "{body}");
    }
    for body in [json!([]), json!("text"), json!(null)] {
        let answer = server.send_plain(Method::POST, "/contacts", &body).await;
        answer.error(400, "malformed_document");
    }
}

#[tokio::test]
async fn a_document_sent_as_plain_json_is_not_stored_as_attributes() {
    let server = Server::start().await;
    let body = contact(&json!({"firstName": "Ada"}));
    let answer = server.send_plain(Method::POST, "/contacts", &body).await;
    let error = answer.error(400, "malformed_document");
    assert_eq!(error["source"]["header"], "Content-Type");
    assert_eq!(total(&server).await, 0);
}

#[tokio::test]
async fn every_violation_is_named_in_one_answer() {
    let server = Server::start().await;
    let bad = json!({"firstName": 7, "city": ["Brighton"], "zip": false, "lastName": "Abel"});
    let names = ["/city", "/firstName", "/zip"];
    let in_document = names.map(|name| format!("/data/attributes{name}"));
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let id = url.rsplit('/').next().unwrap();
    let new = contact(&bad);
    let change = json!({"data": {"type": "contacts", "id": id, "attributes": bad}});
    for (method, path, document) in [
        (Method::POST, "/contacts", new),
        (Method::PATCH, url.as_str(), change.clone()),
        (Method::PUT, url.as_str(), change),
    ] {
        let plain = server
            .send_plain(method.clone(), path, &bad)
            .await
            .errors(422);
        assert_eq!(pointers(&plain), names, "{method}");
        let answer = server.send_document(method.clone(), path, &document).await;
        let errors = answer.errors(422);
        assert_eq!(pointers(&errors), in_document, "{method}");
        for error in errors.iter().chain(&plain) {
            assert_eq!(
                (&error["status"], &error["code"]),
                (&json!("422"), &json!("invalid_attribute"))
            );
            assert_eq!(error["meta"]["keyword"], "type");
            // Attributes are personal data: an answer may end up in somebody's log.
            assert!(!error.to_string().contains("Brighton"), "{error}");
        }
    }
    assert_eq!(attributes(&server, &url).await, json!({"firstName": "Ada"}));
    assert_eq!(total(&server).await, 1);
}

#[tokio::test]
async fn attribute_names_that_no_store_could_keep_are_violations() {
    let server = Server::start().await;
    for name in ["$set", "a.b", ""] {
        let body = json!({ name: 1 });
        let answer = server.send_plain(Method::POST, "/contacts", &body).await;
        assert_eq!(pointers(&answer.errors(422)), [format!("/{name}")]);
    }
    for name in ["type", "id"] {
        let body = contact(&json!({ name: "x" }));
        let answer = server.send_document(Method::POST, "/contacts", &body).await;
        let error = answer.error(400, "malformed_document");
        assert_eq!(
            error["source"]["pointer"],
            format!("/data/attributes/{name}")
        );
    }
}

#[tokio::test]
async fn a_type_that_does_not_belong_here_is_a_conflict() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let id = url.rsplit('/').next().unwrap();
    let body = json!({"data": {"type": "people", "id": id, "attributes": {}}});
    for (method, path) in [
        (Method::POST, "/contacts"),
        (Method::PATCH, url.as_str()),
        (Method::PUT, url.as_str()),
    ] {
        let error = server
            .send_document(method, path, &body)
            .await
            .error(409, "type_conflict");
        assert_eq!(error["source"]["pointer"], "/data/type");
    }
}

#[tokio::test]
async fn another_id_than_that_of_the_url_is_a_conflict() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let id = url.rsplit('/').next().unwrap();
    let beside = json!({"data": {"type": "contacts", "id": NOBODY, "attributes": {}}});
    let among = json!({"data": {"type": "contacts", "id": id, "attributes": {"_id": NOBODY}}});
    for method in [Method::PATCH, Method::PUT] {
        for body in [&beside, &among] {
            let answer = server.send_document(method.clone(), &url, body).await;
            answer.error(409, "id_conflict");
        }
        let answer = server
            .send_plain(method.clone(), &url, &json!({"_id": NOBODY}))
            .await;
        let error = answer.error(409, "id_conflict");
        assert_eq!(error["source"]["pointer"], "/_id");
        let both = json!({"_id": id, "id": NOBODY});
        let answer = server.send_plain(method.clone(), &url, &both).await;
        assert_eq!(answer.error(409, "id_conflict")["source"]["pointer"], "/id");
        let shapeless = json!({"id": [id]});
        let answer = server.send_plain(method.clone(), &url, &shapeless).await;
        let error = answer.error(422, "invalid_attribute");
        assert_eq!(error["source"]["pointer"], "/id");
        let without = contact(&json!({"firstName": "Eve"}));
        let answer = server.send_document(method, &url, &without).await;
        answer.error(400, "malformed_document");
    }
    assert_eq!(attributes(&server, &url).await, json!({"firstName": "Ada"}));
}

#[tokio::test]
async fn the_id_of_a_contact_is_not_the_clients_to_choose() {
    let server = Server::start().await;
    let beside = json!({"data": {"type": "contacts", "id": NOBODY, "attributes": {}}});
    let among = contact(&json!({"_id": NOBODY}));
    for (body, pointer) in [(beside, "/data/id"), (among, "/data/attributes/_id")] {
        let answer = server.send_document(Method::POST, "/contacts", &body).await;
        let error = answer.error(403, "client_id_not_allowed");
        assert_eq!(error["source"]["pointer"], pointer);
    }
    let plain = json!({"_id": NOBODY, "firstName": "Ada"});
    let answer = server.send_plain(Method::POST, "/contacts", &plain).await;
    let error = answer.error(403, "client_id_not_allowed");
    assert_eq!(error["source"]["pointer"], "/_id");
    // Whatever stands there, and under either name.
    for (body, pointer) in [
        (json!({"id": NOBODY}), "/id"),
        (json!({"id": "mine"}), "/id"),
        (json!({"_id": 7}), "/_id"),
    ] {
        let answer = server.send_plain(Method::POST, "/contacts", &body).await;
        let error = answer.error(403, "client_id_not_allowed");
        assert_eq!(error["source"]["pointer"], pointer);
    }
    assert_eq!(total(&server).await, 0);
}

async fn with_small_limit() -> Server {
    let limit = BYTES_MAX.to_string();
    let setup = Setup::fresh().arguments(["--request-body-bytes-max", &limit]);
    setup.start().await
}

/// A plain body of exactly this many bytes.
fn body_of(bytes: usize) -> String {
    let frame = r#"{"city":""}"#.len();
    format!(r#"{{"city":"{}"}}"#, "x".repeat(bytes - frame))
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_its_length() {
    let server = with_small_limit().await;
    let largest = posted(&server, "application/json", &body_of(BYTES_MAX)).await;
    largest.document(201);
    let answer = posted(&server, "application/json", &body_of(BYTES_MAX + 1)).await;
    let error = answer.error(413, "body_too_large");
    assert!(
        error["detail"].as_str().unwrap().contains("4096"),
        "{error}"
    );
    assert_eq!(total(&server).await, 1);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_without_a_length_too() {
    let server = with_small_limit().await;
    for (bytes, status, code) in [
        (BYTES_MAX, "201", ""),
        (BYTES_MAX + 1, "413", "body_too_large"),
    ] {
        let mut wire = Wire::connect(server.address()).await;
        let head = "POST /contacts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                    content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        let body = body_of(bytes);
        wire.send(format!("{head}{bytes:x}\r\n{body}\r\n0\r\n\r\n"))
            .await;
        let answer = wire.read_to_end().await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(
            answer.contains(&format!("content-type: {JSON_API}\r\n")),
            "{answer}"
        );
        assert!(answer.contains(code), "{answer}");
    }
    assert_eq!(total(&server).await, 1);
}
