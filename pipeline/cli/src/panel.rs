//! Forecasts of any panel, no project needed. In: a CSV or Parquet file of `unique_id, ds, y`. Out: forecasts, or the
//! scores of what would have been said. Never: a row left out in silence; a value that came after the step spoken from.

mod read;
mod told;

use crate::args::{BacktestArgs, PanelArgs, PanelFreq};
use crate::columns::Columns;
use crate::exit::{Exit, Failure};
use crate::{machine, show};
use arrow::array::RecordBatch;
use nongshi_domain::{Forecast, ForecastStep};
use nongshi_models::forecasting::{Backtested, ForecastSettings, Measures, SaidAtEnd, backtest_from_ends, forecast_from_ends};
use std::path::Path;

/// The row of what `nongshi forecast` would have said.
const CHOSEN: &str = "combination";

/// Forecasts every series of a panel from its own end.
pub async fn forecast(args: PanelArgs) -> Result<Exit, Failure> {
    let (panel, steps) = read::read(&args, args.horizon).await?;
    let settings = settings(&args);
    let said = blocking(move || forecast_from_ends(&panel, &[0], &settings)).await?;
    let refused = tell_refused(&said);
    let mut forecasts: Vec<&Forecast> = said.iter().flat_map(|said| &said.said.forecasts).collect();
    forecasts.sort_by(|a, b| a.key.cmp(&b.key));
    let rows: Vec<(&Forecast, &ForecastStep)> = forecasts.into_iter().flat_map(each_step).collect();
    let mut columns = Columns::default().text("unique_id", rows.iter().map(|(said, _)| &said.key));
    columns = steps.column(columns, "ds", rows.iter().map(|(said, step)| (said.key.as_str(), step.day)));
    let batch = quantiles(columns, &rows, &args.told.levels);
    write(args.output.as_deref(), &[batch])?;
    Ok(if refused { Exit::Gaps } else { Exit::Done })
}

/// Scores what would have been said at the last cutoffs of each series.
pub async fn backtest(args: BacktestArgs) -> Result<Exit, Failure> {
    let (panel, steps) = read::read(&args.panel, 0).await?;
    let settings = settings(&args.panel);
    let (windows, apart) = (args.windows, args.step);
    let before = machine::cost().map_or(0.0, |(cpu, _)| cpu);
    let Backtested { said, scores } = blocking(move || backtest_from_ends(&panel, windows, apart, &settings)).await?;
    let cpu = machine::cost().map(|(cpu, _)| cpu - before);
    let refused = tell_refused(&said);
    let forecasts: Vec<Forecast> = said.into_iter().flat_map(|said| said.said.forecasts.into_iter().chain(said.said.members)).collect();
    if !scores.contains_key(CHOSEN) {
        return Err(Failure::new(Exit::Usage, "no series could be forecast at any of the cutoffs, so there is nothing to score")
            .hint("ask for fewer `--windows`, a smaller `--step` or a shorter `--horizon`, or give a longer panel"));
    }
    if let Some(path) = &args.dump {
        let rows: Vec<(&Forecast, &ForecastStep)> = forecasts.iter().flat_map(each_step).collect();
        let mut columns = Columns::default()
            .text("model", rows.iter().map(|(said, _)| &said.model))
            .text("unique_id", rows.iter().map(|(said, _)| &said.key));
        columns = steps.column(columns, "cutoff", rows.iter().map(|(said, _)| (said.key.as_str(), said.cutoff.0)));
        columns = steps.column(columns, "ds", rows.iter().map(|(said, step)| (said.key.as_str(), step.day)));
        write(Some(path), &[quantiles(columns, &rows, &args.panel.told.levels)])?;
    }
    let rows: Vec<serde_json::Value> = scores.iter().map(|(model, row)| score_row(model, row, cpu)).collect();
    let board = serde_json::json!({ "chosen": CHOSEN, "results": rows });
    let text = format!("{board:#}\n");
    match &args.panel.output {
        None => print!("{text}"),
        Some(path) => std::fs::write(path, text).map_err(|error| unwritable(path, &error))?,
    }
    Ok(if refused { Exit::Gaps } else { Exit::Done })
}

fn settings(args: &PanelArgs) -> ForecastSettings {
    ForecastSettings {
        horizon: args.horizon,
        seasons: args.season.clone(),
        numbered: args.freq == PanelFreq::Numbered,
        levels: args.told.levels.iter().map(|percent| percent / 100.0).collect(),
        threads: machine::threads() as usize,
        ..ForecastSettings::for_cadence(args.freq.cadence())
    }
}

/// Work that takes its time, away from the threads that wait for files.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::new(Exit::Bug, error.to_string()))
}

/// Names what was not forecast on stderr, each series once.
fn tell_refused(said: &[SaidAtEnd]) -> bool {
    const NAMED: usize = 20;
    let refused: Vec<_> = said.iter().flat_map(|said| said.said.refused.iter().map(|refused| (said.cutoff, refused))).collect();
    for (cutoff, refused) in refused.iter().take(NAMED) {
        eprintln!("not forecast from {}: `{}`: {}", cutoff.0, refused.key, refused.reason);
    }
    if refused.len() > NAMED {
        eprintln!("and {} more", refused.len() - NAMED);
    }
    !refused.is_empty()
}

fn each_step(said: &Forecast) -> impl Iterator<Item = (&Forecast, &ForecastStep)> {
    said.steps.iter().map(move |step| (said, step))
}

/// The columns of what was said, with the quantiles that were asked for, in percent.
fn quantiles(columns: Columns, rows: &[(&Forecast, &ForecastStep)], levels: &[f64]) -> RecordBatch {
    let at = |place: usize| rows.iter().map(move |(_, step)| step.quantiles[place]).collect::<Vec<f64>>();
    let mut columns = columns.number("y_hat", at(1)).number("mean", rows.iter().map(|(_, step)| step.mean));
    if levels.is_empty() {
        columns = columns.number("q10", at(0)).number("q50", at(1)).number("q90", at(2));
    }
    for (place, level) in levels.iter().enumerate() {
        columns = columns.number(&format!("q{level}"), rows.iter().map(|(_, step)| step.further[place]));
    }
    columns.batch().unwrap_or_else(|error| unreachable!("columns of one length: {error}"))
}

fn write(path: Option<&Path>, batches: &[RecordBatch]) -> Result<(), Failure> {
    let Some(path) = path else { return show::write(&mut std::io::stdout().lock(), batches, crate::args::Format::Csv) };
    let mut out = std::fs::File::create(path).map_err(|error| unwritable(path, &error))?;
    if path.extension().is_some_and(|extension| extension == "parquet") {
        return read::write_parquet(out, batches).map_err(|error| unwritable(path, &error));
    }
    show::write(&mut out, batches, crate::args::Format::Csv)
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Unreachable, format!("`{}` cannot be written: {error}", path.display()))
}

fn score_row(model: &str, row: &Measures, cpu: Option<f64>) -> serde_json::Value {
    serde_json::json!({
        "model": model,
        "MASE": row.mase, "RMSSE": row.rmsse, "sMAPE": row.smape,
        "SPL10": row.spl_at[0], "SPL50": row.spl_at[1], "SPL90": row.spl_at[2], "SPL": row.spl,
        "COV80": row.cov80, "WAPE": row.wape, "BIAS": row.bias, "WQL": row.wql,
        "n_windows": row.windows, "skipped": row.skipped,
        // members speak together: the whole is the combination's cost
        "cpu": if model == CHOSEN { cpu } else { None },
    })
}
