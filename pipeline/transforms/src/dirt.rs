//! What of a table must be made anew. In: what it was last made of, and what it reads now. Out: nothing, some of its parts,
//! or all of it. Never: a late or corrected row passed over.

use crate::error::TransformError;
use crate::header::PartBy;
use crate::transform::Transform;
use arrow::array::AsArray;
use arrow::datatypes::Date32Type;
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use nongshi_domain::{AsOf, Kind, LandedTable};
use nongshi_lake::{Lake, Layer, MadeOf, Mark, Part, Scope, TableId, content_of};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What must be made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dirt {
    /// Nothing: what is stored is what would be made.
    None,
    /// These parts, by their first day.
    Parts(BTreeSet<NaiveDate>),
    /// Everything.
    All,
}

impl Dirt {
    fn join(self, other: Dirt) -> Dirt {
        match (self, other) {
            (Dirt::None, dirt) | (dirt, Dirt::None) => dirt,
            (Dirt::Parts(mut one), Dirt::Parts(other)) => {
                one.extend(other);
                Dirt::Parts(one)
            }
            _ => Dirt::All,
        }
    }
}

/// A run's view of what transforms read.
pub struct Reading<'a> {
    /// The store.
    pub lake: &'a Lake,
    /// A session that holds what they read.
    pub ctx: &'a SessionContext,
    /// All transforms.
    pub transforms: &'a [Transform],
    /// The day to speak from.
    pub as_of: AsOf,
    /// Version of each table (`LAYER/NAME`).
    pub versions: &'a BTreeMap<String, u64>,
    /// The ids of the batches of each landed table, in their order.
    pub batches: &'a BTreeMap<String, Vec<String>>,
    /// Parquet bytes of sources that are computed in one go, about.
    pub group_bytes: u64,
}

