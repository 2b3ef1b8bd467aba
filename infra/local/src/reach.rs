//! The clients with which the stack and each function reach the engines; limited to a role if a
//! test passes the roles.

use stevedore_aws::{Clients, QueueUrls, Queues, Secrets, Table};
use stevedore_engines::AccessKey;

use crate::{Options, wiring};

/// The engines' clients of one function, or of the stack itself.
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

    /// The clients of a function, by its name in the template: shared clients, or clients limited
    /// to its role.
    pub(crate) fn of(&self, function: &'static str, endpoint: &str, key: &AccessKey, options: &Options) -> Self {
        let Some(role) = options.roles else { return self.clone() };
        let mut under_role = options.clients.clone();
        under_role.interceptors.insert(0, role(function));
        Self::new(&Clients::with_key(endpoint, (&key.id, &key.secret), under_role), self.queues.urls().clone())
    }
}
