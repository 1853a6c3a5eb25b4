//! Trusted certificates.

use crate::error::reason;
use crate::file;
use aws_smithy_http_client::tls::TrustStore;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;

/// The largest bundle, in bytes. The system's has 200 KiB.
const LARGEST_BUNDLE: u64 = 16 * 1024 * 1024;

/// The trusted certificate authorities.
pub enum Trust {
    /// The system's.
    System,
    /// Those of a bundle, and no others.
    Bundle(TrustStore),
}

impl Trust {
    /// The authorities in a PEM file of at most 16 MiB.
    ///
    /// Each certificate is checked here, because the SDK panics at an invalid one, and with an empty file it would trust no
    /// certificate at all.
    ///
    /// # Errors
    /// Why the bundle cannot be used: the file cannot be read, or is not a valid PEM file.
    pub fn in_bundle(path: &Path) -> Result<Self, String> {
        let pem = file::read(path, LARGEST_BUNDLE)
            .map_err(|error| format!("cannot read the CA bundle: {}", reason(&error)))?;
        let mut roots = RootCertStore::empty();
        for (number, certificate) in (1..).zip(CertificateDer::pem_slice_iter(&pem)) {
            let is_valid = certificate.is_ok_and(|certificate| roots.add(certificate).is_ok());
            if !is_valid {
                return Err(format!("certificate {number} in the CA bundle is invalid"));
            }
        }
        if roots.is_empty() {
            return Err("the CA bundle contains no certificate".to_owned());
        }
        let store = TrustStore::empty().with_pem_certificate(pem.to_vec());
        Ok(Trust::Bundle(store))
    }

    /// The trust store for the HTTP client. It has the system's authorities only if `needed`, because reading them takes
    /// longer than everything else.
    pub fn store(&self, needed: bool) -> TrustStore {
        match self {
            Trust::System => TrustStore::empty().with_native_roots(needed),
            Trust::Bundle(store) => store.clone(),
        }
    }
}
