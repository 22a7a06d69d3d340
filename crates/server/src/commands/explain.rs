//! `monocoque explain`

use resources::query::Query;
use resources::store::Store;
use tokio::runtime::Builder;

use super::indexes::mongodb;
use crate::command_line::Explain;
use crate::definitions;
use crate::failure::Failure;
use crate::settings;

pub(super) fn run(arguments: &Explain) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let of = definitions::find(&settings, &arguments.resource_type)?;
        let id = arguments.id.as_deref().map(|text| of.id.parse(text));
        let id = id
            .transpose()
            .map_err(|error| Failure::usage(error.to_string()))?;
        let repository = mongodb(&settings).await?;
        let plan = match &id {
            Some(id) => repository.explain_one(&of, id).await,
            None => {
                let page = Query::first(of.page.default);
                let plan = repository.explain(&of, &page).await;
                plan.map(|plan| plan.text)
            }
        };
        repository.close().await;
        super::print(&format!("{}\n", plan?))
    })
}
