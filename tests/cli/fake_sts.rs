//! An STS on loopback that behaves as AWS's does, and misbehaves when told to.
//!
//! It checks the signature (SigV4, written here from AWS's description and not with the SDK's
//! code), takes each code once, answers in AWS's XML and remembers what it was asked.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The one user's access key.
pub const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret.
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/S3CR3T+MASTERKEY0";
/// A word that is in every secret, so that a leak can be found.
pub const SECRET_WORD: &str = "S3CR3T";
/// The id of every request.
pub const REQUEST_ID: &str = "42d59b56-7407-4c4a-be0f-4c88daeea257";
/// A code that is never right.
pub const WRONG_CODE: &str = "000000";

/// The server; it stops with the test's process. A clone is the same server.
#[derive(Clone)]
pub struct FakeSts {
    scheme: &'static str,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// One request for a session, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// The parameters of the form.
    pub form: BTreeMap<String, String>,
    /// The region of the signature.
    pub region: String,
}

/// What the server does with a request that it has read.
#[derive(Clone, Debug, Default)]
pub enum Behaviour {
    /// What AWS does.
    #[default]
    Serve,
    /// Closes the connection without a word.
    Close,
    /// Resets the connection.
    Reset,
    /// Says nothing and keeps the connection.
    Silence,
    /// Answers this, whatever the request.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Promises a longer body than it sends.
    HalfABody,
    /// Sends these bytes and closes the connection. With TLS they are written beneath it.
    Raw(Vec<u8>),
    /// Sends this head, 64 MiB of body, and then nothing more.
    Endless(&'static str),
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    used_codes: HashSet<String>,
    behaviour: Behaviour,
    clock: SignedDuration,
    sessions: u32,
}

impl FakeSts {
    /// Starts the server on a free port of loopback.
    pub fn start() -> Self {
        Self::listen("127.0.0.1:0", None)
    }

    /// Starts it on a free port of another address of loopback.
    pub fn start_at(address: &str) -> Self {
        Self::listen(&format!("{address}:0"), None)
    }

    /// Starts it with TLS.
    pub fn start_with_tls(tls: Arc<ServerConfig>) -> Self {
        Self::listen("127.0.0.1:0", Some(tls))
    }

    fn listen(address: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let sts = FakeSts {
            scheme: if tls.is_some() { "https" } else { "http" },
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let state = Arc::clone(&sts.state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, tls) = (Arc::clone(&state), tls.clone());
                std::thread::spawn(move || {
                    let mut socket = match tls {
                        Some(tls) => {
                            let connection = ServerConnection::new(tls).unwrap();
                            let mut stream = StreamOwned::new(connection, stream);
                            let behaviour = serve(&mut stream, &state);
                            if !matches!(behaviour, Behaviour::Raw(_) | Behaviour::Reset) {
                                stream.conn.send_close_notify();
                                let _ = stream.flush();
                            }
                            (stream.sock, behaviour)
                        }
                        None => {
                            let mut stream = stream;
                            let behaviour = serve(&mut stream, &state);
                            (stream, behaviour)
                        }
                    };
                    match socket.1 {
                        Behaviour::Raw(bytes) => drop(socket.0.write_all(&bytes)),
                        Behaviour::Reset => {
                            let socket = socket2::SockRef::from(&socket.0);
                            drop(socket.set_linger(Some(Duration::ZERO)));
                        }
                        _ => {}
                    }
                });
            }
        });
        sts
    }

    /// The endpoint.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Makes the server behave like this from now on.
    pub fn behave(&self, behaviour: Behaviour) -> &Self {
        self.state.lock().unwrap().behaviour = behaviour;
        self
    }

    /// Sets the server's clock off from the machine's.
    pub fn set_clock(&self, offset: SignedDuration) -> &Self {
        self.state.lock().unwrap().clock = offset;
        self
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }
}

/// A session file's contents, as the AWS CLI writes them.
pub fn session_json(expiration: Timestamp) -> String {
    format!(
        r#"{{
    "Credentials": {{
        "AccessKeyId": "ASIASESSION000000000",
        "SecretAccessKey": "session/{SECRET_WORD}+0",
        "SessionToken": "token//{SECRET_WORD}+0==",
        "Expiration": "{expiration:.0}"
    }}
}}
"#
    )
}

/// Serves one request, and tells how it was told to behave.
fn serve<S: Read + Write>(stream: &mut S, state: &Mutex<State>) -> Behaviour {
    let Some(request) = HttpRequest::read(&mut *stream) else {
        return Behaviour::Close;
    };
    let (behaviour, now, answer) = {
        let mut state = state.lock().unwrap();
        let now = Timestamp::now() + state.clock;
        let answer = state.answer(&request, now);
        (state.behaviour.clone(), now, answer)
    };
    match &behaviour {
        Behaviour::Serve => respond(stream, now, answer.0, &answer.1),
        Behaviour::Close | Behaviour::Reset | Behaviour::Raw(_) => {}
        Behaviour::Endless(head) => {
            let mebibyte = vec![b'x'; 1024 * 1024];
            let _ = write!(stream, "{head}");
            if (0..64).all(|_| stream.write_all(&mebibyte).is_ok()) {
                let _ = stream.read(&mut [0]);
            }
        }
        Behaviour::Silence => {
            // Until the client goes away.
            let _ = stream.read(&mut [0]);
        }
        Behaviour::Answer { status, body } => respond(stream, now, *status, body),
        Behaviour::HalfABody => {
            let body = &answer.1;
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                body.len(),
                &body[..body.len() / 2]
            );
        }
    }
    behaviour
}

