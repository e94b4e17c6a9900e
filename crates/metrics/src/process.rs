//! What every process with a core and certificates says about itself.

use crate::{Catalogue, Gauges};
use std::path::{Path, PathBuf};

/// Certificates whose end is told, by their file in the folder given with `--tls`.
const CERTIFICATES: [&str; 2] = ["ca.pem", "cert.pem"];

/// Families of a process, refreshed before each scrape.
#[derive(Clone, Debug)]
pub struct ProcessFacts {
    queue: Gauges,
    expiry: Gauges,
    tls: Option<PathBuf>,
}

impl ProcessFacts {
    /// Registers the families. `tls`: the folder of certificates, if links are secured.
    pub fn new(catalogue: &mut Catalogue, tls: Option<&Path>) -> Self {
        Self {
            queue: catalogue.gauge(
                "changeover_core_queue_length",
                &[],
                "Inputs that wait for the core; always near 0 unless the process is overloaded",
            ),
            expiry: catalogue.gauge(
                "changeover_certificate_expiry_time_seconds",
                &["file"],
                "Until when the certificate in this file is valid, seconds since 1970; the earliest if there are several",
            ),
            tls: tls.map(Path::to_owned),
        }
    }

    /// Brings them up to date. Reads files: not for the thread of a core.
    pub fn refresh(&self, waiting: usize) {
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        self.queue.set(&[], f64::from(waiting));
        self.expiry.clear();
        let Some(folder) = &self.tls else {
            return;
        };
        for file in CERTIFICATES {
            if let Some(end) = earliest_end(&folder.join(file)) {
                self.expiry.set(&[file], end);
            }
        }
    }
}

/// When the first certificate of a file ends; `None` if none can be read (whoever needs it has complained already).
fn earliest_end(file: &Path) -> Option<f64> {
    let text = std::fs::read(file).ok()?;
    x509_parser::pem::Pem::iter_from_buffer(&text)
        .filter_map(|pem| {
            let pem = pem.ok()?;
            let end = pem.parse_x509().ok()?.validity().not_after.timestamp();
            // Exact for the next hundred million years.
            Some(end as f64)
        })
        .reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition;

    #[test]
    fn the_end_of_the_certificates_is_told_and_a_missing_file_is_no_series() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let key = rcgen::KeyPair::generate().expect("keys can be made");
        let mut parameters = rcgen::CertificateParams::default();
        parameters.not_after = rcgen::date_time_ymd(2030, 1, 1);
        let certificate = parameters.self_signed(&key).expect("it can be signed");
        std::fs::write(folder.path().join("cert.pem"), certificate.pem()).expect("writable");

        let mut catalogue = Catalogue::new("lca", "0.1.0");
        let facts = ProcessFacts::new(&mut catalogue, Some(folder.path()));
        facts.refresh(3);
        let text = catalogue.text();
        assert_eq!(exposition::faults(&text), Vec::<String>::new());
        let samples = exposition::samples(&text);
        assert_eq!(samples["changeover_core_queue_length"], 3.0);
        let expiry = "changeover_certificate_expiry_time_seconds";
        assert_eq!(
            samples[&format!("{expiry}{{file=\"cert.pem\"}}")],
            1_893_456_000.0
        );
        assert!(!samples.contains_key(&format!("{expiry}{{file=\"ca.pem\"}}")));
    }
}
