//! Attributes and relationships that clients must not see.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Server, Setup, folder_with};

const BOXES: &str = "
type: boxes
id: integer
attributes:
  type: object
  additionalProperties: OPEN
  properties:
    label: {type: string}
    secret: {type: string}
capabilities:
  secret: {readable: false}
relationships:
  owner: {type: boxes, readable: false}
  twin: {type: boxes}
";

async fn boxes(open: bool) -> Server {
    let text = BOXES.replace("OPEN", &open.to_string());
    let folder = folder_with(&[("boxes.yaml", &text)]);
    let server = Setup::fresh().definitions(folder.path()).start().await;
    let attributes = json!({"label": "a", "secret": "x"});
    let body = json!({"data": {"type": "boxes", "attributes": attributes}});
    let answer = server.send_document(Method::POST, "/boxes", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(!answer.text().contains("secret"), "{}", answer.text());
    server
}

/// What the server says, with the name that was asked for taken out.
async fn said(server: &Server, template: &str, name: &str) -> (u16, Value) {
    let url = template.replace('N', name);
    let answer = server.get(&url).await;
    let text = answer.text().replace(name, "N");
    (answer.status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn what_is_hidden_is_not_told_from_what_is_not_there() {
    for open in [false, true] {
        let server = boxes(open).await;
        for template in [
            "/boxes?filter[N]=x",
            "/boxes?filter[N][ne]=x",
            "/boxes?filter[N][startsWith]=x",
            "/boxes?filter[N][missing]=true",
            "/boxes?filter[N][null]=true",
            "/boxes?filter[N][size]=1",
            "/boxes?filter[N][count]=1",
            "/boxes?filter[N.label]=x",
            "/boxes?filter[twin.N]=x",
            "/boxes?filter=has(N)",
            "/boxes?filter=not(equals(N,'x'))",
            "/boxes?filter=has(twin,equals(N,'x'))",
            "/boxes?sort=N",
            "/boxes?sort=-twin.N",
            "/boxes?sort=N.label",
            "/boxes?fields[boxes]=N",
            "/boxes?fields[boxes]=label,N",
            "/boxes?include=N",
            "/boxes?include=twin.N",
            "/boxes?include=twin&filter[twin][N]=x",
            "/boxes?include=twin&sort[twin]=N",
            "/boxes/1?include=N",
            "/boxes/1/N",
            "/boxes/1/relationships/N",
        ] {
            let unknown = said(&server, template, "nowhere").await;
            for hidden in ["secret", "owner"] {
                let told = said(&server, template, hidden).await;
                assert_eq!(told, unknown, "{template} of {hidden}, open: {open}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_hidden_is_in_no_answer() {
    let server = boxes(true).await;
    for url in [
        "/boxes",
        "/boxes/1",
        "/boxes?include=twin",
        "/boxes/1?fields[boxes]=label,secret",
    ] {
        let answer = server.get(url).await;
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        let data = answer.json()["data"].to_string();
        assert!(data.contains("label"), "{data}");
        assert!(
            !data.contains("secret") && !data.contains("owner"),
            "{data}"
        );
    }
}
