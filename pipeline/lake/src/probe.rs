//! Finds out at the start whether a store keeps two writers apart. In: a lake. Out: yes, or a refusal.
//! Never: believes the documentation.

use crate::error::LakeError;
use crate::store::Lake;
use object_store::{ObjectStoreExt, PutMode, PutPayload};

impl Lake {
    /// Puts one object twice, create-only; the second put must fail and the first bytes must stand.
    /// `name` tells this probe from others that run at the same time.
    pub async fn probe(&self, name: &str) -> Result<(), LakeError> {
        let path = self.path(&format!("probe/{name}"));
        let create = |body: &'static str| {
            let path = path.clone();
            async move { self.object_store().put_opts(&path, PutPayload::from_static(body.as_bytes()), PutMode::Create.into()).await }
        };
        match create("first").await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(self.unreachable(error)),
        }
        let second = create("second").await;
        let kept = self.object_store().get(&path).await?.bytes().await?;
        self.object_store().delete(&path).await?;
        match second {
            Err(object_store::Error::AlreadyExists { .. }) if kept == "first" => Ok(()),
            _ => Err(LakeError::NotAtomic(self.url().to_string())),
        }
    }
}
