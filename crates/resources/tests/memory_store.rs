//! A store that was added by following `docs/add-a-store.md`: resources in memory. It passes the
//! contract and is good for nothing else.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use resources::query::{Filter, Query, folded};
use resources::schema::{Attributes, Id, IdKind, Index, IndexKey, Relationship, ResourceType};
use resources::store::contract::{Answer, World};
use resources::store::{
    After, Duplicates, Import, ImportMode, KeptAnswer, Key, KeyRefusal, NewResource, Outcomes,
    Page, Plan, Refusal, Resource, Resources, Scan, Step, Store, StoreError, Unit, Write,
    WriteError, WriteFailure, Written, admit, contract, fresh_ids, now,
};
use serde_json::Value;

/// Every collection by its name. The lock is held for a whole unit, which makes it one.
#[derive(Default)]
struct MemoryStore(Arc<Mutex<Collections>>, Arc<Mutex<Keys>>);

type Collections = HashMap<String, Collection>;

/// By the name of a key: its fingerprint, until when it is known, and what its unit has left.
type Keys = HashMap<String, ([u8; 32], i64, String)>;

#[derive(Clone, Default)]
struct Collection {
    /// In the order of creation.
    resources: Vec<Resource>,
    greatest_id: i64,
    noted_definition: Option<String>,
}

impl Collection {
    fn position(&self, id: &Id) -> Option<usize> {
        self.resources.iter().position(|one| one.id == *id)
    }

    fn perform(&mut self, write: &Write) -> Result<Written, WriteFailure> {
        let position = self.position(&write.id);
        let current = position.map(|position| self.resources[position].text.clone());
        match admit(write, current.as_deref())? {
            After::Replaced(members) | After::Updated { whole: members, .. } => {
                self.put(&write.resource_type, write.id.clone(), position, members)
            }
            After::Removed => {
                self.resources.retain(|one| one.id != write.id);
                Ok(Written::Deleted)
            }
            After::Unchanged => Ok(Written::Unchanged),
        }
    }

    fn put(
        &mut self,
        resource_type: &ResourceType,
        id: Id,
        position: Option<usize>,
        members: Attributes,
    ) -> Result<Written, WriteFailure> {
        self.check_unique(resource_type, &id, &members)?;
        if let Id::Integer(number) = id {
            self.greatest_id = self.greatest_id.max(number);
        }
        let text = Value::Object(members).to_string();
        let resource = Resource { id, text };
        match position {
            Some(position) => self.resources[position] = resource.clone(),
            None => self.resources.push(resource.clone()),
        }
        Ok(Written::Stored(resource))
    }

    /// Null and absent values never clash.
    fn check_unique(
        &self,
        resource_type: &ResourceType,
        id: &Id,
        members: &Attributes,
    ) -> Result<(), Refusal> {
        for index in resource_type.indexes.iter().filter(|index| index.unique) {
            let values = |members: &Attributes| values(index, members);
            let wanted = values(members);
            let clashes = self.resources.iter().any(|other| {
                let members: Attributes = serde_json::from_str(&other.text).unwrap();
                other.id != *id && wanted.is_some() && values(&members) == wanted
            });
            if clashes {
                return Err(Refusal::NotUnique(index.attribute_names()));
            }
        }
        Ok(())
    }

    fn import(
        &mut self,
        resource_type: &Arc<ResourceType>,
        row: NewResource,
    ) -> Result<(), Refusal> {
        let write = Write::insert(resource_type, row.id, row.attributes);
        match self.perform(&write) {
            Ok(_) => Ok(()),
            Err(WriteFailure::Refused(refusal)) => Err(refusal),
            Err(WriteFailure::Store(error)) => panic!("{error}"),
        }
    }

    fn import_all(
        &mut self,
        resource_type: &Arc<ResourceType>,
        rows: Vec<NewResource>,
        mode: ImportMode,
    ) -> Outcomes {
        let mut outcomes = Outcomes::new();
        for row in rows {
            outcomes.push(self.import(resource_type, row));
            if outcomes.last().unwrap().is_err() && mode != ImportMode::EachBatch {
                break;
            }
        }
        outcomes
    }
}

fn values(index: &Index, members: &Attributes) -> Option<Vec<Value>> {
    let value = |key: &IndexKey| {
        let mut names = key.names();
        let first = members.get(names.next()?)?;
        let value = names.try_fold(first, |value, name| value.get(name))?;
        match value {
            Value::Null => None,
            Value::String(text) if index.ignores_case => Some(folded(text).into()),
            value => Some(value.clone()),
        }
    };
    index.keys.iter().map(value).collect()
}

impl Collection {
    fn duplicates(&self, resource_type: &ResourceType) -> Vec<Duplicates> {
        let mut found = Vec::new();
        for index in resource_type.indexes.iter().filter(|index| index.unique) {
            let mut groups: Vec<(Vec<Value>, Vec<Id>)> = Vec::new();
            for one in &self.resources {
                let Some(wanted) = values(index, &serde_json::from_str(&one.text).unwrap()) else {
                    continue;
                };
                match groups.iter_mut().find(|(values, _)| *values == wanted) {
                    Some((_, ids)) => ids.push(one.id.clone()),
                    None => groups.push((wanted, vec![one.id.clone()])),
                }
            }
            groups.retain(|(_, ids)| ids.len() > 1);
            found.extend(groups.into_iter().map(|(_, ids)| Duplicates {
                index: index.clone(),
                count: ids.len() as u64,
                one: ids[0].clone(),
                other: ids[1].clone(),
            }));
        }
        found
    }
}

