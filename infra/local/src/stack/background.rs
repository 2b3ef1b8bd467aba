//! Tasks of a running stack: the API, the pollers, the schedules, the heartbeat.

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::running::Stack;
use crate::progress::{Follower, Progress};
use crate::state_file::HEARTBEAT;
use crate::{Options, StackError, poller};

/// Interval of the schedule's ticks, by the stack's clock, as in the template.
const TICK_EVERY: Duration = Duration::from_mins(5);
/// Interval of consolidation's ticks.
const CONSOLIDATE_EVERY: Duration = Duration::from_mins(15);

impl Stack {
    pub(super) fn serve(&mut self, listener: TcpListener) {
        let tokens = api::Grade::ALL.map(|grade| (self.token_of(grade).to_owned().into(), grade));
        let router = crate::gateway::whole_bodies(self.router(api::Access::Tokens(tokens.to_vec())));
        let mut stopping = self.stopping.subscribe();
        self.tasks.push(tokio::spawn(async move {
            let stopped = async move {
                // An error means that the stack is dropped.
                let _ = stopping.wait_for(|stopping| *stopping).await;
            };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "the API stopped");
            }
        }));
    }

    pub(super) fn poll(&mut self, options: &Options) {
        if !options.pollers {
            return;
        }
        let (seen, orders) = mpsc::unbounded_channel();
        let seen = options.progress.as_ref().map(|_| seen);
        let urls = self.queues.urls();
        let source = |url: &str| poller::Source { queues: self.queues.clone(), url: url.to_owned() };
        for _ in 0..options.order_pollers.max(1) {
            let (functions, seen) = (self.functions.clone(), seen.clone());
            let handler = move |event: SqsEvent| -> futures::future::BoxFuture<'static, _> {
                let (functions, seen) = (functions.clone(), seen.clone());
                Box::pin(async move {
                    let bodies = seen.as_ref().map(|_| event.records.iter().filter_map(|record| record.body.clone()).collect());
                    let answer = functions.process_orders(event).await;
                    if let (Some(seen), Some(bodies)) = (seen, bodies) {
                        // The receiver is dropped when the stack stops.
                        let _ = seen.send(bodies);
                    }
                    answer
                })
            };
            self.tasks.push(tokio::spawn(poller::poll(source(&urls.orders), self.stopping.subscribe(), Box::new(handler))));
        }
        for _ in 0..2 {
            let functions = self.functions.clone();
            let handler = move |event| -> futures::future::BoxFuture<'static, _> {
                let functions = functions.clone();
                Box::pin(async move { functions.commands(event).await })
            };
            self.tasks.push(tokio::spawn(poller::poll(source(&urls.commands), self.stopping.subscribe(), Box::new(handler))));
        }
        let functions = self.functions.clone();
        let handler = move |event| -> futures::future::BoxFuture<'static, _> {
            let functions = functions.clone();
            Box::pin(async move { functions.consolidation(event).await })
        };
        self.tasks.push(tokio::spawn(poller::poll(source(&urls.consolidation), self.stopping.subscribe(), Box::new(handler))));
        if let Some(progress) = options.progress.clone() {
            let (table, clock) = (self.table.clone(), self.time.clock());
            let follower = Follower { table, clock, progress, orders };
            self.tasks.push(tokio::spawn(follower.follow()));
        }
    }

    /// Ticks of each schedule, one after the other: one at once, and then by the stack's clock.
    pub(super) fn schedule(&mut self, progress: Option<mpsc::UnboundedSender<Progress>>) {
        let functions = self.functions.clone();
        self.every(TICK_EVERY, progress.clone(), move || {
            let functions = functions.clone();
            Box::pin(async move { functions.tick().await })
        });
        let functions = self.functions.clone();
        self.every(CONSOLIDATE_EVERY, progress, move || {
            let functions = functions.clone();
            Box::pin(async move { functions.consolidation_tick().await })
        });
    }

    fn every(
        &mut self,
        time: Duration,
        progress: Option<mpsc::UnboundedSender<Progress>>,
        tick: impl Fn() -> futures::future::BoxFuture<'static, Result<Value, StackError>> + Send + 'static,
    ) {
        let mut stopping = self.stopping.subscribe();
        let mut every = tokio::time::interval(self.time.real(time));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.tasks.push(tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = every.tick() => {}
                    _ = stopping.wait_for(|stopping| *stopping) => return,
                }
                if let Err(error) = tick().await {
                    let error = stevedore_lambda::ErrorChain(&error).to_string();
                    tracing::warn!(error, "a tick failed; the next one continues");
                    if let Some(progress) = &progress {
                        let _ = progress.send(Progress::Trouble(error));
                    }
                }
            }
        }));
    }

    pub(super) fn heartbeat(&mut self) {
        let Some(record) = self.record.clone() else { return };
        let mut stopping = self.stopping.subscribe();
        self.tasks.push(tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(HEARTBEAT) => {}
                    _ = stopping.wait_for(|stopping| *stopping) => return,
                }
                if let Err(error) = record.beat() {
                    tracing::warn!(error = %stevedore_lambda::ErrorChain(&error), "the folder's record was not written");
                }
            }
        }));
    }
}
