//! A part of a collection as a query describes it.

use std::sync::Arc;

use resources::query::{Count, Filter, MemberPath, Query, Test, Total};
use resources::schema::{Id, Link, Relationship, ResourceType};
use resources::store::{Page, Resources, StoreError};
use rusqlite::Connection;

use super::checksum::{COLUMNS, resource};
use super::collection::fits;
use super::id::StoredId;
use super::selection::{self, LIMIT_MAX};
use super::sql::{Parameters, Row};
use super::table::Collection;

/// The beginning of a page, and the ids of what is left of it.
#[derive(Default)]
pub(super) struct Beginning {
    pub(super) resources: Resources,
    pub(super) left: Vec<Id>,
    pub(super) more: bool,
    pub(super) total: Option<Total>,
}

/// A query of a collection.
pub(super) struct Listing<'t> {
    collection: Collection,
    row: Row<'t>,
    pub(super) query: &'t Query,
}

impl<'t> Listing<'t> {
    pub(super) fn new(resource_type: &'t ResourceType, query: &'t Query) -> Self {
        Self {
            collection: Collection::new(resource_type),
            row: Row::wanted(resource_type),
            query,
        }
    }
}

impl Listing<'_> {
    /// The beginning of the page, up to so many bytes, the ids of what is left of it, and the
    /// total. The caller sees to it that all is of the same moment.
    pub(super) fn read(
        &self,
        moment: &Connection,
        bytes_max: usize,
    ) -> rusqlite::Result<Beginning> {
        let mut page = if self.query.from_end {
            self.last(moment, bytes_max)?
        } else {
            self.first(moment, bytes_max)?
        };
        page.total = match self.query.count {
            Count::Never => None,
            Count::UpTo(bound) => Some(self.total(moment, bound, &page)?),
        };
        Ok(page)
    }

    /// The statement of a page.
    pub(super) fn page(&self, parameters: &mut Parameters, query: &Query) -> String {
        self.select(COLUMNS, parameters, query)
    }

    /// Rows are read in the order of the positions, and nothing is read that is not shown.
    fn select(&self, columns: &str, parameters: &mut Parameters, query: &Query) -> String {
        let positions = selection::positions(parameters, &self.row, query);
        let table = &self.collection.quoted;
        format!(
            "SELECT {columns} FROM ({positions}) AS p CROSS JOIN {table} AS t \
             WHERE t.position = p.position"
        )
    }

    fn first(&self, moment: &Connection, bytes_max: usize) -> rusqlite::Result<Beginning> {
        let wanted = self.query.limit.min(LIMIT_MAX);
        let mut parameters = Parameters::default();
        let page = self.page(&mut parameters, self.query);
        let mut statement = moment.prepare_cached(&page)?;
        let mut rows = statement.query(parameters.values())?;
        let mut beginning = Beginning::default();
        let resources = &mut beginning.resources;
        while let Some(row) = rows.next()? {
            // One row more than is wanted shows whether the collection ends with the page.
            if resources.len() as u64 == wanted {
                beginning.more = true;
                break;
            }
            let (id, text) = resource(row)?;
            if !fits(resources, text, bytes_max) {
                let held = resources.len() as u64;
                let left = Query {
                    skip: self.query.skip.saturating_add(held),
                    limit: wanted - held,
                    ..self.query.clone()
                };
                (beginning.left, beginning.more) = self.ids(moment, &left)?;
                break;
            }
            resources.push(id, text);
        }
        Ok(beginning)
    }

    /// The last rows come in reverse.
    fn last(&self, moment: &Connection, bytes_max: usize) -> rusqlite::Result<Beginning> {
        let (mut ids, more) = self.ids(moment, self.query)?;
        ids.reverse();
        let (resources, taken) = self.collection.batch(moment, &ids, bytes_max)?;
        Ok(Beginning {
            resources,
            left: ids.split_off(taken),
            more,
            total: None,
        })
    }

    /// The ids that a query selects, and whether there are more.
    fn ids(&self, moment: &Connection, query: &Query) -> rusqlite::Result<(Vec<Id>, bool)> {
        let mut parameters = Parameters::default();
        let ids = self.select("t.id", &mut parameters, query);
        let mut statement = moment.prepare_cached(&ids)?;
        let ids = statement.query_map(parameters.values(), |row| row.get(0))?;
        let ids = ids.map(|id| id.map(|StoredId(id)| id));
        let mut ids = ids.collect::<rusqlite::Result<Vec<Id>>>()?;
        let more = ids.len() as u64 > query.limit;
        if more {
            ids.pop();
        }
        Ok((ids, more))
    }

    fn total(&self, moment: &Connection, bound: u64, page: &Beginning) -> rusqlite::Result<Total> {
        let query = self.query;
        let shown = (page.resources.len() + page.left.len()) as u64;
        let is_bounded = query.after.is_some() || query.before.is_some();
        let shows_end = !page.more && !is_bounded && (shown > 0 || query.skip == 0);
        if query.filter == Filter::Everything && shows_end {
            return Ok(Total::Exact(query.skip + shown));
        }
        if query.filter == Filter::Everything {
            let known = "SELECT resources FROM collections WHERE name = ?1";
            let mut statement = moment.prepare_cached(known)?;
            return statement
                .query_one([&self.collection.name], |row| row.get(0).map(Total::Exact));
        }
        let number = if shows_end {
            query.skip + shown
        } else {
            let mut parameters = Parameters::default();
            let count = selection::count(&mut parameters, &self.row, &query.filter, bound);
            let mut statement = moment.prepare_cached(&count)?;
            statement.query_one(parameters.values(), |row| row.get(0))?
        };
        Ok(if number > bound {
            Total::Estimated(bound)
        } else {
            Total::Exact(number)
        })
    }
}

/// What an inverse relationship leads to from several resources.
pub(super) struct Related {
    resource_type: Arc<ResourceType>,
    path: MemberPath,
    ids: Vec<Id>,
    query: Query,
}

impl Related {
    pub(super) fn new(
        resource_type: &Arc<ResourceType>,
        relationship: &Relationship,
        ids: &[Id],
        query: &Query,
    ) -> Result<Self, StoreError> {
        let Link::Inverse { member, .. } = &relationship.link else {
            let name = &relationship.name;
            return Err(StoreError::Internal(format!("'{name}' is no inverse")));
        };
        Ok(Self {
            resource_type: resource_type.clone(),
            path: MemberPath::linkage(member),
            ids: ids.to_vec(),
            query: query.clone(),
        })
    }

    /// A page for each of the resources. The caller sees to it that all are of the same moment.
    pub(super) fn read(self, moment: &Connection) -> rusqlite::Result<Vec<Page>> {
        let Self {
            resource_type,
            path,
            ids,
            query,
        } = self;
        let list = |id| {
            let mut query = query.clone();
            let named = Filter::member(path.clone(), Test::Links(vec![id]));
            query.filter = named.and(query.filter);
            let found = Listing::new(&resource_type, &query).read(moment, usize::MAX)?;
            Ok(found.whole())
        };
        ids.into_iter().map(list).collect()
    }
}
