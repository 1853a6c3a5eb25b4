//! An STS on loopback that behaves like AWS's, and misbehaves on request.
//!
//! It checks the signature (SigV4, implemented from AWS's description without the SDK's code), accepts each code once,
//! answers in AWS's XML and remembers all requests.

use super::fake_iam::FakeIam;
use super::fake_sign_in;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The one user's access key.
pub const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret.
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/S3CR3T+MASTERKEY0";
/// A word in every secret, for finding leaks.
pub const SECRET_WORD: &str = "S3CR3T";
/// The id of every request.
pub const REQUEST_ID: &str = "42d59b56-7407-4c4a-be0f-4c88daeea257";
/// A code that is always wrong.
pub const WRONG_CODE: &str = "000000";

/// The server; it stops with its last clone. A clone is the same server.
#[derive(Clone)]
pub struct FakeSts {
    scheme: &'static str,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _listening: Arc<Listening>,
}

/// All tests are one process, with a limit for open files.
struct Listening {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // The thread looks at that when a connection comes.
        drop(TcpStream::connect(self.address));
    }
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// The access key that signed it.
    pub key_id: String,
    /// The parameters of the form.
    pub form: BTreeMap<String, String>,
    /// The region of the signature.
    pub region: String,
}

/// What the server does with a request that it has read.
#[derive(Clone, Debug, Default)]
pub enum Behaviour {
    /// Behaves like AWS.
    #[default]
    Serve,
    /// Closes the connection without an answer.
    Close,
    /// Resets the connection.
    Reset,
    /// Sends nothing and keeps the connection.
    Silence,
    /// Answers this, whatever the request.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Announces a longer body than it sends.
    HalfABody,
    /// Sends these bytes and closes the connection. With TLS they are written beneath it.
    Raw(Vec<u8>),
    /// Sends this head, 64 MiB of body, and then nothing more.
    Endless(&'static str),
    /// Behaves like AWS, once this file exists.
    Hold(PathBuf),
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    used_codes: HashSet<String>,
    behaviour: Behaviour,
    clock: SignedDuration,
    sessions: u32,
    roles: BTreeMap<String, Role>,
    assumed: u32,
    issued: BTreeMap<String, Issued>,
    iam: FakeIam,
    /// Whose the master keys are, if not [`USER`]'s.
    owner: Option<String>,
    fault: Option<Fault>,
}

/// What happens to one request.
#[derive(Clone, Debug)]
struct Fault {
    /// How many requests come before it.
    before: usize,
    /// Whether what it asks for is done.
    is_done: bool,
    behaviour: Behaviour,
}

/// A role that can be assumed.
#[derive(Clone, Debug)]
pub struct Role {
    /// Whether the trust policy requires MFA.
    pub needs_mfa: bool,
    /// The external id that the trust policy requires.
    pub external_id: Option<&'static str>,
    /// The session name that the trust policy requires.
    pub session_name: Option<&'static str>,
    /// The source identity that the trust policy requires.
    pub source_identity: Option<&'static str>,
    /// The session tags that the trust policy requires, with those of roles before it.
    pub tags: &'static [(&'static str, &'static str)],
    /// What the trust policy allows beside sts:AssumeRole.
    pub allows: &'static [&'static str],
    /// MaxSessionDuration, in seconds.
    pub longest: i64,
    /// The actual duration of its credentials; by default the requested one.
    pub lasts: Option<SignedDuration>,
}

impl Default for Role {
    fn default() -> Self {
        Role {
            needs_mfa: true,
            external_id: None,
            session_name: None,
            source_identity: None,
            tags: &[],
            allows: &["sts:TagSession", "sts:SetSourceIdentity"],
            longest: 3600,
            lasts: None,
        }
    }
}

/// Issued temporary credentials.
#[derive(Clone)]
struct Issued {
    secret: String,
    token: String,
    expiration: Timestamp,
    arn: String,
    has_mfa: bool,
    /// Whether temporary credentials obtained them.
    is_chained: bool,
    passed_on: PassedOn,
}

/// What AWS passes on along a chain of roles.
#[derive(Clone, Default)]
pub struct PassedOn {
    source_identity: Option<String>,
    tags: BTreeMap<String, String>,
}

/// Who signed a request.
pub struct Caller {
    pub arn: String,
    /// Whether the credentials carry MFA.
    pub has_mfa: bool,
    pub is_temporary: bool,
    pub passed_on: PassedOn,
}

