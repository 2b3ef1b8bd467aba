//! The sandbox: the state that its clones share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::arrivals::Arrivals;
use crate::faults::Faults;
use crate::limit_window::LimitWindow;
use crate::options::SandboxOptions;
use crate::pacific;
use crate::retail::Scheduled;
use crate::store::Store;
use crate::world::{AccountNow, Report, World};

/// The sandbox; clones share everything.
#[derive(Debug, Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: SandboxOptions,
    faults: Faults,
    report: Report,
    world: Mutex<World>,
    account: Mutex<AccountNow>,
}

impl Sandbox {
    pub(crate) fn new(options: SandboxOptions, store: Store, arrivals: Arrivals, scheduled: VecDeque<Scheduled>) -> Self {
        let lines = store.orders.values().map(|entry| entry.lines).sum();
        let report = Report { orders: store.orders.len(), lines, revisions: scheduled.len() };
        let faults = Faults::new(options.seed);
        let world = World { store, arrivals, scheduled, window: LimitWindow::default(), requests: VecDeque::new() };
        let account = AccountNow { api_key: options.api_key.clone(), api_secret: options.api_secret.clone(), stores_from: 0 };
        Self { shared: Arc::new(Shared { options, faults, report, world: Mutex::new(world), account: Mutex::new(account) }) }
    }

    /// Answers as another account from now on, with other credentials and with stores whose ids are
    /// `stores_from` larger. Orders stay, as if two accounts had orders with the same ids. Each
    /// order keeps its store.
    pub fn become_account(&self, api_key: &str, api_secret: &str, stores_from: i64) {
        *self.account() = AccountNow { api_key: api_key.to_owned(), api_secret: api_secret.to_owned(), stores_from };
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, AccountNow> {
        self.shared.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The list of active faults.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Returns the content at the start.
    pub fn report(&self) -> Report {
        self.shared.report
    }

    pub(crate) fn options(&self) -> &SandboxOptions {
        &self.shared.options
    }

    pub(crate) fn now(&self) -> Timestamp {
        pacific::to_millis((self.shared.options.clock)())
    }

    /// The present state, after all due events.
    pub(crate) fn world(&self) -> (MutexGuard<'_, World>, Timestamp) {
        let now = self.now();
        let mut world = self.shared.world.lock().unwrap_or_else(PoisonError::into_inner);
        while world.scheduled.front().is_some_and(|next| next.at <= now) {
            if let Some(next) = world.scheduled.pop_front() {
                next.happen(&mut world.store, next.at);
            }
        }
        let World { arrivals, store, .. } = &mut *world;
        arrivals.catch_up(store, now);
        (world, now)
    }
}
