//! Operations as they were sent become operations of the controller, one after the other: each may
//! name what those before it create.

use std::collections::HashMap;
use std::sync::Arc;
use std::vec::IntoIter;

use jsonapi::{Error, Identifier, OperationCode, OperationData, OperationTarget, ResourceObject};
use serde_json::Value;

use super::target::{Target, identified, operated, parsed, target};
use crate::api::Service;
use crate::api::conditions::meta_if_match;
use crate::api::failure::Problem;
use crate::api::links::{self, LocalIds};
use crate::api::request::from_resource_object;
use crate::controller::{Action, Failure, LinkChange, Linking, Operation, Reason};
use crate::schema::{Id, IdKind, Relationship, ResourceType};

/// What the operations mean; ids for all new resources are reserved.
pub(super) async fn read(
    service: &Service,
    operations: Vec<jsonapi::Operation>,
) -> Result<Vec<Operation>, Problem> {
    let mut reader = Reader {
        service,
        locals: LocalIds::default(),
        reserved: reserve(service, &operations).await?,
    };
    let read = operations.into_iter().map(|one| reader.operation(one));
    read.collect()
}

/// By the name of a type: the ids of its new resources.
type Reserved = HashMap<String, IntoIter<Id>>;

/// Asks for all ids of a type at once.
async fn reserve(
    service: &Service,
    operations: &[jsonapi::Operation],
) -> Result<Reserved, Problem> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in operations.iter().filter_map(new_without_id) {
        *counts.entry(name).or_default() += 1;
    }
    let mut reserved = Reserved::new();
    for (name, count) in counts {
        let known = service.types.get(name);
        if let Some(resource_type) = known.filter(|known| known.id != IdKind::String) {
            let ids = service.controller.next_ids(resource_type, count).await?;
            reserved.insert(name.to_owned(), ids.into_iter());
        }
    }
    Ok(reserved)
}

/// The type of a resource that an operation creates without naming its id.
fn new_without_id(operation: &jsonapi::Operation) -> Option<&str> {
    match &operation.data {
        _ if operation.code != OperationCode::Add => None,
        OperationData::Resource(object) if object.id.is_none() => Some(&object.resource_type),
        OperationData::Unread(value) if value.get("id").is_none() => {
            value.get("type").and_then(Value::as_str)
        }
        _ => None,
    }
}

struct Reader<'s> {
    service: &'s Service,
    locals: LocalIds,
    reserved: Reserved,
}