fn respond(stream: &mut impl Write, now: Timestamp, status: u16, body: &str) {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT");
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nDate: {date}\r\nx-amzn-RequestId: {REQUEST_ID}\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.flush();
}

impl State {
    /// AWS's answer: the HTTP status and the body.
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> (u16, String) {
        let form = request.form();
        self.requests.push(Request {
            form: form.clone(),
            region: request.scope().get(2).cloned().unwrap_or_default(),
        });
        match self.session(request, &form, now) {
            Ok(xml) => (200, xml),
            Err((code, message)) => {
                let status = if code == "ValidationError" { 400 } else { 403 };
                (status, error_xml(code, &message))
            }
        }
    }

    fn session(
        &mut self,
        request: &HttpRequest,
        form: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<String, (&'static str, String)> {
        request.check_signature(now)?;
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!(field("Action"), "GetSessionToken");
        assert_eq!(field("Version"), "2011-06-15");
        let duration: i64 = field("DurationSeconds").parse().unwrap();
        if !(900..=129_600).contains(&duration) {
            return Err((
                "ValidationError",
                format!(
                    "1 validation error detected: Value '{duration}' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 129600"
                ),
            ));
        }
        if !field("SerialNumber").ends_with("/igor") && !field("SerialNumber").starts_with("GAHT") {
            return Err((
                "AccessDenied",
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.".into(),
            ));
        }
        let code = field("TokenCode").to_owned();
        if code == WRONG_CODE || !self.used_codes.insert(code) {
            return Err((
                "AccessDenied",
                "MultiFactorAuthentication failed with invalid MFA one time pass code. ".into(),
            ));
        }
        self.sessions += 1;
        let expiration = now + SignedDuration::from_secs(duration);
        Ok(session_xml(self.sessions, &format!("{expiration:.0}")))
    }
}

/// The answer with the session of this number.
pub fn session_xml(number: u32, expiration: &str) -> String {
    format!(
        r#"<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetSessionTokenResult>
    <Credentials>
      <AccessKeyId>ASIASESSION{number:09}</AccessKeyId>
      <SecretAccessKey>session/{SECRET_WORD}+{number}</SecretAccessKey>
      <SessionToken>token//{SECRET_WORD}+{number}==</SessionToken>
      <Expiration>{expiration}</Expiration>
    </Credentials>
  </GetSessionTokenResult>
  <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>
</GetSessionTokenResponse>
"#
    )
}

/// AWS's error answer.
pub fn error_xml(code: &str, message: &str) -> String {
    format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
  <RequestId>{REQUEST_ID}</RequestId>
</ErrorResponse>
"#
    )
}

/// A request of HTTP/1.1 with its headers in lower case.
struct HttpRequest {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl HttpRequest {
    fn read(stream: impl Read) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length")?.parse().ok()?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some(HttpRequest {
            method,
            path,
            headers,
            body,
        })
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    fn form(&self) -> BTreeMap<String, String> {
        String::from_utf8_lossy(&self.body)
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
            .collect()
    }

    /// `Credential`, `SignedHeaders` or `Signature` of the `Authorization` header.
    fn authorization(&self, part: &str) -> &str {
        self.header("authorization")
            .split([' ', ','])
            .find_map(|word| word.strip_prefix(part)?.strip_prefix('='))
            .unwrap_or_default()
    }

    /// Key id, date, region, service, `aws4_request`.
    fn scope(&self) -> Vec<String> {
        self.authorization("Credential")
            .split('/')
            .map(str::to_owned)
            .collect()
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
    fn check_signature(&self, now: Timestamp) -> Result<(), (&'static str, String)> {
        let scope = self.scope();
        let [key_id, date, region, service, _] = scope.as_slice() else {
            return Err((
                "MissingAuthenticationToken",
                "Request is missing Authentication Token".into(),
            ));
        };
        if key_id != KEY_ID {
            return Err((
                "InvalidClientTokenId",
                "The security token included in the request is invalid.".into(),
            ));
        }
        let signed_headers = self.authorization("SignedHeaders");
        let mut canonical = format!("{}\n{}\n\n", self.method, self.path);
        for name in signed_headers.split(';') {
            writeln!(canonical, "{name}:{}", self.header(name)).unwrap();
        }
        write!(
            canonical,
            "\n{signed_headers}\n{}",
            hex(&Sha256::digest(&self.body))
        )
        .unwrap();
        let sent = self.header("x-amz-date");
        let string_to_sign = format!(
            "AWS4-HMAC-SHA256\n{sent}\n{date}/{region}/{service}/aws4_request\n{}",
            hex(&Sha256::digest(canonical))
        );
        let key = [date, region, service, "aws4_request"]
            .iter()
            .fold(format!("AWS4{SECRET}").into_bytes(), |key, part| {
                hmac(&key, part)
            });
        if hex(&hmac(&key, &string_to_sign)) != self.authorization("Signature") {
            return Err((
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.".into(),
            ));
        }
        let basic = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let tolerance = SignedDuration::from_mins(15);
        if sent < basic(now - tolerance).as_str() {
            return Err((
                "SignatureDoesNotMatch",
                format!(
                    "Signature expired: {sent} is now earlier than {} ({} - 15 min.)",
                    basic(now - tolerance),
                    basic(now)
                ),
            ));
        }
        if sent > basic(now + tolerance).as_str() {
            return Err((
                "SignatureDoesNotMatch",
                format!(
                    "Signature not yet current: {sent} is still later than {} ({} + 15 min.)",
                    basic(now + tolerance),
                    basic(now)
                ),
            ));
        }
        Ok(())
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}
