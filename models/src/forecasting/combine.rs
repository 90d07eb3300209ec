//! The members' weights. In: the windows of earlier origins, as far as their targets are known by now.
//! Out: a weight a member and horizon bucket; the weighted mean of what was said. Never: an error of a later step.
//!
//! A member's weight is its prior times a power of its mean absolute error relative to naive's in that bucket; the
//! combination is then drawn toward naive by the share that would have served best (combinations are hard to beat, and
//! so is naive: Smith and Wallis, A simple explanation of the forecast combination puzzle, Oxford Bulletin of Economics
//! and Statistics 71, 2009). Where the combination has never beaten naive, that share is all of it: naive speaks alone.
//! Means are taken of the transformed values. The powers and priors are one configuration for every panel.

use super::backtest::{Window, residual};
use super::ground::Ground;
use super::rhythm::Bucket;
use super::track::Transform;

/// Weights fall with this power of the relative error.
const POWER: i32 = 6;
/// A member whose error is above this multiple of the best one's is left out of the bucket.
const TRIM: f64 = 1.5;
/// Shares of the way from naive to the combination that are tried, in parts of this.
const SHARES: usize = 10;
/// What each whole way from naive must gain, by the root of the number of windows that do not overlap: with few of them a
/// gain is luck.
const CAUTION: f64 = 0.1;
/// Errors a bucket needs before weights are learnt; with fewer, weights are equal.
const MIN_ERRORS: usize = 20;
/// A member must have spoken for this share of the errors.
const MIN_SHARE: f64 = 0.5;

/// What a bucket has learnt.
#[derive(Debug, Clone, PartialEq)]
struct Learnt {
    /// By member; their sum is one.
    weights: Vec<f64>,
    /// How far from naive toward the members' mean, from 0 to 1.
    share: f64,
}

/// Weights by bucket.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    naive: usize,
    buckets: Vec<(Bucket, Learnt)>,
}

/// The members' prior weights, and which of them is naive.
#[derive(Debug, Clone)]
pub(super) struct Priors {
    /// By member.
    pub weights: Vec<f64>,
    /// Naive's place.
    pub naive: usize,
    /// Steps between origins.
    pub origin_step: u32,
}

impl Weights {
    /// Learns from the windows of `history` whose targets lie at or before `now`.
    pub fn learn(ground: &Ground, history: &[Vec<Window<'_>>], now: usize, buckets: &[Bucket], priors: &Priors) -> Weights {
        let learnt = buckets.iter().map(|&bucket| (bucket, learn(ground, history, now, bucket, priors)));
        Weights { naive: priors.naive, buckets: learnt.collect() }
    }

    /// The combination; members that did not speak pass their weight to those that did.
    pub fn combine(&self, transform: Transform, said: &[Result<Vec<f64>, String>]) -> Vec<f64> {
        let mut combined = Vec::new();
        for (bucket, learnt) in &self.buckets {
            combined.extend(bucket.range().map(|step| {
                let mean = weighted(transform, said, &learnt.weights, step);
                let naive = said[self.naive].as_ref().ok().and_then(|naive| naive.get(step)).map(|naive| transform.apply(*naive));
                let combined = match (naive, mean) {
                    (Some(naive), Some(mean)) => toward(naive, mean, learnt.share),
                    (Some(alone), None) | (None, Some(alone)) => alone,
                    (None, None) => plain_mean(transform, said, step),
                };
                transform.restore(combined)
            }));
        }
        combined
    }
}

fn toward(naive: f64, mean: f64, share: f64) -> f64 {
    naive + share * (mean - naive)
}

/// The weighted mean of one step, transformed; None when nobody with a weight spoke.
fn weighted(transform: Transform, said: &[Result<Vec<f64>, String>], weights: &[f64], step: usize) -> Option<f64> {
    let spoken = || said.iter().zip(weights).filter_map(|(said, weight)| Some((*said.as_ref().ok()?.get(step)?, *weight)));
    let total: f64 = spoken().map(|(_, weight)| weight).sum();
    (total > 0.0).then(|| spoken().filter(|(_, weight)| *weight > 0.0).map(|(value, weight)| weight / total * transform.apply(value)).sum())
}

/// The mean of whoever spoke, transformed.
fn plain_mean(transform: Transform, said: &[Result<Vec<f64>, String>], step: usize) -> f64 {
    let spoken = said.iter().filter_map(|said| said.as_ref().ok()?.get(step));
    let (sum, count) = spoken.fold((0.0, 0.0), |(sum, count), value| (sum + transform.apply(*value), count + 1.0));
    sum / count
}

/// Every known error of a bucket: the window, the index of the horizon, what came.
fn known<'a>(
    ground: &'a Ground,
    history: &'a [Vec<Window<'a>>],
    now: usize,
    bucket: Bucket,
) -> impl Iterator<Item = (&'a Window<'a>, usize, f64)> + 'a {
    let windows = history.iter().flatten();
    windows.flat_map(move |window| {
        let known = bucket.range().filter(move |step| window.said.origin + step < now);
        known.filter_map(move |step| Some((window, step, ground.came(window.said.series, window.said.origin + step + 1)?)))
    })
}

