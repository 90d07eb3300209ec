//! This issue held against the last: verdicts on the same sowing weeks, forecasts against what came since.
//! In: model tables of both days, curated tables. Out: verdicts, a review. Never: a comparison where there is no last issue.

use super::Step;
use super::forecast::{SPOKEN, quoted};
use super::names::Names;
use super::record::{Compared, compared};
use crate::exit::Failure;
use crate::rows::Rows;
use chrono::{Datelike, Days, NaiveDate};
use datafusion::prelude::SessionContext;
use nongshi_domain::{Target, week_start};
use nongshi_reports::{AreaChange, Reason, Review, ReviewRow, SowingOrder, Verdict, Words};
use std::collections::BTreeMap;

/// Sowings of one crop are one verdict; so many are told.
const VERDICTS: usize = 6;
/// Below this share of the larger area a change is none.
const HOLD_SHARE: f64 = 0.10;
/// The share of cases without a loss that is worth saying, when the case of one in ten still earns.
const NINE_IN_TEN: f64 = 0.9;

/// The newest day before this one on which a plan was made for the base.
pub async fn last_plan(step: &Step<'_>, ctx: &SessionContext, base: &str) -> Result<Option<NaiveDate>, Failure> {
    let query =
        format!("select cast(max(as_of) as date) as day from plan_summary where base = '{}' and as_of < '{}'", quoted(base), step.as_of);
    Ok(Rows::of(ctx, &query).await?.day(0, "day"))
}

/// What one issue wants of a crop.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Wanted {
    area: f64,
    margin_cny: f64,
    /// The worst of its orders' margins that one case in ten does not reach, CNY.
    low_cny: f64,
}

/// The verdicts on the weeks of this issue's orders.
pub async fn verdicts(
    step: &Step<'_>,
    ctx: &SessionContext,
    (base, names): (&str, &Names),
    orders: &[SowingOrder],
    last_issue: Option<NaiveDate>,
) -> Result<Vec<Verdict>, Failure> {
    let mut now: BTreeMap<String, Wanted> = BTreeMap::new();
    for order in orders {
        let fresh = Wanted { low_cny: f64::INFINITY, ..Wanted::default() };
        let sum = now.entry(order.crop.zh.clone()).or_insert(fresh);
        *sum = Wanted {
            area: sum.area + order.area,
            margin_cny: sum.margin_cny + order.margin_cny,
            low_cny: sum.low_cny.min(order.margin_low_cny),
        };
    }
    let planning = &step.project.settings.planning;
    let first_week = week_start(step.as_of.0) + Days::new(7);
    let end = first_week + Days::new(7 * planning.order_weeks as u64);
    let seen_until = |last: NaiveDate| week_start(last) + Days::new(7 * (1 + planning.sow_weeks as u64));
    let before = match last_issue.filter(|last| seen_until(*last) >= end) {
        Some(last) => Some(wanted(ctx, base, last, (first_week, end)).await?),
        None => None,
    };
    let mut verdicts = compare(&now, before.as_ref(), names);
    if orders.is_empty() {
        verdicts.insert(0, Verdict::NothingToSow { reason: nothing_to_sow(step, ctx, base).await? });
    }
    Ok(verdicts)
}

