//! Makes the curated tables, each once, and only what of them has changed.
//!
//! In: ordered transforms, a session that holds what they read. Out: what was made; the session then holds them
//! too. Never: publishes rows that break the header's promises; makes a table from one that was refused.

use crate::compute::{Rows, by_part, compute};
use crate::dirt::{Dirt, Reading};
use crate::error::TransformError;
use crate::gate::{Broken, Gate};
use crate::header::PartBy;
use crate::parts::ranges;
use crate::transform::Transform;
use chrono::NaiveDate;
use datafusion::prelude::SessionContext;
use nongshi_domain::AsOf;
use nongshi_lake::{Catalog, Lake, LakeError, Layer, MadeOf, Mark, Scope, TableId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Parquet bytes of sources that are computed in one go, about: more are taken some parts at a time.
pub const GROUP_BYTES: u64 = 48 << 20;

/// What became of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What it reads has not changed: nothing was computed.
    Untouched,
    /// It was computed and says the same as before.
    Same,
    /// A new version was committed.
    New,
    /// Its rows break a promise: what stood before stands.
    Refused,
    /// It reads a table that was refused, or waits itself.
    Waits,
}

/// One table made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Its rows; unknown when untouched.
    pub rows: Option<u64>,
    /// Parts of it that were computed; 1 for a table without parts.
    pub computed: usize,
    /// Its version now.
    pub version: u64,
    /// Promises that its rows break.
    pub broken: Vec<Broken>,
    /// The table that it waits for.
    pub waits_for: Option<String>,
}

/// Runs the transforms in order. The catalog pins what they read, and is kept up to date.
pub async fn run(
    lake: &Lake,
    ctx: &SessionContext,
    transforms: &[Transform],
    as_of: AsOf,
    catalog: &mut Catalog,
    group_bytes: u64,
    fence: &impl AsyncFn() -> Result<(), LakeError>,
) -> Result<Vec<Made>, TransformError> {
    let mut done: Vec<Made> = Vec::new();
    for transform in transforms {
        let stopped = |made: &&Made| matches!(made.outcome, Outcome::Refused | Outcome::Waits) && transform.reads.contains(&made.name);
        let waits_for = done.iter().find(stopped).map(|made| made.name.clone());
        let id = TableId::new(Layer::Curated, &transform.name);
        let version = catalog.pins.get(&id).map_or(0, |pin| pin.version);
        let mut made =
            Made { name: transform.name.clone(), outcome: Outcome::Waits, rows: None, computed: 0, version, broken: Vec::new(), waits_for };
        if made.waits_for.is_none() {
            make(lake, ctx, transforms, transform, as_of, catalog, group_bytes, fence, &mut made).await?;
        }
        done.push(made);
    }
    Ok(done)
}

#[expect(clippy::too_many_arguments, reason = "one call, one table: a struct would only rename them")]
async fn make(
    lake: &Lake,
    ctx: &SessionContext,
    transforms: &[Transform],
    transform: &Transform,
    as_of: AsOf,
    catalog: &mut Catalog,
    group_bytes: u64,
    fence: &impl AsyncFn() -> Result<(), LakeError>,
    made: &mut Made,
) -> Result<(), TransformError> {
    let (versions, batches) = (catalog.versions(), catalog.batch_ids());
    let reading = Reading { lake, ctx, transforms, as_of, versions: &versions, batches: &batches, group_bytes };
    let (dirt, marks) = reading.dirt(transform).await?;
    if dirt == Dirt::None {
        made.outcome = Outcome::Untouched;
        return look_at_untouched(&reading, transform, made).await;
    }
    match &transform.part {
        Some(part) => make_parts(&reading, transform, part, dirt, marks, catalog, fence, made).await?,
        None => make_whole(&reading, transform, marks, fence, made).await?,
    }
    let id = TableId::new(Layer::Curated, &transform.name);
    let is_held = catalog.pins.get(&id).is_some_and(|pin| pin.version == made.version);
    if matches!(made.outcome, Outcome::New | Outcome::Same)
        && !is_held
        && let Some(pin) = lake.pin(&id).await?
    {
        ctx.deregister_table(&transform.name).map_err(|error| transform.fault(error))?;
        ctx.register_table(transform.name.as_str(), Arc::new(pin.clone())).map_err(|error| transform.fault(error))?;
        catalog.pins.insert(id, pin);
    }
    Ok(())
}

