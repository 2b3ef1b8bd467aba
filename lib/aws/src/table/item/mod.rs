//! Items: keys, documents, versions, indexes and lists.

pub(crate) mod codec;
pub(crate) mod events;
pub(crate) mod keys;
pub(crate) mod merged;
pub(crate) mod page_tokens;
pub(crate) mod paging;
pub(crate) mod schema;
pub(crate) mod spread;
pub(crate) mod versioned;
