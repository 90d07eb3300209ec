//! Delta on S3 through object_store's own client. In: an `s3://bucket/path` URL and options.
//! Out: a store with conditional puts. Never: the AWS SDK, keys from the environment.

use crate::patient::Patient;
use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
    object_store_factories,
};
use deltalake::{DeltaResult, DeltaTableError};
use object_store::RetryConfig;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The option that says how long a request is tried again, in seconds.
const RETRY_TIMEOUT: &str = "retry_timeout_secs";
/// Its default; a job that fails after it is worth a later retry by the scheduler.
const RETRY_TIMEOUT_SECS: u64 = 30;
/// Tries after the first.
const MAX_RETRIES: usize = 8;

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
        builder =
            builder.with_retry(RetryConfig { max_retries: MAX_RETRIES, retry_timeout: Duration::from_secs(limit), ..Default::default() });
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