impl MemoryStore {
    fn with<T>(&self, work: impl FnOnce(&mut Collections) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn copy(&self, resource_type: &ResourceType) -> Vec<Resource> {
        self.with(|all| all[&resource_type.collection].resources.clone())
    }

    fn world(&self) -> World {
        self.with(|all| Self::world_of(all))
    }

    fn world_of(all: &Collections) -> World {
        let mut world = World::default();
        for (name, collection) in all {
            world.fill(name, &collection.resources);
        }
        world
    }

    fn page(&self, resource_type: &ResourceType, found: Answer) -> Page {
        let all = self.copy(resource_type);
        let mut resources = Resources::default();
        for id in found.ids {
            let text = all.iter().find(|one| one.id == id).map(|one| &*one.text);
            resources.push(id, text.unwrap());
        }
        Page {
            resources: Arc::new(resources),
            rest: None,
            more: found.more,
            total: found.total,
        }
    }

    fn import_all(
        &self,
        resource_type: &Arc<ResourceType>,
        rows: Vec<NewResource>,
        mode: ImportMode,
    ) -> Outcomes {
        self.with(|all| {
            let collection = all.entry(resource_type.collection.clone()).or_default();
            collection.import_all(resource_type, rows, mode)
        })
    }

    /// Does it on what is there now, which others may have changed since the rows came.
    fn import_whole(
        &self,
        resource_type: &Arc<ResourceType>,
        rows: Vec<NewResource>,
    ) -> Result<(), StoreError> {
        self.with(|all| {
            let mut whole = all[&resource_type.collection].clone();
            let mode = ImportMode::AllOrNothing;
            let outcomes = whole.import_all(resource_type, rows, mode);
            if outcomes.iter().any(Result::is_err) {
                return Err(StoreError::Internal("a row was refused".to_owned()));
            }
            all.insert(resource_type.collection.clone(), whole);
            Ok(())
        })
    }
}

fn met(keys: &Keys, key: &Key) -> Option<KeyRefusal> {
    let (fingerprint, expires_at, answer) = keys.get(&key.name)?;
    (*expires_at > now()).then(|| key.met(fingerprint, KeptAnswer::kept(answer.clone())))
}

fn keep(keys: &mut Keys, key: &Key, written: &[Written]) -> Result<(), KeyRefusal> {
    let answer = key.answer(written)?.text().to_owned();
    let held: usize = keys.values().map(|(_, _, answer)| answer.len()).sum();
    if (held + answer.len()) as u64 > key.limits.bytes_max {
        return Err(KeyRefusal::NoRoom);
    }
    let kept = (key.fingerprint, key.expires_at(), answer);
    keys.insert(key.name.clone(), kept);
    Ok(())
}

#[async_trait]
impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn prepare(&self, types: &[Arc<ResourceType>]) -> Result<(), StoreError> {
        self.with(|all| {
            for resource_type in types {
                let collection = all.entry(resource_type.collection.clone()).or_default();
                let found = collection.duplicates(resource_type);
                if let Some(text) = Duplicates::refuse(&found, &resource_type.name) {
                    return Err(StoreError::Unusable(text));
                }
            }
            Ok(())
        })
    }

    async fn collections(&self) -> Result<Vec<String>, StoreError> {
        let mut names: Vec<String> = self.with(|all| all.keys().cloned().collect());
        names.sort();
        Ok(names)
    }

    async fn duplicates(
        &self,
        resource_type: &Arc<ResourceType>,
        limit: usize,
    ) -> Result<Vec<Duplicates>, StoreError> {
        let mut found = self.with(|all| {
            let collection = all.get(&resource_type.collection);
            collection.map_or_else(Vec::new, |one| one.duplicates(resource_type))
        });
        found.truncate(limit);
        Ok(found)
    }