fn learn(ground: &Ground, history: &[Vec<Window<'_>>], now: usize, bucket: Bucket, priors: &Priors) -> Learnt {
    let error = |window: &Window<'_>, said: f64, actual: f64| residual(ground.target, actual, said, window.said.unit).abs();
    let members = priors.weights.len();
    // By member: its errors, and naive's at the same steps.
    let mut sums = vec![(0.0, 0.0, 0_usize); members];
    for (window, step, actual) in known(ground, history, now, bucket) {
        let Ok(rival) = &window.said.members[priors.naive] else { continue };
        let rival = error(window, rival[step], actual);
        for (sum, said) in sums.iter_mut().zip(&window.said.members) {
            if let Ok(said) = said {
                *sum = (sum.0 + error(window, said[step], actual), sum.1 + rival, sum.2 + 1);
            }
        }
    }
    let all = sums[priors.naive].2;
    let relative = |(sum, prior): (&(f64, f64, usize), &f64)| {
        let spoke = *prior > 0.0 && sum.2 as f64 >= MIN_SHARE * all as f64;
        (spoke && sum.1 > 0.0).then(|| (sum.0 / sum.1).max(f64::EPSILON))
    };
    let relative: Vec<Option<f64>> = if all < MIN_ERRORS { vec![] } else { sums.iter().zip(&priors.weights).map(relative).collect() };
    let best = relative.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    if best == f64::INFINITY {
        let total: f64 = priors.weights.iter().sum();
        let weights = priors.weights.iter().map(|weight| if total > 0.0 { weight / total } else { 1.0 / members as f64 });
        return Learnt { weights: weights.collect(), share: 1.0 };
    }
    let weight = |(relative, prior): (&Option<f64>, &f64)| {
        relative.filter(|relative| *relative <= TRIM * best).map_or(0.0, |relative| prior * (best / relative).powi(POWER))
    };
    let weights: Vec<f64> = relative.iter().zip(&priors.weights).map(weight).collect();
    let total: f64 = weights.iter().sum();
    let weights: Vec<f64> = weights.into_iter().map(|weight| weight / total).collect();
    // How much of the way from naive to the mean would have been best; of equals the shorter.
    let mut losses = [0.0; SHARES + 1];
    for (window, step, actual) in known(ground, history, now, bucket) {
        let Ok(naive) = &window.said.members[priors.naive] else { continue };
        let transform = ground.tracks[window.said.series].transform;
        let Some(mean) = weighted(transform, &window.said.members, &weights, step) else { continue };
        let naive = transform.apply(naive[step]);
        for (part, loss) in losses.iter_mut().enumerate() {
            let said = transform.restore(toward(naive, mean, part as f64 / SHARES as f64));
            *loss += error(window, said, actual);
        }
    }
    let windows = all as f64 / bucket.range().len() as f64 * (f64::from(priors.origin_step) / f64::from(bucket.to)).min(1.0);
    let caution = CAUTION / windows.max(1.0).sqrt() / SHARES as f64 * losses[0];
    let cost = |part: usize| losses[part] + caution * part as f64;
    let best = (0..losses.len()).fold(0, |best, part| if cost(part) < cost(best) { part } else { best });
    Learnt { weights, share: best as f64 / SHARES as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::backtest::Said;
    use crate::forecasting::synthetic::{ahead, day, panel_of};
    use nongshi_domain::{Cadence, Cutoff, Target};

    /// Demand that stays at 10 kg; each member is off by a fixed amount.
    fn learnt_of(offsets: &[f64], now: usize) -> Learnt {
        let panel = panel_of(Target::Demand, Cadence::Day, &[("a", vec![Some(10.0); 100])]);
        let ground = Ground::new(&panel, Cutoff(day("2020-04-14")), &ahead(panel.cadence, 2)).expect("values");
        let said = |origin: usize| Said {
            origin,
            series: 0,
            unit: 1.0,
            reach: vec![[1.0; 2]; 2],
            members: offsets.iter().map(|offset| Ok(vec![10.0 + offset; 2])).collect(),
            replaced: 0,
        };
        let all: Vec<Said> = (20..60).map(said).collect();
        let history: Vec<Vec<Window<'_>>> = all.iter().map(|said| vec![Window { said, combined: Vec::new() }]).collect();
        let priors = Priors { weights: vec![1.0; offsets.len()], naive: 0, origin_step: 1 };
        let weights = Weights::learn(&ground, &history, now, &[Bucket { from: 1, to: 2 }], &priors);
        weights.buckets[0].1.clone()
    }

    fn close(found: &[f64], expect: &[f64]) {
        assert!(found.len() == expect.len() && found.iter().zip(expect).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} for {expect:?}");
    }

    #[test]
    fn weights_fall_with_a_power_of_the_error() {
        // Errors 4, 4 and 3, relative 4/3 of the best: (3/4)^6 to (3/4)^6 to 1.
        let small = 0.75_f64.powi(6);
        let total = 2.0 * small + 1.0;
        close(&learnt_of(&[4.0, -4.0, 3.0], 99).weights, &[small / total, small / total, 1.0 / total]);
        // Errors far above the best are left out.
        assert_eq!(learnt_of(&[2.0, 9.0, 1.9], 99).weights[1], 0.0);
    }

    #[test]
    fn naive_stands_alone_where_the_others_only_harm() {
        // Both others are worse, on the same side: any way toward them is a way off.
        assert_eq!(learnt_of(&[2.0, 2.5, 2.9], 99).share, 0.0);
        // On the other side: between them lies what came.
        let learnt = learnt_of(&[2.0, -2.5, -2.9], 99);
        assert!(learnt.share > 0.3, "{learnt:?}");
    }

    #[test]
    fn errors_that_are_not_known_yet_teach_nothing() {
        let untaught = learnt_of(&[4.0, 9.0, 3.0], 25);
        close(&untaught.weights, &[1.0 / 3.0; 3]);
        assert_eq!(untaught.share, 1.0);
        // Ten origins and one step more, by two horizons less the last: 21 errors are known at step 31.
        assert!(learnt_of(&[4.0, 9.0, 3.0], 31).weights[1] < 0.1);
    }

    #[test]
    fn silent_members_pass_their_weight_on() {
        let learnt = |share| Learnt { weights: vec![0.25, 0.25, 0.5], share };
        let weights = |share| Weights { naive: 0, buckets: vec![(Bucket { from: 1, to: 1 }, learnt(share))] };
        let said = [Ok(vec![2.0]), Ok(vec![8.0]), Err("short".to_string())];
        close(&weights(1.0).combine(Transform::Log, &said), &[4.0]);
        // Half of the way from naive's 2 to their mean, on the logarithm.
        close(&weights(0.5).combine(Transform::Log, &said), &[8.0_f64.sqrt()]);
        let weights = weights(1.0);
        close(&weights.combine(Transform::Log, &[Err(String::new()), Ok(vec![8.0]), Err(String::new())]), &[8.0]);
    }
}
