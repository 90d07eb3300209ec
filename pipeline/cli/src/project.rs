//! The project folder: the one place where files and the environment are read.
//!
//! In: a folder. Out: settings, contracts, transforms, an open lake. Never: a default where a file is at fault.

use crate::engine;
use crate::exit::{Exit, Failure};
use crate::machine;
use crate::settings::{self, Settings};
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::FutureExt;
use nongshi_feeds::{Contract, FeedError, Landed, Outside, SecretAt, Stamps};
use nongshi_lake::Lake;
use nongshi_transforms::{Transform, built_in, in_order};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// An opened project folder.
pub struct Project {
    /// Where it is.
    pub folder: PathBuf,
    /// Its settings.
    pub settings: Settings,
    /// Its lake.
    pub lake: Lake,
    /// What its queries share.
    pub runtime: Arc<RuntimeEnv>,
}

impl Project {
    /// Opens the folder.
    pub fn open(folder: &Path) -> Result<Project, Failure> {
        let folder = folder.canonicalize().map_err(|_| no_project(folder))?;
        let text = std::fs::read_to_string(folder.join("nongshi.toml")).map_err(|_| no_project(&folder))?;
        let environment: BTreeMap<String, String> = std::env::vars().collect();
        let settings = settings::read(&text, &environment)?;
        let url = store_url(&folder, &settings.store_url)?;
        let lake = Lake::open(&url, store_options(&settings, &environment))?;
        let runtime = engine::runtime(&settings)?;
        Ok(Project { folder, settings, lake, runtime })
    }

    /// The contracts of `feeds/`, by name. One that cannot be read stops the command: it is the user's text.
    pub fn contracts(&self) -> Result<Vec<Contract>, Failure> {
        let mut contracts = Vec::new();
        for (name, text) in self.texts("feeds", "toml")? {
            contracts.push(Contract::read(&name, &text)?);
        }
        Ok(contracts)
    }

    /// What a feed may need from outside; `landed` are its batches that have landed, `stamps` those of its files.
    pub fn outside(&self, contract: &Contract, landed: Vec<Landed>, stamps: Arc<Stamps>) -> Result<Outside, Failure> {
        let (lake, feed, folder) = (self.lake.clone(), contract.feed.clone(), self.folder.clone());
        let kept = move |content: String| {
            let (lake, feed) = (lake.clone(), feed.clone());
            async move { lake.kept(&feed, &content).await.map_err(|error| error.to_string()) }.boxed()
        };
        let secret = move |at: &SecretAt| match at {
            SecretAt::Environment(name) => std::env::var(name).ok(),
            SecretAt::File(path) => std::fs::read_to_string(folder.join(path)).ok(),
        };
        Ok(Outside {
            store: self.store_of(contract)?,
            secret: Arc::new(secret),
            now: machine::now,
            pause: |time| tokio::time::sleep(time).boxed(),
            seed: machine::seed(),
            landed,
            stamps,
            kept: Arc::new(kept),
        })
    }

    /// The store in which the feed's files lie, if they lie in one.
    fn store_of(&self, contract: &Contract) -> Result<Option<Arc<dyn ObjectStore>>, Failure> {
        let Some(root) = contract.root() else { return Ok(None) };
        if root.contains("://") {
            let refused = |error: url::ParseError| Failure::new(Exit::Settings, format!("feed {}: `{root}`: {error}", contract.feed));
            return Ok(Some(self.lake.store_at(&Url::parse(root).map_err(refused)?)?));
        }
        let root = self.folder.join(root);
        if !root.is_dir() {
            return Err(FeedError::Missing { feed: contract.feed.clone(), looked_for: contract.looked_for() }.into());
        }
        let store = LocalFileSystem::new_with_prefix(&root).map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))?;
        Ok(Some(Arc::new(store)))
    }

    /// The built-in transforms and those of `transforms/`, in the order in which they are made.
    pub fn transforms(&self) -> Result<Vec<Transform>, Failure> {
        let mut transforms = built_in()?;
        for (name, text) in self.texts("transforms", "sql")? {
            // a file of the user's replaces the built-in one of its name
            transforms.retain(|known| known.name != name);
            transforms.push(Transform::read(&name, &text)?);
        }
        Ok(in_order(transforms)?)
    }

    fn texts(&self, below: &str, ending: &str) -> Result<Vec<(String, String)>, Failure> {
        let Ok(entries) = std::fs::read_dir(self.folder.join(below)) else { return Ok(Vec::new()) };
        let mut paths: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
        paths.sort();
        let read = |path: PathBuf| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Failure::new(Exit::Settings, format!("`{below}/{name}.{ending}` cannot be read: {error}")))?;
            Ok((name, text))
        };
        paths.into_iter().map(read).collect()
    }
}

fn no_project(folder: &Path) -> Failure {
    Failure::new(Exit::Settings, format!("no project folder at `{}`: it holds no nongshi.toml", folder.display()))
        .hint("`nongshi init DIR` writes one; `-C DIR` names another")
}

fn store_url(folder: &Path, given: &str) -> Result<Url, Failure> {
    let refused = |why: String| Failure::new(Exit::Settings, format!("`store.url` is `{given}`: {why}"));
    if given.contains("://") {
        return Url::parse(given).map_err(|error| refused(error.to_string()));
    }
    let path = folder.join(given);
    if path.exists() && !path.is_dir() {
        return Err(refused("a file stands there, not a folder".into()));
    }
    Url::from_directory_path(&path).map_err(|()| refused("it is no folder".into()))
}

/// object_store's own keys: from the settings, and `AWS_*` from the environment, which wins.
fn store_options(settings: &Settings, environment: &BTreeMap<String, String>) -> HashMap<String, String> {
    let from_environment =
        environment.iter().filter(|(name, _)| name.starts_with("AWS_")).map(|(name, value)| (name.to_lowercase(), value.clone()));
    settings.store_options.iter().map(|(key, value)| (key.clone(), value.clone())).chain(from_environment).collect()
}
