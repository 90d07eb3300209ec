//! `nongshi lake`: whether all of it is there, what each version did, fewer files, an earlier version.
//!
//! In: a project folder, tables by name. Out: proof on stdout, exit 4 when something does not add up.
//! Never: a table taken back or compacted without the lease.

use crate::columns::Columns;
use crate::exit::{Exit, Failure};
use crate::machine;
use crate::project::Project;
use crate::show;
use crate::stages::forecast::bug;
use crate::way::take_guard;
use bytes::Bytes;
use nongshi_domain::Hint;
use nongshi_feeds::{Contract, Source, count_received, members};
use nongshi_lake::{BatchRecord, Checked, Guard, TableId};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads everything and proves that nothing was lost.
pub async fn check(folder: &Path, json: bool) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let contracts: BTreeMap<String, Contract> =
        project.contracts()?.into_iter().map(|contract| (contract.feed.clone(), contract)).collect();
    let checked = project.lake.check(|record, bytes| recount(contracts.get(&record.feed), record, bytes)).await?;
    if json {
        println!("{}", summary(&checked));
    } else {
        tell(&checked);
    }
    Ok(if checked.faults.is_empty() { Exit::Done } else { Exit::Refused })
}

/// Counts a batch in its raw bytes by today's contract; nothing where there is none any more.
fn recount(contract: Option<&Contract>, record: &BatchRecord, bytes: Bytes) -> Result<Option<u64>, String> {
    let Some(contract) = contract else { return Ok(None) };
    let told = |error: nongshi_feeds::FeedError| error.to_string();
    // a member of an archive has its name behind the archive's
    let outer = record.address.split('!').next().unwrap_or_default();
    for address in [record.address.as_str(), outer] {
        let source = Source { address: address.to_string(), bytes: bytes.clone() };
        for member in members(contract, &source).map_err(told)? {
            if member.address == record.address {
                let source = member.unpack(contract, &source).map_err(told)?;
                return count_received(contract, &source).map(Some).map_err(told);
            }
        }
    }
    Err(format!("it holds no `{}`", record.address))
}

fn tell(checked: &Checked) {
    println!("{} tables, {} files, {} rows read to the end", checked.tables, checked.files, checked.rows);
    println!(
        "{} batches: {} received = {} accepted + {} rejected; {} of them counted anew in their raw bytes",
        checked.batches, checked.received, checked.accepted, checked.rejected, checked.recounted
    );
    println!("{} kept sources hashed anew", checked.raw);
    for (place, what) in &checked.leftovers {
        println!("left over: {place}: {what}");
    }
    for (place, what) in &checked.faults {
        println!("fault: {place}: {what}");
    }
    match checked.faults.len() {
        0 => println!("nothing is lost"),
        count => println!("{count} faults; `nongshi lake history TABLE` tells what was done, `nongshi lake restore` goes back"),
    }
}

fn summary(checked: &Checked) -> serde_json::Value {
    let list = |found: &[(String, String)]| {
        found.iter().map(|(place, what)| serde_json::json!({"place": place, "what": what})).collect::<Vec<_>>()
    };
    serde_json::json!({
        "schema": "nongshi.lake_check/1",
        "tables": checked.tables, "files": checked.files, "rows": checked.rows, "batches": checked.batches,
        "received": checked.received, "accepted": checked.accepted, "rejected": checked.rejected,
        "raw": checked.raw, "recounted": checked.recounted,
        "faults": list(&checked.faults), "leftovers": list(&checked.leftovers),
    })
}

/// Prints what each version did.
pub async fn history(folder: &Path, table: Option<&str>) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let tables = match table {
        Some(name) => vec![find(&project, name).await?],
        None => project.lake.tables().await?,
    };
    let (mut names, mut versions) = (Vec::new(), Vec::new());
    for id in tables {
        let found = project.lake.history(&id).await?.unwrap_or_default();
        names.extend(std::iter::repeat_n(id.to_string(), found.len()));
        versions.extend(found);
    }
    let at = versions.iter().map(|version| version.at.map_or(String::new(), |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()));
    let what = versions.iter().map(|version| match version.gone_back_behind {
        true => format!("{} (gone back behind)", version.what),
        false => version.what.clone(),
    });
    let columns = Columns::default()
        .text("table_name", names)
        .count("version", versions.iter().map(|version| version.version as i64))
        .text("committed_at", at)
        .text("what", what)
        .count("rows", versions.iter().map(|version| version.rows.unwrap_or_default() as i64))
        .count("files_added", versions.iter().map(|version| version.files_added as i64))
        .count("files_removed", versions.iter().map(|version| version.files_removed as i64));
    let rows = columns.batch().map_err(bug)?;
    show::write(&mut std::io::stdout().lock(), &[rows], show::usual())?;
    Ok(Exit::Done)
}

/// Joins small files; then, if asked, deletes what no version has needed for long.
pub async fn compact(folder: &Path, tables: &[String], forget_after: Option<u32>) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let mut chosen = Vec::new();
    for name in tables {
        chosen.push(find(&project, name).await?);
    }
    if tables.is_empty() {
        chosen = project.lake.tables().await?;
    }
    let guard = take_guard(&project, "lake compact").await?;
    let ended = compact_all(&project, &guard, &chosen, forget_after).await;
    guard.release(&project.lake).await?;
    ended.map(|()| Exit::Done)
}

async fn compact_all(project: &Project, guard: &Guard, tables: &[TableId], forget_after: Option<u32>) -> Result<(), Failure> {
    let fence = || guard.hold(&project.lake, machine::now());
    for id in tables {
        let Some(done) = project.lake.compact(id, fence).await? else { continue };
        let mut said = format!("{id}: {} files, now {}; {} rows as before", done.files_before, done.files_now, done.rows);
        if let Some(days) = forget_after {
            said +=
                &format!("; {} files deleted that no version of the last {days} days needs", project.lake.forget(id, days, fence).await?);
        }
        println!("{said}");
    }
    Ok(())
}

/// Goes back to an earlier version.
pub async fn restore(folder: &Path, table: &str, version: u64, dry_run: bool) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let id = find(&project, table).await?;
    let undone = if dry_run {
        project.lake.restorable(&id, version).await?
    } else {
        let guard = take_guard(&project, "lake restore").await?;
        let ended = project.lake.restore(&id, version, || guard.hold(&project.lake, machine::now())).await;
        guard.release(&project.lake).await?;
        ended?.undone
    };
    let verb = if dry_run { "would be undone" } else { "undone" };
    for record in &undone {
        println!("{verb}: {} of feed {}: {} rows, {} rejected", record.address, record.feed, record.accepted, record.rejected);
    }
    let done = if dry_run { "would go back" } else { "is back" };
    println!("{id} {done} to what it said at version {version}; {} batches can land again with `nongshi ingest`", undone.len());
    Ok(Exit::Done)
}

/// The table of that name, with or without its layer before it.
async fn find(project: &Project, name: &str) -> Result<TableId, Failure> {
    let tables = project.lake.tables().await?;
    let found = tables.iter().find(|id| id.to_string() == name || id.name == name);
    found.cloned().ok_or_else(|| {
        let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
        let hint = Hint::for_name(name, names.iter().map(String::as_str));
        Failure::new(Exit::Usage, format!("the store has no table `{name}`")).hint(hint.0)
    })
}
