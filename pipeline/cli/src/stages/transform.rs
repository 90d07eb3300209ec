//! Transform: the curated tables, by SQL. In: landed tables as of the day. Out: curated tables.

use super::{Done, Step};
use crate::exit::Failure;
use datafusion::prelude::{SessionConfig, SessionContext};
use nongshi_domain::AsOf;
use nongshi_lake::{Catalog, Lake};
use nongshi_transforms::{Outcome, run};

/// Makes what is out of date.
pub async fn transform(step: &Step<'_>) -> Result<Done, Failure> {
    let (ctx, catalog) = session(step.lake(), step.as_of).await?;
    let mut versions = catalog.versions();
    let made = run(step.lake(), &ctx, &step.project.transforms()?, step.as_of, &mut versions, &|| step.fence()).await?;
    let of = |outcome: Outcome| made.iter().filter(|made| made.outcome == outcome).count();
    let said = format!("{} tables: {} new, {} same, {} untouched", made.len(), of(Outcome::New), of(Outcome::Same), of(Outcome::Untouched));
    Ok(Done { said, changed: of(Outcome::New) > 0, gaps: Vec::new() })
}

/// A session that holds the lake as known on the day.
pub async fn session(lake: &Lake, as_of: AsOf) -> Result<(SessionContext, Catalog), Failure> {
    // numbers in the tables are exact: a decimal written in SQL is one too
    let config = SessionConfig::new().with_information_schema(true).set_bool("datafusion.sql_parser.parse_float_as_decimal", true);
    let ctx = nongshi_functions::session(config)?;
    let catalog = Catalog::pin(lake).await?;
    catalog.register(&ctx, lake, as_of).await?;
    Ok((ctx, catalog))
}
