//! Lets only questions pass. In: a statement, before anything else sees it. Out: nothing, or a refusal.
//!
//! Two locks: a list of statement kinds, and the plan itself, which may hold no definition, no change and no
//! setting. The list alone would let `select .. into` pass, the plan alone what never becomes a plan.
//! Never: runs anything.

use crate::login;
use async_trait::async_trait;
use datafusion::common::ParamValues;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{Set, Statement};
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::results::Response;
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};

/// Postgres' code for a write in a read-only transaction.
const READ_ONLY: &str = "25006";
/// What a client may set for itself: how values are written, and less time. None of it reaches the session, which
/// all clients share.
const OWN_SETTINGS: [&str; 8] = [
    "application_name",
    "bytea_output",
    "client_encoding",
    "datestyle",
    "extra_float_digits",
    "intervalstyle",
    "search_path",
    "statement_timeout",
];

/// The hook; it must be the first.
#[derive(Debug)]
pub(crate) struct ReadOnly;

/// What is done with a kind of statement.
enum Kind {
    /// Its plan is looked at.
    Question,
    /// It is answered without a plan and changes nothing but the client's own settings.
    Harmless,
    Refused,
}

fn kind_of(statement: &Statement) -> Kind {
    match statement {
        Statement::Query(_) | Statement::Explain { .. } | Statement::ExplainTable { .. } => Kind::Question,
        Statement::ShowTables { .. } | Statement::ShowColumns { .. } => Kind::Question,
        Statement::ShowVariable { .. } | Statement::ShowCatalogs { .. } => Kind::Harmless,
        Statement::StartTransaction { .. } | Statement::Commit { .. } | Statement::Rollback { .. } => Kind::Harmless,
        Statement::Set(Set::SingleAssignment { scope: None, hivevar: false, variable, .. }) => {
            match OWN_SETTINGS.contains(&variable.to_string().to_lowercase().as_str()) {
                true => Kind::Harmless,
                false => Kind::Refused,
            }
        }
        _ => Kind::Refused,
    }
}

/// Refuses unless the plan only reads.
fn check_plan(statement: &Statement, plan: &LogicalPlan) -> PgWireResult<()> {
    let reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reads.verify_plan(plan).map_err(|_| refusal(statement))
}

async fn check(statement: &Statement, session: &SessionContext) -> PgWireResult<()> {
    match kind_of(statement) {
        Kind::Harmless => Ok(()),
        Kind::Refused => Err(refusal(statement)),
        Kind::Question => {
            // planned from text, as the one that will run is
            let plan = session
                .state()
                .create_logical_plan(&statement.to_string())
                .await
                .map_err(|error| PgWireError::ApiError(Box::new(error)))?;
            check_plan(statement, &plan)
        }
    }
}

fn refusal(statement: &Statement) -> PgWireError {
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or_default();
    let message = format!("`{verb}` is refused here: this server only reads");
    PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".into(), READ_ONLY.into(), message)))
}

#[async_trait]
impl QueryHook for ReadOnly {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        session: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        if let Err(refused) = login::require(client) {
            return Some(Err(refused));
        }
        check(statement, session).await.err().map(Err)
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        session: &SessionContext,
        client: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        if let Err(refused) = login::require(client) {
            return Some(Err(refused));
        }
        check(statement, session).await.err().map(Err)
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        plan: &LogicalPlan,
        _params: &ParamValues,
        _session: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        if let Err(refused) = login::require(client) {
            return Some(Err(refused));
        }
        match kind_of(statement) {
            Kind::Harmless => None,
            Kind::Refused => Some(Err(refusal(statement))),
            Kind::Question => check_plan(statement, plan).err().map(Err),
        }
    }
}
