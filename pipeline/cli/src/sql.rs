//! SQL for analysts: one query, a server, a query on the distributed engine. In: SQL. Out: rows. Never: a write.

use crate::args::{Format, When};
use crate::exit::{Exit, Failure};
use crate::project::Project;
use crate::show;
use crate::stages::transform::{as_known, session};
use crate::way::day;
use arrow::array::RecordBatch;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
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
    let batches = answer(&ctx, &query).await?;
    let (batches, cut) = shorten(batches, project.settings.max_rows, output.is_some());
    let format = format.unwrap_or(if output.is_none() { show::usual() } else { Format::Csv });
    match output {
        Some(path) => {
            let mut out = std::fs::File::create(&path)
                .map_err(|error| Failure::new(Exit::Unreachable, format!("`{}` cannot be written: {error}", path.display())))?;
            show::write(&mut out, &batches, format)?;
        }
        None => show::write(&mut std::io::stdout().lock(), &batches, format)?,
    }
    if let Some(rows) = cut {
        eprintln!("shown: {} of {rows} rows\nhint: `-o FILE` writes all of them, `[sql] max_rows` shows more", project.settings.max_rows);
    }
    Ok(Exit::Done)
}

async fn answer(ctx: &SessionContext, query: &str) -> Result<Vec<RecordBatch>, Failure> {
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = match ctx.sql_with_options(query, reading).await {
        Ok(frame) => frame,
        Err(error) => return Err(query_failure(ctx, error).await),
    };
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let batches = match frame.collect().await {
        Ok(batches) => batches,
        Err(error) => return Err(query_failure(ctx, error).await),
    };
    Ok(if batches.is_empty() { vec![RecordBatch::new_empty(schema)] } else { batches })
}

/// The engine's words, with the nearest table where a table is not known.
async fn query_failure(ctx: &SessionContext, error: datafusion::error::DataFusionError) -> Failure {
    let message = error.strip_backtrace();
    let failure = Failure::new(Exit::Usage, message.clone());
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

/// The first rows, and how many there were when some were left out.
fn shorten(batches: Vec<RecordBatch>, most: usize, whole: bool) -> (Vec<RecordBatch>, Option<usize>) {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if whole || rows <= most {
        return (batches, None);
    }
    let mut left = most;
    let cut = batches.iter().map(|batch| {
        let taken = batch.slice(0, left.min(batch.num_rows()));
        left -= taken.num_rows();
        taken
    });
    (cut.collect(), Some(rows))
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
    let ctx = nongshi_cluster::in_process(SessionConfig::new(), Arc::new(RuntimeEnv::default())).await.map_err(failed)?;
    let catalog = Catalog::pin(&project.lake).await?;
    catalog.register(&ctx, &project.lake, day(when)).await?;
    as_known(&ctx, &project, day(when), &catalog).await?;
    let batches = answer(&ctx, query).await?;
    show::write(&mut std::io::stdout().lock(), &batches, Format::Csv)?;
    std::io::stdout().flush().map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))?;
    Ok(Exit::Done)
}
