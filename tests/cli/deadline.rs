//! No test waits for ever: what it waits for happens in time, or the test fails and says what did not happen.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Longer than any single step takes on a slow and busy machine, such as a script with a dozen calls of the AWS CLI.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Longer than any test takes there, with its hundreds of steps.
const LONGEST_TEST: Duration = Duration::from_secs(3_600);

/// Waits for a process to end. If it does not end in time, it is killed and the test fails.
pub trait InTime {
    /// Its output. A `Command` gets pipes for it.
    fn output_in_time(&mut self) -> Output;
    /// Its exit status.
    fn status_in_time(&mut self) -> ExitStatus;
}

impl InTime for Command {
    #[track_caller]
    fn output_in_time(&mut self) -> Output {
        self.stdout(Stdio::piped()).stderr(Stdio::piped());
        output(&mut self.spawn().unwrap(), &line(self), PATIENCE)
    }

    #[track_caller]
    fn status_in_time(&mut self) -> ExitStatus {
        status(&mut self.spawn().unwrap(), &line(self), PATIENCE)
    }
}

impl InTime for Child {
    #[track_caller]
    fn output_in_time(&mut self) -> Output {
        drop(self.stdin.take());
        let name = format!("process {}", self.id());
        output(self, &name, PATIENCE)
    }

    #[track_caller]
    fn status_in_time(&mut self) -> ExitStatus {
        drop(self.stdin.take());
        let name = format!("process {}", self.id());
        status(self, &name, PATIENCE)
    }
}

/// The command line, without the environment and its secrets.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// The output of a process, which has this long to end.
#[track_caller]
pub fn output(child: &mut Child, name: &str, patience: Duration) -> Output {
    let deadline = Instant::now() + patience;
    let pipes = [
        child.stdout.take().map(read_to_end),
        child.stderr.take().map(read_to_end),
    ];
    let [stdout, stderr] = pipes.map(|pipe| match pipe {
        None => Vec::new(),
        Some(bytes) => {
            let left = deadline.saturating_duration_since(Instant::now());
            bytes.recv_timeout(left).unwrap_or_else(|_| {
                let _ = child.kill();
                panic!(
                    "{name}: its output did not end within {} s",
                    patience.as_secs_f32()
                )
            })
        }
    });
    let left = deadline.saturating_duration_since(Instant::now());
    Output {
        status: status(child, name, left),
        stdout,
        stderr,
    }
}

/// All bytes of a pipe, once it is closed.
fn read_to_end(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// The exit status of a process, which has this long to end.
#[track_caller]
pub fn status(child: &mut Child, name: &str, patience: Duration) -> ExitStatus {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() >= deadline {
            let _ = child.kill();
            panic!("{name}: it did not end within {} s", patience.as_secs_f32());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until there is a value. If there is none in time, the test fails.
#[track_caller]
pub fn wait_for<T>(what: &str, mut value: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = value() {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: not within {} s",
            PATIENCE.as_secs()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until this is so. If it is not so in time, the test fails.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Bounds a whole test, whatever it does: its sandbox has one. A test that takes longer ends the run, which names the
/// test; libtest itself would wait for it.
pub struct Watch {
    /// When it is dropped, the watch is over.
    _running: Option<Sender<()>>,
}

impl Watch {
    /// Watches the calling test.
    pub fn start() -> Self {
        Watch::with(LONGEST_TEST)
    }

    /// Watches the calling test, which may take this long.
    pub fn with(limit: Duration) -> Self {
        let test = std::thread::current().name().map(str::to_owned);
        // libtest gives each test a thread of its own. The demo and the benchmark have none.
        let Some(test) = test.filter(|name| name != "main") else {
            return Watch { _running: None };
        };
        let (running, ended) = channel::<()>();
        std::thread::spawn(move || {
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                // `eprintln` would be captured.
                let _ = writeln!(
                    std::io::stderr(),
                    "\nthe test {test} has not ended within {} s",
                    limit.as_secs_f32()
                );
                std::process::exit(101);
            }
        });
        Watch {
            _running: Some(running),
        }
    }
}
