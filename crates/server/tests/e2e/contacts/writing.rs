//! Create, change, replace, delete.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{attributes, created, numbered};
use crate::harness::{Answer, JSON_API, Server, contact};

#[tokio::test]
async fn a_created_contact_stands_at_its_location() {
    let server = Server::start().await;
    let wanted = json!({"firstName": "Ada", "lastName": "Abel"});
    let plain = server.send_plain(Method::POST, "/contacts", &wanted).await;
    let body = contact(&wanted);
    let document = server.send_document(Method::POST, "/contacts", &body).await;
    for answer in [plain, document] {
        let data = answer.data(201);
        let location = answer.header("location");
        assert_eq!(data["links"]["self"], location);
        assert_eq!(answer.json()["links"]["self"], location);
        assert_eq!(server.get(location).await.data(200), data);
        assert_eq!(attributes(&server, location).await, wanted);
    }
    assert_eq!(
        server.get("/contacts").await.document(200)["meta"]["total"],
        2
    );
}

#[tokio::test]
async fn plain_bodies_may_say_their_charset() {
    let server = Server::start().await;
    let media_type = "application/json; charset=utf-8";
    let body = r#"{"firstName":"Zoë"}"#;
    let answer = server
        .send_text(Method::POST, "/contacts", media_type, body)
        .await;
    assert_eq!(answer.data(201)["attributes"]["firstName"], "Zoë");
}

#[tokio::test]
async fn a_contact_without_attributes_is_a_contact() {
    let server = Server::start().await;
    let body = json!({"data": {"type": "contacts"}});
    let document = server.send_document(Method::POST, "/contacts", &body).await;
    let plain = server
        .send_plain(Method::POST, "/contacts", &json!({}))
        .await;
    for answer in [document, plain] {
        let data = answer.data(201);
        assert_eq!(data["attributes"], json!({"_id": data["id"]}));
    }
}

#[tokio::test]
async fn patch_sets_what_is_named_and_leaves_the_rest() {
    let server = Server::start().await;
    let before = json!({"firstName": "Ada", "city": "Brighton", "zip": "48116", "tags": [1]});
    let changes = json!({"city": "Detroit", "zip": null, "phone1": "555-0100"});
    let after = json!({
        "firstName": "Ada", "city": "Detroit", "zip": null, "tags": [1], "phone1": "555-0100"
    });
    let url = created(&server, &before).await;
    let answer = server.send_plain(Method::PATCH, &url, &changes).await;
    assert_eq!(answer.data(200), server.get(&url).await.data(200));
    assert_eq!(attributes(&server, &url).await, after);

    let url = created(&server, &before).await;
    let id = url.rsplit('/').next().unwrap();
    let body = json!({"data": {"type": "contacts", "id": id, "attributes": changes}});
    let answer = server.send_document(Method::PATCH, &url, &body).await;
    assert_eq!(answer.data(200), server.get(&url).await.data(200));
    assert_eq!(attributes(&server, &url).await, after);
}

#[tokio::test]
async fn patch_without_attributes_changes_nothing() {
    let server = Server::start().await;
    let before = json!({"firstName": "Ada"});
    let url = created(&server, &before).await;
    server
        .send_plain(Method::PATCH, &url, &json!({}))
        .await
        .document(200);
    assert_eq!(attributes(&server, &url).await, before);
}

#[tokio::test]
async fn put_replaces_all_that_was_there() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada", "city": "Brighton"})).await;
    let after = json!({"lastName": "Abel"});
    let answer = server.send_plain(Method::PUT, &url, &after).await;
    assert_eq!(answer.data(200), server.get(&url).await.data(200));
    assert_eq!(attributes(&server, &url).await, after);
    let id = url.rsplit('/').next().unwrap();
    let after = json!({"city": "Detroit"});
    let body = json!({"data": {"type": "contacts", "id": id, "attributes": after}});
    server
        .send_document(Method::PUT, &url, &body)
        .await
        .document(200);
    assert_eq!(attributes(&server, &url).await, after);
}

