//! Writing 500 contacts as a document, against a `serde_json::Value` tree.
//!
//! `cargo bench -p jsonapi --bench document`
//!
//! The store has every contact as JSON text. `texts` is what the service does; `tree` parses each
//! text, puts it into a tree of the document and writes that; `tree of parsed values` does the
//! same with values that were parsed before. The fastest of many rounds, in which all take turns,
//! and their ratios are printed last: `tree` takes 56 times as long as `texts`, `tree of parsed
//! values` 38 times (two shared cores, November 2026).

#![expect(clippy::print_stdout, reason = "a benchmark reports to its reader")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use jsonapi::{DocumentWriter, Links, ResourceWriter};
use serde_json::{Map, Value, json};

const CONTACTS: u32 = 500;
const ROUNDS: usize = 301;

struct Contact {
    id: String,
    text: String,
    value: Value,
}

fn contacts() -> Vec<Contact> {
    let contact = |number: u32| {
        let value = json!({
            "firstName": format!("Ada{number}"), "lastName": "Löwenstein", "company": "Example Ltd",
            "job": "engineer", "birthday": "1985-07-14", "city": "Brighton", "postcode": "BN1 1AA",
            "street": format!("{number} Some Street"), "country": "GB", "favourite": number.is_multiple_of(7),
            "email": format!("ada{number}@example.org"), "phone": "+44 1273 000000",
        });
        Contact {
            id: format!("{number:024x}"),
            text: value.to_string(),
            value,
        }
    };
    (0..CONTACTS).map(contact).collect()
}

fn from_texts(contacts: &[Contact], writer: &ResourceWriter) -> Vec<u8> {
    let bytes = contacts.iter().map(|contact| contact.text.len()).sum();
    let mut document = DocumentWriter::many(writer.bytes(contacts.len(), bytes));
    for contact in contacts {
        document.resource(writer, &contact.id, &contact.text);
    }
    document.end(
        &Links::new("/contacts".to_owned()),
        Some(u64::from(CONTACTS)),
    )
}

/// Values are moved into the tree; `json!` would copy them.
fn from_tree(contacts: &[Contact], attributes: impl Fn(&Contact) -> Map<String, Value>) -> Vec<u8> {
    let resource = |contact: &Contact| {
        let mut attributes = attributes(contact);
        attributes.insert("_id".to_owned(), contact.id.clone().into());
        let mut resource = Map::with_capacity(4);
        resource.insert("type".to_owned(), "contacts".into());
        resource.insert("id".to_owned(), contact.id.clone().into());
        resource.insert("attributes".to_owned(), attributes.into());
        let links = json!({"self": format!("/contacts/{}", contact.id)});
        resource.insert("links".to_owned(), links);
        Value::Object(resource)
    };
    let mut document = Map::with_capacity(4);
    document.insert("data".to_owned(), contacts.iter().map(resource).collect());
    document.insert("links".to_owned(), json!({"self": "/contacts"}));
    document.insert("meta".to_owned(), json!({"total": CONTACTS}));
    document.insert("jsonapi".to_owned(), json!({"version": "1.1"}));
    serde_json::to_vec(&document).unwrap_or_default()
}

fn parsed(contact: &Contact) -> Map<String, Value> {
    serde_json::from_str(&contact.text).unwrap_or_default()
}

fn copied(contact: &Contact) -> Map<String, Value> {
    contact.value.as_object().cloned().unwrap_or_default()
}

fn single(criterion: &mut Criterion) {
    let contacts = contacts();
    let writer = ResourceWriter::new("contacts", "/contacts", Some("_id"));
    let mut group = criterion.benchmark_group("500 contacts");
    group.bench_function("texts", |bench| {
        bench.iter(|| from_texts(&contacts, &writer));
    });
    group.bench_function("tree", |bench| bench.iter(|| from_tree(&contacts, parsed)));
    group.bench_function("tree of parsed values", |bench| {
        bench.iter(|| from_tree(&contacts, copied));
    });
    group.finish();
}

/// All candidates take turns, so that a neighbor on the machine disturbs them alike.
fn ratios() {
    let contacts = contacts();
    let writer = ResourceWriter::new("contacts", "/contacts", Some("_id"));
    let read = |text: Vec<u8>| serde_json::from_slice::<Value>(&text).unwrap_or_default();
    let document = read(from_texts(&contacts, &writer));
    assert_eq!(document, read(from_tree(&contacts, parsed)));
    assert_eq!(document, read(from_tree(&contacts, copied)));
    let candidates: [(&str, &dyn Fn() -> Vec<u8>); 3] = [
        ("texts", &|| from_texts(&contacts, &writer)),
        ("tree", &|| from_tree(&contacts, parsed)),
        ("tree of parsed values", &|| from_tree(&contacts, copied)),
    ];
    let mut fastest = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        for ((_, candidate), fastest) in candidates.iter().zip(&mut fastest) {
            // Nobody pays for the memory that its predecessor gave back.
            black_box(candidate());
            let start = Instant::now();
            black_box(candidate());
            *fastest = start.elapsed().min(*fastest);
        }
    }
    for ((name, _), time) in candidates.iter().zip(fastest) {
        let ratio = time.as_secs_f64() / fastest[0].as_secs_f64();
        println!("{name}: {time:?}, {ratio:.1} times the texts");
    }
}

criterion_group!(benches, single);

fn main() {
    benches();
    ratios();
}
