//! Networks in practice: proxies, private certificate authorities, other endpoints.

use super::authority::Authority;
use super::deadline::{InTime, wait_for};
use super::fake_sts::FakeSts;
use super::sandbox::{Outcome, Sandbox};
#[cfg(target_os = "linux")]
use super::tool::root;
use super::tool::tool;
use super::words;
#[cfg(target_os = "linux")]
use socket2::{Domain, Socket, Type};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
#[cfg(target_os = "linux")]
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
#[cfg(target_os = "linux")]
use std::time::Duration;

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
        proxy.port = wait_for("the proxy's port", || {
            assert!(proxy.server.try_wait().unwrap().is_none(), "no proxy");
            let written = std::fs::read_to_string(&port_file).ok()?;
            written.trim().parse().ok()
        });
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It has workers, which an interrupt ends too.
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process};
            let _ = kill_process(Pid::from_child(&self.server), Signal::INT);
        }
        self.server.status_in_time();
    }
}

/// A user whose STS has a certificate from a private authority.
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
    let saved = words::session_is_valid("");
    assert!(outcome.stdout.contains(&saved));
}

#[test]
fn private_ca_from_variable_or_profile_is_trusted() {
    let (_authority, sts, mut sandbox) = user_with_tls();
    assert_saved(&sandbox.run(["get", "123456"]));

    sandbox.unset("AWS_CA_BUNDLE");
    let bundle = sandbox.home().join("ca.pem");
    sandbox.write(
        ".aws/config",
        format!("[default]\nca_bundle = {}\n", bundle.display()),
    );
    assert_saved(&sandbox.run(["get", "222222"]));
    sandbox.write(".aws/config", "[default]\nca_bundle = ~/ca.pem\n");
    assert_saved(&sandbox.run(["get", "444444"]));

    sandbox.write(".aws/config", "");
    let outcome = sandbox.run(["get", "333333"]);
    outcome.is(
        1,
        "",
        &format!(
            "aws-mfa: no secure connection to {}: its certificate is not signed by a trusted authority\n\
             hint: if a proxy inspects TLS, set AWS_CA_BUNDLE to a file with its certificate authority; {}\n",
            sts.url(),
            words::the_code_is_still_valid()
        ),
    );
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn certificate_for_another_name_is_an_error() {
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
fn missing_empty_or_invalid_bundle_is_an_error_with_its_path() {
    let (authority, sts, mut sandbox) = user_with_tls();
    let hint = "hint: check AWS_CA_BUNDLE: it must be a PEM file that contains the certificate authority's certificate\n";
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let endless = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    let missing = std::fs::read(sandbox.home().join("missing")).unwrap_err();
    let missing = missing.to_string().to_lowercase();
    let (missing, _) = missing.split_once(" (os error").unwrap();
    let missing = format!(
        "cannot read the CA bundle: {}",
        missing.trim_end_matches('.')
    );
    for (contents, message) in [
        (None, missing.as_str()),
        (Some(String::new()), "the CA bundle contains no certificate"),
        (
            Some("not PEM".into()),
            "the CA bundle contains no certificate",
        ),
        (
            Some(garbage.into()),
            "certificate 1 in the CA bundle is invalid",
        ),
        (
            Some(authority.pem() + garbage),
            "certificate 2 in the CA bundle is invalid",
        ),
        (
            Some(endless.into()),
            "certificate 1 in the CA bundle is invalid",
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
fn connect_proxy_works_with_and_without_a_password() {
    let Some(program) = tool("proxy") else { return };
    let (_authority, sts, mut sandbox) = user_with_tls();

    let open = Proxy::start(&sandbox, &program, &[]);
    sandbox.set("HTTPS_PROXY", format!("http://127.0.0.1:{}", open.port));
    assert_saved(&sandbox.run(["get", "111111"]));
    // The default scheme is http, as in curl.
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
                "aws-mfa: the proxy http://{address} rejected the proxy credentials\n\
                 hint: set them in HTTPS_PROXY: http://<user>:<password>@<host>:<port>; {}\n",
                words::the_code_is_still_valid()
            ),
        );
    }
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn plain_http_endpoint_is_reached_through_http_proxy() {
    let Some(program) = tool("proxy") else { return };
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let proxy = Proxy::start(&sandbox, &program, &["--basic-auth", "igor:S3CR3T"]);
    let address = format!("127.0.0.1:{}", proxy.port);
    sandbox
        .set("https_proxy", "http://127.0.0.1:1")
        .set("ALL_PROXY", "http://127.0.0.1:1")
        .set("http_proxy", format!("http://igor:S3CR3T@{address}"));
    assert_saved(&sandbox.run(["get", "123456"]));

    // The proxy has read the request, so the code may be used up.
    sandbox.set("http_proxy", format!("http://{address}"));
    let outcome = sandbox.run(["get", "222222"]);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(
        lines[0],
        format!(
            "aws-mfa: {}",
            words::the_code_may_be_used_up(format!(
                "the proxy http://{address} rejected the proxy credentials"
            ))
        )
    );
    assert_eq!(
        outcome.without_wait().lines().nth(1).unwrap(),
        format!(
            "hint: set them in http_proxy: http://<user>:<password>@<host>:<port>; {}",
            words::wait_for_the_next_code("aws-mfa get <code>")
        )
    );
    assert_eq!(sts.requests().len(), 1);
}

/// As in curl. In a CGI program, `HTTP_PROXY` in upper case is a request header. On Windows, names have no case.
#[cfg(unix)]
#[test]
fn proxy_variables_have_the_precedence_of_curl() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("HTTP_PROXY", "http://127.0.0.1:1");
    assert_saved(&sandbox.run(["get", "123456"]));

    let proxy = |variables: &[&'static str], endpoint: &str| {
        let mut sandbox = Sandbox::with_user(&sts);
        sandbox
            .unset("HTTPS_PROXY")
            .set("AWS_ENDPOINT_URL_STS", endpoint);
        for name in variables {
            sandbox.set(name, format!("http://{name}:1"));
        }
        let shown = sandbox.run(["status"]).stdout;
        let line = shown.lines().find_map(|line| line.strip_prefix("proxy: "));
        line.map(|line| {
            line.split_once(" (")
                .unwrap()
                .1
                .trim_end_matches(')')
                .to_owned()
        })
    };
    let all = &[
        "ALL_PROXY",
        "all_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
    ];
    for (variables, endpoint, expected) in [
        (&all[..], "https://sts.test", Some("https_proxy")),
        (&all[..3], "https://sts.test", Some("HTTPS_PROXY")),
        (&all[..2], "https://sts.test", Some("all_proxy")),
        (&all[..1], "https://sts.test", Some("ALL_PROXY")),
        (&all[..], "http://sts.test", Some("all_proxy")),
        (&all[2..], "http://sts.test", None),
    ] {
        assert_eq!(
            proxy(variables, endpoint).as_deref(),
            expected,
            "{variables:?} {endpoint}"
        );
    }
}

#[test]
fn malformed_proxy_is_an_error_that_does_not_show_the_password() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let not_a_url = "aws-mfa: ALL_PROXY is not the URL of an HTTP proxy\n\
         hint: write it as http://<user>:<password>@<host>:<port> or http://<host>:<port>\n";
    let raw = "aws-mfa: ALL_PROXY has a user name or password that is not percent-encoded\n\
         hint: write %40 for `@`, %2F for `/`, %3F for `?`, %23 for `#`, %20 for a space\n";
    for (value, expected) in [
        ("http://me:P@ssS3CR3T@127.0.0.1:1", raw),
        ("http://me:P/S3CR3T@127.0.0.1:1", raw),
        ("http://me:P?S3CR3T@127.0.0.1:1", raw),
        ("me:P#S3CR3T@127.0.0.1:1", raw),
        ("me:P S3CR3T@127.0.0.1:1", raw),
        ("socks5://igor:S3CR3T@127.0.0.1:1", not_a_url),
        ("http://igor:S3CR3T", not_a_url),
    ] {
        sandbox.set("ALL_PROXY", value);
        sandbox.run(["get", "123456"]).is(1, "", expected);
        let shown = sandbox.run(["status"]).stdout;
        let first_line = expected.lines().next().unwrap().replace("aws-mfa: ", "");
        assert!(shown.contains(&first_line), "{shown}");
    }
    assert!(sts.requests().is_empty());
}

/// A proxy that answers each CONNECT with these bytes.
fn refusing_proxy(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    url
}

#[test]
fn proxy_that_refuses_to_connect_leaves_the_code_valid() {
    let (_authority, sts, mut sandbox) = user_with_tls();
    for (answer, expected) in [
        (
            &b"HTTP/1.1 403 Forbidden\r\n\r\n"[..],
            "the proxy PROXY refused to connect to ENDPOINT",
        ),
        (
            b"",
            "the proxy PROXY broke the connection to ENDPOINT: unexpected end of file",
        ),
    ] {
        let proxy = refusing_proxy(answer);
        sandbox.set("HTTPS_PROXY", &proxy);
        let expected = expected
            .replace("PROXY", &proxy)
            .replace("ENDPOINT", &sts.url());
        sandbox.run(["get", "123456"]).is(
            1,
            "",
            &words::failure(
                &expected,
                &format!("check HTTPS_PROXY; {}", words::the_code_is_still_valid()),
            ),
        );
    }
    assert!(sts.requests().is_empty());
}

#[test]
fn malformed_endpoint_is_an_error_with_its_origin() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let hint = "hint: write an endpoint as https://<host> or https://<host>:<port>\n";
    for (value, fault) in [
        ("localhost:5000", "does not begin with https:// or http://"),
        ("https://[::1", "is not a valid URL"),
        ("https://sts.test:443:443", "is not a valid URL"),
        ("https://sts test", "is not a valid URL"),
        (
            "https://me:S3CR3T@sts.test",
            "contains a user name or a password",
        ),
        (
            "https://sts.test?token=S3CR3T",
            "contains a query or a fragment",
        ),
    ] {
        sandbox.set("AWS_ENDPOINT_URL_STS", value);
        let message = format!("AWS_ENDPOINT_URL_STS {fault}");
        sandbox
            .run(["get", "123456"])
            .is(1, "", &format!("aws-mfa: {message}\n{hint}"));
        let shown = sandbox.run(["status"]).stdout;
        assert!(shown.contains(&message), "{shown}");
    }
    sandbox.unset("AWS_ENDPOINT_URL_STS");
    sandbox.write(
        ".aws/config",
        "[default]\nendpoint_url = https://sts.test:x\n",
    );
    sandbox.run(["get", "123456"]).is(
        1,
        "",
        &format!("aws-mfa: endpoint_url in the profile default is not a valid URL\n{hint}"),
    );
}

