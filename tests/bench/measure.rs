//! Whole processes, two commands in turn.

use super::tool::installed;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// One of two compared commands.
pub struct Side<'a> {
    /// Its name in the report.
    pub name: &'a str,
    /// Creates the command for one run: a `get` needs a new code each time.
    pub command: Box<dyn Fn() -> Command + 'a>,
    /// Whether to count its instructions: with many child processes, valgrind takes minutes.
    pub counted: bool,
}

impl<'a> Side<'a> {
    pub fn new(name: &'a str, command: impl Fn() -> Command + 'a) -> Self {
        Side {
            name,
            command: Box::new(command),
            counted: true,
        }
    }

    /// A side whose instructions are not counted.
    pub fn uncounted(self) -> Self {
        Side {
            counted: false,
            ..self
        }
    }
}

/// The resources of a command, from before its start to its end.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    /// In milliseconds, the median.
    pub wall: f64,
    /// User and system time together, in milliseconds, the median.
    pub cpu: f64,
    /// The peak resident memory in KiB, if GNU time is installed.
    pub memory: Option<u64>,
    /// Instructions in user space, if valgrind is installed.
    pub instructions: Option<u64>,
}

/// Two commands side by side.
pub struct Comparison {
    pub ours: Cost,
    pub theirs: Cost,
    /// The median of the pairs' ratios, and the quartiles.
    pub wall_ratio: f64,
    pub quartiles: (f64, f64),
    pub cpu_ratio: f64,
    pub pairs: usize,
}

/// How many pairs to run.
pub struct Bench {
    most_pairs: usize,
    least_pairs: usize,
    time: Duration,
    /// Each command's memory and instructions, which hardly vary between runs.
    once: RefCell<HashMap<String, Once>>,
}

#[derive(Clone, Copy, Default)]
struct Once {
    memory: Option<u64>,
    instructions: Option<u64>,
}

impl Bench {
    pub fn full() -> Self {
        Bench {
            most_pairs: 600,
            least_pairs: 15,
            time: Duration::from_secs(3),
            once: RefCell::default(),
        }
    }

    /// Two pairs each: this only shows that all commands work.
    pub fn quick() -> Self {
        Bench {
            most_pairs: 2,
            least_pairs: 2,
            time: Duration::ZERO,
            once: RefCell::default(),
        }
    }

    /// Runs the two in turn, alternating which is first. `scene` distinguishes one command's runs in different
    /// environments.
    pub fn compare(&self, scene: &str, ours: &Side, theirs: &Side) -> Comparison {
        for side in [ours, theirs] {
            run((side.command)());
        }
        let mut pairs: Vec<[(f64, f64); 2]> = Vec::new();
        let start = Instant::now();
        while pairs.len() < self.least_pairs
            || (pairs.len() < self.most_pairs && start.elapsed() < self.time)
        {
            pairs.push(if pairs.len().is_multiple_of(2) {
                let first = run((ours.command)());
                [first, run((theirs.command)())]
            } else {
                let first = run((theirs.command)());
                [run((ours.command)()), first]
            });
        }
        let quantile = |part: f64, of: fn(&[(f64, f64); 2]) -> f64| {
            let mut values: Vec<f64> = pairs.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[((values.len() - 1) as f64 * part).round() as usize]
        };
        let [ours_once, theirs_once] = [ours, theirs].map(|side| self.once(scene, side));
        Comparison {
            ours: Cost {
                wall: quantile(0.5, |pair| pair[0].0),
                cpu: quantile(0.5, |pair| pair[0].1),
                memory: ours_once.memory,
                instructions: ours_once.instructions,
            },
            theirs: Cost {
                wall: quantile(0.5, |pair| pair[1].0),
                cpu: quantile(0.5, |pair| pair[1].1),
                memory: theirs_once.memory,
                instructions: theirs_once.instructions,
            },
            wall_ratio: quantile(0.5, |pair| pair[0].0 / pair[1].0),
            quartiles: (
                quantile(0.25, |pair| pair[0].0 / pair[1].0),
                quantile(0.75, |pair| pair[0].0 / pair[1].0),
            ),
            cpu_ratio: quantile(0.5, |pair| pair[0].1 / pair[1].1),
            pairs: pairs.len(),
        }
    }

    fn once(&self, scene: &str, side: &Side) -> Once {
        if self.time.is_zero() {
            return Once::default();
        }
        *self
            .once
            .borrow_mut()
            .entry(format!("{scene} {}", side.name))
            .or_insert_with(|| Once {
                memory: memory(&(side.command)()),
                instructions: side
                    .counted
                    .then(|| instructions(&(side.command)()))
                    .flatten(),
            })
    }
}

/// Wall-clock and CPU time in milliseconds.
fn run(mut command: Command) -> (f64, f64) {
    command.stdout(Stdio::null());
    let start = Instant::now();
    let child = command.spawn().unwrap();
    let done = child.wait4().unwrap();
    let wall = start.elapsed();
    assert!(done.status.success(), "{command:?}: {}", done.status);
    let cpu = done.rusage.utime + done.rusage.stime;
    (wall.as_secs_f64() * 1e3, cpu.as_secs_f64() * 1e3)
}

/// The peak resident memory, in KiB. Not from wait4, which counts the parent's memory for a child started with vfork.
fn memory(command: &Command) -> Option<u64> {
    let output = tempfile::NamedTempFile::new().unwrap();
    let time = installed("time")?;
    let output_option = format!("--output={}", output.path().display());
    below(command, &time, &["--quiet", "--format=%M", &output_option])?;
    let kib = std::fs::read_to_string(output.path()).ok()?;
    kib.trim().parse().ok()
}

/// The instructions in user space, including child processes, by valgrind's callgrind.
fn instructions(command: &Command) -> Option<u64> {
    let valgrind = installed("valgrind")?;
    let log = tempfile::NamedTempFile::new().unwrap();
    let option = format!("--log-file={}", log.path().display());
    let arguments = [
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        &option,
    ];
    below(command, &valgrind, &arguments)?;
    let log = std::fs::read_to_string(log.path()).ok()?;
    let (_, count) = log.rsplit_once("Collected : ")?;
    count.split_whitespace().next()?.parse().ok()
}

/// Runs `command` under `program`, with the same environment; `None` if that fails.
fn below(command: &Command, program: &Path, arguments: &[&str]) -> Option<()> {
    let mut wrapped = Command::new(program);
    wrapped
        .args(arguments)
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::null());
    if let Some(directory) = command.get_current_dir() {
        wrapped.current_dir(directory);
    }
    wrapped.output().ok()?.status.success().then_some(())
}
