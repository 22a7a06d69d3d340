//! Users and passwords.

use mongodb::Client;
use mongodb::bson::doc;
use test_servers::OwnServer;

use super::{is_refused, process_on, uri, works};
use crate::harness::{Invocation, SOON};

/// As it is, and as it stands in a connection string.
const PASSWORD: [&str; 2] = ["s3cret/p@ss:word", "s3cret%2Fp%40ss%3Aword"];
const WRONG: [&str; 2] = ["another/p@ss:word", "another%2Fp%40ss%3Aword"];

/// A server that knows one user, `ada`.
async fn guarded() -> OwnServer {
    let mut server = OwnServer::started(&[]);
    let patient = format!("&serverSelectionTimeoutMS={}", SOON.as_millis());
    let operator = Client::with_uri_str(uri(&server, &patient)).await.unwrap();
    let roles = ["readWriteAnyDatabase"];
    let create = doc! { "createUser": "ada", "pwd": PASSWORD[0], "roles": roles };
    let admin = operator.database("admin");
    admin.run_command(create).await.unwrap();
    operator.shutdown().immediate(true).await;
    server.kill();
    server.options = vec!["--auth".into()];
    server.start();
    server
}

fn with_password(server: &OwnServer, password: &str) -> String {
    let uri = uri(server, "&authSource=admin");
    uri.replacen("://", &format!("://ada:{password}@"), 1)
}

#[tokio::test]
async fn the_right_password_opens_and_others_do_not() {
    let mongodb = guarded().await;
    let right = process_on(&with_password(&mongodb, PASSWORD[1])).await;
    works(&right).await;
    let wrong = process_on(&with_password(&mongodb, WRONG[1])).await;
    is_refused(&wrong, "the server refused the authentication", &WRONG).await;
    for secret in PASSWORD {
        assert!(
            !right.log().text().contains(secret),
            "the log shows {secret}"
        );
    }
    let nobody = Invocation::new(&["export", "contacts"])
        .variable("MONGO_URI", &uri(&mongodb, ""))
        .run();
    nobody.fails_with(64, &["the server does not allow it", "connection string"]);
}

#[tokio::test]
async fn commands_with_a_wrong_password_end_with_69_and_show_none() {
    let mongodb = guarded().await;
    works(&process_on(&with_password(&mongodb, PASSWORD[1])).await).await;
    for arguments in [
        &["export", "contacts"][..],
        &["import", "contacts", "-", "--format", "json"],
        &["indexes", "contacts"],
    ] {
        let outcome = Invocation::new(arguments)
            .variable("MONGO_URI", &with_password(&mongodb, WRONG[1]))
            .input("[{}]")
            .run();
        outcome.fails_with(69, &["the server refused the authentication"]);
        for secret in WRONG {
            assert!(!format!("{outcome:?}").contains(secret), "{outcome:?}");
        }
    }
}
