//! The engines as the stack itself and each function reach them; a function under its role, where a test brings the roles.

use stevedore_aws::{Clients, QueueUrls, Queues, Secrets, Table};
use stevedore_engines::AccessKey;

use crate::{Options, wiring};

/// The engines as one function, or the stack itself, reaches them.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) table: Table,
    pub(crate) queues: Queues,
    pub(crate) secrets: Secrets,
}

impl Reach {
    pub(crate) fn new(clients: &Clients, urls: QueueUrls) -> Self {
        Self {
            table: Table::new(clients, wiring::TABLE_NAME),
            queues: Queues::new(clients, urls),
            secrets: Secrets::new(clients, wiring::SECRET),
        }
    }

    /// The same for a function, by its name in the template: one client for all of them, or one that works under its role.
    pub(crate) fn of(&self, function: &'static str, endpoint: &str, key: &AccessKey, options: &Options) -> Self {
        let Some(role) = options.roles else { return self.clone() };
        let mut under_role = options.clients.clone();
        under_role.interceptors.insert(0, role(function));
        Self::new(&Clients::with_key(endpoint, (&key.id, &key.secret), under_role), self.queues.urls().clone())
    }
}
