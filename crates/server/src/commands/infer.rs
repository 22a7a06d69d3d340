//! `monocoque infer`

use resources::store::Store;
use tokio::runtime::Builder;

use super::indexes::mongodb;
use crate::command_line::Infer;
use crate::failure::Failure;
use crate::settings;

pub(super) fn run(arguments: &Infer) -> Result<(), Failure> {
    let (settings, _) = settings::read(&arguments.settings)?;
    super::runtime(Builder::new_multi_thread())?.block_on(async {
        let store = mongodb(&settings).await?;
        let sample = store.sample(&arguments.collection, arguments.sample).await;
        store.close().await;
        let sample = sample?;
        if sample.documents.count() == 0 {
            let collection = &arguments.collection;
            let text = format!("the collection '{collection}' has no documents, or is not there");
            return Err(Failure::usage(text));
        }
        super::print(&sample.definition())
    })
}
