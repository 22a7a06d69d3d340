//! Stored resources against the definition of their type: what a definition says is asked of what
//! is written from then on, and of nothing that was stored before.

mod links;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::schema::{Attributes, Id, ResourceType, Types, Violation};
use crate::store::{Resources, Store, StoreError, stored_value};

/// How much is compared.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many resources are read, at most.
    pub resources_max: u64,
    /// After this time no further batch is read.
    pub time_max: Duration,
}

impl Bounds {
    /// The whole collection, however long that takes.
    pub const NONE: Self = Self {
        resources_max: u64::MAX,
        time_max: Duration::MAX,
    };
}

/// A stored resource that the definition would not admit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Which resource.
    pub id: Id,
    /// What does not fit, by pointers into the stored members; at most 100 and how many more.
    pub violations: Vec<Violation>,
}

/// What a comparison has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// Resources that were read.
    pub resources: u64,
    /// Those of them that do not fit.
    pub misfits: u64,
    /// Whether all resources were read.
    pub is_complete: bool,
}

/// Reads a collection in its order, in constant memory, and tells of each resource that does not
/// fit. With `types`, also of relationships that name what is not there.
///
/// # Errors
/// When the store fails.
pub async fn compare(
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
    types: Option<&Types>,
    bounds: Bounds,
    found: &mut (dyn FnMut(Misfit) + Send),
) -> Result<Compared, StoreError> {
    let began = Instant::now();
    let mut compared = Compared::default();
    let mut scan = store.scan(resource_type).await?;
    while let Some(batch) = scan.next().await? {
        let left = bounds.resources_max - compared.resources;
        let is_cut = left < batch.len() as u64;
        compared.resources += left.min(batch.len() as u64);
        let of = resource_type.clone();
        let count = usize::try_from(left).unwrap_or(usize::MAX);
        // It takes as long as the resources are large, and must keep nobody waiting.
        let compared_here = tokio::task::spawn_blocking(move || misfits(&of, &batch, count));
        let (mut misfits, named) = compared_here
            .await
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        if let Some(types) = types {
            links::add_dangling(store, types, named, &mut misfits).await?;
        }
        compared.misfits += misfits.len() as u64;
        misfits.into_iter().for_each(&mut *found);
        if is_cut || began.elapsed() >= bounds.time_max {
            return Ok(compared);
        }
    }
    compared.is_complete = true;
    Ok(compared)
}

/// Those of the first resources that do not fit, and what the relationships of all of these name.
fn misfits(
    resource_type: &ResourceType,
    batch: &Resources,
    count: usize,
) -> (Vec<Misfit>, Vec<links::Named>) {
    let (mut misfits, mut named) = (Vec::new(), Vec::new());
    for resource in batch.iter().take(count) {
        let mut violations = match stored_value::<Attributes>(resource.text) {
            Ok(members) => of_members(resource_type, resource.id, members, &mut named),
            Err(_) => vec![Violation {
                pointer: String::new(),
                keyword: "type".to_owned(),
                message: "the stored text is no JSON object".to_owned(),
            }],
        };
        if !violations.is_empty() {
            violations.sort();
            let id = resource.id.clone();
            misfits.push(Misfit { id, violations });
        }
    }
    (misfits, named)
}

fn of_members(
    resource_type: &ResourceType,
    id: &Id,
    members: Attributes,
    named: &mut Vec<links::Named>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for relationship in &resource_type.relationships {
        let value = relationship.own_member().and_then(|name| members.get(name));
        if let Some(value) = value {
            violations.extend(links::wrong(relationship, value));
            let targets = links::targets(relationship, value);
            named.extend(targets.map(|(pointer, target)| links::Named {
                by: id.clone(),
                relationship: relationship.clone(),
                pointer,
                target,
            }));
        }
    }
    violations.extend(resource_type.attributes.unconverted(&members));
    if let Err(more) = resource_type.attributes.validate(members) {
        violations.extend(more);
    }
    violations
}

