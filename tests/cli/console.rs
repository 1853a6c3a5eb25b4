//! `aws-mfa console`: the AWS console in a browser, as a role. AWS's sign-in and the browsers are doubles.

use super::authority::Authority;
use super::deadline::{wait_for, wait_until};
use super::fake_sign_in::TOKEN;
use super::fake_sts::{Behaviour, FakeSts, Role};
use super::sandbox::{DEVICE, Outcome, Sandbox, chmod, profile_keys, read_json};
use super::terminal::Terminal;
use super::words;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

const DEPLOY: &str = "arn:aws:iam::333333333333:role/team/deploy";

/// A user whose profile `work` has the keys and a session, and whose profile `staging` has a role. The graphical browser
/// `look` writes down what it is asked to open.
fn with_role(sts: &FakeSts) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox
        .set("AWS_ENDPOINT_URL_STS", sts.url())
        .set("AWS_ENDPOINT_URL_SIGNIN", sts.url())
        .set("BROWSER", "look");
    let bin = sandbox.home().join("bin");
    // Not the machine's own browsers.
    let own = [bin, super::sandbox::binary().parent().unwrap().to_owned()];
    let system = ["/usr/bin", "/bin"].map(Into::into);
    let path = std::env::join_paths(own.into_iter().chain(system)).unwrap();
    sandbox.set("PATH", path);
    sandbox.write(
        ".aws/config",
        format!(
            "[profile work]\nmfa_serial = {DEVICE}\n\
             [profile staging]\nrole_arn = {DEPLOY}\nsource_profile = work\nregion = eu-west-1\n\
             role_session_name = igor\n"
        ),
    );
    sandbox.write(".aws/credentials", format!("[work]\n{}", profile_keys()));
    sts.add_role(DEPLOY, Role::default());
    sandbox.run(["get", "-p", "work", "123456"]).succeeded();
    program(&sandbox, "look", "");
    sandbox
}

/// A program that writes its arguments down, one a line, and then runs `rest`.
fn program(sandbox: &Sandbox, name: &str, rest: &str) {
    // The URL is a secret, and it is this test's to see.
    sandbox.write("opened", "");
    let script = format!(
        "#!/bin/sh\nprintf '{name} %s\\n' \"$@\" > \"$HOME/opening\"\n\
         cat \"$HOME/opening\" > \"$HOME/opened\"; rm \"$HOME/opening\"\n{rest}\n"
    );
    let path = sandbox.write(format!("bin/{name}"), script);
    chmod(&path, 0o755);
}

/// What a browser was last asked to open.
fn opened(sandbox: &Sandbox) -> String {
    let file = sandbox.home().join("opened");
    wait_for("a browser", || {
        let text = std::fs::read_to_string(&file).unwrap();
        text.ends_with('\n').then(|| {
            sandbox.write("opened", "");
            text
        })
    })
}

/// The URL that signs in at `sts` and goes on to this destination, percent-encoded.
fn url(sts: &FakeSts, destination: &str) -> String {
    format!(
        "{}/federation?Action=login&Destination={destination}&SigninToken={TOKEN}",
        sts.url()
    )
}

const HOME: &str =
    "https%3A%2F%2Feu-west-1.console.aws.amazon.com%2Fconsole%2Fhome%3Fregion%3Deu-west-1";

#[test]
fn role_signs_in_with_the_saved_session_and_no_code() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts);
    let outcome = sandbox.run(["console", "-p", "staging"]);
    outcome.is(0, &format!("opened the console as {DEPLOY}\n"), "");
    // The whole URL is one argument.
    assert_eq!(opened(&sandbox), format!("look {}\n", url(&sts, HOME)));
    let requests = sts.requests();
    let actions = requests.iter().map(|request| &*request.form["Action"]);
    let actions: Vec<&str> = actions.collect();
    assert_eq!(actions, ["GetSessionToken", "AssumeRole", "getSigninToken"]);
    // In the body, and without a duration: AWS allows none for a role that a session has assumed.
    let form = &requests[2].form;
    assert_eq!(form.keys().collect::<Vec<_>>(), ["Action", "Session"]);
    let saved = read_json(&sandbox.role_file("deploy"));
    let saved = &saved["Credentials"];
    let session: Value = serde_json::from_str(&form["Session"]).unwrap();
    assert_eq!(
        session,
        json!({
            "sessionId": saved["AccessKeyId"],
            "sessionKey": saved["SecretAccessKey"],
            "sessionToken": saved["SessionToken"],
        })
    );
    // Again, from the saved credentials.
    sandbox.run(["console", "-p", "staging"]).succeeded();
    assert_eq!(sts.requests_for("AssumeRole").len(), 1);
    assert_eq!(sts.requests_for("getSigninToken").len(), 2);
}

