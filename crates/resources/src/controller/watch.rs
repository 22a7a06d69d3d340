//! Changes as somebody sees them who looks at a part of a collection.

use std::sync::Arc;

use super::Controller;
use crate::query::{Filter, NoRelated};
use crate::schema::ResourceType;
use crate::store::{
    Event, EventKind, Point, Resource, StoreError, WatchError, Watching, stored_value,
};

/// What a change means to whoever keeps a copy of the resources that pass a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen<'e> {
    /// There is a new resource, which looks so.
    Created(&'e Resource),
    /// A resource looks so now. It may not have passed the filter before.
    Updated(&'e Resource),
    /// A resource that was changed does not pass the filter, whether or not it did before.
    Left,
    /// A resource is gone, whether or not it had passed the filter.
    Deleted,
}

impl Controller {
    /// The changes of a collection behind a place, or from now on.
    pub(crate) async fn watch(
        &self,
        resource_type: &Arc<ResourceType>,
        after: Option<&Point>,
    ) -> Result<Watching, WatchError> {
        self.store.watch(resource_type, after).await
    }
}

impl<'e> Seen<'e> {
    /// What a change means to those who look through a local filter ([`Filter::is_local`]), if
    /// anything. What a resource was like before is not known: where it may have passed, its absence
    /// is told, and what is told may be later than the change.
    pub(crate) fn of(event: &'e Event, filter: &Filter) -> Result<Option<Self>, StoreError> {
        let passing = match &event.resource {
            Some(resource) if passes(filter, resource)? => Some(resource),
            _ => None,
        };
        Ok(match (event.kind, passing) {
            (EventKind::Deleted, _) => Some(Self::Deleted),
            (EventKind::Created, Some(resource)) => Some(Self::Created(resource)),
            (EventKind::Created, None) => None,
            (EventKind::Updated, Some(resource)) => Some(Self::Updated(resource)),
            (EventKind::Updated, None) => Some(Self::Left),
        })
    }
}

fn passes(filter: &Filter, resource: &Resource) -> Result<bool, StoreError> {
    if *filter == Filter::Everything {
        return Ok(true);
    }
    let members = stored_value(&resource.text)
        .map_err(|error| StoreError::Corrupt(format!("{}: {error}", resource.id)))?;
    Ok(filter.matches(&resource.id, &members, &NoRelated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Id;

    #[test]
    fn what_does_not_pass_is_told_by_its_absence_unless_it_is_new() {
        let nobody = Filter::Any(Vec::new());
        let resource = Resource {
            id: Id::Integer(1),
            text: "{}".to_owned(),
        };
        for (kind, is_there, filter, expected) in [
            (
                EventKind::Created,
                true,
                &Filter::Everything,
                Some(Seen::Created(&resource)),
            ),
            (EventKind::Created, true, &nobody, None),
            // Its deletion is told behind it.
            (EventKind::Created, false, &Filter::Everything, None),
            (
                EventKind::Updated,
                true,
                &Filter::Everything,
                Some(Seen::Updated(&resource)),
            ),
            (EventKind::Updated, true, &nobody, Some(Seen::Left)),
            (
                EventKind::Updated,
                false,
                &Filter::Everything,
                Some(Seen::Left),
            ),
            (
                EventKind::Deleted,
                false,
                &Filter::Everything,
                Some(Seen::Deleted),
            ),
            (EventKind::Deleted, false, &nobody, Some(Seen::Deleted)),
        ] {
            let event = Event {
                point: Point::new("1"),
                kind,
                id: resource.id.clone(),
                resource: is_there.then(|| resource.clone()),
            };
            assert_eq!(Seen::of(&event, filter), Ok(expected), "{event:?}");
        }
    }
}
