//! Related types, as a client meets them that writes.

// Relationships in the bodies of resources.
mod resources;
// Requests for relationships themselves.
mod linkage;
// What becomes of those that name a deleted resource.
mod deletion;
// Tags of versions, and headers that name them.
mod conditions;
// Fields that clients cannot set or change.
mod fields;
// Attributes that the server makes.
mod timestamps;
// Several operations in one request.
mod atomic;
// Requests that are sent again under their keys.
mod retries;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, Setup, folder_with};

const PEOPLE: &str = "
type: people
singular: person
id: string
attributes: {type: object}
relationships:
  articles: {type: articles, inverse: author}
";

const ARTICLES: &str = "
type: articles
id: string
attributes:
  type: object
  properties: {title: {type: string}, views: {type: integer}, code: {type: string}}
  required: [title]
capabilities:
  code: {changeable: false}
  views: {settable: false}
relationships:
  author: {type: people}
  origin: {type: articles, member: from, changeable: false, onDelete: clear}
  tags: {type: tags, kind: many, onDelete: clear}
  comments: {type: comments, inverse: article}
";

const COMMENTS: &str = "
type: comments
id: string
attributes: {type: object}
relationships:
  article: {type: articles, onDelete: cascade}
  answers: {type: comments, onDelete: cascade}
  owners: {type: people, kind: many}
";

const TAGS: &str = "type: tags\nid: integer\nattributes: {type: object}\n";

const RULES: &str = "type: rules\nid: string\nifMatch: required\nattributes: {type: object}
relationships: {tags: {type: tags, kind: many, onDelete: clear}}\n";

/// A server of these types. There are the people `ada` and `bob` and the tags 1 to 3.
async fn blog() -> Server {
    blog_on(Setup::fresh()).await
}

async fn blog_on(setup: Setup) -> Server {
    let folder = folder_with(&[
        ("people.yaml", PEOPLE),
        ("articles.yaml", ARTICLES),
        ("comments.yaml", COMMENTS),
        ("tags.yaml", TAGS),
        ("rules.yaml", RULES),
    ]);
    let server = setup.definitions(folder.path()).start().await;
    for id in ["ada", "bob"] {
        create(&server, "people", id, json!({})).await;
    }
    for _ in 0..3 {
        let made = server.send_plain(Method::POST, "/tags", &json!({})).await;
        made.data(201);
    }
    server
}

/// Creates a resource from a plain body with this id.
async fn create(server: &Server, name: &str, id: &str, mut body: Value) -> Value {
    body["id"] = json!(id);
    if name == "articles" {
        body["title"] = json!(id);
    }
    let path = format!("/{name}");
    server
        .send_plain(Method::POST, &path, &body)
        .await
        .data(201)
}

/// Sends a document with this primary data.
async fn send(server: &Server, method: Method, path: &str, data: Value) -> Answer {
    let body = json!({ "data": data });
    server.send_document(method, path, &body).await
}

fn identifier(name: &str, id: &str) -> Value {
    json!({"type": name, "id": id})
}

fn identifiers(name: &str, ids: &[&str]) -> Value {
    ids.iter().map(|id| identifier(name, id)).collect()
}

/// The linkage of a relationship.
async fn linkage(server: &Server, resource: &str, relationship: &str) -> Value {
    let url = format!("{resource}/relationships/{relationship}");
    server.get(&url).await.data(200)
}

#[track_caller]
fn pointer(error: &Value) -> &str {
    error["source"]["pointer"].as_str().expect("a pointer")
}
