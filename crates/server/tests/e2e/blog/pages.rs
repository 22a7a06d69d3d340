//! Orders and pages, by number and by cursor.

use reqwest::Method;
use serde_json::{Value, json};

use super::{blog, ids};
use crate::harness::{Answer, JSON_API, Server};

const PROFILE: &str = "https://jsonapi.org/profiles/ethanresnick/cursor-pagination";

/// A page by cursor, as a client asks for it that names the profile.
async fn by_cursor(server: &Server, url: &str) -> Answer {
    let accept = format!("{JSON_API};profile=\"{PROFILE}\"");
    Answer::to(server.request(Method::GET, url).header("accept", accept)).await
}

/// A page by cursor.
async fn page(server: &Server, url: &str) -> Value {
    let answer = by_cursor(server, url).await;
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    let media_type = answer.header("content-type");
    assert_eq!(
        media_type,
        format!("{JSON_API};profile=\"{PROFILE}\""),
        "{url}"
    );
    let document = answer.json();
    for link in ["prev", "next"] {
        assert!(document["links"].get(link).is_some(), "{url}: no {link}");
    }
    document
}

/// All ids from this page on, where `link` leads.
async fn walk(server: &Server, url: &str, link: &str) -> Vec<Vec<String>> {
    let (mut pages, mut url) = (Vec::new(), url.to_owned());
    loop {
        let document = page(server, &url).await;
        pages.push(ids(&document));
        match document["links"][link].as_str() {
            Some(next) => next.clone_into(&mut url),
            None => return pages,
        }
        assert!(pages.len() < 50, "the pages have no end");
    }
}

#[tokio::test]
async fn lists_are_sorted_by_attributes_and_by_those_of_related_resources() {
    let server = blog().await;
    for (sort, expected) in [
        ("title", "1 4 7 9 2 12 8 10 5 6 11 3"),
        ("-views,title", "5 3 10 1 6 4 9 2 7 11 12 8"),
        // Null and missing stand before all dates.
        ("publishedAt,-id", "12 11 1 2 3 4 5 6 7 8 9 10"),
        ("-publishedAt,-id", "10 9 8 7 6 5 4 3 2 1 12 11"),
        ("author.name,-views", "12 5 3 10 1 6 9 2 11 4 7 8"),
        ("-id", "12 11 10 9 8 7 6 5 4 3 2 1"),
    ] {
        let url = format!("/articles?sort={sort}&page[size]=100");
        let document = server.get(&url).await.document(200);
        assert_eq!(ids(&document).join(" "), expected, "{sort}");
    }
}

#[tokio::test]
async fn pages_by_number_are_linked_and_counted() {
    let server = blog().await;
    let document = server
        .get("/articles?page[number]=2&page[size]=5&sort=id")
        .await
        .document(200);
    assert_eq!(ids(&document), ["6", "7", "8", "9", "10"]);
    assert_eq!(document["meta"]["total"], 12);
    for (link, number) in [
        ("first", 1),
        ("prev", 1),
        ("self", 2),
        ("next", 3),
        ("last", 3),
    ] {
        let url = format!("/articles?sort=id&page%5Bnumber%5D={number}&page%5Bsize%5D=5");
        assert_eq!(document["links"][link], url.as_str(), "{link}");
    }
    let past = server
        .get("/articles?page[number]=9&page[size]=5")
        .await
        .document(200);
    assert_eq!(past["data"], json!([]));
    assert_eq!(past["links"]["next"], Value::Null);
    let before = past["links"]["prev"].as_str().unwrap();
    assert_eq!(ids(&server.get(before).await.document(200)), ["11", "12"]);
    let uncounted = server
        .get("/articles?page[size]=5&page[total]=false")
        .await
        .document(200);
    assert_eq!(
        uncounted.get("meta").and_then(|meta| meta.get("total")),
        None
    );
    assert_eq!(uncounted["links"].get("last"), None);
    assert!(uncounted["links"]["next"].is_string());
}

#[tokio::test]
async fn cursors_walk_a_sorted_list_forward_and_back() {
    let server = blog().await;
    for sort in [
        "sort=title",
        // Without an order of its own a list by cursor is in that of the ids.
        "sort=id",
        "filter[views][gte]=0",
        "sort=-publishedAt",
        "sort=author.name",
        "sort=views,-title",
        "sort=-id",
    ] {
        let url = format!("/articles?{sort}&page[size]=100");
        let whole = ids(&server.get(&url).await.document(200));
        let url = format!("/articles?{sort}&page[size]=5");
        let pages = walk(&server, &url, "next").await;
        assert_eq!(pages.concat(), whole, "{sort}");
        assert_eq!(
            pages.iter().map(Vec::len).collect::<Vec<_>>(),
            [5, 5, 2],
            "{sort}"
        );
        let mut last = page(&server, &url).await;
        while let Some(next) = last["links"]["next"].as_str() {
            last = page(&server, next).await;
        }
        let back = last["links"]["prev"].as_str().unwrap();
        let mut pages = walk(&server, back, "prev").await;
        pages.reverse();
        assert_eq!(pages.concat(), whole[..10], "{sort}");
    }
}

