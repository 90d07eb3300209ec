//! Who we are and how safe the way must be. In: the contract's words and the secrets they point at. Out: what the client
//! needs. Never: a password in an error.

use super::{Fault, Topic, Trouble};
use crate::source::{Outside, SecretAt};
use rskafka::client::{Credentials, SaslConfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// How safe the way to the brokers is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Security {
    Plaintext,
    /// Certificates are checked against that file, or against the machine's own list.
    Tls {
        trusted: Option<SecretAt>,
    },
}

/// How a password is shown to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

/// What the client needs. It has no `Debug`: nothing of it may be printed.
pub(super) struct Login {
    pub sasl: Option<SaslConfig>,
    pub tls: Option<Arc<ClientConfig>>,
}

impl Login {
    /// Reads the secrets from outside.
    pub fn read(topic: &Topic, outside: &Outside) -> Result<Login, Trouble> {
        let sasl = topic.login.as_ref().map(|(mechanism, lies_at)| sasl(*mechanism, lies_at, outside)).transpose()?;
        let tls = match &topic.security {
            Security::Plaintext => None,
            Security::Tls { trusted } => Some(tls(trusted.as_ref(), outside)?),
        };
        Ok(Login { sasl, tls })
    }
}

fn sasl(mechanism: Mechanism, lies_at: &SecretAt, outside: &Outside) -> Result<SaslConfig, Trouble> {
    let form = "it holds `USER:PASSWORD`; set it where nongshi runs, not in a file of the project that others read";
    let wrong = |what: String| Trouble::new(Fault::Settings, what, form);
    let secret = (outside.secret)(lies_at).ok_or_else(|| wrong(format!("{lies_at} holds no login")))?;
    let parts = secret.trim_end_matches(['\r', '\n']).split_once(':');
    let (user, password) = parts
        .filter(|(user, password)| !user.is_empty() && !password.is_empty())
        .ok_or_else(|| wrong(format!("{lies_at} holds no user and password")))?;
    let credentials = Credentials::new(user.to_string(), password.to_string());
    Ok(match mechanism {
        Mechanism::Plain => SaslConfig::Plain(credentials),
        Mechanism::ScramSha256 => SaslConfig::ScramSha256(credentials),
        Mechanism::ScramSha512 => SaslConfig::ScramSha512(credentials),
    })
}

fn tls(trusted: Option<&SecretAt>, outside: &Outside) -> Result<Arc<ClientConfig>, Trouble> {
    let mut roots = RootCertStore::empty();
    match trusted {
        Some(lies_at) => {
            let hint = "a PEM file of certificates, below the project folder";
            let wrong = |what: &str| Trouble::new(Fault::Settings, format!("`trusted_file`: {lies_at} {what}"), hint);
            let text = (outside.secret)(lies_at).ok_or_else(|| wrong("cannot be read"))?;
            for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                let certificate = certificate.map_err(|_| wrong("is no PEM file"))?;
                roots.add(certificate).map_err(|_| wrong("holds a certificate that signs nothing"))?;
            }
            if roots.is_empty() {
                return Err(wrong("holds no certificate"));
            }
        }
        None => {
            // one that cannot be used says nothing about the others
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Trouble::new(Fault::Settings, format!("TLS cannot be set up: {error}"), "please report this message"))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
