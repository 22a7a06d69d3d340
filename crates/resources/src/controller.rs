//! What an operation means: which ids are possible, which attributes are valid, what is one unit
//! of work. Knows neither HTTP nor a driver.

mod draft;
mod read;
mod include;
mod write;
mod link;
mod delete;
mod watch;
mod atomic;
mod unit;
mod retry;
mod timestamps;
mod failure;

use std::sync::Arc;

use self::delete::Referrers;
use crate::schema::{Id, ResourceType, Types};
use crate::store::Store;

pub(crate) use atomic::{Action, Operation};
pub(crate) use draft::LinkTarget;
pub use draft::{Draft, GivenId, GivenLinks, IdRule};
pub use failure::{Failure, Reason};
pub(crate) use include::{Compound, Inclusion, Linkage, Typed};
pub(crate) use link::{LinkChange, Linking};
pub(crate) use read::Linked;
pub use retry::Done;
pub(crate) use unit::Undone;
pub(crate) use watch::Seen;
pub(crate) use write::Versions;

/// The operations on resources of any type.
pub struct Controller {
    store: Arc<dyn Store>,
    types: Arc<Types>,
    referrers: Referrers,
}

impl Controller {
    /// Operations on resources that are kept in `store`, which is prepared for these types.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, types: Arc<Types>) -> Self {
        let referrers = delete::referrers(types.iter());
        Self {
            store,
            types,
            referrers,
        }
    }

    /// See [`Store::changes`].
    pub(crate) fn changes(&self) -> Option<u64> {
        self.store.changes()
    }

    /// The hosts of the store, if clients may know them.
    #[must_use]
    pub fn store_hosts(&self) -> Option<&str> {
        self.store.hosts()
    }
}

/// An id as it stands in the URL.
fn id_of_url(resource_type: &Arc<ResourceType>, text: &str) -> Result<Id, Failure> {
    let id = resource_type.id.parse(text);
    id.map_err(|invalid| Failure::new(resource_type, Reason::InvalidId(invalid)))
}
