//! The forecast of a panel, step by step. In: panel, cutoff, settings, members. Out: `PanelForecast`.
//! Never: learns a weight or a quantile from an error that was not known at the origin it serves.

use super::backtest::{Said, Walk, Window, origins, refusal, walk};
use super::combine::{Priors, Weighed, Weights};
use super::conformal::{Spread, Wanted};
use super::factor::factors;
use super::ground::Ground;
use super::model::Model;
use super::paths::{Past, sample_paths};
use super::rhythm::{Bucket, buckets};
use super::scores::{Scales, Tally};
use super::{ForecastSettings, PanelForecast, Refused, SamplePaths, Score, Weight};
use nongshi_domain::{Cutoff, Forecast, ForecastStep, Panel};
use std::collections::BTreeSet;

/// The combination's name.
const COMBINATION: &str = "combination";
/// The rival's name.
const NAIVE: &str = "naive";
/// This share of the whole origins only teaches; the later ones are scored, every model on the same.
const TEACHING_SHARE: f64 = 1.0 / 3.0;

/// Forecasts a panel with the given members, naive among them, at each of the cutoffs; with scores when `judged`.
pub(super) fn speak(
    panel: &Panel,
    cutoffs: &[Cutoff],
    settings: &ForecastSettings,
    members: &[&dyn Model],
    judged: bool,
) -> Vec<PanelForecast> {
    let ground = cutoffs.iter().max().and_then(|last| Ground::new(panel, *last, settings)).filter(|_| settings.horizon > 0);
    let step = |ground: &Ground, cutoff: Cutoff| usize::try_from(ground.cadence.steps_between(ground.first, cutoff.0)).ok();
    let Some(ground) = ground else { return cutoffs.iter().map(|cutoff| silence(panel, *cutoff, settings)).collect() };
    let steps: Vec<Option<usize>> = cutoffs.iter().map(|cutoff| step(&ground, *cutoff)).collect();
    let all: BTreeSet<usize> = steps.iter().flatten().flat_map(|last| origins(*last, settings)).collect();
    let walk = walk(&ground, members, settings, all.into_iter().collect());
    let one = |(cutoff, step): (&Cutoff, Option<usize>)| {
        let Some(last) = step else { return silence(panel, *cutoff, settings) };
        let origins = origins(last, settings);
        let (windows, weighed) = combine(&ground, &walk, &origins, settings, members);
        let refused = refusals(panel, *cutoff, settings);
        Speech { panel, cutoff: *cutoff, last, settings, members, ground: &ground, origins, windows, weighed }
            .panel_forecast(refused, judged)
    };
    cutoffs.iter().zip(steps).map(one).collect()
}

/// Nothing is known by the cutoff.
fn silence(panel: &Panel, cutoff: Cutoff, settings: &ForecastSettings) -> PanelForecast {
    let (refused, paths) = (refusals(panel, cutoff, settings), SamplePaths::default());
    PanelForecast { forecasts: vec![], members: vec![], weights: vec![], scores: vec![], refused, replaced: 0, origins: 0, paths }
}

/// Every series without a forecast, in order of key.
fn refusals(panel: &Panel, cutoff: Cutoff, settings: &ForecastSettings) -> Vec<Refused> {
    let known = Ground::new(panel, cutoff, settings);
    let reason = |key: &str| {
        let ground = known.as_ref()?;
        let series = ground.tracks.iter().position(|track| track.key == key)?;
        Some(refusal(ground.past(ground.last), series))
    };
    let refused = |series: &nongshi_domain::Series| {
        let reason = reason(&series.key).unwrap_or_else(|| Some(format!("no value by {}", cutoff.0)))?;
        Some(Refused { key: series.key.clone(), reason })
    };
    let mut found: Vec<Refused> = panel.series.iter().filter_map(refused).collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

/// Lets the combination speak at every origin, with weights from the origins before; and tells the last origin's.
pub(super) fn combine<'a>(
    ground: &Ground,
    walk: &'a Walk,
    origins: &[usize],
    settings: &ForecastSettings,
    members: &[&dyn Model],
) -> (Vec<Vec<Window<'a>>>, Vec<Weighed>) {
    let buckets = buckets(&ground.rhythm, settings.horizon);
    let priors = Priors {
        weights: members.iter().map(|member| member.prior(ground)).collect(),
        naive: members.iter().position(|member| member.name() == NAIVE).unwrap_or(0),
        origin_step: settings.origin_step,
    };
    let mut history: Vec<Vec<Window<'a>>> = Vec::with_capacity(origins.len());
    let mut weighed = Vec::new();
    for &origin in origins {
        let weights = Weights::learn(ground, &history, origin, &buckets, &priors);
        let factors = factors(ground, &history, origin, settings.horizon as usize, settings.origin_step as usize);
        let one = |said: &'a Said| {
            let combined = weights.combine(said.series, ground.tracks[said.series].transform, &said.members);
            Window { said, combined, factor: factors[said.series] }
        };
        history.push(walk.at(origin).iter().map(one).collect());
        weighed = weights.told();
    }
    (history, weighed)
}

