//! What the store would do for a request that reads a list.

use std::sync::Arc;

use http::Uri;
use jsonapi::{Error, Parameters};
use percent_encoding::percent_decode_str;
use tokio::sync::watch;

use super::page::List;
use super::query::{Selection, Shown};
use super::request::RelatedTarget;
use super::{Limits, Service};
use crate::controller::{Failure, Linked};
use crate::query::Filter;
use crate::schema::{PageLimits, ResourceType};
use crate::store::{Plan, Store};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Unexplained {
    /// The URL is refused, in the words of the answer that it would get.
    #[error("{0}")]
    Refused(String),
    /// The store or the resource that the URL begins with failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<Error> for Unexplained {
    fn from(error: Error) -> Self {
        Self::Refused(error.detail.unwrap_or_else(|| error.title.into_owned()))
    }
}

/// The plan of a list: a collection (`/articles?sort=title`), the resources of a to-many
/// relationship (`/people/1/articles`) or its linkage. What is included besides is read by ids, or
/// by the indexes of the relationships, and has no plan here.
///
/// # Errors
/// When `url` is that of no list, or would be refused; when the store fails.
pub async fn explain(
    types: &[Arc<ResourceType>],
    store: Arc<dyn Store>,
    limits: Limits,
    url: &Uri,
) -> Result<Plan, Unexplained> {
    let (_, ending) = watch::channel(false);
    let service = Arc::new(Service::new(types, &[], store, limits, ending));
    let resource_type = service.resource_type(url.path())?.clone();
    let mut parameters = Parameters::parse(url.query())?;
    let path = url.path().trim_end_matches('/');
    let segments: Vec<&str> = path.split('/').skip(2).collect();
    let (id, name) = match segments[..] {
        [] => {
            let scope = Filter::Everything;
            let list = list(path, &resource_type, &scope, resource_type.page);
            return plan(&service, list, None, &mut parameters).await;
        }
        [id, name] | [id, "relationships", name] => (decoded(id), decoded(name)),
        _ => return Err(no_list()),
    };
    let on = RelatedTarget::find(&resource_type, id, &name)?;
    let (_, linked) = on.linked(&service).await?;
    let scope = match linked {
        Linked::One(_) => return Err(no_list()),
        Linked::Many(ids) => Filter::Ids(ids),
        Linked::Those(filter) => filter,
    };
    let target = service.types.target(&on.relationship);
    let list = list(path, target, &scope, on.relationship.page);
    let linkage = (segments.len() == 3).then_some(&on);
    plan(&service, list, linkage, &mut parameters).await
}

async fn plan(
    service: &Service,
    list: List<'_>,
    linkage: Option<&RelatedTarget>,
    parameters: &mut Parameters,
) -> Result<Plan, Unexplained> {
    let shown = match linkage {
        Some(on) => Shown::take_linked(service, &on.resource_type, &on.relationship, parameters)?,
        None => Shown::take(service, list.resource_type, parameters)?,
    };
    let selection = Selection::take(service, list, &shown, parameters)?;
    let controller = &service.controller;
    Ok(controller
        .explain(list.resource_type, &selection.query)
        .await?)
}

fn list<'a>(
    path: &'a str,
    resource_type: &'a Arc<ResourceType>,
    scope: &'a Filter,
    page: PageLimits,
) -> List<'a> {
    List {
        path,
        resource_type,
        scope,
        page,
        prefers_cursors: false,
    }
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn no_list() -> Unexplained {
    let text = "this is the URL of no list, such as /articles?sort=title or /people/1/articles";
    Unexplained::Refused(text.to_owned())
}
