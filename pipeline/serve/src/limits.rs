//! Runs statements on threads of their own, with a limit of time and of rows.
//!
//! In: a statement of a client that was let in. Out: its rows, or an error in their place. Never: fewer rows
//! than there are without an error.
//!
//! Statements run on a second runtime because one that never yields would keep the timers of the first from
//! firing. Its thread stays busy until it yields; the client is answered in time all the same.

use crate::login;
use async_trait::async_trait;
use datafusion_postgres::DfSessionService;
use datafusion_postgres::pgwire::api::portal::Portal;
use datafusion_postgres::pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use datafusion_postgres::pgwire::api::results::{Response, SendableRowStream};
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::api::{ClientInfo, ClientPortalStore};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::messages::data::DataRow;
use futures::{Sink, StreamExt, stream};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Postgres' code for a statement that was ended.
const QUERY_CANCELED: &str = "57014";
/// Postgres' code for a limit of the program.
const LIMIT_EXCEEDED: &str = "54000";
/// Postgres' code for a fault of the server.
const INTERNAL_ERROR: &str = "XX000";
/// Rows that wait for a slow client.
const ROWS_IN_FLIGHT: usize = 256;
/// Where `set statement_timeout` leaves the client's wish, in milliseconds.
const CLIENT_TIMEOUT: &str = "statement_timeout_ms";

/// The threads that run statements.
pub(crate) struct Workers(Option<Runtime>);

impl Workers {
    pub(crate) fn start(threads: usize) -> std::io::Result<Workers> {
        let runtime = Builder::new_multi_thread().worker_threads(threads.max(1)).thread_name("nongshi-sql").enable_all().build()?;
        Ok(Workers(Some(runtime)))
    }

    pub(crate) fn handle(&self) -> Handle {
        self.0.as_ref().expect("taken in drop only").handle().clone()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // waiting for a statement that never yields would hang the shutdown
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// datafusion-postgres' answers, limited.
pub(crate) struct Statements {
    pub(crate) inner: DfSessionService,
    pub(crate) workers: Handle,
    pub(crate) timeout: Duration,
    pub(crate) max_rows: usize,
}

impl Statements {
    fn timeout_for<C: ClientInfo>(&self, client: &C) -> Duration {
        let wished = client.metadata().get(CLIENT_TIMEOUT).and_then(|millis| millis.parse().ok()).map(Duration::from_millis);
        wished.map_or(self.timeout, |wished| wished.min(self.timeout))
    }

    fn limited(&self, response: Response, deadline: Instant) -> Response {
        match response {
            Response::Query(mut query) => {
                let rows = std::mem::replace(&mut query.data_rows, Box::pin(stream::empty()));
                query.data_rows = limited_rows(rows, &self.workers, deadline, self.max_rows);
                Response::Query(query)
            }
            other => other,
        }
    }
}

#[async_trait]
impl SimpleQueryHandler for Statements {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: std::fmt::Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        login::require(client)?;
        let deadline = Instant::now() + self.timeout_for(client);
        let work = spawning_on(&self.workers, SimpleQueryHandler::do_query(&self.inner, client, query));
        let responses = timeout_at(deadline, work).await.map_err(|_| timed_out())??;
        Ok(responses.into_iter().map(|response| self.limited(response, deadline)).collect())
    }
}

#[async_trait]
impl ExtendedQueryHandler for Statements {
    type Statement = <DfSessionService as ExtendedQueryHandler>::Statement;
    type QueryParser = <DfSessionService as ExtendedQueryHandler>::QueryParser;

    fn query_parser(&self) -> Arc<Self::QueryParser> {
        self.inner.query_parser()
    }

    async fn do_query<C>(&self, client: &mut C, portal: &Portal<Self::Statement>, max_rows: usize) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: std::fmt::Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        login::require(client)?;
        let deadline = Instant::now() + self.timeout_for(client);
        let work = spawning_on(&self.workers, ExtendedQueryHandler::do_query(&self.inner, client, portal, max_rows));
        let response = timeout_at(deadline, work).await.map_err(|_| timed_out())??;
        Ok(self.limited(response, deadline))
    }
}

/// Waits for the work here while whatever it spawns runs on the other runtime.
async fn spawning_on<F: Future>(workers: &Handle, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|context| {
        let _entered = workers.enter();
        work.as_mut().poll(context)
    })
    .await
}

/// The rows, made on the other runtime, until the deadline or the limit puts an error in their place.
fn limited_rows(mut rows: SendableRowStream, workers: &Handle, deadline: Instant, max_rows: usize) -> SendableRowStream {
    let (sender, receiver) = mpsc::channel(ROWS_IN_FLIGHT);
    let mut maker = JoinSet::new(); // ends its task when dropped
    maker.spawn_on(
        async move {
            while let Some(row) = rows.next().await {
                if sender.send(row).await.is_err() {
                    break;
                }
            }
        },
        workers,
    );
    let begun = Some((receiver, maker, max_rows));
    Box::pin(stream::unfold(begun, move |state| async move {
        let (mut receiver, mut maker, left) = state?;
        if Instant::now() >= deadline {
            return Some((Err(timed_out()), None));
        }
        let row: Option<PgWireResult<DataRow>> = match timeout_at(deadline, receiver.recv()).await {
            Err(_) => Some(Err(timed_out())),
            Ok(Some(_)) if left == 0 => Some(Err(too_many(max_rows))),
            Ok(Some(row)) => Some(row),
            // no further row: either the last one has been, or their maker has died
            Ok(None) => match maker.join_next().await {
                Some(Err(_)) => Some(Err(error(INTERNAL_ERROR, "the statement failed inside the server".into()))),
                _ => None,
            },
        };
        match row? {
            Ok(row) => Some((Ok(row), Some((receiver, maker, left - 1)))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

fn timed_out() -> PgWireError {
    error(QUERY_CANCELED, "canceling statement due to statement timeout".into())
}

fn too_many(max_rows: usize) -> PgWireError {
    error(
        LIMIT_EXCEEDED,
        format!("the answer has more than {max_rows} rows: narrow it, add a limit, or write it to a file with `nongshi sql -o`"),
    )
}

fn error(code: &str, message: String) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".into(), code.into(), message)))
}
