//! Writes a project folder that is meant to be edited. In: a path. Out: files. Never: a file overwritten.

use crate::exit::{Exit, Failure};
use std::path::Path;

/// The files of a new project: path and text.
const FILES: &[(&str, &str)] = &[
    ("nongshi.toml", include_str!("../project/nongshi.toml")),
    ("feeds/market_prices.toml", include_str!("../project/feeds/market_prices.toml")),
    ("feeds/plots.toml", include_str!("../project/feeds/plots.toml")),
    ("feeds/README.md", include_str!("../project/feeds/README.md")),
    ("transforms/README.md", include_str!("../project/transforms/README.md")),
    ("reference/plots.csv", include_str!("../project/reference/plots.csv")),
    ("inbox/README.md", include_str!("../project/inbox/README.md")),
];

/// Writes the folder; one that holds a project already is refused.
pub fn init(directory: &Path) -> Result<Exit, Failure> {
    if directory.join("nongshi.toml").exists() {
        return Err(Failure::new(Exit::Settings, format!("`{}` holds a project already", directory.display()))
            .hint("choose another folder; nothing was changed"));
    }
    for (path, text) in FILES {
        let path = directory.join(path);
        let failed = |error: std::io::Error| Failure::new(Exit::Unreachable, format!("`{}` cannot be written: {error}", path.display()));
        if path.exists() {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(&path, text).map_err(failed)?;
    }
    eprintln!("a project folder stands in {0}\nnext: put a price file into {0}/inbox, then `nongshi -C {0} run`", directory.display());
    Ok(Exit::Done)
}
