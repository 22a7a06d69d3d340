//! Documents of resources and relationships.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::parameters::{Parameters, SIZE_MAX, pairs};
use super::{Answer, Answered, Asked, Refusal, Relationship, Store, answered, relationships};

/// The ids that a relationship leads to.
pub(super) fn linked(store: &Store, relationship: &Relationship, id: u64) -> Vec<u64> {
    let numbers = |value: &Value| -> Vec<u64> {
        let one = value.as_str().into_iter();
        let many = value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        one.chain(many).filter_map(|it| it.parse().ok()).collect()
    };
    let Some(inverse) = relationship.inverse else {
        return numbers(&store[relationship.owner][&id]["links"][relationship.name]);
    };
    let targets = store[relationship.target].iter();
    let leads = targets.filter(|(_, it)| numbers(&it["links"][inverse]).contains(&id));
    leads.map(|(id, _)| *id).collect()
}

fn identifier(kind: &str, id: u64) -> Value {
    json!({"type": kind, "id": id.to_string()})
}

fn linkage(relationship: &Relationship, ids: &[u64]) -> Value {
    let mut identifiers = ids.iter().map(|id| identifier(relationship.target, *id));
    if relationship.many {
        identifiers.collect()
    } else {
        identifiers.next().unwrap_or_default()
    }
}

/// A resource object.
pub(super) fn resource(store: &Store, kind: &str, id: u64, parameters: &Parameters) -> Value {
    let own = format!("/{kind}/{id}");
    let wanted = |name: &str| {
        let fields = parameters.fields.get(kind);
        fields.is_none_or(|names| names.iter().any(|it| it == name))
    };
    let mut object = json!({"type": kind, "id": id.to_string(), "links": {"self": own}});
    let attributes = store[kind][&id]["attributes"].as_object();
    let attributes = attributes
        .into_iter()
        .flatten()
        .filter(|(name, _)| wanted(name));
    let attributes: Map<_, _> = attributes
        .map(|(name, it)| (name.clone(), it.clone()))
        .collect();
    if !attributes.is_empty() {
        object["attributes"] = attributes.into();
    }
    for relationship in relationships(kind).filter(|it| wanted(it.name)) {
        let name = relationship.name;
        object["relationships"][name] = json!({
            "links": {"self": format!("{own}/relationships/{name}"), "related": format!("{own}/{name}")},
            "data": linkage(relationship, &linked(store, relationship, id)),
        });
    }
    object
}

/// Adds `included` for the resources of the primary data.
pub(super) fn include(
    document: &mut Value,
    store: &Store,
    parameters: &Parameters,
    kind: &'static str,
    ids: &[u64],
) {
    let Some(paths) = &parameters.include else {
        return;
    };
    let mut met: BTreeSet<(&str, u64)> = ids.iter().map(|id| (kind, *id)).collect();
    let mut included = Vec::new();
    for path in paths {
        let (mut kind, mut ids) = (kind, ids.to_vec());
        for name in path {
            let Some(relationship) = super::find_relationship(kind, name) else {
                break;
            };
            let next = ids.iter().flat_map(|id| linked(store, relationship, *id));
            (ids, kind) = (next.collect(), relationship.target);
            for id in &ids {
                if met.insert((kind, *id)) {
                    included.push(resource(store, kind, *id, parameters));
                }
            }
        }
    }
    document["included"] = included.into();
}

fn known(kind: &str) -> &'static str {
    let mut found = super::ATTRIBUTES.iter().map(|it| it.0);
    found.find(|it| *it == kind).unwrap_or_default()
}

/// The request's own URL.
fn own(asked: &Asked) -> String {
    let sign = if asked.query.is_empty() { "" } else { "?" };
    let query = asked.query.replace('[', "%5B").replace(']', "%5D");
    format!("{}{sign}{query}", asked.path)
}

pub(super) fn one(store: &Store, kind: &str, id: u64, asked: &Asked) -> Answer {
    let parameters = Parameters::read(asked, kind)?;
    let mut document = json!({"links": {"self": own(asked)}});
    document["data"] = resource(store, kind, id, &parameters);
    include(&mut document, store, &parameters, known(kind), &[id]);
    Ok(answered(200, document))
}

pub(super) fn related(
    store: &Store,
    relationship: &Relationship,
    id: u64,
    asked: &Asked,
) -> Answer {
    let ids = linked(store, relationship, id);
    if relationship.many {
        return list(store, relationship.target, asked, Some(ids));
    }
    let Some(id) = ids.first() else {
        Parameters::read(asked, relationship.target)?;
        let document = json!({"links": {"self": own(asked)}, "data": null});
        return Ok(answered(200, document));
    };
    one(store, relationship.target, *id, asked)
}

