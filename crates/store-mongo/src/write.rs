//! One write, alone or in a transaction.

mod unread;

use bson::{Document, RawDocumentBuf};
use mongodb::ClientSession;
use mongodb::bson::doc;
use resources::query::Query;
use resources::schema::{Id, ResourceType};
use resources::store::{Absence, After, Change, Presence, Refusal, Write, Written, admit};
use resources::work;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::failure::{Stop, overtaken, refusal_or_error};
use crate::patience::{CONTENTION, Patience};
use crate::selection::Selection;
use crate::{document, filter, ids, json};

/// A field that is set and removed to hold a document until the end of a transaction.
pub(crate) const HOLD: &str = "monocoque_hold";

/// How often a write compares before a transaction keeps other writers away.
const COMPARISONS_MAX: u32 = 12;

/// A request that compares has the stored document and the new one. A request has a little more
/// than 16 MB at most.
const COMPARED_BYTES_MAX: usize = 7 << 20;

/// Does one write by itself. Where a transaction helps, it stops as `Overtaken` or `Incomparable`.
pub(crate) async fn single(
    store: &Connection,
    write: &Write,
    deadline: Instant,
) -> Result<Written, Stop> {
    let mut client = store.client.start_session().await?;
    let mut session = Session {
        store,
        client: &mut client,
        in_transaction: false,
        deadline,
    };
    session.perform(write).await
}

/// Where writes go.
pub(crate) struct Session<'a> {
    pub(crate) store: &'a Connection,
    pub(crate) client: &'a mut ClientSession,
    /// Whether a transaction isolates the writes from others.
    pub(crate) in_transaction: bool,
    /// When to stop trying again.
    pub(crate) deadline: Instant,
}

