//! Reconciliation on a chain's daily sales: cost, residual, and every level's scores beside bottom-up.
//! In: `SALES.csv [THREADS [LOOKS]]`: city, shop, category, group, kind, product and then a value a day, a row a series.
//! Out: a row a level. Never: a value after its origin.
//!
//! The base is the same for every node: level and weekdays smoothed exponentially (Holt and Winters, additive, no
//! trend), both shares by the smallest squared error one day ahead, those errors being the looks. Quantiles lie around a
//! mean as its own node's past errors did; bottom-up and reconciled means carry the same ones.
//! The file: polars `scan_parquet(...).sort(keys + ["dt"]).group_by(keys, maintain_order=True).agg("sale_amount")`.

use nongshi_models::forecasting::reconcile::{Hierarchy, Level, Reconciler, carry};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

const WEEK: usize = 7;
const HORIZON: usize = 7;
const ORIGINS: usize = 8;
const LEVELS: [f64; 3] = [0.1, 0.5, 0.9];
/// Days whose errors are no looks: the weekdays are still being learnt.
const WARM_UP: usize = 2 * WEEK;
const LEVEL_SHARES: [f64; 6] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5];
const WEEKDAY_SHARES: [f64; 3] = [0.0, 0.05, 0.15];
const COLUMNS: [&str; 6] = ["city", "shop", "category", "group", "kind", "product"];
/// Levels by the columns that make a node.
const GROUPS: [(&str, &[usize]); 11] = [
    ("chain", &[]),
    ("city", &[0]),
    ("category", &[2]),
    ("city x category", &[0, 2]),
    ("group", &[3]),
    ("kind", &[4]),
    ("shop", &[1]),
    ("product", &[5]),
    ("city x product", &[0, 5]),
    ("shop x category", &[1, 2]),
    ("shop x kind", &[1, 4]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let path = given.first().ok_or("SALES.csv [THREADS [LOOKS]]")?;
    let threads = given.get(1).map_or(Ok(1), |threads| threads.parse())?;
    let looks = given.get(2).map_or(Ok(usize::MAX), |looks| looks.parse())?;
    let (keys, bottom) = read(path)?;
    let hierarchy = hierarchy(&keys)?;
    let days = bottom[0].len();
    let mut values = vec![Vec::with_capacity(days); hierarchy.nodes()];
    for day in 0..days {
        let sums = hierarchy.sum(&bottom.iter().map(|series| series[day]).collect::<Vec<f64>>());
        values.iter_mut().zip(sums).for_each(|(values, sum)| values.push(sum));
    }
    println!("{} nodes, {} at the bottom, {days} days", hierarchy.nodes(), hierarchy.bottoms());
    let names = hierarchy.levels().iter().cloned().chain([("shop x product".to_string(), hierarchy.bottom())]);
    let levels: Vec<_> = names.collect();
    let mut boards = vec![[Board::default(); 3]; levels.len()];
    for origin in (0..ORIGINS).rev().map(|back| days - HORIZON * (back + 1)) {
        let said: Vec<Said> = values.iter().map(|values| smooth(&values[..origin])).collect();
        let errors: Vec<Vec<f64>> = said.iter().map(|said| said.errors.clone()).collect();
        let base: Vec<Vec<f64>> = said.iter().map(|said| said.means.clone()).collect();
        let before = Instant::now();
        let reconciler = Reconciler::new(hierarchy.clone(), &latest(&errors, looks), threads)?;
        let learnt = before.elapsed().as_secs_f64();
        let reconciled = reconciler.reconcile(&base, threads)?;
        let whole = before.elapsed().as_secs_f64();
        let below: Vec<Vec<f64>> = (0..HORIZON)
            .map(|step| hierarchy.sum(&base[hierarchy.bottom()].iter().map(|said| said[step].max(0.0)).collect::<Vec<f64>>()))
            .collect();
        let (mut residual, mut zeros): (f64, usize) = (0.0, 0);
        for step in 0..HORIZON {
            let said: Vec<f64> = reconciled.iter().map(|said| said[step]).collect();
            let sums = hierarchy.sum(&said[hierarchy.bottom()]);
            residual = said.iter().zip(&sums).map(|(said, sum)| (said - sum).abs() / sum.abs().max(1.0)).fold(residual, f64::max);
            zeros += said[hierarchy.bottom()].iter().filter(|said| **said == 0.0).count();
            for ((_, nodes), board) in levels.iter().zip(&mut boards) {
                for node in nodes.clone() {
                    let (came, own) = (values[node][origin + step], &said_at(&base, node, step));
                    for (board, mean) in board.iter_mut().zip([own, &below[step][node], &said[node]]) {
                        board.add(came, *mean, &errors[node], scale(&values[node][..origin]));
                    }
                }
            }
        }
        let shrinkage = reconciler.shrinkage().map_or("variances alone".to_string(), |share| format!("shrinkage {share:.3}"));
        println!(
            "day {origin}: {} looks, {shrinkage}, learnt {learnt:.1} s, with {HORIZON} steps {whole:.1} s, residual {residual:.1e}, {zeros} zeros",
            errors[0].len()
        );
    }
    println!(
        "{:16} {:>6}  {:>8} {:>8} {:>8}  {:>7}   {:>8} {:>8}  {:>7}",
        "level", "nodes", "base SPL", "bottomup", "ours", "by b-up", "MASE b-up", "ours", "by b-up"
    );
    for ((name, nodes), [base, below, ours]) in levels.iter().zip(&boards) {
        let ((base, _), (below, below_mase), (ours, ours_mase)) = (base.means(), below.means(), ours.means());
        println!(
            "{name:16} {:6}  {base:8.4} {below:8.4} {ours:8.4}  {:7.4}   {below_mase:8.4} {ours_mase:8.4}  {:7.4}",
            nodes.len(),
            ours / below,
            ours_mase / below_mase
        );
    }
    println!("peak memory {} MiB", peak_mib()?);
    Ok(())
}

fn said_at(rows: &[Vec<f64>], node: usize, step: usize) -> f64 {
    rows[node][step].max(0.0)
}

type Sales = (Vec<Vec<String>>, Vec<Vec<f64>>);

fn read(path: &str) -> Result<Sales, Box<dyn Error>> {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for line in std::fs::read_to_string(path)?.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (key, sales) = cells.split_at_checked(COLUMNS.len()).ok_or("too few cells")?;
        keys.push(key.iter().map(|part| part.to_string()).collect());
        values.push(sales.iter().map(|cell| cell.parse()).collect::<Result<Vec<f64>, _>>()?);
    }
    Ok((keys, values))
}