    async fn noted_definition(
        &self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<Option<String>, StoreError> {
        Ok(self.with(|all| all.get(&resource_type.collection)?.noted_definition.clone()))
    }

    async fn note_definition(
        &self,
        resource_type: &Arc<ResourceType>,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        self.with(|all| {
            let collection = all.entry(resource_type.collection.clone()).or_default();
            collection.noted_definition = Some(fingerprint.to_owned());
        });
        Ok(())
    }

    async fn next_ids(
        &self,
        resource_type: &Arc<ResourceType>,
        count: usize,
    ) -> Result<Vec<Id>, StoreError> {
        if resource_type.id != IdKind::Integer {
            return fresh_ids(resource_type, count);
        }
        let next = |all: &mut Collections| {
            let collection = all.entry(resource_type.collection.clone()).or_default();
            let ids = collection.greatest_id + 1..;
            let ids: Vec<Id> = ids.take(count).map(Id::Integer).collect();
            collection.greatest_id += i64::try_from(count).unwrap();
            ids
        };
        Ok(self.with(next))
    }

    async fn find(
        &self,
        resource_type: &Arc<ResourceType>,
        ids: &[Id],
        scope: &Filter,
    ) -> Result<Vec<Option<Resource>>, StoreError> {
        let all = self.copy(resource_type);
        let (world, collection) = (self.world(), &resource_type.collection);
        let find = |id: &Id| all.iter().find(|one| one.id == *id).cloned();
        let find = |id: &Id| find(id).filter(|_| world.passes(collection, id, scope));
        Ok(ids.iter().map(find).collect())
    }

    async fn list(
        &self,
        resource_type: &Arc<ResourceType>,
        query: &Query,
    ) -> Result<Page, StoreError> {
        let found = self.world().list(&resource_type.collection, query);
        Ok(self.page(resource_type, found))
    }

    async fn related(
        &self,
        resource_type: &Arc<ResourceType>,
        relationship: &Arc<Relationship>,
        ids: &[Id],
        query: &Query,
    ) -> Result<Vec<Page>, StoreError> {
        let (world, collection) = (self.world(), &resource_type.collection);
        let related = |id: &Id| world.related_to(collection, relationship, id, query);
        let page = |id: &Id| self.page(resource_type, related(id));
        Ok(ids.iter().map(page).collect())
    }

    async fn explain(&self, _: &Arc<ResourceType>, _: &Query) -> Result<Plan, StoreError> {
        let text = r#""every resource is looked at""#.to_owned();
        let is_costly = true;
        Ok(Plan { text, is_costly })
    }

    async fn write(&self, unit: Unit) -> Result<Vec<Written>, WriteError> {
        let Unit {
            writes,
            absences,
            key,
        } = unit;
        let mut keys = self.1.lock().unwrap();
        if let Some(refusal) = key.as_ref().and_then(|key| met(&keys, key)) {
            return Err(refusal.into());
        }
        self.with(|all| {
            let before = all.clone();
            let last = writes.len().saturating_sub(1);
            let writes = writes.iter().enumerate();
            let perform = |(index, write): (usize, &Write)| {
                let collection = all
                    .entry(write.resource_type.collection.clone())
                    .or_default();
                collection
                    .perform(write)
                    .map_err(|failure| failure.at(index))
            };
            let written = writes.map(perform).collect::<Result<Vec<_>, _>>();
            let world = Self::world_of(all);
            let broken = absences.iter().find(|absence| {
                let collection = &absence.resource_type.collection;
                let query = Query {
                    filter: absence.filter.clone(),
                    ..Query::first(1)
                };
                !world.list(collection, &query).ids.is_empty()
            });
            let written = match broken {
                Some(absence) if written.is_ok() => {
                    let refusal = Refusal::Referenced(absence.resource_type.name.clone());
                    let index = last;
                    Err(WriteError::Refused { index, refusal })
                }
                _ => written,
            };
            let written = written.and_then(|written| {
                if let Some(key) = &key {
                    keep(&mut keys, key, &written)?;
                }
                Ok(written)
            });
            if written.is_err() {
                *all = before;
            }
            written
        })
    }

    async fn recall(&self, key: &Key) -> Result<Option<KeyRefusal>, StoreError> {
        Ok(met(&self.1.lock().unwrap(), key))
    }

    async fn scan(&self, resource_type: &Arc<ResourceType>) -> Result<Scan, StoreError> {
        let (batches, scan) = Scan::channel();
        let all = self.copy(resource_type);
        tokio::spawn(async move {
            let mut batch = Resources::default();
            for one in all {
                batch.push(one.id, &one.text);
            }
            let _ = batches.send(Ok(batch)).await;
        });
        Ok(scan)
    }

    async fn import(
        &self,
        resource_type: &Arc<ResourceType>,
        mode: ImportMode,
    ) -> Result<Import, StoreError> {
        let (mut steps, import) = Import::channel();
        let (store, resource_type) = (Self(self.0.clone(), self.1.clone()), resource_type.clone());
        tokio::spawn(async move {
            // All or nothing is tried on a copy first, and done at the end.
            let mut pending = Vec::new();
            let is_whole = mode == ImportMode::AllOrNothing;
            let mut own = store.with(|all| all[&resource_type.collection].clone());
            while let Some(step) = steps.recv().await {
                match step {
                    Step::Insert(rows, reply) => {
                        if is_whole {
                            pending.extend(rows.clone());
                        }
                        let outcomes = if is_whole {
                            own.import_all(&resource_type, rows, mode)
                        } else {
                            store.import_all(&resource_type, rows, mode)
                        };
                        let _ = reply.send(Ok(outcomes));
                    }
                    Step::Commit(reply) => {
                        let _ = reply.send(store.import_whole(&resource_type, pending));
                        break;
                    }
                    Step::Abandon => break,
                }
            }
        });
        Ok(import)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn fresh() -> std::future::Ready<((), MemoryStore)> {
    std::future::ready(((), MemoryStore::default()))
}

contract::clauses!(fresh);
