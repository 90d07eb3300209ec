//! Loads the certificate and its key. In: PEM bytes. Out: an acceptor that is known to work, or an error.
//! Never: falls back to plain text.

use crate::error::ServeError;
use crate::settings::Tls;
use datafusion_postgres::pgwire::tokio::TlsAcceptor;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// What clients of libpq 17 and later name when they speak TLS from the first byte.
const POSTGRES_ALPN: &[u8] = b"postgresql";

/// The acceptor of the certificate; the key must belong to it.
pub(crate) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, ServeError> {
    let refused = |what, why: String| ServeError::Tls { what, why };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&tls.certificate_pem)
        .collect::<Result<_, _>>()
        .map_err(|error| refused("certificate", error.to_string()))?;
    if chain.is_empty() {
        return Err(refused("certificate", "no certificate was found".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(&tls.key_pem).map_err(|error| refused("key", error.to_string()))?;
    // named here, because two providers are compiled in and rustls takes neither by itself
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| refused("certificate", error.to_string()))?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).map_err(|error| refused("key", error.to_string()))?;
    config.alpn_protocols = vec![POSTGRES_ALPN.to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
