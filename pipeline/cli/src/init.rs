//! Writes a project folder that is meant to be edited. In: a path. Out: files. Never: a file overwritten.

use crate::exit::{Exit, Failure};
use crate::machine;
use nongshi_domain::Seed;
use nongshi_samples::SampleSettings;
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

/// The sample is the same for everyone who takes it on the same day.
const SAMPLE_SEED: Seed = Seed(20_260_101);
/// Its size: enough for a backtest, small enough for a first minute.
const SAMPLE_SHOPS: u32 = 3;
/// Years of prices and sales.
const SAMPLE_YEARS: u32 = 3;

/// Writes the folder; one that holds a project already is refused.
pub fn init(directory: &Path, sample: bool) -> Result<Exit, Failure> {
    if directory.join("nongshi.toml").exists() {
        return Err(Failure::new(Exit::Settings, format!("`{}` holds a project already", directory.display()))
            .hint("choose another folder; nothing was changed"));
    }
    if sample {
        let settings = SampleSettings { seed: SAMPLE_SEED, shops: SAMPLE_SHOPS, years: SAMPLE_YEARS, last_day: machine::yesterday() };
        for file in nongshi_samples::sample(&settings) {
            write(directory, &file.path, &file.bytes)?;
        }
        eprintln!(
            "a simulated chain stands in {0}, its last day is {1}\nnext: `nongshi -C {0} run`",
            directory.display(),
            settings.last_day
        );
        return Ok(Exit::Done);
    }
    for (path, text) in FILES {
        write(directory, path, text.as_bytes())?;
    }
    eprintln!("a project folder stands in {0}\nnext: put a price file into {0}/inbox, then `nongshi -C {0} run`", directory.display());
    Ok(Exit::Done)
}

/// A file that is there already is left as it is.
fn write(directory: &Path, path: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = directory.join(path);
    let failed = |error: std::io::Error| Failure::new(Exit::Unreachable, format!("`{}` cannot be written: {error}", path.display()));
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(&path, bytes).map_err(failed)
}
