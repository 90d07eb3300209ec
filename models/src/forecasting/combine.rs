//! The members' weights. In: the windows of earlier origins, as far as their targets are known by now.
//! Out: a weight a series, member and horizon bucket; the weighted mean of what was said. Never: an error of a later step.
//!
//! A member's weight is its prior times a power of its mean absolute error relative to naive's in that bucket: the
//! series' own errors and so many of the pool's (`KIN_WINDOWS`), as one member may suit a series and not its kin; the
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
/// A series' own errors are joined by the pool's, as many as so many windows that do not overlap have.
const KIN_WINDOWS: f64 = 10.0;
/// Errors a bucket needs before weights are learnt; with fewer, weights are equal.
const MIN_ERRORS: usize = 20;
/// A member must have spoken for this share of the errors.
const MIN_SHARE: f64 = 0.5;

/// What a bucket has learnt.
#[derive(Debug, Clone, PartialEq)]
struct Learnt {
    /// By series, then member; a series' sum is one.
    weights: Vec<Vec<f64>>,
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

    /// What each member weighs, by bucket.
    pub fn told(&self) -> Vec<Weighed> {
        let one = |(bucket, learnt): &(Bucket, Learnt)| {
            let series = learnt.weights.len().max(1) as f64;
            let members = learnt.weights.first().map_or(0, Vec::len);
            let mean = |member: usize| learnt.share * learnt.weights.iter().map(|weights| weights[member]).sum::<f64>() / series;
            let mut weights: Vec<f64> = (0..members).map(mean).collect();
            if let Some(naive) = weights.get_mut(self.naive) {
                *naive += 1.0 - learnt.share;
            }
            Weighed { bucket: *bucket, weights }
        };
        self.buckets.iter().map(one).collect()
    }