#[tokio::test]
async fn an_answer_can_be_sent_back_as_it_came() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let document = server.get(&url).await.document(200);
    for method in [Method::PATCH, Method::PUT] {
        let answer = server.send_document(method.clone(), &url, &document).await;
        assert_eq!(answer.document(200), document, "{method}");
        let plain = &document["data"]["attributes"];
        let answer = server.send_plain(method, &url, plain).await;
        assert_eq!(answer.document(200), document);
    }
}

#[tokio::test]
async fn a_deleted_contact_is_gone() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let id = url.rsplit('/').next().unwrap();
    let document = server.delete(&url).await.document(200);
    assert_eq!(
        document["meta"]["deleted"],
        json!({"type": "contacts", "id": id})
    );
    server.get(&url).await.error(404, "not_found");
    server.delete(&url).await.error(404, "not_found");
    assert_eq!(
        server.get("/contacts").await.document(200)["meta"]["total"],
        0
    );
}

#[tokio::test]
async fn undeclared_attributes_are_kept() {
    let server = Server::start().await;
    let wanted = json!({"firstName": "Ada", "nickname": "Countess", "tags": {"vip": true}});
    let url = created(&server, &wanted).await;
    assert_eq!(attributes(&server, &url).await, wanted);
    let changes = json!({"shoeSize": 38});
    server
        .send_plain(Method::PATCH, &url, &changes)
        .await
        .document(200);
    let found = attributes(&server, &url).await;
    assert_eq!(
        (&found["shoeSize"], &found["nickname"]),
        (&json!(38), &json!("Countess"))
    );
}

#[tokio::test]
async fn concurrent_patches_lose_nothing() {
    const CLIENTS: usize = 30;
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let mut patches = JoinSet::new();
    for client in 0..CLIENTS {
        let body = json!({ format!("from{client}"): client }).to_string();
        let request = server.request(Method::PATCH, &url).body(body);
        patches.spawn(Answer::to(
            request.header("content-type", "application/json"),
        ));
    }
    for answer in patches.join_all().await {
        answer.document(200);
    }
    let found = attributes(&server, &url).await;
    assert_eq!(found["firstName"], "Ada");
    for client in 0..CLIENTS {
        assert_eq!(found[format!("from{client}")], client, "{found}");
    }
}

#[tokio::test]
async fn concurrent_creations_are_all_there_with_ids_of_their_own() {
    const CLIENTS: usize = 40;
    let server = Server::start().await;
    let mut creations = JoinSet::new();
    for client in 0..CLIENTS {
        let body = contact(&json!({"number": client})).to_string();
        let request = server.request(Method::POST, "/contacts").body(body);
        creations.spawn(Answer::to(request.header("content-type", JSON_API)));
    }
    let answers = creations.join_all().await;
    let mut created: Vec<String> = answers.iter().map(|answer| answer.id(201)).collect();
    let document = server.get("/contacts").await.document(200);
    let mut found = super::ids(&document);
    created.sort();
    found.sort();
    assert_eq!(found, created);
    found.dedup();
    assert_eq!(found.len(), CLIENTS);
}

#[tokio::test]
async fn of_concurrent_deletions_one_succeeds() {
    let server = Server::start().await;
    let url = format!("/contacts/{}", numbered(&server, 1).await[0]);
    let mut deletions = JoinSet::new();
    for _ in 0..8 {
        deletions.spawn(Answer::to(server.request(Method::DELETE, &url)));
    }
    let answers = deletions.join_all().await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 404, 404]);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let server = Server::start().await;
    let store = server.store().clone();
    numbered(&server, 5).await;
    let before: Value = server.get("/contacts").await.document(200);
    assert!(server.terminate().await.success());
    let server = crate::harness::Setup::on(&store).start().await;
    assert_eq!(server.get("/contacts").await.document(200), before);
}
