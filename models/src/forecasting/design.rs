//! The columns of the elastic net. In: the past of a series at an origin, a target step.
//! Out: one row, measured from the series' own recent level in units of its own roughness.
//! Never: a value after the origin; a column that is missing instead of neutral (zero: "as now").

use super::ground::{Ground, Past};
use nongshi_domain::{Cadence, Target};

/// Values a series must have shown before its rows are learnt from or said.
const MIN_SEEN: usize = 12;
/// Rows and targets further out than this many units are drawn in (a typing error must not steer the pool).
const COLUMN_LIMIT: f64 = 25.0;
/// Weeks whose weekday is averaged for daily demand.
const WEEKDAY_WEEKS: usize = 4;
/// Years looked back for the season.
const SEASON_YEARS: usize = 2;

/// Where a row is measured from, and in which unit.
#[derive(Clone, Copy)]
pub(super) struct Gauge {
    /// The recent level, transformed.
    pub level: f64,
    /// Mean absolute move a step, transformed.
    pub unit: f64,
}

/// Steps whose mean is the level: one for a price (no change then means naive), some weeks for demand.
fn level_window(ground: &Ground) -> usize {
    match ground.target {
        Target::Price => 1,
        Target::Demand => ground.rhythm.demand_level,
    }
}

fn knows_weekdays(ground: &Ground) -> bool {
    ground.rhythm.calendar && ground.cadence == Cadence::Day && ground.target == Target::Demand
}

/// How many columns a row has.
pub(super) fn width(ground: &Ground) -> usize {
    let rhythm = ground.rhythm;
    let own = rhythm.lags.len() + rhythm.windows.len() + 1 + rhythm.kin_lags.len();
    let stock = if ground.tells_stock { 2 } else { 0 };
    own + usize::from(ground.target == Target::Demand)
        + 4
        + usize::from(knows_weekdays(ground))
        + ground.almanac.width()
        + stock
        + ground.known
}

/// Appends the columns that depend on the origin only. None when the origin was not observed or little was seen.
pub(super) fn origin_columns(past: Past<'_>, series: usize, row: &mut Vec<f64>) -> Option<Gauge> {
    let (ground, step) = (past.ground(), past.step);
    let rhythm = ground.rhythm;
    past.value(series, step)?;
    if past.seen(series) < MIN_SEEN {
        return None;
    }
    let level = past.mean(series, (step + 1).saturating_sub(level_window(ground)), step)?;
    let unit = past.roughness(series, rhythm.year);
    let scaled = |value: Option<f64>| value.map_or(0.0, |value| ((value - level) / unit).clamp(-COLUMN_LIMIT, COLUMN_LIMIT));
    if ground.target == Target::Demand {
        row.push(scaled(past.bridged(series, step)));
    }
    for &lag in rhythm.lags {
        row.push(scaled(step.checked_sub(lag).and_then(|at| past.bridged(series, at))));
    }
    for &window in rhythm.windows {
        row.push(scaled((step + 1).checked_sub(window).and_then(|from| past.mean(series, from, step))));
    }
    row.push((past.roughness(series, rhythm.windows[1]) / unit - 1.0).min(COLUMN_LIMIT));
    for &lag in &rhythm.kin_lags {
        let moved = step.checked_sub(lag).and_then(|at| Some(past.kin(step, step)? - past.kin(at, at)?));
        row.push(moved.map_or(0.0, |moved| (moved / unit).clamp(-COLUMN_LIMIT, COLUMN_LIMIT)));
    }
    if ground.tells_stock {
        row.extend([past.share(series, 1), past.share(series, rhythm.windows[0])]);
    }
    Some(Gauge { level, unit })
}

/// Appends the columns that depend on the target step too.
pub(super) fn target_columns(past: Past<'_>, series: usize, to: usize, gauge: Gauge, row: &mut Vec<f64>) {
    let ground = past.ground();
    let limit = |value: f64| (value / gauge.unit).clamp(-COLUMN_LIMIT, COLUMN_LIMIT);
    let season = season(past, series, to);
    row.push(season.level.map_or(0.0, |level| limit(level - gauge.level)));
    row.push(season.moved.map_or(0.0, limit));
    row.push(if season.moved.is_some() { 1.0 } else { 0.0 });
    row.push(season.kin_moved.map_or(0.0, limit));
    if knows_weekdays(ground) {
        row.push(weekday_mean(past, series, to).map_or(0.0, |mean| limit(mean - gauge.level)));
    }
    ground.almanac.differences(to, past.step, level_window(ground), row);
    let known = &ground.tracks[series].known;
    row.extend((0..ground.known).map(|column| known.at(column, to) - known.mean(column, past.step, level_window(ground))));
}

/// How many columns only trees can use.
pub(super) fn width_for_trees(ground: &Ground) -> usize {
    1 + ground.known
}

