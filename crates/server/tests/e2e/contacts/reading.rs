//! Collections, pages and single resources.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ATTRIBUTES, NOBODY, attributes, created, ids, numbered};
use crate::harness::{Answer, JSON_API, Server, Setup};

#[tokio::test]
async fn an_empty_collection_is_one_empty_page() {
    let server = Server::start().await;
    let document = server.get("/contacts").await.document(200);
    assert_eq!(document["data"], json!([]));
    assert_eq!(document["meta"]["total"], 0);
    let page = "/contacts?page%5Bnumber%5D=1&page%5Bsize%5D=500";
    assert_eq!(
        document["links"],
        json!({"self": page, "first": page, "prev": null, "next": null, "last": page})
    );
}

#[tokio::test]
async fn the_order_of_a_collection_is_the_order_of_creation() {
    let server = Server::start().await;
    let created = numbered(&server, 20).await;
    // A change and a deletion leave the others where they were.
    let changed = format!("/contacts/{}", created[3]);
    let body = json!({"number": "changed"});
    server
        .send_plain(Method::PATCH, &changed, &body)
        .await
        .document(200);
    let gone = format!("/contacts/{}", created[7]);
    server.delete(&gone).await.document(200);
    let document = server.get("/contacts").await.document(200);
    let expected: Vec<&String> = created.iter().filter(|id| **id != created[7]).collect();
    assert_eq!(ids(&document).iter().collect::<Vec<_>>(), expected);
    assert_eq!(document["meta"]["total"], 19);
}

#[tokio::test]
async fn links_followed_to_the_end_partition_the_collection() {
    let server = Server::start().await;
    let created = numbered(&server, 25).await;
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    let mut previous = Value::Null;
    let mut next = json!("/contacts?page[size]=10");
    while let Some(url) = next.as_str() {
        let document = server.get(url).await.document(200);
        let links = &document["links"];
        let itself = server.get(links["self"].as_str().unwrap()).await;
        assert_eq!(itself.json()["data"], document["data"]);
        assert_eq!(links["prev"], previous, "{links}");
        assert_eq!(document["meta"]["total"], 25);
        sizes.push(ids(&document).len());
        seen.extend(ids(&document));
        previous = links["self"].clone();
        next = links["next"].clone();
        assert!(sizes.len() < 10, "the links go on for ever");
    }
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(seen, created);
}

#[tokio::test]
async fn first_and_last_lead_to_the_ends_from_every_page() {
    let server = Server::start().await;
    let created = numbered(&server, 7).await;
    for number in 1..=4 {
        let url = format!("/contacts?page[number]={number}&page[size]=2");
        let document = server.get(&url).await.document(200);
        let follow = async |name: &str| {
            let url = document["links"][name].as_str().unwrap().to_owned();
            ids(&server.get(&url).await.document(200))
        };
        assert_eq!(follow("first").await, created[..2]);
        assert_eq!(follow("last").await, created[6..]);
    }
}

#[tokio::test]
async fn a_page_past_the_end_is_empty_and_leads_back() {
    let server = Server::start().await;
    let created = numbered(&server, 3).await;
    let url = "/contacts?page[number]=9&page[size]=2";
    let document = server.get(url).await.document(200);
    assert_eq!(
        (&document["data"], &document["links"]["next"]),
        (&json!([]), &Value::Null)
    );
    let before = document["links"]["prev"].as_str().unwrap();
    assert_eq!(ids(&server.get(before).await.document(200)), created[2..]);
}

#[tokio::test]
async fn page_values_out_of_bounds_are_refused_by_name() {
    let server = Server::start().await;
    for (name, values) in [
        (
            "page[size]",
            ["0", "-1", "1001", "1.5", "ten", "", "99999999999999999999"],
        ),
        (
            "page[number]",
            ["0", "-1", "9223372036854775807", "1.5", "ten", "", "1e3"],
        ),
    ] {
        for value in values {
            let answer = server.get(&format!("/contacts?{name}={value}")).await;
            let error = answer.error(400, "invalid_query_parameter");
            assert_eq!(error["source"]["parameter"], name, "{value}");
        }
    }
}

