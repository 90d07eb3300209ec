//! Gradient-boosted trees over all series of a category (`boost`), one model for every horizon.
//! In: the ground. Out: direct forecasts. Never: a row whose target lies after the step the trees were grown at.
//!
//! The columns are the elastic net's (`design`) and the horizon. Trees are grown anew at every `Rhythm::regrow`-th step
//! of the axis, and more often in its first year; what they read is always fresh.

use super::boost::{Binned, BoostSettings, Booster, Lesson, Loss, fit};
use super::design::{columns_for_trees, origin_columns, target_columns, width, width_for_trees};
use super::ground::{Ground, Past};
use super::model::{Fitted, Model, PRIOR_OF_THE_TOLD};
use super::threads::each;
use nongshi_domain::{LEVELS, Seed, Target};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Rows that trees are grown from: so many, and so many for each series, and never more than the last.
const ROWS: usize = 80_000;
/// See `ROWS`.
const ROWS_OF_A_SERIES: usize = 200;
/// See `ROWS`.
const ROW_LIMIT: usize = 400_000;
/// Trees of the median, and of each of the outer levels.
const ROUNDS: u32 = 150;
/// See `ROUNDS`.
const ROUNDS_OF_TAILS: u32 = 80;
/// Rows needed.
const LEAST_ROWS: usize = 500;
/// See `elastic_net`.
const TARGET_LIMIT: f64 = 6.0;
const SEED: Seed = Seed(20_261_129);

/// The member.
pub(super) struct Boosted;

/// The median's booster, and those of the outer levels where they are grown.
struct Growth {
    median: Booster,
    tails: Option<[Booster; 2]>,
}

struct FittedBoosted {
    /// Grown at the last steps that trees were grown at; their mean speaks.
    growths: Result<Vec<Arc<Growth>>, String>,
}

/// What a target is measured in: a walk's spread grows with the root of the horizon.
fn width_of(ground: &Ground, ahead: usize) -> f64 {
    match ground.target {
        Target::Price => (ahead as f64).sqrt(),
        Target::Demand => 1.0,
    }
}

impl Model for Boosted {
    fn name(&self) -> &'static str {
        "boosted"
    }

    fn prior(&self, ground: &Ground) -> f64 {
        if ground.known > 0 { PRIOR_OF_THE_TOLD } else { 2.0 }
    }

    fn fit(&self, ground: &Ground, origins: &[usize], horizon: usize, threads: usize) -> Vec<Box<dyn Fitted>> {
        let rhythm = &ground.rhythm;
        let anchor_of = |origin: usize| {
            let regrow = rhythm.regrow_at(origin);
            ((origin + 1) / regrow * regrow).checked_sub(1)
        };
        let back = |anchor: usize| {
            let before = |anchor: &usize| anchor.checked_sub(rhythm.regrow_at(*anchor));
            std::iter::successors(Some(anchor), before).take(rhythm.growths)
        };
        let anchors: BTreeSet<usize> = origins.iter().filter_map(|origin| anchor_of(*origin)).flat_map(back).collect();
        let anchors: Vec<usize> = anchors.into_iter().collect();
        let grown = each(anchors.len(), threads, |index| grow(ground, anchors[index], horizon).map(Arc::new));
        let at = |origin: &usize| {
            let places = anchor_of(*origin).into_iter().flat_map(back).filter_map(|anchor| anchors.binary_search(&anchor).ok());
            let mut found = places.map(|place| grown[place].clone());
            let growths = match found.next() {
                Some(Ok(newest)) => Ok([newest].into_iter().chain(found.filter_map(Result::ok)).collect()),
                Some(Err(reason)) => Err(reason),
                None => Err("no whole span of history".to_string()),
            };
            Box::new(FittedBoosted { growths }) as Box<dyn Fitted>
        };
        origins.iter().map(at).collect()
    }
}

