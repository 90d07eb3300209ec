//! `nongshi backfill`: days long past, walked one after another, each from what was known then.
//!
//! In: a project folder, a first and a last day. Out: each day's tables and reports, the worst of the days' exit codes.
//! Never: a day walked again that would say the same; a day left out because another one has gaps.

use crate::args::Stage;
use crate::exit::{Exit, Failure};
use crate::gap::Gap;
use crate::machine;
use crate::project::Project;
use crate::stages::Step;
use crate::talk::Talk;
use crate::way::{take_guard, walk};
use chrono::NaiveDate;
use nongshi_domain::AsOf;
use nongshi_lake::{Guard, Layer, PinnedTable, WalkedDay, WalkedGap, digest};
use std::collections::BTreeMap;
use std::path::Path;

/// What a day's walk takes; what lies in the sources does not depend on the day and is landed once, before the first.
const OF_A_DAY: [Stage; 4] = [Stage::Transform, Stage::Forecast, Stage::Plan, Stage::Report];
/// Where the store is and who may write to it makes no row another.
const NOT_ASKED: &str = "store.";

/// Walks every day from the first to the last, both of them, too.
pub async fn backfill(folder: &Path, from: NaiveDate, to: NaiveDate) -> Result<Exit, Failure> {
    if from > to {
        return Err(Failure::new(Exit::Usage, format!("`--from {from}` is later than `--to {to}`"))
            .hint("give the earlier day first; both are walked"));
    }
    let project = Project::open(folder)?;
    let talk = Talk::start();
    let guard = take_guard(&project, &format!("backfill from {from} to {to}")).await?;
    let ended = every_day(&project, &guard, from, to).await;
    guard.release(&project.lake).await?;
    let told = ended?;
    told.tell(&talk);
    Ok(told.exit())
}

/// What became of the days.
#[derive(Default)]
struct Told {
    walked: u32,
    stood: u32,
    changed: bool,
    /// What could not be done, of every day and of what was landed before the first one.
    gaps: Vec<(NaiveDate, WalkedGap)>,
}

impl Told {
    fn exit(&self) -> Exit {
        self.gaps.iter().filter_map(|(_, gap)| Exit::coded(gap.code)).max().unwrap_or(Exit::Done)
    }

    fn tell(&self, talk: &Talk) {
        let mut alike: BTreeMap<(&str, u8), Vec<(NaiveDate, &str)>> = BTreeMap::new();
        for (day, gap) in &self.gaps {
            alike.entry((&gap.of, gap.code)).or_default().push((*day, &gap.reason));
        }
        for ((of, code), days) in &alike {
            if let [(day, reason), others @ ..] = &days[..] {
                let others = if others.is_empty() { String::new() } else { format!(" and {} further days", others.len()) };
                eprintln!("{:<10} {of}, exit {code}, as of {day}{others}: {reason}", "gap");
            }
        }
        let changed = if self.changed { "done: " } else { "nothing changed: no table has a new version, no report a new byte; " };
        eprintln!(
            "{changed}{} days walked, {} stand as they were made, exit {}  [{:.1}s]",
            self.walked,
            self.stood,
            self.exit() as u8,
            talk.seconds()
        );
    }
}

