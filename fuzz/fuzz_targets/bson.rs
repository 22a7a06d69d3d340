//! Any bytes as the elements of a BSON document: text or an error, never a panic. What the library
//! reads has the same text by the reader of `store-mongo`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mongodb::bson::RawDocumentBuf;
use store_mongo::testing::by_this_crate;

#[path = "../../crates/store-mongo/benches/bson_to_json/by_the_library.rs"]
mod by_the_library;

use by_the_library::by_the_library;

fuzz_target!(|data: &[u8]| {
    // The frame is right, so that the bytes within are looked at.
    let Ok(length) = i32::try_from(data.len() + 5) else {
        return;
    };
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.push(0);
    let (mut own, mut library) = (Vec::new(), Vec::new());
    let read = by_this_crate(&bytes, &mut own);
    let document = RawDocumentBuf::from_bytes(bytes).expect("a frame");
    if by_the_library(&document, &mut library).is_some() {
        read.expect("the library reads it");
        assert_eq!(own, library);
    }
});
