//! Reconciliation held against its definition, against a named program, and against its promises.

use super::reference::{free, nonnegative, shrunk, summing};
use super::*;
use nongshi_domain::Seed;
use proptest::prelude::*;

fn level(name: &str, groups: &[usize]) -> Level {
    Level { name: name.to_string(), groups: groups.to_vec() }
}

/// Two shops by three products: chain, shops, products; shops and products cross.
fn shops_by_products() -> Hierarchy {
    let levels = [level("chain", &[0; 6]), level("shop", &[0, 0, 0, 1, 1, 1]), level("product", &[0, 1, 2, 0, 1, 2])];
    Hierarchy::new(6, &levels).expect("a hierarchy")
}

/// Errors that share a part, by node.
fn errors(nodes: usize, looks: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut seed = Seed(seed);
    let shared: Vec<f64> = (0..looks).map(|_| seed.normal()).collect();
    (0..nodes).map(|node| shared.iter().map(|shared| (1.0 + (node % 4) as f64) * (0.6 * shared + seed.normal())).collect()).collect()
}

/// With correlations or without, whether they serve or not.
fn reconciler(hierarchy: &Hierarchy, errors: &[Vec<f64>], shrunk: bool, threads: usize) -> Reconciler {
    let learn = if shrunk { Covariance::shrunk } else { Covariance::variances };
    Reconciler::with(hierarchy.clone(), learn(hierarchy, errors), threads).expect("a reconciler")
}

fn column(rows: &[Vec<f64>], step: usize) -> Vec<f64> {
    rows.iter().map(|row| row[step]).collect()
}

fn rows(column: &[f64]) -> Vec<Vec<f64>> {
    column.iter().map(|value| vec![*value]).collect()
}

fn close(found: &[f64], expect: &[f64], tolerance: f64) {
    let size = expect.iter().fold(1.0, |size: f64, value| size.max(value.abs()));
    for (node, (found, expect)) in found.iter().zip(expect).enumerate() {
        assert!((found - expect).abs() <= tolerance * size, "node {node}: {found} for {expect}");
    }
    assert_eq!(found.len(), expect.len());
}

