//! Documents as JSON text: by the reader of this crate and by the library's iterator.
//!
//! `cargo bench -p store-mongo --features testing` prints both times; their ratio is what counts.

mod by_the_library;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{RawDocumentBuf, rawdoc};
use store_mongo::testing::by_this_crate;

use by_the_library::by_the_library;

fn documents() -> [(&'static str, RawDocumentBuf); 2] {
    let contact = rawdoc! {
        "_id": ObjectId::from_bytes([7; 12]), "firstName": "Ada", "lastName": "Lovelace-Byron",
        "company": "Analytical Engines Ltd", "address": "12 St James's Square", "city": "London",
        "county": "Greater London", "state": "LN", "zip": "SW1Y 4JH", "phone1": "504-621-8927",
        "phone2": "504-845-1427", "email": "ada@example.com", "web": "http://www.example.com",
    };
    let mixed = rawdoc! {
        "_id": ObjectId::from_bytes([7; 12]), "name": "thing", "tags": ["a", "b", "c", "d"],
        "size": { "w": 1, "h": 2_i64, "unit": "cm" }, "ok": true, "text": "x".repeat(400),
        "other": ObjectId::from_bytes([8; 12]),
    };
    [("contact", contact), ("mixed", mixed)]
}

fn compare(criterion: &mut Criterion) {
    for (name, document) in documents() {
        let mut group = criterion.benchmark_group(name);
        let mut text = Vec::with_capacity(4096);
        group.bench_function("this crate", |bencher| {
            bencher.iter(|| {
                text.clear();
                by_this_crate(black_box(document.as_bytes()), &mut text)
            });
        });
        group.bench_function("library", |bencher| {
            bencher.iter(|| {
                text.clear();
                by_the_library(black_box(&document), &mut text)
            });
        });
        group.finish();
    }
}

criterion_group!(benches, compare);
criterion_main!(benches);
