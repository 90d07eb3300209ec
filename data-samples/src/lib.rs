//! A small simulated chain, seeded: what its operational systems would drop. In: a seed, a size, the last day.
//! Out: the files of a whole project folder, in memory, and a record of the dirt in them.
//! Never: a row of a real business, the clock, a file written, code of our models.
//!
//! The way: `days` → `market` (prices) → `shops` (tills) and `farm` (fields) → `dirt` → `files`.

mod chain;
mod days;
mod dirt;
mod farm;
mod files;
mod market;
mod shops;

pub use dirt::Dirt;

use chrono::{Days, Months, NaiveDate};
use days::Calendar;
use nongshi_domain::Seed;

/// What to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSettings {
    /// Everything random follows from it.
    pub seed: Seed,
    /// Shops of the chain.
    pub shops: u32,
    /// Years of prices and sales, the last of which ends with `last_day`.
    pub years: u32,
    /// The last day anything is known of.
    pub last_day: NaiveDate,
}

impl SampleSettings {
    /// The first day of prices and sales.
    pub fn first_day(&self) -> NaiveDate {
        self.last_day.checked_sub_months(Months::new(12 * self.years)).map_or(self.last_day, |day| day + Days::new(1))
    }
}

/// One file of the project folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFile {
    /// Where it lies below the folder, with `/`.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The files of the project folder, in order of path. The same settings give the same bytes.
pub fn sample(settings: &SampleSettings) -> Vec<SampleFile> {
    simulate(settings).0
}

/// What is wrong on purpose in the files of `sample`, in order of path and row.
pub fn dirt(settings: &SampleSettings) -> Vec<Dirt> {
    simulate(settings).1
}

/// The header and the first rows of one file of each simulated feed, and behind them the dirty rows of that file: small
/// enough to be looked at. Its path is `FEED/FILE`. Of the dirt, missing days are not in it.
pub fn excerpts(settings: &SampleSettings, rows: usize) -> Vec<SampleFile> {
    let (files, dirt) = simulate(settings);
    files::excerpts(&files, &dirt, rows)
}

fn simulate(settings: &SampleSettings) -> (Vec<SampleFile>, Vec<Dirt>) {
    let calendar = Calendar::of(settings.first_day(), settings.last_day);
    let prices = market::prices(settings.seed.derive("market"), &calendar);
    let mut dirt = Vec::new();
    let mut written = files::project(settings.last_day);
    written.extend(market::files(settings.seed, &calendar, &prices, &mut dirt));
    written.extend(shops::files(settings, &calendar, &prices, &mut dirt));
    written.push(farm::plantings(settings.seed.derive("farm"), settings.last_day));
    written.sort_by(|a, b| a.path.cmp(&b.path));
    dirt.sort();
    (written, dirt)
}
