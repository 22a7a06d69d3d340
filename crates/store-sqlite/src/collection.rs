//! What is read from a collection.

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::mpsc;

use resources::query::Filter;
use resources::schema::{Id, ResourceType};
use resources::store::{Batch, Resource, Resources};

use super::checksum::{COLUMNS, resource};
use super::failure::failure;
use super::filter::condition;
use super::id::{SqlId, sql_value};
use super::sql::{Parameters, Row};
use super::table::Collection;

/// Resources in one batch of a scan, at most.
const SCAN_BATCH: usize = 500;

/// Text in one batch of a scan, in bytes; one resource more may be in it.
const SCAN_BATCH_BYTES: usize = 4 << 20;

/// What is read from a collection.
impl Collection {
    /// What the first of these ids have, up to so many bytes, and how many ids were looked up.
    pub(super) fn batch(
        &self,
        moment: &Connection,
        ids: &[Id],
        bytes_max: usize,
    ) -> rusqlite::Result<(Resources, usize)> {
        let mut resources = Resources::default();
        let mut taken = 0;
        for id in ids {
            let text = self.text(moment, id)?;
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

    /// The resources with these ids that pass a filter. The caller sees to it that all are of the
    /// same moment.
    pub(super) fn find(
        moment: &Connection,
        resource_type: &ResourceType,
        ids: Vec<Id>,
        scope: &Filter,
    ) -> rusqlite::Result<Vec<Option<Resource>>> {
        if *scope == Filter::Everything {
            let collection = Self::new(resource_type);
            let find = |id: Id| {
                let text = collection.text(moment, &id)?;
                Ok(text.map(|text| Resource { id, text }))
            };
            return ids.into_iter().map(find).collect();
        }
        let row = Row::wanted(resource_type);
        let find = |id: Id| {
            let mut parameters = Parameters::default();
            let wanted = parameters.bind(sql_value(&id));
            let passes = condition(&mut parameters, &row, scope);
            let table = row.table();
            let find = format!("SELECT {COLUMNS} FROM {table} WHERE id = {wanted} AND ({passes})");
            let mut statement = moment.prepare_cached(&find)?;
            let text = statement.query_row(parameters.values(), text_of);
            let text = text.optional()?;
            Ok(text.map(|text| Resource { id, text }))
        };
        ids.into_iter().map(find).collect()
    }

    /// The stored text of a resource, if there is one.
    pub(super) fn text(
        &self,
        connection: &Connection,
        id: &Id,
    ) -> rusqlite::Result<Option<String>> {
        let find = format!("SELECT {COLUMNS} FROM {} WHERE id = ?1", self.quoted);
        let mut statement = connection.prepare_cached(&find)?;
        statement.query_row([SqlId(id)], text_of).optional()
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

    /// The resources behind a position, up to the size of a batch, and the position of the last.
    pub(super) fn part(
        &self,
        moment: &Connection,
        after: i64,
    ) -> rusqlite::Result<(Resources, i64)> {
        let table = &self.quoted;
        let part = format!(
            "SELECT {COLUMNS}, position FROM {table} WHERE position > ?1 ORDER BY position"
        );
        let mut statement = moment.prepare_cached(&part)?;
        let mut rows = statement.query([after])?;
        let (mut resources, mut last) = (Resources::default(), after);
        while resources.len() < SCAN_BATCH && resources.bytes() < SCAN_BATCH_BYTES {
            let Some(row) = rows.next()? else { break };
            let (id, text) = resource(row)?;
            resources.push(id, text);
            last = row.get(3)?;
        }
        Ok((resources, last))
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

fn text_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<String> {
    Ok(resource(row)?.1.to_owned())
}

/// Whether a text belongs to the same batch. A batch of one may be larger than its bound.
pub(super) fn fits(batch: &Resources, text: &str, bytes_max: usize) -> bool {
    batch.is_empty() || batch.bytes() + text.len() <= bytes_max
}
