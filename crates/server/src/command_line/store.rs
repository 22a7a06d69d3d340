//! Commands that ask the store what it has and does.

use clap::Args;

use crate::settings::SettingFlags;

#[derive(Debug, Args)]
pub(crate) struct Indexes {
    /// Resource type of the collection
    #[arg(value_name = "TYPE")]
    pub(crate) resource_type: String,
    /// Make what is declared and missing; nothing is ever dropped
    #[arg(long)]
    pub(crate) apply: bool,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Infer {
    /// Collection of the database
    pub(crate) collection: String,
    /// Documents that are looked at, picked by the server
    #[arg(long, value_name = "COUNT", default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) sample: u32,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// URL of a list, such as '/articles?sort=title', or a resource type: its first page
    #[arg(value_name = "URL|TYPE")]
    pub(crate) target: String,
    /// Id of one resource of the type, on MongoDB
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}
