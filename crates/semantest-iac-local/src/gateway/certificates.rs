//! Certificates of this run: handlers call `https://{domainName}/{stage}/@connections/…` unchanged.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto};

/// Where systems keep the authorities they trust.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/openssl/cert.pem",
];

/// A certificate for this machine's loopback names, signed by an authority of this run.
pub struct LocalCertificates {
    bundle: PathBuf,
    config: Arc<ServerConfig>,
}

impl LocalCertificates {
    /// Makes an authority and a certificate. The authority is written to `bundle` (PEM) after those that the system
    /// trusts, so that functions that trust `bundle` trust both. Its key is never written.
    ///
    /// # Errors
    /// Where `bundle` cannot be written.
    pub fn generate(bundle: &Path) -> io::Result<Self> {
        let failed = |error: rcgen::Error| io::Error::other(error.to_string());
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "semantest-iac local");
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(failed)?).map_err(failed)?;
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        let mut leaf = CertificateParams::new(names).map_err(failed)?;
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = leaf.signed_by(&key, &authority).map_err(failed)?;

        let system = SYSTEM_BUNDLES.iter().find_map(|path| fs::read_to_string(path).ok());
        fs::write(bundle, format!("{}\n{}", system.unwrap_or_default(), authority.pem()))?;
        let provider = Arc::new(crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(io::Error::other)?;
        Ok(Self { bundle: bundle.to_owned(), config: Arc::new(config) })
    }

    /// Everything to trust, as a file in PEM form.
    pub fn bundle(&self) -> &Path {
        &self.bundle
    }

    /// Accepts TLS connections.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}
