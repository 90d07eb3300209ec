//! Lets clients in. In: a startup message. Out: a client marked as let in, or a refusal that ends the
//! connection. Never: a plain password, a hint whether a user exists, a client without TLS where TLS is set.

use crate::settings::Secret;
use async_trait::async_trait;
use datafusion_postgres::pgwire::api::auth::sasl::SASLAuthStartupHandler;
use datafusion_postgres::pgwire::api::auth::sasl::scram::{SCRAM_ITERATIONS, ScramAuth, gen_salted_password, random_nonce};
use datafusion_postgres::pgwire::api::auth::{
    AuthSource, DefaultServerParameterProvider, LoginInfo, Password, StartupHandler, finish_authentication, protocol_negotiation,
    save_startup_parameters_to_metadata,
};
use datafusion_postgres::pgwire::api::{ClientInfo, METADATA_USER, PgWireConnectionState};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use futures::Sink;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

const FATAL: &str = "FATAL";
/// Postgres' code for a login that is refused.
const INVALID_AUTHORIZATION: &str = "28000";
/// Postgres' code for a wrong password.
const INVALID_PASSWORD: &str = "28P01";
/// Postgres' code for too many clients.
const TOO_MANY_CONNECTIONS: &str = "53300";

/// How long a refused client may take to read why.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Set on a client that was let in. pgwire itself goes on reading from a client that it has refused, so
/// everything that answers statements asks for it.
struct LetIn;

/// Refuses unless the client was let in.
pub(crate) fn require<C: ClientInfo + ?Sized>(client: &C) -> PgWireResult<()> {
    match client.session_extensions().get::<LetIn>() {
        Some(_) => Ok(()),
        None => Err(fatal(INVALID_AUTHORIZATION, "this connection was not let in")),
    }
}

/// The passwords, salted once at the start.
pub(crate) struct Logins {
    salted: BTreeMap<String, Vec<u8>>,
    /// Salts come from it, so that an unknown user is given a lasting salt too.
    salt_key: String,
}

impl Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Logins({})", self.salted.len())
    }
}

impl Logins {
    pub(crate) fn new(logins: &BTreeMap<String, Secret>) -> Logins {
        // the one place that needs chance: a salt that could be guessed would be none; no result depends on it
        let salt_key = random_nonce();
        let salted = logins
            .iter()
            .map(|(user, password)| (user.clone(), gen_salted_password(password.reveal(), &salt_of(&salt_key, user), SCRAM_ITERATIONS)));
        Logins { salted: salted.collect(), salt_key }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.salted.is_empty()
    }
}

fn salt_of(salt_key: &str, user: &str) -> Vec<u8> {
    gen_salted_password(salt_key, user.as_bytes(), 1)
}

#[async_trait]
impl AuthSource for Logins {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        let user = login.user().unwrap_or_default();
        // no proof fits bytes that nobody knows: an unknown user fails where a wrong password fails
        let salted = self.salted.get(user).cloned().unwrap_or_else(|| random_nonce().into_bytes());
        Ok(Password::new(Some(salt_of(&self.salt_key, user)), salted))
    }
}

/// The startup of one connection.
pub(crate) struct Login {
    way: Way,
    tls_only: bool,
    is_full: bool,
    refused: Notify,
}

enum Way {
    Open(Arc<DefaultServerParameterProvider>),
    Scram(Box<SASLAuthStartupHandler<DefaultServerParameterProvider>>),
}

impl Login {
    /// For one connection only: SCRAM keeps the login's state. `is_full` turns it away.
    pub(crate) fn new(logins: &Arc<Logins>, tls_only: bool, is_full: bool) -> Login {
        let mut parameters = DefaultServerParameterProvider::default();
        parameters.is_superuser = false;
        parameters.default_transaction_read_only = true;
        let parameters = Arc::new(parameters);
        let way = match logins.is_empty() {
            true => Way::Open(parameters),
            false => Way::Scram(Box::new(SASLAuthStartupHandler::new(parameters).with_scram(ScramAuth::new(logins.clone())))),
        };
        Login { way, tls_only, is_full, refused: Notify::new() }
    }

    /// Waits until the client was refused and has had time to read why. A client that does not hang up by itself
    /// must not keep its place.
    pub(crate) async fn is_over(&self) {
        self.refused.notified().await;
        tokio::time::sleep(LAST_WORDS).await;
    }

    async fn admit<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if self.is_full {
            return Err(fatal(TOO_MANY_CONNECTIONS, "too many clients are connected"));
        }
        if self.tls_only && !client.is_secure() {
            return Err(fatal(INVALID_AUTHORIZATION, "this server speaks TLS only: connect with sslmode=require or stricter"));
        }
        match &self.way {
            Way::Scram(handler) => handler.on_startup(client, message).await,
            Way::Open(parameters) => {
                let PgWireFrontendMessage::Startup(startup) = message else { return Ok(()) };
                protocol_negotiation(client, &startup).await?;
                save_startup_parameters_to_metadata(client, &startup);
                finish_authentication(client, parameters.as_ref()).await
            }
        }
    }
}

#[async_trait]
impl StartupHandler for Login {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if let Err(error) = self.admit(client, message).await {
            self.refused.notify_one();
            let user = client.metadata().get(METADATA_USER).cloned().unwrap_or_default();
            return Err(match error {
                PgWireError::InvalidPassword(_) => fatal(INVALID_PASSWORD, &format!("password authentication failed for user \"{user}\"")),
                // every error of a login ends it
                other => {
                    let mut info = ErrorInfo::from(other);
                    info.severity = FATAL.into();
                    PgWireError::UserError(Box::new(info))
                }
            });
        }
        if matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            client.session_extensions().insert(LetIn);
        }
        Ok(())
    }
}

fn fatal(code: &str, message: &str) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new(FATAL.into(), code.into(), message.into())))
}
