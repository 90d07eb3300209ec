//! What the server is told: where, who, how safe, how much.
//!
//! In: values that cli has read. Out: the same, checked. Never: a secret in a log; a server that other machines
//! can reach without a password and TLS.

use crate::error::ServeError;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The port of Postgres itself.
const POSTGRES_PORT: u16 = 5432;
/// Rows of one answer, unless set.
const MAX_ROWS: usize = 100_000;
/// Seconds of one statement, from its arrival to its last row, unless set.
const TIMEOUT_SECS: u64 = 60;
/// Clients at a time, unless set.
const MAX_CONNECTIONS: usize = 50;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides the text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A certificate with its key, as the bytes of two PEM files.
#[derive(Clone)]
pub struct Tls {
    /// The chain, the server's own certificate first.
    pub certificate_pem: Vec<u8>,
    /// The private key.
    pub key_pem: Vec<u8>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(..)")
    }
}

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeSettings {
    /// Where to listen; port 0 is any free one.
    pub address: SocketAddr,
    /// Passwords by user name. None at all: whoever reaches the address is let in, so it must be a loopback one.
    pub logins: BTreeMap<String, Secret>,
    /// With it, clients must use TLS.
    pub tls: Option<Tls>,
    /// An answer with more rows is an error, not a shorter answer.
    pub max_rows: usize,
    /// A statement that takes longer, rows included, ends in an error. A client may set a shorter one.
    pub timeout: Duration,
    /// Further clients are turned away.
    pub max_connections: usize,
}

impl Default for ServeSettings {
    /// Loopback, Postgres' port, no login.
    fn default() -> ServeSettings {
        ServeSettings {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), POSTGRES_PORT),
            logins: BTreeMap::new(),
            tls: None,
            max_rows: MAX_ROWS,
            timeout: Duration::from_secs(TIMEOUT_SECS),
            max_connections: MAX_CONNECTIONS,
        }
    }
}

impl ServeSettings {
    pub(crate) fn check(&self) -> Result<(), ServeError> {
        for (name, limit) in
            [("max_rows", self.max_rows), ("max_connections", self.max_connections), ("timeout", self.timeout.as_millis() as usize)]
        {
            if limit == 0 {
                return Err(ServeError::ZeroLimit { name });
            }
        }
        if let Some((user, _)) = self.logins.iter().find(|(user, password)| user.is_empty() || password.reveal().is_empty()) {
            return Err(ServeError::EmptyLogin { user: user.clone() });
        }
        let missing = match (self.logins.is_empty(), self.tls.is_none()) {
            _ if self.address.ip().is_loopback() => return Ok(()),
            (false, false) => return Ok(()),
            (true, true) => "neither a password nor TLS is set",
            (true, false) => "no password is set",
            (false, true) => "TLS is not set",
        };
        Err(ServeError::Unprotected { address: self.address, missing })
    }
}
