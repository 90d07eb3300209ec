//! Listens and answers until told to stop. In: checked settings, a session. Out: the address that was bound.
//! Never: listens before everything it needs has been loaded.

use crate::error::ServeError;
use crate::limits::{Statements, Workers};
use crate::login::{Login, Logins};
use crate::read_only::ReadOnly;
use crate::settings::ServeSettings;
use crate::tls;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionContext;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::setup_pg_catalog;
use datafusion_postgres::hooks::set_show::SetShowHook;
use datafusion_postgres::hooks::transactions::TransactionStatementHook;
use datafusion_postgres::pgwire::api::PgWireServerHandlers;
use datafusion_postgres::pgwire::api::auth::StartupHandler;
use datafusion_postgres::pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use datafusion_postgres::pgwire::tokio::{TlsAcceptor, process_socket};
use datafusion_postgres::{DfSessionService, QueryHook};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How long to wait when no connection can be taken: the system has no file handle left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener whose settings were checked and whose TLS key was loaded.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    settings: ServeSettings,
}

/// Checks the settings, loads the key, then listens. Clients wait until [`Bound::serve`] answers.
pub async fn bind(settings: &ServeSettings) -> Result<Bound, ServeError> {
    settings.check()?;
    let tls = settings.tls.as_ref().map(tls::acceptor).transpose()?;
    let taken = |source| ServeError::Address { address: settings.address, source };
    let listener = TcpListener::bind(settings.address).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    Ok(Bound { listener, address, tls, settings: settings.clone() })
}

/// Binds and serves until `shutdown` is there. Whoever must know the port binds first and asks [`Bound::address`].
pub async fn serve(session: Arc<SessionContext>, settings: ServeSettings, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
    bind(&settings).await?.serve(session, shutdown).await
}

impl Bound {
    /// Where it listens, with the port that port 0 became.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is there; then open connections are closed and running statements ended.
    /// The session's tables, functions and rules are used as they are; it gains the schema `pg_catalog`.
    pub async fn serve(self, session: Arc<SessionContext>, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let session = with_postgres_catalog(&session)?;
        let workers = Workers::start(session.state().config().target_partitions()).map_err(ServeError::Workers)?;
        let statements = Arc::new(Statements {
            inner: DfSessionService::new_with_hooks(Arc::new(session), hooks()),
            workers: workers.handle(),
            timeout: self.settings.timeout,
            max_rows: self.settings.max_rows,
        });
        let logins = Arc::new(Logins::new(&self.settings.logins));
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((socket, _)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let is_full = connections.len() >= self.settings.max_connections;
            let login = Arc::new(Login::new(&logins, self.tls.is_some(), is_full));
            let connection = Connection { login: login.clone(), statements: statements.clone() };
            let tls = self.tls.clone();
            connections.spawn(async move {
                tokio::select! {
                    // an error here is a client that went away
                    _ = process_socket(socket, tls, connection) => {}
                    () = login.is_over() => {}
                }
            });
        }
        // ended and waited for: no connection outlives this call
        connections.shutdown().await;
        Ok(())
    }
}

/// The first one guards the others. No cursors: their rows would pass by the limits.
fn hooks() -> Vec<Arc<dyn QueryHook>> {
    vec![Arc::new(ReadOnly), Arc::new(SetShowHook), Arc::new(TransactionStatementHook)]
}

/// The same tables in a session of its own, with what Postgres clients ask about tables.
fn with_postgres_catalog(session: &SessionContext) -> Result<SessionContext, ServeError> {
    let state = session.state();
    // the default catalog is there already: made again, it would be there and empty, for the caller too
    let config = state.config().clone().with_information_schema(true).with_create_default_catalog_and_schema(false);
    let catalog = config.options().catalog.default_catalog.clone();
    let served = SessionContext::new_with_state(SessionStateBuilder::new_from_existing(state).with_config(config).build());
    setup_pg_catalog(&served, &catalog, EmptyContextProvider).map_err(ServeError::Catalog)?;
    Ok(served)
}

/// What pgwire asks for, for one connection.
struct Connection {
    login: Arc<Login>,
    statements: Arc<Statements>,
}

impl PgWireServerHandlers for Connection {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        self.statements.clone()
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        self.statements.clone()
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        self.login.clone()
    }
}
