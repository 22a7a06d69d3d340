//! Creating, changing and deleting.

use serde_json::{Map, Value, json};

use super::parameters::Parameters;
use super::reading::{include, linked, resource};
use super::{Answer, Asked, Refusal, Relationship, Store, answered, attribute, find_relationship};

const TYPES: [&str; 4] = ["articles", "people", "comments", "tags"];

/// What the body says.
pub(super) fn document(asked: &Asked) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(&asked.body).map_err(|_| Refusal::at(400, ""))?;
    // This text has its members in order, each once: what is read must be as long as what was sent.
    let value: Value = serde_json::from_str(text).map_err(|_| Refusal::at(400, ""))?;
    if value.to_string().len() != text.len() || !value.is_object() {
        return Err(Refusal::at(400, ""));
    }
    Ok(value)
}

/// The resource in `data`, of this type.
pub(super) fn checked(kind: &str, data: &Value) -> Result<(), Refusal> {
    if !data.is_object() {
        return Err(Refusal::at(400, ""));
    }
    for (member, status) in [("type", 400), ("id", 400)] {
        if data.get(member).is_some_and(|it| !it.is_string()) {
            return Err(Refusal::at(status, &format!("/{member}")));
        }
    }
    match data["type"].as_str() {
        None => Err(Refusal::at(400, "")),
        Some(found) if found != kind => Err(Refusal::at(409, "/type")),
        Some(_) => Ok(()),
    }
}

/// The ids that a linkage names.
pub(super) fn read_linkage(
    store: &Store,
    relationship: &Relationship,
    data: Option<&Value>,
    base: &str,
) -> Result<Value, Refusal> {
    let Some(data) = data else {
        return Err(Refusal::at(400, base.trim_end_matches("/data")));
    };
    let id = |item: &Value, place: &str| {
        let (Some(kind), Some(id)) = (item["type"].as_str(), item["id"].as_str()) else {
            return Err(Refusal::at(400, place));
        };
        if kind != relationship.target {
            return Err(Refusal::at(409, place));
        }
        let number = id
            .parse()
            .ok()
            .filter(|it: &u64| store[kind].contains_key(it));
        number
            .map(|_| json!(id))
            .ok_or_else(|| Refusal::at(404, place))
    };
    match data {
        Value::Array(items) if relationship.many => {
            let places = (0..).map(|index| format!("{base}/{index}"));
            let ids = items
                .iter()
                .zip(places)
                .map(|(item, place)| id(item, &place));
            let mut ids = ids.collect::<Result<Vec<Value>, Refusal>>()?;
            ids.dedup();
            Ok(ids.into())
        }
        Value::Null if !relationship.many => Ok(Value::Null),
        Value::Object(_) if !relationship.many => id(data, base),
        _ => Err(Refusal::at(400, base)),
    }
}

/// Puts the fields of a resource object into what is stored.
pub(super) fn apply(
    store: &Store,
    kind: &str,
    data: &Value,
    stored: &mut Value,
) -> Result<(), Refusal> {
    let empty = Map::new();
    let object = |name: &str| match data.get(name) {
        None => Ok(&empty),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(Refusal::at(422, &format!("/{name}"))),
    };
    let mut wrong = Vec::new();
    for (name, value) in object("attributes")?
        .iter()
        .filter(|(name, _)| !name.starts_with('@'))
    {
        let fits = match attribute(kind, name) {
            Some(true) => value.is_i64() || value.is_null(),
            Some(false) => value.is_string() || value.is_null(),
            None => false,
        };
        if !fits {
            wrong.push(json!({"pointer": format!("/attributes/{name}")}));
        }
        stored["attributes"][name] = value.clone();
    }
    if !wrong.is_empty() {
        let mut refusal = Refusal::new(422, Value::Null);
        refusal.sources = wrong;
        return Err(refusal);
    }
    for (name, value) in object("relationships")?
        .iter()
        .filter(|(name, _)| !name.starts_with('@'))
    {
        let base = format!("/relationships/{name}");
        let relationship = find_relationship(kind, name).filter(|it| it.inverse.is_none());
        let relationship = relationship.ok_or_else(|| Refusal::at(422, &base))?;
        let data = value
            .as_object()
            .ok_or_else(|| Refusal::at(400, &base))?
            .get("data");
        stored["links"][name] = read_linkage(store, relationship, data, &format!("{base}/data"))?;
    }
    Ok(())
}

