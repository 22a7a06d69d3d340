//! The shape of documents: which members stand where, and of what kind they are.

use serde_json::{Map, Value};

use super::{Notes, links, names};
use crate::exchange::Answer;
use crate::media_type::ATOMIC;
use crate::world::World;

const TOP: [&str; 6] = ["data", "errors", "meta", "jsonapi", "links", "included"];

pub(super) fn document(
    notes: &mut Notes<'_>,
    world: &World,
    answer: &Answer,
    document: &Map<String, Value>,
) {
    let has = |name: &str| document.contains_key(name);
    let extended = document.keys().any(|name| name.contains(':'));
    let any = has("data") || has("errors") || has("meta") || extended;
    notes.note("DS-2", any, || {
        "neither data nor errors nor meta".to_owned()
    });
    notes.note("DS-3", !(has("data") && has("errors")), || {
        "data and errors".to_owned()
    });
    notes.note("DS-4", has("data") || !has("included"), || {
        "included without data".to_owned()
    });
    extension_members(notes, answer, document);
    members(notes, document, "", &TOP);
    let collection = document.get("data").is_some_and(Value::is_array);
    if let Some(links) = document.get("links") {
        links::judge(notes, links, "/links", &links::OF_DOCUMENT, collection);
    }
    if let Some(jsonapi) = document.get("jsonapi") {
        implementation(notes, jsonapi);
    }
    let Some(data) = document.get("data") else {
        return results(notes, world, document);
    };
    for (item, place) in each(data, "/data") {
        if answer.request.contains("/relationships/") {
            identifier(notes, item, &place);
        } else if !item.is_null() {
            resource(notes, world, item, &place);
        }
    }
    if let Some(included) = document.get("included") {
        notes.note("DS-27", included.is_array(), || {
            "included is no array".to_owned()
        });
        for (item, place) in each(included, "/included") {
            resource(notes, world, item, &place);
        }
    }
}

/// The items of an array, or the value itself, with their pointers.
fn each<'v>(value: &'v Value, place: &str) -> Vec<(&'v Value, String)> {
    match value.as_array() {
        Some(items) => {
            let places = (0..).map(|index| format!("{place}/{index}"));
            items.iter().zip(places).collect()
        }
        None if value.is_null() => Vec::new(),
        None => vec![(value, place.to_owned())],
    }
}

fn extension_members(notes: &mut Notes<'_>, answer: &Answer, document: &Map<String, Value>) {
    let media_type = answer.media_type();
    let applies = |uri: &str| media_type.as_ref().is_some_and(|it| it.names("ext", uri));
    let mut names = document.keys().filter(|name| name.contains(':'));
    let fine = names.all(|name| match name.split_once(':') {
        Some(("atomic", _)) => applies(ATOMIC),
        Some((space, _)) => space.chars().all(|it| it.is_ascii_alphanumeric()),
        None => false,
    });
    notes.note("DS-40", fine, || {
        "a member of an extension that is not named in Content-Type".to_owned()
    });
    let has = |name: &str| document.contains_key(name);
    if applies(ATOMIC) {
        notes.note("AO-1", !has("data") && !has("included"), || {
            "data or included in a document of the extension".to_owned()
        });
        let both = has("atomic:operations") && has("atomic:results");
        notes.note("AO-2", !both, || "operations and results".to_owned());
        let atomic = has("atomic:operations") || has("atomic:results");
        notes.note("AO-3", !(atomic && has("errors")), || {
            "errors beside results".to_owned()
        });
    }
}

/// Members that the specification does not know, and meta.
fn members(notes: &mut Notes<'_>, object: &Map<String, Value>, place: &str, known: &[&str]) {
    for (name, value) in object {
        let fine = known.contains(&name.as_str()) || name.starts_with('@') || name.contains(':');
        notes.note("DS-5", fine, || format!("the member {place}/{name}"));
        if name == "meta" {
            notes.note("DS-30", value.is_object(), || {
                format!("{place}/meta is no object")
            });
        }
    }
}

fn implementation(notes: &mut Notes<'_>, jsonapi: &Value) {
    let uris = |list: &Value| {
        list.as_array()
            .is_some_and(|all| all.iter().all(Value::is_string))
    };
    let member = |name: &str, fine: &dyn Fn(&Value) -> bool| jsonapi.get(name).is_none_or(fine);
    let fine = jsonapi.is_object()
        && member("version", &Value::is_string)
        && member("ext", &uris)
        && member("profile", &uris);
    notes.note("DS-34", fine, || format!("jsonapi is {jsonapi}"));
    if let Some(object) = jsonapi.as_object() {
        members(
            notes,
            object,
            "/jsonapi",
            &["version", "ext", "profile", "meta"],
        );
    }
}

fn results(notes: &mut Notes<'_>, world: &World, document: &Map<String, Value>) {
    let results = document.get("atomic:results").unwrap_or(&Value::Null);
    for (result, place) in each(results, "/atomic:results") {
        if let Some(object) = result.as_object() {
            members(notes, object, &place, &["data", "meta"]);
        }
        for (item, place) in each(&result["data"], &format!("{place}/data")) {
            resource(notes, world, item, &place);
        }
    }
}

