//! Gradient-boosted trees over all series of a category (`boost`), one model for every horizon.
//! In: the ground. Out: direct forecasts. Never: a row whose target lies after the step the trees were grown at.
//!
//! The columns are the elastic net's (`design`) and the horizon. Trees are grown anew at every `Rhythm::regrow`-th step
//! of the axis; what they read is always fresh.

use super::boost::{Binned, BoostSettings, Booster, Lesson, Loss, fit};
use super::design::{origin_columns, target_columns, width};
use super::ground::{Ground, Past};
use super::model::{Fitted, Model};
use super::threads::each;
use nongshi_domain::{LEVELS, Seed, Target};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Rows that trees are grown from at most.
const ROW_LIMIT: usize = 120_000;
/// Trees of the median, and of each of the outer levels.
const ROUNDS: u32 = 150;
/// See `ROUNDS`.
const ROUNDS_OF_TAILS: u32 = 80;
/// Rows needed.
const LEAST_ROWS: usize = 500;
/// Growths whose mean speaks.
const GROWTHS: usize = 3;
/// See `elastic_net`.
const TARGET_LIMIT: f64 = 6.0;
const SEED: Seed = Seed(20_261_129);

/// The member.
pub(super) struct Boosted;

/// One booster a level, in the order of `LEVELS`.
type Growth = [Booster; 3];

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

    fn prior(&self) -> f64 {
        2.0
    }

    fn fit(&self, ground: &Ground, origins: &[usize], horizon: usize, threads: usize) -> Vec<Box<dyn Fitted>> {
        let regrow = ground.rhythm.regrow;
        let anchor_of = |origin: usize| ((origin + 1) / regrow * regrow).checked_sub(1);
        let back = |anchor: usize| (0..GROWTHS).filter_map(move |back| anchor.checked_sub(back * regrow));
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
    let columns = width(ground) + 1;
    let pairs = ground.begun(anchor) * (anchor + 1);
    // Every origin of every series gives some of its horizons, the same number each.
    let share = (ROW_LIMIT as f64 / pairs.max(1) as f64).min(horizon as f64);
    let mut cells: Vec<Vec<f32>> = vec![Vec::new(); columns];
    let mut targets = Vec::new();
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
                row.push(ahead as f64);
                for (column, cell) in cells.iter_mut().zip(&row) {
                    column.push(*cell as f32);
                }
                let moved = (value - gauge.level) / gauge.unit / width_of(ground, ahead);
                targets.push(moved.clamp(-TARGET_LIMIT, TARGET_LIMIT));
            }
        }
    }
    if targets.len() < LEAST_ROWS {
        return Err(format!("{} rows are too few for trees", targets.len()));
    }
    let columns: Vec<&[f32]> = cells.iter().map(Vec::as_slice).collect();
    let binned = Binned::new(&columns, super::boost::MOST_BINS).map_err(|error| error.to_string())?;
    let lesson = Lesson { binned: &binned, targets: &targets, weights: None, held_out: &[] };
    let one = |level: f64| {
        let loss = if level == 0.5 { Loss::Absolute } else { Loss::Quantile(level) };
        let rounds = if level == 0.5 { ROUNDS } else { ROUNDS_OF_TAILS };
        let settings =
            BoostSettings { rounds, leaves: 16, leaf_rows: 60, row_share: 0.7, column_share: 0.4, ..BoostSettings::for_loss(loss) };
        fit(&lesson, &settings, SEED.derive(&anchor.to_string())).map_err(|error| error.to_string())
    };
    let [low, middle, high] = LEVELS;
    Ok([one(low)?, one(middle)?, one(high)?])
}

impl Fitted for FittedBoosted {
    fn forecast(&self, past: Past<'_>, series: usize, horizon: usize) -> Result<Vec<f64>, String> {
        Ok(self.levels_in(past, series, horizon, 1..2)?.into_iter().map(|step| step[1]).collect())
    }

    fn levels(&self, past: Past<'_>, series: usize, horizon: usize) -> Option<Vec<[f64; 3]>> {
        self.levels_in(past, series, horizon, 0..3).ok()
    }
}

impl FittedBoosted {
    /// Values of the levels in `wanted`, by horizon; the others are zero.
    fn levels_in(&self, past: Past<'_>, series: usize, horizon: usize, wanted: Range<usize>) -> Result<Vec<[f64; 3]>, String> {
        let growths = self.growths.as_ref().map_err(Clone::clone)?;
        let ground = past.ground();
        let seen = past.last_seen(series).ok_or_else(|| format!("no value by {}", ground.day(past.step)))?;
        let (gap, bridge) = (past.step - seen, ground.rhythm.bridge);
        if gap > bridge {
            return Err(format!("{gap} steps without a value at the end, {bridge} can be bridged"));
        }
        let stand = past.at(seen);
        let mut row = Vec::with_capacity(width(ground) + 1);
        let few = || format!("{} values are too few for its columns", past.seen(series));
        let gauge = origin_columns(stand, series, &mut row).ok_or_else(few)?;
        let columns = row.len();
        let one = |ahead: usize| {
            row.truncate(columns);
            target_columns(stand, series, past.step + ahead, gauge, &mut row);
            row.push((gap + ahead) as f64);
            let cells: Vec<f32> = row.iter().map(|cell| *cell as f32).collect();
            let mut values = [0.0; 3];
            for level in wanted.clone() {
                let mut sum = 0.0;
                for growth in growths {
                    sum += growth[level].predict_row(&cells).map_err(|error| error.to_string())?;
                }
                let moved = sum / growths.len() as f64 * width_of(ground, gap + ahead);
                values[level] = ground.tracks[series].transform.restore(gauge.level + gauge.unit * moved);
            }
            Ok(values)
        };
        (1..=horizon).map(one).collect()
    }
}
