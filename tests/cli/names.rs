//! Name resolution by `/etc/hosts`, name servers and search domains, like other programs on the machine. A static binary
//! cannot use the system's C library; it has its own resolver.
//!
//! Each run has its own files in `/etc` (a mount namespace), and a name server on loopback.

use super::fake_sts::FakeSts;
use super::sandbox::{Outcome, Sandbox, binary};
use super::tool::{root, skip, tool};
use super::words;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// The one name that the name server knows. Its address is 127.0.0.1.
const KNOWN: &str = "sts.corp.test";

/// A name server (RFC 1035) for these tests.
struct NameServer {
    questions: Arc<Mutex<Vec<String>>>,
}

impl NameServer {
    /// Starts it on port 53, the only port possible in `/etc/resolv.conf`.
    fn start(address: &str) -> Self {
        let socket = UdpSocket::bind((address, 53)).unwrap();
        let server = NameServer {
            questions: Arc::default(),
        };
        let questions = Arc::clone(&server.questions);
        std::thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let (name, answer) = answer(&query[..length]);
                questions.lock().unwrap().push(name);
                let _ = socket.send_to(&answer, from);
            }
        });
        server
    }

    /// The names queried since the last call.
    fn questions(&self) -> Vec<String> {
        std::mem::take(&mut self.questions.lock().unwrap())
    }
}

/// The name in a query, and the answer to it.
fn answer(query: &[u8]) -> (String, Vec<u8>) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
        at = end;
    }
    let name = labels.join(".");
    let question = &query[12..at + 5];
    let of_ipv4 = query[at + 2] == 1;
    let (code, answers) = match name == KNOWN {
        true => (0, u8::from(of_ipv4)),
        false => (3, 0),
    };
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0]);
    answer.extend(question);
    if answers == 1 {
        // A pointer to the name, type A, class IN, a minute, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    (name, answer)
}

/// The binary of the tests, and the static one that `.ci/run` has built.
fn binaries() -> Vec<PathBuf> {
    let built = std::env::var_os("AWS_MFA_STATIC").map(PathBuf::from);
    if built.is_none() {
        skip("AWS_MFA_STATIC names no static binary; .ci/run builds one");
    }
    std::iter::once(binary()).chain(built).collect()
}

/// Runs `get` with these files in `/etc`.
fn get(sandbox: &Sandbox, binary: &PathBuf, code: &str) -> Command {
    let script = "for name in resolv.conf hosts nsswitch.conf; do \
                    mount --bind \"$HOME/etc/$name\" \"/etc/$name\" || exit 99; done; exec \"$@\"";
    let mut command = sandbox.command("unshare");
    command
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(binary)
        .args(["get", code]);
    command
}

/// The tests themselves work where loopback is down.
#[test]
fn test_in_a_new_network_namespace_has_loopback() {
    let Some(unshare) = tool("unshare") else {
        return;
    };
    if !root("make a network namespace") {
        return;
    }
    let mut again = Command::new(unshare);
    again.arg("--net").arg(std::env::current_exe().unwrap());
    again.args(["--exact", "get::get_with_defaults_saves_a_12_hour_session"]);
    let outcome = Outcome::of(&mut again);
    let passed = "test result: ok. 1 passed";
    assert!(outcome.stdout.contains(passed), "{}", outcome.stdout);
}

#[test]
fn host_names_are_resolved_by_name_server_hosts_file_and_search_domain() {
    let Some(_) = tool("unshare") else { return };
    if !root("give a process its own /etc/resolv.conf") {
        return;
    }
    // The port is fixed, so each run needs its own address.
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let address = &format!("127.{}.{middle}.{low}", high | 0x80);
    let server = NameServer::start(address);
    let sts = FakeSts::start();
    let port = sts.url().rsplit(':').next().unwrap().to_owned();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.write(
        "etc/resolv.conf",
        format!("nameserver {address}\nsearch corp.test\n"),
    );
    sandbox.write(
        "etc/hosts",
        "127.0.0.1 localhost\n127.0.0.1 only-in-hosts.test\n",
    );
    sandbox.write("etc/nsswitch.conf", "hosts: files dns\n");

    let mut code = 200_000;
    for binary in binaries() {
        for (name, asked) in [
            (KNOWN, vec![KNOWN]),
            ("sts", vec![KNOWN]),
            ("only-in-hosts.test", vec![]),
        ] {
            code += 1;
            sandbox.set("AWS_ENDPOINT_URL_STS", format!("http://{name}:{port}"));
            let outcome = sandbox.run_with(&mut get(&sandbox, &binary, &code.to_string()));
            assert_eq!(outcome.stderr, "", "{name} with {}", binary.display());
            let saved = words::session_is_valid("");
            assert!(outcome.stdout.contains(&saved));
            let mut questions = server.questions();
            questions.dedup();
            assert_eq!(questions, asked, "{name} with {}", binary.display());
        }
        sandbox.set(
            "AWS_ENDPOINT_URL_STS",
            format!("http://nowhere.test:{port}"),
        );
        let outcome = sandbox.run_with(&mut get(&sandbox, &binary, "200000"));
        assert_eq!(outcome.status, 1);
        assert!(
            outcome.stderr.starts_with(&format!(
                "aws-mfa: cannot find the address of http://nowhere.test:{port}: "
            )),
            "{}",
            outcome.stderr
        );
        assert_eq!(server.questions().first().unwrap(), "nowhere.test");
        // AWS may have a region that is new, so it is looked up.
        sandbox
            .unset("AWS_ENDPOINT_URL_STS")
            .unset("HTTPS_PROXY")
            .set("AWS_REGION", "us-esat-1");
        let outcome = sandbox.run_with(&mut get(&sandbox, &binary, "200000"));
        let stderr = outcome.failed(1);
        let hint = format!(
            "hint: check the region us-esat-1 (AWS_REGION); {}\n",
            words::the_code_is_still_valid()
        );
        assert!(
            stderr.starts_with(
                "aws-mfa: cannot find the address of https://sts.us-esat-1.amazonaws.com: "
            ) && stderr.ends_with(&hint),
            "{stderr}"
        );
        let asked = server.questions();
        assert_eq!(asked.first().unwrap(), "sts.us-esat-1.amazonaws.com");
        sandbox.unset("AWS_REGION");
    }
    assert_eq!(sts.requests().len(), 3 * binaries().len());
}
