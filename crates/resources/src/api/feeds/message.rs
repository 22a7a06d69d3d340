//! What goes over the wire: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use bytes::Bytes;

/// When clients that are cut off come back, in milliseconds.
const RETRY: u32 = 1000;

/// A change, as a document.
pub(super) fn change(name: &str, id: &str, document: &[u8]) -> Bytes {
    message(name, Some(id), document)
}

/// The last message: why there are no more.
pub(super) fn end(document: &[u8]) -> Bytes {
    message("end", None, document)
}

/// The first message. A client that has got nothing else yet comes back to this place.
pub(super) fn beginning(id: &str) -> Bytes {
    format!("retry: {RETRY}\nid: {id}\n\n").into()
}

/// Shows that the connection is alive, and how far the feed is where nothing was told lately.
pub(super) fn heartbeat(id: Option<&str>) -> Bytes {
    match id {
        Some(id) => format!(": alive\nid: {id}\n\n").into(),
        None => Bytes::from_static(b": alive\n\n"),
    }
}

fn message(name: &str, id: Option<&str>, document: &[u8]) -> Bytes {
    let mut text = Vec::with_capacity(document.len() + 128);
    text.extend_from_slice(format!("event: {name}\n").as_bytes());
    if let Some(id) = id {
        text.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    for line in document.split(|byte| matches!(byte, b'\n' | b'\r')) {
        text.extend_from_slice(b"data: ");
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.push(b'\n');
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_several_lines_stays_one_message() {
        let text = change("update", "abc", b"{\n\"a\":1}");
        assert_eq!(text, "event: update\nid: abc\ndata: {\ndata: \"a\":1}\n\n");
        assert_eq!(end(b"{}"), "event: end\ndata: {}\n\n");
    }
}
