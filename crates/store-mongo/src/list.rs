//! A part of a collection, and how many resources there are.

use std::sync::Arc;

use mongodb::ClientSession;
use mongodb::bson::doc;
use mongodb::error::Error;
use mongodb::options::{AggregateOptions, FindOptions, ReadConcern};
use resources::query::{Count, Filter, Query, Total};
use resources::schema::ResourceType;
use resources::store::{Page, Resources, StoreError};

use crate::connection::Connection;
use crate::cursor::{Cursor, Position};
use crate::failure::{self, Intent, of_read};
use crate::rest::Rest;
use crate::{filter, ids};

/// Up to this size the total of a collection is counted. Above it the server's own figure is
/// taken, because counting takes time with each resource.
const COUNTED_MAX: i64 = 100_000;

/// The page comes with one request where it is small and shows the end of the collection, which
/// tells the total; else the resources are counted as of the moment of the page. What does not fit
/// one batch follows while the reader takes it.
pub(crate) async fn list(
    store: &Arc<Connection>,
    resource_type: &Arc<ResourceType>,
    query: &Query,
) -> Result<Page, StoreError> {
    let listing = Listing {
        store: store.clone(),
        resource_type: resource_type.clone(),
        query: query.clone(),
    };
    let work = Box::pin(async move { listing.begin().await });
    let begun = store.calls.run(Intent::Read, work).await?;
    let rest = begun.after.map(|after| Rest {
        store: store.clone(),
        resource_type: resource_type.clone(),
        filter: query.filter.clone(),
        after,
        missing: query.limit - begun.first.len() as u64,
    });
    Ok(Page {
        resources: Arc::new(begun.first),
        rest: rest.map(Rest::stream).transpose()?,
        more: begun.more,
        total: begun.total,
    })
}

struct Listing {
    store: Arc<Connection>,
    resource_type: Arc<ResourceType>,
    query: Query,
}

/// A page as far as the first batch has it.
struct Begun {
    first: Resources,
    more: bool,
    total: Option<Total>,
    /// The last document of `first`, where there is more.
    after: Option<Position>,
}

impl Listing {
    async fn begin(&self) -> Result<Begun, StoreError> {
        let _turn = self.store.pages.turn(&self.resource_type).await;
        if self.store.has_snapshots() {
            let session = self.store.client.start_session().snapshot(true);
            let session = session.await.map_err(of_read)?;
            // Set explicitly, or the read concern of the connection string wins.
            let concern = Some(ReadConcern::snapshot());
            match self.open(session, concern.clone()).await {
                Err(error) if failure::has_no_snapshots(&error) => self.store.forget_snapshots(),
                opened => return self.read(opened.map_err(of_read)?, concern).await,
            }
        }
        let session = self.store.client.start_session().await.map_err(of_read)?;
        let cursor = self.open(session, None).await.map_err(of_read)?;
        self.read(cursor, None).await
    }

    async fn open(
        &self,
        session: ClientSession,
        concern: Option<ReadConcern>,
    ) -> Result<Cursor, Error> {
        let (wanted, pages) = (self.wanted(), &self.store.pages);
        let mut options = FindOptions::builder()
            .sort(ids::order(&self.resource_type))
            .skip(self.query.skip.min(i64::MAX.unsigned_abs()))
            .limit(i64::try_from(wanted).unwrap_or(i64::MAX))
            .batch_size(pages.batch_size(&self.resource_type, wanted))
            .max_time(self.store.calls.time_max())
            .build();
        options.read_concern = concern;
        let filter = filter::matching(&self.query.filter);
        let cursor = Cursor::open(&self.store, &self.resource_type, filter, session, options);
        Ok(cursor.await?.cut_at(pages.batch_bytes))
    }

    /// One more than is asked for tells whether the collection ends here. A limit of 0 is none.
    fn wanted(&self) -> u64 {
        let more = u64::from(self.query.count != Count::Never);
        self.query.limit.saturating_add(more).max(1)
    }

    async fn read(
        &self,
        mut cursor: Cursor,
        concern: Option<ReadConcern>,
    ) -> Result<Begun, StoreError> {
        let (skip, limit) = (self.query.skip, self.query.limit);
        let mut first = self.first_batch(&mut cursor).await?;
        let got = first.len() as u64;
        let mut total = None;
        if self.query.count != Count::Never {
            let shows_end = cursor.has_ended() && got <= limit && (got > 0 || skip == 0);
            // An estimate must not contradict what the page shows.
            let shown = if got > 0 { skip + got } else { 0 };
            total = Some(Total::Exact(if shows_end {
                shown
            } else {
                let counted = self.count(cursor.session(), concern, COUNTED_MAX).await;
                counted.map_err(of_read)?.max(shown)
            }));
        }
        first.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let is_cut = !cursor.has_ended() && got < limit;
        let last = cursor.ends().map(|(_, last)| last.clone());
        Ok(Begun {
            first,
            more: got > limit,
            total,
            after: last.filter(|_| is_cut),
        })
    }

    /// What one batch may hold. Documents that are smaller than they were last take several.
    async fn first_batch(&self, cursor: &mut Cursor) -> Result<Resources, StoreError> {
        let pages = &self.store.pages;
        let mut first = cursor.next().await?.unwrap_or_default();
        pages.have_read(&self.resource_type, &first);
        while first.bytes() < pages.batch_bytes / 2
            && (first.len() as u64) < self.wanted()
            && let Some(batch) = cursor.next().await?
        {
            for one in batch.iter() {
                first.push(one.id.clone(), one.text);
            }
        }
        Ok(first)
    }

    /// The resources that pass the filter, or the server's own figure where a whole collection has
    /// more than `bound`.
    async fn count(
        &self,
        session: &mut ClientSession,
        concern: Option<ReadConcern>,
        bound: i64,
    ) -> Result<u64, Error> {
        let collection = self.store.collection(&self.resource_type);
        assert!(self.query.filter == Filter::Everything);
        let pipeline = [doc! { "$limit": bound + 1 }, doc! { "$count": "total" }];
        let mut options = AggregateOptions::default();
        options.max_time = Some(self.store.calls.time_max());
        options.read_concern = concern;
        let aggregate = collection.aggregate(pipeline).with_options(options);
        let mut cursor = aggregate.session(&mut *session).await?;
        let counted = match cursor.next(session).await.transpose()? {
            Some(counted) => counted
                .get("total")
                .and_then(|total| total.as_i64().or_else(|| total.as_i32().map(i64::from)))
                .unwrap_or_default(),
            // The count of nothing is no document at all.
            None => 0,
        };
        if counted > bound {
            let estimate = collection.estimated_document_count();
            return estimate.max_time(self.store.calls.time_max()).await;
        }
        Ok(u64::try_from(counted).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::Document;

    use super::*;
    use crate::tests::{fresh, things};

    #[tokio::test(flavor = "multi_thread")]
    async fn more_resources_than_are_counted_have_the_total_that_the_server_gives() {
        let (fresh, store) = fresh().await;
        let found = fresh.0.collection::<Document>("things");
        found.insert_many(vec![doc! {}; 10]).await.unwrap();
        let listing = Listing {
            store: store.connection,
            resource_type: things(),
            query: Query::first(1),
        };
        for bound in [0, 1, 9, 10, 11] {
            let mut session = listing.store.client.start_session().await.unwrap();
            let counted = listing.count(&mut session, None, bound).await;
            assert_eq!(counted.unwrap(), 10, "counted up to {bound}");
        }
    }
}
