//! Keeps what came, untouched, before anyone parses it. In: bytes. Out: their digest and address.
//! Never: the same bytes twice, an overwrite.

use crate::content::digest;
use crate::error::LakeError;
use crate::store::Lake;
use bytes::Bytes;
use nongshi_domain::failpoint;
use object_store::{ObjectStoreExt, PutMode};

impl Lake {
    /// Keeps the bytes at `raw/FEED/DIGEST`; returns the digest. Bytes already kept are left alone.
    pub async fn keep(&self, feed: &str, bytes: &Bytes) -> Result<String, LakeError> {
        let digest = digest([bytes.as_ref()]);
        let path = self.path(&format!("raw/{feed}/{digest}"));
        failpoint::reached("raw.before_put");
        let put = self.object_store().put_opts(&path, bytes.clone().into(), PutMode::Create.into()).await;
        failpoint::reached("raw.after_put");
        match put {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(digest),
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// The kept bytes of a digest.
    pub async fn kept(&self, feed: &str, digest: &str) -> Result<Bytes, LakeError> {
        Ok(self.object_store().get(&self.path(&format!("raw/{feed}/{digest}"))).await?.bytes().await?)
    }
}