/// Stores a new resource and returns its number.
pub(super) fn add(store: &mut Store, kind: &str, data: &Value) -> Result<u64, Refusal> {
    checked(kind, data)?;
    if data.get("id").is_some() {
        return Err(Refusal::at(403, "/id"));
    }
    let mut stored = json!({"attributes": {}, "links": {}});
    apply(store, kind, data, &mut stored)?;
    let resources = store.entry(kind.to_owned()).or_default();
    let id = resources.keys().last().map_or(1, |last| last + 1);
    resources.insert(id, stored);
    Ok(id)
}

pub(super) fn create(store: &mut Store, kind: &str, asked: &Asked) -> Answer {
    let parameters = Parameters::read(asked, kind)?;
    let body = document(asked)?;
    let data = body.get("data").ok_or_else(|| Refusal::at(400, ""))?;
    let id = add(store, kind, data).map_err(|refusal| refusal.below("/data"))?;
    let mut document = json!({"data": resource(store, kind, id, &parameters)});
    let kind = TYPES.into_iter().find(|it| *it == kind).unwrap_or_default();
    include(&mut document, store, &parameters, kind, &[id]);
    let mut answer = answered(201, document);
    answer.headers.insert("location", format!("/{kind}/{id}"));
    Ok(answer)
}

/// Changes a resource.
pub(super) fn change(store: &mut Store, kind: &str, id: u64, data: &Value) -> Result<(), Refusal> {
    checked(kind, data)?;
    match data["id"].as_str() {
        None => return Err(Refusal::at(400, "")),
        Some(found) if found != id.to_string() => return Err(Refusal::at(409, "/id")),
        Some(_) => {}
    }
    let mut stored = store[kind][&id].clone();
    apply(store, kind, data, &mut stored)?;
    store.entry(kind.to_owned()).or_default().insert(id, stored);
    Ok(())
}

pub(super) fn update(store: &mut Store, kind: &str, id: u64, asked: &Asked) -> Answer {
    let parameters = Parameters::read(asked, kind)?;
    let body = document(asked)?;
    let data = body.get("data").ok_or_else(|| Refusal::at(400, ""))?;
    change(store, kind, id, data).map_err(|refusal| refusal.below("/data"))?;
    Ok(answered(
        200,
        json!({"data": resource(store, kind, id, &parameters)}),
    ))
}

/// Deletes a resource, and what leads to it.
pub(super) fn remove(store: &mut Store, kind: &str, id: u64) {
    let text = id.to_string();
    for relationship in super::RELATIONSHIPS
        .iter()
        .filter(|it| it.target == kind && it.inverse.is_none())
    {
        for stored in store
            .entry(relationship.owner.to_owned())
            .or_default()
            .values_mut()
        {
            match &mut stored["links"][relationship.name] {
                Value::Array(ids) => ids.retain(|it| it.as_str() != Some(&text)),
                found if found.as_str() == Some(&text) => *found = Value::Null,
                _ => {}
            }
        }
    }
    store.entry(kind.to_owned()).or_default().remove(&id);
}

/// Changes a relationship in one of three ways.
pub(super) fn relink(
    store: &mut Store,
    relationship: &Relationship,
    id: u64,
    way: &str,
    data: Option<&Value>,
) -> Result<(), Refusal> {
    if relationship.inverse.is_some() || (!relationship.many && way != "PATCH") {
        return Err(Refusal::new(403, Value::Null));
    }
    let given = read_linkage(store, relationship, data, "/data")?;
    let given_ids = given.as_array().cloned().unwrap_or_default();
    let known = linked(store, relationship, id)
        .into_iter()
        .map(|it| json!(it.to_string()));
    let mut known: Vec<Value> = known.collect();
    let changed = match way {
        "POST" => {
            known.extend(given_ids);
            let mut unique = Vec::new();
            for id in known {
                if !unique.contains(&id) {
                    unique.push(id);
                }
            }
            unique.into()
        }
        "DELETE" => {
            known.retain(|it| !given_ids.contains(it));
            known.into()
        }
        _ => given,
    };
    let resources = store.entry(relationship.owner.to_owned()).or_default();
    resources.entry(id).or_default()["links"][relationship.name] = changed;
    Ok(())
}

pub(super) fn link(
    store: &mut Store,
    relationship: &Relationship,
    id: u64,
    way: &str,
    asked: &Asked,
) -> Answer {
    let body = document(asked)?;
    relink(store, relationship, id, way, body.get("data"))?;
    Ok(answered(204, Value::Null))
}
