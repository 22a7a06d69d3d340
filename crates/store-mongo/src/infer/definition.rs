//! A definition that declares what was seen.

use std::fmt::Write as _;

use resources::schema::Stored;
use serde_json::Value;

use super::Sample;
use super::seen::{Kind, Seen};
use crate::ids;

impl Sample {
    /// The text of a definition file, with what was seen of each attribute as a comment. Where
    /// values of several kinds were seen that no type tells apart, nothing is declared, so that
    /// each value keeps its kind.
    #[must_use]
    pub fn definition(&self) -> String {
        let count = self.documents.count();
        let name = type_name(&self.collection);
        let mut text = format!(
            "# Made of {count} documents of the collection '{}'. What they did not show is not in \
             it:\n# look through it, say what is 'required', and declare indexes.\ntype: {name}\n",
            self.collection
        );
        if name != self.collection {
            push(
                &mut text,
                0,
                &format!("collection: {}", quoted(&self.collection)),
            );
        }
        let of_ids = self.documents.member(ids::ID);
        push(&mut text, 0, &id_line(of_ids));
        push(&mut text, 0, "attributes:");
        push(&mut text, 1, "type: object");
        let is_own = |name: &str| [ids::ID, ids::POSITION].contains(&name);
        let members = self.documents.members.iter();
        let attributes: Vec<_> = members.filter(|(name, _)| !is_own(name)).collect();
        let (declared, others): (Vec<_>, Vec<_>) = attributes
            .into_iter()
            .partition(|(name, _)| is_member_name(name));
        for (name, _) in others {
            push(
                &mut text,
                1,
                &format!("# {} can be no name here", quoted(name)),
            );
        }
        if !declared.is_empty() {
            push(&mut text, 1, "properties:");
        }
        for (name, seen) in declared {
            attribute(&mut text, 2, name, seen, count);
        }
        text
    }
}

fn push(text: &mut String, depth: usize, line: &str) {
    // A string takes whatever is written to it.
    let _ = writeln!(text, "{}{line}", "  ".repeat(depth));
}

/// An attribute or a member of an object, of which there are `count`.
fn attribute(text: &mut String, depth: usize, name: &str, seen: &Seen, count: u64) {
    let kinds: Vec<String> = seen
        .kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    push(
        text,
        depth,
        &format!("# {} of {count}: {}", seen.count(), kinds.join(", ")),
    );
    let name = quoted(name);
    match schema(seen) {
        Schema::Line(line) => push(text, depth, &format!("{name}: {line}")),
        Schema::Object(types) => {
            push(text, depth, &format!("{name}:"));
            push(text, depth + 1, &format!("type: {types}"));
            push(text, depth + 1, "properties:");
            let objects = seen.kinds.get(&Kind::Object).copied().unwrap_or_default();
            for (name, seen) in &seen.members {
                attribute(text, depth + 2, name, seen, objects);
            }
        }
        Schema::ArrayOfObjects(types, elements) => {
            push(text, depth, &format!("{name}:"));
            push(text, depth + 1, &format!("type: {types}"));
            push(text, depth + 1, "items:");
            push(text, depth + 2, "type: object");
            push(text, depth + 2, "properties:");
            for (name, seen) in &elements.members {
                attribute(text, depth + 3, name, seen, elements.count());
            }
        }
    }
}

enum Schema<'s> {
    /// In one line.
    Line(String),
    /// Objects with members that are declared too; its types.
    Object(String),
    /// Arrays of such objects; its types and the elements.
    ArrayOfObjects(String, &'s Seen),
}