/// What the issue of that day planned to sow in the weeks `from .. until`.
async fn wanted(
    ctx: &SessionContext,
    base: &str,
    issue: NaiveDate,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<BTreeMap<String, Wanted>, Failure> {
    let query = format!(
        "select crop, sum(area_mu) as area, sum(margin_cny) as margin_cny from planting_plan where as_of = '{issue}' and base = '{}' \
         and sow_week >= date '{from}' and sow_week < date '{until}' group by crop order by crop",
        quoted(base)
    );
    let rows = Rows::of(ctx, &query).await?;
    let row = |row: usize| {
        let (area, margin_cny) = (rows.number(row, "area")?, rows.number(row, "margin_cny")?);
        Some((rows.text(row, "crop")?, Wanted { area, margin_cny, low_cny: 0.0 }))
    };
    Ok((0..rows.len()).filter_map(row).collect())
}

/// One verdict a crop, those with the most yuan at stake first. Without an earlier issue nothing is more or less.
fn compare(now: &BTreeMap<String, Wanted>, before: Option<&BTreeMap<String, Wanted>>, names: &Names) -> Vec<Verdict> {
    let mut crops: Vec<&String> = now.keys().chain(before.into_iter().flat_map(BTreeMap::keys)).collect();
    crops.sort();
    crops.dedup();
    let verdict = |crop: &String| {
        let (wanted, old) = (now.get(crop).copied().unwrap_or_default(), before.map(|all| all.get(crop).copied().unwrap_or_default()));
        let change = |area: f64, gain_cny: f64| AreaChange {
            crop: names.words(crop),
            area,
            unit: names.unit(crop),
            before: old.map(|old| old.area),
            now: wanted.area,
            gain_cny,
            // the worst tenth of its worst order still earns: nine cases in ten lose nothing
            share_without_loss: (wanted.area > 0.0 && wanted.low_cny >= 0.0).then_some(NINE_IN_TEN),
            reason: None,
        };
        let Some(old) = old else { return Verdict::Sow(change(wanted.area, wanted.margin_cny)) };
        let more = wanted.area - old.area;
        if more.abs() <= HOLD_SHARE * wanted.area.max(old.area) {
            Verdict::Hold(change(wanted.area, wanted.margin_cny))
        } else if more > 0.0 {
            Verdict::SowMore(change(more, wanted.margin_cny * more / wanted.area))
        } else {
            // the odds are those of what is sown, not of what is left out
            let change = change(-more, old.margin_cny * -more / old.area);
            Verdict::SowLess(AreaChange { share_without_loss: None, ..change })
        }
    };
    let mut verdicts: Vec<Verdict> = crops.into_iter().map(verdict).collect();
    verdicts.sort_by(|a, b| at_stake(b).total_cmp(&at_stake(a)));
    verdicts.truncate(VERDICTS);
    verdicts
}

fn at_stake(verdict: &Verdict) -> f64 {
    match verdict {
        Verdict::Sow(change) | Verdict::SowMore(change) | Verdict::SowLess(change) => change.gain_cny.abs(),
        // nothing changes, so it is told last
        Verdict::Hold(_) | Verdict::NothingToSow { .. } => 0.0,
    }
}

/// Why there is no order: no plan, no sowing that pays, or a later one.
async fn nothing_to_sow(step: &Step<'_>, ctx: &SessionContext, base: &str) -> Result<Reason, Failure> {
    let of_base = format!("as_of = '{}' and base = '{}'", step.as_of, quoted(base));
    let plan = Rows::of(ctx, &format!("select priced_crops from plan_summary where {of_base}")).await?;
    if plan.len() == 0 || plan.count(0, "priced_crops") == Some(0) {
        return Ok(Reason::NoForecast);
    }
    let first = Rows::of(ctx, &format!("select min(sow_week) as week from planting_plan where {of_base}")).await?.day(0, "week");
    Ok(first.map_or(Reason::BelowCost, |week| {
        Reason::Other(Words::new(
            format!("地里有茬，或晚几周播更划算；计划最早的一次播种在{}年{}月{}日那一周", week.year(), week.month(), week.day()),
            format!("land is taken or a later sowing earns more; the first one planned is in the week of {}", week.format("%-d %B %Y")),
        ))
    }))
}

/// The last issue's forecasts against what came since; none for a first issue.
pub async fn review(step: &Step<'_>, ctx: &SessionContext) -> Result<Option<Review>, Failure> {
    let query = format!("select cast(max(as_of) as date) as day from forecast_status where as_of < '{}'", step.as_of);
    let Some(issued) = Rows::of(ctx, &query).await?.day(0, "day") else { return Ok(None) };
    let mut found: BTreeMap<(String, Target), ReviewRow> = BTreeMap::new();
    for compared in compared(step.as_of) {
        gather(ctx, &compared, issued, &mut found).await?;
    }
    let categories = &step.project.settings.categories;
    let keys = categories.iter().flat_map(|known| [Target::Price, Target::Demand].map(|target| (known.category.0.clone(), target)));
    Ok(Some(Review { issued, rows: keys.filter_map(|key| found.remove(&key)).collect() }))
}

/// The steps of one target and cadence that were forecast and are over, by category.
async fn gather(
    ctx: &SessionContext,
    Compared { target, from, over, .. }: &Compared,
    issued: NaiveDate,
    found: &mut BTreeMap<(String, Target), ReviewRow>,
) -> Result<(), Failure> {
    // row by row and in order: a sum of fractions depends on it
    let query = format!(
        "select f.category, f.q10, f.q50, f.q90, a.came from {from} where f.as_of = '{issued}' and f.model = '{SPOKEN}' and {over} \
         order by f.category, f.market, f.commodity, f.grade, f.day"
    );
    let rows = Rows::of(ctx, &query).await?;
    let mut of_category: BTreeMap<String, Vec<[f64; 4]>> = BTreeMap::new();
    for row in 0..rows.len() {
        let number = |column: &str| rows.number(row, column);
        if let (Some(category), Some(low), Some(middle), Some(high), Some(came)) =
            (rows.text(row, "category"), number("q10"), number("q50"), number("q90"), number("came"))
        {
            of_category.entry(category).or_default().push([low, middle, high, came]);
        }
    }
    for (category, steps) in of_category {
        found.insert((category.clone(), *target), judged(category, *target, &steps));
    }
    Ok(())
}

/// Steps as low, middle and high forecast, and what came; at least one, each above zero.
fn judged(category: String, target: Target, steps: &[[f64; 4]]) -> ReviewRow {
    let mean = |of: fn(f64, f64) -> f64| steps.iter().map(|[_, middle, _, came]| of(*middle, *came)).sum::<f64>() / steps.len() as f64;
    ReviewRow {
        category,
        target,
        steps: steps.len() as u32,
        inside: steps.iter().filter(|[low, _, high, came]| (*low..=*high).contains(came)).count() as u32,
        error_share: mean(|middle, came| (middle - came).abs() / came),
        bias_share: mean(|middle, came| (middle - came) / came),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(lines: &[(&str, f64, f64, f64)]) -> BTreeMap<String, Wanted> {
        lines
            .iter()
            .map(|(crop, area, margin_cny, low_cny)| (crop.to_string(), Wanted { area: *area, margin_cny: *margin_cny, low_cny: *low_cny }))
            .collect()
    }

    /// Kind of verdict, crop, area of the change, CNY.
    fn told(verdicts: &[Verdict]) -> Vec<(&str, &str, f64, f64)> {
        let mut found = Vec::new();
        for verdict in verdicts {
            let (kind, change) = match verdict {
                Verdict::Sow(change) => ("sow", change),
                Verdict::SowMore(change) => ("more", change),
                Verdict::SowLess(change) => ("less", change),
                Verdict::Hold(change) => ("hold", change),
                Verdict::NothingToSow { .. } => continue,
            };
            found.push((kind, change.crop.zh.as_str(), change.area, change.gain_cny));
        }
        found
    }

    #[test]
    fn more_less_and_hold_are_held_against_the_last_issue() {
        let now = plan(&[("菜心", 3.0, 6_000.0, 10.0), ("生菜", 10.0, 9_000.0, -5.0), ("番茄", 4.0, 20_000.0, 100.0)]);
        let before = plan(&[("菜心", 2.0, 3_000.0, 0.0), ("生菜", 10.5, 8_000.0, 0.0), ("菠菜", 5.0, 2_500.0, 0.0)]);
        let verdicts = compare(&now, Some(&before), &Names::default());
        // a third of 3 mu is new and brings a third of their margin; spinach is dropped and takes its margin with it
        let expect = [
            ("more", "番茄", 4.0, 20_000.0),
            ("less", "菠菜", 5.0, 2_500.0),
            ("more", "菜心", 1.0, 2_000.0),
            ("hold", "生菜", 10.0, 9_000.0),
        ];
        assert_eq!(told(&verdicts), expect);
        let odds = |verdict: &Verdict| match verdict {
            Verdict::SowMore(change) | Verdict::Hold(change) | Verdict::SowLess(change) => change.share_without_loss,
            _ => None,
        };
        assert_eq!(verdicts.iter().map(odds).collect::<Vec<_>>(), [Some(0.9), None, Some(0.9), None]);
    }

    #[test]
    fn a_forecast_is_judged_by_band_error_and_bias() {
        // 10 % too high, 30 % too low and out of the band, right on the edge of the band
        let steps = [[90.0, 110.0, 130.0, 100.0], [60.0, 70.0, 90.0, 100.0], [4.0, 5.0, 5.0, 5.0]];
        let row = judged("vegetables".into(), Target::Price, &steps);
        assert_eq!((row.steps, row.inside), (3, 2));
        assert!((row.error_share - 0.4 / 3.0).abs() < 1e-12 && (row.bias_share + 0.2 / 3.0).abs() < 1e-12, "{row:?}");
    }

    #[test]
    fn a_first_issue_only_says_what_to_sow() {
        let now = plan(&[("菜心", 3.0, 6_000.0, 10.0), ("番茄", 4.0, 20_000.0, 100.0)]);
        assert_eq!(told(&compare(&now, None, &Names::default())), [("sow", "番茄", 4.0, 20_000.0), ("sow", "菜心", 3.0, 6_000.0)]);
    }
}
