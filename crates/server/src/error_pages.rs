//! `GET /-/errors/{code}`: what the code of an error means, for those who follow its link.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use jsonapi::{ERROR_PAGES, Error};

/// The page that people read, which has a row for each code.
const SOURCE: &str = include_str!("../../../docs/errors.md");

pub(crate) fn router() -> Router {
    Router::new().route(&format!("{ERROR_PAGES}/{{code}}"), get(answer))
}

async fn answer(Path(code): Path<String>) -> Response {
    match page(&code) {
        Some(page) => page.into_response(),
        None => Error::new(StatusCode::NOT_FOUND, "not_found", "Nothing here")
            .detail("There is no such error code.")
            .into_response(),
    }
}

/// The page about a code, as plain text.
fn page(code: &str) -> Option<String> {
    let named = format!("`{code}`");
    let mut rows = SOURCE.lines().filter_map(columns);
    let (status, codes, meaning) =
        rows.find(|(_, codes, _)| codes.split(", ").any(|one| one == named))?;
    let others: Vec<&str> = codes.split(", ").filter(|one| *one != named).collect();
    let mut page = format!("{code}\n\nStatus: {status}\nWhen: {meaning}\n");
    if !others.is_empty() {
        let others = others.join(", ");
        page.extend(["Told together with: ", &others, "\n"]);
    }
    Some(page.replace('`', ""))
}

/// A row of the table, whose first column is a status.
fn columns(line: &str) -> Option<(&str, &str, &str)> {
    let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
    if !row.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut columns = row.splitn(3, " | ");
    Some((columns.next()?, columns.next()?, columns.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_the_status_and_the_meaning_of_its_code_alone() {
        let text = page("id_missing").unwrap();
        assert!(
            text.starts_with("id_missing\n\nStatus: 422\nWhen: the client"),
            "{text}"
        );
        let text = page("id_taken").unwrap();
        assert!(text.contains("Told together with: type_conflict, id_conflict, not_unique\n"));
        for nothing in [
            "",
            "id",
            "code",
            "---",
            "ID_TAKEN",
            "`id_taken`",
            "id_taken, not_unique",
        ] {
            assert_eq!(page(nothing), None, "{nothing}");
        }
    }
}