fn schema(seen: &Seen) -> Schema<'_> {
    let Some(Types { names, stored }) = types(seen) else {
        return Schema::Line("{}".to_owned());
    };
    let has = |kind| seen.kinds.contains_key(&kind);
    if has(Kind::Object) && names.len() - usize::from(has(Kind::Null)) == 1 && is_declarable(seen) {
        return Schema::Object(list(&names));
    }
    let types = list(&names);
    let elements = seen
        .elements
        .as_deref()
        .filter(|elements| elements.count() > 0);
    match (elements, stored) {
        (Some(elements), _) if has(Kind::Array) => {
            let are_objects = elements.kinds.len() == 1 && is_declarable(elements);
            match schema(elements) {
                Schema::Object(_) if are_objects => Schema::ArrayOfObjects(types, elements),
                Schema::Line(inner) if inner != "{}" => {
                    Schema::Line(format!("{{type: {types}, items: {inner}}}"))
                }
                _ => Schema::Line(format!("{{type: {types}}}")),
            }
        }
        (_, Some(stored)) => Schema::Line(format!("{{type: {types}, stored: {}}}", stored.name())),
        (_, None) => Schema::Line(format!("{{type: {types}}}")),
    }
}

/// Whether the members of the objects can be declared.
fn is_declarable(seen: &Seen) -> bool {
    let mut names = seen.members.iter().map(|(name, _)| name);
    !seen.is_map && !seen.members.is_empty() && names.all(|name| !name.is_empty())
}

struct Types {
    names: Vec<&'static str>,
    stored: Option<Stored>,
}

