//! The whole way, conducted: one lease, stage after stage, every gap named at the end.
//!
//! In: a project folder, a day, stages. Out: tables, reports, an exit code. Never: a second writer, a silent gap.

use crate::args::{Stage, When};
use crate::columns::Columns;
use crate::exit::{Exit, Failure};
use crate::gap::Gap;
use crate::machine;
use crate::project::Project;
use crate::stages::{self, Done, Step};
use crate::talk::Talk;
use nongshi_domain::{AsOf, failpoint};
use nongshi_lake::{AdvisoryLock, Catalog, Guard, Holder, LakeError, Layer, Lease, TableId, digest};
use std::path::Path;
use std::time::{Duration, Instant};

/// A store tells nobody when a lease is given back: it is asked again so often.
const WAIT_STEP: Duration = Duration::from_millis(500);

/// Runs the stages in their order.
pub async fn run(folder: &Path, when: When, stages: &[Stage], dry_run: bool, json: bool) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let as_of = day(when);
    let talk = Talk::start();
    let ordered: Vec<Stage> = Stage::ALL.into_iter().filter(|stage| stages.contains(stage)).collect();
    if dry_run {
        return say_what_would_run(&project, as_of, &ordered);
    }
    let command = format!("as of {as_of}: {}", ordered.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", "));
    let guard = take_guard(&project, &command).await?;
    eprintln!("nongshi    as of {as_of}");
    let ended = walk(&Step { project: &project, as_of, guard: &guard, talk: &talk, now: machine::now }, &ordered).await;
    let released = guard.release(&project.lake).await;
    // what ended the run is told, not what follows from it
    let (changed, gaps) = ended?;
    released?;
    tell_end(&talk, changed, &gaps);
    if json {
        println!("{}", summary(as_of, &ordered, changed, &gaps));
    }
    Ok(gaps.iter().map(|gap| gap.code).max().unwrap_or(Exit::Done))
}

/// The hold of the one writer; waits for another run to end, as long as the settings allow.
pub async fn take_guard(project: &Project, command: &str) -> Result<Guard, Failure> {
    let since = Instant::now();
    let mut told = false;
    loop {
        match try_guard(project, command).await {
            Err(Held(error)) if since.elapsed() < project.settings.wait => {
                if !told {
                    eprintln!("waits      {error}");
                    told = true;
                }
                tokio::time::sleep(WAIT_STEP).await;
            }
            Err(Held(error)) => return Err(error.into()),
            Ok(taken) => return taken,
        }
    }
}

/// Another run holds the lock.
struct Held(LakeError);

async fn try_guard(project: &Project, command: &str) -> Result<Result<Guard, Failure>, Held> {
    let holder = machine::holder(command);
    let taken = match &project.settings.lock_url_env {
        Some(name) => {
            let Ok(address) = std::env::var(name) else {
                let failure =
                    Failure::new(Exit::Settings, format!("the environment variable `{name}` holds no address of the lock's database"));
                return Ok(Err(failure.hint("set it to postgres://USER:PASSWORD@HOST/DATABASE where nongshi runs")));
            };
            AdvisoryLock::take(&project.lake, &address, &holder).await.map(Guard::Advisory)
        }
        None => lease(project, holder).await,
    };
    match taken {
        Err(error @ LakeError::Held { .. }) => Err(Held(error)),
        Err(error) => Ok(Err(error.into())),
        Ok(guard) => Ok(Ok(guard)),
    }
}

/// The lease, on a store that keeps writers apart.
async fn lease(project: &Project, holder: Holder) -> Result<Guard, LakeError> {
    let name = format!("{}-{}", machine::now().timestamp_micros(), std::process::id());
    if !machine::leaves_out_probe() {
        project.lake.probe(&name).await?;
    }
    let length = project.settings.lease;
    let lease = Lease::take(&project.lake, holder, machine::now(), length, machine::is_gone).await?;
    Ok(Guard::Lease { lease, length })
}

/// The day to speak from.
pub fn day(when: When) -> AsOf {
    AsOf(when.as_of.unwrap_or_else(machine::yesterday))
}

