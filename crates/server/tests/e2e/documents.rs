//! What README.md and docs/ tell people to type, and what they say comes of it.

pub(crate) mod page;

use std::path::Path;

use reqwest::{Method, StatusCode};

use crate::harness::{Answer, Invocation, Server, Setup};

/// A fenced block of a document: its language and its text.
struct Block {
    language: String,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(document);
    let document = std::fs::read_to_string(&path).unwrap();
    let mut lines = document.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        // A block inside a list is indented as the list is.
        let indentation = line.len() - line.trim_start().len();
        if let Some(language) = line[indentation..].strip_prefix("```") {
            let inside = lines
                .by_ref()
                .map(|line| line.get(indentation..).unwrap_or_default());
            let text: Vec<&str> = inside.take_while(|line| *line != "```").collect();
            blocks.push(Block {
                language: language.to_owned(),
                text: text.join("\n"),
            });
        }
    }
    blocks
}

/// The path of a curl command's URL.
fn path(command: &str) -> &str {
    let url = command.split("http://localhost:8000").nth(1);
    let url = url.unwrap_or_default();
    url.split(['\'', ' ', '\n']).next().unwrap()
}

/// The body of a curl command.
fn body(command: &str) -> String {
    let data = command.split_once("-d '").unwrap().1;
    data.trim_end_matches('\'').to_owned()
}

#[tokio::test]
async fn the_first_page_is_true() {
    page::is_true("README.md").await;
}

#[tokio::test]
async fn the_definitions_of_the_guide_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks("docs/resources.md");
    let definitions: Vec<&Block> = blocks
        .iter()
        // The other blocks show a part of a definition, or one of a shelf.
        .filter(|block| block.language == "yaml" && block.text.contains("\nattributes:"))
        .filter(|block| !block.text.starts_with("# shelf/"))
        .collect();
    assert_eq!(definitions.len(), 2);
    for (number, definition) in definitions.iter().enumerate() {
        std::fs::write(
            folder.path().join(format!("{number}.yaml")),
            &definition.text,
        )
        .unwrap();
    }
    let server = Setup::fresh().definitions(folder.path()).start().await;
    creates(&server, &blocks).await;
    let notes = server.request(Method::GET, "/notes").send().await.unwrap();
    assert_eq!(notes.status(), StatusCode::OK);
}

#[test]
fn the_shelf_of_the_guide_has_no_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks("docs/resources.md");
    let shelf = blocks
        .iter()
        .filter_map(|block| block.text.strip_prefix("# shelf/"));
    for file in shelf {
        let (name, definition) = file.split_once('\n').unwrap();
        std::fs::write(folder.path().join(name), definition).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    let outcome = Invocation::new(&["resources", "check", path]).run();
    assert_eq!(outcome.output().lines().count(), 2);
}

#[tokio::test]
async fn the_request_of_the_api_page_creates_a_contact() {
    let blocks = blocks("docs/api.md");
    let server = Setup::fresh().start().await;
    creates(&server, &blocks).await;
}

#[tokio::test]
async fn the_requests_of_the_api_page_about_relations_are_done() {
    let blocks = blocks("docs/api.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/blog");
    let blog = Setup::fresh().definitions(&folder);
    let server = blog.arguments(["--sample-data"]).start().await;
    for (place, status) in [("/relationships/tags", 204), ("/operations", 200)] {
        let is_wanted =
            |block: &&Block| block.text.starts_with("curl") && path(&block.text).ends_with(place);
        let example = &blocks.iter().find(is_wanted).unwrap().text;
        let media_type = example.split_once("Content-Type: ").unwrap().1;
        let media_type = media_type.split_once('\'').unwrap().0;
        let request = server.request(Method::POST, path(example));
        let request = request
            .header("Content-Type", media_type)
            .body(body(example));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{example}");
    }
}

#[tokio::test]
async fn the_request_of_the_api_page_that_is_sent_again_is_answered_again() {
    let blocks = blocks("docs/api.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/blog");
    let server = Setup::fresh().definitions(&folder).start().await;
    let is_wanted = |block: &&Block| block.text.contains("Idempotency-Key: ");
    let example = &blocks.iter().find(is_wanted).unwrap().text;
    let key = example.split_once("Idempotency-Key: ").unwrap().1;
    let key = key.split_once('\'').unwrap().0;
    let mut bodies = Vec::new();
    for (key, replayed) in [(key, ""), (key, "true"), (&format!("\"{key}\""), "true")] {
        let request = server
            .request(Method::POST, path(example))
            .body(body(example));
        let request = request.header("Content-Type", "application/json");
        let answer = Answer::to(request.header("Idempotency-Key", key)).await;
        assert_eq!(answer.header("idempotency-replayed"), replayed);
        bodies.push(answer.data(201));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

/// Sends the first request of a page that creates a resource.
async fn creates(server: &Server, blocks: &[Block]) {
    let posts = |block: &&Block| block.text.starts_with("curl -X POST");
    let example = &blocks.iter().find(posts).unwrap().text;
    let request = server
        .request(Method::POST, path(example))
        .body(body(example));
    let json = request.header("Content-Type", "application/json");
    let created = json.send().await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
}

#[test]
fn the_mistakes_of_the_guide_are_reported_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let definitions = folder.path().join("definitions");
    std::fs::create_dir(&definitions).unwrap();
    let broken = "type: books\nsingular: book\ncolection: shop_books\nattributes:\n  \
                  type: object\n  required: [title]\n  additionalProperties: false\n  \
                  properties:\n    title: {type: txt}\n";
    std::fs::write(definitions.join("books.yaml"), broken).unwrap();
    let blocks = blocks("docs/resources.md");
    let said = blocks
        .iter()
        .find(|block| block.text.starts_with("definitions/books.yaml"));
    let outcome = Invocation::new(&["resources", "check", definitions.to_str().unwrap()]).run();
    assert_eq!(outcome.code, 64);
    let place = format!("{}/", folder.path().display());
    assert!(
        outcome
            .stderr
            .replace(&place, "")
            .contains(&said.unwrap().text),
        "{}",
        outcome.stderr
    );
}
