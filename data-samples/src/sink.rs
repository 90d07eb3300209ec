//! Where files go. In: a path and bytes. Out: nothing, or the trouble of whoever keeps them. Never: a file system here.

use std::collections::BTreeMap;
use std::io;

/// Takes the files, one after the other.
pub trait Sink {
    /// Bytes of the file at `path` (with `/`): the first call begins it, further calls go on with it, and another path
    /// ends it.
    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;
}

/// One file of the project folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFile {
    /// Where it lies below the folder, with `/`.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Keeps everything: for small sizes.
#[derive(Debug, Default)]
pub struct InMemory(BTreeMap<String, Vec<u8>>);

impl Sink for InMemory {
    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.entry(path.into()).or_default().extend_from_slice(bytes);
        Ok(())
    }
}

impl InMemory {
    /// What was taken, in order of path.
    pub fn into_files(self) -> Vec<SampleFile> {
        self.0.into_iter().map(|(path, bytes)| SampleFile { path, bytes }).collect()
    }
}
