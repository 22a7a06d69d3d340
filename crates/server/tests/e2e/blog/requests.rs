//! Ways to ask, and what is wrong with a request.

use reqwest::Method;
use serde_json::json;

use super::{blog, ids};
use crate::harness::Answer;

#[tokio::test]
async fn what_is_asked_in_a_body_is_answered_like_the_url() {
    let server = blog().await;
    let parameters = "filter=or(equals(author.name,'Ann Okafor'),lessThan(views,100))&sort=-views\
                      &page%5Bsize%5D=4&include=author";
    let asked = server
        .get(&format!("/articles?{parameters}"))
        .await
        .document(200);
    assert_eq!(ids(&asked), ["5", "3", "10", "1"]);
    let query = Method::from_bytes(b"QUERY").unwrap();
    for (method, url) in [(query, "/articles"), (Method::POST, "/articles/-/query")] {
        let form = "application/x-www-form-urlencoded";
        let answer = server
            .send_text(method.clone(), url, form, parameters)
            .await;
        assert_eq!(answer.document(200), asked, "{method}");
        let refused = server
            .send_text(method, url, "application/json", "{}")
            .await;
        let problem = refused.error(415, "unsupported_media_type");
        assert_eq!(problem["source"], json!({"header": "Content-Type"}));
    }
}

#[tokio::test]
async fn head_says_what_get_says_and_a_slash_at_the_end_changes_nothing() {
    let server = blog().await;
    for url in [
        "/articles",
        "/articles/1",
        "/articles/1/author",
        "/articles/1/relationships/tags",
    ] {
        let got = server.get(url).await;
        let head = Answer::to(server.request(Method::HEAD, url)).await;
        assert_eq!((head.status, head.text()), (200, ""), "{url}");
        assert_eq!(head.header("content-type"), got.header("content-type"));
        assert_eq!(
            server.get(&format!("{url}/")).await.json(),
            got.json(),
            "{url}"
        );
    }
}

/// The parameters of `/articles`, the one that is wrong, and what is told of it.
const MISTAKES: [(&str, &str, &str); 25] = [
    (
        "filter[nobody]=1",
        "filter[nobody]",
        "'articles' has no field 'nobody': filter[^nobody]=1",
    ),
    (
        "filter[views]=many",
        "filter[views]",
        "'views' takes an integer, such as 5: filter[views]=^many",
    ),
    (
        "filter[views][contains]=1",
        "filter[views][contains]",
        "'views' is no text",
    ),
    (
        "filter[title][size]=1",
        "filter[title][size]",
        "'title' is no array",
    ),
    (
        "filter[publishedAt][gt]=yesterday",
        "filter[publishedAt][gt]",
        "a date with its time",
    ),
    ("filter[title][like]=x", "filter[title][like]", "like"),
    (
        "filter=equals(views,'x')",
        "filter",
        "filter=equals(views,^'x')",
    ),
    ("filter=has(title)", "filter", "'title' is no relationship"),
    ("filter=count(tags)", "filter", "^"),
    (
        "filter[author]=abc",
        "filter[author]",
        "filter[author]=^abc",
    ),
    (
        "filter=and(equals(views,1),has(comments,equals(nobody,'x')))",
        "filter",
        "'comments' has no field 'nobody'",
    ),
    (
        "sort=nobody",
        "sort",
        "'articles' has no field 'nobody': ^nobody",
    ),
    ("sort=comments.body", "sort", "^comments.body"),
    ("sort=author", "sort", "'author' is a relationship"),
    (
        "include=nobody",
        "include",
        "'articles' has no relationship 'nobody': ^nobody",
    ),
    (
        "include=author.title",
        "include",
        "'people' has no relationship 'title'",
    ),
    (
        "fields[articles]=nobody",
        "fields[articles]",
        "'articles' has no field 'nobody'",
    ),
    (
        "fields[nobody]=title",
        "fields[nobody]",
        "There is no type 'nobody'",
    ),
    ("page[number]=0", "page[number]", "integer from 1"),
    ("page[total]=maybe", "page[total]", "true or false"),
    (
        "page[comments][size]=1",
        "page[comments][size]",
        "page[comments][size]",
    ),
    (
        "include=comments&page[comments][size]=0",
        "page[comments][size]",
        "integer from 1",
    ),
    (
        "include=comments&sort[comments]=author.name",
        "sort[comments]",
        "own attributes",
    ),
    ("limit=5", "limit", "page[size]"),
    ("sort=title&sort=views", "sort", "more than once"),
];

#[tokio::test]
async fn a_mistake_is_a_400_with_its_parameter_and_its_place() {
    let server = blog().await;
    for (query, parameter, told) in MISTAKES {
        let answer = server.get(&format!("/articles?{query}")).await;
        let problem = answer.error(400, "invalid_query_parameter");
        assert_eq!(problem["source"]["parameter"], parameter, "{query}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(told), "{query}: {detail}");
    }
    let nobody = server.get("/articles/99/comments").await;
    nobody.error(404, "not_found");
    server
        .get("/articles/1/title")
        .await
        .error(404, "relationship_not_found");
    let paged = server.get("/articles/1/author?page[size]=1").await;
    paged.error(400, "invalid_query_parameter");
}

#[tokio::test]
async fn an_error_links_to_a_page_about_its_code() {
    let server = blog().await;
    for url in [
        "/articles?sort=nobody",
        "/articles/99",
        "/articles/1/nobody",
        "/nowhere",
        "/articles?page[size]=101",
    ] {
        let answer = server.get(url).await;
        let error = answer.errors(answer.status)[0].clone();
        let about = error["links"]["about"].as_str().unwrap();
        let page = server.get(about).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, "text/plain; charset=utf-8")
        );
        let code = error["code"].as_str().unwrap();
        let status = format!("{code}\n\nStatus: {}", answer.status);
        assert!(page.text().starts_with(&status), "{url}: {}", page.text());
    }
    server
        .get("/-/errors/nothing")
        .await
        .error(404, "not_found");
}
