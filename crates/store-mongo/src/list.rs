//! A part of a collection, and how many resources there are.

use std::sync::Arc;

use mongodb::options::ReadConcern;
use resources::query::{Count, Filter, Query, Total};
use resources::schema::ResourceType;
use resources::store::{Page, Resources, StoreError};

use crate::connection::Connection;
use crate::cursor::{Cursor, Position};
use crate::failure::{self, Intent, of_read};
use crate::joins::count_in;
use crate::rest::Rest;
use crate::selection::{Selection, counting};

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
        query: query.clone(),
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
        let selection = self.selection()?;
        let keys = selection.keys().filter(|_| !self.query.from_end);
        let wanted = self.wanted();
        let batch_size = self.store.pages.batch_size(&self.resource_type, wanted);
        let request = selection.request(self.query.skip, wanted);
        let request = request.in_batches(batch_size);
        loop {
            let (session, concern) = self.store.moment().await?;
            let request = request.clone();
            let request = request.bounded(self.store.calls.time_max(), concern.clone());
            let keys = keys.clone();
            let opened = Cursor::open(
                &self.store,
                &self.resource_type,
                request,
                keys.clone().unwrap_or_default(),
                session,
            );
            let cursor = match opened.await {
                Err(error) if concern.is_some() && failure::has_no_snapshots(&error) => {
                    self.store.forget_snapshots();
                    continue;
                }
                opened => opened.map_err(of_read)?,
            };
            return match keys {
                Some(_) => self.read(cursor, concern).await,
                None => self.read_whole(cursor, concern).await,
            };
        }
    }

    fn selection(&self) -> Result<Selection, StoreError> {
        Selection::new(&self.resource_type, &self.query)
    }

    /// One more than is asked for tells whether the collection ends here. A limit of 0 is none.
    fn wanted(&self) -> u64 {
        self.query.limit.saturating_add(1)
    }

    /// Reads the first batch, and what else tells of the page.
    async fn read(
        &self,
        cursor: Cursor,
        concern: Option<ReadConcern>,
    ) -> Result<Begun, StoreError> {
        let mut cursor = cursor.cut_at(self.store.pages.batch_bytes);
        let mut first = self.first_batch(&mut cursor).await?;
        let (skip, limit) = (self.query.skip, self.query.limit);
        let got = first.len() as u64;
        let has_ended = cursor.has_ended();
        let total = self.total(&mut cursor, concern.clone(), got).await?;
        first.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let is_cut = !has_ended && got < limit;
        let more = match total {
            _ if has_ended || got > limit => got > limit,
            Some(Total::Exact(total)) if !self.has_bounds() => total > skip.saturating_add(limit),
            _ => self.has_more(&mut cursor, concern).await?,
        };
        let last = cursor.ends().map(|(_, last)| last.clone());
        Ok(Begun {
            first,
            more,
            total,
            after: last.filter(|_| is_cut),
        })
    }

    /// Reads a page that cannot go on where a batch ended: its last resources were asked for, or
    /// its order is nothing that documents have. The page size bounds it.
    async fn read_whole(
        &self,
        mut cursor: Cursor,
        concern: Option<ReadConcern>,
    ) -> Result<Begun, StoreError> {
        let mut all = Resources::default();
        while let Some(batch) = cursor.next().await? {
            let batch = batch.iter();
            batch.for_each(|one| all.push(one.id.clone(), one.text));
        }
        let is_whole = self.query.members.is_none();
        let pages = &self.store.pages;
        pages.have_read(&self.resource_type, &all, is_whole);
        let got = all.len() as u64;
        let total = self.total(&mut cursor, concern, got).await?;
        all.truncate(usize::try_from(self.query.limit).unwrap_or(usize::MAX));
        let mut first = Resources::default();
        if self.query.from_end {
            let reversed = all.iter().rev();
            reversed.for_each(|one| first.push(one.id.clone(), one.text));
        } else {
            first = all;
        }
        Ok(Begun {
            first,
            more: got > self.query.limit,
            total,
            after: None,
        })
    }

    /// What one batch may hold. Documents that are smaller than they were last take several.
    async fn first_batch(&self, cursor: &mut Cursor) -> Result<Resources, StoreError> {
        let pages = &self.store.pages;
        let mut first = cursor.next().await?.unwrap_or_default();
        pages.have_read(&self.resource_type, &first, self.query.members.is_none());
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

    /// How many resources pass the filter, if it is asked for. `got` of them came, with the one
    /// beyond the page.
    async fn total(
        &self,
        cursor: &mut Cursor,
        concern: Option<ReadConcern>,
        got: u64,
    ) -> Result<Option<Total>, StoreError> {
        let (skip, limit) = (self.query.skip, self.query.limit);
        let Count::UpTo(bound) = self.query.count else {
            return Ok(None);
        };
        let shown = if got > 0 { skip + got } else { 0 };
        let shows_end = cursor.has_ended() && got <= limit && (got > 0 || skip == 0);
        let counted = if shows_end && !self.has_bounds() {
            shown
        } else {
            self.count(cursor, concern, bound).await?
        };
        if counted <= bound {
            return Ok(Some(Total::Exact(counted)));
        }
        if self.query.filter != Filter::Everything {
            return Ok(Some(Total::Estimated(bound)));
        }
        let collection = self.store.collection(&self.resource_type);
        let estimate = collection.estimated_document_count();
        let estimate = estimate.max_time(self.store.calls.time_max()).await;
        // It must not contradict what the page shows.
        Ok(Some(Total::Estimated(
            estimate.map_err(of_read)?.max(shown),
        )))
    }

    fn has_bounds(&self) -> bool {
        self.query.after.is_some() || self.query.before.is_some()
    }

    /// Whether there is a resource beyond a page that is too large to be read at once.
    async fn has_more(
        &self,
        cursor: &mut Cursor,
        concern: Option<ReadConcern>,
    ) -> Result<bool, StoreError> {
        let query = Query {
            members: Some(Vec::new()),
            ..self.query.clone()
        };
        let selection = Selection::new(&self.resource_type, &query)?;
        let beyond = query.skip.saturating_add(query.limit);
        let request = selection.request(beyond, 1);
        let request = request.bounded(self.store.calls.time_max(), concern);
        let collection = self.store.collection(&self.resource_type);
        let session = cursor.session();
        let found = request.documents(&collection, session).await;
        found
            .map_err(of_read)?
            .advance(session)
            .await
            .map_err(of_read)
    }

    /// Counts the resources that pass the filter until there are more than `bound`.
    async fn count(
        &self,
        cursor: &mut Cursor,
        concern: Option<ReadConcern>,
        bound: u64,
    ) -> Result<u64, StoreError> {
        let request = counting(&self.resource_type, &self.query.filter, bound)?;
        let request = request.bounded(self.store.calls.time_max(), concern);
        let collection = self.store.collection(&self.resource_type);
        let session = cursor.session();
        let found = request.documents(&collection, session).await;
        let mut found = found.map_err(of_read)?;
        // The count of nothing is no document at all.
        if found.advance(session).await.map_err(of_read)? {
            return Ok(count_in(found.current()));
        }
        Ok(0)
    }
}