#[tokio::test]
async fn a_cursor_outlives_its_resource() {
    let server = blog().await;
    let first = page(&server, "/comments?page[size]=3&sort=-body").await;
    let gone = ids(&first)[2].clone();
    let next = first["links"]["next"].as_str().unwrap();
    let expected = ids(&page(&server, next).await);
    assert_eq!(
        server.delete(&format!("/comments/{gone}")).await.status,
        200
    );
    let second = page(&server, next).await;
    assert_eq!(ids(&second), expected);
    let back = second["links"]["prev"].as_str().unwrap();
    assert_eq!(ids(&page(&server, back).await), ids(&first)[..2]);
}

#[tokio::test]
async fn a_cursor_of_a_relationship_outlives_a_change_of_its_linkage() {
    let server = blog().await;
    let next = async |url: &str| {
        let first = page(&server, url).await;
        first["links"]["next"].as_str().unwrap().to_owned()
    };
    let resources = next("/articles/1/tags?page[size]=1").await;
    let linkage = next("/articles/1/relationships/tags?page[size]=1").await;
    let more = json!({"data": [{"type": "tags", "id": "8"}]});
    let url = "/articles/1/relationships/tags";
    let added = server.send_document(Method::POST, url, &more).await;
    assert!(added.status < 300, "{}", added.text());
    for url in [resources, linkage] {
        assert_eq!(
            walk(&server, &url, "next").await.concat(),
            ["2", "8"],
            "{url}"
        );
    }
}

#[tokio::test]
async fn the_cursor_of_each_item_is_a_place_to_go_on_from() {
    let server = blog().await;
    let whole = page(&server, "/articles?sort=title&fields[articles]=views").await;
    let cursor = |at: usize| {
        whole["data"][at]["meta"]["page"]["cursor"]
            .as_str()
            .unwrap()
    };
    let after = format!(
        "/articles?sort=title&page[size]=2&page[after]={}",
        cursor(3)
    );
    assert_eq!(ids(&page(&server, &after).await), ids(&whole)[4..6]);
    let before = format!(
        "/articles?sort=title&page[size]=2&page[before]={}",
        cursor(3)
    );
    assert_eq!(ids(&page(&server, &before).await), ids(&whole)[1..3]);
    let range = format!(
        "/articles?sort=title&page[after]={}&page[before]={}",
        cursor(1),
        cursor(5)
    );
    let all = page(&server, &range).await;
    assert_eq!(ids(&all), ids(&whole)[2..5]);
    assert_eq!(all["meta"]["page"].get("rangeTruncated"), None);
    let cut = page(&server, &format!("{range}&page[size]=2")).await;
    assert_eq!(ids(&cut), ids(&whole)[2..4]);
    assert_eq!(cut["meta"]["page"]["rangeTruncated"], true);
    assert_eq!(
        cut["links"]["prev"],
        Value::Null,
        "a range begins behind its first cursor"
    );
    let rest = page(&server, cut["links"]["next"].as_str().unwrap()).await;
    assert_eq!(
        (ids(&rest), &rest["links"]["next"]),
        (ids(&whole)[4..5].to_vec(), &Value::Null)
    );
}

#[tokio::test]
async fn a_cursor_is_refused_where_it_was_not_made() {
    let server = blog().await;
    let list = page(&server, "/articles?sort=title&filter[views][gt]=100").await;
    let cursor = list["data"][1]["meta"]["page"]["cursor"].as_str().unwrap();
    let own = format!("/articles?sort=title&filter[views][gt]=100&page[after]={cursor}");
    assert_eq!(server.get(&own).await.status, 200);
    for url in [
        format!("/articles?sort=-title&filter[views][gt]=100&page[after]={cursor}"),
        format!("/articles?sort=title&filter[views][gt]=101&page[after]={cursor}"),
        format!("/articles?sort=title&page[after]={cursor}"),
        format!("/people/1/articles?sort=title&filter[views][gt]=100&page[after]={cursor}"),
        format!(
            "/articles?sort=title&filter[views][gt]=100&page[after]={}",
            &cursor[1..]
        ),
        "/articles?page[after]=garbage".to_owned(),
        "/articles?page[after]=".to_owned(),
    ] {
        let problem = server.get(&url).await.error(400, "invalid_query_parameter");
        assert_eq!(problem["source"]["parameter"], "page[after]", "{url}");
    }
    let both = format!("{own}&page[number]=2");
    let problem = server
        .get(&both)
        .await
        .error(400, "invalid_query_parameter");
    assert_eq!(problem["source"]["parameter"], "page[number]");
    let large = by_cursor(&server, "/articles?page[size]=101").await;
    let problem = &large.json()["errors"][0];
    assert_eq!(problem["source"]["parameter"], "page[size]");
    assert_eq!(problem["meta"]["page"]["maxSize"], 100);
    assert_eq!(
        problem["links"]["type"],
        format!("{PROFILE}/max-size-exceeded")
    );
}

#[tokio::test]
async fn what_applies_to_an_answer_is_said_each_time() {
    let server = blog().await;
    let list = page(&server, "/articles?sort=title").await;
    let cursor = list["data"][1]["meta"]["page"]["cursor"].as_str().unwrap();
    let url = format!("/articles?sort=title&page[after]={cursor}");
    let first = server.get(&url).await;
    assert!(first.header("content-type").contains(PROFILE));
    for _ in 0..2 {
        let again = server.get(&url).await;
        assert_eq!(again.header("content-type"), first.header("content-type"));
        assert_eq!(again.json(), first.json());
    }
}