/// The ids that filters leave, in the order of the sort.
fn sorted(store: &Store, kind: &str, parameters: &Parameters, ids: Option<Vec<u64>>) -> Vec<u64> {
    let mut ids = ids.unwrap_or_else(|| store[kind].keys().copied().collect());
    let value = |id: u64, name: &str| store[kind][&id]["attributes"][name].clone();
    for (name, wanted) in &parameters.filters {
        ids.retain(|id| match super::find_relationship(kind, name) {
            Some(relationship) => {
                let linked = linked(store, relationship, *id);
                wanted
                    .split(',')
                    .any(|it| it.parse().is_ok_and(|it| linked.contains(&it)))
            }
            None => match value(*id, name) {
                Value::String(text) => text == *wanted,
                other => other.as_i64() == wanted.parse().ok(),
            },
        });
    }
    ids.sort_by(|left, right| {
        let keys = parameters.sort.iter().map(|field| {
            let name = field.trim_start_matches('-');
            let (left, right) = (value(*left, name), value(*right, name));
            let order = match (left.as_i64(), right.as_i64()) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.as_str().cmp(&right.as_str()),
            };
            if field.starts_with('-') {
                order.reverse()
            } else {
                order
            }
        });
        keys.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    ids
}

/// A page of ids, with the links between pages and what `meta` says.
fn page(
    document: &mut Value,
    asked: &Asked,
    parameters: &Parameters,
    ids: &[u64],
) -> Result<Vec<u64>, Refusal> {
    if parameters.size.is_some_and(|it| it > SIZE_MAX) {
        let mut refusal = Refusal::parameter("page[size]");
        let kind = "https://jsonapi.org/profiles/ethanresnick/cursor-pagination/max-size-exceeded";
        refusal
            .more
            .insert("links".to_owned(), json!({"type": kind}));
        refusal
            .more
            .insert("meta".to_owned(), json!({"page": {"maxSize": SIZE_MAX}}));
        return Err(refusal);
    }
    let range = parameters.after.is_some() && parameters.before.is_some();
    let size = parameters.size.unwrap_or(SIZE_MAX);
    let place = |cursor: &Option<String>, name: &str| {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let place = ids.iter().position(|id| *cursor == format!("c{id}"));
        place.map(Some).ok_or_else(|| Refusal::parameter(name))
    };
    let after = place(&parameters.after, "page[after]")?;
    let before = place(&parameters.before, "page[before]")?;
    let start = match (after, before) {
        (Some(after), _) => after + 1,
        (None, Some(before)) => before.saturating_sub(size),
        (None, None) => 0,
    };
    let limit = before.unwrap_or(ids.len());
    let end = limit.min(start + size).max(start);
    document["meta"]["page"]["total"] = json!(ids.len());
    if range && end < limit {
        document["meta"]["page"]["rangeTruncated"] = json!(true);
    }
    let kept: Vec<String> = pairs(&asked.query)
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "page[after]" | "page[before]"))
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let link = |more: Option<String>| {
        let all: Vec<String> = kept.iter().cloned().chain(more).collect();
        let sign = if all.is_empty() { "" } else { "?" };
        format!("{}{sign}{}", asked.path, all.join("&"))
    };
    let next =
        (end < ids.len() && end > start).then(|| format!("page%5Bafter%5D=c{}", ids[end - 1]));
    let prev =
        (start > 0 && start < ids.len()).then(|| format!("page%5Bbefore%5D=c{}", ids[start]));
    let last = ids.len().saturating_sub(size);
    let last = (last > 0).then(|| format!("page%5Bafter%5D=c{}", ids[last - 1]));
    document["links"]["first"] = json!(link(None));
    document["links"]["last"] = json!(link(last));
    document["links"]["next"] = json!(next.map(|it| link(Some(it))));
    document["links"]["prev"] = json!(prev.map(|it| link(Some(it))));
    Ok(ids[start.min(end)..end].to_vec())
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

pub(super) fn list(store: &Store, kind: &str, asked: &Asked, ids: Option<Vec<u64>>) -> Answer {
    let parameters = Parameters::read(asked, kind)?;
    let ids = sorted(store, kind, &parameters, ids);
    let mut document = json!({"links": {"self": {"href": own(asked),
        "type": asked.accept.clone().unwrap_or_default()}}});
    let ids = page(&mut document, asked, &parameters, &ids)?;
    let resources = ids.iter().map(|id| {
        let mut resource = resource(store, kind, *id, &parameters);
        resource["meta"]["page"]["cursor"] = json!(format!("c{id}"));
        resource
    });
    document["data"] = resources.collect();
    include(&mut document, store, &parameters, known(kind), &ids);
    Ok(answered(200, document))
}

pub(super) fn relationship(
    store: &Store,
    relationship: &Relationship,
    id: u64,
    asked: &Asked,
) -> Answer {
    let mut inner = asked.clone();
    let own_name = relationship.name;
    // The first part of each path is the relationship itself.
    let parameters = Parameters::read(asked, relationship.owner)?;
    inner.query.clear();
    let related = format!("/{}/{id}/{own_name}", relationship.owner);
    let mut document = json!({"links": {"self": own(asked), "related": related}});
    let mut ids = linked(store, relationship, id);
    if relationship.many {
        ids = page(&mut document, asked, &parameters, &ids)?;
    }
    document["data"] = linkage(relationship, &ids);
    include(&mut document, store, &parameters, relationship.owner, &[id]);
    Ok(Answered {
        status: 200,
        ..answered(200, document)
    })
}