#[test]
fn region_that_cannot_be_sent_is_an_error_with_its_origin() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    for region in ["us\neast", "us east", "us-\u{e4}st-1"] {
        sandbox.run(["get", "123456", "--region", region]).is(
            1,
            "",
            "aws-mfa: the region contains characters that cannot be sent\n\
             hint: check --region\n",
        );
    }
    assert!(sts.requests().is_empty());
}

/// The name has two addresses, and the first does not answer: its queue of connections is full.
#[cfg(target_os = "linux")]
#[test]
fn dead_first_address_does_not_fail_the_call() {
    let Some(unshare) = tool("unshare") else {
        return;
    };
    if !root("give a process its own /etc/hosts") {
        return;
    }
    let sts = FakeSts::start_at("127.64.0.1");
    let port: u16 = sts.url().rsplit(':').next().unwrap().parse().unwrap();
    // No other test has a port of this address.
    let dead: SocketAddr = ([127, 64, 0, 2], port).into();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&dead.into()).unwrap();
    socket.listen(0).unwrap();
    let limit = Duration::from_millis(200);
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&dead, limit) {
        queue.push(stream);
    }

    let mut sandbox = Sandbox::with_user(&sts);
    let hosts = sandbox.write("hosts", "127.64.0.2 sts.test\n127.64.0.1 sts.test\n");
    sandbox.set("AWS_ENDPOINT_URL_STS", format!("http://sts.test:{port}"));
    let mut get = sandbox.command(unshare);
    get.args([
        "--mount",
        "sh",
        "-c",
        "mount --bind \"$0\" /etc/hosts && exec aws-mfa get 123456",
    ])
    .arg(hosts);
    assert_saved(&sandbox.run_with(&mut get));
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn host_in_no_proxy_is_reached_directly_and_a_missing_proxy_is_an_error() {
    let (_authority, sts, mut sandbox) = user_with_tls();
    sandbox.set("HTTPS_PROXY", "http://igor:S3CR3T@127.0.0.1:1");
    sandbox.run(["get", "123456"]).is(
        1,
        "",
        &words::failure(
            &words::connection_refused("the proxy http://127.0.0.1:1"),
            &format!("check HTTPS_PROXY; {}", words::the_code_is_still_valid()),
        ),
    );
    for exception in ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", "*"] {
        sandbox.set("NO_PROXY", exception);
        assert_saved(&sandbox.run(["get", &format!("{:06}", exception.len())]));
    }
    sandbox.unset("NO_PROXY").set("no_proxy", "127.0.0.1");
    assert_saved(&sandbox.run(["get", "222222"]));
    assert_eq!(sts.requests().len(), 4);
}

#[test]
fn sts_endpoint_beats_the_general_one_and_can_be_ipv6() {
    let sts = FakeSts::start_at("[::1]");
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

/// A proxy that refuses every connection, and reports the targets to the test.
fn refusing_everything() -> (String, Receiver<String>) {
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
fn fips_selects_another_endpoint() {
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let (proxy, targets) = refusing_everything();
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
        targets.try_iter().collect::<Vec<_>>(),
        ["CONNECT sts-fips.us-east-2.amazonaws.com:443 HTTP/1.1"]
    );
}

/// The SDK's default chains ask the EC2 metadata service; `get` makes one connection, to its
/// endpoint, and `load` none at all.
#[cfg(target_os = "linux")]
#[test]
fn get_connects_to_its_endpoint_only_and_load_to_nothing() {
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
            .output_in_time();
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