impl Session<'_> {
    /// Does one write: without a look at the resource where its presence alone decides.
    pub(crate) async fn perform(&mut self, write: &Write) -> Result<Written, Stop> {
        let (resource_type, id) = (write.resource_type.as_ref(), &write.id);
        if write.needs_current() {
            return self.decide(write).await;
        }
        match (&write.change, write.guard.presence) {
            (Change::Replace(members), Presence::MustBeNew) => {
                self.insert(resource_type, id, members).await
            }
            (Change::Replace(members), Presence::MustExist) => {
                self.replace(resource_type, id, members).await
            }
            (Change::Replace(members), Presence::Either) => {
                self.replace_or_insert(resource_type, id, members).await
            }
            (Change::Delete, Presence::MustExist) => self.delete(resource_type, id).await,
            (Change::Delete, Presence::Either) => match self.delete(resource_type, id).await {
                Err(Stop::Refused(Refusal::Absent(_))) => Ok(Written::Unchanged),
                outcome => outcome,
            },
            _ => self.decide(write).await,
        }
    }

    /// Reads the resource, decides, and writes only if nothing changed in between.
    async fn decide(&mut self, write: &Write) -> Result<Written, Stop> {
        let (resource_type, id) = (write.resource_type.as_ref(), &write.id);
        let (mut patience, mut last) = (self.patience(), None);
        loop {
            let before = self.current(resource_type, id).await?;
            if last.is_some() && last == before {
                // Nobody has changed it, and yet it did not equal itself: two fields of one name.
                return Err(Stop::Incomparable);
            }
            let text = before
                .as_deref()
                .map(|before| json::resource(resource_type, before));
            let text = text.transpose()?.map(|resource| resource.text);
            let after = decided(write, text).await?;
            let done = match &before {
                Some(before) => self.change(write, before, after).await?,
                None => self.create(write, after).await?,
            };
            match done {
                Some(written) => return Ok(written),
                None => go_on(&mut patience).await?,
            }
            last = before;
        }
    }

    /// Does a write to an absent resource; `None` if another write has created it meanwhile.
    async fn create(&mut self, write: &Write, after: After) -> Result<Option<Written>, Stop> {
        let After::Replaced(members) = after else {
            return Ok(Some(Written::Unchanged));
        };
        let is_either = write.guard.presence == Presence::Either;
        match self.insert(&write.resource_type, &write.id, &members).await {
            Err(Stop::Refused(Refusal::IdTaken(_))) if is_either => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    /// Does a write to this document; `None` if another write has changed it meanwhile.
    async fn change(
        &mut self,
        write: &Write,
        before: &RawDocumentBuf,
        after: After,
    ) -> Result<Option<Written>, Stop> {
        let (resource_type, id) = (write.resource_type.as_ref(), &write.id);
        let after = match after {
            After::Unchanged => {
                let is_there = !self.in_transaction || self.hold(resource_type, id).await?;
                return Ok(is_there.then_some(Written::Unchanged));
            }
            After::Removed => None,
            After::Replaced(members) => {
                Some(document::replacement(resource_type, before, &members)?)
            }
            After::Updated { members, .. } => {
                Some(document::changed(resource_type, before, &members)?)
            }
        };
        let mut filter = filter::targeted(resource_type, id, before)?;
        if !self.in_transaction {
            if before.as_bytes().len() > COMPARED_BYTES_MAX || document::has_undefined(before) {
                return Err(Stop::Incomparable);
            }
            // A transaction sees to it by itself.
            filter::compare(&mut filter, before)?;
        }
        Ok(match after {
            None => {
                let is_done = self.remove(resource_type, filter).await?;
                is_done.then_some(Written::Deleted)
            }
            Some(after) => {
                let is_done = self.put(resource_type, id, filter, &after).await?;
                is_done.then(|| stored(resource_type, &after)).transpose()?
            }
        })
    }

    async fn put(
        &mut self,
        resource_type: &ResourceType,
        id: &Id,
        filter: Document,
        after: &RawDocumentBuf,
    ) -> Result<bool, Stop> {
        let collection = self.store.collection(resource_type);
        let replaced = collection.replace_one(filter, after);
        let replaced = replaced.session(&mut *self.client).await;
        let replaced = replaced.map_err(|error| refusal_or_error(resource_type, id, error))?;
        Ok(replaced.matched_count == 1)
    }

    async fn remove(
        &mut self,
        resource_type: &ResourceType,
        filter: Document,
    ) -> Result<bool, Stop> {
        let collection = self.store.collection(resource_type);
        let deleted = collection.delete_one(filter).session(&mut *self.client);
        Ok(deleted.await?.deleted_count == 1)
    }

    /// Makes every other write to the resource a conflict until the transaction ends; a read alone
    /// does not. The field is gone again at once.
    async fn hold(&mut self, resource_type: &ResourceType, id: &Id) -> Result<bool, Stop> {
        let filter = doc! { ids::ID: ids::to_bson(id) };
        let collection = self.store.collection(resource_type);
        for change in [doc! { "$set": { HOLD: 1 } }, doc! { "$unset": { HOLD: 1 } }] {
            let held = collection.update_one(filter.clone(), change);
            let held = held.session(&mut *self.client).await;
            let held = held.map_err(|error| refusal_or_error(resource_type, id, error))?;
            if held.matched_count == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The document as the primary has it: a write must not rest on stale data.
    async fn current(
        &mut self,
        resource_type: &ResourceType,
        id: &Id,
    ) -> Result<Option<RawDocumentBuf>, Stop> {
        let collection = self.store.primary_collection(resource_type);
        let find = collection.find_one(doc! { ids::ID: ids::to_bson(id) });
        Ok(find.session(&mut *self.client).await?)
    }

    /// Refuses unless no resource passes the filter, as this transaction sees it.
    pub(crate) async fn holds(&mut self, absence: &Absence) -> Result<(), Stop> {
        let resource_type = &absence.resource_type;
        let query = Query {
            filter: absence.filter.clone(),
            ..Query::default()
        };
        let request = Selection::new(resource_type, &query)?.request(0, 1);
        let collection = self.store.primary_collection(resource_type);
        let mut found = request.documents(&collection, &mut *self.client).await?;
        if found.advance(&mut *self.client).await? {
            return Err(Refusal::Referenced(resource_type.name.clone()).into());
        }
        Ok(())
    }

    fn patience(&self) -> Patience {
        Patience::until(&CONTENTION, self.deadline)
    }
}

/// What becomes of a resource with this text. Large ones are decided where nobody waits for it.
async fn decided(write: &Write, text: Option<String>) -> Result<After, Stop> {
    if !write.is_large(text.as_ref().map_or(0, String::len)) {
        return Ok(admit(write, text.as_deref())?);
    }
    let write = write.clone();
    let decided = work::run(true, move || admit(&write, text.as_deref())).await?;
    Ok(decided?)
}

fn stored(resource_type: &ResourceType, document: &RawDocumentBuf) -> Result<Written, Stop> {
    Ok(Written::Stored(json::resource(resource_type, document)?))
}

/// Another write was faster: waits before the next attempt.
async fn go_on(patience: &mut Patience) -> Result<(), Stop> {
    if patience.attempts() >= COMPARISONS_MAX {
        return Err(Stop::Overtaken);
    }
    if patience.wait().await {
        Ok(())
    } else {
        Err(overtaken().into())
    }
}
