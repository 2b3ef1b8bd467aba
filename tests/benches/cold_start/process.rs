//! One process of a function, from its start to its first poll and to the end of its first
//! invocation.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::programs::{BATCH, Program, Surroundings};
use crate::runtime_api::{Did, RuntimeApi};

/// Figures of one run. Times in nanoseconds of CPU, memory in KiB.
pub struct Figures {
    pub cpu_at_poll: u64,
    pub cpu_at_end: u64,
    pub resident_at_poll: u64,
    pub highest: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    FirstPoll,
    Answer,
}

/// Time limit, longer than any program takes under the profiler.
const PATIENCE: Duration = Duration::from_mins(10);

/// Variable with a folder that keeps callgrind's files of the starts, for `callgrind_annotate`. The
/// release must be built with `CARGO_PROFILE_RELEASE_STRIP=none`.
const PROFILES: &str = "STEVEDORE_PROFILES";

/// Kills its process when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn run(surroundings: &Surroundings, program: &Program) -> Figures {
    let mut api = RuntimeApi::start().await;
    let event = surroundings.event(program.event).await;
    let running = Running(start(surroundings, program, &api, &[]));
    let id = running.0.id();
    let hand_over = polled(&mut api, program).await;
    let (cpu_at_poll, resident_at_poll) = (cpu(id), status(id, "VmRSS"));
    hand_over.send(event).unwrap();
    answered(&mut api, program).await;
    Figures { cpu_at_poll, cpu_at_end: cpu(id), resident_at_poll, highest: status(id, "VmHWM") }
}

/// Instructions until that point; `None` if valgrind is missing or cannot run the program.
pub async fn instructions(surroundings: &Surroundings, program: &Program, until: Until) -> Option<u64> {
    let events = if until == Until::Answer { vec![surroundings.event(program.event).await] } else { Vec::new() };
    profiled(surroundings, program, events, &format!("{until:?}")).await
}

/// Numbers of batches of ten orders that are compared. Their difference is the cost of orders in a
/// warm process.
const BATCHES: (usize, usize) = (1, 6);

/// Instructions of a warm process for each order of a batch of ten, from the message to the
/// transaction, including the SDK, TLS and HTTP.
pub async fn instructions_of_an_order(surroundings: &Surroundings, program: &Program) -> Option<u64> {
    let mut counted = Vec::new();
    for batches in [BATCHES.0, BATCHES.1] {
        let mut events = Vec::new();
        for _ in 0..batches {
            events.push(surroundings.batch().await);
        }
        counted.push(profiled(surroundings, program, events, &format!("{batches}-batches")).await?);
    }
    let orders = u64::try_from((BATCHES.1 - BATCHES.0) * BATCH).unwrap();
    Some((counted[1] - counted[0]) / orders)
}

/// Instructions from the start until the last of the events is answered, or until the first poll.
async fn profiled(surroundings: &Surroundings, program: &Program, events: Vec<String>, name: &str) -> Option<u64> {
    if !program.counted || Command::new("valgrind").arg("--version").output().is_err() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("callgrind.out");
    let mut api = RuntimeApi::start().await;
    let profiler = ["valgrind", "-q", "--tool=callgrind", &format!("--callgrind-out-file={}", out.display())].map(str::to_owned);
    let mut running = Running(start(surroundings, program, &api, &profiler));
    let mut hand_over = polled(&mut api, program).await;
    for event in events {
        hand_over.send(event).unwrap();
        answered(&mut api, program).await;
        hand_over = polled(&mut api, program).await;
    }
    // Ends it by a signal that the program does not handle. The profiler then writes its counts.
    Command::new("kill").arg("-TERM").arg(running.0.id().to_string()).status().unwrap();
    tokio::task::spawn_blocking(move || running.0.wait()).await.unwrap().unwrap();
    if let Some(kept) = std::env::var_os(PROFILES) {
        let program = program.name.replace(' ', "-");
        std::fs::copy(&out, std::path::Path::new(&kept).join(format!("callgrind.{program}.{name}"))).unwrap();
    }
    let text = std::fs::read_to_string(out).unwrap();
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    Some(total.unwrap_or_else(|| panic!("{}: nothing counted", program.name)).trim().parse().unwrap())
}

fn start(surroundings: &Surroundings, program: &Program, api: &RuntimeApi, before: &[String]) -> Child {
    let words: Vec<&String> = before.iter().chain(&program.command).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear().envs(surroundings.environment()).env("AWS_LAMBDA_RUNTIME_API", api.address.to_string());
    command.env("AWS_LAMBDA_FUNCTION_NAME", &program.name).stdin(Stdio::null()).stdout(Stdio::null());
    if program.ours {
        command.env("AWS_CA_BUNDLE", &surroundings.authority);
    }
    command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.name))
}

async fn next(api: &mut RuntimeApi, program: &Program) -> Did {
    let did = tokio::time::timeout(PATIENCE, api.did.recv()).await;
    did.unwrap_or_else(|_| panic!("{} does nothing", program.name)).unwrap()
}

async fn polled(api: &mut RuntimeApi, program: &Program) -> tokio::sync::oneshot::Sender<String> {
    match next(api, program).await {
        Did::Polled(hand_over) => hand_over,
        Did::Failed(why) => panic!("{} failed: {why}", program.name),
        Did::Answered(_) => panic!("{} answered what nobody asked", program.name),
    }
}

async fn answered(api: &mut RuntimeApi, program: &Program) {
    match next(api, program).await {
        Did::Answered(answer) => assert!((program.expected)(&answer), "{}: {answer}", program.name),
        Did::Failed(why) => panic!("{} failed: {why}", program.name),
        Did::Polled(_) => panic!("{} did not answer", program.name),
    }
}

/// Nanoseconds of CPU time of all live threads.
fn cpu(id: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
    let of_task = |task: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    tasks.filter_map(of_task).sum()
}

fn status(id: u32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
