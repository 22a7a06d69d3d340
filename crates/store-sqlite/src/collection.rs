//! What is read from a collection.

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::mpsc;

use resources::query::{Count, Filter, Query, Total};
use resources::schema::Id;
use resources::store::{Batch, Resource, Resources};

use super::checksum::{COLUMNS, resource};
use super::failure::failure;
use super::id::{SqlId, StoredId};
use super::table::Collection;

/// Resources in one batch of a scan, at most.
const SCAN_BATCH: usize = 500;

/// Text in one batch of a scan, in bytes; one resource more may be in it.
const SCAN_BATCH_BYTES: usize = 4 << 20;

/// More rows than a collection can have.
const LIMIT_MAX: u64 = 1 << 62;

/// The beginning of a page, and the ids of what is left of it.
pub(super) struct Beginning {
    pub(super) resources: Resources,
    pub(super) left: Vec<Id>,
    pub(super) more: bool,
    pub(super) total: Option<Total>,
}

/// What is read from a collection.
impl Collection {
    /// The beginning of a page, up to so many bytes, the ids of what is left of it, and the total,
    /// all of the same moment.
    pub(super) fn list(
        &self,
        connection: &mut Connection,
        query: &Query,
        bytes_max: usize,
    ) -> rusqlite::Result<Beginning> {
        if query.filter != Filter::Everything || !query.order.is_creation() {
            return Err(rusqlite::Error::InvalidQuery);
        }
        let moment = connection.transaction()?;
        let page = format!(
            "SELECT {COLUMNS} FROM {} ORDER BY position LIMIT ?1 OFFSET ?2",
            self.quoted
        );
        let mut resources = Resources::default();
        let mut statement = moment.prepare_cached(&page)?;
        // One row more than is wanted shows whether the collection ends with the page.
        let wanted = query.limit.min(LIMIT_MAX);
        let mut rows = statement.query([wanted + 1, query.skip])?;
        let mut ends = true;
        while let Some(row) = rows.next()? {
            let (id, text) = resource(row)?;
            if resources.len() as u64 == wanted || !fits(&resources, text, bytes_max) {
                ends = false;
                break;
            }
            resources.push(id, text);
        }
        let held = resources.len() as u64;
        let left = if ends || held == wanted {
            Vec::new()
        } else {
            self.ids(&moment, wanted - held, query.skip + held)?
        };
        let shown = held + left.len() as u64;
        let shows_end = (ends || shown < wanted) && (shown > 0 || query.skip == 0);
        let total = match query.count {
            Count::Never => None,
            Count::UpTo(_) if shows_end => Some(Total::Exact(query.skip + shown)),
            Count::UpTo(_) => Some(Total::Exact(self.count(&moment)?)),
        };
        Ok(Beginning {
            resources,
            left,
            more: !ends && shown == wanted,
            total,
        })
    }

    fn ids(&self, connection: &Connection, limit: u64, skip: u64) -> rusqlite::Result<Vec<Id>> {
        let ids = format!(
            "SELECT id FROM {} ORDER BY position LIMIT ?1 OFFSET ?2",
            self.quoted
        );
        let mut statement = connection.prepare_cached(&ids)?;
        let ids = statement.query_map([limit, skip], |row| row.get(0).map(|StoredId(id)| id))?;
        ids.collect()
    }

    /// What the first of these ids have, up to so many bytes, and how many ids were looked up.
    pub(super) fn batch(
        &self,
        connection: &mut Connection,
        ids: &[Id],
        bytes_max: usize,
    ) -> rusqlite::Result<(Resources, usize)> {
        let mut resources = Resources::default();
        let mut taken = 0;
        let moment = connection.transaction()?;
        for id in ids {
            let text = self.text(&moment, id)?;
            if let Some(text) = text {
                if !fits(&resources, &text, bytes_max) {
                    break;
                }
                resources.push(id.clone(), &text);
            }
            taken += 1;
        }
        Ok((resources, taken))
    }

    fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let count = format!("SELECT count(*) FROM {}", self.quoted);
        connection
            .prepare_cached(&count)?
            .query_one([], |row| row.get(0))
    }

    /// The resources with these ids, all as of one moment.
    pub(super) fn find(
        &self,
        connection: &mut Connection,
        ids: Vec<Id>,
    ) -> rusqlite::Result<Vec<Option<Resource>>> {
        let find = |connection: &Connection, id: Id| {
            let text = self.text(connection, &id)?;
            Ok(text.map(|text| Resource { id, text }))
        };
        if ids.len() == 1 {
            return ids.into_iter().map(|id| find(connection, id)).collect();
        }
        let moment = connection.transaction()?;
        ids.into_iter().map(|id| find(&moment, id)).collect()
    }

    /// The stored text of a resource, if there is one.
    pub(super) fn text(
        &self,
        connection: &Connection,
        id: &Id,
    ) -> rusqlite::Result<Option<String>> {
        let find = format!("SELECT {COLUMNS} FROM {} WHERE id = ?1", self.quoted);
        let mut statement = connection.prepare_cached(&find)?;
        statement
            .query_row([SqlId(id)], |row| Ok(resource(row)?.1.to_owned()))
            .optional()
    }

    /// Sends the whole collection, or as much of it as is taken.
    pub(super) fn scan(&self, connection: &Connection, batches: &mpsc::Sender<Batch>) {
        let mut batch = Resources::default();
        let outcome = self.for_each(connection, |id, text| {
            batch.push(id, text);
            if batch.len() < SCAN_BATCH && batch.bytes() < SCAN_BATCH_BYTES {
                return true;
            }
            // A scan that was dropped needs no more.
            batches
                .blocking_send(Ok(std::mem::take(&mut batch)))
                .is_ok()
        });
        let _ = batches.blocking_send(outcome.map(|()| batch).map_err(failure));
    }

    /// Goes through the whole collection until `visit` returns false.
    fn for_each(
        &self,
        connection: &Connection,
        mut visit: impl FnMut(Id, &str) -> bool,
    ) -> rusqlite::Result<()> {
        let all = format!("SELECT {COLUMNS} FROM {} ORDER BY position", self.quoted);
        let mut statement = connection.prepare(&all)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, text) = resource(row)?;
            if !visit(id, text) {
                break;
            }
        }
        Ok(())
    }
}

/// Whether a text belongs to the same batch. A batch of one may be larger than its bound.
fn fits(batch: &Resources, text: &str, bytes_max: usize) -> bool {
    batch.is_empty() || batch.bytes() + text.len() <= bytes_max
}