/// The user's own ARN.
pub const USER: &str = "arn:aws:iam::123456789012:user/team/igor";

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
        let address = listener.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let sts = FakeSts {
            scheme: if tls.is_some() { "https" } else { "http" },
            address,
            state: Arc::default(),
            _listening: Arc::new(Listening {
                address,
                is_over: Arc::clone(&is_over),
            }),
        };
        let state = Arc::clone(&sts.state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
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

    /// Makes the server behave like this once, when `before` more requests have come; `is_done` says whether what
    /// is asked for is done all the same.
    pub fn behave_once(&self, before: usize, is_done: bool, behaviour: Behaviour) -> &Self {
        let mut state = self.state.lock().unwrap();
        state.fault = Some(Fault {
            before: state.requests.len() + before,
            is_done,
            behaviour,
        });
        drop(state);
        self
    }

    /// Sets the difference of the server's clock to the machine's.
    pub fn set_clock(&self, offset: SignedDuration) -> &Self {
        self.state.lock().unwrap().clock = offset;
        self
    }

    /// Lets the role with this ARN be assumed.
    pub fn add_role(&self, arn: &str, role: Role) -> &Self {
        self.state.lock().unwrap().roles.insert(arn.into(), role);
        self
    }

    /// Sets the state of IAM, at the same endpoint.
    pub fn set_iam(&self, iam: FakeIam) -> &Self {
        self.state.lock().unwrap().iam = iam;
        self
    }

    /// Makes the master keys those of the user with this ARN.
    pub fn set_owner(&self, arn: &str) -> &Self {
        self.state.lock().unwrap().owner = Some(arn.into());
        self
    }

    /// Makes AWS forget the credentials of all roles.
    pub fn revoke_roles(&self) {
        let mut state = self.state.lock().unwrap();
        let is_of_user = |issued: &Issued| issued.arn == USER;
        state.issued.retain(|_, issued| is_of_user(issued));
    }

    /// What IAM knows by now.
    pub fn iam(&self) -> FakeIam {
        self.state.lock().unwrap().iam.clone()
    }

    /// The requests for `action` so far.
    pub fn requests_for(&self, action: &str) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.form["Action"] == action);
        requests
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }
}

