//! From the embedded store to MongoDB.

use crate::documents::page;

#[tokio::test]
async fn everything_moves_as_the_page_says() {
    page::is_true("docs/moving-to-mongodb.md").await;
}
