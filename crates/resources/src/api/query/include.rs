//! `include`: related resources beside the primary data, and what of them.

use std::sync::Arc;

use jsonapi::{Error, Parameters, Path, excerpt};

use super::{INCLUDE_PATHS_MAX, filter, invalid, sort};
use crate::api::Service;
use crate::controller::Inclusion;
use crate::query::{COUNTED_MAX, Count, Query};
use crate::schema::{Relationship, ResourceType};

/// Takes `include`, and `filter[…]`, `sort[…]` and `page[…][size]` of what is included.
pub(super) fn take(
    service: &Service,
    resource_type: &Arc<ResourceType>,
    parameters: &mut Parameters,
) -> Result<Option<Vec<Inclusion>>, Error> {
    let depth = service.limits.include_depth_max;
    let Some(paths) = parameters.take_include(INCLUDE_PATHS_MAX, depth)? else {
        return Ok(None);
    };
    let mut tree = Vec::new();
    for path in &paths {
        add(service, resource_type, path, 0, &mut tree)?;
    }
    narrow(service, &mut tree, "", parameters)?;
    Ok(Some(tree))
}

/// Adds a path from its name at `depth` on.
fn add(
    service: &Service,
    resource_type: &Arc<ResourceType>,
    path: &Path,
    depth: usize,
    tree: &mut Vec<Inclusion>,
) -> Result<(), Error> {
    let Some(name) = path.names.get(depth) else {
        return Ok(());
    };
    let mut position = tree
        .iter()
        .position(|known| known.relationship.name == *name);
    if position.is_none() {
        position = Some(tree.len());
        tree.push(inclusion(service, resource_type, path, name)?);
    }
    let known = &mut tree[position.unwrap_or_default()];
    add(
        service,
        &known.target.clone(),
        path,
        depth + 1,
        &mut known.children,
    )
}

fn inclusion(
    service: &Service,
    resource_type: &ResourceType,
    path: &Path,
    name: &str,
) -> Result<Inclusion, Error> {
    let relationship = resource_type.relationship(name);
    let relationship = relationship.filter(|one| one.reading.readable);
    let relationship: &Arc<Relationship> = relationship.ok_or_else(|| {
        let reason = format!("'{}' has no relationship '{name}'", resource_type.name);
        let place = path.to_string();
        invalid("include", format!("{reason}: {}", excerpt(&place, 0)))
    })?;
    if !relationship.includable {
        let place = path.to_string();
        let detail = format!("'{name}' cannot be included: {}", excerpt(&place, 0));
        return Err(invalid("include", detail));
    }
    Ok(Inclusion {
        relationship: relationship.clone(),
        target: service.types.target(relationship).clone(),
        query: Query {
            limit: relationship.page.default,
            count: Count::UpTo(COUNTED_MAX),
            ..Query::default()
        },
        path: path.names.join("."),
        children: Vec::new(),
    })
}

/// Takes what narrows each included relationship.
fn narrow(
    service: &Service,
    tree: &mut [Inclusion],
    base: &str,
    parameters: &mut Parameters,
) -> Result<(), Error> {
    for inclusion in tree {
        let path = format!("{base}{}", inclusion.relationship.name);
        let target = &inclusion.target;
        inclusion.query.filter = filter::take_of(service, target, &path, parameters)?;
        inclusion.query.order = sort::take_of(service, target, &path, parameters)?;
        if let Some(key) = inclusion.query.order.related_key() {
            let detail =
                format!("Included resources are sorted by their own attributes, not by '{key}'.");
            return Err(invalid(&format!("sort[{path}]"), detail));
        }
        let maximum = inclusion.relationship.page.maximum;
        if let Some(size) = parameters.take_page_size_of(&path, maximum)? {
            inclusion.query.limit = size;
        }
        narrow(
            service,
            &mut inclusion.children,
            &format!("{path}."),
            parameters,
        )?;
        inclusion.path = path;
    }
    Ok(())
}
