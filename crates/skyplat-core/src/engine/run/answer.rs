//! Answering what steps ask while they run: journal this, let this call through, what are these outputs in the clear.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Ended, OutputsReply, Run};
use crate::engine::decide::View;
use crate::engine::event::Phase;
use crate::engine::host::{Ask, Pace, Pacer};
use crate::engine::read::{Reading, container_of_record, reread};
use crate::engine::secrets::Scrub;
use crate::executor::{ErrorKind, ExecError};
use crate::state::Uid;

impl Run<'_> {
    /// Answers what steps asked at one time: all they want journaled is written at once.
    pub(super) async fn answer(&mut self, mut asks: Vec<Ask>) {
        asks.sort_by_key(|ask| match ask {
            Ask::Journal { task, .. } | Ask::Backoff { task, .. } | Ask::Resume { task, .. } => *task,
            Ask::Outputs { .. } => usize::MAX,
        });
        let (mut entries, mut written) = (Vec::new(), Vec::new());
        for ask in asks {
            match ask {
                Ask::Journal { entries: more, reply, .. } => {
                    entries.extend(more);
                    written.push(reply);
                }
                Ask::Backoff { task, attempt, error } => {
                    let about = self.about(task);
                    self.emitter.step(about, Phase::Retry, attempt, Some(error));
                    self.release_slot(task);
                }
                Ask::Resume { task, reply } => {
                    self.turns.insert(task, reply);
                    self.queue.push(task);
                }
                Ask::Outputs { uid, reply } => self.outputs(uid, reply),
            }
        }
        let result = self.journal(&entries).await;
        for reply in written {
            // Who does not wait for the answer any more was dropped.
            drop(reply.send(result.clone()));
        }
    }

    pub(super) fn pace(&mut self, paces: Vec<Pace>) {
        let now = Instant::now();
        for pace in paces {
            match pace {
                Pace::Permit { bucket, reply } => drop(reply.send(self.limits.permit(bucket, now))),
                Pace::Progress { address, message } => self.emitter.progress(address, message),
            }
        }
    }

    /// Hands out outputs in the clear: those of this run's calls, else read again, once per object.
    fn outputs(&mut self, uid: Uid, reply: OutputsReply) {
        if let Some(outputs) = self.live.get(&uid) {
            drop(reply.send(Ok(Arc::clone(outputs))));
            return;
        }
        if let Some(waiting) = self.reading.get_mut(&uid) {
            waiting.push(reply);
            return;
        }
        let state = self.session.state();
        let view = View { work: self.work, state, steps: &self.steps, made: &self.made, gone: &self.gone };
        let record = state.records().find(|record| record.uid == uid);
        let executor = record.and_then(|record| self.executors.for_kind(&record.node.kind));
        let (Some(record), Some(executor)) = (record, executor) else {
            let error =
                ExecError::new(ErrorKind::Invalid, "a secret output is needed of what is not recorded");
            drop(reply.send(Err(error)));
            return;
        };
        let superseded = state.deposed.contains_key(&uid);
        let container = container_of_record(state, record, superseded).map(|record| view.source_of(record));
        let reading = Reading {
            control: self.steps_control.clone(),
            options: Arc::clone(&self.options),
            stack_tag: state.stack.tag(),
            seed: self.context.seed,
        };
        let pacer = Pacer {
            sender: self.pace.clone(),
            address: record.node.address.clone(),
            scrub: Scrub::default(),
        };
        let (record, executor, asks) = (record.clone(), Arc::clone(executor), self.asks.clone());
        self.reading.insert(uid.clone(), vec![reply]);
        self.jobs.spawn(async move {
            let outputs = reread(&reading, &*executor, &asks, pacer, &record, container).await;
            Ended::Read { uid, outputs }
        });
    }
}
