//! Removes passwords from messages: a message about the command line may repeat a connection
//! string that stands in the wrong place.

use store_mongo::masked;

use crate::settings::Effective;

/// The text without the passwords of URIs among the arguments of this process.
pub(crate) fn without_passwords(text: &str) -> String {
    let arguments = std::env::args_os().skip(1);
    let arguments: Vec<String> = arguments
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    without_passwords_of(&arguments, text)
}

/// The texts that no log line may show: secret settings, and the passwords in them.
pub(crate) fn secrets(values: &[Effective]) -> Vec<String> {
    let secret = values.iter().filter(|value| value.setting.secret);
    secret
        .flat_map(|value| {
            let mut secrets = passwords_in(value.text.trim());
            secrets.push(value.text.trim().to_owned());
            secrets
        })
        .collect()
}

/// The password of a URI's user, and what its parameters call a password or a token.
fn passwords_in(uri: &str) -> Vec<String> {
    let Some((_, rest)) = uri.split_once("://") else {
        return Vec::new();
    };
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let user = place.rsplit_once('@').map(|(user, _)| user);
    let of_user = user.and_then(|user| Some(user.split_once(':')?.1));
    let of_parameters = parameters.split(['&', ',']).filter_map(|parameter| {
        let (name, value) = parameter.rsplit_once(['=', ':'])?;
        let name = name.to_ascii_lowercase();
        (name.contains("password") || name.contains("token")).then_some(value)
    });
    of_user
        .into_iter()
        .chain(of_parameters)
        .map(str::to_owned)
        .collect()
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
    fn the_passwords_of_a_uri_are_those_of_its_user_and_its_parameters() {
        let uri = "mongodb://u:a%40b@h1,h2/d?tlsCertificateKeyFilePassword=xyz\
                   &authMechanismProperties=AWS_SESSION_TOKEN:t1,OTHER:o";
        assert_eq!(passwords_in(uri), ["a%40b", "xyz", "t1"]);
        for uri in ["mongodb://h", "mongodb://u@h", "no uri: @"] {
            assert!(passwords_in(uri).is_empty(), "{uri}");
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
