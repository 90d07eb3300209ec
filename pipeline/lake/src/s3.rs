//! Delta on S3 through object_store's own client. In: an `s3://bucket/path` URL and options.
//! Out: a store with conditional puts. Never: the AWS SDK, keys from the environment.

use crate::patient::Patient;
use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
    object_store_factories,
};
use deltalake::{DeltaResult, DeltaTableError};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::path::Path;
use object_store::{BackoffConfig, RetryConfig};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The option that says how long a request is tried again, in seconds.
const RETRY_TIMEOUT: &str = "retry_timeout_secs";
/// Its default; a job that fails after it is worth a later retry by the scheduler.
const RETRY_TIMEOUT_SECS: u64 = 30;
/// The rest before the first of these tries.
const FIRST_REST: Duration = Duration::from_millis(100);
/// The longest rest: a store that is back is noticed so soon.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// A rest is drawn from the first one up to so many times the one before: by 2 they hardly grow, and eight tries are over
/// before a store has started anew.
const REST_GROWTH: f64 = 4.0;

#[derive(Debug)]
struct S3Factory;

/// Tells deltalake how to reach `s3://`; once is enough, more does no harm.
pub(crate) fn register_factories() {
    let scheme = Url::parse("s3://").expect("a literal URL");
    object_store_factories().entry(scheme.clone()).or_insert_with(|| Arc::new(S3Factory));
    logstore_factories().entry(scheme).or_insert_with(|| Arc::new(S3Factory));
}

impl ObjectStoreFactory for S3Factory {
    fn parse_url_opts(&self, url: &Url, config: &StorageConfig) -> DeltaResult<(ObjectStoreRef, Path)> {
        let refused = |error: object_store::Error| DeltaTableError::ObjectStore { source: error };
        let mut builder = AmazonS3Builder::new().with_url(url.as_str()).with_conditional_put(S3ConditionalPut::ETagMatch);
        let limit = config.raw.get(RETRY_TIMEOUT).and_then(|text| text.parse().ok()).unwrap_or(RETRY_TIMEOUT_SECS);
        let backoff = BackoffConfig { init_backoff: FIRST_REST, max_backoff: LONGEST_REST, base: REST_GROWTH };
        // the time ends it, not a number of tries
        builder = builder.with_retry(RetryConfig { backoff, max_retries: usize::MAX, retry_timeout: Duration::from_secs(limit) });
        for (key, value) in &config.raw {
            // other keys are deltalake's own
            if let Ok(key) = key.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder.build().map_err(refused)?;
        let path = Path::from_url_path(url.path()).map_err(|error| refused(error.into()))?;
        Ok((Arc::new(Patient(Arc::new(store))), path))
    }
}

impl LogStoreFactory for S3Factory {
    fn with_options(
        &self,
        prefixed: ObjectStoreRef,
        root: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed, root, location, options))
    }
}
