//! The forecast of a panel, step by step. In: panel, cutoff, settings, members. Out: `PanelForecast`.
//! Never: learns a weight or a quantile from an error that was not known at the origin it serves.

use super::backtest::{Walk, Window, refusal, walk};
use super::combine::Weights;
use super::conformal::Spread;
use super::ground::Ground;
use super::model::Model;
use super::rhythm::{Bucket, buckets};
use super::scores::{Scales, Tally};
use super::{ForecastSettings, PanelForecast, Refused, Score};
use nongshi_domain::{Cutoff, Forecast, ForecastStep, Panel};

/// The combination's name.
const COMBINATION: &str = "combination";
/// The rival's name.
const NAIVE: &str = "naive";
/// This share of the whole origins only teaches; the later ones are scored, every model on the same.
const TEACHING_SHARE: f64 = 1.0 / 3.0;

/// Forecasts a panel with the given members, naive among them.
pub(super) fn speak(panel: &Panel, cutoff: Cutoff, settings: &ForecastSettings, members: &[&dyn Model]) -> PanelForecast {
    let refused = refusals(panel, cutoff);
    let ground = Ground::new(panel, cutoff, settings.horizon as usize).filter(|_| settings.horizon > 0);
    let Some(ground) = ground else {
        return PanelForecast { forecasts: vec![], members: vec![], scores: vec![], refused, replaced: 0, origins: 0 };
    };
    let mut walk = walk(&ground, members, settings);
    combine(&ground, &mut walk, settings, members);
    let speech = Speech { panel, cutoff, settings, members, ground: &ground, walk: &walk };
    let names = speech.names();
    let forecasts = speech.forecasts(None);
    let mut by_member: Vec<Forecast> = (0..members.len()).flat_map(|member| speech.forecasts(Some(member))).collect();
    by_member.sort_by(|a, b| (&a.key, &a.model).cmp(&(&b.key, &b.model)));
    let mut scores: Vec<Score> = names.into_iter().flat_map(|(member, name)| speech.scores(member, name)).collect();
    scores.sort_by(|a, b| a.model.cmp(&b.model));
    PanelForecast { forecasts, members: by_member, scores, refused, replaced: walk.replaced, origins: speech.whole_origins().len() as u32 }
}

/// Every series without a forecast, in order of key.
fn refusals(panel: &Panel, cutoff: Cutoff) -> Vec<Refused> {
    let known = Ground::new(panel, cutoff, 0);
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

/// Lets the combination speak at every origin, with weights from the origins before.
pub(super) fn combine(ground: &Ground, walk: &mut Walk, settings: &ForecastSettings, members: &[&dyn Model]) {
    let buckets = buckets(ground.cadence, settings.horizon);
    let naive = members.iter().position(|member| member.name() == NAIVE).unwrap_or(0);
    for (index, &origin) in walk.origins.iter().enumerate() {
        let (history, now) = walk.windows.split_at_mut(index);
        let weights = Weights::learn(ground, history, origin, &buckets, members.len(), naive);
        for window in &mut now[0] {
            window.combined = weights.combine(ground.tracks[window.series].transform, &window.said);
        }
    }
}

/// What has been walked, ready to be told and judged.
struct Speech<'a> {
    panel: &'a Panel,
    cutoff: Cutoff,
    settings: &'a ForecastSettings,
    members: &'a [&'a dyn Model],
    ground: &'a Ground,
    walk: &'a Walk,
}

/// The values of the combination (None) or of a member; None when it did not speak.
fn points(window: &Window, member: Option<usize>) -> Option<&[f64]> {
    match member {
        None => Some(&window.combined),
        Some(member) => window.said[member].as_deref().ok(),
    }
}

impl<'a> Speech<'a> {
    fn names(&self) -> Vec<(Option<usize>, &'static str)> {
        let members = self.members.iter().enumerate().map(|(index, member)| (Some(index), member.name()));
        [(None, COMBINATION)].into_iter().chain(members).collect()
    }

    /// How the errors known at the origin of this index spread.
    fn spread(&self, index: usize, member: Option<usize>) -> Spread {
        let (history, now) = (&self.walk.windows[..index], self.walk.origins[index]);
        let horizon = self.settings.horizon as usize;
        Spread::learn(self.ground, history, now, horizon, self.settings.explosion_factor, |window| points(window, member))
    }

    /// The forecasts at the cutoff.
    fn forecasts(&self, member: Option<usize>) -> Vec<Forecast> {
        let index = self.walk.origins.len() - 1;
        let spread = self.spread(index, member);
        let model = member.map_or(COMBINATION, |member| self.members[member].name());
        let one = |window: &Window| {
            let steps = points(window, member)?.iter().zip(1_u32..).map(|(&point, horizon)| {
                let (mean, quantiles) = spread.around(point, window.unit, horizon as usize);
                ForecastStep { day: self.panel.cadence.advance(self.cutoff.0, horizon), horizon, mean, quantiles }
            });
            Some(Forecast {
                key: self.ground.tracks[window.series].key.clone(),
                category: self.panel.category.clone(),
                target: self.panel.target,
                cadence: self.panel.cadence,
                cutoff: self.cutoff,
                model: model.to_string(),
                steps: steps.collect(),
            })
        };
        self.walk.windows[index].iter().filter_map(one).collect()
    }

    /// Indices of the origins whose whole horizon is known.
    fn whole_origins(&self) -> std::ops::Range<usize> {
        let horizon = self.settings.horizon as usize;
        0..self.walk.origins.iter().filter(|origin| **origin + horizon <= self.ground.last).count()
    }

    /// The rows of one model: all horizons, then each bucket. Every model is judged on the same values: where it was
    /// silent, naive speaks for it. A model that never spoke has no row.
    fn scores(&self, member: Option<usize>, name: &str) -> Vec<Score> {
        let whole = self.whole_origins();
        let taught = (whole.len() as f64 * TEACHING_SHARE) as usize;
        let naive = self.members.iter().position(|member| member.name() == NAIVE);
        let mut spoke = false;
        let all = Bucket { from: 1, to: self.settings.horizon };
        let labelled = buckets(self.ground.cadence, self.settings.horizon).into_iter().map(|bucket| (bucket.label(), bucket));
        let mut rows: Vec<(String, Bucket, Tally)> =
            [("all".to_string(), all)].into_iter().chain(labelled).map(|(label, bucket)| (label, bucket, Tally::default())).collect();
        for index in whole.skip(taught) {
            let (own, stand_in) = (self.spread(index, member), self.spread(index, naive));
            for window in &self.walk.windows[index] {
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
                        let came = self.ground.observed(window.series, window.origin + step + 1)?;
                        Some((came, spread.around(point, window.unit, step + 1).1))
                    })
                    .collect();
                for (_, bucket, tally) in &mut rows {
                    let known: Vec<_> = steps[bucket.range()].iter().flatten().copied().collect();
                    tally.add(window.origin as i64, &self.ground.tracks[window.series].key, scales, &known);
                }
            }
        }
        rows.into_iter().filter(|_| spoke).filter_map(|(bucket, _, tally)| score(name, bucket, &tally)).collect()
    }

    fn scales(&self, window: &Window) -> Scales {
        let known = &self.ground.tracks[window.series].observed[..=window.origin];
        let start = known.iter().position(Option::is_some).unwrap_or(0);
        Scales::of(&known[start..], self.ground.rhythm().season)
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
