//! Whose certificates are trusted.

use crate::file;
use aws_smithy_http_client::tls::TrustStore;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io;
use std::path::Path;

/// The system's own bundle has 200 KiB.
const LARGEST_BUNDLE: u64 = 16 * 1024 * 1024;

/// The certificate authorities that are trusted.
pub enum Trust {
    /// The system's.
    System,
    /// Those of a bundle, and no others.
    Bundle(TrustStore),
}

/// Why a bundle of certificates cannot be used.
#[derive(Debug)]
pub enum BundleError {
    /// It cannot be read.
    Unreadable(io::Error),
    /// There is no certificate in it.
    Empty,
    /// The certificate of this number, counted from 1, is broken.
    Broken(usize),
}

impl Trust {
    /// The authorities in a file of certificates in PEM, at most 16 MiB.
    ///
    /// Each of them is checked here: the SDK panics at a broken one, and takes a file without any
    /// for one that trusts nobody.
    ///
    /// # Errors
    /// The file cannot be read, or is not such a file.
    pub fn in_bundle(path: &Path) -> Result<Self, BundleError> {
        let pem = file::read(path, LARGEST_BUNDLE).map_err(BundleError::Unreadable)?;
        let mut roots = RootCertStore::empty();
        for (number, certificate) in (1..).zip(CertificateDer::pem_slice_iter(&pem)) {
            let broken = BundleError::Broken(number);
            match certificate {
                Ok(certificate) => roots.add(certificate).map_err(|_| broken)?,
                Err(_) => return Err(broken),
            }
        }
        if roots.is_empty() {
            return Err(BundleError::Empty);
        }
        Ok(Trust::Bundle(
            TrustStore::empty().with_pem_certificate(pem.to_vec()),
        ))
    }

    /// What the HTTP client needs; with the system's authorities only where `needed`, because
    /// reading them takes longer than all else together.
    pub fn store(&self, needed: bool) -> TrustStore {
        match self {
            Trust::System => TrustStore::empty().with_native_roots(needed),
            Trust::Bundle(store) => store.clone(),
        }
    }
}
