//! `monocoque indexes`

use std::sync::Arc;

use resources::repository::mongo::MongoRepository;
use resources::repository::{Repository, RepositoryError};
use resources::schema::ResourceType;
use tokio::runtime::Builder;

use crate::application;
use crate::command_line::Indexes;
use crate::failure::Failure;
use crate::settings::{self, Settings};

pub(super) fn run(arguments: &Indexes) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let of = application::find_type(&settings, &arguments.resource_type)?;
        let repository = mongodb(&settings).await?;
        let listed = listed(&repository, &of, arguments.apply).await;
        repository.close().await;
        super::print(&listed?)
    })
}

/// A line for each index, after the missing ones were made if that is wanted.
async fn listed(
    repository: &MongoRepository,
    of: &Arc<ResourceType>,
    apply: bool,
) -> Result<String, RepositoryError> {
    if apply {
        repository.prepare(of).await?;
    }
    let indexes = repository.indexes(of).await?;
    let lines: Vec<String> = indexes.iter().map(|index| format!("{index}\n")).collect();
    Ok(lines.concat())
}

/// The store of the commands that only MongoDB has.
pub(super) async fn mongodb(settings: &Settings) -> Result<MongoRepository, Failure> {
    application::open_mongodb(settings).await?.ok_or_else(|| {
        Failure::usage("this is about MongoDB: name a deployment with the setting 'mongo_uri'")
    })
}