fn hierarchy(keys: &[Vec<String>]) -> Result<Hierarchy, Box<dyn Error>> {
    let level = |(name, columns): &(&str, &[usize])| {
        let mut seen = BTreeMap::new();
        let one = |key: &Vec<String>| {
            let next = seen.len();
            *seen.entry(columns.iter().map(|column| key[*column].clone()).collect::<Vec<_>>()).or_insert(next)
        };
        Level { name: name.to_string(), groups: keys.iter().map(one).collect() }
    };
    Ok(Hierarchy::new(keys.len(), &GROUPS.iter().map(level).collect::<Vec<_>>())?)
}

/// The last looks of every node.
fn latest(errors: &[Vec<f64>], looks: usize) -> Vec<Vec<f64>> {
    errors.iter().map(|errors| errors[errors.len().saturating_sub(looks)..].to_vec()).collect()
}

/// What a node is forecast to be by itself.
struct Said {
    means: Vec<f64>,
    errors: Vec<f64>,
}

fn smooth(values: &[f64]) -> Said {
    let shares = LEVEL_SHARES.iter().flat_map(|level| WEEKDAY_SHARES.iter().map(move |weekday| (*level, *weekday)));
    let squares = |said: &Said| said.errors.iter().map(|error| error * error).sum::<f64>();
    let tried = shares.map(|(level, weekday)| smooth_by(values, level, weekday));
    tried.min_by(|one, other| squares(one).total_cmp(&squares(other))).expect("shares are tried")
}

fn smooth_by(values: &[f64], level_share: f64, weekday_share: f64) -> Said {
    let mut level = values[..WARM_UP].iter().sum::<f64>() / WARM_UP as f64;
    let mut weekdays: Vec<f64> = (0..WEEK).map(|day| (values[day] + values[day + WEEK]) / 2.0 - level).collect();
    let mut errors = Vec::with_capacity(values.len());
    for (day, value) in values.iter().enumerate().skip(WARM_UP) {
        let error = value - level - weekdays[day % WEEK];
        errors.push(error);
        level += level_share * error;
        weekdays[day % WEEK] += weekday_share * error;
    }
    Said { means: (0..HORIZON).map(|step| level + weekdays[(values.len() + step) % WEEK]).collect(), errors }
}

/// Mean absolute difference to the week before.
fn scale(values: &[f64]) -> f64 {
    values[WEEK..].iter().zip(values).map(|(later, earlier)| (later - earlier).abs()).sum::<f64>() / (values.len() - WEEK) as f64
}

/// Scaled losses of one level.
#[derive(Clone, Copy, Default)]
struct Board {
    pinball: f64,
    absolute: f64,
    steps: f64,
}

impl Board {
    fn add(&mut self, came: f64, mean: f64, errors: &[f64], scale: f64) {
        if scale <= 0.0 {
            return;
        }
        let mut sorted = errors.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |level: f64| sorted[((sorted.len() as f64 * level) as usize).min(sorted.len() - 1)];
        let quantiles = carry(LEVELS.map(at), 0.0, mean);
        for (level, said) in LEVELS.iter().zip(quantiles) {
            self.pinball += (level * (came - said)).max((level - 1.0) * (came - said)) / scale / LEVELS.len() as f64;
        }
        self.absolute += (came - mean).abs() / scale;
        self.steps += 1.0;
    }

    fn means(&self) -> (f64, f64) {
        (self.pinball / self.steps, self.absolute / self.steps)
    }
}

/// Most memory the process ever held, from the kernel's account.
fn peak_mib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}
