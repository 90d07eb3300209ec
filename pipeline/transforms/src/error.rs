//! What can go wrong with a curated table, in the words of the one who wrote its SQL.

use nongshi_domain::Hint;

/// A fault of a transform.
#[derive(Debug, thiserror::Error)]
pub enum TransformError {
    /// The header lacks something.
    #[error("transform `{name}`: {what}")]
    Header {
        /// Which file, without `.sql`.
        name: String,
        /// What is wrong.
        what: String,
        /// How to mend it.
        hint: Hint,
    },
    /// The text is not one SELECT.
    #[error("transform `{name}` cannot be read: {why}")]
    Syntax {
        /// Which file.
        name: String,
        /// What the parser said.
        why: String,
    },
    /// Tables read each other in a ring.
    #[error("transforms read each other in a ring: {0}")]
    Ring(String),
    /// Two files make one table.
    #[error("table `{0}` is made by two files")]
    Twice(String),
    /// The query fails.
    #[error("transform `{name}` fails")]
    Query {
        /// Which file.
        name: String,
        /// What the engine said.
        #[source]
        source: Box<datafusion::error::DataFusionError>,
    },
    /// The store's fault.
    #[error(transparent)]
    Lake(#[from] nongshi_lake::LakeError),
}