#[test]
fn direct_credentials_say_how_long_the_console_lasts() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts);
    let longest = Role {
        longest: 12 * 3600,
        ..Role::default()
    };
    sts.add_role(DEPLOY, longest);
    for (code, duration, seconds) in [("222222", "8h", 28_800), ("333333", "12h", 43_200)] {
        let get = ["get", "-p", "staging", "--direct", "-d", duration, code];
        sandbox.run(get).succeeded();
        sandbox.run(["console", "-p", "staging"]).succeeded();
        let form = &sts.requests_for("getSigninToken").pop().unwrap().form;
        let left: i64 = form["SessionDuration"].parse().unwrap();
        assert!((seconds - 600..=seconds).contains(&left), "{left}");
    }
    // AWS's shortest.
    let names = sandbox.role_names();
    let file = sandbox.session_file().with_file_name(&names[0]);
    sandbox.make_due(&file);
    sandbox.run(["console", "-p", "staging"]).succeeded();
    let form = &sts.requests_for("getSigninToken").pop().unwrap().form;
    assert_eq!(form["SessionDuration"], "900");
}

#[test]
fn destination_is_the_home_page_a_service_or_a_console_url() {
    let sts = FakeSts::start();
    let mut sandbox = with_role(&sts);
    let shown = |sandbox: &Sandbox, arguments: &[&str]| {
        let outcome = sandbox.run([&["console", "-p", "staging", "--url"], arguments].concat());
        outcome.succeeded().to_owned()
    };
    let regional = "https%3A%2F%2Feu-west-1.console.aws.amazon.com%2F";
    for (destination, expected) in [
        (&[][..], HOME.to_owned()),
        (&["s3"], format!("{regional}s3%2Fhome%3Fregion%3Deu-west-1")),
        (
            &["ssm"],
            format!("{regional}systems-manager%2Fhome%3Fregion%3Deu-west-1"),
        ),
        (
            &["https://us-east-1.console.aws.amazon.com/ec2/home?region=us-east-1#Instances:a=b&c"],
            "https%3A%2F%2Fus-east-1.console.aws.amazon.com%2Fec2%2Fhome%3Fregion%3Dus-east-1%23Instances%3Aa%3Db%26c"
                .to_owned(),
        ),
    ] {
        let url = format!("{}\n", url(&sts, &expected));
        assert_eq!(shown(&sandbox, destination), url, "{destination:?}");
    }
    assert_eq!(std::fs::read(sandbox.home().join("opened")).unwrap(), b"");

    // As a shell: a region of the shell's own only if the profile has none, and of the role's partition.
    let config = sandbox.home().join(".aws/config");
    let without = std::fs::read_to_string(&config).unwrap();
    sandbox.write(&config, without.replace("region = eu-west-1\n", ""));
    let global = "https%3A%2F%2Fconsole.aws.amazon.com%2Fconsole%2Fhome".to_owned();
    assert_eq!(shown(&sandbox, &[]), format!("{}\n", url(&sts, &global)));
    sandbox.set("AWS_REGION", "eu-north-1");
    let north = HOME.replace("eu-west-1", "eu-north-1");
    assert_eq!(shown(&sandbox, &[]), format!("{}\n", url(&sts, &north)));
    sandbox.set("AWS_REGION", "cn-north-1");
    assert_eq!(shown(&sandbox, &[]), format!("{}\n", url(&sts, &global)));
    sandbox.set("AWS_REGION", "eu-north-1b");
    let hint = "hint: write eu-north-1\n";
    assert!(
        sandbox
            .run(["console", "-p", "staging"])
            .failed(1)
            .ends_with(hint)
    );
}

#[test]
fn destination_elsewhere_is_an_error_before_any_request() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts);
    let before = sts.requests().len();
    for (destination, what) in [
        ("ec2/home", "not a service or a URL of the console"),
        // Anybody can publish there.
        (
            "https://s3.amazonaws.com/bucket/page.html",
            "not a URL of the console",
        ),
        ("https://console.amazonaws.cn/", "not a URL of the console"),
    ] {
        sandbox.run(["console", "-p", "staging", destination]).is(
            2,
            "",
            &words::failure(
                &format!("{what}: {destination}"),
                "name a service, such as ec2, or a URL with https://console.aws.amazon.com/ or a host below it",
            ),
        );
    }
    assert_eq!(sts.requests().len(), before);
    for destination in ["ec2", "https://console.aws.amazon.com/"] {
        let outcome = sandbox.run(["console", "-p", "staging", destination]);
        outcome.succeeded();
    }
}

