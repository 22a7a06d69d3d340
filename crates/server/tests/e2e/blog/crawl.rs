//! Every link that an answer shows leads somewhere.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

use super::blog;

/// More links than the blog can show; the crawl would not end beyond them.
const LINKS_MAX: usize = 3000;

#[tokio::test]
async fn every_link_of_every_answer_leads_somewhere() {
    let server = blog().await;
    let mut waiting: VecDeque<String> = [
        "/",
        "/articles?include=author,comments.author,tags&page[size]=4&page[comments][size]=2",
        "/people?include=articles,comments&page[articles][size]=1&sort[articles]=-title",
        "/comments?include=article.tags&page[size]=7",
        "/tags?include=articles&page[size]=2&filter[articles][views][gt]=100&page[articles][size]=1",
    ]
    .map(str::to_owned)
    .into();
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    while let Some(url) = waiting.pop_front() {
        let document = server.get(&url).await.document(200);
        for link in links(&document) {
            // What the root says of the Fibonacci numbers leads to a page for people.
            if link != "/fibonacci/docs" && seen.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
        assert!(seen.len() < LINKS_MAX, "the links have no end");
    }
    for url in [
        "/articles/12/author",
        "/tags/8/relationships/articles",
        "/comments/18",
    ] {
        assert!(seen.contains(url), "{url} was never shown");
    }
}

/// All links of a document.
fn links(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().flat_map(links).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match name.as_str() {
                "links" => targets(value),
                "attributes" => Vec::new(),
                _ => links(value),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn targets(links: &Value) -> Vec<String> {
    let target = |link: &Value| {
        let href = link.get("href").unwrap_or(link);
        href.as_str().map(str::to_owned)
    };
    links
        .as_object()
        .into_iter()
        .flat_map(|all| all.values())
        .filter_map(target)
        .collect()
}
