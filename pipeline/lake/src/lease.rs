//! The one writer's lease, with a fencing number. In: the time now, given. Out: a lease or its holder.
//! Never: waits, reads the clock. Needs create-only puts; works on a local folder and on S3 alike.
//!
//! `lock/NUMBER.json` is created once; the highest number holds. Its number fences: before each commit the
//! holder checks that no higher one exists.

use crate::error::LakeError;
use crate::store::Lake;
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use nongshi_domain::failpoint;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use serde::{Deserialize, Serialize};

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The machine.
    pub host: String,
    /// The process.
    pub process: u32,
    /// What it runs.
    pub command: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {} ({})", self.process, self.host, self.command)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Body {
    holder: Holder,
    until: DateTime<Utc>,
}

/// A lease that was granted.
#[derive(Debug)]
pub struct Lease {
    fence: u64,
    holder: Holder,
}

impl Lease {
    /// Takes the lease if nobody holds it: none is there, the last has run out, or its holder `is_gone`.
    pub async fn take(
        lake: &Lake,
        holder: Holder,
        now: DateTime<Utc>,
        length: TimeDelta,
        is_gone: impl Fn(&Holder) -> bool,
    ) -> Result<Lease, LakeError> {
        let held_by_another = || LakeError::Held {
            holder: "a run that started at the same moment".into(),
            until: (now + length).format("%H:%M:%SZ").to_string(),
        };
        let before = highest(lake).await?;
        if let Some(fence) = before {
            let bytes = match lake.object_store().get(&path(lake, fence)).await {
                Ok(found) => found.bytes().await?,
                // its successor has just removed it
                Err(object_store::Error::NotFound { .. }) => return Err(held_by_another()),
                Err(error) => return Err(lake.unreachable(error)),
            };
            let body: Body = serde_json::from_slice(&bytes)?;
            if body.until > now && !is_gone(&body.holder) {
                return Err(LakeError::Held { holder: body.holder.to_string(), until: body.until.format("%H:%M:%SZ").to_string() });
            }
        }
        let fence = before.map_or(1, |fence| fence + 1);
        let body = serde_json::to_vec(&Body { holder: holder.clone(), until: now + length })?;
        match lake.object_store().put_opts(&path(lake, fence), body.clone().into(), PutMode::Create.into()).await {
            Ok(_) => {}
            // put by this very call, and only the store's answer was lost
            Err(object_store::Error::AlreadyExists { .. }) if is(lake, fence, &body).await => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Err(held_by_another()),
            Err(error) => return Err(lake.unreachable(error)),
        }
        // while this one looked others may have come and gone, and with them the number it has just made again
        if highest(lake).await? != Some(fence) {
            remove(lake, fence).await?;
            return Err(held_by_another());
        }
        failpoint::reached("lease.created");
        if let Some(old) = before {
            remove(lake, old).await?;
        }
        Ok(Lease { fence, holder })
    }

    /// Refuses when another run has taken over.
    pub async fn check(&self, lake: &Lake) -> Result<(), LakeError> {
        match highest(lake).await? {
            Some(theirs) if theirs != self.fence => Err(LakeError::Fenced { ours: self.fence, theirs }),
            _ => Ok(()),
        }
    }

    /// Moves the end of the lease on; refuses when it is no longer ours.
    pub async fn renew(&self, lake: &Lake, now: DateTime<Utc>, length: TimeDelta) -> Result<(), LakeError> {
        self.check(lake).await?;
        let body = serde_json::to_vec(&Body { holder: self.holder.clone(), until: now + length })?;
        lake.object_store().put(&path(lake, self.fence), body.into()).await?;
        failpoint::reached("lease.renewed");
        Ok(())
    }

    /// Gives the lease back: its end is set to the past, its number stays so that the next one is higher.
    pub async fn release(self, lake: &Lake) -> Result<(), LakeError> {
        let body = serde_json::to_vec(&Body { holder: self.holder.clone(), until: DateTime::<Utc>::UNIX_EPOCH })?;
        failpoint::reached("lease.before_release");
        lake.object_store().put(&path(lake, self.fence), body.into()).await?;
        failpoint::reached("lease.released");
        Ok(())
    }

    /// The fencing number.
    pub fn fence(&self) -> u64 {
        self.fence
    }
}

/// Whether the lease of that number says just this: its holder and its end are those of one call.
async fn is(lake: &Lake, fence: u64, body: &[u8]) -> bool {
    let found = lake.object_store().get(&path(lake, fence)).await;
    match found {
        Ok(found) => found.bytes().await.is_ok_and(|bytes| bytes == body),
        Err(_) => false,
    }
}

fn path(lake: &Lake, fence: u64) -> Path {
    lake.path(&format!("lock/{fence:020}.json"))
}

/// Removes a number that no longer holds; another may have done so already.
async fn remove(lake: &Lake, fence: u64) -> Result<(), LakeError> {
    match lake.object_store().delete(&path(lake, fence)).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(lake.unreachable(error)),
    }
}

async fn highest(lake: &Lake) -> Result<Option<u64>, LakeError> {
    let names: Vec<_> = lake.object_store().list(Some(&lake.path("lock"))).try_collect().await.map_err(|error| lake.unreachable(error))?;
    Ok(names.iter().filter_map(|meta| meta.location.filename()?.strip_suffix(".json")?.parse().ok()).max())
}
