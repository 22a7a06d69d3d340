//! A query as a request of the server.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{AggregateOptions, FindOptions};
use resources::query::{Filter, Query};
use resources::schema::{Kinds, ResourceType};
use resources::store::StoreError;

use crate::declared_indexes;
use crate::filter::{Matching, condition};
use crate::ids;
use crate::joins::{self, counted};
use crate::request::Request;
use crate::sorting::Sorting;
use crate::subject::Subject;

/// What a query selects, in its order.
pub(crate) struct Selection {
    matching: Matching,
    sorting: Sorting,
    /// Conditions on computed keys.
    bounds: Vec<Bson>,
    projection: Option<Document>,
    is_reversed: bool,
    is_creation: bool,
}

impl Selection {
    /// # Errors
    /// `Internal` when the filter has a text that is too long for MongoDB.
    pub(crate) fn new(resource_type: &ResourceType, query: &Query) -> Result<Self, StoreError> {
        let sorting = Sorting::new(resource_type, &query.order);
        let mut selection = Self {
            matching: matching(resource_type, &query.filter)?,
            projection: projection(resource_type, query, &sorting),
            sorting,
            bounds: Vec::new(),
            is_reversed: query.from_end,
            is_creation: query.order.is_creation(),
        };
        for (bound, is_behind) in [(&query.after, true), (&query.before, false)] {
            if let Some(bound) = bound {
                let values = selection.sorting.values(bound);
                selection.bound(&values, is_behind);
            }
        }
        Ok(selection)
    }

    fn bound(&mut self, values: &[Bson], is_behind: bool) {
        let (range, exactly) = self.sorting.beyond(values, is_behind);
        match self.sorting.computed {
            Some(_) => self.bounds.push(exactly),
            None => self.matching.and(range, Some(exactly)),
        }
    }

    /// Only what stands behind a document whose keys are these.
    pub(crate) fn behind(mut self, keys: &Document) -> Self {
        let values: Vec<Bson> = keys.values().cloned().collect();
        self.bound(&values, true);
        self
    }

    /// The keys of stored documents by which they are sorted, if no others are.
    pub(crate) fn keys(&self) -> Option<Vec<String>> {
        self.sorting.paths()
    }

    /// So many of the resources, after the first `skip`. `limit` is at least 1.
    pub(crate) fn request(self, skip: u64, limit: u64) -> Request {
        let sort = self.sorting.sort(self.is_reversed);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let skip = i64::try_from(skip).unwrap_or(i64::MAX);
        // Sorted without an index, much may not fit in memory.
        let disk = (!self.is_creation).then_some(true);
        let Some(added) = self.sorting.computed else {
            if self.matching.is_plain() {
                let options = FindOptions::builder()
                    .sort(sort)
                    .skip(skip.unsigned_abs())
                    .limit(limit)
                    .projection(self.projection)
                    .allow_disk_use(disk);
                return Request::Find(self.matching.candidates, options.build());
            }
            let is_wrapped = !self.matching.joined.is_empty();
            let mut stages = self.matching.stages(vec![doc! { "$sort": sort }]);
            cut(&mut stages, skip, limit);
            return finished(stages, is_wrapped, self.projection, disk);
        };
        let is_wrapped = !self.matching.joined.is_empty();
        let mut stages = self.matching.stages(Vec::new());
        if !is_wrapped {
            stages.push(joins::wrap());
        }
        stages.extend(added.stages);
        if !self.bounds.is_empty() {
            let all = doc! { "$and": self.bounds };
            stages.push(doc! { "$match": condition(all.into()) });
        }
        stages.push(doc! { "$sort": sort });
        cut(&mut stages, skip, limit);
        finished(stages, true, self.projection, disk)
    }
}

fn cut(stages: &mut Vec<Document>, skip: i64, limit: i64) {
    if skip > 0 {
        stages.push(doc! { "$skip": skip });
    }
    stages.push(doc! { "$limit": limit });
}

fn finished(
    mut stages: Vec<Document>,
    is_wrapped: bool,
    projection: Option<Document>,
    disk: Option<bool>,
) -> Request {
    if is_wrapped {
        stages.push(joins::unwrap());
    }
    stages.extend(projection.map(|members| doc! { "$project": members }));
    let mut options = AggregateOptions::default();
    options.allow_disk_use = disk;
    Request::Aggregate(stages, options)
}

/// Counts the resources that pass a filter until there are more than `bound`.
///
/// # Errors
/// As [`Selection::new`].
pub(crate) fn counting(
    resource_type: &ResourceType,
    filter: &Filter,
    bound: u64,
) -> Result<Request, StoreError> {
    let stages = matching(resource_type, filter)?.stages(Vec::new());
    Ok(Request::Aggregate(
        counted(stages, bound),
        AggregateOptions::default(),
    ))
}

fn matching(resource_type: &ResourceType, filter: &Filter) -> Result<Matching, StoreError> {
    let mut matching = Matching::new(filter, resource_type.id);
    if let Some(reason) = matching.refused {
        return Err(StoreError::Internal(reason.to_owned()));
    }
    // MongoDB takes a partial index only where the query says that its documents are enough.
    let unique = resource_type.indexes.iter();
    // One with a collation serves no query without it.
    let unique = unique.filter(|index| index.unique && !index.ignores_case);
    for key in unique.flat_map(|index| &index.keys) {
        let wanted = matching.candidates.get(&key.attribute);
        if wanted.is_some_and(|wanted| *wanted != Bson::Document(doc! { "$type": "null" })) {
            let has_value =
                declared_indexes::value_in_each(std::iter::once(key.attribute.as_str()));
            matching.besides.extend(has_value);
        }
    }
    Ok(matching)
}

/// The members that are wanted and those by which a stream of batches goes on.
fn projection(resource_type: &ResourceType, query: &Query, sorting: &Sorting) -> Option<Document> {
    let stored = Subject::stored(resource_type.id);
    let members = query.members.as_ref()?.iter().cloned();
    let keys = sorting.paths().unwrap_or_default();
    let first = keys.iter().filter_map(|path| path.split('.').next());
    let mut projection = doc! { ids::ID: 1 };
    for name in members.chain(first.map(str::to_owned)) {
        let path = resources::query::MemberPath {
            names: vec![name.clone()],
            kinds: Kinds::ANY,
            stored: None,
        };
        // MongoDB has no projection of such a name: all members come.
        if !stored.has(&path) && !ids::is_reserved(resource_type, &name) {
            return None;
        }
        projection.insert(name, 1);
    }
    Some(projection)
}
