//! Stops the program at a call to AWS, or breaks calls and lets the program continue.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

use stevedore_aws::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut, BoxError, ConfigBag, Intercept, RuntimeComponents,
    SharedInterceptor,
};
use stevedore_engines::{Fault, Faults};

/// Planned fault. Attempts are counted from 1, and the SDK's own retries count as attempts.
///
/// Stops are counted in attempts to write. Reads change nothing, and a dead program does nothing. A
/// stop before, between or after reads therefore leaves the same state as a stop after the write
/// before them, so these are all possible stops.
#[derive(Clone, Debug, Default)]
pub enum Plan {
    /// Counts without faults.
    #[default]
    Count,
    /// The program dies before write `k`. This write and all later ones are not sent.
    StopBefore(u64),
    /// The program dies after write `k`. The write is done, its reply is lost, and nothing is sent
    /// afterwards.
    StopAfter(u64),
    /// The reply of write `k` is lost. The program lives, and the SDK tries again.
    LoseReply(u64),
    /// Each `every`-th attempt gets a fault drawn by the seed. If `fatal`, one in four is of a kind
    /// that the SDK does not retry.
    Storm { every: u64, seed: u64, fatal: bool },
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    attempts: u64,
    writes: u64,
    stopped: bool,
    struck: u64,
    /// Running calls whose replies must not arrive.
    doomed: HashSet<usize>,
}

/// An interceptor in the SDK's own pipeline, below the retries, so that it sees each attempt.
#[derive(Clone)]
pub struct Breaker {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

impl std::fmt::Debug for Breaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breaker").finish_non_exhaustive()
    }
}

/// Operations that change nothing.
const READS: [&str; 4] = ["GetItem", "BatchGetItem", "Query", "GetSecretValue"];

const STOPPED: &str = "the program was stopped here";
const BROKEN: &str = "a fault that was asked for";

impl Breaker {
    /// For clients of the engines with these faults.
    pub fn new(faults: &Faults, plan: Plan) -> Self {
        let state = State { plan, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), faults: faults.clone() }
    }

    pub fn interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(self.clone())
    }

    /// Number of attempts.
    pub fn attempts(&self) -> u64 {
        self.lock().attempts
    }

    /// Number of attempts that were writes.
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// Number of attempts with a fault.
    pub fn struck(&self) -> u64 {
        self.lock().struck
    }

    /// True if the program is dead.
    pub fn stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Starts a new process with this plan. Counts begin again, except the number of faults.
    pub fn start(&self, plan: Plan) {
        let mut state = self.lock();
        *state = State { plan, struck: state.struck, ..State::default() };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    /// Begins an attempt. An error prevents its sending.
    fn begin(&mut self, call: usize, operation: &str, faults: &Faults) -> Result<(), BoxError> {
        self.doomed.remove(&call);
        if self.stopped {
            return Err(STOPPED.into());
        }
        self.attempts += 1;
        let number = self.attempts;
        let write = !READS.contains(&operation);
        self.writes += u64::from(write);
        match self.plan {
            Plan::StopBefore(k) if write && k == self.writes => {
                self.struck += 1;
                self.stopped = true;
                return Err(STOPPED.into());
            }
            Plan::StopAfter(k) if write && k == self.writes => {
                self.doomed.insert(call);
            }
            Plan::LoseReply(k) if write && k == self.writes => {
                self.struck += 1;
                faults.fail_next(operation, 1, Fault::LostReply);
            }
            Plan::Storm { every, seed, fatal } if number.is_multiple_of(every) => {
                self.struck += 1;
                let dice = dice(seed, number);
                match dice % 8 {
                    0 | 1 if fatal => {
                        // One of them is not executed; the other is executed before its reply is
                        // lost.
                        if dice.is_multiple_of(8) {
                            return Err(BROKEN.into());
                        }
                        self.doomed.insert(call);
                    }
                    0..=2 => faults.fail_next(operation, 1, Fault::Throttle),
                    3 => faults.fail_next(operation, 1, Fault::Error { status: 500, code: "InternalServerError".to_owned() }),
                    4 => faults.fail_next(operation, 1, Fault::LostRequest),
                    _ => faults.fail_next(operation, 1, Fault::LostReply),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends an attempt. An error withholds the answer from the program.
    fn end(&mut self, call: usize) -> Result<(), BoxError> {
        if !self.doomed.remove(&call) {
            return Ok(());
        }
        if let Plan::StopAfter(_) = self.plan {
            self.struck += 1;
            self.stopped = true;
            return Err(STOPPED.into());
        }
        Err(BROKEN.into())
    }
}

/// SplitMix64: a number for each place of a sequence.
pub fn dice(seed: u64, place: u64) -> u64 {
    let mut z = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Intercept for Breaker {
    fn name(&self) -> &'static str {
        "Breaker"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        call: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        self.lock().begin(address(call), &operation, &self.faults)
    }

    fn read_after_transmit(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        call: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.lock().end(address(call))
    }
}

/// The address of a call's configuration, which is the only value that both hooks of one call
/// receive.
fn address(call: &ConfigBag) -> usize {
    std::ptr::from_ref(call).addr()
}
