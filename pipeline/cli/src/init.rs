//! Writes a project folder that is meant to be edited. In: a path. Out: files. Never: a file overwritten.

use crate::exit::{Exit, Failure};
use crate::machine;
use nongshi_domain::Seed;
use nongshi_samples::{Record, SampleSettings, Sink, simulate};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
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

/// Writes the folder; one that holds a project already is refused.
pub fn init(directory: &Path, sample: bool) -> Result<Exit, Failure> {
    if sample {
        let (SampleSettings { last_day, .. }, _) = self::sample(directory)?;
        eprintln!("a simulated chain stands in {0}, its last day is {last_day}\nnext: `nongshi -C {0} run`", directory.display());
        return Ok(Exit::Done);
    }
    refuse_a_project(directory)?;
    let mut folder = Folder::at(directory);
    for (path, text) in FILES {
        folder.append(path, text.as_bytes()).map_err(|error| unwritten(directory, &error))?;
    }
    folder.close().map_err(|error| unwritten(directory, &error))?;
    eprintln!("a project folder stands in {0}\nnext: put a price file into {0}/inbox, then `nongshi -C {0} run`", directory.display());
    Ok(Exit::Done)
}

/// Writes the simulated chain; the answer is its size and what was written.
pub fn sample(directory: &Path) -> Result<(SampleSettings, Record), Failure> {
    refuse_a_project(directory)?;
    let settings = SampleSettings::demo(SAMPLE_SEED, machine::yesterday(), machine::threads());
    let mut folder = Folder::at(directory);
    let record = simulate(&settings, &mut folder, None).and_then(|record| folder.close().map(|()| record));
    Ok((settings, record.map_err(|error| unwritten(directory, &error))?))
}

fn refuse_a_project(directory: &Path) -> Result<(), Failure> {
    if !directory.join("nongshi.toml").exists() {
        return Ok(());
    }
    Err(Failure::new(Exit::Settings, format!("`{}` holds a project already", directory.display()))
        .hint(format!("choose another folder, or run what is there: `nongshi -C {} run`; nothing was changed", directory.display())))
}

fn unwritten(directory: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Unreachable, format!("`{}` cannot be written: {error}", directory.display()))
}

/// Files below a folder, one open at a time; a file that was there before is left as it is.
struct Folder<'a> {
    root: &'a Path,
    open: String,
    /// The files that were made here: more of them may come after another one.
    made: BTreeSet<String>,
    file: Option<BufWriter<File>>,
}

impl<'a> Folder<'a> {
    fn at(root: &'a Path) -> Folder<'a> {
        Folder { root, open: String::new(), made: BTreeSet::new(), file: None }
    }

    fn close(&mut self) -> std::io::Result<()> {
        self.file.take().map_or(Ok(()), |mut file| file.flush())
    }
}

impl Sink for Folder<'_> {
    fn append(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        if self.open != path {
            self.close()?;
            self.open = path.into();
            let to = self.root.join(path);
            std::fs::create_dir_all(to.parent().unwrap_or(self.root))?;
            let is_ours = self.made.contains(path);
            self.file = match File::options().append(true).create_new(!is_ours).open(to) {
                Ok(file) => {
                    self.made.insert(path.into());
                    Some(BufWriter::new(file))
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => None,
                Err(error) => return Err(error),
            };
        }
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }
}
