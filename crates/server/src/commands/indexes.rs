//! `monocoque indexes`

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resources::schema::ResourceType;
use resources::store::{Store, StoreError};
use store_mongo::MongoStore;
use tokio::runtime::Builder;

use super::say;
use crate::command_line::Indexes;
use crate::definitions;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::store;

/// The time between two lines that report progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

pub(super) fn run(arguments: &Indexes) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let of = definitions::find(&settings, &arguments.resource_type)?;
        let repository = mongodb(&settings).await?;
        let listed = listed(&repository, &of, arguments.apply).await;
        repository.close().await;
        super::print(&listed?)
    })
}

/// A line for each index, after the missing ones were made if that is wanted.
async fn listed(
    repository: &MongoStore,
    of: &Arc<ResourceType>,
    apply: bool,
) -> Result<String, StoreError> {
    if apply {
        make(repository, of).await?;
    }
    let indexes = repository.indexes(of).await?;
    let lines: Vec<String> = indexes.iter().map(|index| format!("{index}\n")).collect();
    Ok(lines.concat())
}

/// Waits until MongoDB has made them, and reports progress.
async fn make(repository: &MongoStore, of: &Arc<ResourceType>) -> Result<(), StoreError> {
    let begun = Instant::now();
    let mut making = pin!(repository.apply_indexes(of));
    let outcome = loop {
        match tokio::time::timeout(PROGRESS_INTERVAL, &mut making).await {
            Ok(outcome) => break outcome,
            Err(_) => say(&format!(
                "MongoDB makes the indexes, for {} s so far",
                begun.elapsed().as_secs()
            )),
        }
    };
    if let Err(StoreError::Unavailable(_) | StoreError::Busy(_)) = outcome {
        say("MongoDB may go on with what it has begun: run this command again to see");
    }
    outcome
}

/// The store of the commands that only MongoDB has.
pub(super) async fn mongodb(settings: &Settings) -> Result<MongoStore, Failure> {
    store::open_mongodb(settings).await?.ok_or_else(|| {
        Failure::usage("this is about MongoDB: name a deployment with the setting 'mongo_uri'")
    })
}