impl Reader<'_> {
    fn operation(&mut self, mut given: jsonapi::Operation) -> Result<Operation, Problem> {
        let (code, pointer) = (given.code, given.pointer.clone());
        let named = given.target.take();
        let place = match &named {
            None => format!("{pointer}/data"),
            Some(OperationTarget::Href(_)) => format!("{pointer}/href"),
            Some(OperationTarget::Ref { .. }) => format!("{pointer}/ref"),
        };
        let target = named.map(|one| target(self.service, &self.locals, one, &pointer));
        let target = target.transpose()?;
        let (resource_type, action) = match (code, target) {
            (OperationCode::Add, None) => self.create(None, given)?,
            (OperationCode::Add, Some(Target::Collection(on))) => self.create(Some(on), given)?,
            (OperationCode::Update, None) => self.update(None, given)?,
            (OperationCode::Update, Some(Target::Resource(on, id))) => {
                self.update(Some((on, id)), given)?
            }
            (OperationCode::Remove, Some(Target::Resource(on, id))) => {
                let versions = meta_if_match(&given.meta, &on, &pointer)?;
                (on, Action::Delete { id, versions })
            }
            (_, Some(Target::Relationship(on, id, relationship))) => {
                let linking = self.linking(&on, relationship, given)?;
                (on, Action::Link { id, linking })
            }
            (_, None | Some(Target::Collection(_) | Target::Resource(..))) => {
                let detail = "'add' is about a collection, 'update' and 'remove' about a resource, \
                              all of them about a relationship.";
                return Err(Error::malformed_document(detail).pointer(place).into());
            }
        };
        Ok(Operation {
            resource_type,
            action,
            pointer: place,
        })
    }

    fn create(
        &mut self,
        on: Option<Arc<ResourceType>>,
        given: jsonapi::Operation,
    ) -> Result<(Arc<ResourceType>, Action), Problem> {
        let base = format!("{}/data", given.pointer);
        let object = given.resource()?;
        let resource_type = match on {
            Some(on) => on,
            None => self.named(&object, &base)?,
        };
        let reserved = match object.id {
            Some(_) => None,
            None => self
                .reserved
                .get_mut(&resource_type.name)
                .and_then(Iterator::next),
        };
        if let Some(lid) = &object.lid {
            let chosen = object.id.as_ref();
            let chosen = chosen.map(|id| parsed(&resource_type, id, &format!("{base}/id")));
            let id = chosen.transpose()?.or_else(|| reserved.clone());
            let is_new = id.is_none_or(|id| self.locals.note(&resource_type.name, lid, id));
            if !is_new {
                let detail = "Another resource of this type is created under this 'lid'.";
                let error = Error::malformed_document(detail);
                return Err(error.pointer(format!("{base}/lid")).into());
            }
        }
        let draft = from_resource_object(&resource_type, object, &self.locals, &base, true)?;
        Ok((resource_type, Action::Create { draft, reserved }))
    }

    fn update(
        &self,
        on: Option<(Arc<ResourceType>, Id)>,
        mut given: jsonapi::Operation,
    ) -> Result<(Arc<ResourceType>, Action), Problem> {
        let (meta, pointer) = (std::mem::take(&mut given.meta), given.pointer.clone());
        let base = format!("{pointer}/data");
        let mut object = given.resource()?;
        if let Some(lid) = object.lid.take().filter(|_| object.id.is_none()) {
            let lid = jsonapi::Target::LocalId(lid);
            object.id = Some(self.locals.id(&object.resource_type, lid, &base)?);
        }
        let (resource_type, id) = match (on, &object.id) {
            (Some(on), _) => on,
            (None, Some(id)) => {
                let identifier = Identifier {
                    resource_type: object.resource_type.clone(),
                    target: jsonapi::Target::Id(id.clone()),
                    pointer: base.clone(),
                };
                identified(self.service, &self.locals, identifier)?
            }
            (None, None) => {
                let detail = "Nothing says which resource is to be changed.";
                return Err(Error::malformed_document(detail).pointer(base).into());
            }
        };
        object.id.get_or_insert_with(|| id.to_string());
        let draft = from_resource_object(&resource_type, object, &self.locals, &base, false)?;
        let versions = meta_if_match(&meta, &resource_type, &pointer)?;
        let action = Action::Update {
            id,
            draft,
            versions,
        };
        Ok((resource_type, action))
    }

    fn linking(
        &self,
        resource_type: &Arc<ResourceType>,
        relationship: Arc<Relationship>,
        given: jsonapi::Operation,
    ) -> Result<Linking, Problem> {
        let code = given.code;
        let versions = meta_if_match(&given.meta, resource_type, &given.pointer)?;
        if code != OperationCode::Update && relationship.is_to_one() {
            let reason = Reason::ToOne(relationship.name.clone());
            return Err(Failure::new(resource_type, reason)
                .at(&given.pointer)
                .into());
        }
        let linkage = given.linkage()?;
        let targets = |linkage| links::targets(resource_type, &relationship, linkage, &self.locals);
        let change = match code {
            OperationCode::Remove => {
                let ids = links::leaving(&relationship, linkage, &self.locals)?;
                LinkChange::Remove(ids)
            }
            OperationCode::Add => LinkChange::Add(targets(linkage)?),
            OperationCode::Update => LinkChange::Replace(targets(linkage)?),
        };
        Ok(Linking {
            relationship,
            change,
            versions,
        })
    }

    fn named(&self, object: &ResourceObject, base: &str) -> Result<Arc<ResourceType>, Error> {
        operated(self.service, &object.resource_type, &format!("{base}/type"))
    }
}
