//! An independent STS and S3.

use super::deadline::InTime;
use super::sandbox::Sandbox;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

/// moto's server on a free port. It checks no code, serial number or duration, and always returns the same AKIA key. Its
/// value is that it is independent of this project.
pub struct Moto {
    server: Child,
    /// Its address.
    pub url: String,
}

impl Moto {
    /// Starts it, and waits until it listens.
    pub fn start(sandbox: &Sandbox, moto_server: &Path) -> Self {
        let mut server = sandbox
            .command(moto_server)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // werkzeug says «Running on http://127.0.0.1:43210» once it listens.
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().expect("moto_server has ended").unwrap();
            if let Some((_, url)) = line.split_once("Running on ") {
                break url.trim().to_owned();
            }
        };
        // It blocks if nothing reads its log.
        std::thread::spawn(move || lines.for_each(drop));
        Moto { server, url }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        self.server.status_in_time();
    }
}
