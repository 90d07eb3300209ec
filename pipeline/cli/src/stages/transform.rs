//! Transform: the curated tables, by SQL. In: landed tables as of the day. Out: curated tables.

use super::{Done, Step};
use crate::exit::Failure;
use crate::project::Project;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use nongshi_domain::AsOf;
use nongshi_lake::{Catalog, Lake, NewestOnly};
use nongshi_transforms::{Outcome, register_as_known, run};
use std::sync::Arc;

/// Makes what is out of date.
pub async fn transform(step: &Step<'_>) -> Result<Done, Failure> {
    let (ctx, catalog) = landed(step.lake(), step.as_of).await?;
    let mut versions = catalog.versions();
    let made = run(step.lake(), &ctx, &step.project.transforms()?, step.as_of, &mut versions, &|| step.fence()).await?;
    let of = |outcome: Outcome| made.iter().filter(|made| made.outcome == outcome).count();
    let said = format!("{} tables: {} new, {} same, {} untouched", made.len(), of(Outcome::New), of(Outcome::Same), of(Outcome::Untouched));
    Ok(Done { said, changed: of(Outcome::New) > 0, gaps: Vec::new() })
}

/// A session that holds the lake as known on the day. Curated tables that were last made for another day are views
/// of their SQL: nothing of another day is seen.
pub async fn session(project: &Project, as_of: AsOf) -> Result<(SessionContext, Catalog), Failure> {
    let (ctx, catalog) = landed(&project.lake, as_of).await?;
    as_known(&ctx, project, as_of, &catalog).await?;
    Ok((ctx, catalog))
}

/// Lets a session that holds the catalog hold the curated tables of the day, too; a table whose SQL does not hold is
/// named and left out.
pub async fn as_known(ctx: &SessionContext, project: &Project, as_of: AsOf, catalog: &Catalog) -> Result<(), Failure> {
    for fault in register_as_known(&project.lake, ctx, &project.transforms()?, as_of, &catalog.versions()).await {
        let failure = Failure::from(fault);
        eprintln!("warning: {}: {}", failure.message, failure.causes.join(": "));
    }
    Ok(())
}

async fn landed(lake: &Lake, as_of: AsOf) -> Result<(SessionContext, Catalog), Failure> {
    // numbers in the tables are exact: a decimal written in SQL is one too
    let config = SessionConfig::new().with_information_schema(true).set_bool("datafusion.sql_parser.parse_float_as_decimal", true);
    let state = SessionStateBuilder::new_from_existing(nongshi_functions::session_state(config)?);
    let ctx = SessionContext::new_with_state(state.with_physical_optimizer_rule(Arc::new(NewestOnly)).build());
    let catalog = Catalog::pin(lake).await?;
    catalog.register(&ctx, lake, as_of).await?;
    Ok((ctx, catalog))
}
