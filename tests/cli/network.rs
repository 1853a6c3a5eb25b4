//! The network as people have it: proxies, private certificate authorities, other endpoints.

use super::authority::Authority;
use super::fake_sts::FakeSts;
use super::sandbox::{Outcome, Sandbox};
use super::tool::tool;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const GOOD: &str =
    "the code is still good while the device shows it: run `aws-mfa get <code>` again\n";

/// A real proxy (proxy.py) on a free port.
struct Proxy {
    server: Child,
    port: u16,
}

impl Proxy {
    fn start(sandbox: &Sandbox, program: &Path, arguments: &[&str]) -> Self {
        let port_file = sandbox.home().join("proxy-port");
        let _ = std::fs::remove_file(&port_file);
        let server = sandbox
            .command(program)
            .args(["--hostname", "127.0.0.1", "--port", "0", "--port-file"])
            .arg(&port_file)
            .args(["--num-workers", "1", "--num-acceptors", "1"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut proxy = Proxy { server, port: 0 };
        loop {
            let written = std::fs::read_to_string(&port_file).unwrap_or_default();
            match written.trim().parse() {
                Ok(port) => {
                    proxy.port = port;
                    return proxy;
                }
                Err(_) => assert!(proxy.server.try_wait().unwrap().is_none(), "no proxy"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It has workers of its own, which an interrupt ends too.
        let _ = std::process::Command::new("kill")
            .args(["-INT", &self.server.id().to_string()])
            .status();
        let _ = self.server.wait();
    }
}

/// A user whose STS speaks TLS with a certificate of a private authority.
fn user_with_tls() -> (Authority, FakeSts, Sandbox) {
    let authority = Authority::new();
    let sts = FakeSts::start_with_tls(authority.server("127.0.0.1"));
    let mut sandbox = Sandbox::with_user(&sts);
    let bundle = sandbox.write("ca.pem", authority.pem());
    sandbox.set("AWS_CA_BUNDLE", bundle);
    (authority, sts, sandbox)
}

#[track_caller]
fn assert_saved(outcome: &Outcome) {
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout.starts_with("saved session info to "));
}

#[test]
fn a_private_authority_is_trusted_by_variable_and_by_profile() {
    let (_authority, sts, mut sandbox) = user_with_tls();
    assert_saved(&sandbox.run(["get", "123456"]));

    sandbox.unset("AWS_CA_BUNDLE");
    let bundle = sandbox.home().join("ca.pem");
    sandbox.write(
        ".aws/config",
        format!("[default]\nca_bundle = {}\n", bundle.display()),
    );
    assert_saved(&sandbox.run(["get", "222222"]));

    sandbox.write(".aws/config", "");
    let outcome = sandbox.run(["get", "333333"]);
    outcome.is(
        1,
        "",
        &format!(
            "aws-mfa: no secure connection to {}: its certificate is signed by an authority that is not trusted here\n\
             hint: behind a proxy that opens TLS connections name its certificate with AWS_CA_BUNDLE; \
             the code is still good while the device shows it: run `aws-mfa get <code>` again\n",
            sts.url()
        ),
    );
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn a_certificate_for_another_name_is_told() {
    let authority = Authority::new();
    let sts = FakeSts::start_with_tls(authority.server("elsewhere.example"));
    let mut sandbox = Sandbox::with_user(&sts);
    let bundle = sandbox.write("ca.pem", authority.pem());
    sandbox.set("AWS_CA_BUNDLE", bundle);
    let outcome = sandbox.run(["get", "123456"]);
    assert_eq!(outcome.status, 1);
    assert_eq!(
        outcome.stderr.lines().next(),
        Some(
            format!(
                "aws-mfa: no secure connection to {}: its certificate is for another name",
                sts.url()
            )
            .as_str()
        )
    );
    assert!(sts.requests().is_empty());
}

#[test]
fn a_bundle_that_is_missing_empty_or_broken_is_told_with_its_path() {
    let (authority, sts, mut sandbox) = user_with_tls();
    let hint = "hint: check AWS_CA_BUNDLE: a file of certificates in PEM, the certificate authority's among them\n";
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let endless = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    for (contents, message) in [
        (None, "cannot read the CA bundle: no such file or directory"),
        (
            Some(String::new()),
            "there is no certificate in the CA bundle",
        ),
        (
            Some("not PEM".into()),
            "there is no certificate in the CA bundle",
        ),
        (
            Some(garbage.into()),
            "certificate 1 of the CA bundle is broken",
        ),
        (
            Some(authority.pem() + garbage),
            "certificate 2 of the CA bundle is broken",
        ),
        (
            Some(endless.into()),
            "certificate 1 of the CA bundle is broken",
        ),
    ] {
        let path = sandbox.home().join("other.pem");
        match contents {
            Some(contents) => drop(sandbox.write("other.pem", contents)),
            None => drop(std::fs::remove_file(&path)),
        }
        sandbox.set("AWS_CA_BUNDLE", &path);
        sandbox.run(["get", "123456"]).is(
            1,
            "",
            &format!("aws-mfa: {message} ({})\n{hint}", path.display()),
        );
    }
    assert!(sts.requests().is_empty());
}

#[test]
fn a_connect_proxy_is_gone_through_with_and_without_a_password() {
    let Some(program) = tool("proxy") else { return };
    let (_authority, sts, mut sandbox) = user_with_tls();

    let open = Proxy::start(&sandbox, &program, &[]);
    sandbox.set("HTTPS_PROXY", format!("http://127.0.0.1:{}", open.port));
    assert_saved(&sandbox.run(["get", "111111"]));
    // Without a scheme it is one of http, as curl has it.
    sandbox.set("HTTPS_PROXY", format!("127.0.0.1:{}", open.port));
    assert_saved(&sandbox.run(["get", "222222"]));
    drop(open);

    let closed = Proxy::start(
        &sandbox,
        &program,
        &["--basic-auth", "igor:pass:S3CR3T@word"],
    );
    let address = format!("127.0.0.1:{}", closed.port);
    sandbox.set(
        "HTTPS_PROXY",
        format!("http://igor:pass%3AS3CR3T%40word@{address}"),
    );
    assert_saved(&sandbox.run(["get", "333333"]));

    for value in [
        format!("http://igor:S3CR3T@{address}"),
        format!("http://{address}"),
    ] {
        sandbox.set("HTTPS_PROXY", value);
        sandbox.run(["get", "444444"]).is(
            1,
            "",
            &format!(
                "aws-mfa: the proxy http://{address} wants a user and a password, or others than it got\n\
                 hint: write them in HTTPS_PROXY: http://<user>:<password>@<host>:<port>; \
                 the code is still good while the device shows it: run `aws-mfa get <code>` again\n"
            ),
        );
    }
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn an_endpoint_of_http_goes_through_http_proxy() {
    let Some(program) = tool("proxy") else { return };
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let proxy = Proxy::start(&sandbox, &program, &["--basic-auth", "igor:S3CR3T"]);
    let address = format!("127.0.0.1:{}", proxy.port);
    // The one for https is of no account here.
    sandbox
        .set("HTTPS_PROXY", "http://127.0.0.1:1")
        .set("HTTP_PROXY", format!("http://igor:S3CR3T@{address}"));
    assert_saved(&sandbox.run(["get", "123456"]));
    sandbox.set("HTTP_PROXY", format!("http://{address}"));
    let outcome = sandbox.run(["get", "222222"]);
    assert_eq!(
        outcome.stderr.lines().next(),
        Some(
            format!(
                "aws-mfa: the proxy http://{address} wants a user and a password, or others than it got"
            )
            .as_str()
        )
    );
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn no_proxy_excepts_the_host_and_a_proxy_that_is_gone_is_told() {
    let (_authority, sts, mut sandbox) = user_with_tls();
    sandbox.set("HTTPS_PROXY", "http://igor:S3CR3T@127.0.0.1:1");
    sandbox.run(["get", "123456"]).is(
        1,
        "",
        &format!(
            "aws-mfa: cannot connect to the proxy http://127.0.0.1:1: connection refused\n\
             hint: check HTTPS_PROXY; {GOOD}"
        ),
    );
    for exception in ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", "*"] {
        sandbox.set("NO_PROXY", exception);
        assert_saved(&sandbox.run(["get", &format!("{:06}", exception.len())]));
    }
    assert_eq!(sts.requests().len(), 3);

    sandbox
        .set("NO_PROXY", "")
        .set("HTTPS_PROXY", "socks5://igor:S3CR3T@127.0.0.1:1");
    sandbox.run(["get", "123456"]).is(
        1,
        "",
        "aws-mfa: HTTPS_PROXY is not the URL of an HTTP proxy\n\
         hint: write http://<host>:<port>, with <user>:<password>@ before the host if it wants them\n",
    );
}

#[test]
fn the_endpoint_of_sts_beats_the_general_one_and_ipv6_works() {
    let sts = FakeSts::start_on_ipv6();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    assert_saved(&sandbox.run(["get", "123456"]));
    sandbox
        .unset("AWS_ENDPOINT_URL_STS")
        .set("AWS_ENDPOINT_URL", sts.url());
    assert_saved(&sandbox.run(["get", "222222"]));
    sandbox.unset("AWS_ENDPOINT_URL");
    sandbox.write(
        ".aws/config",
        format!("[default]\nendpoint_url = {}\n", sts.url()),
    );
    assert_saved(&sandbox.run(["get", "333333"]));
}

/// A proxy that lets nothing through, and tells the test where each client wanted to go.
fn closed_gate() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let request = lines.next().unwrap_or_default();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let _ = sender.send(request);
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (url, receiver)
}

#[test]
fn fips_chooses_another_endpoint() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let (proxy, asked) = closed_gate();
    sandbox
        .unset("AWS_ENDPOINT_URL_STS")
        .set("AWS_USE_FIPS_ENDPOINT", "true")
        .set("AWS_REGION", "us-east-2")
        .set("HTTPS_PROXY", proxy);
    let outcome = sandbox.run(["get", "123456"]);
    assert!(
        outcome
            .failed(1)
            .contains("https://sts-fips.us-east-2.amazonaws.com"),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        asked.try_iter().collect::<Vec<_>>(),
        ["CONNECT sts-fips.us-east-2.amazonaws.com:443 HTTP/1.1"]
    );
}

/// The SDK's default chains ask the EC2 metadata service; `get` makes one connection, to its
/// endpoint, and `load` none at all.
#[cfg(target_os = "linux")]
#[test]
fn no_connection_is_made_but_the_one_to_the_endpoint() {
    use super::tool::{LOOK_INSIDE, root};
    let Some(strace) = tool("strace").filter(|_| root(LOOK_INSIDE)) else {
        return;
    };
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox
        .unset("MASTER_AWS_ACCESS_KEY_ID")
        .unset("MASTER_AWS_SECRET_ACCESS_KEY");
    sandbox.write(
        ".aws/credentials",
        format!("[default]\n{}", super::sandbox::profile_keys()),
    );
    let trace = |arguments: &[&str]| {
        let log = sandbox.home().join("trace");
        let outcome = sandbox
            .command(&strace)
            .args([
                "-f",
                "-qq",
                "-e",
                "trace=connect,sendto,sendmsg,sendmmsg",
                "-o",
            ])
            .arg(&log)
            .arg(super::sandbox::binary())
            .args(arguments)
            .output()
            .unwrap();
        assert!(outcome.status.success(), "{outcome:?}");
        std::fs::read_to_string(log).unwrap()
    };
    let port = sts.url().rsplit(':').next().unwrap().to_owned();
    let connected = trace(&["get", "123456"]);
    let connects: Vec<&str> = connected
        .lines()
        .filter(|line| line.contains("connect("))
        .collect();
    assert_eq!(connects.len(), 1, "{connected}");
    assert!(
        connects[0].contains(&format!("sin_port=htons({port})")),
        "{connected}"
    );
    let loaded = trace(&["load"]);
    assert!(!loaded.contains("connect("), "{loaded}");
}