fn grow(ground: &Ground, anchor: usize, horizon: usize) -> Result<Growth, String> {
    let columns = width(ground) + width_for_trees(ground);
    let begun = ground.begun(anchor);
    let pairs = begun * (anchor + 1);
    let rows = (ROWS + begun * ROWS_OF_A_SERIES).min(ROW_LIMIT);
    // Every origin of every series gives some of its horizons, the same number each.
    let share = (rows as f64 / pairs.max(1) as f64).min(horizon as f64);
    let mut cells: Vec<Vec<f32>> = vec![Vec::new(); columns];
    let mut targets = Vec::new();
    // Sales that an empty shelf cut short say less.
    let mut weights: Option<Vec<f64>> = ground.tells_stock.then(Vec::new);
    let mut draws: Vec<Seed> = ground.tracks.iter().map(|track| SEED.derive(&format!("{anchor} {}", track.key))).collect();
    let mut row = Vec::with_capacity(columns);
    for origin in 0..anchor {
        let past = ground.past(origin);
        for (series, draws) in draws.iter_mut().enumerate() {
            let count = share.floor() as usize + usize::from(draws.uniform() < share.fract());
            let first = (draws.uniform() * horizon as f64) as usize;
            if count == 0 {
                continue;
            }
            row.clear();
            let Some(gauge) = origin_columns(past, series, &mut row) else { continue };
            let width = row.len();
            for draw in 0..count {
                let ahead = 1 + (first + draw * horizon / count) % horizon;
                let target = origin + ahead;
                if target > anchor {
                    continue;
                }
                let Some(value) = ground.learnt(series, target) else { continue };
                row.truncate(width);
                target_columns(past, series, target, gauge, &mut row);
                columns_for_trees(ground, series, target, ahead, &mut row);
                for (column, cell) in cells.iter_mut().zip(&row) {
                    column.push(*cell as f32);
                }
                let moved = (value - gauge.level) / gauge.unit / width_of(ground, ahead);
                targets.push(moved.clamp(-TARGET_LIMIT, TARGET_LIMIT));
                if let Some(weights) = &mut weights {
                    weights.push(ground.tracks[series].share(target));
                }
            }
        }
    }
    if targets.len() < LEAST_ROWS {
        return Err(format!("{} rows are too few for trees", targets.len()));
    }
    let columns: Vec<&[f32]> = cells.iter().map(Vec::as_slice).collect();
    let binned = Binned::new(&columns, super::boost::MOST_BINS).map_err(|error| error.to_string())?;
    let lesson = Lesson { binned: &binned, targets: &targets, weights: weights.as_deref(), held_out: &[] };
    let one = |level: f64| {
        let loss = if level == 0.5 { Loss::Absolute } else { Loss::Quantile(level) };
        let rounds = if level == 0.5 { ROUNDS } else { ROUNDS_OF_TAILS };
        let settings =
            BoostSettings { rounds, leaves: 16, leaf_rows: 60, row_share: 0.7, column_share: 0.4, ..BoostSettings::for_loss(loss) };
        fit(&lesson, &settings, SEED.derive(&anchor.to_string())).map_err(|error| error.to_string())
    };
    let [low, middle, high] = LEVELS;
    let tails = if ground.rhythm.tails { Some([one(low)?, one(high)?]) } else { None };
    Ok(Growth { median: one(middle)?, tails })
}

impl Fitted for FittedBoosted {
    fn forecast(&self, past: Past<'_>, series: usize, horizon: usize) -> Result<Vec<f64>, String> {
        self.said(past, series, horizon, |growth| Some(&growth.median))
    }

    fn levels(&self, past: Past<'_>, series: usize, horizon: usize) -> Option<Vec<[f64; 3]>> {
        let tail = |side: usize| self.said(past, series, horizon, |growth| Some(&growth.tails.as_ref()?[side])).ok();
        let (low, high) = (tail(0)?, tail(1)?);
        let middle = self.forecast(past, series, horizon).ok()?;
        Some((0..horizon).map(|step| [low[step], middle[step], high[step]]).collect())
    }
}

impl FittedBoosted {
    /// The mean of one booster of each growth, by horizon.
    fn said(
        &self,
        past: Past<'_>,
        series: usize,
        horizon: usize,
        booster: impl Fn(&Growth) -> Option<&Booster>,
    ) -> Result<Vec<f64>, String> {
        let growths = self.growths.as_ref().map_err(Clone::clone)?;
        let boosters: Vec<&Booster> = growths.iter().filter_map(|growth| booster(growth)).collect();
        if boosters.is_empty() {
            return Err("no trees are grown for it".to_string());
        }
        let ground = past.ground();
        let (stand, gap) = past.before_gap(series)?;
        let mut row = Vec::with_capacity(width(ground) + width_for_trees(ground));
        let few = || format!("{} values are too few for its columns", past.seen(series));
        let gauge = origin_columns(stand, series, &mut row).ok_or_else(few)?;
        let columns = row.len();
        let one = |ahead: usize| {
            row.truncate(columns);
            target_columns(stand, series, past.step + ahead, gauge, &mut row);
            columns_for_trees(ground, series, past.step + ahead, gap + ahead, &mut row);
            let cells: Vec<f32> = row.iter().map(|cell| *cell as f32).collect();
            let mut sum = 0.0;
            for booster in &boosters {
                sum += booster.predict_row(&cells).map_err(|error| error.to_string())?;
            }
            let moved = sum / boosters.len() as f64 * width_of(ground, gap + ahead);
            Ok(ground.tracks[series].transform.restore(gauge.level + gauge.unit * moved))
        };
        (1..=horizon).map(one).collect()
    }
}