/// What has not changed still ages.
async fn look_at_untouched(reading: &Reading<'_>, transform: &Transform, made: &mut Made) -> Result<(), TransformError> {
    let mut gate = Gate::new(reading.ctx, transform, reading.as_of);
    gate.look_at_stored().await?;
    made.broken = gate.end(u64::MAX, None);
    if made.broken.iter().any(|broken| !broken.warns) {
        made.outcome = Outcome::Refused;
    }
    Ok(())
}

async fn make_whole(
    reading: &Reading<'_>,
    transform: &Transform,
    sources: BTreeMap<String, Mark>,
    fence: &impl AsyncFn() -> Result<(), LakeError>,
    made: &mut Made,
) -> Result<(), TransformError> {
    let Rows { schema, batches } = compute(reading, transform, None).await?;
    made.computed = 1;
    let mut gate = Gate::new(reading.ctx, transform, reading.as_of);
    gate.look(&schema, &batches).await?;
    let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    made.rows = Some(rows);
    let id = TableId::new(Layer::Curated, &transform.name);
    let before = match transform.tests.is_empty() {
        true => None,
        false => rows_before(reading, transform, &id).await?,
    };
    made.broken = gate.end(rows, before);
    if made.broken.iter().any(|broken| !broken.warns) {
        made.outcome = Outcome::Refused;
        return Ok(());
    }
    let of = MadeOf { fingerprint: transform.fingerprint(), sources, ..MadeOf::default() };
    let published = reading.lake.publish_from(&id, Scope::Whole, schema, batches, of, fence).await?;
    (made.version, made.outcome) = (published.version, if published.changed { Outcome::New } else { Outcome::Same });
    Ok(())
}

/// Rows of the version before, where it spoke from no later day.
async fn rows_before(reading: &Reading<'_>, transform: &Transform, id: &TableId) -> Result<Option<u64>, TransformError> {
    let Some(before) = reading.lake.made_of(id, Scope::Whole).await? else { return Ok(None) };
    if !speaks_from_no_later_day(&before, reading.as_of) {
        return Ok(None);
    }
    let table = reading.ctx.table(transform.name.as_str()).await.map_err(|error| transform.fault(error))?;
    Ok(Some(table.count().await.map_err(|error| transform.fault(error))? as u64))
}

fn speaks_from_no_later_day(before: &MadeOf, today: AsOf) -> bool {
    before.sources.values().all(|mark| match mark {
        Mark::Landed { as_of, .. } | Mark::View { as_of, .. } => *as_of <= today.0,
        Mark::Made { .. } | Mark::Version { .. } => true,
    })
}

