//! Why a whole feed cannot be read. A bad row is not among these: it is a `Rejected` value.

use crate::{Contract, Fault, Source};
use nongshi_domain::Hint;

/// A feed that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The contract cannot be used as it is written.
    #[error("feeds/{feed}.toml:{line}:{column}: {what}")]
    Contract {
        /// The feed, which is the file's name.
        feed: String,
        /// Line in the contract, from 1.
        line: usize,
        /// Character in the line, from 1.
        column: usize,
        /// What is wrong, with the value.
        what: String,
        /// How to mend it.
        hint: Option<Hint>,
    },
    /// Nothing lies where the contract looks.
    #[error("feed {feed} found no file; looked for {looked_for}")]
    Missing {
        /// The feed.
        feed: String,
        /// The root and its globs.
        looked_for: String,
    },
    /// The store did not answer; worth a retry.
    #[error("feed {feed} cannot read `{address}`")]
    Store {
        /// The feed.
        feed: String,
        /// The file or folder.
        address: String,
        /// What the store said.
        #[source]
        cause: object_store::Error,
    },
    /// A place that is no store, such as a database or a board, cannot be read, or not now.
    #[error("feed {feed}: {what}")]
    Place {
        /// The feed.
        feed: String,
        /// Whose fault it is.
        fault: Fault,
        /// What is wrong; never a secret.
        what: String,
        /// How to mend it.
        hint: Option<Hint>,
    },
    /// A source has not the columns that the contract names.
    #[error("feed {feed}: `{address}` has no column `{column}`, which the contract reads")]
    NoColumn {
        /// The feed.
        feed: String,
        /// The source.
        address: String,
        /// The column that is not there, or stands there twice.
        column: String,
        /// The nearest column, or all of them.
        hint: Hint,
    },
    /// The bytes are not what the contract says they are: empty, cut off, of another format or encoding.
    #[error("feed {feed} cannot read `{address}`: {what}")]
    Unreadable {
        /// The feed.
        feed: String,
        /// The source.
        address: String,
        /// What is wrong, and where.
        what: String,
        /// How to mend it.
        hint: Option<Hint>,
    },
    /// The parser and the counter disagree: nothing of this source may land.
    #[error("feed {feed}: `{address}` holds {received} records, but {accepted} were accepted and {rejected} rejected")]
    Miscounted {
        /// The feed.
        feed: String,
        /// The source.
        address: String,
        /// Counted from the raw bytes.
        received: u64,
        /// Rows that passed.
        accepted: u64,
        /// Rows that did not.
        rejected: u64,
    },
    /// A step between the libraries failed that cannot fail on checked columns.
    #[error("feed {feed}: `{address}` could not be brought into the shape of its table")]
    Shape {
        /// The feed.
        feed: String,
        /// The source.
        address: String,
        /// What the library said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl FeedError {
    /// How to mend it, where more can be said than the message says.
    pub fn hint(&self) -> Option<Hint> {
        match self {
            FeedError::Contract { hint, .. } | FeedError::Place { hint, .. } | FeedError::Unreadable { hint, .. } => hint.clone(),
            FeedError::NoColumn { hint, .. } => Some(hint.clone()),
            FeedError::Missing { .. } => Some(Hint("`root` is relative to the project folder, and `files` are globs below it".into())),
            FeedError::Miscounted { .. } => {
                Some(Hint("a stray quotation mark joins lines: mend the file, or set `quote = \"\"` under [format]".into()))
            }
            FeedError::Store { .. } | FeedError::Shape { .. } => None,
        }
    }

    pub(crate) fn unreadable(contract: &Contract, source: &Source, what: String, hint: Option<Hint>) -> FeedError {
        FeedError::Unreadable { feed: contract.feed.clone(), address: source.address.clone(), what, hint }
    }

    pub(crate) fn miscounted(contract: &Contract, source: &Source, received: u64, accepted: usize, rejected: usize) -> FeedError {
        let (feed, address) = (contract.feed.clone(), source.address.clone());
        FeedError::Miscounted { feed, address, received, accepted: accepted as u64, rejected: rejected as u64 }
    }
}
