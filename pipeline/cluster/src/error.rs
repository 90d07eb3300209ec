//! Why there is no cluster, in the reader's words.

/// A fault while the cluster is brought up.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Our functions cannot be registered.
    #[error("our SQL functions cannot be registered on the cluster's {place}")]
    Functions {
        /// `scheduler` or `client`.
        place: &'static str,
        /// What the engine said.
        #[source]
        source: datafusion::error::DataFusionError,
    },
    /// Scheduler or executor did not start.
    #[error("the scheduler and its executor did not start in this process")]
    Start(#[source] datafusion::error::DataFusionError),
}