/// Each partition signs in at its own host, which a proxy is asked for.
#[test]
fn partition_has_its_own_sign_in_and_console() {
    let sts = FakeSts::start();
    let mut sandbox = with_role(&sts);
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in proxy.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    sandbox.set("HTTPS_PROXY", &address);
    for (partition, region, sign_in, console) in [
        (
            "aws",
            "eu-west-1",
            "signin.aws.amazon.com",
            "console.aws.amazon.com",
        ),
        (
            "aws-cn",
            "cn-northwest-1",
            "signin.amazonaws.cn",
            "console.amazonaws.cn",
        ),
        (
            "aws-us-gov",
            "us-gov-east-1",
            "signin.amazonaws-us-gov.com",
            "console.amazonaws-us-gov.com",
        ),
        (
            "aws-eusc",
            "eusc-de-east-1",
            "eusc-de-east-1.signin.amazonaws-eusc.eu",
            "console.amazonaws-eusc.eu",
        ),
    ] {
        let role = format!("arn:{partition}:iam::333333333333:role/deploy");
        sts.add_role(&role, Role::default());
        sandbox.write(
            ".aws/config",
            format!(
                "[profile work]\nmfa_serial = {DEVICE}\n\
                 [profile staging]\nrole_arn = {role}\nsource_profile = work\nregion = {region}\n\
                 role_session_name = igor\n"
            ),
        );
        sandbox.set("AWS_ENDPOINT_URL_SIGNIN", sts.url());
        let printed = sandbox.run(["console", "-p", "staging", "--url", "ec2"]);
        let expected = format!("https%3A%2F%2F{region}.{console}%2Fec2%2Fhome%3Fregion%3D{region}");
        assert_eq!(printed.succeeded(), format!("{}\n", url(&sts, &expected)));
        sandbox.unset("AWS_ENDPOINT_URL_SIGNIN");
        let outcome = sandbox.run(["console", "-p", "staging"]);
        outcome.is(
            1,
            "",
            &words::failure(
                &format!("the proxy {address} refused to connect to https://{sign_in}"),
                "check HTTPS_PROXY",
            ),
        );
    }
    let role = "arn:aws-iso:iam::333333333333:role/deploy";
    sandbox
        .run(["console", "-p", "work", "--role-arn", role])
        .is(
            1,
            "",
            &words::failure(
                "aws-mfa does not know the console of the partition aws-iso",
                "it knows those of aws, aws-cn, aws-us-gov and aws-eusc",
            ),
        );
}

#[test]
fn users_own_session_is_an_error_with_the_ways_to_the_console() {
    let sts = FakeSts::start();
    let mut sandbox = with_role(&sts);
    let message = "the AWS console accepts the credentials of a role, not a user's own session";
    let password =
        "or sign in with your password at https://123456789012.signin.aws.amazon.com/console";
    let hint = format!("select a role: `-p staging`; {password}");
    let outcome = sandbox.run(["console", "-p", "work"]);
    outcome.is(2, "", &words::failure(message, &hint));
    let (_, advice) = hint.split_once('`').unwrap();
    let advice = advice.split('`').next().unwrap();
    let console = ["console"].into_iter().chain(advice.split(' '));
    sandbox.run(console).succeeded();

    sandbox.write(".aws/config", "[profile work]\nmfa_serial = GAHT12345678\n");
    let hint = "select a role with `--role-arn`, or with a profile that has role_arn; \
                or sign in with your password at https://console.aws.amazon.com/";
    let outcome = sandbox.run(["console", "-p", "work"]);
    outcome.is(2, "", &words::failure(message, hint));
    sandbox
        .run(["console", "-p", "work", "--role-arn", DEPLOY])
        .succeeded();
    // It never asks for a federated user's credentials.
    assert!(sts.requests_for("GetFederationToken").is_empty());

    // The user's own session is needed, even for a role.
    sandbox.run(["clear", "-p", "work"]).succeeded();
    let file = sandbox.session_file().with_file_name("session-work");
    sandbox.set("AWS_MFA_ROLE_ARN", DEPLOY);
    let outcome = sandbox.run(["console", "-p", "work"]);
    let hint = words::run("aws-mfa get --profile work <code>");
    outcome.is(
        3,
        "",
        &words::failure(&words::no_session_yet(file.display()), &hint),
    );
}

