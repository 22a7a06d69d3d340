//! A server that was away at the start and then does not have what the definition declares.

use mongodb::Client;
use mongodb::bson::{Document, doc};
use reqwest::Method;
use serde_json::json;
use test_servers::OwnServer;

use super::{until, uri};
use crate::harness::{LOOK_INTERVAL, Setup, folder_with};

const USERS: &str = "type: users\nattributes: {type: object}\n\
                     indexes: [{attributes: [mail], unique: true}]\n";

#[tokio::test]
async fn nothing_is_stored_before_a_unique_index_is_there_to_refuse_it() {
    let mut mongodb = OwnServer::started(&[]);
    let uri = uri(&mongodb, "");
    let client = Client::with_uri_str(&uri).await.unwrap();
    let users = client.database("shop").collection::<Document>("users");
    users
        .insert_many([doc! { "mail": "a" }, doc! { "mail": "a" }])
        .await
        .unwrap();
    mongodb.kill();

    let folder = folder_with(&[("users.yaml", USERS)]);
    let setup = Setup::fresh().variable("MONGO_URI", &uri);
    let server = setup.definitions(folder.path()).start_unready().await;
    until(&server, "/users", 503).await;
    mongodb.start();
    // Reads need no index.
    until(&server, "/users", 200).await;
    let mut readiness = until(&server, "/readiness", 503).await;
    while !readiness.text().contains("unprepared") {
        tokio::time::sleep(LOOK_INTERVAL).await;
        readiness = until(&server, "/readiness", 503).await;
    }
    let body = json!({"mail": "b"});
    let refused = server.send_plain(Method::POST, "/users", &body).await;
    refused.error(503, "datastore_unprepared");
    assert!(refused.headers.contains_key("retry-after"));

    users.delete_one(doc! {}).await.unwrap();
    until(&server, "/readiness", 200).await;
    let created = server.send_plain(Method::POST, "/users", &body).await;
    created.document(201);
    let again = server.send_plain(Method::POST, "/users", &body).await;
    again.error(409, "not_unique");
}

#[tokio::test]
async fn many_types_wait_for_an_absent_server_side_by_side() {
    let mongodb = OwnServer::absent();
    let definitions = (0..12).map(|number| {
        let definition = format!("type: things-{number}\nattributes: {{type: object}}\n");
        (format!("things-{number}.yaml"), definition)
    });
    let definitions: Vec<_> = definitions.collect();
    let files: Vec<_> = definitions
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let folder = folder_with(&files);
    let setup = Setup::fresh().variable("MONGO_URI", &uri(&mongodb, ""));
    // One after the other they would take longer than the start of a process may.
    let server = setup.definitions(folder.path()).start_unready().await;
    until(&server, "/liveness", 200).await;
}