impl PassedOn {
    /// All tags of the session that this request asks for, and what it passes on in turn.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
    fn and_those_of(
        &self,
        form: &BTreeMap<String, String>,
    ) -> Result<(BTreeMap<String, String>, PassedOn), Error> {
        let invalid = |what: &str| ("ValidationError", what.to_owned());
        let (mut tags, mut passed_on) = (self.tags.clone(), self.clone());
        if let Some(identity) = form.get("SourceIdentity") {
            if self.source_identity.is_some() {
                return Err(invalid("The source identity is set already"));
            }
            passed_on.source_identity = Some(identity.clone());
        }
        let member = |list: &str, number: usize| form.get(&list.replace('N', &number.to_string()));
        for number in 1.. {
            let Some(key) = member("Tags.member.N.Key", number) else {
                break;
            };
            let value = member("Tags.member.N.Value", number).unwrap();
            let is_known = tags.keys().any(|known| known.eq_ignore_ascii_case(key));
            if number > 50 || is_known {
                return Err(invalid("Too many tags, or a tag that is set already"));
            }
            tags.insert(key.clone(), value.clone());
        }
        for number in 1.. {
            let Some(key) = member("TransitiveTagKeys.member.N", number) else {
                break;
            };
            let value = tags
                .get(key)
                .ok_or(invalid("A transitive key without a tag"))?;
            passed_on.tags.insert(key.clone(), value.clone());
        }
        Ok((tags, passed_on))
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

/// Serves one request, and returns the behaviour that was set for it.
fn serve<S: Read + Write>(stream: &mut S, state: &Mutex<State>) -> Behaviour {
    let Some(request) = HttpRequest::read(&mut *stream) else {
        return Behaviour::Close;
    };
    let (behaviour, now, answer) = {
        let mut state = state.lock().unwrap();
        let now = Timestamp::now() + state.clock;
        let number = state.requests.len();
        let fault = state.fault.take_if(|fault| fault.before == number);
        let answer = match &fault {
            Some(fault) if !fault.is_done => {
                state.note(&request);
                (200, String::new())
            }
            _ => state.answer(&request, now),
        };
        let behaviour = fault.map_or(state.behaviour.clone(), |fault| fault.behaviour);
        (behaviour, now, answer)
    };
    match &behaviour {
        Behaviour::Serve => respond(stream, now, answer.0, &answer.1),
        Behaviour::Close | Behaviour::Reset | Behaviour::Raw(_) => {}
        Behaviour::Hold(file) => {
            while !file.exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            respond(stream, now, answer.0, &answer.1);
        }
        Behaviour::Endless(head) => {
            let mebibyte = vec![b'x'; 1024 * 1024];
            let _ = write!(stream, "{head}");
            if (0..64).all(|_| stream.write_all(&mebibyte).is_ok()) {
                let _ = stream.read(&mut [0]);
            }
        }
        Behaviour::Silence => {
            // Until the client disconnects.
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
    /// Remembers the request, and gives its form.
    fn note(&mut self, request: &HttpRequest) -> BTreeMap<String, String> {
        let form = request.form();
        self.requests.push(Request {
            key_id: request.scope().first().cloned().unwrap_or_default(),
            form: form.clone(),
            region: request.scope().get(2).cloned().unwrap_or_default(),
        });
        form
    }

    /// AWS's answer: the HTTP status and the body.
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> (u16, String) {
        let form = self.note(request);
        if request.path.starts_with("/federation") {
            return fake_sign_in::answer(request, &form, |key_id| {
                let issued = self.issued.get(key_id)?;
                (issued.expiration > now && issued.arn.contains(":assumed-role/")).then(|| {
                    let [secret, token] = [&issued.secret, &issued.token].map(String::clone);
                    fake_sign_in::Role {
                        secret,
                        token,
                        is_chained: issued.is_chained,
                    }
                })
            });
        }
        match self.result(request, &form, now) {
            Ok(xml) => (200, xml),
            Err((code, message)) => {
                let status = if code == "ValidationError" { 400 } else { 403 };
                (status, error_xml(code, &message))
            }
        }
    }

    fn result(
        &mut self,
        request: &HttpRequest,
        form: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<String, Error> {
        let caller = self.caller(request, now)?;
        if form["Version"] == "2010-05-08" {
            assert_eq!(request.scope()[3], "iam");
            return self.iam.result(&caller, form, now);
        }
        assert_eq!(form["Version"], "2011-06-15");
        match form["Action"].as_str() {
            "GetSessionToken" if caller.is_temporary => Err((
                "AccessDenied",
                "Cannot call GetSessionToken with session credentials".into(),
            )),
            "GetSessionToken" => self.session(form, now),
            "GetCallerIdentity" => Ok(identity_xml(&caller.arn)),
            "AssumeRole" => self.role(&caller, form, now),
            other => panic!("{other}"),
        }
    }

    /// The owner of the signature.
    fn caller(&mut self, request: &HttpRequest, now: Timestamp) -> Result<Caller, Error> {
        let key_id = request.scope().first().cloned().unwrap_or_default();
        let unknown = || {
            (
                "InvalidClientTokenId",
                "The security token included in the request is invalid.".to_owned(),
            )
        };
        let token = request.header("x-amz-security-token");
        if let Some(secret) = self.iam.secret(&key_id).filter(|_| token.is_empty()) {
            request.check_signature(&secret, now)?;
            return Ok(Caller {
                arn: self.owner.clone().unwrap_or(USER.into()),
                has_mfa: false,
                is_temporary: false,
                passed_on: PassedOn::default(),
            });
        }
        if request.scope().len() != 5 {
            return request.check_signature("", now).and(Err(unknown()));
        }
        let issued = self
            .issued
            .get(&key_id)
            .filter(|issued| issued.token == token)
            .ok_or_else(unknown)?;
        request.check_signature(&issued.secret, now)?;
        if issued.expiration <= now {
            return Err((
                "ExpiredToken",
                "The security token included in the request is expired".into(),
            ));
        }
        Ok(Caller {
            arn: issued.arn.clone(),
            has_mfa: issued.has_mfa,
            is_temporary: true,
            passed_on: issued.passed_on.clone(),
        })
    }

    fn role(
        &mut self,
        caller: &Caller,
        form: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<String, Error> {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let arn = field("RoleArn").to_owned();
        let seconds: i64 = field("DurationSeconds").parse().unwrap();
        let invalid = |what: String| ("ValidationError", what);
        let name = field("RoleSessionName").to_owned();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !(2..=64).contains(&name.len()) || !name.chars().all(allowed) {
            return Err(invalid("Invalid RoleSessionName".into()));
        }
        let is_chained = caller.arn.contains(":assumed-role/");
        let role = self.roles.get(&arn).cloned();
        let longest = role.as_ref().map_or(3600, |role| role.longest);
        if is_chained && seconds > 3600 {
            return Err(invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining".into(),
            ));
        }
        if seconds > longest {
            return Err(invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
                    .into(),
            ));
        }
        let mut has_mfa = caller.has_mfa && !is_chained;
        if form.contains_key("TokenCode") {
            self.check_code(form)?;
            has_mfa = true;
        }
        let (tags, passed_on) = caller.passed_on.and_those_of(form)?;
        let is_trusted = role.as_ref().is_some_and(|role| {
            let has_tag = |(key, value): &(&str, &str)| tags.get(*key).is_some_and(|v| v == value);
            let identity = passed_on.source_identity.as_deref();
            role.tags.iter().all(has_tag)
                && role.source_identity.is_none_or(|id| identity == Some(id))
                && (has_mfa || !role.needs_mfa)
                && role.external_id.is_none_or(|id| id == field("ExternalId"))
                && role.session_name.is_none_or(|wanted| wanted == name)
        });
        let is_allowed = |action| {
            role.as_ref()
                .is_some_and(|role| role.allows.contains(&action))
        };
        let denied = [
            ("sts:AssumeRole", !is_trusted),
            (
                "sts:TagSession",
                !tags.is_empty() && !is_allowed("sts:TagSession"),
            ),
            (
                "sts:SetSourceIdentity",
                passed_on.source_identity.is_some() && !is_allowed("sts:SetSourceIdentity"),
            ),
        ];
        if let Some((action, _)) = denied.iter().find(|(_, is_denied)| *is_denied) {
            return Err((
                "AccessDenied",
                format!(
                    "User: {} is not authorized to perform: {action} on resource: {arn}",
                    caller.arn
                ),
            ));
        }
        self.assumed += 1;
        let number = self.assumed;
        let lasts = role
            .and_then(|role| role.lasts)
            .unwrap_or(SignedDuration::from_secs(seconds));
        let expiration = now + lasts;
        let parts: Vec<&str> = arn.split([':', '/']).collect();
        let user = format!(
            "arn:{}:sts::{}:assumed-role/{}/{name}",
            parts[1],
            parts[4],
            parts.last().unwrap()
        );
        self.issued.insert(
            format!("ASIAROLE{number:012}"),
            Issued {
                secret: format!("role/{SECRET_WORD}+{number}"),
                token: format!("roletoken//{SECRET_WORD}+{number}=="),
                expiration,
                arn: user.clone(),
                has_mfa: false,
                is_chained: caller.is_temporary,
                passed_on,
            },
        );
        Ok(role_xml(number, &user, &format!("{expiration:.0}")))
    }

    fn check_code(&mut self, form: &BTreeMap<String, String>) -> Result<(), Error> {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
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
        Ok(())
    }

    fn session(
        &mut self,
        form: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<String, Error> {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let duration: i64 = field("DurationSeconds").parse().unwrap();
        if !(900..=129_600).contains(&duration) {
            return Err((
                "ValidationError",
                format!(
                    "1 validation error detected: Value '{duration}' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 129600"
                ),
            ));
        }
        self.check_code(form)?;
        self.sessions += 1;
        let expiration = now + SignedDuration::from_secs(duration);
        let number = self.sessions;
        self.issued.insert(
            format!("ASIASESSION{number:09}"),
            Issued {
                secret: format!("session/{SECRET_WORD}+{number}"),
                token: format!("token//{SECRET_WORD}+{number}=="),
                expiration,
                arn: USER.into(),
                has_mfa: true,
                is_chained: false,
                passed_on: PassedOn::default(),
            },
        );
        Ok(session_xml(self.sessions, &format!("{expiration:.0}")))
    }
}

/// The answer with the session with this number.
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

/// An error's code and message.
type Error = (&'static str, String);

fn role_xml(number: u32, user_arn: &str, expiration: &str) -> String {
    format!(
        r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROAEXAMPLE:igor</AssumedRoleId>
      <Arn>{user_arn}</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAROLE{number:012}</AccessKeyId>
      <SecretAccessKey>role/{SECRET_WORD}+{number}</SecretAccessKey>
      <SessionToken>roletoken//{SECRET_WORD}+{number}==</SessionToken>
      <Expiration>{expiration}</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>
</AssumeRoleResponse>
"#
    )
}

/// The answer of GetCallerIdentity.
pub fn identity_xml(arn: &str) -> String {
    format!(
        r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>{arn}</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>
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
pub struct HttpRequest {
    pub method: String,
    pub path: String,
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

    pub fn header(&self, name: &str) -> &str {
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
    fn check_signature(&self, secret: &str, now: Timestamp) -> Result<(), Error> {
        let scope = self.scope();
        let [_, date, region, service, _] = scope.as_slice() else {
            return Err((
                "MissingAuthenticationToken",
                "Request is missing Authentication Token".into(),
            ));
        };
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
            .fold(format!("AWS4{secret}").into_bytes(), |key, part| {
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
