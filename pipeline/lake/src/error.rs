//! What can go wrong at the store, in the reader's words.

/// A fault of the lake.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The store does not answer, or refuses us.
    #[error("store `{url}` cannot be reached")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address cannot be used.
    #[error("store address `{url}` cannot be used: {why}")]
    Address {
        /// As given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Create-only writes are not kept apart: two writers would lose rows.
    #[error("store `{0}` lets a second writer overwrite a commit")]
    NotAtomic(String),
    /// Another run holds the lease.
    #[error("another run holds the lock: {holder}, until {until}")]
    Held {
        /// Who.
        holder: String,
        /// When the lease ends if it is not renewed.
        until: String,
    },
    /// Our lease ran out, or another has taken over: nothing may be committed any more.
    #[error("the lock was lost to another run (fence {ours}, now {theirs})")]
    Fenced {
        /// Our fencing number.
        ours: u64,
        /// The highest one.
        theirs: u64,
    },
    /// The lock's database cannot be used.
    #[error("{what}")]
    Lock {
        /// What is wrong, without the address.
        what: String,
        /// What the database said.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The session that held the lock has ended.
    #[error("the lock was lost: its session in the database has ended")]
    LockLost,
    /// Another run has committed to the table since this one looked at it.
    #[error("another run has committed to table `{table}` meanwhile")]
    Overtaken {
        /// Which table.
        table: String,
    },
    /// What was written is not what is read back.
    #[error("table `{table}` version {version} does not hold the commit that was just written")]
    NotReadBack {
        /// Which table.
        table: String,
        /// Which version.
        version: u64,
    },
    /// received is not accepted + rejected.
    #[error("batch of feed `{feed}` does not add up: received {received}, accepted {accepted}, rejected {rejected}")]
    Miscounted {
        /// Which feed.
        feed: String,
        /// Counted from the raw bytes.
        received: u64,
        /// Rows to land.
        accepted: u64,
        /// Rows refused.
        rejected: u64,
    },
    /// A table's columns are not what this version of nongshi expects.
    #[error("table `{table}` has other columns than expected: {why}")]
    Schema {
        /// Which table.
        table: String,
        /// The difference.
        why: String,
    },
    /// A table cannot go back there.
    #[error("table `{table}` cannot go back to version {version}: {why}")]
    NotRestorable {
        /// Which table.
        table: String,
        /// Where to.
        version: u64,
        /// Why not.
        why: String,
    },
    /// After compacting, a table did not say what it had said; it was taken back.
    #[error("table `{table}` did not say the same in fewer files ({before} rows before, {after} after); it is at version {version} again")]
    NotTheSame {
        /// Which table.
        table: String,
        /// The version it was taken back to.
        version: u64,
        /// Rows before.
        before: u64,
        /// Rows after.
        after: u64,
    },
    /// Files of the last days are never deleted.
    #[error("files of the last {days} days cannot be forgotten: {least} days are kept at least")]
    TooYoung {
        /// As asked.
        days: u32,
        /// What is kept in any case.
        least: u32,
    },
    /// Delta Lake's own error.
    #[error("table store: {0}")]
    Delta(#[from] deltalake::DeltaTableError),
    /// The object store's own error.
    #[error("object store: {0}")]
    Object(#[from] object_store::Error),
    /// Arrow's own error.
    #[error("columns: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// DataFusion's own error.
    #[error("query: {0}")]
    Query(#[from] datafusion::error::DataFusionError),
    /// A record of ours cannot be read.
    #[error("record: {0}")]
    Record(#[from] serde_json::Error),
}
