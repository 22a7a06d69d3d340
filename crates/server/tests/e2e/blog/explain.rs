//! What the store would do for a list.

use std::path::Path;

use super::blog;
use crate::harness::{Invocation, Outcome, Store};

fn explain(store: &Store, url: &str) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/blog");
    let definitions = folder.display().to_string();
    let command = ["explain", url, "--resources", &definitions];
    Invocation::new(&command).on(store).run()
}

#[tokio::test]
async fn the_plan_of_any_list_is_shown_with_a_warning_where_it_is_costly() {
    let server = blog().await;
    let store = server.store().clone();
    assert!(server.terminate().await.success());
    for (url, is_costly) in [
        ("/articles?filter[title]=A zip can be mended", Some(false)),
        ("/articles?filter=equals(body,'x')&sort=body", Some(true)),
        ("http://127.0.0.1:8000/people/1/articles?sort=-views", None),
        ("/people/1/relationships/articles?page[size]=2", None),
        ("/articles/1/tags?filter[name]=bread", None),
        ("articles", None),
    ] {
        let shown = explain(&store, url);
        let plan: serde_json::Value = serde_json::from_str(shown.output()).unwrap();
        assert!(plan.is_array() || plan.is_object(), "{url}: {plan}");
        // The Python stand-in of MongoDB looks at the whole collection for a page (decision 0007).
        if let Some(is_costly) = is_costly.filter(|is_costly| *is_costly || !crate::ON_MONGODB) {
            let is_warned = shown.stderr.contains("warning: ");
            assert_eq!(is_warned, is_costly, "{url}: {shown:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_list_or_would_be_refused_is_told() {
    let server = blog().await;
    let store = server.store().clone();
    assert!(server.terminate().await.success());
    for (url, told) in [
        (
            "/articles?filter[nobody]=1",
            "'articles' has no field 'nobody': filter[^nobody]=1",
        ),
        ("/articles?page[size]=0", "'page[size]' takes an integer"),
        ("/nothing", "no resource type"),
        ("/articles/1", "the URL of no list"),
        ("/articles/1/author", "the URL of no list"),
        ("/articles/99/tags", "no resource with the id '99'"),
        ("/articles/1/nobody", "no relationship 'nobody'"),
        ("nobody", "no resource type 'nobody'"),
    ] {
        explain(&store, url).fails_with(2, &[told]);
    }
}
