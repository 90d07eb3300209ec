//! Why the server does not start, in the reader's words.

use nongshi_domain::Hint;
use std::net::SocketAddr;

/// A server that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines could reach it, and something that protects it is not set.
    #[error("address `{address}` can be reached from other machines, and {missing}")]
    Unprotected {
        /// Where it should listen.
        address: SocketAddr,
        /// What is not set.
        missing: &'static str,
    },
    /// A login without a name or without a password would let anyone in.
    #[error("login `{user}` has an empty name or password")]
    EmptyLogin {
        /// The user's name.
        user: String,
    },
    /// A limit of zero would refuse everything.
    #[error("`{name}` is 0, so that nothing could be answered")]
    ZeroLimit {
        /// The setting.
        name: &'static str,
    },
    /// The certificate or the key cannot be used.
    #[error("the TLS {what} cannot be used: {why}")]
    Tls {
        /// `certificate` or `key`.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The address is taken or not ours.
    #[error("address `{address}` cannot be listened on")]
    Address {
        /// Where it should listen.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The threads that run the statements cannot be started.
    #[error("the threads for statements cannot be started")]
    Workers(#[source] std::io::Error),
    /// The tables that Postgres clients ask about tables cannot be set up.
    #[error("the session cannot be shown as a Postgres catalog")]
    Catalog(#[source] Box<datafusion::error::DataFusionError>),
}

impl ServeError {
    /// How to mend it, where more can be said than the message says.
    pub fn hint(&self) -> Option<Hint> {
        let text = match self {
            ServeError::Unprotected { .. } => "set a password and a TLS certificate with its key, or listen on 127.0.0.1",
            ServeError::EmptyLogin { .. } => "give the login a password, or set no login at all on 127.0.0.1",
            ServeError::Tls { what: "key", .. } => {
                "the key must be a PEM file (PKCS#8, PKCS#1 or SEC1) without a passphrase, and belong to the certificate"
            }
            ServeError::Tls { .. } => "the certificate must be a PEM file, the server's own certificate first",
            ServeError::Address { .. } => "another server may be listening there: choose another port, or 0 for any free one",
            ServeError::ZeroLimit { .. } | ServeError::Workers(_) | ServeError::Catalog(_) => return None,
        };
        Some(Hint(text.into()))
    }
}
