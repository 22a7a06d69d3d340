//! The size of an error document, whatever was wrong with the request.

use super::{Error, MORE, Source};

/// The longest text of one error object that repeats what the client sent, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// What the last object of a list that is cut needs, in bytes, with the end of the document.
const LAST_BYTES: usize = 256;

/// The array of error objects as JSON text: as many as fit, and one that counts the others.
pub(super) fn array(errors: &[Error], bytes_max: usize) -> Vec<u8> {
    let mut text = vec![b'['];
    let separated = |text: &mut Vec<u8>, object: &[u8]| {
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend_from_slice(object);
    };
    for (position, error) in errors.iter().enumerate() {
        let object = object(error);
        let is_last = position + 1 == errors.len();
        let kept_free = if is_last { 0 } else { LAST_BYTES };
        // The first one is always there: without it the answer says nothing.
        if position > 0 && text.len() + object.len() + kept_free > bytes_max {
            separated(&mut text, &self::object(&more(&errors[position..])));
            break;
        }
        separated(&mut text, &object);
    }
    text.push(b']');
    text
}

/// Says that there are errors besides those that are listed; the last of them may say so, too.
fn more(errors: &[Error]) -> Error {
    let is_more = |error: &Error| error.code == MORE;
    let count = match errors.last() {
        Some(last) if is_more(last) => "many".to_owned(),
        _ => errors.len().to_string(),
    };
    Error::more(errors[0].status, &format!("And {count} more"))
}

fn object(error: &Error) -> Vec<u8> {
    let mut error = error.clone();
    if let Some(detail) = &mut error.detail {
        cut(detail);
    }
    match &mut error.source {
        // A pointer that is cut anywhere else points nowhere.
        Some(Source::Pointer(pointer)) => {
            while pointer.len() > TEXT_BYTES_MAX {
                let end = pointer.rfind('/').unwrap_or(0);
                pointer.truncate(end);
            }
        }
        Some(Source::Parameter(name)) => cut(name),
        Some(Source::Header(_)) | None => {}
    }
    // An object with string keys is written without fail.
    serde_json::to_vec(&error).unwrap_or_else(|_| b"{}".to_vec())
}

fn cut(text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
}
