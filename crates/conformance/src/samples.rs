//! What the server has already, found by reading it.

use serde_json::Value;

use crate::exchange::{Answer, Request};
use crate::run::Run;
use crate::verdict::{Miss, unjudged};

/// How many resources are looked at for relationships of every shape.
const LOOKED_AT: usize = 25;

/// Resources of the main type, and their relationships.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// The first page.
    resources: Vec<Value>,
    relationships: Vec<Found>,
    /// Why there are none.
    reason: String,
}

/// A relationship of one resource.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) name: String,
    /// The type that it leads to.
    pub(crate) target: String,
    pub(crate) many: bool,
    /// The resource that has it.
    pub(crate) owner: Value,
    pub(crate) linkage: Value,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.linkage.is_null() || self.linkage.as_array().is_some_and(Vec::is_empty)
    }
}

impl Samples {
    pub(crate) fn read(run: &mut Run<'_>) -> Self {
        let list = run.send(&Request::get(run.collection()));
        let (resources, reason) = match list {
            Ok(Answer {
                status: 200,
                document,
                ..
            }) => {
                let items = document["data"].as_array().cloned().unwrap_or_default();
                (
                    items,
                    format!("the collection {} is empty", run.collection()),
                )
            }
            Ok(answer) => (
                Vec::new(),
                format!("{} is a {}", answer.request, answer.status),
            ),
            Err(Miss::Fails(reason) | Miss::Unjudged(reason)) => (Vec::new(), reason),
        };
        let relationships = relationships(run, &resources);
        Self {
            resources,
            relationships,
            reason,
        }
    }

    /// The first page of the main collection.
    pub(crate) fn all(&self) -> Result<&[Value], Miss> {
        if self.resources.is_empty() {
            return unjudged(self.reason.clone());
        }
        Ok(&self.resources)
    }

    /// A resource of the main type.
    pub(crate) fn one(&self) -> Result<Value, Miss> {
        self.all().map(|all| all[0].clone())
    }

    /// A relationship that leads somewhere.
    pub(crate) fn filled(&self, many: bool) -> Result<Found, Miss> {
        self.find(many, false)
    }

    /// A relationship that is empty.
    pub(crate) fn empty(&self, many: bool) -> Result<Found, Miss> {
        self.find(many, true)
    }

    /// A relationship that leads somewhere, to-many rather than to-one.
    pub(crate) fn any_filled(&self) -> Result<Found, Miss> {
        self.filled(true).or_else(|_| self.filled(false))
    }

    /// Every relationship that was found.
    pub(crate) fn relationships(&self) -> &[Found] {
        &self.relationships
    }

    fn find(&self, many: bool, empty: bool) -> Result<Found, Miss> {
        self.all()?;
        let mut found = self.relationships.iter();
        let found = found.find(|it| it.many == many && it.is_empty() == empty);
        found.cloned().map_or_else(
            || {
                let kind = if many { "to-many" } else { "to-one" };
                let state = if empty { "an empty" } else { "a filled" };
                unjudged(format!(
                    "no resource with {state} {kind} relationship was found"
                ))
            },
            Ok,
        )
    }
}

/// For each relationship of the world the first filled and the first empty one.
fn relationships(run: &mut Run<'_>, resources: &[Value]) -> Vec<Found> {
    let mut all = Vec::new();
    for relationship in &run.world.main_type().relationships {
        let (mut filled, mut empty) = (None, None);
        for owner in resources.iter().take(LOOKED_AT) {
            let name = &relationship.name;
            let stated = owner["relationships"][name].get("data").cloned();
            let Some(linkage) = stated.or_else(|| fetched(run, owner, name)) else {
                continue;
            };
            let found = Found {
                name: name.clone(),
                target: relationship.target.clone(),
                many: relationship.many,
                owner: owner.clone(),
                linkage,
            };
            let place = if found.is_empty() {
                &mut empty
            } else {
                &mut filled
            };
            place.get_or_insert(found);
            if filled.is_some() && empty.is_some() {
                break;
            }
        }
        all.extend(filled.into_iter().chain(empty));
    }
    all
}

fn fetched(run: &mut Run<'_>, owner: &Value, name: &str) -> Option<Value> {
    let path = run.relationship_path(owner, name);
    let answer = run.get(&path).ok()?;
    answer.document.get("data").cloned()
}
