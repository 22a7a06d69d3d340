//! Removes passwords from messages: a message about the command line may repeat a connection
//! string that stands in the wrong place.

use store_mongo::masked;

/// The text without the passwords of URIs among the arguments of this process.
pub(crate) fn without_passwords(text: &str) -> String {
    let arguments = std::env::args_os().skip(1);
    let arguments: Vec<String> = arguments
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    without_passwords_of(&arguments, text)
}

/// The text about a value without the password of a URI that this may be.
pub(crate) fn without_password(text: &str, value: &str) -> String {
    without_passwords_of(&[value.to_owned()], text)
}

/// The arguments show where a URI ends, whatever characters its password has. The text alone does
/// not.
fn without_passwords_of(arguments: &[String], text: &str) -> String {
    let uris = arguments
        .iter()
        .filter_map(|argument| Some(&argument[beginning(argument)?..]));
    uris.fold(text.to_owned(), |text, uri| text.replace(uri, &masked(uri)))
}

/// Where a URI begins that is one of MongoDB or has credentials.
fn beginning(argument: &str) -> Option<usize> {
    let colon = argument.find("://")?;
    let scheme = argument[..colon].rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+');
    // The end of a character that may be of several bytes.
    let begin = scheme.map_or(0, |at| {
        at + argument[at..].chars().next().map_or(1, char::len_utf8)
    });
    let (scheme, rest) = (&argument[begin..colon], &argument[colon + 3..]);
    let is_mongodb = scheme.to_ascii_lowercase().starts_with("mongodb") && !rest.is_empty();
    (is_mongodb || rest.contains('@')).then_some(begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shown(argument: &str) -> String {
        let text = format!("there is no service '{argument}'; mongodb://host is one");
        without_passwords_of(&["serve".to_owned(), argument.to_owned()], &text)
    }

    #[test]
    fn a_connection_string_in_the_wrong_place_is_shown_masked() {
        for (argument, masked) in [
            ("mongodb://user:s3cret@h/db", "mongodb://***@h/db"),
            ("mongodb://user:s3' cret@h/db", "mongodb://***@h/db"),
            ("mongodb://user:s3cret", "mongodb://***"),
            ("MongoDB://user:s3cret@h", "***"),
            ("--x=mongodb+srv://u:s3cret@h", "--x=mongodb+srv://***@h"),
            ("émongodb://u:s3cret@h", "émongodb://***@h"),
            ("http://user:s3cret@h", "***"),
        ] {
            let said = format!("there is no service '{masked}'; mongodb://host is one");
            assert_eq!(shown(argument), said);
        }
    }

    #[test]
    fn other_arguments_are_shown_as_they_are() {
        for argument in ["books", "http://h/x", "mongodb://", "a@b", "://", "é://x"] {
            let said = format!("there is no service '{argument}'; mongodb://host is one");
            assert_eq!(shown(argument), said);
        }
    }
}
