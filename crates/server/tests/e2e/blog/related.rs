//! What related resources look like: URLs, linkage, and documents that include them.

use serde_json::{Value, json};

use super::{blog, ids, included};

#[tokio::test]
async fn a_relationship_has_a_url_for_its_resources_and_one_for_its_linkage() {
    let server = blog().await;
    let get = async |url: &str| server.get(url).await.document(200);
    let author = get("/articles/1/author").await;
    assert_eq!(author["data"]["attributes"]["name"], "Ann Okafor");
    assert_eq!(author["links"]["self"], "/articles/1/author");
    assert_eq!(get("/articles/12/author").await["data"], Value::Null);
    assert_eq!(
        ids(&get("/articles/1/comments").await),
        ["1", "2", "3", "4"]
    );
    assert_eq!(ids(&get("/tags/8/articles").await), [""; 0]);
    assert_eq!(ids(&get("/people/3/articles").await), ["4", "7", "8"]);

    let linkage = get("/articles/1/relationships/author").await;
    assert_eq!(linkage["data"], json!({"type": "people", "id": "1"}));
    assert_eq!(linkage["links"]["related"], "/articles/1/author");
    let none = get("/articles/12/relationships/author").await;
    assert_eq!(none["data"], Value::Null);
    let many = get("/articles/1/relationships/tags").await;
    let tags = json!([{"type": "tags", "id": "1"}, {"type": "tags", "id": "2"}]);
    assert_eq!((&many["data"], &many["meta"]["total"]), (&tags, &json!(2)));
    let inverse = get("/articles/2/relationships/comments").await;
    assert_eq!(ids(&inverse), ["5", "6"]);
}

#[tokio::test]
async fn related_urls_take_what_a_collection_takes() {
    let server = blog().await;
    let get = async |url: &str| server.get(url).await.document(200);
    let found = get("/people/1/articles?sort=-views&fields[articles]=title&include=tags").await;
    assert_eq!(ids(&found), ["5", "3", "10", "1"]);
    assert_eq!(
        found["data"][0]["attributes"],
        json!({"title": "Sourdough in a cold kitchen"})
    );
    assert_eq!(included(&found), ["tags 1", "tags 2", "tags 6"]);
    let found = get("/articles/5/comments?filter[author]=3,4&page[size]=1&page[number]=2").await;
    assert_eq!(
        (ids(&found), &found["meta"]["total"]),
        (vec!["15".to_owned()], &json!(2))
    );
    let found = get("/articles/1/tags?filter[name][startsWith]=b").await;
    assert_eq!(ids(&found), ["2"]);
}

#[tokio::test]
async fn linkage_takes_filters_orders_pages_and_includes_of_its_own() {
    let server = blog().await;
    let get = async |url: &str| server.get(url).await.document(200);
    let sorted = get("/articles/3/relationships/tags?sort=-name").await;
    assert_eq!(ids(&sorted), ["6", "1"]);
    let found = get("/articles/3/relationships/tags?filter[name]=weather&include=tags").await;
    assert_eq!(
        (ids(&found), included(&found)),
        (vec!["6".to_owned()], vec!["tags 6".to_owned()])
    );
    let page = get("/articles/3/relationships/comments?page[size]=3&page[number]=2").await;
    assert_eq!(
        (ids(&page), &page["links"]["next"]),
        (vec!["10".to_owned()], &Value::Null)
    );
    let deep = get("/articles/2/relationships/comments?include=comments.author").await;
    assert_eq!(
        included(&deep),
        ["comments 5", "comments 6", "people 1", "people 4"]
    );
    let other = server
        .get("/articles/2/relationships/comments?include=author")
        .await;
    assert_eq!(
        other.error(400, "invalid_query_parameter")["source"]["parameter"],
        "include"
    );
}

#[tokio::test]
async fn linkage_stands_in_its_stored_order_with_and_without_a_filter() {
    let server = blog().await;
    let tags = ["7", "3", "5", "1"].map(|id| json!({"type": "tags", "id": id}));
    let body = json!({"data": tags});
    let url = "/articles/12/relationships/tags";
    let changed = server
        .send_document(reqwest::Method::PATCH, url, &body)
        .await;
    assert!(changed.status < 300, "{}", changed.text());
    let get = async |url: &str| server.get(url).await.document(200);
    assert_eq!(ids(&get(url).await), ["7", "3", "5", "1"]);
    let narrowed = "/articles/12?include=tags&filter[tags][name][ne]=maps&page[tags][size]=2";
    let narrowed = get(narrowed).await;
    let tags = &narrowed["data"]["relationships"]["tags"];
    assert_eq!(
        (ids(tags), &tags["meta"]["total"]),
        (vec!["7".into(), "3".into()], &json!(3))
    );
    let next = tags["links"]["next"].as_str().unwrap();
    assert_eq!(ids(&get(next).await), ["1"], "{next}");
}

