//! The members' weights. In: the windows of earlier origins, as far as their targets are known by now.
//! Out: a weight a member and horizon bucket; the weighted mean of what was said. Never: an error of a later step.
//!
//! Equal weights, shrunk half-way toward the inverse of each member's mean absolute error relative to naive's
//! (combinations are hard to beat: Smith and Wallis, A simple explanation of the forecast combination puzzle, Oxford
//! Bulletin of Economics and Statistics 71, 2009). Where neither another member nor the combination has beaten naive,
//! naive speaks alone. Means are taken of the transformed values.

use super::backtest::{Window, residual};
use super::ground::Ground;
use super::rhythm::Bucket;
use super::track::Transform;

/// How far equal weights are drawn toward inverse errors.
const SHRINKAGE: f64 = 0.5;
/// A member whose error is above this multiple of the best one's is left out of the bucket.
const TRIM: f64 = 1.5;
/// Errors a bucket needs before weights are learnt; with fewer, weights are equal.
const MIN_ERRORS: usize = 20;
/// A member must have spoken for this share of the errors.
const MIN_SHARE: f64 = 0.5;

/// Weights by bucket, then by member; each bucket's sum is one.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    buckets: Vec<(Bucket, Vec<f64>)>,
}

impl Weights {
    /// Learns from the windows of `history` whose targets lie at or before `now`. `naive` is its place among the members.
    pub fn learn(ground: &Ground, history: &[Vec<Window>], now: usize, buckets: &[Bucket], members: usize, naive: usize) -> Weights {
        let learnt = buckets.iter().map(|&bucket| (bucket, bucket_weights(ground, history, now, bucket, members, naive)));
        Weights { buckets: learnt.collect() }
    }

    /// The combination; members that did not speak pass their weight to those that did.
    pub fn combine(&self, transform: Transform, said: &[Result<Vec<f64>, String>]) -> Vec<f64> {
        let mut combined = Vec::new();
        for (bucket, weights) in &self.buckets {
            combined.extend(bucket.range().map(|step| weighted(transform, said, weights, step)));
        }
        combined
    }
}

/// The weighted mean of one step; when nobody with a weight spoke, the plain mean of those who did.
fn weighted(transform: Transform, said: &[Result<Vec<f64>, String>], weights: &[f64], step: usize) -> f64 {
    let spoken = || said.iter().zip(weights).filter_map(|(said, weight)| Some((*said.as_ref().ok()?.get(step)?, *weight)));
    let total: f64 = spoken().map(|(_, weight)| weight).sum();
    let share = |weight: f64| if total > 0.0 { weight / total } else { 1.0 / spoken().count() as f64 };
    let mean = spoken().map(|(value, weight)| share(weight) * transform.apply(value)).sum();
    transform.restore(mean)
}