/// What has been walked, ready to be told and judged.
struct Speech<'a> {
    panel: &'a Panel,
    cutoff: Cutoff,
    settings: &'a ForecastSettings,
    members: &'a [&'a dyn Model],
    ground: &'a Ground,
    /// The cutoff's step.
    last: usize,
    /// Rising, the cutoff's step being the last.
    origins: Vec<usize>,
    /// One list an origin.
    windows: Vec<Vec<Window<'a>>>,
    /// What the members weigh at the cutoff.
    weighed: Vec<Weighed>,
}

/// The values of the combination (None) or of a member; None when it did not speak.
fn points<'a>(window: &'a Window<'_>, member: Option<usize>) -> Option<&'a [f64]> {
    match member {
        None => Some(&window.combined),
        Some(member) => window.said.members[member].as_deref().ok(),
    }
}

impl Speech<'_> {
    /// All that is said at the cutoff, with the scores of what was said before.
    fn panel_forecast(&self, refused: Vec<Refused>, judged: bool) -> PanelForecast {
        let forecasts = self.forecasts(None);
        let mut members: Vec<Forecast> = (0..self.members.len()).flat_map(|member| self.forecasts(Some(member))).collect();
        members.sort_by(|a, b| (&a.key, &a.model).cmp(&(&b.key, &b.model)));
        let names = if judged { self.names() } else { vec![] };
        let mut scores: Vec<Score> = names.into_iter().flat_map(|(member, name)| self.scores(member, name)).collect();
        scores.sort_by(|a, b| a.model.cmp(&b.model));
        let replaced = self.windows.last().map_or(0, |windows| windows.iter().map(|window| window.said.replaced).sum());
        let (weights, origins, paths) = (self.weights(), self.whole_origins().len() as u32, self.paths());
        PanelForecast { forecasts, members, weights, scores, refused, replaced, origins, paths }
    }

    /// What each member weighs at the cutoff, by member, then bucket.
    fn weights(&self) -> Vec<Weight> {
        let of = |(index, member): (usize, &&dyn Model)| {
            let one = move |weighed: &Weighed| (member.name(), weighed.bucket.label(), weighed.weights.get(index).copied().unwrap_or(0.0));
            self.weighed
                .iter()
                .map(one)
                .map(|(model, bucket, weight)| Weight { model: model.to_string(), bucket, weight })
                .collect::<Vec<_>>()
        };
        self.members.iter().enumerate().flat_map(of).collect()
    }

    fn names(&self) -> Vec<(Option<usize>, &'static str)> {
        let members = self.members.iter().enumerate().map(|(index, member)| (Some(index), member.name()));
        [(None, COMBINATION)].into_iter().chain(members).collect()
    }

    /// How the errors known at the origin of this index spread.
    fn spread(&self, index: usize, member: Option<usize>) -> Spread {
        self.spread_with_laws(index, member, 0)
    }

    /// The same, with laws of `grid` ranks.
    fn spread_with_laws(&self, index: usize, member: Option<usize>, grid: usize) -> Spread {
        let (history, now) = (&self.windows[..index], self.origins[index]);
        let horizon = self.settings.horizon as usize;
        let wanted = Wanted { horizon, factor: self.settings.explosion_factor, levels: &self.settings.levels };
        Spread::learn(self.ground, history, now, grid, wanted, |window| points(window, member))
    }

    /// Sample paths of what the combination says at the cutoff.
    fn paths(&self) -> SamplePaths {
        let (count, horizon) = (self.settings.paths as usize, self.settings.horizon as usize);
        if count == 0 {
            return SamplePaths::default();
        }
        let spread = self.spread_with_laws(self.origins.len() - 1, None, count);
        let past = Past { ground: self.ground, origins: &self.origins, windows: &self.windows, spread: &spread, horizon };
        sample_paths(&past, count, self.settings.seed, self.settings.threads)
    }

    /// The forecasts at the cutoff.
    fn forecasts(&self, member: Option<usize>) -> Vec<Forecast> {
        let index = self.origins.len() - 1;
        let spread = self.spread(index, member);
        let model = member.map_or(COMBINATION, |member| self.members[member].name());
        let one = |window: &Window<'_>| {
            let steps = points(window, member)?.iter().zip(1_u32..).map(|(&point, horizon)| {
                let reach = window.reach(horizon as usize - 1);
                let (mean, quantiles) = spread.around(point, reach, horizon as usize);
                let further = spread.further(point, reach, horizon as usize);
                ForecastStep { day: self.panel.cadence.advance(self.cutoff.0, horizon), horizon, mean, quantiles, further }
            });
            Some(Forecast {
                key: self.ground.tracks[window.said.series].key.clone(),
                category: self.panel.category.clone(),
                target: self.panel.target,
                cadence: self.panel.cadence,
                cutoff: self.cutoff,
                model: model.to_string(),
                steps: steps.collect(),
            })
        };
        self.windows[index].iter().filter_map(one).collect()
    }

    /// Indices of the origins whose whole horizon is known.
    fn whole_origins(&self) -> std::ops::Range<usize> {
        let horizon = self.settings.horizon as usize;
        0..self.origins.iter().filter(|origin| **origin + horizon <= self.last).count()
    }

    /// The rows of one model: all horizons, then each bucket. Every model is judged on the same values: where it was
    /// silent, naive speaks for it. A model that never spoke has no row.
    fn scores(&self, member: Option<usize>, name: &str) -> Vec<Score> {
        let whole = self.whole_origins();
        let taught = (whole.len() as f64 * TEACHING_SHARE) as usize;
        let naive = self.members.iter().position(|member| member.name() == NAIVE);
        let mut spoke = false;
        let all = Bucket { from: 1, to: self.settings.horizon };
        let labelled = buckets(&self.ground.rhythm, self.settings.horizon).into_iter().map(|bucket| (bucket.label(), bucket));
        let mut rows: Vec<(String, Bucket, Tally)> =
            [("all".to_string(), all)].into_iter().chain(labelled).map(|(label, bucket)| (label, bucket, Tally::default())).collect();
        for index in whole.skip(taught) {
            let (own, stand_in) = (self.spread(index, member), self.spread(index, naive));
            for window in &self.windows[index] {
                let said = points(window, member);
                spoke |= said.is_some();
                let Some((points, spread)) = said.map(|said| (said, &own)).or_else(|| Some((points(window, naive)?, &stand_in))) else {
                    continue;
                };
                let scales = self.scales(window);
                let steps: Vec<Option<(f64, [f64; 3])>> = points
                    .iter()
                    .enumerate()
                    .map(|(step, &point)| {
                        let came = self.ground.came(window.said.series, window.said.origin + step + 1)?;
                        Some((came, spread.around(point, window.reach(step), step + 1).1))
                    })
                    .collect();
                for (_, bucket, tally) in &mut rows {
                    let known: Vec<_> = steps[bucket.range()].iter().flatten().copied().collect();
                    tally.add(window.said.origin as i64, &self.ground.tracks[window.said.series].key, scales, &known);
                }
            }
        }
        rows.into_iter().filter(|_| spoke).filter_map(|(bucket, _, tally)| score(name, bucket, &tally)).collect()
    }

    fn scales(&self, window: &Window) -> Scales {
        let known = &self.ground.tracks[window.said.series].observed[..=window.said.origin];
        let start = known.iter().position(Option::is_some).unwrap_or(0);
        Scales::of(&known[start..], self.ground.rhythm.season)
    }
}

fn score(model: &str, bucket: String, tally: &Tally) -> Option<Score> {
    let row = tally.measures()?;
    Some(Score {
        model: model.to_string(),
        bucket,
        mase: row.mase,
        rmsse: row.rmsse,
        smape: row.smape,
        spl: row.spl,
        cov80: row.cov80,
        wape: row.wape,
        bias: row.bias,
        origins: row.origins,
        series: row.series,
    })
}
