//! Query parameters: <https://jsonapi.org/format/1.1/#query-parameters>. Each family has its
//! module; what a parameter names is checked by whoever knows the types.

mod parameters;
mod path;
mod place;
mod page;
mod sort;
mod fields;
mod include;
pub mod filter;

pub use fields::Fieldsets;
pub use page::{
    CursorPage, Page, PageLimits, Pagination, invalid_cursor, range_not_supported, unsupported_sort,
};
pub use parameters::{Parameters, path_segment};
pub use path::Path;
pub use place::{column, excerpt};
pub use sort::SortKey;
