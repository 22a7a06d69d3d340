//! What is asked of the server for resources: `find`, or `aggregate` where that does not do.

use std::time::Duration;

use bson::RawDocumentBuf;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::options::{AggregateOptions, FindOptions, ReadConcern};
use mongodb::raw_batch_cursor::SessionRawBatchCursor;
use mongodb::{ClientSession, Collection, SessionCursor};

/// One request; its answer is documents.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one for each request")]
pub(crate) enum Request {
    Find(Document, FindOptions),
    Aggregate(Vec<Document>, AggregateOptions),
}

impl Request {
    /// How many documents a batch has.
    pub(crate) fn in_batches(mut self, size: u32) -> Self {
        match &mut self {
            Self::Find(_, options) => options.batch_size = Some(size),
            Self::Aggregate(_, options) => options.batch_size = Some(size),
        }
        self
    }

    /// How long the server may work on it, and of which moment the answer is.
    pub(crate) fn bounded(mut self, time: Duration, concern: Option<ReadConcern>) -> Self {
        match &mut self {
            Self::Find(_, options) => {
                options.max_time = Some(time);
                options.read_concern = concern;
            }
            Self::Aggregate(_, options) => {
                options.max_time = Some(time);
                options.read_concern = concern;
            }
        }
        self
    }

    pub(crate) async fn batches(
        self,
        collection: &Collection<RawDocumentBuf>,
        session: &mut ClientSession,
    ) -> Result<SessionRawBatchCursor, Error> {
        match self {
            Self::Find(filter, options) => {
                let find = collection.find(filter).with_options(options);
                find.session(session).batch().await
            }
            Self::Aggregate(pipeline, options) => {
                let aggregate = collection.aggregate(pipeline).with_options(options);
                aggregate.session(session).batch().await
            }
        }
    }

    pub(crate) async fn documents(
        self,
        collection: &Collection<RawDocumentBuf>,
        session: &mut ClientSession,
    ) -> Result<SessionCursor<RawDocumentBuf>, Error> {
        match self {
            Self::Find(filter, options) => {
                let find = collection.find(filter).with_options(options);
                find.session(session).await
            }
            Self::Aggregate(pipeline, options) => {
                let aggregate = collection.aggregate(pipeline).with_options(options);
                let aggregate = aggregate.with_type::<RawDocumentBuf>();
                aggregate.session(session).await
            }
        }
    }

    /// The same as stages of an aggregation.
    pub(crate) fn stages(self) -> Vec<Document> {
        let (filter, options) = match self {
            Self::Aggregate(pipeline, _) => return pipeline,
            Self::Find(filter, options) => (filter, options),
        };
        let mut stages = vec![doc! { "$match": filter }];
        stages.extend(options.sort.map(|sort| doc! { "$sort": sort }));
        let skip = options.skip.and_then(|skip| i64::try_from(skip).ok());
        stages.extend(
            skip.filter(|skip| *skip > 0)
                .map(|skip| doc! { "$skip": skip }),
        );
        stages.extend(options.limit.map(|limit| doc! { "$limit": limit }));
        stages.extend(
            options
                .projection
                .map(|members| doc! { "$project": members }),
        );
        stages
    }

    /// The command that asks it.
    pub(crate) fn command(&self, collection: &str) -> Document {
        match self {
            Self::Find(filter, options) => {
                let mut command = doc! { "find": collection, "filter": filter.clone() };
                command.extend(
                    options
                        .sort
                        .clone()
                        .map(|sort| ("sort".into(), sort.into())),
                );
                let skip = options.skip.and_then(|skip| i64::try_from(skip).ok());
                command.extend(skip.map(|skip| ("skip".into(), skip.into())));
                command.extend(options.limit.map(|limit| ("limit".into(), limit.into())));
                let projection = options.projection.clone();
                command.extend(projection.map(|some| ("projection".into(), some.into())));
                command
            }
            Self::Aggregate(pipeline, _) => {
                doc! { "aggregate": collection, "pipeline": pipeline.clone(), "cursor": {} }
            }
        }
    }
}