/// The types of JSON Schema for what was seen, `null` at last; none where they would not tell the
/// kinds apart.
fn types(seen: &Seen) -> Option<Types> {
    let mut names: Vec<&'static str> = Vec::new();
    let mut stored = Vec::new();
    for kind in seen.kinds.keys().filter(|kind| **kind != Kind::Null) {
        let name = match kind {
            Kind::Boolean => "boolean",
            Kind::Integer => "integer",
            Kind::Double => "number",
            Kind::Text => "string",
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::Stored(one) => {
                stored.push(*one);
                one.json_type()
            }
            Kind::Other | Kind::Null => return None,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.contains(&"number") {
        names.retain(|name| *name != "integer");
    }
    let is_alone = seen
        .kinds
        .keys()
        .filter(|kind| **kind != Kind::Null)
        .count()
        == 1;
    let is_told = stored.iter().all(|one| is_alone || *one == Stored::Long);
    if names.is_empty() || !is_told {
        return None;
    }
    if seen.kinds.contains_key(&Kind::Null) {
        names.push("null");
    }
    let stored = stored.first().copied().filter(|_| is_alone);
    Some(Types { names, stored })
}

fn list(names: &[&str]) -> String {
    match names {
        [only] => (*only).to_owned(),
        several => {
            // Unquoted it would be the value null.
            let names = several
                .iter()
                .map(|name| if *name == "null" { "\"null\"" } else { name });
            format!("[{}]", names.collect::<Vec<_>>().join(", "))
        }
    }
}

fn id_line(seen: Option<&Seen>) -> String {
    let kinds: Vec<Kind> = seen
        .into_iter()
        .flat_map(|seen| seen.kinds.keys().copied())
        .collect();
    let is_integer = |kind: &Kind| matches!(kind, Kind::Integer | Kind::Stored(Stored::Long));
    let kind = match kinds.as_slice() {
        [] | [Kind::Stored(Stored::ObjectId)] => "objectId",
        [Kind::Text] => "string",
        [Kind::Stored(Stored::Uuid)] => "uuid",
        several if several.iter().all(is_integer) => "integer",
        several => {
            let kinds: Vec<String> = several.iter().map(Kind::to_string).collect();
            let kinds = kinds.join(", ");
            return format!("# The ids are of kinds that no type has: {kinds}\nid: objectId");
        }
    };
    format!("id: {kind}")
}

/// The name of a type with this collection: what a name cannot have becomes '-'.
fn type_name(collection: &str) -> String {
    let replaced = |character: char| match character {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '_' => character,
        _ => '-',
    };
    let name: String = collection.chars().map(replaced).take(64).collect();
    let name = name.trim_matches(['-', '_']);
    if name.is_empty() { "things" } else { name }.to_owned()
}

/// Whether an attribute can have a name: `docs/resources.md`.
fn is_member_name(name: &str) -> bool {
    let is_letter = |character: char| {
        character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii()
    };
    let is_inner = |character: char| is_letter(character) || matches!(character, '-' | ' ');
    name.starts_with(is_letter)
        && name.ends_with(is_letter)
        && name.chars().all(is_inner)
        && !["id", "type"].contains(&name)
}

/// A name in YAML: as it is where that is plain, else as JSON has it.
fn quoted(name: &str) -> String {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_word = WORDS.iter().any(|word| name.eq_ignore_ascii_case(word));
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if is_plain && !is_word {
        return name.to_owned();
    }
    Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use mongodb::bson::oid::ObjectId;
    use mongodb::bson::{Bson, DateTime, Decimal128, Document, Timestamp, doc};
    use resources::schema;

    use super::super::seen::NAMES_MAX;

    use super::*;

    fn sample(documents: &[Document]) -> Sample {
        let mut seen = Seen::default();
        for document in documents {
            let bytes = document.to_vec().unwrap();
            let document = bson::RawDocumentBuf::from_bytes(bytes).unwrap();
            seen.add_document(&document);
        }
        Sample {
            collection: "shop.orders".to_owned(),
            documents: seen,
        }
    }

    #[test]
    fn what_is_there_is_declared() {
        let date = DateTime::from_millis(0);
        let price: Decimal128 = "1.50".parse().unwrap();
        let text = sample(&[
            doc! {
                "_id": ObjectId::from_bytes([1; 12]), "at": date, "price": price, "amount": 5, "yes": true,
                "mixed": date, "far": 5_i64, "ratio": 1, "who": ObjectId::from_bytes([2; 12]),
                "ship": { "by": date, "to": { "zip": "1" } }, "days": [date],
                "lines": [{ "price": price, "a.b": 1 }, { "price": price }], "clock": Timestamp { time: 1, increment: 1 },
                "$odd": 1, "empty": [], "tags": ["a", 5],
            },
            doc! {
                "_id": ObjectId::from_bytes([3; 12]), "at": Bson::Null, "mixed": "soon",
                "ratio": 0.5, "amount": 6,
            },
        ])
        .definition();
        for line in [
            "type: shop-orders",
            "collection: \"shop.orders\"",
            "id: objectId",
            "    # 2 of 2: null 1, date 1",
            "    at: {type: [string, \"null\"], stored: date}",
            "    price: {type: string, stored: decimal}",
            "    amount: {type: integer}",
            "    \"yes\": {type: boolean}",
            "    # 2 of 2: text 1, date 1",
            "    mixed: {}",
            "    far: {type: integer, stored: long}",
            "    ratio: {type: number}",
            "    who: {type: string, stored: objectId}",
            "        by: {type: string, stored: date}",
            "            zip: {type: string}",
            "    days: {type: array, items: {type: string, stored: date}}",
            "          price: {type: string, stored: decimal}",
            "    clock: {}",
            "  # \"$odd\" can be no name here",
            "    empty: {type: array}",
            "    tags: {type: array, items: {type: [integer, string]}}",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let parsed = schema::parse(&text).unwrap();
        let lines = parsed.attributes.stored().member("lines").unwrap();
        let price = lines.items().unwrap().member("price").unwrap();
        assert_eq!(price.here(), Some(Stored::Decimal));
    }

    #[test]
    fn objects_whose_names_are_values_are_declared_as_objects_alone() {
        let many: Document = (0..=NAMES_MAX)
            .map(|n| (format!("k{n}"), Bson::Int32(1)))
            .collect();
        let text = sample(&[doc! { "_id": 1, "of": many, "none": {} }]).definition();
        assert!(text.contains("id: integer\n"), "{text}");
        assert!(text.contains("    of: {type: object}\n"), "{text}");
        assert!(text.contains("    none: {type: object}\n"), "{text}");
        schema::parse(&text).unwrap();
        let text = sample(&[]).definition();
        schema::parse(&text).unwrap();
    }
}
