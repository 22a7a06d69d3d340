//! The resources that an inverse relationship leads to, for many resources with one request.

use std::sync::Arc;

use bson::{RawBsonRef, RawDocument};
use mongodb::bson::{Bson, doc};
use mongodb::options::AggregateOptions;
use resources::query::{Count, Query, Total};
use resources::schema::{Id, Link, Relationship, ResourceType};
use resources::store::{Page, Resources, StoreError};

use crate::connection::Connection;
use crate::failure::{self, Intent, of_read};
use crate::joins::{count_in, is_link, whole};
use crate::request::Request;
use crate::selection::{Selection, counting};
use crate::{ids, json};

/// A page for each of these resources, in their order.
pub(crate) async fn related(
    store: &Arc<Connection>,
    resource_type: &Arc<ResourceType>,
    relationship: &Relationship,
    ids: &[Id],
    query: &Query,
) -> Result<Vec<Page>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let request = request(resource_type, relationship, ids, query)?;
    let (connection, resource_type) = (store.clone(), resource_type.clone());
    let mut found: Vec<Found> = ids.iter().map(|_| Found::default()).collect();
    let work = async move {
        read(&connection, &resource_type, request, &mut found).await?;
        Ok(found)
    };
    let found = store.calls.run(Intent::Read, work).await?;
    Ok(found.into_iter().map(|one| one.page(query)).collect())
}

/// What was found for one of the resources: one more than is asked for, and how many there are.
#[derive(Default)]
struct Found {
    resources: Resources,
    count: u64,
}

impl Found {
    fn page(mut self, query: &Query) -> Page {
        let more = self.resources.len() as u64 > query.limit;
        self.resources
            .truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        let total = match query.count {
            Count::Never => None,
            Count::UpTo(bound) if self.count > bound => Some(Total::Estimated(bound)),
            Count::UpTo(_) => Some(Total::Exact(self.count)),
        };
        Page {
            resources: Arc::new(self.resources),
            rest: None,
            more,
            total,
        }
    }
}

/// Looks the related resources up for each id, so that an index over the member gives those of
/// one after those of the other, and none is read that is not shown. The ids come from a document
/// of the collection, whichever it is; where there is none, nothing is related.
fn request(
    resource_type: &ResourceType,
    relationship: &Relationship,
    ids: &[Id],
    query: &Query,
) -> Result<Request, StoreError> {
    let Link::Inverse {
        member, is_many, ..
    } = &relationship.link
    else {
        let name = &relationship.name;
        return Err(StoreError::Internal(format!("'{name}' is no inverse")));
    };
    let look_up = |request: Request, found: &str| {
        let mut stages = vec![doc! { "$match": is_link(member, *is_many) }];
        stages.extend(request.stages());
        doc! { "$lookup": {
            "from": &resource_type.collection,
            "localField": "id", "foreignField": member,
            "pipeline": stages, "as": found,
        } }
    };
    let ids: Vec<Bson> = ids.iter().map(ids::to_bson).collect();
    let mut pipeline = vec![
        doc! { "$limit": 1 },
        doc! { "$project": { ids::ID: 0, "id": { "$literal": ids } } },
        doc! { "$unwind": { "path": "$id", "includeArrayIndex": "place" } },
    ];
    if let Count::UpTo(bound) = query.count {
        pipeline.push(look_up(
            counting(resource_type, &query.filter, bound)?,
            "counted",
        ));
    }
    let selection = Selection::new(resource_type, query)?;
    let found = selection.request(query.skip, query.limit.saturating_add(1));
    pipeline.push(look_up(found, "found"));
    // A document for each related resource: all together may be more than one can hold.
    let path = doc! { "path": "$found", "preserveNullAndEmptyArrays": true };
    pipeline.push(doc! { "$unwind": path });
    Ok(Request::Aggregate(pipeline, AggregateOptions::default()))
}

async fn read(
    store: &Connection,
    resource_type: &ResourceType,
    request: Request,
    found: &mut [Found],
) -> Result<(), StoreError> {
    let collection = store.collection(resource_type);
    loop {
        let (mut session, concern) = store.moment().await?;
        let request = request.clone();
        let request = request.bounded(store.calls.time_max(), concern.clone());
        let mut documents = match request.documents(&collection, &mut session).await {
            Err(error) if concern.is_some() && failure::has_no_snapshots(&error) => {
                store.forget_snapshots();
                continue;
            }
            opened => opened.map_err(of_read)?,
        };
        while documents.advance(&mut session).await.map_err(of_read)? {
            add(resource_type, documents.current(), found)?;
        }
        return Ok(());
    }
}

fn add(
    resource_type: &ResourceType,
    row: &RawDocument,
    found: &mut [Found],
) -> Result<(), StoreError> {
    let damaged = |error: bson::error::Error| StoreError::Corrupt(error.to_string());
    let place = row.get("place").map_err(damaged)?.and_then(whole);
    let Some(one) = place.and_then(|place| found.get_mut(usize::try_from(place).ok()?)) else {
        return Ok(());
    };
    if let Some(counted) = row.get("counted").map_err(damaged)?
        && let Some(Ok(first)) = counted.as_array().and_then(|all| all.into_iter().next())
        && let Some(first) = first.as_document()
    {
        one.count = count_in(first);
    }
    if let Some(document) = row
        .get("found")
        .map_err(damaged)?
        .and_then(RawBsonRef::as_document)
    {
        let resource = json::resource(resource_type, document)?;
        one.resources.push(resource.id, &resource.text);
    }
    Ok(())
}