#[test]
fn nodes_are_counted_level_by_level() {
    let hierarchy = shops_by_products();
    assert_eq!((hierarchy.nodes(), hierarchy.bottoms(), hierarchy.bottom()), (12, 6, 6..12));
    assert_eq!(hierarchy.levels()[1], ("shop".to_string(), 1..3));
    let sums = hierarchy.sum(&[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
    assert_eq!(sums, [66.0, 6.0, 60.0, 11.0, 22.0, 33.0, 1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
}

#[test]
fn it_is_what_plain_elimination_says() {
    for (looks, seed, shrunk_too) in [(3, 1, false), (19, 2, false), (20, 3, true), (24, 4, true), (90, 5, true)] {
        let hierarchy = shops_by_products();
        let errors = errors(hierarchy.nodes(), looks, seed);
        let reconciler = reconciler(&hierarchy, &errors, shrunk_too, 1);
        let dense = shrunk(&errors, reconciler.shrinkage().unwrap_or(1.0));
        let mut draws = Seed(seed);
        let summing = summing(&hierarchy);
        let (mut low, mut high) = (0, 0);
        for case in 0..40 {
            // every other one is far from zero
            let bottom: Vec<f64> = (0..hierarchy.bottoms()).map(|_| if case % 2 == 0 { 40.0 } else { 1.0 } + draws.normal()).collect();
            let base: Vec<f64> = hierarchy.sum(&bottom).into_iter().map(|value| value + 4.0 * draws.normal()).collect();
            let said = column(&reconciler.reconcile(&rows(&base), 1).expect("forecasts"), 0);
            let plain = free(&summing, &dense, &base);
            if plain.iter().all(|value| *value >= 0.0) {
                close(&said, &hierarchy.sum(&plain), 1e-8);
                high += 1;
            } else {
                low += 1;
            }
            close(&said, &hierarchy.sum(&nonnegative(&summing, &dense, &base)), 1e-8);
        }
        assert!(low > 5 && high > 0, "zero is met and it is not: {low}, {high}");
    }
}

/// hierarchicalforecast 1.5.3 on numpy 2.4.6, Python 3.11: `MinTrace(method, nonnegative=True).fit_predict(S=S, y_hat=y,
/// y_insample=E, y_hat_insample=0 * E)`, with `E[i, t]` as here (`wls_var`: its first 19 looks), the free numbers from
/// `nonnegative=False`. There `mint_shrink` takes the errors' means off, and variances get 2e-8 more.
#[test]
fn it_is_what_hierarchicalforecast_says() {
    let hierarchy = shops_by_products();
    let cell = |i: i64, t: i64| {
        let own = ((7 * i * i + 11 * i * t + 5 * t * t + 3 * i) % 17 - 8) as f64 * (1 + i % 4) as f64 / 4.0;
        own + 3.0 * ((t * t + 3 * t) % 5 - 2) as f64
    };
    let errors = |looks: i64| (0..12).map(|i| (0..looks).map(|t| cell(i, t)).collect::<Vec<f64>>()).collect::<Vec<_>>();
    let centred = |errors: Vec<f64>| {
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        errors.into_iter().map(|error| error - mean).collect::<Vec<f64>>()
    };
    let high = [100.0, 42.0, 61.0, 30.0, 33.0, 35.0, 12.0, 14.0, 13.0, 20.0, 21.0, 22.0];
    let low = [20.0, 30.0, 2.0, 1.0, 21.0, 26.0, 1.0, 9.0, 14.0, 0.5, 1.0, 3.0];
    let base: Vec<Vec<f64>> = high.into_iter().zip(low).map(|(high, low)| vec![high, low]).collect();
    let cases = [
        (
            errors(24).into_iter().map(centred).collect::<Vec<_>>(),
            [12.5228488797, 14.6422524501, 13.545972861, 19.148629486, 18.9658655185, 21.6778166016],
            [0.0, 12.066100121, 9.7251968384, 0.0, 0.0, 0.0],
        ),
        (
            errors(19),
            [12.2821789677, 14.2548335996, 13.8391520562, 19.2549836008, 19.5494958452, 21.4585780034],
            [0.0, 12.437289238, 15.557911873, 0.0, 1.0086246729, 1.5092161894],
        ),
    ];
    for (errors, free, nonnegative) in cases {
        let reconciler = reconciler(&hierarchy, &errors, errors[0].len() == 24, 1);
        let said = reconciler.reconcile(&base, 1).expect("forecasts");
        // its variances carry 2e-8 more
        close(&column(&said, 0), &hierarchy.sum(&free), 1e-8);
        // its solver of quadratic programs ends at 1e-8 and the result is kept in 32 bits
        close(&column(&said, 1), &hierarchy.sum(&nonnegative), 1e-6);
    }
}

#[test]
fn without_errors_a_node_counts_by_its_series() {
    let hierarchy = Hierarchy::new(2, &[level("chain", &[0, 0])]).expect("a hierarchy");
    let reconciler = Reconciler::new(hierarchy, &[vec![], vec![], vec![]], 1).expect("a reconciler");
    // 4 missing, shared by variances 2, 1 and 1: the chain gives 2, each shop takes 1
    close(&column(&reconciler.reconcile(&rows(&[14.0, 4.0, 6.0]), 1).expect("forecasts"), 0), &[12.0, 5.0, 7.0], 1e-12);
}

#[test]
fn nodes_that_were_never_wrong_are_not_moved_far() {
    let hierarchy = Hierarchy::new(2, &[level("chain", &[0, 0])]).expect("a hierarchy");
    let wrong: Vec<f64> = (0..30).map(|look| if look % 2 == 0 { 3.0 } else { -3.0 }).collect();
    let reconciler = Reconciler::new(hierarchy, &[wrong.clone(), vec![0.0; 30], wrong], 1).expect("a reconciler");
    close(&column(&reconciler.reconcile(&rows(&[14.0, 4.0, 6.0]), 1).expect("forecasts"), 0), &[12.0, 4.0, 8.0], 1e-4);
}

#[test]
fn threads_change_no_byte() {
    let hierarchy = shops_by_products();
    let errors = errors(hierarchy.nodes(), 30, 9);
    let mut draws = Seed(3);
    let base: Vec<Vec<f64>> = (0..hierarchy.nodes()).map(|_| (0..20).map(|_| 3.0 + 4.0 * draws.normal()).collect()).collect();
    let said = |threads: usize| {
        let reconciler = reconciler(&hierarchy, &errors, true, threads);
        let said = reconciler.reconcile(&base, threads).expect("forecasts").concat();
        said.into_iter().map(f64::to_bits).collect::<Vec<u64>>()
    };
    assert_eq!(said(1), said(2));
    assert_eq!(said(1), said(5));
}

#[test]
fn sample_paths_add_up_and_keep_how_errors_came_together() {
    let hierarchy = Hierarchy::new(2, &[level("chain", &[0, 0])]).expect("a hierarchy");
    let looks = 60;
    let mut draws = Seed(17);
    let first: Vec<f64> = (0..looks).map(|_| draws.normal()).collect();
    // every node's own samples, spread alike whatever the errors of the two shops have to do with each other
    let spread = |mean: f64, width: f64| (0..looks).map(|at| mean + width * (at as f64 / (looks - 1) as f64 - 0.5)).collect::<Vec<f64>>();
    let samples = [spread(20.0, 12.0), spread(8.0, 10.0), spread(12.0, 10.0)];
    let mut width = |second: Vec<f64>| {
        // the chain by itself is far less certain, so that its shops have the word
        let chain: Vec<f64> = first.iter().zip(&second).map(|(one, other)| one + other + 5.0 * draws.normal()).collect();
        let errors = [chain, first.clone(), second];
        let paths = reorder(&samples, &errors).expect("paths");
        let said = reconciler(&hierarchy, &errors, false, 1).reconcile(&paths, 1).expect("paths that add up");
        for ((chain, one), other) in said[0].iter().zip(&said[1]).zip(&said[2]) {
            assert!((chain - one - other).abs() <= 1e-9 * chain && *one >= 0.0 && *other >= 0.0, "{chain} of {one} and {other}");
        }
        let [low, middle, high] = quantiles(&said[0]).expect("samples");
        assert!(low <= middle && middle <= high);
        high - low
    };
    let together = width(first.iter().map(|error| error + 0.01).collect());
    let against = width(first.iter().map(|error| 0.01 - error).collect());
    assert!(together > 2.0 * against, "{together} and {against}");
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let refused = |made: Result<Hierarchy, ReconcileError>| made.err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(refused(Hierarchy::new(0, &[])), "a hierarchy needs a series at its bottom");
    assert_eq!(refused(Hierarchy::new(3, &[level("shop", &[0, 1])])), "level `shop` places 2 series, the bottom has 3");
    assert_eq!(refused(Hierarchy::new(3, &[level("shop", &[0, 2, 2])])), "node 1 of level `shop` has no series below it");
    let far = [level("chain", &[0, 0]), level("shop", &[0, usize::MAX])];
    assert_eq!(refused(Hierarchy::new(2, &far)), "node 1 of level `shop` has no series below it");
    let learnt = |errors: &[Vec<f64>]| Reconciler::new(shops_by_products(), errors, 1).err().map(|error| error.to_string());
    assert_eq!(learnt(&vec![vec![1.0]; 11]).as_deref(), Some("11 rows of errors for 12 nodes"));
    let mut uneven = vec![vec![1.0, 2.0]; 12];
    uneven[7].pop();
    assert_eq!(learnt(&uneven).as_deref(), Some("node 7 has 1 errors, the first has 2"));
    uneven[7].push(f64::NAN);
    assert_eq!(learnt(&uneven).as_deref(), Some("errors of node 7, place 1: not a finite number"));
    let reconciler = Reconciler::new(shops_by_products(), &vec![vec![1.0]; 12], 1).expect("a reconciler");
    let said = |base: &[Vec<f64>]| reconciler.reconcile(base, 1).err().map(|error| error.to_string());
    assert_eq!(said(&vec![vec![1.0]; 13]).as_deref(), Some("13 rows of forecasts for 12 nodes"));
    assert_eq!(said(&vec![vec![f64::INFINITY]; 12]).as_deref(), Some("forecasts of node 0, place 0: not a finite number"));
}

/// A hierarchy of any levels over up to nine series, errors and base forecasts of widely different sizes.
fn any_case() -> impl Strategy<Value = (Hierarchy, Vec<Vec<f64>>, Vec<f64>)> {
    (1_usize..9, 0_usize..4, 0_usize..40, any::<u64>()).prop_map(|(bottoms, levels, looks, seed)| {
        let mut draws = Seed(seed);
        let dense = |wanted: Vec<usize>| {
            let mut seen: Vec<usize> = wanted.clone();
            seen.sort_unstable();
            seen.dedup();
            wanted.iter().map(|group| seen.binary_search(group).expect("seen")).collect::<Vec<usize>>()
        };
        let levels: Vec<Level> = (0..levels)
            .map(|place| level(&format!("level {place}"), &dense((0..bottoms).map(|_| (draws.uniform() * 4.0) as usize).collect())))
            .collect();
        let hierarchy = Hierarchy::new(bottoms, &levels).expect("a hierarchy");
        let mut sizes = |_| 10.0_f64.powf(3.0 * draws.uniform() - 1.0);
        let sizes: Vec<f64> = (0..hierarchy.nodes()).map(&mut sizes).collect();
        // one node in ten was never wrong
        let errors = sizes.iter().map(|size| {
            let size = if draws.uniform() < 0.1 { 0.0 } else { *size };
            (0..looks).map(|_| size * draws.normal()).collect()
        });
        let errors: Vec<Vec<f64>> = errors.collect();
        let base = sizes.iter().map(|size| size * (1.0 + draws.normal())).collect();
        (hierarchy, errors, base)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_said_adds_up_is_not_negative_and_stays((hierarchy, errors, base) in any_case()) {
        let correlated = errors[0].len() > 10;
        let reconciler = reconciler(&hierarchy, &errors, correlated, 1);
        let said = column(&reconciler.reconcile(&rows(&base), 1).expect("forecasts"), 0);
        prop_assert!(said.iter().all(|value| *value >= 0.0 && value.is_finite()), "{said:?}");
        let sums = hierarchy.sum(&said[hierarchy.bottom()]);
        for (said, sum) in said.iter().zip(&sums) {
            prop_assert!((said - sum).abs() <= 1e-9 * sum.abs(), "{said} for {sum}");
        }
        // what adds up is left as it is: a second time changes nothing
        let again = column(&reconciler.reconcile(&rows(&said), 1).expect("forecasts"), 0);
        for (again, said) in again.iter().zip(&said) {
            prop_assert!((again - said).abs() <= 1e-9 * said.abs(), "{again} for {said}");
        }
    }

    #[test]
    fn no_series_can_be_moved_nearer((hierarchy, errors, base) in any_case()) {
        let correlated = errors[0].len() > 10;
        let reconciler = reconciler(&hierarchy, &errors, correlated, 1);
        let said = column(&reconciler.reconcile(&rows(&base), 1).expect("forecasts"), 0);
        let projection = &reconciler.projection;
        let mut point = projection.origin();
        // the looks' part of the answer, all series held where they are
        point.bottom = said[hierarchy.bottom()].to_vec();
        prop_assert!(projection.solve(&base, &vec![true; hierarchy.bottoms()], &mut point));
        let start = projection.downhill(&base, &projection.origin()).bottom;
        let scaled = |values: &[f64], series: usize| values[series] / projection.diagonal[series].sqrt();
        let size = (0..hierarchy.bottoms()).map(|series| scaled(&start, series).abs()).fold(0.0, f64::max);
        let downhill = projection.downhill(&base, &point).bottom;
        for (series, value) in point.bottom.iter().enumerate() {
            let slope = scaled(&downhill, series);
            prop_assert!(slope <= 1e-7 * size && (*value == 0.0 || slope >= -1e-7 * size), "series {series} at {value}: {slope} of {size}");
        }
    }
}