    /// The combination of what was said of a series; members that did not speak pass their weight to those that did.
    pub fn combine(&self, series: usize, transform: Transform, said: &[Result<Vec<f64>, String>]) -> Vec<f64> {
        let mut combined = Vec::new();
        for (bucket, learnt) in &self.buckets {
            combined.extend(bucket.range().map(|step| {
                let mean = weighted(transform, said, &learnt.weights[series], step);
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

/// What members weigh in a bucket.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weighed {
    /// The bucket.
    pub bucket: Bucket,
    /// By member, the mean over the series; naive's with the share that the combination is drawn toward it.
    pub weights: Vec<f64>,
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

/// Sums over errors.
#[derive(Debug, Clone, Copy, Default)]
struct Errors {
    /// Of a member.
    own: f64,
    /// Of naive at the same steps.
    rival: f64,
    count: f64,
}

impl Errors {
    fn and(self, other: Errors) -> Errors {
        Errors { own: self.own + other.own, rival: self.rival + other.rival, count: self.count + other.count }
    }

    /// As many errors of a member that is `relative` to a rival whose mean is `scale`.
    fn of(relative: f64, scale: f64, count: f64) -> Errors {
        Errors { own: relative * scale * count, rival: scale * count, count }
    }

    fn relative(self) -> Option<f64> {
        (self.rival > 0.0).then(|| (self.own / self.rival).max(f64::EPSILON))
    }
}

fn learn(ground: &Ground, history: &[Vec<Window<'_>>], now: usize, bucket: Bucket, priors: &Priors) -> Learnt {
    let error = |window: &Window<'_>, said: f64, actual: f64| residual(ground.target, actual, said, window.said.unit).abs();
    let (series, members) = (ground.tracks.len(), priors.weights.len());
    let mut own = vec![vec![Errors::default(); members]; series];
    for (window, step, actual) in known(ground, history, now, bucket) {
        let Ok(rival) = &window.said.members[priors.naive] else { continue };
        let rival = error(window, rival[step], actual);
        for (sum, said) in own[window.said.series].iter_mut().zip(&window.said.members) {
            if let Ok(said) = said {
                *sum = sum.and(Errors { own: error(window, said[step], actual), rival, count: 1.0 });
            }
        }
    }
    let pool = |member: usize| own.iter().fold(Errors::default(), |sum, series| sum.and(series[member]));
    let pool: Vec<Errors> = (0..members).map(pool).collect();
    let all = pool[priors.naive].count;
    let heard = |(sum, prior): (&Errors, &f64)| sum.relative().filter(|_| *prior > 0.0 && sum.count >= MIN_SHARE * all);
    let relative: Vec<Option<f64>> = pool.iter().zip(&priors.weights).map(heard).collect();
    if all < MIN_ERRORS as f64 || relative.iter().all(Option::is_none) {
        let total: f64 = priors.weights.iter().sum();
        let weights: Vec<f64> =
            priors.weights.iter().map(|weight| if total > 0.0 { weight / total } else { 1.0 / members as f64 }).collect();
        return Learnt { weights: vec![weights; series], share: 1.0 };
    }
    // windows that do not overlap, of each series on average
    let apart = (f64::from(priors.origin_step) / f64::from(bucket.to)).min(1.0);
    let kin = KIN_WINDOWS * bucket.range().len() as f64 / apart;
    let of_series = |own: &Vec<Errors>| {
        let naive = own[priors.naive];
        // errors are measured in the series' unit: where naive's are not known, or none, one unit
        let scale = if naive.rival > 0.0 { naive.rival / naive.count } else { 1.0 };
        let join =
            |(relative, own): (&Option<f64>, &Errors)| relative.and_then(|relative| own.and(Errors::of(relative, scale, kin)).relative());
        weigh(&relative.iter().zip(own).map(join).collect::<Vec<_>>(), &priors.weights)
    };
    let weights: Vec<Vec<f64>> = own.iter().map(of_series).collect();
    // How much of the way from naive to the mean would have been best; of equals the shorter.
    let mut losses = [0.0; SHARES + 1];
    for (window, step, actual) in known(ground, history, now, bucket) {
        let Ok(naive) = &window.said.members[priors.naive] else { continue };
        let transform = ground.tracks[window.said.series].transform;
        let Some(mean) = weighted(transform, &window.said.members, &weights[window.said.series], step) else { continue };
        let naive = transform.apply(naive[step]);
        for (part, loss) in losses.iter_mut().enumerate() {
            let said = transform.restore(toward(naive, mean, part as f64 / SHARES as f64));
            *loss += error(window, said, actual);
        }
    }
    let windows = all / bucket.range().len() as f64 * apart;
    let caution = CAUTION / windows.max(1.0).sqrt() / SHARES as f64 * losses[0];
    let cost = |part: usize| losses[part] + caution * part as f64;
    let best = (0..losses.len()).fold(0, |best, part| if cost(part) < cost(best) { part } else { best });
    Learnt { weights, share: best as f64 / SHARES as f64 }
}

/// Weights from relative errors, by member; one at least is known.
fn weigh(relative: &[Option<f64>], priors: &[f64]) -> Vec<f64> {
    let best = relative.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let weight = |(relative, prior): (&Option<f64>, &f64)| {
        relative.filter(|relative| *relative <= TRIM * best).map_or(0.0, |relative| prior * (best / relative).powi(POWER))
    };
    let weights: Vec<f64> = relative.iter().zip(priors).map(weight).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
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
        let history: Vec<Vec<Window<'_>>> = all.iter().map(|said| vec![Window { said, combined: Vec::new(), factor: 1.0 }]).collect();
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
        close(&learnt_of(&[4.0, -4.0, 3.0], 99).weights[0], &[small / total, small / total, 1.0 / total]);
        // Errors far above the best are left out.
        assert_eq!(learnt_of(&[2.0, 9.0, 1.9], 99).weights[0][1], 0.0);
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
        close(&untaught.weights[0], &[1.0 / 3.0; 3]);
        assert_eq!(untaught.share, 1.0);
        // Ten origins and one step more, by two horizons less the last: 21 errors are known at step 31.
        assert!(learnt_of(&[4.0, 9.0, 3.0], 31).weights[0][1] < 0.1);
    }

    #[test]
    fn silent_members_pass_their_weight_on() {
        let learnt = |share| Learnt { weights: vec![vec![0.25, 0.25, 0.5]], share };
        let weights = |share| Weights { naive: 0, buckets: vec![(Bucket { from: 1, to: 1 }, learnt(share))] };
        let said = [Ok(vec![2.0]), Ok(vec![8.0]), Err("short".to_string())];
        close(&weights(1.0).combine(0, Transform::Log, &said), &[4.0]);
        // Half of the way from naive's 2 to their mean, on the logarithm.
        close(&weights(0.5).combine(0, Transform::Log, &said), &[8.0_f64.sqrt()]);
        let weights = weights(1.0);
        close(&weights.combine(0, Transform::Log, &[Err(String::new()), Ok(vec![8.0]), Err(String::new())]), &[8.0]);
    }

    #[test]
    fn a_series_that_differs_from_its_kin_is_drawn_to_its_own_by_what_it_has_shown() {
        // Of eight series one is met by the second member, the others by the third.
        let named: Vec<(String, Vec<Option<f64>>)> = (0..8).map(|index| (format!("s{index}"), vec![Some(10.0); 400])).collect();
        let borrowed: Vec<(&str, Vec<Option<f64>>)> = named.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
        let panel = panel_of(Target::Demand, Cadence::Day, &borrowed);
        let ground = Ground::new(&panel, Cutoff(day("2021-02-08")), &ahead(panel.cadence, 1)).expect("values");
        let said = |origin: usize, series: usize| {
            let (second, third) = if series == 0 { (11.0, 12.0) } else { (12.0, 11.0) };
            let members = [13.0, second, third].into_iter().map(|value| Ok(vec![value])).collect();
            Said { origin, series, unit: 1.0, reach: vec![[1.0; 2]], members, replaced: 0 }
        };
        let learnt = |origins: usize| {
            let all: Vec<Said> = (20..20 + origins).flat_map(|origin| (0..8).map(move |series| said(origin, series))).collect();
            let history: Vec<Vec<Window<'_>>> = all.iter().map(|said| vec![Window { said, combined: Vec::new(), factor: 1.0 }]).collect();
            let priors = Priors { weights: vec![0.0, 1.0, 1.0], naive: 0, origin_step: 1 };
            learn(&ground, &history, 390, Bucket { from: 1, to: 1 }, &priors).weights
        };
        let (few, many) = (learnt(5), learnt(300));
        assert!(few[0][1] < 0.5 && many[0][1] > 0.9, "{few:?} {many:?}");
        assert!(few[3][2] > 0.8 && many[3][2] > 0.9, "{few:?} {many:?}");
    }

    #[test]
    fn told_weights_are_means_with_what_is_drawn_toward_naive() {
        let learnt = Learnt { weights: vec![vec![0.0, 1.0], vec![0.0, 0.5]], share: 0.6 };
        let weights = Weights { naive: 0, buckets: vec![(Bucket { from: 1, to: 2 }, learnt)] };
        close(&weights.told()[0].weights, &[0.4, 0.45]);
    }
}
