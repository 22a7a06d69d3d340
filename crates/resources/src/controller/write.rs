//! Writing: a draft becomes a write with its guard, for a unit in which every resource that it links
//! to is there.

use std::sync::Arc;

use super::draft::{LinkTarget, Pointers};
use super::unit::{Prepared, Step};
use super::{Controller, Done, Draft, Failure, IdRule, Reason, id_of_url};
use crate::schema::{Attributes, Id, ResourceType};
use crate::store::{Key, Resource, StoreError, Version, Write};
use crate::work;

/// The versions of which a resource must have one for a change; any will do for `None`.
pub(crate) type Versions = Option<Vec<Version>>;

/// For which versions a change is made, and under which key.
pub(crate) type Terms<'k> = (Versions, Option<&'k Key>);

impl Controller {
    /// Stores a new resource. Its id is the client's where the kind of the ids allows that, else
    /// the server's. What was done before under the same key is not done again; this holds for all
    /// that is written.
    pub async fn create(
        &self,
        resource_type: &Arc<ResourceType>,
        draft: Draft,
        key: Option<&Key>,
    ) -> Result<Done<Resource>, Failure> {
        draft.must_be_writable(resource_type, true)?;
        let id = match draft.new_id(resource_type, IdRule::Client)? {
            Some(id) => id,
            None => self.next_id(resource_type).await?,
        };
        let prepared = creation(resource_type, id, draft).await?;
        self.store_one(prepared, key).await
    }

    /// Sets the fields that the draft names and leaves the others as they are. The result is
    /// checked inside the unit of work, where nobody else can change it.
    pub async fn update(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
        draft: Draft,
        (versions, key): Terms<'_>,
    ) -> Result<Done<Resource>, Failure> {
        let id = id_of_url(resource_type, id)?;
        self.store_one(update(resource_type, id, draft, versions)?, key)
            .await
    }

    /// Puts the draft's fields in the place of all that were there, except of those that clients
    /// cannot change.
    pub async fn replace(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &str,
        draft: Draft,
        (versions, key): Terms<'_>,
    ) -> Result<Done<Resource>, Failure> {
        let id = id_of_url(resource_type, id)?;
        let prepared = replacement(resource_type, id, draft, versions).await?;
        self.store_one(prepared, key).await
    }

    async fn next_id(&self, resource_type: &Arc<ResourceType>) -> Result<Id, Failure> {
        let ids = self.next_ids(resource_type, 1).await?;
        let none = || StoreError::Internal("one id was asked for, none was given".to_owned());
        let id = ids.into_iter().next().ok_or_else(none);
        id.map_err(|error| Failure::new(resource_type, error.into()))
    }

    /// So many ids for new resources whose ids are not the client's to choose.
    pub(crate) async fn next_ids(
        &self,
        resource_type: &Arc<ResourceType>,
        count: usize,
    ) -> Result<Vec<Id>, Failure> {
        let ids = self.store.next_ids(resource_type, count).await;
        ids.map_err(|error| Failure::new(resource_type, error.into()))
    }

    /// Does a write that stores a resource.
    pub(super) async fn store_one(
        &self,
        prepared: Prepared,
        key: Option<&Key>,
    ) -> Result<Done<Resource>, Failure> {
        let resource_type = prepared.write.resource_type.clone();
        let step = Step::Store(Box::new(prepared));
        let Done { left, is_repeated } = self.perform_one(step, key).await?;
        let none = || StoreError::Internal("a write that stores stored nothing".to_owned());
        let left = left.ok_or_else(none);
        let left = left.map_err(|error| Failure::new(&resource_type, error.into()))?;
        Ok(Done { left, is_repeated })
    }
}

/// A new resource with this id.
pub(super) async fn creation(
    resource_type: &Arc<ResourceType>,
    id: Id,
    draft: Draft,
) -> Result<Prepared, Failure> {
    let targets = draft.targets(resource_type)?;
    let (members, pointers) = valid(resource_type, draft, true).await?;
    let write = Write::insert(resource_type, id, members);
    Ok(Prepared {
        write,
        pointers,
        targets,
    })
}

/// Other values of the fields that the draft names.
pub(super) fn update(
    resource_type: &Arc<ResourceType>,
    id: Id,
    draft: Draft,
    versions: Versions,
) -> Result<Prepared, Failure> {
    draft.must_name(resource_type, &id)?;
    draft.must_be_writable(resource_type, false)?;
    let targets = draft.targets(resource_type)?;
    let (mut members, pointers) = draft.into_members(resource_type)?;
    resource_type.attributes.normalize(&mut members);
    let mut write = Write::update(resource_type, id, members);
    write.guard.versions = versions;
    Ok(Prepared {
        write,
        pointers,
        targets,
    })
}

/// Other fields. With those that are kept they can be held against the schema only where the
/// resource is known: inside the unit.
async fn replacement(
    resource_type: &Arc<ResourceType>,
    id: Id,
    draft: Draft,
    versions: Versions,
) -> Result<Prepared, Failure> {
    draft.must_name(resource_type, &id)?;
    draft.must_be_writable(resource_type, false)?;
    let targets = draft.targets(resource_type)?;
    let kept = resource_type.unchangeable();
    let (members, pointers) = if kept.is_empty() {
        valid(resource_type, draft, false).await?
    } else {
        draft.into_members(resource_type)?
    };
    let mut write = Write::replace(resource_type, id, members);
    write.guard.versions = versions;
    write.guard.validated = !kept.is_empty();
    write.kept = kept;
    Ok(Prepared {
        write,
        pointers,
        targets,
    })
}