/// Every known error of a bucket: the window, the index of the horizon, what came.
fn known<'a>(
    ground: &'a Ground,
    history: &'a [Vec<Window>],
    now: usize,
    bucket: Bucket,
) -> impl Iterator<Item = (&'a Window, usize, f64)> + 'a {
    let windows = history.iter().flatten();
    windows.flat_map(move |window| {
        let known = bucket.range().filter(move |step| window.origin + step < now);
        known.filter_map(move |step| Some((window, step, ground.observed(window.series, window.origin + step + 1)?)))
    })
}

fn bucket_weights(ground: &Ground, history: &[Vec<Window>], now: usize, bucket: Bucket, members: usize, naive: usize) -> Vec<f64> {
    let alone: Vec<f64> = (0..members).map(|member| if member == naive { 1.0 } else { 0.0 }).collect();
    let error = |window: &Window, said: f64, actual: f64| residual(ground.target, actual, said, window.unit).abs();
    // By member: its errors, and naive's at the same steps.
    let mut sums = vec![(0.0, 0.0, 0_usize); members];
    for (window, step, actual) in known(ground, history, now, bucket) {
        let Ok(rival) = &window.said[naive] else { continue };
        let rival = error(window, rival[step], actual);
        for (sum, said) in sums.iter_mut().zip(&window.said) {
            if let Ok(said) = said {
                *sum = (sum.0 + error(window, said[step], actual), sum.1 + rival, sum.2 + 1);
            }
        }
    }
    let all = sums[naive].2;
    if all < MIN_ERRORS {
        return vec![1.0 / members as f64; members];
    }
    let relative = |sum: &(f64, f64, usize)| {
        let spoke = sum.2 as f64 >= MIN_SHARE * all as f64;
        (spoke && sum.1 > 0.0).then(|| (sum.0 / sum.1).max(f64::EPSILON))
    };
    let relative: Vec<Option<f64>> = sums.iter().map(relative).collect();
    let best = relative.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let inverse: Vec<f64> = relative
        .iter()
        .map(|relative| relative.filter(|relative| *relative <= TRIM * best).map_or(0.0, |relative| 1.0 / relative))
        .collect();
    let kept = inverse.iter().filter(|inverse| **inverse > 0.0).count();
    if kept == 0 {
        return alone;
    }
    let total: f64 = inverse.iter().sum();
    let equal = 1.0 / kept as f64;
    let shrunk = |inverse: &f64| if *inverse > 0.0 { equal + SHRINKAGE * (inverse / total - equal) } else { 0.0 };
    let weights: Vec<f64> = inverse.iter().map(shrunk).collect();
    if best < 1.0 {
        return weights;
    }
    // No member beats naive by itself; together they may.
    let (mut own, mut rivals) = (0.0, 0.0);
    for (window, step, actual) in known(ground, history, now, bucket) {
        let Ok(rival) = &window.said[naive] else { continue };
        own += error(window, weighted(ground.tracks[window.series].transform, &window.said, &weights, step), actual);
        rivals += error(window, rival[step], actual);
    }
    if own < rivals { weights } else { alone }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{day, panel_of};
    use nongshi_domain::{Cadence, Cutoff, Target};

    /// Demand that stays at 10 kg; each member is off by a fixed amount.
    fn weights_of(offsets: &[f64], now: usize) -> Vec<f64> {
        let panel = panel_of(Target::Demand, Cadence::Day, &[("a", vec![Some(10.0); 100])]);
        let ground = Ground::new(&panel, Cutoff(day("2020-04-14")), 2).expect("values");
        let window = |origin: usize| Window {
            origin,
            series: 0,
            unit: 1.0,
            said: offsets.iter().map(|offset| Ok(vec![10.0 + offset; 2])).collect(),
            combined: Vec::new(),
        };
        let history: Vec<Vec<Window>> = (20..60).map(|origin| vec![window(origin)]).collect();
        let weights = Weights::learn(&ground, &history, now, &[Bucket { from: 1, to: 2 }], offsets.len(), 0);
        weights.buckets[0].1.clone()
    }

    fn close(found: &[f64], expect: &[f64]) {
        assert!(found.len() == expect.len() && found.iter().zip(expect).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} for {expect:?}");
    }

    #[test]
    fn weights_stand_half_way_between_equal_and_inverse_errors() {
        // Errors 4, 4 and 3: inverse shares .3, .3 and .4, half-way to a third each.
        close(&weights_of(&[4.0, -4.0, 3.0], 99), &[0.316_666_666_666_667, 0.316_666_666_666_667, 0.366_666_666_666_667]);
    }

    #[test]
    fn a_bad_member_is_left_out_and_naive_may_stand_alone() {
        close(&weights_of(&[2.0, 9.0, 1.9], 99), &[0.493_589_743_589_744, 0.0, 0.506_410_256_410_256]);
        // Both others are worse than naive, on the same side.
        close(&weights_of(&[2.0, 2.5, 2.9], 99), &[1.0, 0.0, 0.0]);
        // Worse alone, but on the other side: together they beat it.
        assert!(weights_of(&[2.0, -2.5, -2.9], 99).iter().all(|weight| *weight > 0.2));
    }

    #[test]
    fn errors_that_are_not_known_yet_teach_nothing() {
        close(&weights_of(&[4.0, 9.0, 3.0], 25), &[1.0 / 3.0; 3]);
        // Ten origins and one step more, by two horizons less the last: 21 errors are known at step 31.
        assert!(weights_of(&[4.0, 9.0, 3.0], 31)[1] < 0.1);
    }

    #[test]
    fn silent_members_pass_their_weight_on() {
        let weights = Weights { buckets: vec![(Bucket { from: 1, to: 1 }, vec![0.25, 0.25, 0.5])] };
        let said = [Ok(vec![2.0]), Ok(vec![8.0]), Err("short".to_string())];
        close(&weights.combine(Transform::Log, &said), &[4.0]);
        close(&weights.combine(Transform::Log, &[Err(String::new()), Ok(vec![8.0]), Err(String::new())]), &[8.0]);
    }
}
