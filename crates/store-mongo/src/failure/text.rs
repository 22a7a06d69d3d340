//! What is said of an error of the driver, in logs and to operators.
//!
//! Servers repeat documents and their values in messages, and attributes are personal data. So an
//! error of the server is told by its name and its code alone; the server's own log has the rest.

use mongodb::error::{Error, ErrorKind, WriteFailure};

use super::refusal::{DUPLICATE_KEY, index_of_duplicate};

pub(crate) fn text(error: &Error) -> String {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => {
            answer(command.code, Some(&command.code_name), &command.message)
        }
        ErrorKind::Write(WriteFailure::WriteError(write)) => {
            answer(write.code, write.code_name.as_deref(), &write.message)
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(write)) => {
            unmet_concern(write.code, &write.code_name)
        }
        ErrorKind::InsertMany(many) => {
            let mut errors = many.write_errors.iter().flatten();
            match (&many.write_concern_error, errors.next()) {
                (Some(write), _) => unmet_concern(write.code, &write.code_name),
                (None, Some(write)) => {
                    answer(write.code, write.code_name.as_deref(), &write.message)
                }
                (None, None) => "an insert of several documents failed".to_owned(),
            }
        }
        ErrorKind::InvalidResponse { .. } => "the server sent an invalid reply".to_owned(),
        ErrorKind::Bson(_) => "the server sent BSON that cannot be read".to_owned(),
        // It names the mechanism, and may show more than that.
        ErrorKind::Authentication { .. } => "the server refused the authentication".to_owned(),
        // The driver's own texts: addresses, and how they were tried.
        other => messages_alone(&other.to_string()),
    }
}

fn unmet_concern(code: i32, name: &str) -> String {
    let answer = answer(code, Some(name), "");
    format!("done, but the write concern was not met: {answer}")
}

/// `WriteConflict (112)`, or `DuplicateKey (11000) in the index 'mail_1'`.
fn answer(code: i32, name: Option<&str>, message: &str) -> String {
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(char::is_alphanumeric);
    let known = match name.filter(is_name) {
        Some(name) => format!("{name} ({code})"),
        None => format!("code {code}"),
    };
    match index_of_duplicate(message).filter(|_| code == DUPLICATE_KEY) {
        Some(index) => format!("{known} in the index '{index}'"),
        None => known,
    }
}

/// A text in which the driver quotes errors as `Kind: …, labels: {}, source: None, server
/// response: None`, with their messages alone.
fn messages_alone(text: &str) -> String {
    const LABELS: &str = ", labels: {";
    const RESPONSE: &str = "server response: ";
    const NONE: &str = "None";
    let mut text = text.to_owned();
    // The first end is that of the innermost error.
    while let Some(begin) = text.find(LABELS) {
        let end = text[begin..]
            .find(RESPONSE)
            .map(|at| begin + at + RESPONSE.len());
        match end.filter(|end| text[*end..].starts_with(NONE)) {
            Some(end) => text.replace_range(begin..end + NONE.len(), ""),
            // What the server responded may hold documents, and has no end that can be found.
            None => text.truncate(begin),
        }
    }
    text.replace("Kind: ", "")
}

#[cfg(test)]
mod tests {
    use bson::{Document, doc};

    use super::*;

    fn said(document: Document) -> String {
        let command = bson::deserialize_from_document(document).unwrap();
        text(&ErrorKind::Command(command).into())
    }

    #[test]
    fn an_error_of_the_server_is_told_without_its_values() {
        for (code, name, message, known) in [
            (
                11000,
                "DuplicateKey",
                "E11000 duplicate key error collection: shop.users index: mail_1 dup key: { mail: \
                 \"s3cret\" }",
                "DuplicateKey (11000) in the index 'mail_1'",
            ),
            (
                11000,
                "DuplicateKey",
                "Plan executor error :: caused by :: E11000 duplicate key error collection: a.b \
                 index: a collation: { locale: \"s3cret\" } dup key: { c: \"s3cret\" }",
                "DuplicateKey (11000) in the index 'a'",
            ),
            (
                16755,
                "Location16755",
                "can't extract 's3cret'",
                "Location16755 (16755)",
            ),
            (1, "a s3cret", "s3cret", "code 1"),
            (1, "", "s3cret", "code 1"),
        ] {
            let answer = doc! { "code": code, "codeName": name, "errmsg": message };
            assert_eq!(said(answer), known);
        }
    }

    #[test]
    fn errors_within_the_text_of_another_are_told_without_what_servers_responded() {
        let inner = "Kind: I/O error: refused, labels: {}, source: None, server response: None";
        let nested = format!("none. Error: {inner}; Error: {inner}");
        assert_eq!(
            messages_alone(&nested),
            "none. Error: I/O error: refused; Error: I/O error: refused"
        );
        let quoted = "none. Kind: a, labels: {}, source: None, server response: Some({s3cret})";
        assert_eq!(messages_alone(quoted), "none. a");
    }

    #[test]
    fn a_server_that_is_away_is_described_without_the_innards_of_the_driver() {
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(
            text(&ErrorKind::from(error).into()),
            "I/O error: connection refused"
        );
    }
}
