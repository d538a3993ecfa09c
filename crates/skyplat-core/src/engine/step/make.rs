//! The half of a step that brings an object to what is wanted: made, finished after a crash, or changed in place.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Break, End, Half, token};
use crate::engine::call::bounded;
use crate::engine::host::{Unwritten, live_outputs};
use crate::engine::retry::Call;
use crate::engine::secrets::{mark, seal_outputs};
use crate::engine::wanted::{Source, Wanted, needed_in_the_clear};
use crate::executor::{Created, Desired, ErrorKind, ExecError, OutputMap, Recorded};
use crate::object::{Class, ObjectNode};
use crate::state::{Effect, Entry, Next, Operation, Record, Status, Uid};
use crate::value::Address;

impl Half {
    pub(super) async fn make(
        &mut self,
        node: ObjectNode,
        uid: Uid,
        generation: u32,
        record: Option<Box<Record>>,
        gone: Option<Uid>,
        sources: BTreeMap<Address, Source>,
    ) -> Result<End, Break> {
        self.enter_container().await?;
        let wanted = self.resolve(&node, &uid, sources).await?;
        let outputs = match record {
            Some(record) if record.status == Status::Incomplete && node.class == Class::Owned => {
                self.resume(&wanted, *record).await?
            }
            Some(record) if record.status != Status::Incomplete => {
                self.update(&wanted, &record.recorded()).await?
            }
            other => {
                let generation = other.map_or(generation, |record| record.generation);
                let mut entries = Vec::new();
                if let Some(gone) = gone {
                    let why = "it was found to be gone".to_owned();
                    entries.push(Entry::Forgotten { address: node.address.clone(), uid: gone, why });
                }
                self.create(&wanted, generation, entries, false).await?
            }
        };
        Ok(End::Made(uid, outputs))
    }

    /// Resolves what is wanted. Only where a digest is in the way is the secret read again.
    async fn resolve(
        &mut self,
        node: &ObjectNode,
        uid: &Uid,
        mut sources: BTreeMap<Address, Source>,
    ) -> Result<Wanted, Break> {
        let mut clear = BTreeMap::new();
        for address in needed_in_the_clear(node, &sources) {
            let Some(source) = sources.get_mut(&address) else { continue };
            let outputs = live_outputs(&self.setting.asks, &source.uid).await.map_err(Break::Failed)?;
            self.scrub.add_outputs(&outputs);
            // What is recorded is the digest of what is sent, even if the secret changed since it was recorded.
            source.outputs = seal_outputs(&outputs, &self.setting.key);
            clear.insert(address, outputs);
        }
        let wanted = Wanted::resolve(node, uid, &sources, &clear, &self.setting.key);
        let wanted = wanted.map_err(|message| Break::Failed(ExecError::new(ErrorKind::Invalid, message)))?;
        self.scrub.add(&wanted.desired.inputs);
        Ok(wanted)
    }

    /// Announces and makes an object that is not there. `ours` says that an earlier run may have made it after all.
    async fn create(
        &mut self,
        wanted: &Wanted,
        generation: u32,
        mut entries: Vec<Entry>,
        ours: bool,
    ) -> Result<OutputMap, Break> {
        let Next { node, depends_on } = wanted.next.clone();
        let within = self.setting.container.as_ref().map(|container| container.uid.clone());
        let record =
            Record { within, ..Record::planned(node, depends_on, wanted.desired.uid.clone(), generation) };
        entries.push(Entry::CreateBegins { record: Box::new(record) });
        self.journal(entries).await?;
        let created = self.create_until_done(&wanted.desired, ours).await?;
        self.created(wanted, created, Vec::new()).await
    }

    async fn create_until_done(&mut self, desired: &Desired, mut ours: bool) -> Result<Created, Break> {
        let executor = Arc::clone(&self.setting.executor);
        let (mut look, mut effect) = (false, Effect::None);
        loop {
            let began = Instant::now();
            let result = if look {
                self.find(desired).await
            } else {
                let op = self.op(desired, desired.uid.to_string(), true);
                bounded(self.patience.deadline(), executor.create(&op, desired)).await.map(Some)
            };
            let (call, error) = match result {
                Ok(Some(created)) => return Ok(created),
                Ok(None) => {
                    self.patience.leave_out(began.elapsed());
                    (look, effect) = (false, Effect::None);
                    continue;
                }
                Err(error) if look => (Call::Look, error),
                Err(error) => (Call::Create, error),
            };
            if call == Call::Create && desired.class == Class::Owned {
                if !error.kind.had_no_effect() {
                    (ours, look, effect) = (true, true, Effect::Unknown);
                } else if error.kind == ErrorKind::AlreadyExists && ours {
                    look = true;
                }
            }
            let result = self.again(call, ours, desired.uid.clone(), error).await;
            self.close(result.map_err(import_hint), &desired.address, &desired.uid, effect).await?;
        }
    }

