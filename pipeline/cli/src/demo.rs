//! `nongshi demo`: a living chain and two issues of its plan, four weeks apart. In: a folder. Out: reports and where they
//! are. Never: a folder that holds a project already.

use crate::args::{Stage, When};
use crate::exit::{Exit, Failure};
use crate::project::Project;
use crate::talk::Talk;
use crate::{init, machine, way};
use chrono::{Days, NaiveDate};
use nongshi_samples::SampleSettings;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Days between the two issues: the second is held against the first.
const BETWEEN_DAYS: u64 = 28;

/// Makes the folder, runs the whole way twice, tells what to open first.
pub async fn demo(directory: &Path, open: bool) -> Result<Exit, Failure> {
    let talk = Talk::start();
    let since = Instant::now();
    let (SampleSettings { shops, products, price_years, last_day, .. }, record) = init::sample(directory)?;
    let what = format!(
        "{shops} shops, {products} products, {price_years} years of prices until {last_day}: {} rows in {}",
        record.rows,
        directory.display()
    );
    talk.step("simulate", &what, since);
    let mut ended = Exit::Done;
    for day in [last_day - Days::new(BETWEEN_DAYS), last_day] {
        ended = ended.max(way::run(directory, When { as_of: Some(day) }, &Stage::ALL, false, false).await?);
    }
    let rejected = rejected(directory).await?;
    let first = first_report(directory, last_day);
    eprintln!("\ntwo issues, of {} and {last_day}, in {:.0} seconds", last_day - Days::new(BETWEEN_DAYS), talk.seconds());
    eprintln!("rejected   {rejected} rows, each with its reason: nongshi -C {} sql -c \"select * from rejected\"", directory.display());
    eprintln!("again      nongshi -C {} run --as-of {last_day} (changes nothing)", directory.display());
    match &first {
        Some(path) => eprintln!("open first {}", path.display()),
        None => eprintln!("no report was written: the gaps above say why"),
    }
    if let (true, Some(path)) = (open, &first) {
        machine::open(path)?;
    }
    Ok(ended)
}

/// Rows that the feeds of the simulated chain had wrong.
async fn rejected(directory: &Path) -> Result<u64, Failure> {
    let project = Project::open(directory)?;
    Ok(project.lake.batches().await?.iter().map(|(_, record)| record.rejected).sum())
}

/// A base's plan in the first of the languages; the chain's overview where no base has one.
fn first_report(directory: &Path, day: NaiveDate) -> Option<PathBuf> {
    let folder = directory.join("reports").join(day.to_string());
    let mut pages: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    pages.retain(|path| path.to_string_lossy().ends_with(".zh.html"));
    pages.sort_by_key(|path| (path.to_string_lossy().ends_with("chain.zh.html"), path.clone()));
    pages.into_iter().next()
}
