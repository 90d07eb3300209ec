//! The lake's place: one URL, one object store, tables below it by layer.
//!
//! In: a URL and options. Out: an open lake. Never: reads the environment for keys.

use crate::error::LakeError;
use crate::s3;
use deltalake::DeltaTable;
use deltalake::logstore::object_store_factories;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{DynObjectStore, ObjectStore};
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

/// Which part of the lake a table belongs to; also the folder below the lake's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// As it came, append-only.
    Landed,
    /// Made by SQL.
    Curated,
    /// Made by models and planners, one part for each as-of day.
    Model,
    /// Rejected rows and runs.
    Ledger,
}

impl Layer {
    /// Every layer.
    pub const ALL: [Layer; 4] = [Layer::Landed, Layer::Curated, Layer::Model, Layer::Ledger];

    /// The folder's name.
    pub fn name(self) -> &'static str {
        match self {
            Layer::Landed => "landed",
            Layer::Curated => "curated",
            Layer::Model => "model",
            Layer::Ledger => "ledger",
        }
    }
}

/// One table of the lake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId {
    /// Its layer.
    pub layer: Layer,
    /// Its name.
    pub name: String,
}

impl TableId {
    /// A table by layer and name.
    pub fn new(layer: Layer, name: impl Into<String>) -> TableId {
        TableId { layer, name: name.into() }
    }
}

impl std::fmt::Display for TableId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.layer.name(), self.name)
    }
}

/// An open lake.
#[derive(Clone)]
pub struct Lake {
    url: Url,
    options: HashMap<String, String>,
    root: Arc<DynObjectStore>,
    prefix: Path,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lake({})", self.url) // options hold keys: never printed
    }
}

impl Lake {
    /// Opens the lake at a `file`, `s3` or `memory` URL. `options` are object_store's own keys
    /// (`aws_access_key_id`, `aws_endpoint`, `allow_http`, ...); nothing is read or written yet.
    pub fn open(url: &Url, options: HashMap<String, String>) -> Result<Lake, LakeError> {
        s3::register_factories();
        let mut url = url.clone();
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let address = |why: String| LakeError::Address { url: url.to_string(), why };
        let scheme = Url::parse(&format!("{}://", url.scheme())).map_err(|error| address(error.to_string()))?;
        let factory = object_store_factories().get(&scheme).map(|entry| entry.value().clone());
        let factory = factory.ok_or_else(|| address("the scheme must be file or s3".into()))?;
        let config = deltalake::logstore::StorageConfig::parse_options(options.clone())?;
        let (root, prefix) = factory.parse_url_opts(&url, &config).map_err(|error| address(error.to_string()))?;
        Ok(Lake { url, options, root, prefix })
    }

    /// The store at another URL, rooted there and reached with this lake's options: feeds may lie in one, too.
    pub fn store_at(&self, url: &Url) -> Result<Arc<DynObjectStore>, LakeError> {
        let other = Lake::open(url, self.options.clone())?;
        Ok(Arc::new(PrefixStore::new(other.root, other.prefix)))
    }

    /// Where it is.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// object_store's own keys for it; some of them are secret.
    pub(crate) fn options(&self) -> &HashMap<String, String> {
        &self.options
    }

    /// The object store, rooted at the bucket or the file system's root.
    pub fn object_store(&self) -> &Arc<DynObjectStore> {
        &self.root
    }

    /// The path in the object store of something below the lake's root.
    pub fn path(&self, below: &str) -> Path {
        below.split('/').filter(|part| !part.is_empty()).fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// The tables that exist, in order.
    pub async fn tables(&self) -> Result<Vec<TableId>, LakeError> {
        let mut found = Vec::new();
        for layer in Layer::ALL {
            let listing = self.root.list_with_delimiter(Some(&self.path(layer.name()))).await.map_err(|error| self.unreachable(error))?;
            for folder in listing.common_prefixes {
                let mut log = self.root.list(Some(&folder.clone().join("_delta_log")));
                if let (Some(name), Some(_)) = (folder.filename(), log.try_next().await?) {
                    found.push(TableId::new(layer, name));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// The table as it stands, or nothing when it has not been made yet.
    pub async fn table(&self, id: &TableId) -> Result<Option<DeltaTable>, LakeError> {
        let mut table = self.handle(id)?;
        if !table.verify_deltatable_existence().await.map_err(|error| self.unreachable(error))? {
            return Ok(None);
        }
        table.load().await?;
        Ok(Some(table))
    }

    pub(crate) fn handle(&self, id: &TableId) -> Result<DeltaTable, LakeError> {
        let url = self
            .url
            .join(&format!("{}/{}/", id.layer.name(), id.name))
            .map_err(|error| LakeError::Address { url: id.to_string(), why: error.to_string() })?;
        Ok(deltalake::DeltaTableBuilder::from_url(url)?.with_storage_options(self.options.clone()).build()?)
    }

    pub(crate) fn unreachable(&self, source: impl std::error::Error + Send + Sync + 'static) -> LakeError {
        LakeError::Unreachable { url: self.url.to_string(), source: Box::new(source) }
    }
}
