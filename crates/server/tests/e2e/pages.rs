//! Pages of docs/ that are about the embedded store, or about no store.

use crate::documents::page;

#[tokio::test]
async fn the_examples_in_every_language_work() {
    page::is_true("docs/examples.md").await;
}

#[tokio::test]
async fn a_backup_is_made_and_restored_as_the_page_says() {
    page::is_true("docs/backup.md").await;
}

#[tokio::test]
async fn a_definition_is_changed_as_the_page_says() {
    page::is_true("docs/changing-a-definition.md").await;
}
