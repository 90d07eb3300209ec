//! Accuracy and speed of the models of one series on a panel, by rolling origin, as `peer_bench.py` measures its peers.
//! In: `PANEL.csv HORIZON SEASON WINDOWS STEP [nonneg]`, the panel being `unique_id,ds,y`, sorted. Out: a row a model.
//! Never: a value after its cutoff.
//!
//! The panel comes from `polars.read_parquet(F).select("unique_id", "ds", "y").sort("unique_id", "ds").write_csv(CSV)`.
//! CPU seconds are read from the kernel's account of this thread, and cover fit and forecast.

use nongshi_models::forecasting::local::{Local, Unfit, ces, ets, mstl, sba, theta, tsb};
use std::collections::BTreeMap;

type Said = Result<Vec<f64>, Unfit>;
type Model = fn(&[f64], usize, usize) -> Said;

const MODELS: [(&str, Model); 7] = [
    ("naive", |values, _, horizon| Ok(vec![values[values.len() - 1]; horizon])),
    ("ets", |values, season, horizon| ets::fit(values, season).map(|fitted| fitted.forecast(horizon))),
    ("theta", |values, season, horizon| theta::fit(values, season).map(|fitted| fitted.forecast(horizon))),
    ("ces", |values, season, horizon| ces::fit(values, season).map(|fitted| fitted.forecast(horizon))),
    ("sba", |values, _, horizon| sba::fit(values).map(|fitted| fitted.forecast(horizon))),
    ("tsb", |values, _, horizon| tsb::fit(values).map(|fitted| fitted.forecast(horizon))),
    ("mstl", |values, season, horizon| {
        mstl::fit(values, &[season, if season == 7 { 365 } else { 1 }]).map(|fitted| fitted.forecast(horizon))
    }),
];

struct Plan {
    horizon: usize,
    season: usize,
    windows: usize,
    step: usize,
    nonneg: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| {
        given
            .get(place)
            .ok_or("PANEL.csv HORIZON SEASON WINDOWS STEP [nonneg]")?
            .parse::<usize>()
            .map_err(Box::<dyn std::error::Error>::from)
    };
    let plan = Plan { horizon: number(1)?, season: number(2)?, windows: number(3)?, step: number(4)?, nonneg: given.len() > 5 };
    let mut panel: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in std::fs::read_to_string(&given[0])?.lines().skip(1) {
        let mut cells = line.split(',');
        let (key, value) = (cells.next().unwrap_or(""), cells.nth(1).unwrap_or(""));
        panel.entry(key.to_string()).or_default().push(value.parse()?);
    }
    println!("{:8} {:>8} {:>10} {:>7} {:>8}", "model", "MASE", "CPU s", "fits", "refused");
    for (name, model) in MODELS {
        let before = cpu_secs()?;
        let said = run(&panel, &plan, model);
        let secs = cpu_secs()? - before;
        let errors: Vec<f64> = said.iter().flatten().copied().collect();
        let mase = errors.iter().sum::<f64>() / errors.len() as f64;
        println!("{name:8} {mase:8.4} {secs:10.3} {:7} {:8}", said.len(), said.len() - errors.len());
    }
    Ok(())
}

/// The scaled error of each series at each cutoff, nothing where the model refused.
fn run(panel: &BTreeMap<String, Vec<f64>>, plan: &Plan, model: Model) -> Vec<Option<f64>> {
    let mut errors = Vec::new();
    for values in panel.values() {
        for window in (0..plan.windows).rev() {
            let cutoff = values.len() - plan.horizon - window * plan.step;
            let (past, ahead) = (&values[..cutoff], &values[cutoff..cutoff + plan.horizon]);
            errors.push(model(past, plan.season, plan.horizon).ok().map(|said| scaled(past, ahead, &said, plan)));
        }
    }
    errors
}

fn scaled(past: &[f64], ahead: &[f64], said: &[f64], plan: &Plan) -> f64 {
    let lag = if past.len() > plan.season + 1 { plan.season } else { 1 };
    let scale = past.iter().zip(&past[lag..]).map(|(one, other)| (one - other).abs()).sum::<f64>() / (past.len() - lag) as f64;
    let floor = if plan.nonneg { 0.0 } else { f64::NEG_INFINITY };
    ahead.iter().zip(said).map(|(value, said)| (value - said.max(floor)).abs()).sum::<f64>() / (plan.horizon as f64 * scale)
}

/// Seconds this thread has been on a processor.
fn cpu_secs() -> Result<f64, Box<dyn std::error::Error>> {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(account.split_whitespace().next().ok_or("an empty account")?.parse::<f64>()? * 1e-9)
}