fn type_and_id(notes: &mut Notes<'_>, object: &Value, place: &str, id: &'static str) {
    let both = object.get("type").is_some() && object.get("id").is_some();
    notes.note(id, both, || format!("{place} lacks type or id"));
    let strings = ["type", "id"]
        .iter()
        .all(|it| object.get(it).is_none_or(Value::is_string));
    notes.note("DS-12", strings, || {
        format!("{place} has a type or id that is no string")
    });
    if let Some(name) = object["type"].as_str() {
        notes.note("DS-14", names::is_member_name(name), || {
            format!("the type '{name}' is no member name")
        });
    }
}

fn identifier(notes: &mut Notes<'_>, value: &Value, place: &str) {
    let Some(object) = value.as_object() else {
        return notes.note("DS-25", false, || format!("{place} is no object"));
    };
    type_and_id(notes, value, place, "DS-25");
    members(notes, object, place, &["type", "id", "meta"]);
}

fn resource(notes: &mut Notes<'_>, world: &World, value: &Value, place: &str) {
    let Some(object) = value.as_object() else {
        return notes.note("DS-11", false, || format!("{place} is no object"));
    };
    type_and_id(notes, value, place, "DS-11");
    let known = ["type", "id", "attributes", "relationships", "links", "meta"];
    members(notes, object, place, &known);
    if let Some(attributes) = object.get("attributes") {
        notes.note("DS-16", attributes.is_object(), || {
            format!("{place}/attributes is no object")
        });
    }
    fields(notes, world, value, place);
    if let Some(links) = object.get("links") {
        let place = format!("{place}/links");
        links::judge(notes, links, &place, &links::OF_DOCUMENT, false);
    }
    let Some(relationships) = object.get("relationships") else {
        return;
    };
    let objects = relationships.as_object();
    let all = objects.is_some_and(|all| all.values().all(Value::is_object));
    notes.note("DS-18", all, || {
        format!("{place}/relationships is no object of objects")
    });
    for (name, relationship) in objects.into_iter().flatten() {
        if let Some(object) = relationship.as_object().filter(|_| !name.starts_with('@')) {
            let place = format!("{place}/relationships/{name}");
            let many = many(world, value, name);
            self::relationship(notes, object, &place, many);
        }
    }
}

/// Whether the world says that a relationship leads to many.
fn many(world: &World, resource: &Value, name: &str) -> Option<bool> {
    let kind = world.types.get(resource["type"].as_str()?)?;
    kind.relationship(name).map(|it| it.many)
}

fn fields(notes: &mut Notes<'_>, world: &World, resource: &Value, place: &str) {
    let names = |member: &str| -> Vec<&str> {
        let object = resource[member].as_object();
        object
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect()
    };
    let (attributes, relationships) = (names("attributes"), names("relationships"));
    let shared = attributes.iter().any(|name| relationships.contains(name));
    let all = || attributes.iter().chain(&relationships);
    let reserved = all().any(|name| matches!(*name, "type" | "id"));
    notes.note("DS-15", !shared && !reserved, || {
        format!("{place} has a field called type or id, or one name twice")
    });
    for name in all() {
        names::judge(notes, name);
    }
    let kind = resource["type"]
        .as_str()
        .and_then(|name| world.types.get(name));
    for relationship in kind.map_or(&[][..], |kind| &kind.relationships) {
        let name = &relationship.name;
        let keys = [
            format!("{name}Id"),
            format!("{name}_id"),
            format!("{name}-id"),
        ];
        let foreign = attributes
            .iter()
            .find(|it| keys.iter().any(|key| key == *it));
        notes.note("DS-17", foreign.is_none(), || {
            format!("{place} has an attribute beside the relationship '{name}'")
        });
    }
}

fn relationship(
    notes: &mut Notes<'_>,
    object: &Map<String, Value>,
    place: &str,
    many: Option<bool>,
) {
    let links = object.get("links");
    let leads = links.is_some_and(|it| it.get("self").is_some() || it.get("related").is_some());
    let extended = object.keys().any(|name| name.contains(':'));
    let has = leads || object.contains_key("data") || object.contains_key("meta") || extended;
    notes.note("DS-19", has, || {
        format!("{place} has no links, data or meta")
    });
    members(notes, object, place, &["links", "data", "meta"]);
    if let Some(links) = links {
        let pages = many != Some(false);
        links::judge(
            notes,
            links,
            &format!("{place}/links"),
            &links::OF_DOCUMENT,
            pages,
        );
    }
    let Some(linkage) = object.get("data") else {
        return;
    };
    let shape = match many {
        Some(true) => linkage.is_array(),
        Some(false) => linkage.is_null() || linkage.is_object(),
        None => linkage.is_null() || linkage.is_object() || linkage.is_array(),
    };
    notes.note("DS-23", shape, || format!("{place}/data is {linkage}"));
    for (item, place) in each(linkage, &format!("{place}/data")) {
        identifier(notes, item, &place);
    }
}
