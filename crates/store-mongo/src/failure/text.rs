//! What is said of an error of the driver, in logs and to operators.
//!
//! Servers repeat documents and their values in messages, and attributes are personal data. No
//! list of such messages is ever complete, so only the beginning of a message is kept, up to the
//! first character with which a value could begin.

use mongodb::error::{Error, ErrorKind, WriteFailure};

const DUPLICATE_KEY: i32 = 11000;

pub(in super::super) fn text(error: &Error) -> String {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => {
            answer(command.code, Some(&command.code_name), &command.message)
        }
        ErrorKind::Write(WriteFailure::WriteError(write)) => {
            answer(write.code, write.code_name.as_deref(), &write.message)
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(write)) => {
            let answer = answer(write.code, Some(&write.code_name), &write.message);
            format!("done, but the write concern was not met: {answer}")
        }
        ErrorKind::InsertMany(many) => {
            let errors = many.write_errors.iter().flatten();
            let worst = errors.min_by_key(|error| error.code == DUPLICATE_KEY);
            let concern = many.write_concern_error.as_ref();
            match (concern, worst) {
                (Some(write), _) => {
                    let answer = answer(write.code, Some(&write.code_name), &write.message);
                    format!("done, but the write concern was not met: {answer}")
                }
                (None, Some(write)) => {
                    answer(write.code, write.code_name.as_deref(), &write.message)
                }
                (None, None) => "an insert of several documents failed".to_owned(),
            }
        }
        ErrorKind::InvalidResponse { message, .. } => {
            format!("the server sent an invalid reply: {}", beginning(message))
        }
        ErrorKind::Bson(error) => {
            let message = error.to_string();
            format!("BSON that cannot be read: {}", beginning(&message))
        }
        // It names the mechanism, and perhaps more than should be seen.
        ErrorKind::Authentication { .. } => "the server refused the authentication".to_owned(),
        // Of the driver's own making: addresses, and how they were tried.
        other => messages_alone(&other.to_string()),
    }
}

/// `WriteConflict (112): Write conflict during plan execution`
fn answer(code: i32, name: Option<&str>, message: &str) -> String {
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(char::is_alphanumeric);
    let code = match name.filter(is_name) {
        Some(name) => format!("{name} ({code})"),
        None => format!("code {code}"),
    };
    match beginning(message) {
        "" => code,
        known => format!("{code}: {known}"),
    }
}

/// The part of a server's message before all values.
fn beginning(message: &str) -> &str {
    // It names the collection and the index, and both with a colon.
    let index = message
        .starts_with("E11000 ")
        .then(|| message.find(" dup key"));
    if let Some(end) = index.flatten()
        && !message[..end].contains(['{', '"', '\''])
    {
        return &message[..end];
    }
    let end = value(message);
    let known = &message[..end];
    if end == message.len() {
        return known;
    }
    let known = known.trim_end_matches(|c: char| c.is_whitespace() || ":,;(-#".contains(c));
    known
        .strip_suffix(":: caused by")
        .unwrap_or(known)
        .trim_end()
}

