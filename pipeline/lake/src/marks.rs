//! Marks: what need not be worked out again. In: a name and what is to be kept. Out: the same, or nothing. Never: the only
//! word on anything: half a mark, one of another version of nongshi or a lost one costs the work, not the answer.

use crate::error::LakeError;
use crate::store::Lake;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Serialize;
use serde::de::DeserializeOwned;

impl Lake {
    /// The mark of that name, such as `curated/sales_daily`.
    pub(crate) async fn mark<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LakeError> {
        match self.object_store().get(&self.mark_at(name)).await {
            Ok(found) => Ok(serde_json::from_slice(&found.bytes().await?).ok()),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// Keeps a mark in the place of the one before.
    pub(crate) async fn set_mark<T: Serialize>(&self, name: &str, mark: &T) -> Result<(), LakeError> {
        let mark = serde_json::to_vec(mark)?;
        self.object_store().put(&self.mark_at(name), mark.into()).await.map_err(|error| self.unreachable(error))?;
        Ok(())
    }

    fn mark_at(&self, name: &str) -> Path {
        self.path(&format!("marks/{name}.json"))
    }
}