impl LinkTarget {
    pub(super) fn absent(&self) -> Reason {
        Reason::RelatedNotFound {
            resource_type: self.relationship.target.name.clone(),
            id: self.id.to_string(),
        }
    }
}

/// The members to store; those of a new resource with the defaults of its type.
async fn valid(
    resource_type: &Arc<ResourceType>,
    draft: Draft,
    is_new: bool,
) -> Result<(Attributes, Pointers), Failure> {
    let (mut members, pointers) = draft.into_members(resource_type)?;
    if is_new {
        resource_type.attributes.fill_defaults(&mut members);
    }
    let validated = resource_type.clone();
    let is_large = work::is_large(&members);
    let validate = move || validated.attributes.validate(members);
    let failed = |reason| pointers.place(Failure::new(resource_type, reason));
    match work::run(is_large, validate).await {
        Ok(Ok(members)) => Ok((members, pointers)),
        Ok(Err(violations)) => Err(failed(Reason::Invalid(violations))),
        Err(error) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::schema;
    use crate::store::Change;

    const NOTES: &str = "type: notes
id: string
attributes:
  type: object
  properties: {title: {type: string, default: none}, code: {type: string}, n: {type: integer}}
  required: [title]
capabilities: {code: {changeable: false}}
relationships: {next: {type: notes}}
";

    fn notes() -> Arc<ResourceType> {
        Arc::new(schema::parse(NOTES).unwrap())
    }

    fn draft(of: &ResourceType, value: Value) -> Draft {
        let Value::Object(object) = value else {
            panic!("{value}")
        };
        Draft::plain(of, object)
    }

    fn members(prepared: &Prepared) -> Value {
        match &prepared.write.change {
            Change::Replace(members) | Change::Update(members) => members.clone().into(),
            other => panic!("{other:?}"),
        }
    }

    fn id() -> Id {
        Id::String("a".to_owned())
    }

    #[tokio::test]
    async fn a_new_resource_gets_defaults_and_what_it_links_to_is_demanded() {
        let of = notes();
        let new = draft(&of, json!({"code": "c", "next": "b"}));
        let prepared = creation(&of, id(), new).await.ok().unwrap();
        let expected = json!({"code": "c", "next": "b", "title": "none"});
        assert_eq!(members(&prepared), expected);
        let targets: Vec<_> = prepared.targets.iter().map(|one| &one.id).collect();
        assert_eq!(targets, [&Id::String("b".to_owned())]);
        // It was validated before the unit, which need not read for it.
        assert!(!prepared.write.needs_current());
        let wrong = draft(&of, json!({"n": "one"}));
        let refused = creation(&of, id(), wrong).await.err().unwrap();
        assert!(matches!(refused.reason, Reason::Invalid(_)), "{refused}");
    }

    #[test]
    fn a_change_gets_no_defaults_and_is_validated_inside_the_unit() {
        let of = notes();
        let versions = Some(vec![Version::of_text("{}")]);
        let change = draft(&of, json!({"n": "one", "next": null}));
        let prepared = update(&of, id(), change, versions.clone()).ok().unwrap();
        assert_eq!(members(&prepared), json!({"n": "one", "next": null}));
        assert!(prepared.targets.is_empty());
        assert!(prepared.write.guard.validated);
        assert_eq!(prepared.write.guard.versions, versions);
        for (body, expected) in [
            (json!({"code": "d"}), "forbidden"),
            (json!({"id": "b", "n": 1}), "differs"),
        ] {
            let refused = update(&of, id(), draft(&of, body), None).err().unwrap();
            let met = match refused.reason {
                Reason::Forbidden(_) => "forbidden",
                Reason::IdDiffers { .. } => "differs",
                other => panic!("{other}"),
            };
            assert_eq!(met, expected);
        }
    }

    #[tokio::test]
    async fn a_replacement_keeps_what_clients_cannot_change_and_is_validated_with_it() {
        let of = notes();
        let body = draft(&of, json!({"n": 1}));
        let prepared = replacement(&of, id(), body, None).await.ok().unwrap();
        assert_eq!(prepared.write.kept, ["code"]);
        // 'title' is missing, which the unit finds out together with what is kept.
        assert!(prepared.write.guard.validated);
        let without = NOTES.replace("capabilities: {code: {changeable: false}}\n", "");
        let of = Arc::new(schema::parse(&without).unwrap());
        let body = draft(&of, json!({"n": 1}));
        let refused = replacement(&of, id(), body, None).await.err().unwrap();
        assert!(matches!(refused.reason, Reason::Invalid(_)), "{refused}");
        let body = draft(&of, json!({"title": "t"}));
        let prepared = replacement(&of, id(), body, None).await.ok().unwrap();
        assert!(!prepared.write.needs_current());
    }
}