impl Reading<'_> {
    /// What of the table must be made anew, and how far its sources are read now.
    pub async fn dirt(&self, transform: &Transform) -> Result<(Dirt, BTreeMap<String, Mark>), TransformError> {
        let id = TableId::new(Layer::Curated, &transform.name);
        let before = match self.versions.contains_key(&id.to_string()) {
            true => self.lake.made_of(&id, Scope::Whole).await?.unwrap_or_default(),
            false => MadeOf::default(),
        };
        let mut dirt = if before.fingerprint == transform.fingerprint() { Dirt::None } else { Dirt::All };
        let mut marks = BTreeMap::new();
        for table in &transform.reads {
            let (more, mark) = self.of_source(transform, table, before.sources.get(table)).await?;
            dirt = dirt.join(more);
            marks.insert(table.clone(), mark);
        }
        Ok((dirt, marks))
    }

    async fn of_source(&self, transform: &Transform, table: &str, before: Option<&Mark>) -> Result<(Dirt, Mark), TransformError> {
        if let Some(landed) = LandedTable::named(table) {
            return match transform.part.as_ref().filter(|_| has_days(landed)) {
                Some(part) => self.of_days(transform, landed, part, before).await,
                None => self.of_view(transform, landed, before).await,
            };
        }
        if let Some(source) = self.transforms.iter().find(|other| other.name == table) {
            return self.of_made(transform, source, before).await;
        }
        let bare = table.rsplit('.').next().unwrap_or(table);
        let version = Layer::ALL.iter().find_map(|layer| self.versions.get(&TableId::new(*layer, bare).to_string()));
        let mark = Mark::Version { version: version.copied().unwrap_or_default() };
        // who reads every version of a landed table asks about batches, not about a day: any new commit counts
        let dirt = if before == Some(&mark) { Dirt::None } else { Dirt::All };
        Ok((dirt, mark))
    }

    /// The days of rows that have come, or have become known or unknown, since.
    async fn of_days(
        &self,
        transform: &Transform,
        landed: &LandedTable,
        part: &PartBy,
        before: Option<&Mark>,
    ) -> Result<(Dirt, Mark), TransformError> {
        let (batches, last) = self.landed(landed, None);
        let mark = Mark::Landed { batches, last, as_of: self.as_of.0 };
        let Some(Mark::Landed { batches: read, last, as_of }) = before else { return Ok((Dirt::All, mark)) };
        if before == Some(&mark) {
            return Ok((Dirt::None, mark));
        }
        if self.landed(landed, Some(*read)).1 != *last {
            // the table went back: rows are gone, and no row tells of it
            return Ok((Dirt::All, mark));
        }
        let (earlier, later) = ((*as_of).min(self.as_of.0), (*as_of).max(self.as_of.0));
        let query = format!(
            "select distinct day from landed.{} where (batch_seq > {read} and available_on <= date '{}') \
             or (available_on > date '{earlier}' and available_on <= date '{later}')",
            landed.name, self.as_of
        );
        let mut dirty = BTreeSet::new();
        let mut rows = self
            .ctx
            .sql(&query)
            .await
            .map_err(|error| transform.fault(error))?
            .execute_stream()
            .await
            .map_err(|error| transform.fault(error))?;
        while let Some(batch) = rows.try_next().await.map_err(|error| transform.fault(error))? {
            for days in batch.column(0).as_primitive::<Date32Type>().iter().flatten() {
                dirty.insert(part.of(day(days)));
            }
        }
        Ok((if dirty.is_empty() { Dirt::None } else { Dirt::Parts(dirty) }, mark))
    }

    /// Whether a table without days says something else than before.
    async fn of_view(&self, transform: &Transform, landed: &LandedTable, before: Option<&Mark>) -> Result<(Dirt, Mark), TransformError> {
        let (batches, last) = self.landed(landed, None);
        if let Some(mark @ Mark::View { batches: read, last: read_last, as_of, .. }) = before
            && (*read, read_last, *as_of) == (batches, &last, self.as_of.0)
        {
            return Ok((Dirt::None, mark.clone()));
        }
        let columns: Vec<&str> = landed.columns.iter().map(|column| column.name).collect();
        let query = format!("select {} from {} order by {}", columns.join(", "), landed.name, landed.key.join(", "));
        let frame = self.ctx.sql(&query).await.map_err(|error| transform.fault(error))?;
        let content = content_of(&frame.collect().await.map_err(|error| transform.fault(error))?)?;
        let same = matches!(before, Some(Mark::View { content: said, .. }) if *said == content);
        Ok((if same { Dirt::None } else { Dirt::All }, Mark::View { batches, last, as_of: self.as_of.0, content }))
    }

    /// How many batches of the table have landed, or the first so many of them, and the last one's id.
    fn landed(&self, table: &LandedTable, first: Option<u64>) -> (u64, Option<String>) {
        let all = self.batches.get(table.name).map_or(&[][..], Vec::as_slice);
        let count = first.unwrap_or(all.len() as u64);
        (count, count.checked_sub(1).and_then(|place| all.get(place as usize).cloned()))
    }

    /// The parts of another curated table that say something else than before.
    async fn of_made(&self, transform: &Transform, source: &Transform, before: Option<&Mark>) -> Result<(Dirt, Mark), TransformError> {
        let id = TableId::new(Layer::Curated, &source.name);
        let now = self.lake.made_of(&id, Scope::Whole).await?.unwrap_or_default();
        let mark = Mark::Made { content: now.content.clone(), parts: now.parts.clone() };
        let (Some(Mark::Made { content, parts }), Some(by), Some(source_by)) = (before, &transform.part, &source.part) else {
            let same = matches!(before, Some(Mark::Made { content, .. }) if *content == now.content);
            return Ok((if same { Dirt::None } else { Dirt::All }, mark));
        };
        if *content == now.content {
            return Ok((Dirt::None, mark));
        }
        let mut dirty = BTreeSet::new();
        for name in differing(parts, &now.parts) {
            let Some(start) = source_by.named(name) else { return Ok((Dirt::All, mark)) };
            dirty.extend(by.parts_of(&source_by.column_range(start)));
        }
        Ok((Dirt::Parts(dirty), mark))
    }

    /// Every part a table could have: those its sources have days for, and those it had.
    pub async fn all_parts(&self, transform: &Transform, part: &PartBy) -> Result<BTreeSet<NaiveDate>, TransformError> {
        let mut all = BTreeSet::new();
        for table in &transform.reads {
            let days = match (LandedTable::named(table), self.transforms.iter().find(|other| other.name == *table)) {
                (Some(landed), _) if has_days(landed) => self.day_range(transform, table, "day").await?,
                (None, Some(Transform { part: Some(by), .. })) => self.day_range(transform, table, &by.column).await?,
                _ => None,
            };
            all.extend(days.iter().flat_map(|days| part.parts_of(days)));
        }
        Ok(all)
    }

    async fn day_range(&self, transform: &Transform, table: &str, column: &str) -> Result<Option<Range<NaiveDate>>, TransformError> {
        let query = match LandedTable::named(table) {
            // the newest version of a key has the same day as the others: no view is needed
            Some(_) => format!("select min({column}), max({column}) from landed.{table} where available_on <= date '{}'", self.as_of),
            None => format!("select min({column}), max({column}) from {table}"),
        };
        let frame = self.ctx.sql(&query).await.map_err(|error| transform.fault(error))?;
        let rows = frame.collect().await.map_err(|error| transform.fault(error))?;
        let value = |place: usize| rows.iter().find_map(|batch| batch.column(place).as_primitive::<Date32Type>().iter().flatten().next());
        Ok(value(0).zip(value(1)).map(|(first, last)| day(first)..day(last) + Days::new(1)))
    }
}

/// Whether a landed table's rows have a day of their own that no correction moves.
pub fn has_days(landed: &LandedTable) -> bool {
    landed.key.contains(&"day") && landed.columns.iter().any(|column| column.name == "day" && column.kind == Kind::Day)
}

/// Names of the parts that differ.
fn differing<'a>(one: &'a BTreeMap<String, Part>, other: &'a BTreeMap<String, Part>) -> BTreeSet<&'a String> {
    let changed = one.iter().filter(|(name, part)| other.get(*name) != Some(part)).map(|(name, _)| name);
    changed.chain(other.keys().filter(|name| !one.contains_key(*name))).collect()
}

/// A day, as Arrow counts it.
pub(crate) fn day(days: i32) -> NaiveDate {
    NaiveDate::default() + chrono::TimeDelta::days(i64::from(days))
}
