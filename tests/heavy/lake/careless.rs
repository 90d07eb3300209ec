//! A store that lets a second create-only put overwrite the first, always or only when both come at once: refused at the
//! start, and found out when read back.

use super::{TODAY, ask, batch, free, local, session};
use async_trait::async_trait;
use deltalake::DeltaResult;
use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
    object_store_factories,
};
use futures::stream::BoxStream;
use nongshi_lake::{Lake, LakeError, Landed};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Barrier;
use url::Url;

/// The commit that two writers try at one moment: 0 makes the table, 1 lands the first batch.
const CONTESTED: &str = "landed/aliases/_delta_log/00000000000000000002.json";

/// What a store makes of create-only puts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// One of several wins.
    KeepsApart,
    /// Every one overwrites.
    Overwrites,
    /// It looks whether the object is there, takes the body, and then overwrites, as s3s-fs does.
    LooksFirst,
}

/// A store in memory. At the contested commit both writers put before either goes on.
#[derive(Debug)]
struct Store {
    inner: InMemory,
    manner: Manner,
    meets: bool,
    meeting: Barrier,
}

impl std::fmt::Display for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:?}", self.inner, self.manner)
    }
}

#[async_trait]
impl ObjectStore for Store {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        if self.manner != Manner::KeepsApart && options.mode == PutMode::Create {
            if self.manner == Manner::LooksFirst && self.inner.head(location).await.is_ok() {
                return Err(Error::AlreadyExists { path: location.to_string(), source: "it was looked for".into() });
            }
            options.mode = PutMode::Overwrite;
            // the body comes in pieces, others meanwhile
            tokio::task::yield_now().await;
        }
        if !self.meets || !location.as_ref().ends_with(CONTESTED) {
            return self.inner.put_opts(location, payload, options).await;
        }
        self.meeting.wait().await;
        let put = self.inner.put_opts(location, payload, options).await;
        self.meeting.wait().await;
        put
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct Factory(Arc<Store>);

impl ObjectStoreFactory for Factory {
    fn parse_url_opts(&self, url: &Url, _config: &StorageConfig) -> DeltaResult<(ObjectStoreRef, Path)> {
        Ok((self.0.clone(), Path::from_url_path(url.path()).unwrap()))
    }
}

impl LogStoreFactory for Factory {
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

/// A lake on a store that overwrites commits whenever it is asked to.
pub(super) fn overwriting() -> Lake {
    on("overwriting", Manner::Overwrites, false)
}

/// A lake on a store at whose contested commit two writers meet; each scheme has its own.
fn lake(scheme: &str, manner: Manner) -> Lake {
    on(scheme, manner, true)
}

fn on(scheme: &str, manner: Manner, meets: bool) -> Lake {
    let store = Store { inner: InMemory::new(), manner, meets, meeting: Barrier::new(2) };
    let factory = Arc::new(Factory(Arc::new(store)));
    let key = Url::parse(&format!("{scheme}://")).unwrap();
    object_store_factories().insert(key.clone(), factory.clone());
    logstore_factories().insert(key, factory);
    Lake::open(&Url::parse(&format!("{scheme}://store/lake")).unwrap(), HashMap::new()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_overwrites_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for keeps in [local(&folder), lake("probe-keeps", Manner::KeepsApart)] {
        // a probe leaves nothing behind: it can be asked again
        for _ in 0..2 {
            keeps.probe("test").await.unwrap();
        }
    }
    let careless = lake("probe-careless", Manner::Overwrites);
    for _ in 0..2 {
        assert!(matches!(careless.probe("test").await, Err(LakeError::NotAtomic(url)) if url == "probe-careless://store/lake/"));
    }
}

/// One put after another tells nothing of a store that looks first and writes afterwards: only a race does.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_looks_first_and_writes_afterwards_is_refused() {
    for round in 0..20 {
        let looks = lake("probe-looks", Manner::LooksFirst);
        let probed = looks.probe("test").await;
        assert!(matches!(probed, Err(LakeError::NotAtomic(_))), "round {round}: {probed:?}");
        // what a probe in sequence sees is well
        let put = async || {
            let (path, create) = (looks.path("probe/alone"), PutMode::Create.into());
            looks.object_store().put_opts(&path, PutPayload::from_static(b"x"), create).await
        };
        assert!(put().await.is_ok() && matches!(put().await, Err(Error::AlreadyExists { .. })));
    }
}

/// Two batches land at one moment, and both writers try the same version.
async fn both_at_once(lake: &Lake) -> Vec<std::result::Result<Landed, LakeError>> {
    lake.land(&batch("0", &[], 0), free).await.unwrap();
    let writers = ["1", "2"].map(|content| {
        let lake = lake.clone();
        tokio::spawn(async move { lake.land(&batch(content, &[(content, "x", TODAY)], 0), free).await })
    });
    let mut answers = Vec::new();
    for writer in writers {
        answers.push(writer.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_overwritten_is_found_out() {
    let lake = lake("careless", Manner::Overwrites);
    let answers = both_at_once(&lake).await;
    let lost: Vec<_> = answers.iter().filter(|answer| matches!(answer, Err(LakeError::NotReadBack { version: 2, .. }))).collect();
    let kept: Vec<_> = answers.iter().filter(|answer| matches!(answer, Ok(Landed::Now(2)))).collect();
    assert_eq!((lost.len(), kept.len()), (1, 1), "{answers:?}");
    assert_eq!(ask(&session(&lake, TODAY).await, "select count(*) from landed.aliases").await, "1");
    // a later run lands what was lost, and only that
    for content in ["1", "2"] {
        lake.land(&batch(content, &[(content, "x", TODAY)], 0), free).await.unwrap();
    }
    assert_eq!(ask(&session(&lake, TODAY).await, "select alias from landed.aliases order by 1").await, "1\n2");
}

/// The control: where writers are kept apart the second one is told, and lands when it tries again.
#[tokio::test(flavor = "multi_thread")]
async fn of_commits_that_meet_the_second_is_told() {
    let lake = lake("careful", Manner::KeepsApart);
    let answers = both_at_once(&lake).await;
    let told = answers.iter().filter(|answer| matches!(answer, Err(LakeError::Overtaken { .. }))).count();
    let kept = answers.iter().filter(|answer| matches!(answer, Ok(Landed::Now(2)))).count();
    assert_eq!((told, kept), (1, 1), "{answers:?}");
    assert_eq!(ask(&session(&lake, TODAY).await, "select count(*) from landed.aliases").await, "1");
    for content in ["1", "2"] {
        lake.land(&batch(content, &[(content, "x", TODAY)], 0), free).await.unwrap();
    }
    assert_eq!(ask(&session(&lake, TODAY).await, "select alias from landed.aliases order by 1").await, "1\n2");
}