#[tokio::test]
async fn the_sample_data_is_500_contacts_of_the_articles_shape() {
    let setup = Setup::fresh().arguments(["--sample-data"]);
    let server = setup.start().await;
    let document = server.get("/contacts").await.document(200);
    let contacts = document["data"].as_array().unwrap();
    assert_eq!(contacts.len(), 500);
    assert_eq!(document["meta"]["total"], 500);
    for contact in contacts {
        assert_eq!(contact["type"], "contacts");
        assert_eq!(contact["attributes"]["_id"], contact["id"]);
        for name in ATTRIBUTES {
            assert!(contact["attributes"][name].is_string(), "{name}: {contact}");
        }
    }
}

#[tokio::test]
async fn sample_data_never_touches_a_collection_that_has_data() {
    let server = Server::start().await;
    let store = server.store().clone();
    let created = numbered(&server, 1).await;
    assert!(server.terminate().await.success());
    let server = Setup::on(&store).arguments(["--sample-data"]).start().await;
    assert_eq!(ids(&server.get("/contacts").await.document(200)), created);
}

#[tokio::test]
async fn a_contact_is_found_by_its_own_link_with_its_id_as_an_attribute() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let document = server.get(&url).await.document(200);
    let id = document["data"]["id"].as_str().unwrap();
    assert_eq!(id.len(), 24);
    assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let expected = json!({
        "type": "contacts", "id": id, "links": {"self": url},
        "attributes": {"_id": id, "firstName": "Ada"}
    });
    assert_eq!(document["data"], expected);
    assert_eq!(document["links"]["self"], url);
    // Ids are compared by their value, not by their spelling.
    let shouted = format!("/contacts/{}", id.to_uppercase());
    assert_eq!(server.get(&shouted).await.data(200), expected);
}

#[tokio::test]
async fn an_unknown_contact_is_a_404_document() {
    let server = Server::start().await;
    let url = format!("/contacts/{NOBODY}");
    let body = json!({"city": "Brighton"});
    for answer in [
        server.get(&url).await,
        server.delete(&url).await,
        server.send_plain(Method::PATCH, &url, &body).await,
        server.send_plain(Method::PUT, &url, &body).await,
    ] {
        let error = answer.error(404, "not_found");
        assert_eq!(error["title"], "Contact not found");
        assert!(
            error["detail"].as_str().unwrap().contains(NOBODY),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_malformed_id_is_a_400_document() {
    let server = Server::start().await;
    let body = json!({"city": "Brighton"});
    for id in [
        "7",
        "zzzzzzzzzzzzzzzzzzzzzzzz",
        "ffffffffffffffffffffffff0",
        "%20",
    ] {
        let url = format!("/contacts/{id}");
        for answer in [
            server.get(&url).await,
            server.delete(&url).await,
            server.send_plain(Method::PATCH, &url, &body).await,
            server.send_plain(Method::PUT, &url, &body).await,
        ] {
            let error = answer.error(400, "invalid_id");
            assert_eq!(error["title"], "Invalid contact id");
        }
    }
    server
        .get("/contacts/%FF")
        .await
        .error(400, "malformed_url");
}

#[tokio::test]
async fn head_answers_like_get_without_the_body() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let absent = format!("/contacts/{NOBODY}");
    for (url, status) in [
        ("/contacts", 200),
        (url.as_str(), 200),
        (absent.as_str(), 404),
    ] {
        let get = server.get(url).await;
        let head = Answer::to(server.request(Method::HEAD, url)).await;
        assert_eq!((head.status, head.body.len()), (status, 0));
        assert_eq!(head.header("content-type"), JSON_API);
        assert_eq!(head.header("content-length"), get.body.len().to_string());
    }
}

#[tokio::test]
async fn what_is_stored_comes_back_as_it_was_sent() {
    let server = Server::start().await;
    let sent = json!({
        "zeta": 1, "alpha": {"nested": [1, 2.5, -3e-7, true, null, {"deep": []}]},
        "large": 9_007_199_254_740_993_u64, "text": "ü \u{1f600} \"quoted\" \\ \n\t"
    });
    let url = created(&server, &sent).await;
    let found = attributes(&server, &url).await;
    assert_eq!(found, sent);
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&found), names(&sent), "the order of the members");
}