#[test]
fn refusal_and_foreign_answers_are_one_sentence() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts);
    sandbox.run(["get", "-p", "staging"]).succeeded();
    let console = |sandbox: &Sandbox| sandbox.run(["console", "-p", "staging"]);
    sts.revoke_roles();
    let clear = "aws-mfa clear --profile staging";
    console(&sandbox).is(
        1,
        "",
        &words::failure(
            &format!("AWS does not accept the credentials of the role {DEPLOY} for the console (HTTP 400)"),
            &format!("run `{clear}`, then try again"),
        ),
    );
    sandbox.run(clear.split(' ').skip(1)).succeeded();
    console(&sandbox).succeeded();

    let url = sts.url();
    for (status, body, error) in [
        (
            302,
            "",
            format!(
                "the response from {url} is not from AWS sign-in (HTTP 302): a proxy or sign-in page may be in the way"
            ),
        ),
        (
            403,
            "<html>",
            format!(
                "the response from {url} is not from AWS sign-in (HTTP 403): a proxy or sign-in page may be in the way"
            ),
        ),
        (502, "<html>", "AWS sign-in failed (HTTP 502)".to_owned()),
        (
            429,
            "",
            "AWS sign-in is throttling requests (HTTP 429)".to_owned(),
        ),
        (
            200,
            "<html>",
            format!("AWS sign-in's answer is unusable: it cannot be parsed ({url})"),
        ),
        (
            200,
            "{\"SigninToken\":\"\"}",
            format!("AWS sign-in's answer is unusable: it cannot be parsed ({url})"),
        ),
        (
            200,
            "{\"SigninToken\":\"S3CR3T",
            format!("AWS sign-in's answer is unusable: it cannot be parsed ({url})"),
        ),
    ] {
        sts.behave(Behaviour::Answer {
            status,
            body: body.to_owned(),
        });
        console(&sandbox).is(1, "", &format!("aws-mfa: {error}\n"));
    }
    // Without a length, a truncated answer looks complete; JSON does not.
    let raw = |body: &str| {
        let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
        sts.behave(Behaviour::Raw(answer.into_bytes()));
        console(&sandbox)
    };
    raw("{\"SigninToken\":\"a\"}\n").succeeded();
    let broken = words::the_connection_broke(&url);
    raw("{\"SigninToken\":\"a").is(1, "", &format!("aws-mfa: {broken}\n"));
}

#[test]
fn sign_in_uses_the_configured_endpoint_and_certificates() {
    let authority = Authority::new();
    let sts = FakeSts::start();
    let sign_in = FakeSts::start_with_tls(authority.server("127.0.0.1"));
    let mut sandbox = with_role(&sts);
    // The double knows the roles of its own STS only.
    sign_in.behave(Behaviour::Answer {
        status: 200,
        body: "{\"SigninToken\":\"abc\"}".to_owned(),
    });
    sandbox
        .unset("HTTPS_PROXY")
        .unset("AWS_ENDPOINT_URL_SIGNIN");
    let bundle = sandbox.write("ca.pem", authority.pem());
    let config = std::fs::read_to_string(sandbox.home().join(".aws/config")).unwrap();
    let url = sign_in.url();
    let console = |sandbox: &Sandbox| sandbox.run(["console", "-p", "staging", "--url"]);
    sandbox.set("AWS_ENDPOINT_URL", &url);
    assert_eq!(
        console(&sandbox).failed(1).lines().next().unwrap(),
        format!(
            "aws-mfa: no secure connection to {url}: its certificate is not signed by a trusted authority"
        )
    );
    sandbox.set("AWS_CA_BUNDLE", bundle);
    let signed_in = |outcome: Outcome| {
        let start = format!("{url}/federation?Action=login&Destination=");
        assert!(
            outcome.succeeded().starts_with(&start),
            "{}",
            outcome.stdout
        );
    };
    signed_in(console(&sandbox));
    sandbox.unset("AWS_ENDPOINT_URL");
    sandbox.write(
        ".aws/config",
        format!("{config}services = own\n[services own]\nsignin =\n  endpoint_url = {url}/\n"),
    );
    signed_in(console(&sandbox));
    assert_eq!(sign_in.requests_for("getSigninToken").len(), 2);
}

#[test]
fn browser_is_the_first_of_the_list_that_starts() {
    let sts = FakeSts::start();
    let mut sandbox = with_role(&sts);
    let url = url(&sts, HOME);
    // No shell reads it.
    program(&sandbox, "my look", "");
    for (list, expected) in [
        ("look", format!("look {url}\n")),
        ("nowhere:look", format!("look {url}\n")),
        (
            "'my look' --new-window %s --private",
            format!("my look --new-window\nmy look {url}\nmy look --private\n"),
        ),
        ("look --url=%s &", format!("look --url={url}\n")),
        (
            "look $(touch hacked);x",
            format!("look $(touch\nlook hacked);x\nlook {url}\n"),
        ),
    ] {
        sandbox.set("BROWSER", list);
        sandbox.run(["console", "-p", "staging"]).succeeded();
        assert_eq!(opened(&sandbox), expected, "{list}");
    }
    assert!(!sandbox.home().join("hacked").exists());
}