/// Where the first value could begin.
fn value(message: &str) -> usize {
    let mut before = ' ';
    let mut word = 0;
    let mut rest = message.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let after = rest.peek().map_or(' ', |(_, after)| *after);
        let begins_word = !before.is_alphanumeric() && !"_.$".contains(before);
        if before.is_whitespace() {
            word = at;
        }
        let is_value = match c {
            '{' | '[' | '"' | '`' | '<' | '=' => true,
            // As in `can't`.
            '\'' => begins_word,
            // As in `:: caused by ::`.
            ':' => after != ':' && before != ':',
            '-' | '+' => begins_word && after.is_numeric(),
            '/' => begins_word && !after.is_whitespace(),
            '@' => return word,
            c => c.is_numeric() && begins_word,
        };
        if is_value {
            return at;
        }
        before = c;
    }
    message.len()
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
    fn known_messages_are_cut_before_their_values() {
        for (message, known) in [
            (
                "E11000 duplicate key error collection: shop.users index: mail_1 dup key: { mail: \
                 \"s3cret\" }",
                "E11000 duplicate key error collection: shop.users index: mail_1",
            ),
            (
                "E11000 duplicate key error collection: shop.users index: a collation: { locale: \
                 \"s3cret\" } dup key: { a: \"s3cret\" }",
                "E11000 duplicate key error collection",
            ),
            (
                "can't extract geo keys: { _id: 1, home: \"s3cret\" } unknown GeoJSON type",
                "can't extract geo keys",
            ),
            ("Document failed validation", "Document failed validation"),
            (
                "Cannot create field 's3cret' in element {a: 1}",
                "Cannot create field",
            ),
            (
                "Updating the path 's3cret' would create a conflict at 's3cret'",
                "Updating the path",
            ),
            (
                "Plan executor error during findAndModify :: caused by :: E11000 duplicate key \
                 error collection: a.b index: c dup key: { c: \"s3cret\" }",
                "Plan executor error during findAndModify :: caused by :: E11000 duplicate key \
                 error collection",
            ),
            (
                "Plan executor error during update :: caused by :: {s3cret}",
                "Plan executor error during update",
            ),
            (
                "Write conflict during plan execution and yielding is disabled.",
                "Write conflict during plan execution and yielding is disabled.",
            ),
            (
                "Transaction numbers are only allowed on a replica set member or mongos",
                "Transaction numbers are only allowed on a replica set member or mongos",
            ),
            (
                "Failed to parse number s3cret@h as it is",
                "Failed to parse number",
            ),
            ("The value -5551234 (s3cret) is too small", "The value"),
            ("The value 5551234 (s3cret) is too large", "The value"),
            ("no match of /s3cret/i", "no match of"),
            ("name=s3cret", "name"),
            ("'s3cret' is bad", ""),
            ("name: s3cret", "name"),
        ] {
            let error = doc! { "code": 7, "codeName": "Name", "errmsg": message };
            let wanted = match known {
                "" => "Name (7)".to_owned(),
                known => format!("Name (7): {known}"),
            };
            assert_eq!(said(error), wanted);
        }
    }

    #[test]
    fn an_error_without_a_name_has_its_code() {
        assert_eq!(said(doc! { "code": 7, "errmsg": "x y" }), "code 7: x y");
        let odd = doc! { "code": 7, "codeName": "s3cret: x", "errmsg": "" };
        assert_eq!(said(odd), "code 7");
    }

    #[test]
    fn details_of_failed_writes_are_left_out() {
        let details = doc! { "s3cret": "s3cret" };
        let write = doc! {
            "code": 121, "codeName": "DocumentValidationFailure",
            "errmsg": "Document failed validation", "errInfo": &details,
        };
        let refused = bson::deserialize_from_document(write.clone()).unwrap();
        let refused = ErrorKind::Write(WriteFailure::WriteError(refused));
        let wanted = "DocumentValidationFailure (121): Document failed validation";
        assert_eq!(text(&refused.into()), wanted);
        let concern = doc! {
            "code": 64, "codeName": "WriteConcernTimeout",
            "errmsg": "waiting for replication timed out", "errInfo": &details,
        };
        let unmet = bson::deserialize_from_document(concern.clone()).unwrap();
        let unmet = ErrorKind::Write(WriteFailure::WriteConcernError(unmet));
        let wanted = "done, but the write concern was not met: WriteConcernTimeout (64): waiting \
                      for replication timed out";
        assert_eq!(text(&unmet.into()), wanted);
        let mut duplicate = write.clone();
        duplicate.extend(doc! { "index": 0, "code": 11000 });
        let mut other = write;
        other.insert("index", 1);
        let many = doc! { "writeErrors": [duplicate, other], "insertedIds": {} };
        let many = bson::deserialize_from_document(many).unwrap();
        let wanted = "DocumentValidationFailure (121): Document failed validation";
        assert_eq!(text(&ErrorKind::InsertMany(many).into()), wanted);
    }

    #[test]
    fn quoted_errors_are_their_messages_alone() {
        let refused = "I/O error: Connection refused (os error 111)";
        let tail = "labels: {\"a\", \"b\"}, source: None, server response: None";
        let pool = format!("Connection pool for h:1 cleared because: Kind: {refused}, {tail}");
        let text = format!(
            "No available servers. Servers: [ {{ Address: h:1, Error: Kind: {refused}, {tail} }}, \
             {{ Address: i:2, Error: Kind: {pool}, {tail} }} ]"
        );
        let wanted = format!(
            "No available servers. Servers: [ {{ Address: h:1, Error: {refused} }}, \
             {{ Address: i:2, Error: Connection pool for h:1 cleared because: {refused} }} ]"
        );
        assert_eq!(messages_alone(&text), wanted);
        let responded = format!(
            "Kind: {refused}, labels: {{}}, source: None, server response: Some({{s3cret}})"
        );
        assert_eq!(messages_alone(&responded), refused);
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
