//! SQL for analysts: one query, a server, a query on the distributed engine. In: SQL. Out: rows. Never: a write.

use crate::args::{Format, When};
use crate::engine;
use crate::exit::{Exit, Failure};
use crate::project::Project;
use crate::show;
use crate::stages::transform::{as_known, session};
use crate::way::day;
use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{SQLOptions, SessionContext};
use futures::StreamExt;
use nongshi_domain::nearest;
use nongshi_lake::Catalog;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Answers one query.
pub async fn sql(
    folder: &Path,
    when: When,
    command: Option<String>,
    file: Option<PathBuf>,
    format: Option<Format>,
    output: Option<PathBuf>,
) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let query = match (command, file) {
        (Some(query), _) => query,
        (None, Some(path)) => std::fs::read_to_string(&path)
            .map_err(|error| Failure::new(Exit::Usage, format!("`{}` cannot be read: {error}", path.display())))?,
        (None, None) => return Err(Failure::new(Exit::Usage, "no query was given")),
    };
    let (ctx, _) = session(&project, day(when)).await?;
    let rows = answer(&ctx, &query).await?;
    match output {
        Some(path) => to_file(&path, rows, format.unwrap_or(Format::Csv)).await?,
        None => to_people(rows, project.settings.max_rows, format.unwrap_or_else(show::usual)).await?,
    }
    Ok(Exit::Done)
}

/// Plans and begins a query that only reads.
async fn answer(ctx: &SessionContext, query: &str) -> Result<SendableRecordBatchStream, Failure> {
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = match ctx.sql_with_options(query, reading).await {
        Ok(frame) => frame,
        Err(error) => return Err(query_failure(ctx, &error)),
    };
    frame.execute_stream().await.map_err(|error| query_failure(ctx, &error))
}

fn broken(error: &DataFusionError) -> Failure {
    Failure::of_query(Exit::Usage, error)
}

/// The first rows, and how many there are when some are left out.
async fn to_people(mut rows: SendableRecordBatchStream, most: usize, format: Format) -> Result<(), Failure> {
    let mut shown = vec![RecordBatch::new_empty(rows.schema())];
    let (mut left, mut all) = (most, 0);
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| broken(&error))?;
        all += batch.num_rows();
        if left > 0 {
            shown.push(batch.slice(0, left.min(batch.num_rows())));
        }
        left -= left.min(batch.num_rows());
    }
    show::write(&mut std::io::stdout().lock(), &shown, format)?;
    if all > most {
        eprintln!("shown: {most} of {all} rows\nhint: `-o FILE` writes all of them, `[sql] max_rows` shows more");
    }
    Ok(())
}

/// All rows, as they come; the file is there when it is whole.
async fn to_file(path: &Path, rows: SendableRecordBatchStream, format: Format) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| Failure::new(Exit::Unreachable, format!("`{}` cannot be written: {error}", path.display()));
    // what is no file, such as a pipe, cannot be renamed into place
    let is_special = std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    let (true, Some(name)) = (!is_special, path.file_name()) else {
        return write_all(std::fs::File::create(path).map_err(unwritable)?, rows, format).await;
    };
    let part = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = write_all(std::fs::File::create(&part).map_err(unwritable)?, rows, format).await;
    let written = written.and_then(|()| std::fs::rename(&part, path).map_err(unwritable));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

async fn write_all(mut out: std::fs::File, mut rows: SendableRecordBatchStream, format: Format) -> Result<(), Failure> {
    let schema = rows.schema();
    if format == Format::Table {
        // its columns wait for the widest cell
        let mut all = vec![RecordBatch::new_empty(schema)];
        while let Some(batch) = rows.next().await {
            all.push(batch.map_err(|error| broken(&error))?);
        }
        return show::write(&mut out, &all, format);
    }
    let mut lines = show::Lines::begin(&mut out, &schema, format)?;
    while let Some(batch) = rows.next().await {
        lines.write(&batch.map_err(|error| broken(&error))?)?;
    }
    lines.end()
}

/// The engine's words, with the nearest table where a table is not known.
fn query_failure(ctx: &SessionContext, error: &DataFusionError) -> Failure {
    let (failure, message) = (broken(error), error.strip_backtrace());
    let Some(given) =
        message.split_once("table 'datafusion.public.").and_then(|(_, rest)| rest.split_once('\'')).map(|(name, _)| name.to_string())
    else {
        return failure;
    };
    let names =
        ctx.catalog("datafusion").and_then(|catalog| catalog.schema("public")).map(|schema| schema.table_names()).unwrap_or_default();
    match nearest(&given, names.iter().map(String::as_str)) {
        Some(name) => failure.hint(format!("did you mean `{name}`?")),
        None => failure.hint("`nongshi sql -c \"show tables\"` lists the tables"),
    }
}

/// Serves SQL over the Postgres wire until it is interrupted.
pub async fn serve(folder: &Path, when: When, listen: SocketAddr) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let (ctx, _) = session(&project, day(when)).await?;
    let failed = |error: nongshi_serve::ServeError| Failure { hint: error.hint(), ..Failure::new(Exit::Settings, error.to_string()) };
    let bound = nongshi_serve::bind(&nongshi_serve::ServeSettings { address: listen, ..Default::default() }).await.map_err(failed)?;
    eprintln!("serving on {}, as of {}; end with Ctrl-C", bound.address(), day(when));
    // a signal ends the process above: nothing else ends serving
    bound.serve(Arc::new(ctx), std::future::pending()).await.map_err(failed)?;
    Ok(Exit::Done)
}

/// Answers one query on the distributed engine inside this process.
pub async fn cluster_query(folder: &Path, when: When, query: &str) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let failed = |error: nongshi_cluster::ClusterError| Failure::new(Exit::Unreachable, error.to_string());
    let ctx = nongshi_cluster::in_process(engine::config(&project.settings), project.runtime.clone()).await.map_err(failed)?;
    let catalog = Catalog::pin(&project.lake).await?;
    catalog.register(&ctx, &project.lake, day(when)).await?;
    as_known(&ctx, &project, day(when), &catalog).await?;
    let mut rows = answer(&ctx, query).await?;
    let mut batches = vec![RecordBatch::new_empty(rows.schema())];
    while let Some(batch) = rows.next().await {
        batches.push(batch.map_err(|error| broken(&error))?);
    }
    show::write(&mut std::io::stdout().lock(), &batches, Format::Csv)?;
    std::io::stdout().flush().map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))?;
    Ok(Exit::Done)
}