#[tokio::test]
async fn what_is_included_is_linked_and_stands_there_once() {
    let server = blog().await;
    let get = async |url: &str| server.get(url).await.document(200);
    let url = "/articles?include=author.articles,comments.author,tags&page[size]=100";
    let document = get(url).await;
    let mut all = included(&document);
    all.extend(document["data"].as_array().unwrap().iter().map(super::name));
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "no resource stands there twice");
    assert_eq!(count, 12 + 30 + 5 + 7, "all but the tag that nobody uses");

    let none = get("/tags/8?include=articles.author").await;
    assert_eq!(none["included"], json!([]));
    assert_eq!(none["data"]["relationships"]["articles"]["data"], json!([]));
    let without = get("/articles/12?include=author").await;
    assert_eq!(
        without["data"]["relationships"]["author"]["data"],
        Value::Null
    );
    assert_eq!(get("/articles/1?include=").await["included"], json!([]));
    assert_eq!(get("/articles/1").await.get("included"), None);
}

#[tokio::test]
async fn a_path_may_come_back_to_where_it_began_whatever_fields_are_shown() {
    let server = blog().await;
    let url = "/articles/9?include=comments.article.tags&fields[articles]=title";
    let document = server.get(url).await.document(200);
    assert_eq!(
        included(&document),
        ["comments 24", "comments 25", "tags 1", "tags 6"]
    );
    let url = "/articles?filter[id]=9&include=comments.article.tags&fields[articles]=title";
    let document = server.get(url).await.document(200);
    assert_eq!(
        included(&document),
        ["comments 24", "comments 25", "tags 1", "tags 6"]
    );
    let attributes = &document["data"][0]["attributes"];
    assert_eq!(
        *attributes,
        json!({"title": "Fog, and how to hear through it"})
    );
}

#[tokio::test]
async fn an_included_relationship_is_filtered_sorted_and_cut_by_itself() {
    let server = blog().await;
    let url = "/articles?filter[id][in]=5,10&include=comments&sort[comments]=-body\
               &filter[comments]=has(author)&page[comments][size]=2";
    let document = server.get(url).await.document(200);
    let comments = |at: usize| &document["data"][at]["relationships"]["comments"];
    assert_eq!(
        (ids(comments(0)), ids(comments(1))),
        (
            vec!["14".into(), "16".into()],
            vec!["26".to_owned(), "27".into()]
        )
    );
    assert_eq!(comments(0)["meta"]["total"], 4);
    assert_eq!(comments(0)["links"]["prev"], Value::Null);
    let next = comments(0)["links"]["next"].as_str().unwrap();
    assert!(
        next.starts_with("/articles/5/relationships/comments?"),
        "{next}"
    );
    let next = server.get(next).await.document(200);
    assert_eq!(ids(&next), ["17", "15"]);
    assert_eq!(
        included(&document),
        ["comments 14", "comments 16", "comments 26", "comments 27"]
    );
}

#[tokio::test]
async fn fields_choose_attributes_and_relationships_of_each_type() {
    let server = blog().await;
    let url = "/articles/1?include=author&fields[articles]=views,author&fields[people]=email";
    let document = server.get(url).await.document(200);
    assert_eq!(document["data"]["attributes"], json!({"views": 1840}));
    let shown: Vec<_> = document["data"]["relationships"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(shown, ["author"]);
    let author = &document["included"][0];
    assert_eq!(author["attributes"], json!({"email": "ann@blog.example"}));
    assert_eq!(author.get("relationships"), None);
    let nothing = server
        .get("/articles/1?fields[articles]=")
        .await
        .document(200);
    assert_eq!(nothing["data"].get("relationships"), None);
    assert!(
        nothing["data"]
            .get("attributes")
            .is_none_or(|one| *one == json!({}))
    );
}
