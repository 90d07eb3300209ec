//! What ran, what is known until when, what was rejected, and where each setting came from.

use crate::args::{Format, When};
use crate::exit::{Exit, Failure};
use crate::project::Project;
use crate::show;
use crate::stages::transform::session;
use crate::way::day;
use datafusion::prelude::SessionContext;
use std::path::Path;

/// Prints the ledger and the freshness of every feed as of the day.
pub async fn status(folder: &Path, when: When) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let (ctx, _) = session(&project, day(when)).await?;
    let as_of = day(when);
    print(&ctx, "runs", "runs", "select as_of, stages, ended_at, round(seconds, 1) as seconds, round(cpu_seconds, 1) as cpu_seconds, peak_memory_bytes / 1048576 as peak_mib, gaps from runs order by ended_at desc limit 10").await?;
    print(&ctx, "batches by feed", "batches", "select feed, count(*) as batches, sum(received) as received, sum(accepted) as accepted, sum(rejected) as rejected, sum(received) = sum(accepted) + sum(rejected) as adds_up from batches group by feed order by feed").await?;
    print(
        &ctx,
        &format!("freshness as of {as_of}"),
        "freshness",
        "select category, target, feed, last_day, days from freshness order by category, target, feed",
    )
    .await?;
    print(&ctx, &format!("forecasts as of {as_of}"), "forecast_status", &format!("select category, target, status, last_day, series, origins, reason from forecast_status where as_of = '{as_of}' order by place, target")).await?;
    Ok(Exit::Done)
}

async fn print(ctx: &SessionContext, title: &str, table: &str, query: &str) -> Result<(), Failure> {
    println!("{title}");
    if !ctx.table_exist(table)? {
        println!("(nothing yet: `nongshi run`)\n");
        return Ok(());
    }
    let batches = ctx.sql(query).await?.collect().await?;
    show::write(&mut std::io::stdout().lock(), &batches, Format::Table)?;
    println!();
    Ok(())
}

/// Prints every setting with its value and where it came from.
pub fn config_show(folder: &Path) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let width = project.settings.origins_of_settings.iter().map(|(key, _, _)| key.len()).max().unwrap_or_default();
    for (key, value, origin) in &project.settings.origins_of_settings {
        println!("{key:<width$} = {value}  # {origin}");
    }
    Ok(Exit::Done)
}