/// What several misfits have in common, for a summary: the pointer without the positions in
/// arrays, and the message.
#[must_use]
pub fn kind(violation: &Violation) -> (String, String) {
    let is_position =
        |step: &str| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
    let steps = violation.pointer.split('/');
    let steps: Vec<&str> = steps
        .map(|step| if is_position(step) { "*" } else { step })
        .collect();
    (steps.join("/"), violation.message.clone())
}

/// The member at a place, as a pointer.
fn pointer(member: &str, position: Option<usize>) -> String {
    let member = jsonapi::pointer_token(member);
    match position {
        Some(position) => format!("/{member}/{position}"),
        None => format!("/{member}"),
    }
}

/// The elements of what a relationship holds, with their places.
fn elements(value: &Value) -> impl Iterator<Item = (Option<usize>, &Value)> {
    let (one, many) = match value {
        Value::Array(many) => (None, many.as_slice()),
        one => (Some(one), [].as_slice()),
    };
    let many = many.iter().enumerate();
    let many = many.map(|(position, value)| (Some(position), value));
    one.map(|value| (None, value)).into_iter().chain(many)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema;

    fn found(definition: &str, stored: &Value) -> Vec<(String, String)> {
        let resource_type = schema::parse(definition).unwrap();
        let mut batch = Resources::default();
        batch.push(Id::Integer(1), &stored.to_string());
        let (misfits, _) = misfits(&resource_type, &batch, usize::MAX);
        let violations = misfits.into_iter().flat_map(|misfit| misfit.violations);
        violations
            .map(|violation| (violation.pointer, violation.message))
            .collect()
    }

    const BOOKS: &str = "type: books\nid: integer\nrelationships:\n  \
                         sequel: {type: books}\n  similar: {type: books, kind: many}\n\
                         attributes:\n  type: object\n  required: [title]\n  \
                         properties: {title: {type: string}}\n";

    #[test]
    fn what_the_definition_would_not_admit_is_found_in_attributes_and_relationships() {
        let fine = json!({"title": "Emma", "sequel": 2, "similar": [3], "other": true});
        assert_eq!(found(BOOKS, &fine), []);
        let fine = json!({"title": "Emma", "sequel": null});
        assert_eq!(found(BOOKS, &fine), []);
        let stored = json!({"sequel": "x", "similar": [1, "y"]});
        let places: Vec<_> = found(BOOKS, &stored).into_iter().map(|one| one.0).collect();
        assert_eq!(places, ["", "/sequel", "/similar/1"]);
        let stored = json!({"title": "Emma", "sequel": [2], "similar": 3});
        let places: Vec<_> = found(BOOKS, &stored).into_iter().map(|one| one.0).collect();
        assert_eq!(places, ["/sequel", "/similar"]);
    }

    #[test]
    fn a_definition_that_admits_the_same_has_the_same_fingerprint() {
        let of = |text: &str| schema::parse(text).unwrap().fingerprint();
        let books = of(BOOKS);
        assert_eq!(books, of(&format!("{BOOKS}page: {{default: 3}}\n")));
        for (from, to) in [
            ("required: [title]", "required: []"),
            ("kind: many", "kind: one"),
            (
                "attributes:\n",
                "indexes: [{attributes: [title], unique: true}]\nattributes:\n",
            ),
        ] {
            assert_ne!(books, of(&BOOKS.replace(from, to)), "{to}");
        }
    }

    #[test]
    fn positions_in_arrays_do_not_tell_misfits_apart() {
        let at = |pointer: &str| {
            let (pointer, message) = (pointer.to_owned(), "m".to_owned());
            kind(&Violation {
                pointer,
                keyword: String::new(),
                message,
            })
        };
        assert_eq!(at("/tags/3/name"), at("/tags/14/name"));
        assert_ne!(at("/tags/3/name"), at("/tags/3"));
    }
}
