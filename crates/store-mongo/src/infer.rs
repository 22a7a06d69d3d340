//! What documents of a collection look like, for a definition of one that is there already.

mod definition;
mod seen;

use futures_util::TryStreamExt;
use mongodb::bson::{RawDocumentBuf, doc};
use resources::store::StoreError;

use crate::MongoStore;
use crate::failure::of_read;

pub use seen::{Kind, Seen};

/// What was seen in a sample of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The name of the collection.
    pub collection: String,
    /// What the documents are: objects with members.
    pub documents: Seen,
}

impl MongoStore {
    /// Looks at documents of a collection that the server picks, at most `count` of them. None for
    /// a collection that is empty or not there.
    ///
    /// # Errors
    /// What keeps the server from answering.
    pub async fn sample(&self, collection: &str, count: u32) -> Result<Sample, StoreError> {
        let documents = self
            .connection
            .database
            .collection::<RawDocumentBuf>(collection);
        let picked = documents.aggregate([doc! { "$sample": { "size": i64::from(count) } }]);
        let picked = picked.await.map_err(of_read)?;
        let mut picked = picked.with_type::<RawDocumentBuf>();
        let mut seen = Seen::default();
        while let Some(document) = picked.try_next().await.map_err(of_read)? {
            seen.add_document(&document);
        }
        Ok(Sample {
            collection: collection.to_owned(),
            documents: seen,
        })
    }
}