#[test]
fn graphical_browser_is_not_waited_for() {
    let sts = FakeSts::start();
    let sandbox = with_role(&sts);
    // Until this test ends: it has none of its pipes, and is in another process group.
    let ids = "kill -s 0 -- -$$ && echo own > \"$HOME/group\"; echo $$ > \"$HOME/id\"";
    let runs = "while [ -d \"$HOME\" ] && [ ! -e \"$HOME/close\" ]; do sleep 0.05; done; echo > \"$HOME/closed\"";
    program(&sandbox, "look", &format!("{ids}\n{runs}"));
    sandbox.run(["console", "-p", "staging"]).succeeded();
    opened(&sandbox);
    let read = |name: &str| std::fs::read_to_string(sandbox.home().join(name)).unwrap_or_default();
    wait_until("the browser's id", || read("id").ends_with('\n'));
    assert_eq!(read("group"), "own\n");
    assert_eq!(read("closed"), "");
    sandbox.write("close", "");
    wait_until("the browser's end", || read("closed") == "\n");
}

#[test]
fn text_browser_has_the_terminal_until_it_ends() {
    let sts = FakeSts::start();
    let mut sandbox = with_role(&sts);
    for (name, status) in [("w3m", 0), ("lynx", 7)] {
        let rest =
            format!("[ -t 0 ] && [ -t 1 ] && read -r key && echo \"got $key\"; exit {status}");
        program(&sandbox, name, &rest);
        sandbox.set("BROWSER", name);
        let mut terminal = Terminal::run(&sandbox, "aws-mfa console -p staging");
        let seen = opened(&sandbox);
        assert_eq!(seen, format!("{name} {}\n", url(&sts, HOME)));
        terminal.type_line("quit");
        terminal.wait_for("got quit");
        let (ended, shown) = terminal.end();
        let expected = match status {
            0 => (0, format!("opened the console as {DEPLOY}")),
            _ => (
                1,
                format!("aws-mfa: cannot open the browser {name}: exit status: {status}"),
            ),
        };
        assert_eq!(ended, expected.0);
        assert!(shown.contains(&expected.1), "{shown}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_browser_the_error_suggests_the_url() {
    let sts = FakeSts::start();
    let mut sandbox = with_role(&sts);
    program(&sandbox, "xdg-open", "");
    let fails = |sandbox: &Sandbox, message: &str, destination: &[&str], options: &str| {
        let command = format!("aws-mfa console --profile staging --url{options}");
        let hint =
            format!("run `{command}`, and open what it prints in any browser within 15 minutes");
        let outcome = sandbox.run([&["console", "-p", "staging"], destination].concat());
        outcome.is(1, "", &words::failure(message, &hint));
        let printed = sandbox.run(command.split(' ').skip(1));
        let start = format!("{}/federation?Action=login&", sts.url());
        assert!(printed.succeeded().starts_with(&start));
    };
    // Over SSH there is no display.
    sandbox.unset("BROWSER");
    let none = "there is no browser to open the console in";
    fails(&sandbox, none, &[], "");
    fails(&sandbox, none, &["s3"], " s3");
    for variable in ["DISPLAY", "WAYLAND_DISPLAY"] {
        sandbox.set(variable, ":0");
        sandbox.run(["console", "-p", "staging"]).succeeded();
        assert_eq!(opened(&sandbox), format!("xdg-open {}\n", url(&sts, HOME)));
        sandbox.unset(variable);
    }
    let missing = super::sandbox::words_for(rustix::io::Errno::NOENT);
    for (list, message) in [
        (
            ":",
            "there is no browser in BROWSER to open the console in".to_owned(),
        ),
        (
            "'open",
            "there is no browser in BROWSER to open the console in".to_owned(),
        ),
        (
            "nowhere",
            format!("cannot open the browser nowhere: {missing}"),
        ),
    ] {
        sandbox.set("BROWSER", list);
        fails(&sandbox, &message, &[], "");
    }
    // It has a second to fail in, which is little for a busy machine.
    sandbox.set("BROWSER", "false");
    wait_until("the failure of a browser", || {
        let outcome = sandbox.run(["console", "-p", "staging"]);
        outcome
            .stderr
            .starts_with("aws-mfa: cannot open the browser false: exit status: 1\n")
    });
}
