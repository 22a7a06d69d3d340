//! Media types, methods and query parameters.

use reqwest::Method;
use serde_json::{Value, json};

use super::{NOBODY, created};
use crate::harness::{Answer, JSON_API, Server, Setup, contact};

#[tokio::test]
async fn bodies_of_other_media_types_are_refused() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let body = contact(&json!({"firstName": "Eve"})).to_string();
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/vnd.api+json; charset=utf-8",
        "application/vnd.api+json; ext=\"https://jsonapi.org/ext/unknown\"",
        "nonsense",
    ] {
        for (method, path) in [
            (Method::POST, "/contacts"),
            (Method::PATCH, url.as_str()),
            (Method::PUT, url.as_str()),
        ] {
            let answer = server
                .send_text(method, path, media_type, body.clone())
                .await;
            let error = answer.error(415, "unsupported_media_type");
            assert_eq!(error["source"]["header"], "Content-Type", "{media_type}");
        }
    }
    let request = server.request(Method::POST, "/contacts").body(body);
    Answer::to(request)
        .await
        .error(415, "unsupported_media_type");
}

#[tokio::test]
async fn clients_that_do_not_take_json_api_are_told_so() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    for accept in [
        "text/html",
        "application/vnd.api+json; charset=utf-8",
        "application/vnd.api+json; ext=\"urn:x\"",
        "application/vnd.api+json;q=0",
    ] {
        for path in ["/contacts", url.as_str()] {
            let request = server.request(Method::GET, path).header("accept", accept);
            let error = Answer::to(request).await.error(406, "not_acceptable");
            assert_eq!(error["source"]["header"], "Accept", "{accept}");
        }
    }
    for accept in [
        "*/*",
        "application/json",
        "application/vnd.api+json",
        "application/vnd.api+json; profile=\"urn:nobody-knows\"",
        "application/vnd.api+json; charset=utf-8, application/vnd.api+json",
        "text/html, */*;q=0.1",
    ] {
        let request = server.request(Method::GET, &url).header("accept", accept);
        Answer::to(request).await.document(200);
    }
}

#[tokio::test]
async fn answers_vary_by_what_the_client_accepts() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let absent = format!("/contacts/{NOBODY}");
    for path in ["/contacts", url.as_str(), absent.as_str()] {
        let answer = server.get(path).await;
        assert_eq!(
            answer.header("vary").to_ascii_lowercase(),
            "accept",
            "{path}"
        );
        assert_eq!(answer.header("content-type"), JSON_API);
    }
}

#[tokio::test]
async fn unknown_query_parameters_are_refused_by_name() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    for name in [
        "sorted",
        "page[offset]",
        "foo[bar]",
        "Page[size]",
        "utm_source",
    ] {
        let encoded = name.replace('[', "%5B").replace(']', "%5D");
        for (method, path) in [
            (Method::GET, "/contacts"),
            (Method::POST, "/contacts"),
            (Method::GET, url.as_str()),
            (Method::PATCH, url.as_str()),
            (Method::PUT, url.as_str()),
            (Method::DELETE, url.as_str()),
        ] {
            let path = format!("{path}?{encoded}=x");
            let answer = server.send_plain(method.clone(), &path, &json!({})).await;
            let error = answer.error(400, "invalid_query_parameter");
            assert_eq!(error["source"]["parameter"], name, "{method} {path}");
        }
    }
    server.get(&url).await.document(200);
    let twice = server.get("/contacts?page[size]=1&page%5Bsize%5D=2").await;
    twice.error(400, "invalid_query_parameter");
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_there_are() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    let cases = [
        (
            "/contacts",
            vec!["GET", "HEAD", "POST", "QUERY"],
            vec!["DELETE", "PATCH", "PUT"],
        ),
        (
            url.as_str(),
            vec!["DELETE", "GET", "HEAD", "PATCH", "PUT"],
            vec!["POST"],
        ),
    ];
    for (path, allowed, refused) in cases {
        for method in refused {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = Answer::to(server.request(method.clone(), path)).await;
            answer.error(405, "method_not_allowed");
            let allow = answer.header("allow");
            let mut methods: Vec<&str> = allow.split(',').map(str::trim).collect();
            methods.sort_unstable();
            assert_eq!(methods, allowed, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn paths_that_there_are_not_are_404_documents() {
    let server = Server::start().await;
    for path in ["/contact", "/contacts/1/2/3", "/nowhere"] {
        server.get(path).await.error(404, "not_found");
    }
    let unknown = server.get("/contacts/1/friends").await;
    unknown.error(404, "relationship_not_found");
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_is_tolerated() {
    let server = Server::start().await;
    let url = created(&server, &json!({"firstName": "Ada"})).await;
    for path in ["/contacts/".to_owned(), format!("{url}/")] {
        server.get(&path).await.document(200);
    }
}

#[tokio::test]
async fn the_front_door_leads_to_every_service_that_runs() {
    let server = Server::start().await;
    let document = server.get("/").await.document(200);
    let link = |service: &Value| {
        let id = service["id"].as_str().unwrap().to_owned();
        (id, service["links"]["self"].as_str().unwrap().to_owned())
    };
    let links: Vec<_> = document["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(link)
        .collect();
    let ids: Vec<_> = links.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["fibonacci", "contacts"]);
    let page = server
        .request(Method::GET, "/")
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let page = Answer::to(page).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for (_, link) in links {
        assert!(page.text().contains(&format!("href=\"{link}\"")), "{link}");
        let status = server.get(&link).await.status;
        assert!([200, 302].contains(&status), "{link}: {status}");
    }
    let posted = Answer::to(server.request(Method::POST, "/")).await;
    posted.error(405, "method_not_allowed");
    assert_eq!(server.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn a_service_alone_is_the_only_one_at_the_front_door() {
    let server = Setup::fresh().arguments(["contacts"]).start().await;
    let document = server.get("/").await.document(200);
    assert_eq!(document["data"].as_array().unwrap().len(), 1);
    assert_eq!(document["data"][0]["id"], "contacts");
}
