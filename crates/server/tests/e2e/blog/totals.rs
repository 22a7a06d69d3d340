//! Whether lists are counted.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Setup, folder_with};

#[tokio::test]
async fn lists_are_counted_as_their_definition_says() {
    let text = |name: &str| format!("type: {name}\ntotals: NAME\nattributes: {{type: object}}\n");
    let definition = |totals: &str| text(&totals.to_lowercase()).replace("NAME", totals);
    let files =
        ["always", "onRequest", "never"].map(|name| (format!("{name}.yaml"), definition(name)));
    let files: Vec<_> = files
        .iter()
        .map(|(file, text)| (&**file, &**text))
        .collect();
    let folder = folder_with(&files);
    let server = Setup::fresh().definitions(folder.path()).start().await;
    for name in ["always", "onrequest", "never"] {
        for _ in 0..3 {
            let path = format!("/{name}");
            let made = server.send_plain(Method::POST, &path, &json!({})).await;
            made.data(201);
        }
        for (asked, is_counted) in [
            ("", name == "always"),
            ("&page[total]=false", false),
            ("&page[total]=true", true),
        ] {
            let answer = server.get(&format!("/{name}?page[size]=2{asked}")).await;
            if name == "never" && is_counted {
                let error = answer.error(400, "invalid_query_parameter");
                assert_eq!(error["source"]["parameter"], "page[total]");
                continue;
            }
            let document = answer.document(200);
            let total = is_counted.then(|| json!(3));
            assert_eq!(
                document["meta"].get("total"),
                total.as_ref(),
                "{name}{asked}"
            );
            // Whoever does not count knows that there is a next page, and not which is the last.
            assert!(document["links"]["next"].is_string(), "{name}{asked}");
            let last = document["links"].get("last");
            assert_eq!(
                last.is_some_and(Value::is_string),
                is_counted,
                "{name}{asked}"
            );
        }
    }
}
