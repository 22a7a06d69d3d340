//! `monocoque explain`

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use resources::Unexplained;
use resources::store::{Plan, Store};
use tokio::runtime::Builder;

use super::indexes::mongodb;
use super::say;
use crate::application::limits;
use crate::command_line::Explain;
use crate::definitions;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::store;

const COSTLY: &str = "warning: the store would read the whole collection, or sort more than the \
                      page that it gives; an index in the definition may help";

/// What people write in a URL and no URL may have.
const UNWRITTEN: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

pub(super) fn run(arguments: &Explain) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let target = &arguments.target;
        if let Some(id) = &arguments.id {
            let text = of_one(&settings, target, id).await?;
            return super::print(&format!("{text}\n"));
        }
        let plan = of_list(&settings, target).await?;
        if plan.is_costly {
            say(COSTLY);
        }
        super::print(&format!("{}\n", plan.text))
    })
}

async fn of_one(settings: &Settings, resource_type: &str, id: &str) -> Result<String, Failure> {
    let resource_type = definitions::find(settings, resource_type)?;
    let id = resource_type.id.parse(id);
    let id = id.map_err(|error| Failure::usage(error.to_string()))?;
    let store = mongodb(settings).await?;
    let plan = store.explain_one(&resource_type, &id).await;
    store.close().await;
    Ok(plan?)
}

/// The plan of a list, which is named by its URL or, the first page of a collection, by its type.
async fn of_list(settings: &Settings, target: &str) -> Result<Plan, Failure> {
    let url = url(settings, target)?;
    let types = definitions::all(settings)?;
    let store = store::open_to_read(settings).await?;
    let plan = resources::explain(&types, store.clone(), limits(settings), &url).await;
    store.close().await;
    plan.map_err(|reason| match reason {
        Unexplained::Refused(text) => Failure::usage(text),
        Unexplained::Failed(failure) => failure.into(),
    })
}

fn url(settings: &Settings, target: &str) -> Result<Uri, Failure> {
    let mut starts = ["/", "http://", "https://"].iter();
    let text = if starts.any(|start| target.starts_with(start)) {
        utf8_percent_encode(target, UNWRITTEN).to_string()
    } else {
        format!("/{}", definitions::find(settings, target)?.name)
    };
    Uri::try_from(text).map_err(|error| Failure::usage(format!("no URL: {error}")))
}