/// Appends what trees are told besides: the horizon, and what is known of the target step as it is.
pub(super) fn columns_for_trees(ground: &Ground, series: usize, to: usize, ahead: usize, row: &mut Vec<f64>) {
    row.push(ahead as f64);
    row.extend((0..ground.known).map(|column| ground.tracks[series].known.at(column, to)));
}

/// What the same time of earlier years says about the way from now to the target.
struct Season {
    /// Smoothed level at the target's time in the newest known year.
    level: Option<f64>,
    /// Move from now's time to the target's, mean of the known years.
    moved: Option<f64>,
    /// The same of the kin's common level.
    kin_moved: Option<f64>,
}

fn season(past: Past<'_>, series: usize, to: usize) -> Season {
    let rhythm = past.ground().rhythm;
    let smooth = rhythm.smooth;
    // The newest year whose smoothing window was complete at the origin.
    let newest = (to + smooth - past.step).div_ceil(rhythm.year).max(1);
    let window = |step: usize, years: usize| {
        let middle = step.checked_sub(years * rhythm.year)?;
        Some((middle.checked_sub(smooth)?, middle + smooth))
    };
    let smoothed = |step: usize, years: usize| window(step, years).and_then(|(from, to)| past.mean(series, from, to));
    let kin = |step: usize, years: usize| window(step, years).and_then(|(from, to)| past.kin(from, to));
    let (mut moves, mut kin_moves) = (Vec::new(), Vec::new());
    for years in newest..newest + SEASON_YEARS {
        if let (Some(then), Some(target)) = (smoothed(past.step, years), smoothed(to, years)) {
            moves.push(target - then);
        }
        if let (Some(then), Some(target)) = (kin(past.step, years), kin(to, years)) {
            kin_moves.push(target - then);
        }
    }
    let mean = |moves: &[f64]| (!moves.is_empty()).then(|| moves.iter().sum::<f64>() / moves.len() as f64);
    Season { level: smoothed(to, newest), moved: mean(&moves), kin_moved: mean(&kin_moves) }
}

/// Mean of the last weeks' values on the target's weekday.
fn weekday_mean(past: Past<'_>, series: usize, to: usize) -> Option<f64> {
    let weeks = (to - past.step).div_ceil(7);
    let days = (weeks..weeks + WEEKDAY_WEEKS).filter_map(|week| past.bridged(series, to.checked_sub(7 * week)?));
    let (sum, count) = days.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{ahead, day, panel_of, seasonal_panel};
    use nongshi_domain::Cutoff;

    #[test]
    fn every_row_has_the_width_it_promises() {
        for target in [Target::Price, Target::Demand] {
            for cadence in [Cadence::Day, Cadence::Week, Cadence::TenDays, Cadence::Month] {
                let values: Vec<Option<f64>> = (0..200).map(|step| Some(5.0 + f64::from(step % 7))).collect();
                let panel = panel_of(target, cadence, &[("a", values.clone()), ("b", values.clone()), ("c", values)]);
                let ground =
                    Ground::new(&panel, Cutoff(cadence.advance(day("2020-01-06"), 199)), &ahead(panel.cadence, 10)).expect("values");
                let mut row = Vec::new();
                let past = ground.past(150);
                let gauge = origin_columns(past, 0, &mut row).expect("enough seen");
                target_columns(past, 0, 155, gauge, &mut row);
                assert_eq!(row.len(), width(&ground), "{target:?} {cadence:?}");
                assert!(row.iter().all(|cell| cell.is_finite()));
            }
        }
    }

    #[test]
    fn a_row_does_not_know_what_came_after_its_origin() {
        let panel = seasonal_panel(4, 200);
        let mut later = panel.clone();
        for series in &mut later.series {
            series.values[151..].fill(Some(77.0));
        }
        let row_of = |panel| {
            let ground =
                Ground::new(panel, Cutoff(Cadence::Week.advance(day("2020-01-06"), 199)), &ahead(panel.cadence, 0)).expect("values");
            let mut row = Vec::new();
            let gauge = origin_columns(ground.past(150), 1, &mut row).expect("enough seen");
            target_columns(ground.past(150), 1, 163, gauge, &mut row);
            row
        };
        assert_eq!(row_of(&panel), row_of(&later));
    }

    #[test]
    fn last_years_move_is_the_move_from_then_to_the_target() {
        // 104 weeks that rise by a tenth in log price a week: last year's move over 5 weeks is 0.5, and 0.1 is a unit.
        let values: Vec<Option<f64>> = (0..104).map(|step| Some((0.1 * f64::from(step)).exp())).collect();
        let panel = panel_of(Target::Price, Cadence::Week, &[("a", values)]);
        let ground = Ground::new(&panel, Cutoff(Cadence::Week.advance(day("2020-01-06"), 103)), &ahead(panel.cadence, 5)).expect("values");
        let season = season(ground.past(103), 0, 108);
        assert!((season.moved.expect("a year") - 0.5).abs() < 1e-9);
        assert!((season.level.expect("a year") - 5.6).abs() < 1e-9);
        assert!(season.kin_moved.is_none(), "one series has no kin");
    }
}
