//! A store whose listings are asked for again when their answer breaks off. In: a store. Out: the same store.
//! Never: an entry twice, or passed over; a write tried again (the client below does that, where it is safe).
//!
//! object_store 0.13 tries a request again, and the body of a `get`, but not the body of a listing.

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{BoxStream, try_unfold};
use object_store::path::Path;
use object_store::{
    CopyOptions, DynObjectStore, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use std::ops::Range;
use std::sync::Arc;

/// Times that a listing is asked for again without a step ahead.
const TRIES: usize = 5;

/// A store whose listings are patient.
#[derive(Debug)]
pub(crate) struct Patient(pub Arc<DynObjectStore>);

impl std::fmt::Display for Patient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What the client says when it has tried again itself, until its patience was over: there is nothing to add to it.
const GAVE_UP: &str = " retries, max_retries";

/// Whether the answer broke off, as far as can be told: what the store itself refused has a kind of its own.
fn broke_off(error: &Error) -> bool {
    matches!(error, Error::Generic { source, .. } if !source.to_string().contains(GAVE_UP))
}

/// A listing that is under way.
struct Listing {
    store: Arc<DynObjectStore>,
    prefix: Option<Path>,
    /// The last entry that came.
    last: Option<Path>,
    entries: BoxStream<'static, Result<ObjectMeta>>,
    tries: usize,
}

impl Listing {
    fn begin(store: &Arc<DynObjectStore>, prefix: Option<&Path>, last: Option<Path>) -> Listing {
        let entries = match &last {
            Some(last) => store.list_with_offset(prefix, last),
            None => store.list(prefix),
        };
        Listing { store: store.clone(), prefix: prefix.cloned(), last, entries, tries: 0 }
    }

    async fn next(mut self) -> Result<Option<(ObjectMeta, Listing)>> {
        loop {
            match self.entries.next().await {
                None => return Ok(None),
                Some(Ok(entry)) => {
                    (self.last, self.tries) = (Some(entry.location.clone()), 0);
                    return Ok(Some((entry, self)));
                }
                Some(Err(error)) if broke_off(&error) && self.tries < TRIES => {
                    let tries = self.tries + 1;
                    self = Listing { tries, ..Listing::begin(&self.store, self.prefix.as_ref(), self.last) };
                }
                Some(Err(error)) => return Err(error),
            }
        }
    }
}

#[async_trait]
impl ObjectStore for Patient {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        try_unfold(Listing::begin(&self.0, prefix, None), Listing::next).boxed()
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        try_unfold(Listing::begin(&self.0, prefix, Some(offset.clone())), Listing::next).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut tries = 0;
        loop {
            match self.0.list_with_delimiter(prefix).await {
                Err(error) if broke_off(&error) && tries < TRIES => tries += 1,
                answer => return answer,
            }
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.rename_opts(from, to, options).await
    }
}
