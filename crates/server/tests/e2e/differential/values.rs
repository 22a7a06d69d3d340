use serde_json::{Map, Value, json};

use super::Random;

pub(super) const DEFINITIONS: [(&str, &str); 3] = [
    (
        "books.yaml",
        "
type: books
id: integer
attributes:
  type: object
  required: [title]
  properties:
    title: {type: string, maxLength: 20}
    rank: {type: number}
    flag: {type: [boolean, 'null']}
    code: {type: string}
    at: {type: [string, 'null'], format: date-time}
    secret: {type: string}
    fixed: {type: string}
    address:
      type: object
      properties: {city: {type: [string, 'null']}}
    labels: {type: array, items: {type: string}}
capabilities: {secret: {readable: false}, fixed: {changeable: false}}
relationships:
  author: {type: people, onDelete: clear}
  editor: {type: people}
  labelled: {type: labels, kind: many, onDelete: clear}
indexes: [{attributes: [code], unique: true}, {attributes: [-rank]}]
",
    ),
    (
        "people.yaml",
        "
type: people
id: string
attributes:
  type: object
  additionalProperties: false
  properties: {name: {type: string}, born: {type: integer}}
relationships:
  books: {type: books, inverse: author}
  friend: {type: people, onDelete: cascade}
",
    ),
    (
        "labels.yaml",
        "
type: labels
id: uuid
attributes: {type: object}
relationships: {books: {type: books, inverse: labelled}}
",
    ),
];

pub(super) const TYPES: [&str; 3] = ["books", "people", "labels"];

const PEOPLE: [&str; 10] = [
    "ann", "Bob", "ä", "a b", "10", "9", "🦀", "x/y", "é?", "zoe",
];

fn label(number: u64) -> String {
    format!("0198c2a7-1b2c-7def-8123-45678900000{number}")
}

/// What is there before anything generated comes.
pub(super) fn first() -> Vec<(&'static str, Value)> {
    let people = PEOPLE.iter().map(|id| {
        let data = json!({"type": "people", "id": id, "attributes": {"name": id}});
        ("/people", data)
    });
    let labels = (0..8).map(|number| {
        let data = json!({"type": "labels", "id": label(number), "attributes": {"a": number}});
        ("/labels", data)
    });
    let books = (0..20).map(|number| {
        let author = json!({"type": "people", "id": PEOPLE[number % 10]});
        let attributes = json!({"title": format!("b{number}"), "rank": number % 7});
        let relationships = json!({"author": {"data": author}});
        let data = json!({
            "type": "books", "attributes": attributes, "relationships": relationships,
        });
        ("/books", data)
    });
    people.chain(labels).chain(books).collect()
}

/// An id that a resource may have.
pub(super) fn id(random: &mut Random, of: &str) -> String {
    match of {
        "books" => (1 + random.below(30)).to_string(),
        "people" => random.pick(&PEOPLE).to_owned(),
        _ => label(random.below(10)),
    }
}

/// An id as it stands in a URL.
pub(super) fn segment(random: &mut Random, of: &str) -> String {
    let id = match random.below(40) {
        0 => "-".to_owned(),
        1 => "no id".to_owned(),
        _ => id(random, of),
    };
    jsonapi::path_segment(&id).to_string()
}

pub(super) fn identifier(random: &mut Random, of: &str) -> Value {
    json!({"type": of, "id": id(random, of)})
}

/// Values that are neither null nor made of others. There are few, so that many are equal.
pub(super) fn scalar(random: &mut Random) -> Value {
    const SCALARS: &str = r#"[
        "", "a", "A", "ab", "aB", "b", "Äb", "äB", "ß", "SS", "K", "\u212a", "1", "true", "null",
        "%", "_", "a%b", "*", "a.b", "\\", "'", "\"", "🦀", "2024-01-31", "2024-01-31T10:00:00Z",
        0, 1, -1, 1.5, 0.1, 2, 10, 1e300, -1e300, 9007199254740992, 9007199254740993,
        9223372036854775807, -9223372036854775808, true, false
    ]"#;
    let all: Vec<Value> = serde_json::from_str(SCALARS).unwrap();
    random.pick(&all.iter().collect::<Vec<_>>()).clone()
}

pub(super) fn text(random: &mut Random) -> String {
    loop {
        if let Value::String(text) = scalar(random) {
            return text;
        }
    }
}

pub(super) fn any(random: &mut Random, depth: u64) -> Value {
    match random.below(if depth == 0 { 70 } else { 100 }) {
        0..10 => Value::Null,
        10..70 => scalar(random),
        70..85 => (0..random.below(4))
            .map(|_| any(random, depth - 1))
            .collect(),
        _ => {
            let mut members = Map::new();
            for name in ["k", "K", "city"] {
                if random.percent(60) {
                    members.insert(name.to_owned(), any(random, depth - 1));
                }
            }
            Value::Object(members)
        }
    }
}

/// Attributes of a type, of which some are not valid.
pub(super) fn attributes(random: &mut Random, of: &str) -> Value {
    let mut members = Map::new();
    let mut set = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    let names: &[&str] = match of {
        "books" => &[
            "title", "rank", "flag", "code", "at", "fixed", "secret", "address", "labels", "a", "b",
        ],
        "people" => &["name", "born"],
        _ => &["a", "b", "it's", "ü"],
    };
    for name in names {
        let chance = if *name == "title" { 85 } else { 40 };
        if !random.percent(chance) {
            continue;
        }
        let value = match *name {
            _ if random.percent(3) => any(random, 2),
            "title" | "name" | "secret" | "fixed" => text(random).into(),
            "code" => format!("c{}", random.below(200)).into(),
            "rank" => json!(random.below(20)),
            "born" => json!(1900 + random.below(90)),
            "flag" => {
                [Value::Null, json!(true), json!(false)][usize::from(random.percent(50))].clone()
            }
            "at" => json!(format!("2024-01-{:02}T10:00:00Z", 1 + random.below(28))),
            "address" => json!({"city": text(random), "zip": 1}),
            "labels" => json!([text(random), text(random)]),
            _ => any(random, 3),
        };
        set(name, value);
    }
    if random.percent(2) {
        set("a.b", json!(1));
    }
    Value::Object(members)
}
