//! The forecaster on a panel by rolling origin, with every member beside it.
//! In: `PANEL.csv FREQ HORIZON SEASON WINDOWS STEP price|demand [DUMP.csv]`. Out: a row a model.
use nongshi_domain::{Cadence, Category, Cutoff, Forecast, Panel, Target};
use nongshi_models::forecasting::{ForecastSettings, backtest, score_forecasts};
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let (cadence, numbered) = match given[1].as_str() {
        "W" => (Cadence::Week, false),
        "M" => (Cadence::Month, false),
        "1" => (Cadence::Day, true),
        _ => (Cadence::Day, false),
    };
    let target = if given[6] == "price" { Target::Price } else { Target::Demand };
    let text = std::fs::read_to_string(&given[0])?;
    let epoch = chrono::NaiveDate::default();
    let rows = text.lines().skip(1).map(|line| {
        let mut cells = line.rsplitn(3, ',');
        let y: f64 = cells.next().unwrap_or_default().parse().unwrap_or(f64::NAN);
        let ds = cells.next().unwrap_or_default();
        let day = if numbered { epoch + chrono::Days::new(ds.parse().unwrap_or(0)) } else { ds[..10].parse().unwrap_or_default() };
        (cells.next().unwrap_or_default().to_string(), day, y)
    });
    let mut panel = Panel::gather(Category("panel".into()), target, cadence, rows);
    if numbered {
        let ends = panel.series.iter().map(|series| (series.start - epoch).num_days() + series.values.len() as i64).max().unwrap_or(0);
        for series in &mut panel.series {
            series.start = epoch + chrono::Days::new((ends - series.values.len() as i64) as u64);
        }
    }
    let number = |place: usize| given[place].parse::<u32>();
    let (horizon, season, windows, step) = (number(2)?, number(3)?, number(4)?, number(5)?);
    let settings = ForecastSettings { horizon, seasons: vec![season], numbered, threads: 2, ..ForecastSettings::for_cadence(cadence) };
    // each series' own last cutoffs
    let mut cutoffs = std::collections::BTreeMap::<Cutoff, std::collections::BTreeSet<String>>::new();
    for series in &panel.series {
        let end = cadence.steps_between(epoch, series.start) + series.values.len() as i64 - 1;
        for back in 0..windows {
            if let Ok(at) = u32::try_from(end - i64::from(horizon + back * step)) {
                cutoffs.entry(Cutoff(cadence.advance(epoch, at))).or_default().insert(series.key.clone());
            }
        }
    }
    let days: Vec<Cutoff> = cutoffs.keys().copied().collect();
    let mut said: Vec<Forecast> = Vec::new();
    for (one, keys) in backtest(&panel, &days, &settings).into_iter().zip(cutoffs.values()) {
        said.extend(one.forecasts.into_iter().chain(one.members).filter(|said| keys.contains(&said.key)));
    }
    for (model, row) in score_forecasts(&panel, Some(season as usize), &said) {
        println!(
            "{model:16} MASE {:.4} SPL {:.4} [{:.3} {:.3} {:.3}] cov {:.3} wape {:.4} bias {:+.4} n {}",
            row.mase, row.spl, row.spl_at[0], row.spl_at[1], row.spl_at[2], row.cov80, row.wape, row.bias, row.windows
        );
    }
    if let Some(path) = given.get(7) {
        let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
        writeln!(out, "unique_id,cutoff,model,ds,h,q10,q50,q90")?;
        for one in &said {
            for step in &one.steps {
                writeln!(
                    out,
                    "{},{},{},{},{},{},{},{}",
                    one.key, one.cutoff.0, one.model, step.day, step.horizon, step.quantiles[0], step.quantiles[1], step.quantiles[2]
                )?;
            }
        }
    }
    Ok(())
}
