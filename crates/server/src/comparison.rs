//! What a start has to say of stored data that the definitions do not describe: nothing of it is
//! an error, and nothing of it is changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use resources::fit::{self, Bounds, Misfit};
use resources::schema::ResourceType;
use resources::store::{Store, StoreError};

/// How much of a collection a start compares with a definition that has changed; `monocoque check`
/// compares all of it.
const BOUNDS: Bounds = Bounds {
    resources_max: 100_000,
    time_max: Duration::from_secs(30),
};

/// How long after a failure of the store it is asked again.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// Names of collections, and kinds of misfits, that a warning lists.
const LISTED_MAX: usize = 5;

/// Kinds of misfits that are told apart.
const KINDS_MAX: usize = 100;

/// Warns, in the background, of collections that no definition declares, and of resources that do
/// not fit a definition that has changed since the last time.
pub(crate) async fn run(store: Arc<dyn Store>, types: Vec<Arc<ResourceType>>) {
    while let Err(error) = warn_of_undeclared(&*store, &types).await {
        tracing::debug!(%error, "the stored collections cannot be listed now");
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    for resource_type in &types {
        while let Err(error) = compare(&*store, resource_type).await {
            let resource_type = &resource_type.name;
            tracing::debug!(%error, resource_type, "the resources cannot be compared now");
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }
}

async fn warn_of_undeclared(
    store: &dyn Store,
    types: &[Arc<ResourceType>],
) -> Result<(), StoreError> {
    let mut names = store.collections().await?;
    names.retain(|name| types.iter().all(|of| of.collection != *name));
    let Some(first) = names.first().cloned() else {
        return Ok(());
    };
    let more = names.len().saturating_sub(LISTED_MAX);
    names.truncate(LISTED_MAX);
    let mut collections = names.join(", ");
    if more > 0 {
        collections = format!("{collections} and {more} more");
    }
    tracing::warn!(
        collections,
        "no definition declares these stored collections, and nothing serves them; if a type was \
         renamed, 'collection: {first}' in its definition keeps its resources"
    );
    Ok(())
}

/// Compares the resources of a type with its definition, unless an earlier process has.
async fn compare(store: &dyn Store, resource_type: &Arc<ResourceType>) -> Result<(), StoreError> {
    let fingerprint = resource_type.fingerprint();
    if store.noted_definition(resource_type).await?.as_ref() == Some(&fingerprint) {
        return Ok(());
    }
    let mut kinds = Kinds::default();
    let mut found = |misfit: Misfit| kinds.add(&misfit);
    let compared = fit::compare(store, resource_type, None, BOUNDS, &mut found).await?;
    if compared.misfits > 0 {
        let of = &resource_type.name;
        tracing::warn!(
            resource_type = of,
            misfits = compared.misfits,
            of_resources = compared.resources,
            all_compared = compared.is_complete,
            reasons = kinds.shown(),
            "stored resources do not fit the definition, which has changed; they are served as \
             they are, and 'monocoque check {of}' lists them"
        );
    }
    // A user of the database who may not write there hears of it at each start.
    if let Err(error) = store.note_definition(resource_type, &fingerprint).await {
        tracing::debug!(%error, "the comparison cannot be noted");
    }
    Ok(())
}

/// How many resources do not fit for which reason.
#[derive(Default)]
struct Kinds(HashMap<(String, String), u64>);

impl Kinds {
    fn add(&mut self, misfit: &Misfit) {
        for violation in &misfit.violations {
            let kind = fit::kind(violation);
            let Self(counts) = self;
            if counts.len() < KINDS_MAX || counts.contains_key(&kind) {
                *counts.entry(kind).or_default() += 1;
            }
        }
    }

    /// The most frequent ones.
    fn shown(&self) -> String {
        let mut kinds: Vec<_> = self.0.iter().collect();
        kinds.sort_by(|(kind, count), (other, than)| than.cmp(count).then(kind.cmp(other)));
        let shown = kinds.iter().take(LISTED_MAX);
        let shown = shown.map(|((pointer, message), count)| {
            let pointer = if pointer.is_empty() { "/" } else { pointer };
            format!("{count} × {pointer}: {message}")
        });
        shown.collect::<Vec<_>>().join("; ")
    }
}
