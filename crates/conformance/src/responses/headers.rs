//! The headers of every answer.

use http::Method;

use super::{Notes, Tallies};
use crate::exchange::{Answer, Request};
use crate::media_type::{ATOMIC, JSON_API, MediaType};

pub(super) fn judge(tallies: &mut Tallies, request: &Request, answer: &Answer) {
    let mut notes = Notes {
        tallies,
        line: &answer.request,
    };
    let vary = answer.header("vary").unwrap_or_default();
    let mut varied = vary.split(',').map(str::trim);
    let by_accept = varied.any(|name| name == "*" || name.eq_ignore_ascii_case("accept"));
    notes.note("CN-14", by_accept, || {
        format!("a {} with Vary '{vary}'", answer.status)
    });
    if answer.body.is_empty() || request.method == Method::HEAD {
        return;
    }
    let text = answer.header("content-type").unwrap_or_default();
    let media_type = MediaType::read(&text);
    notes.note("CN-1", media_type.essence == JSON_API, || {
        format!("a {} with Content-Type '{text}'", answer.status)
    });
    let foreign = |name: &str| name != "ext" && name != "profile";
    let none = !media_type.parameters.iter().any(|(name, ..)| foreign(name));
    notes.note("CN-2", none, || {
        format!("a {} with Content-Type '{text}'", answer.status)
    });
    for (name, value, quoted) in &media_type.parameters {
        if !foreign(name) {
            let listed = !value.split(' ').any(str::is_empty);
            notes.note("CN-5", *quoted && listed, || {
                format!("the parameter {name} is '{value}'")
            });
        }
    }
    let sent = request.content_type.as_deref().map(MediaType::read);
    let operates =
        sent.is_some_and(|sent| sent.names("ext", ATOMIC) && sent.uris("ext").len() == 1);
    let negotiated = !matches!(answer.status, 404 | 405 | 406 | 415);
    if operates && negotiated {
        notes.note("AO-27", media_type.names("ext", ATOMIC), || {
            format!("a {} with Content-Type '{text}'", answer.status)
        });
    }
}
