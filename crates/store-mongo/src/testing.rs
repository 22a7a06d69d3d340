//! The reader of BSON, for the benchmark and the fuzz target that compare it with the library's.

/// The text as the store writes it, or why the bytes are no BSON.
///
/// # Errors
/// What is wrong with the bytes.
pub fn by_this_crate(document: &[u8], text: &mut Vec<u8>) -> Result<(), String> {
    crate::json::write_document(document, None, text).map_err(|error| error.to_string())
}
