//! Filters as MongoDB's queries.

mod candidates;
pub(crate) mod expression;
mod text;

use bson::RawDocumentBuf;
use mongodb::bson::{Bson, Document, doc};
use resources::query::Filter;
use resources::schema::{Id, IdKind, ResourceType};
use resources::store::StoreError;

use crate::ids;
use crate::joins::{self, Joins};
use crate::subject::Subject;

/// How the documents that pass a filter are found: what an index can find first, then exactly.
#[derive(Debug)]
pub(crate) struct Matching {
    /// A condition for stored documents that an index may serve. All that pass are among them.
    pub(crate) candidates: Document,
    /// What holds of all of them besides, for the choice of an index.
    pub(crate) besides: Document,
    /// What else must hold of the documents themselves.
    pub(crate) exactly: Option<Bson>,
    /// Stages for what only related resources tell, from the wrapped document on.
    pub(crate) joined: Vec<Document>,
    /// Why the request cannot be made.
    pub(crate) refused: Option<&'static str>,
}

impl Matching {
    /// For documents whose ids are of this kind.
    pub(crate) fn new(filter: &Filter, kind: IdKind) -> Self {
        let (local, joined) = apart(filter);
        let stored = Subject::stored(kind);
        let mut joins = Joins::default();
        let exactly = (!is_exact(&local)).then(|| expression::holds(&local, &stored, &mut joins));
        if joined != Filter::Everything {
            let wrapped = Subject::member(joins::DOCUMENT, kind);
            let holds = expression::holds(&joined, &wrapped, &mut joins);
            joins.stages.push(doc! { "$match": condition(holds) });
        }
        Self {
            candidates: candidates::candidates(&local, &stored).unwrap_or_default(),
            besides: Document::new(),
            exactly,
            joined: joins.stages,
            refused: joins.refused,
        }
    }

    /// Both conditions hold of the documents too.
    pub(crate) fn and(&mut self, candidates: Document, exactly: Option<Bson>) {
        self.candidates = candidates::both(std::mem::take(&mut self.candidates), candidates);
        let all: Vec<Bson> = self.exactly.take().into_iter().chain(exactly).collect();
        self.exactly = all
            .into_iter()
            .reduce(|one, other| doc! { "$and": [one, other] }.into());
    }

    /// Whether an index and nothing else tells what passes.
    pub(crate) fn is_plain(&self) -> bool {
        self.exactly.is_none() && self.joined.is_empty()
    }

    /// The stages, `between` those for the documents themselves and those for related ones.
    pub(crate) fn stages(mut self, between: Vec<Document>) -> Vec<Document> {
        let mut stages = Vec::new();
        if !self.candidates.is_empty() {
            stages.push(doc! { "$match": self.candidates });
        }
        // A stage of its own: MongoDB takes both together when it looks for an index.
        if let Some(exactly) = self.exactly {
            self.besides.extend(condition(exactly));
            stages.push(doc! { "$match": self.besides });
        }
        stages.extend(between);
        if !self.joined.is_empty() {
            stages.push(joins::wrap());
            stages.extend(self.joined);
        }
        stages
    }
}

/// An expression as a condition of MongoDB's query language.
pub(crate) fn condition(expression: Bson) -> Document {
    doc! { "$expr": expression }
}

/// What the documents themselves tell, and what related resources do.
fn apart(filter: &Filter) -> (Filter, Filter) {
    match filter {
        local if local.is_local() => (local.clone(), Filter::Everything),
        Filter::All(filters) => {
            let (local, joined) = filters.iter().cloned().partition(Filter::is_local);
            (Filter::All(local), Filter::All(joined))
        }
        joined => (Filter::Everything, joined.clone()),
    }
}

/// Whether the candidates are what passes.
fn is_exact(filter: &Filter) -> bool {
    match filter {
        Filter::Everything | Filter::Ids(_) => true,
        Filter::All(filters) => filters.iter().all(is_exact),
        _ => false,
    }
}

/// The documents with one of these ids.
pub(crate) fn with_ids(mut ids: Vec<Bson>) -> Document {
    let condition = match ids.len() {
        1 => ids.swap_remove(0),
        _ => doc! { "$in": ids }.into(),
    };
    doc! { ids::ID: condition }
}

/// Finds one resource on its shard alone.
pub(crate) fn targeted(
    resource_type: &ResourceType,
    id: &Id,
    before: &RawDocumentBuf,
) -> Result<Document, StoreError> {
    let mut filter = doc! { ids::ID: ids::to_bson(id) };
    for attribute in &resource_type.shard_key {
        let value = before.get(attribute).map_err(|error| damaged(&error))?;
        // Absent is null to a shard key.
        let value = value.map_or(Ok(Bson::Null), Bson::try_from);
        let value = value.map_err(|error| damaged(&error))?;
        filter.insert(attribute, doc! { "$eq": value });
    }
    Ok(filter)
}

/// Narrows a filter to a document that is still this one.
pub(crate) fn compare(filter: &mut Document, before: &RawDocumentBuf) -> Result<(), StoreError> {
    let unchanged = Document::try_from(before).map_err(|error| damaged(&error))?;
    // `$literal` keeps values that look like operators from being taken for such.
    let comparison = doc! { "$eq": ["$$ROOT", { "$literal": unchanged }] };
    filter.insert("$expr", comparison);
    Ok(())
}

fn damaged(error: &bson::error::Error) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
