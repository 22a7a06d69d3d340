//! What is chosen about the files of a store.

/// How the files of an embedded store are kept.
#[derive(Debug, Clone)]
pub struct SqliteSettings {
    /// What the files may be used for, as in `chmod`. Whoever may read them may enter their
    /// directory.
    pub files_mode: u32,
    /// A page with more text than this is read and sent batch by batch, in bytes; each batch has
    /// as much, or one resource.
    pub page_bytes_max: usize,
    /// What the batches of all pages that are being sent may hold together, in bytes.
    pub page_streams_bytes_max: usize,
    /// So many of the latest changes are kept for those who watch a collection, at least 1; up to
    /// an eighth more may be. Each takes about 60 bytes and its id.
    pub changes_kept: u32,
}

impl Default for SqliteSettings {
    /// For their owner only; pages of 1 MiB, 256 MiB for those that are larger; 100,000 changes.
    fn default() -> Self {
        Self {
            files_mode: 0o600,
            page_bytes_max: 1 << 20,
            page_streams_bytes_max: 256 << 20,
            changes_kept: 100_000,
        }
    }
}
