//! Where a check writes linkage.

use http::Method;
use serde_json::{Value, json};

use super::super::updating::{linkage, same_linkage};
use crate::exchange::{Answer, Request};
use crate::run::{Created, Run};
use crate::verdict::{Miss, Verdict, unjudged};

/// A relationship of a new resource, which is empty unless it must be there.
pub(super) struct Place {
    pub(super) created: Created,
    pub(super) name: String,
    pub(super) target: String,
    pub(super) path: String,
}

impl Place {
    pub(super) fn of(run: &mut Run<'_>, many: bool) -> Result<Self, Miss> {
        run.may_write()?;
        let Some(relationship) = run.main().writable(many) else {
            let kind = if many { "to-many" } else { "to-one" };
            let text = format!("the world names no {kind} relationship that can be changed");
            return unjudged(text);
        };
        let created = run.create()?;
        let name = relationship.name.clone();
        Ok(Self {
            path: run.relationship_path(&created.resource, &name),
            target: relationship.target.clone(),
            created,
            name,
        })
    }

    pub(super) fn send(
        &self,
        run: &mut Run<'_>,
        method: Method,
        data: &Value,
    ) -> Result<Answer, Miss> {
        let body = json!({"data": data});
        run.send(&Request::new(method, &self.path).json(&body))
    }

    /// The same, which must succeed.
    pub(super) fn done(
        &self,
        run: &mut Run<'_>,
        method: Method,
        data: &Value,
    ) -> Result<Answer, Miss> {
        let answer = self.send(run, method, data)?;
        answer.is(&[200, 204])?;
        Ok(answer)
    }

    /// Fails unless the linkage leads to these resources, each once.
    pub(super) fn must_be(&self, run: &mut Run<'_>, expected: &Value) -> Verdict {
        let answer = linkage(run, &self.created, &self.name)?;
        let same = same_linkage(answer.data(), expected);
        answer.must(same, &expected.to_string(), answer.data())
    }
}
