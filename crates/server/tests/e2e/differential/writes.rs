use reqwest::Method;
use serde_json::{Map, Value, json};

use super::values::{TYPES, any, attributes, id, identifier, segment};
use super::{Both, Random, Request};

/// A request that writes.
pub(super) fn request(random: &mut Random, both: &Both) -> Request {
    let of = random.pick(&TYPES);
    let url = format!("/{of}/{}", segment(random, of));
    let request = match random.below(100) {
        0..38 => Request::document(
            Method::POST,
            format!("/{of}"),
            &json!({"data": draft(random, of)}),
        ),
        38..52 => changed(random, Method::PATCH, &url, of),
        52..58 => changed(random, Method::PUT, &url, of),
        58..62 => Request {
            method: Method::DELETE,
            ..Request::get(&url)
        },
        62..82 => return link(random, both),
        82..86 => {
            let body = any(random, 3);
            Request::document(Method::POST, format!("/{of}"), &body)
        }
        _ => return atomic(random, both),
    };
    if random.percent(25) {
        let tag = both.tag(random, &url);
        return request.header("if-match", tag);
    }
    request
}

/// A new resource.
fn draft(random: &mut Random, of: &str) -> Value {
    let mut data = json!({"type": of, "attributes": attributes(random, of)});
    // The server would choose another id for each store.
    let chance = match of {
        "books" => 3,
        "people" => 95,
        _ => 100,
    };
    if random.percent(chance) {
        data["id"] = id(random, of).into();
    }
    add_relationships(random, of, &mut data);
    data
}

fn changed(random: &mut Random, method: Method, url: &str, of: &str) -> Request {
    let segment = url.rsplit('/').next().unwrap_or_default();
    let own = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
    let mut data = json!({"type": of, "id": own, "attributes": attributes(random, of)});
    if random.percent(5) {
        data["id"] = id(random, of).into();
    }
    add_relationships(random, of, &mut data);
    Request::document(method, url, &json!({"data": data}))
}

fn add_relationships(random: &mut Random, of: &str, data: &mut Value) {
    let mut all = Map::new();
    for (name, target, is_many) in relationships(of) {
        if random.percent(25) {
            let linkage = linkage(random, target, *is_many);
            all.insert((*name).to_owned(), json!({"data": linkage}));
        }
    }
    if !all.is_empty() {
        data["relationships"] = Value::Object(all);
    }
}

/// Name, target, and whether it leads to many.
pub(super) fn relationships(of: &str) -> &'static [(&'static str, &'static str, bool)] {
    match of {
        "books" => &[
            ("author", "people", false),
            ("editor", "people", false),
            ("labelled", "labels", true),
        ],
        "people" => &[("friend", "people", false)],
        _ => &[],
    }
}

fn linkage(random: &mut Random, target: &str, is_many: bool) -> Value {
    if is_many != random.percent(3) {
        return (0..random.below(4))
            .map(|_| identifier(random, target))
            .collect();
    }
    match random.below(10) {
        0..2 => Value::Null,
        _ => identifier(random, target),
    }
}

/// A relationship's own URL.
fn link(random: &mut Random, both: &Both) -> Request {
    let (of, name, target, is_many) = match random.below(12) {
        0 => ("people", "books", "books", true),
        1..3 => ("people", "friend", "people", false),
        3..5 => ("books", "author", "people", false),
        5 => ("books", "nothing", "people", false),
        _ => ("books", "labelled", "labels", true),
    };
    let resource = format!("/{of}/{}", segment(random, of));
    let url = format!("{resource}/relationships/{name}");
    let method = match random.below(6) {
        0 => Method::PATCH,
        1..4 => Method::POST,
        _ => Method::DELETE,
    };
    let request = Request::document(
        method,
        url,
        &json!({"data": linkage(random, target, is_many)}),
    );
    if random.percent(20) {
        let tag = both.tag(random, &resource);
        return request.header("if-match", tag);
    }
    request
}

/// Operations that are done together; the later ones name what the first creates.
fn atomic(random: &mut Random, both: &Both) -> Request {
    let mut operations = vec![];
    let person = random.percent(50).then(|| id(random, "people"));
    if let Some(person) = &person {
        let data =
            json!({"type": "people", "id": person, "attributes": attributes(random, "people")});
        operations.push(json!({"op": "add", "data": data}));
    }
    if random.percent(60) {
        let mut data =
            json!({"type": "books", "lid": "new", "attributes": attributes(random, "books")});
        if let Some(person) = person {
            data["relationships"] = json!({"author": {"data": {"type": "people", "id": person}}});
        }
        operations.push(json!({"op": "add", "data": data}));
        let label = identifier(random, "labels");
        let to = json!({"type": "books", "lid": "new", "relationship": "labelled"});
        operations.push(json!({"op": "add", "ref": to, "data": [label]}));
    }
    for _ in 0..random.below(3) {
        operations.push(operation(random, both));
    }
    let document = json!({"atomic:operations": operations});
    let media_type = "application/vnd.api+json;ext=\"https://jsonapi.org/ext/atomic\"";
    Request {
        method: Method::POST,
        url: "/operations".to_owned(),
        headers: vec![
            ("content-type", media_type.to_owned()),
            ("accept", media_type.to_owned()),
        ],
        body: Some(document.to_string()),
    }
}

fn operation(random: &mut Random, both: &Both) -> Value {
    let of = random.pick(&TYPES);
    let mut target = identifier(random, of);
    let mut operation = match random.below(4) {
        0 => json!({"op": "remove", "ref": target}),
        1 => {
            let segment = segment(random, of);
            json!({"op": "remove", "href": format!("/{of}/{segment}")})
        }
        _ => {
            target["attributes"] = attributes(random, of);
            json!({"op": "update", "data": target.clone()})
        }
    };
    if random.percent(20) {
        let id = target["id"].as_str().unwrap();
        let url = format!("/{of}/{}", jsonapi::path_segment(id));
        operation["meta"] = json!({"ifMatch": both.tag(random, &url)});
    }
    operation
}