async fn every_day(project: &Project, guard: &Guard, from: NaiveDate, to: NaiveDate) -> Result<Told, Failure> {
    let count = (to - from).num_days() + 1;
    eprintln!("nongshi    backfill of {count} days, {from} to {to}");
    let talk = Talk::start();
    let landing = Step { project, as_of: AsOf(to), guard, talk: &talk, now: machine::now };
    let (changed, gaps) = walk(&landing, &[Stage::Ingest]).await?;
    let mut told = Told { changed, gaps: said(&gaps, to), ..Told::default() };
    let sources = sources(project).await?;
    for (place, day) in from.iter_days().take_while(|day| *day <= to).enumerate() {
        let of_day = |failure: Failure| Failure { message: format!("as of {day}: {}", failure.message), ..failure };
        let before = issues(project).await?;
        let made_from = made_from(&sources, &before, day);
        let known = project.lake.walked_day(day).await?;
        if let Some(known) = known.filter(|known| known.made_from == made_from && known.made == made(project, &before, day)) {
            eprintln!("{:<10} {day}, {} of {count}, stands as it was made", "day", place + 1);
            told.stood += 1;
            told.gaps.extend(known.gaps.into_iter().map(|gap| (day, gap)));
            continue;
        }
        eprintln!("{:<10} {day}, {} of {count}", "day", place + 1);
        let talk = Talk::start();
        let step = Step { project, as_of: AsOf(day), guard, talk: &talk, now: machine::now };
        let (changed, gaps) = walk(&step, &OF_A_DAY).await.map_err(of_day)?;
        told.changed |= changed;
        told.walked += 1;
        // what may go better the next time is tried again
        if gaps.iter().all(|gap| gap.code <= Exit::Refused) {
            let made = made(project, &issues(project).await?, day);
            let gaps = said(&gaps, day).into_iter().map(|(_, gap)| gap).collect();
            project.lake.remember_walked_day(day, &WalkedDay { made_from, made, gaps }).await?;
        }
        told.gaps.extend(said(&gaps, day));
    }
    Ok(told)
}

fn said(gaps: &[Gap], day: NaiveDate) -> Vec<(NaiveDate, WalkedGap)> {
    let said = |gap: &Gap| WalkedGap { of: format!("{} {}", gap.subject, gap.what), reason: gap.reason.clone(), code: gap.code as u8 };
    gaps.iter().map(|gap| (day, said(gap))).collect()
}

/// Digest of what every day is made from: this version, the settings, the SQL files, all that has landed.
async fn sources(project: &Project) -> Result<String, Failure> {
    let mut parts = vec![env!("CARGO_PKG_VERSION").to_string()];
    let settings = project.settings.origins_of_settings.iter().filter(|(key, _, _)| !key.starts_with(NOT_ASKED));
    parts.extend(settings.map(|(key, value, _)| format!("{key} = {value}")));
    parts.extend(project.transforms()?.iter().map(|transform| format!("{} {}", transform.name, transform.fingerprint())));
    parts.extend(project.lake.batches().await?.into_iter().map(|(table, record)| format!("{table} {}", record.batch_id)));
    Ok(digest(parts.iter().map(String::as_bytes)))
}

/// What models and planners have made for every day, by table.
async fn issues(project: &Project) -> Result<Vec<PinnedTable>, Failure> {
    let mut pins = Vec::new();
    for id in project.lake.tables().await?.iter().filter(|id| id.layer == Layer::Model) {
        pins.extend(project.lake.pin(id).await?);
    }
    Ok(pins)
}

/// Names of the files of the days that are asked for. A file is never written again: its name tells what it says, wherever
/// the lake lies.
fn files_of(issues: &[PinnedTable], asked: impl Fn(&str) -> bool) -> Vec<String> {
    let files = issues.iter().flat_map(|pin| &pin.files);
    let of_day = |values: &[Option<String>]| values.first().and_then(Option::as_deref).is_some_and(&asked);
    files.filter(|file| of_day(&file.partition_values)).map(|file| file.path.rsplit('/').next().unwrap_or_default().to_string()).collect()
}

/// Digest of all that a day is made from: the sources, and the issues before it, against which it is held.
fn made_from(sources: &str, issues: &[PinnedTable], day: NaiveDate) -> String {
    let day = day.to_string();
    let before = files_of(issues, |as_of| as_of < day.as_str());
    digest([sources, &day].into_iter().chain(before.iter().map(String::as_str)).map(str::as_bytes))
}

/// Digest of all that was made for a day: its part of the tables, its reports.
fn made(project: &Project, issues: &[PinnedTable], day: NaiveDate) -> String {
    let day = day.to_string();
    let mut parts: Vec<Vec<u8>> = files_of(issues, |as_of| as_of == day).into_iter().map(String::into_bytes).collect();
    let folder = project.folder.join("reports").join(&day);
    let mut reports: Vec<_> = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    reports.sort();
    for report in reports {
        parts.push(report.to_string_lossy().into_owned().into_bytes());
        parts.push(std::fs::read(folder.join(&report)).unwrap_or_default());
    }
    digest(parts.iter().map(Vec::as_slice))
}
