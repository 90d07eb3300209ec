//! Transform: the curated tables, by SQL. In: landed tables as of the day. Out: curated tables.

use super::{Done, Step, record};
use crate::engine;
use crate::exit::{Exit, Failure};
use crate::gap::Gap;
use crate::project::Project;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionContext;
use nongshi_domain::AsOf;
use nongshi_lake::{Catalog, NewestOnly};
use nongshi_transforms::{GROUP_BYTES, Made, Outcome, register_as_known, run};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Makes what is out of date.
pub async fn transform(step: &Step<'_>) -> Result<Done, Failure> {
    let (ctx, mut catalog) = landed(step.project, step.as_of).await?;
    let made = run(step.lake(), &ctx, &step.project.transforms()?, step.as_of, &mut catalog, GROUP_BYTES, &|| step.fence()).await?;
    let of = |outcome: Outcome| made.iter().filter(|made| made.outcome == outcome).count();
    let mut said =
        format!("{} tables: {} new, {} same, {} untouched", made.len(), of(Outcome::New), of(Outcome::Same), of(Outcome::Untouched));
    let stopped = of(Outcome::Refused) + of(Outcome::Waits);
    if stopped > 0 {
        said += &format!(", {stopped} stopped");
    }
    Ok(Done { said, changed: of(Outcome::New) > 0, gaps: made.iter().flat_map(gaps).collect() })
}

/// What a table's header promises and its rows break, and what waits for it.
fn gaps(made: &Made) -> Vec<Gap> {
    let waits = made
        .waits_for
        .iter()
        .map(|table| Gap { code: Exit::Refused, ..Gap::new(&made.name, "table", format!("waits for {table}; what stood before stands")) });
    let broken = made.broken.iter().map(|broken| match broken.warns {
        true => Gap::new(&made.name, "table", format!("warning: {}", broken.what)),
        false => Gap {
            code: Exit::Refused,
            ..Gap::new(
                &made.name,
                "table",
                format!("{}; nothing was published (hint: look with `nongshi sql -f` at what it selects)", broken.what),
            )
        },
    });
    waits.chain(broken).collect()
}

/// A session for a stage, with the tables that no gate has seen: what reads one of them waits.
pub async fn gated(step: &Step<'_>) -> Result<(SessionContext, Catalog, BTreeSet<String>), Failure> {
    let (ctx, catalog) = landed(step.project, step.as_of).await?;
    let views = as_known(&ctx, step.project, step.as_of, &catalog).await?;
    Ok((ctx, catalog, views))
}

/// Why a stage waits for a table.
pub fn waits_for(table: &str, as_of: AsOf) -> String {
    format!("table {table} is not made as of {as_of}: its gate refused it, or `nongshi transform --as-of {as_of}` has not run")
}

/// A session that holds the lake as known on the day. Curated tables that were last made for another day are views
/// of their SQL: nothing of another day is seen.
pub async fn session(project: &Project, as_of: AsOf) -> Result<(SessionContext, Catalog), Failure> {
    let (ctx, catalog) = landed(project, as_of).await?;
    as_known(&ctx, project, as_of, &catalog).await?;
    record::register(&ctx, as_of).await?;
    Ok((ctx, catalog))
}

/// Lets a session that holds the catalog hold the curated tables of the day, too; a table whose SQL does not hold is
/// named and left out. Returns the tables that are views of their SQL.
pub async fn as_known(ctx: &SessionContext, project: &Project, as_of: AsOf, catalog: &Catalog) -> Result<BTreeSet<String>, Failure> {
    let known = register_as_known(&project.lake, ctx, &project.transforms()?, as_of, catalog).await;
    for fault in known.faults {
        let failure = Failure::from(fault);
        eprintln!("warning: {}: {}", failure.message, failure.causes.join(": "));
    }
    Ok(known.views)
}

/// A session that holds the catalog and no curated table.
pub async fn landed(project: &Project, as_of: AsOf) -> Result<(SessionContext, Catalog), Failure> {
    // numbers in the tables are exact: a decimal written in SQL is one too
    let config = engine::config(&project.settings).with_information_schema(true);
    let config = config.set_bool("datafusion.sql_parser.parse_float_as_decimal", true);
    let state = SessionStateBuilder::new_from_existing(nongshi_functions::session_state(config)?);
    let state = state.with_runtime_env(project.runtime.clone()).with_physical_optimizer_rule(Arc::new(NewestOnly));
    let ctx = SessionContext::new_with_state(state.build());
    let catalog = Catalog::pin(&project.lake).await?;
    catalog.register(&ctx, &project.lake, as_of).await?;
    Ok((ctx, catalog))
}
