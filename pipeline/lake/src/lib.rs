//! The lake: raw bytes, landed and curated Delta tables, pinned snapshots, the lease of the one writer.
//!
//! In: bytes and Arrow batches, a store's address. Out: table versions, file lists, table providers.
//! Never: the clock, the environment, a parser, a model; the AWS SDK.

mod catalog;
mod codec;
mod content;
mod delta;
mod error;
mod landing;
mod lease;
mod newest;
mod open;
mod pinned;
mod probe;
mod publish;
mod raw;
mod runs;
mod s3;
mod schema;
mod store;

pub use catalog::{Catalog, view_sql};
pub use codec::LakeCodec;
pub use content::{content_of, digest};
pub use error::LakeError;
pub use landing::{Batch, BatchRecord, Landed, Landing};
pub use lease::{Holder, Lease};
pub use newest::NewestOnly;
pub use pinned::{PinnedFile, PinnedTable};
pub use publish::{Published, Scope};
pub use runs::Runs;
pub use schema::{arrow_kind, rejected_schema, stored_schema};
pub use store::{Lake, Layer, TableId};
