//! The lake: raw bytes, landed and curated Delta tables, pinned snapshots, the lease of the one writer.
//!
//! In: bytes and Arrow batches, a store's address. Out: table versions, file lists, table providers.
//! Never: the clock, the environment, a parser, a model; the AWS SDK.

mod catalog;
mod check;
mod codec;
mod compact;
mod content;
mod delta;
mod error;
mod guard;
mod history;
mod landing;
mod lease;
mod log;
mod made;
mod marks;
mod newest;
mod open;
mod parts;
mod patient;
mod pinned;
mod probe;
mod publish;
mod raw;
mod restore;
mod runs;
mod s3;
mod schema;
mod seen;
mod store;
mod walked;

pub use catalog::{Catalog, view_sql};
pub use check::Checked;
pub use codec::LakeCodec;
pub use compact::{Compacted, LEAST_DAYS_KEPT};
pub use content::{content_of, digest};
pub use error::LakeError;
pub use guard::{AdvisoryLock, Guard};
pub use history::TableVersion;
pub use landing::{Batch, BatchRecord, Landed, Landing};
pub use lease::{Holder, Lease};
pub use made::{MadeOf, Mark, Part};
pub use newest::NewestOnly;
pub use parts::{PART, PartsWriter};
pub use pinned::{PinnedFile, PinnedTable};
pub use publish::{Published, Scope};
pub use restore::Restored;
pub use runs::Runs;
pub use schema::{arrow_kind, rejected_schema, stored_schema};
pub use seen::SeenFile;
pub use store::{Lake, Layer, TableId};
pub use walked::{WalkedDay, WalkedGap};
