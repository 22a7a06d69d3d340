//! What docs/filters.md says is found.

use std::path::Path;

use super::{blog, ids};

#[tokio::test]
async fn each_example_finds_what_the_page_about_filters_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/filters.md");
    let text = std::fs::read_to_string(path).unwrap();
    let server = blog().await;
    let mut count = 0;
    for row in text.lines().filter(|line| line.starts_with("| `/")) {
        let (example, expected) = row[3..].split_once("` | ").unwrap();
        let (list, filter) = example.split_once(' ').unwrap();
        let url = format!("{list}?page[size]=100&sort=id&{filter}");
        let found = server.get(&url).await.document(200);
        assert_eq!(
            ids(&found).join(" "),
            expected.trim_end_matches(" |"),
            "{example}"
        );
        count += 1;
    }
    assert!(count > 30, "{count} examples");
}