/// Takes the stages one after another; tells whether anything changed, and what could not be done.
pub async fn walk(step: &Step<'_>, stages: &[Stage]) -> Result<(bool, Vec<Gap>), Failure> {
    let cpu_before = machine::cost().unwrap_or_default().0;
    let (mut changed, mut gaps) = (false, Vec::new());
    for stage in stages {
        let since = Instant::now();
        step.talk.progress(stage.name(), "is under way");
        let done: Done = match stage {
            Stage::Ingest => stages::ingest::ingest(step).await?,
            Stage::Transform => stages::transform::transform(step).await?,
            Stage::Forecast => stages::forecast::forecast(step).await?,
            Stage::Plan => stages::plan::plan(step).await?,
            Stage::Report => stages::report::report(step).await?,
        };
        step.talk.step(stage.name(), &done.said, since);
        for gap in &done.gaps {
            step.talk.note(&format!("gap: {} {}: {}", gap.subject, gap.what, gap.reason));
        }
        failpoint::reached("stage.ended");
        changed |= done.changed;
        gaps.extend(done.gaps);
    }
    if changed {
        enter(step, stages, &gaps, cpu_before).await?;
    }
    Ok((changed, gaps))
}

/// The run's line in the ledger, with its cost; a run that changed nothing leaves none.
async fn enter(step: &Step<'_>, stages: &[Stage], gaps: &[Gap], cpu_before: f64) -> Result<(), Failure> {
    let versions = Catalog::pin(step.lake()).await?.versions();
    let versions: Vec<String> = versions
        .iter()
        .filter(|(table, _)| !table.starts_with(Layer::Ledger.name()))
        .map(|(table, version)| format!("{table}@{version}"))
        .collect();
    let names = stages.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(",");
    let run_id = digest([step.as_of.to_string().as_bytes(), names.as_bytes(), versions.join(" ").as_bytes()])[..32].to_string();
    let (cpu_seconds, peak_memory) = machine::cost().unwrap_or_default();
    let row = Columns::default()
        .text("run_id", [&run_id])
        .text("as_of", [step.as_of.to_string()])
        .text("stages", [names])
        .text("version", [env!("CARGO_PKG_VERSION")])
        .text("ended_at", [(step.now)().format("%Y-%m-%dT%H:%M:%SZ").to_string()])
        .number("seconds", [step.talk.seconds()])
        .number("cpu_seconds", [cpu_seconds - cpu_before])
        .count("peak_memory_bytes", [peak_memory])
        .count("gaps", [gaps.len() as i64])
        .text("tables", [versions.join(" ")]);
    let row = row.batch().map_err(stages::forecast::bug)?;
    step.lake().enter(&TableId::new(Layer::Ledger, "runs"), &run_id, row, || step.fence()).await?;
    Ok(())
}

fn tell_end(talk: &Talk, changed: bool, gaps: &[Gap]) {
    let what = if changed { "done" } else { "nothing changed: no table has a new version, no report a new byte" };
    let with = match gaps.len() {
        0 => String::new(),
        count => {
            format!(", {count} gaps: {}", gaps.iter().map(|gap| format!("{} {}", gap.subject, gap.what)).collect::<Vec<_>>().join(", "))
        }
    };
    eprintln!("{what}{with}  [{:.1}s]", talk.seconds());
}

fn say_what_would_run(project: &Project, as_of: AsOf, stages: &[Stage]) -> Result<Exit, Failure> {
    eprintln!("nongshi    as of {as_of}; nothing is changed");
    for stage in stages {
        let what = match stage {
            Stage::Ingest => {
                format!("feeds: {}", project.contracts()?.iter().map(|contract| contract.feed.as_str()).collect::<Vec<_>>().join(", "))
            }
            Stage::Transform => {
                format!("tables: {}", project.transforms()?.iter().map(|transform| transform.name.as_str()).collect::<Vec<_>>().join(", "))
            }
            Stage::Forecast => format!(
                "categories: {}",
                project.settings.categories.iter().map(|category| category.category.0.as_str()).collect::<Vec<_>>().join(", ")
            ),
            Stage::Plan => "every base that has plots".into(),
            Stage::Report => format!("reports/{as_of}/"),
        };
        eprintln!("{:<10} {what}", stage.name());
    }
    Ok(Exit::Done)
}

fn summary(as_of: AsOf, stages: &[Stage], changed: bool, gaps: &[Gap]) -> serde_json::Value {
    let gap = |gap: &Gap| serde_json::json!({"subject": gap.subject, "what": gap.what, "reason": gap.reason, "last_day": gap.last_day, "exit": gap.code as u8});
    serde_json::json!({
        "schema": "nongshi.run/1",
        "as_of": as_of,
        "stages": stages.iter().map(|stage| stage.name()).collect::<Vec<_>>(),
        "changed": changed,
        "exit": gaps.iter().map(|gap| gap.code as u8).max().unwrap_or(0),
        "gaps": gaps.iter().map(gap).collect::<Vec<_>>(),
    })
}