#[expect(clippy::too_many_arguments, reason = "one call, one table: a struct would only rename them")]
async fn make_parts(
    reading: &Reading<'_>,
    transform: &Transform,
    part: &PartBy,
    dirt: Dirt,
    sources: BTreeMap<String, Mark>,
    catalog: &Catalog,
    fence: &impl AsyncFn() -> Result<(), LakeError>,
    made: &mut Made,
) -> Result<(), TransformError> {
    let id = TableId::new(Layer::Curated, &transform.name);
    let all = dirt == Dirt::All;
    let groups = groups(reading, transform, part, dirt, catalog).await?;
    let mut gate = Gate::new(reading.ctx, transform, reading.as_of);
    let mut writer = None;
    for group in &groups {
        let wanted = group.as_ref().map(|parts| ranges(part, parts));
        let rows = compute(reading, transform, wanted.as_deref()).await?;
        gate.look(&rows.schema, &rows.batches).await?;
        let writer = match &mut writer {
            Some(writer) => writer,
            empty => empty.insert(reading.lake.parts(&id, &rows.schema, all).await?),
        };
        let found = by_part(transform, part, &rows)?;
        let named: BTreeSet<NaiveDate> = group.iter().flatten().chain(found.keys()).copied().collect();
        made.computed += named.len();
        for first in named {
            let rows = found.get(&first).map_or(&[][..], Vec::as_slice);
            writer.put(&part.name(first), rows).await?;
        }
    }
    let Some(writer) = writer else { return Ok(()) };
    if !all {
        gate.look_at_stored().await?;
    }
    let before = reading.lake.made_of(&id, Scope::Whole).await?;
    let before = before.filter(|before| speaks_from_no_later_day(before, reading.as_of)).and_then(|_| writer.rows_before());
    made.rows = Some(writer.rows());
    made.broken = gate.end(writer.rows(), before);
    if made.broken.iter().any(|broken| !broken.warns) {
        made.outcome = Outcome::Refused;
        return Ok(());
    }
    let published = writer.finish(&transform.fingerprint(), sources, fence).await?;
    (made.version, made.outcome) = (published.version, if published.changed { Outcome::New } else { Outcome::Same });
    Ok(())
}

/// The parts to compute, some at a time; one group without parts is the whole table in one go.
async fn groups(
    reading: &Reading<'_>,
    transform: &Transform,
    part: &PartBy,
    dirt: Dirt,
    catalog: &Catalog,
) -> Result<Vec<Option<BTreeSet<NaiveDate>>>, TransformError> {
    let bytes: u64 = catalog.pins.iter().filter(|(id, _)| transform.reads.contains(&id.name)).map(|(_, pin)| pin.bytes()).sum();
    if dirt == Dirt::All && bytes <= reading.group_bytes {
        return Ok(vec![None]);
    }
    let every = reading.all_parts(transform, part).await?;
    let wanted = match dirt {
        Dirt::Parts(parts) => parts,
        _ => every.clone(),
    };
    let share = bytes as f64 * wanted.len() as f64 / every.len().max(1) as f64;
    let count = (share / reading.group_bytes.max(1) as f64).ceil().max(1.0) as usize;
    let wanted: Vec<NaiveDate> = wanted.into_iter().collect();
    Ok(wanted.chunks(wanted.len().div_ceil(count).max(1)).map(|group| Some(group.iter().copied().collect())).collect())
}

/// The curated tables as a session holds them.
#[derive(Debug, Default)]
pub struct Known {
    /// Tables that are not stored as they would be made on the day, and are views of their SQL; no gate has seen them.
    pub views: BTreeSet<String>,
    /// Tables whose SQL does not hold.
    pub faults: Vec<TransformError>,
}

/// Lets the session hold every curated table as it would be made on the day: the stored one where it would say the same,
/// else a view of its SQL.
pub async fn register_as_known(lake: &Lake, ctx: &SessionContext, transforms: &[Transform], as_of: AsOf, catalog: &Catalog) -> Known {
    let (versions, batches) = (catalog.versions(), catalog.batch_ids());
    let reading = Reading { lake, ctx, transforms, as_of, versions: &versions, batches: &batches, group_bytes: GROUP_BYTES };
    let mut known = Known::default();
    for transform in transforms {
        let reads_views = transform.reads.iter().any(|table| known.views.contains(table));
        match if reads_views { Ok(Dirt::All) } else { reading.dirt(transform).await.map(|(dirt, _)| dirt) } {
            Ok(Dirt::None) => continue,
            Ok(_) => {}
            Err(error) => known.faults.push(error),
        }
        known.views.insert(transform.name.clone());
        if let Err(error) = register_view(ctx, transform).await {
            known.faults.push(error);
        }
    }
    known
}

async fn register_view(ctx: &SessionContext, transform: &Transform) -> Result<(), TransformError> {
    let fault = |error| transform.fault(error);
    ctx.deregister_table(&transform.name).map_err(fault)?;
    let view = ctx.sql(&transform.sql).await.map_err(fault)?.into_view();
    ctx.register_table(transform.name.as_str(), view).map_err(fault)?;
    Ok(())
}
