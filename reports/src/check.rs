//! What a report must be before it is written. In: report data. Out: nothing, or what is wrong with it.

use crate::ReportError;
use crate::data::{BaseReport, ChainReport, Quantiles, ScoreRow, SeriesOutlook};
use std::collections::BTreeMap;

/// The model every score is held against.
pub(crate) const NAIVE: &str = "naive";

pub(crate) fn base(report: &BaseReport) -> Result<(), ReportError> {
    for crop in &report.crops {
        if let Some(net_back) = &crop.net_back {
            rising(&crop.crop.zh, net_back)?;
        }
    }
    if let Some(summary) = &report.summary {
        rising("profit", &summary.profit)?;
    }
    for outlook in &report.prices {
        series(outlook)?;
    }
    let weeks = report.heat.weeks.len();
    for row in &report.heat.rows {
        let (ripe, saleable) = (row.ripe_kg.len(), row.shops_kg.as_ref().map_or(weeks, Vec::len));
        if (ripe, saleable) != (weeks, weeks) {
            return Err(ReportError::StripLength { crop: row.crop.zh.clone(), weeks, ripe, saleable });
        }
    }
    naive_beside(&report.scores)
}

pub(crate) fn chain(report: &ChainReport) -> Result<(), ReportError> {
    for category in &report.categories {
        for outlook in category.price.iter().chain(&category.demand) {
            series(outlook)?;
        }
    }
    naive_beside(&report.scores)
}

fn series(outlook: &SeriesOutlook) -> Result<(), ReportError> {
    let what = &outlook.subject.zh;
    for observed in &outlook.history {
        finite(what, observed.value.unwrap_or_default())?;
    }
    for step in &outlook.forecast {
        rising(what, &step.quantiles)?;
    }
    let days: Vec<_> = outlook.history.iter().map(|observed| observed.day).chain(outlook.forecast.iter().map(|step| step.day)).collect();
    match days.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(ReportError::DaysOutOfOrder { what: what.clone(), day: pair[1] }),
        None => Ok(()),
    }
}

fn finite(what: &str, value: f64) -> Result<(), ReportError> {
    if value.is_finite() { Ok(()) } else { Err(ReportError::NotFinite { what: what.into(), value }) }
}

fn rising(what: &str, quantiles: &Quantiles) -> Result<(), ReportError> {
    let Quantiles { low, median, high } = *quantiles;
    for value in [low, median, high] {
        finite(what, value)?;
    }
    if low <= median && median <= high { Ok(()) } else { Err(ReportError::Crossed { what: what.into(), low, median, high }) }
}

fn naive_beside(scores: &[ScoreRow]) -> Result<(), ReportError> {
    let mut has_naive = BTreeMap::new();
    for row in scores {
        *has_naive.entry((&row.category, row.target.name())).or_insert(false) |= row.model == NAIVE;
    }
    match has_naive.into_iter().find(|(_, naive)| !naive) {
        Some(((category, target), _)) => Err(ReportError::NaiveMissing { category: category.clone(), target }),
        None => Ok(()),
    }
}
