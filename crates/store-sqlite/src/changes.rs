//! The log of changes: a table of what was done to which resource, not of what it was like, so that
//! a write costs one short row more. What a change left behind is read when it is told.

use std::sync::{Arc, Weak};
use std::time::Duration;

use resources::schema::{Id, ResourceType};
use resources::store::{
    Event, EventKind, Events, Point, Resource, StoreError, WatchError, Watching,
};
use rusqlite::{Connection, OptionalExtension, Row};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::id::StoredId;
use super::readers::Readers;
use super::session::Session;
use super::table::Collection;

/// Rows of the log that are read at once.
const ROWS_MAX: i64 = 512;

/// Beyond so much text, in bytes, a batch takes no more.
const BATCH_BYTES: usize = 1 << 16;

/// How often the end is told while there are no commits.
const END_INTERVAL: Duration = Duration::from_secs(1);

/// A row of the log; its number is 0 before the first one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    number: i64,
    run: String,
}

impl Place {
    fn point(&self) -> Point {
        Point::new(format!("{:016x}.{}", self.number, self.run))
    }

    fn of(point: &Point) -> Option<Self> {
        let (number, run) = point.as_str().split_once('.')?;
        let number = i64::from_str_radix(number, 16).ok()?;
        let run = run.to_owned();
        let place = Self { number, run };
        (place.point() == *point).then_some(place)
    }

    /// The last row of the log.
    fn last(moment: &Connection) -> rusqlite::Result<Self> {
        let last = "SELECT number, run FROM changes ORDER BY number DESC LIMIT 1";
        let mut statement = moment.prepare_cached(last)?;
        let place = statement.query_row([], |row| {
            let (number, run) = (row.get(0)?, row.get(1)?);
            Ok(Self { number, run })
        });
        Ok(place.optional()?.unwrap_or_default())
    }

    /// Whether all that came behind it is in the log. A row of another run has the number by
    /// chance: the file is an older one that was put back.
    fn is_kept(&self, moment: &Connection) -> rusqlite::Result<bool> {
        if self.number == 0 {
            let first = "SELECT min(number) FROM changes";
            let first: Option<i64> = moment
                .prepare_cached(first)?
                .query_one([], |row| row.get(0))?;
            return Ok(self.run.is_empty() && first.is_none_or(|first| first == 1));
        }
        let row = "SELECT run FROM changes WHERE number = ?1";
        let mut statement = moment.prepare_cached(row)?;
        let run: Option<String> = statement
            .query_row([self.number], |row| row.get(0))
            .optional()?;
        Ok(run.as_ref() == Some(&self.run))
    }
}

/// Watches a collection; `commits` tells that there may be more to read.
pub(super) async fn watching(
    readers: &Arc<Readers>,
    mut commits: watch::Receiver<u64>,
    resource_type: &Arc<ResourceType>,
    after: Option<&Point>,
) -> Result<Watching, WatchError> {
    commits.mark_unchanged();
    let from = match after {
        Some(point) => Place::of(point).ok_or(WatchError::Gone)?,
        None => readers.run(|moment| Place::last(moment)).await?,
    };
    let checked = from.clone();
    if !readers.run(move |moment| checked.is_kept(moment)).await? {
        return Err(WatchError::Gone);
    }
    let (batches, watching) = Watching::channel(from.point());
    commits.mark_changed();
    let reading = Reading {
        readers: Arc::downgrade(readers),
        resource_type: resource_type.clone(),
        place: from,
    };
    tokio::spawn(reading.run(commits, batches));
    Ok(watching)
}

/// The rest of the log for one watcher.
struct Reading {
    /// The store must be able to close while somebody watches.
    readers: Weak<Readers>,
    resource_type: Arc<ResourceType>,
    place: Place,
}

impl Reading {
    async fn run(
        mut self,
        mut commits: watch::Receiver<u64>,
        batches: mpsc::Sender<Result<Events, WatchError>>,
    ) {
        loop {
            tokio::select! {
                () = batches.closed() => return,
                changed = timeout(END_INTERVAL, commits.changed()) => if let Ok(Err(_)) = changed {
                    return;
                },
            }
            loop {
                let next = self.next().await;
                let goes_on = match &next {
                    Ok(events) => {
                        self.place = Place::of(&events.passed).unwrap_or_default();
                        !events.is_end
                    }
                    Err(_) => false,
                };
                let failed = next.is_err();
                if batches.send(next).await.is_err() || failed {
                    return;
                }
                if !goes_on {
                    break;
                }
            }
        }
    }

    /// What comes behind the place.
    async fn next(&self) -> Result<Events, WatchError> {
        let (resource_type, place) = (self.resource_type.clone(), self.place.clone());
        let gone = || StoreError::Unavailable("the store is closed".to_owned());
        let readers = self.readers.upgrade().ok_or_else(gone)?;
        let read = readers.run(move |connection| {
            let moment = connection.transaction()?;
            if !place.is_kept(&moment)? {
                return Ok(None);
            }
            read(&moment, &resource_type, place).map(Some)
        });
        read.await?.ok_or(WatchError::Gone)
    }
}

fn read(
    moment: &Connection,
    resource_type: &ResourceType,
    mut place: Place,
) -> rusqlite::Result<Events> {
    let collection = Collection::new(resource_type);
    let next = "SELECT number, run, kind, id, collection = ?2 FROM changes WHERE number > ?1 \
                ORDER BY number LIMIT ?3";
    let mut statement = moment.prepare_cached(next)?;
    let mut rows = statement.query((place.number, &collection.name, ROWS_MAX))?;
    let (mut events, mut bytes, mut count) = (Vec::new(), 0, 0);
    while let Some(row) = rows.next()? {
        (place.number, place.run) = (row.get(0)?, row.get(1)?);
        count += 1;
        if row.get(4)? {
            let event = event(moment, &collection, &place, row)?;
            bytes += event.resource.as_ref().map_or(0, |one| one.text.len());
            events.push(event);
        }
        if bytes > BATCH_BYTES {
            break;
        }
    }
    Ok(Events {
        events,
        passed: place.point(),
        is_end: count < ROWS_MAX && bytes <= BATCH_BYTES,
    })
}

fn event(
    moment: &Connection,
    collection: &Collection,
    place: &Place,
    row: &Row<'_>,
) -> rusqlite::Result<Event> {
    let StoredId(id) = row.get(3)?;
    let kind = match row.get(2)? {
        0 => EventKind::Created,
        1 => EventKind::Updated,
        _ => EventKind::Deleted,
    };
    let text = match kind {
        EventKind::Created | EventKind::Updated => collection.text(moment, &id)?,
        EventKind::Deleted => None,
    };
    let resource = |text| {
        let id: Id = id.clone();
        Resource { id, text }
    };
    Ok(Event {
        point: place.point(),
        kind,
        resource: text.map(resource),
        id,
    })
}

/// Drops the oldest changes beyond the bound, many at a time, so that few commits have to.
pub(super) fn trim(session: &Session) -> rusqlite::Result<()> {
    let kept = session.changes_kept;
    let trim = "DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - ?1 AND \
                (SELECT max(number) FROM changes) - (SELECT min(number) FROM changes) > ?2";
    let mut statement = session.connection.prepare_cached(trim)?;
    statement.execute((kept, kept + kept / 8))?;
    Ok(())
}