    /// Finds out what became of a create that was cut off, and ends it.
    async fn resume(&mut self, wanted: &Wanted, record: Record) -> Result<OutputMap, Break> {
        let found = self.find_until_known(&wanted.desired).await?;
        let Some(created) = found else {
            return self.create(wanted, record.generation, Vec::new(), true).await;
        };
        let reopen = (record.open() != Some(Operation::Create))
            .then(|| Entry::CreateBegins { record: Box::new(record.clone()) });
        let id = Some(created.id.clone());
        let outputs = self.created(wanted, created, reopen.into_iter().collect()).await?;
        if record.node.inputs == wanted.next.node.inputs {
            self.keep_books(wanted, &record).await?;
            return Ok(outputs);
        }
        let sealed = seal_outputs(&outputs, &self.setting.key);
        self.update(wanted, &Recorded { id, outputs: sealed, ..record.recorded() }).await
    }

    /// Records what is kept about an object (order, container, protection, rules) where that changed since its create
    /// was cut off.
    async fn keep_books(&self, wanted: &Wanted, record: &Record) -> Result<(), Unwritten> {
        let Next { node, depends_on } = wanted.next.clone();
        let natural_key = record.node.natural_key.clone();
        let node = Arc::new(ObjectNode { natural_key, ..Arc::unwrap_or_clone(node) });
        if node == record.node && depends_on == record.depends_on {
            return Ok(());
        }
        self.journal(vec![Entry::Bookkeeping { node, depends_on }]).await
    }

    async fn created(
        &mut self,
        wanted: &Wanted,
        created: Created,
        mut entries: Vec<Entry>,
    ) -> Result<OutputMap, Break> {
        let outputs = mark(&wanted.next.node, created.outputs);
        self.scrub.add_outputs(&outputs);
        entries.push(Entry::Created {
            address: wanted.desired.address.clone(),
            uid: wanted.desired.uid.clone(),
            id: created.id,
            outputs: seal_outputs(&outputs, &self.setting.key),
        });
        self.journal(entries).await?;
        Ok(outputs)
    }

    /// Announces and makes a change in place. A gate waits anew, a lookup reads anew.
    async fn update(&mut self, wanted: &Wanted, old: &Recorded) -> Result<OutputMap, Break> {
        let (address, uid) = (wanted.desired.address.clone(), wanted.desired.uid.clone());
        let next = wanted.next.clone();
        let token = token(&uid, "update", Some(&next.node.inputs));
        self.journal(vec![Entry::UpdateBegins { address: address.clone(), uid: uid.clone(), next }]).await?;
        let executor = Arc::clone(&self.setting.executor);
        let mut effect = Effect::None;
        let outputs = loop {
            let op = self.op(&wanted.desired, token.clone(), false);
            let result = match wanted.desired.class {
                Class::Owned => {
                    bounded(self.patience.deadline(), executor.update(&op, old, &wanted.desired)).await
                }
                Class::Gate | Class::Lookup => {
                    bounded(self.patience.deadline(), executor.create(&op, &wanted.desired))
                        .await
                        .map(|made| made.outputs)
                }
            };
            match result {
                Ok(outputs) => break mark(&wanted.next.node, outputs),
                Err(error) => {
                    if !error.kind.had_no_effect() && wanted.desired.class == Class::Owned {
                        effect = Effect::Unknown;
                    }
                    let result = self.again(Call::Update, false, uid.clone(), error).await;
                    self.close(result, &address, &uid, effect).await?;
                }
            }
        };
        self.scrub.add_outputs(&outputs);
        let sealed = seal_outputs(&outputs, &self.setting.key);
        self.journal(vec![Entry::Updated { address, uid, outputs: sealed }]).await?;
        Ok(outputs)
    }
}

fn import_hint(broken: Break) -> Break {
    match broken {
        Break::Failed(error) if error.kind == ErrorKind::AlreadyExists && error.hint.is_none() => {
            Break::Failed(error.hint("import it, or give the object another name"))
        }
        other => other,
    }
}
