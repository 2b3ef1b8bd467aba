//! Clients that workflows need; built once for each process.

use std::sync::Arc;

use stevedore_aws::{ClientOptions, Clients, QueueUrls, Queues, Table};
use stevedore_lambda::{Clock, ErrorChain, Start};

/// Parts of the workflows that ask ShipStation for nothing.
#[derive(Clone)]
pub struct Deps {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
    /// The clock.
    pub clock: Clock,
}

/// The clients of AWS that a function's environment asks for.
pub(crate) fn clients(start: &Start) -> Clients {
    Clients::from_vars(start.vars.clone(), ClientOptions { trusted: start.trusted.clone(), ..ClientOptions::default() })
}

impl Deps {
    /// Parts for a function that starts.
    pub async fn connect(start: &Start) -> Self {
        Self::over(start, &clients(start)).await
    }

    /// The same over these clients.
    pub(crate) async fn over(start: &Start, clients: &Clients) -> Self {
        let config = start.config.clone();
        let urls = QueueUrls {
            orders: config.orders_queue_url,
            commands: config.commands_queue_url,
            consolidation: config.consolidation_queue_url,
            dead_letters: config.dead_letter_queue_url,
        };
        let table = Table::new(clients, config.table);
        // The first TLS handshake is the dear part of a cold start, and init runs on a full CPU.
        if let Err(error) = table.ping().await {
            tracing::warn!(error = %ErrorChain(&error), "the table does not answer yet");
        }
        Self { table, queues: Queues::new(clients, urls), clock: Arc::clone(&start.clock) }
    }

    /// The same for one invocation, whose trace its messages carry: `Lambda-Runtime-Trace-Id`, if Lambda gave one.
    #[must_use]
    pub fn traced(&self, header: Option<&str>) -> Self {
        Self { queues: self.queues.traced(header), ..self.clone() }
    }
}
