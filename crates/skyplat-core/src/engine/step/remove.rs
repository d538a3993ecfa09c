//! The half of a step that deletes an object, drains a gate, or lets go of what is to stay.

use std::sync::Arc;

use super::{Break, End, Half, token};
use crate::engine::call::bounded;
use crate::engine::retry::Call;
use crate::engine::secrets::{mark, seal_outputs};
use crate::executor::{Deleted, Desired, ErrorKind};
use crate::object::{Class, OnDelete};
use crate::state::{Effect, Entry, Operation, Record};

impl Half {
    pub(super) async fn remove(&mut self, mut record: Record, gone: Option<String>) -> Result<End, Break> {
        let (address, uid) = (record.node.address.clone(), record.uid.clone());
        let never_ours = || "it was only read, never ours".to_owned();
        let forgotten = gone.or_else(|| (record.node.class == Class::Lookup).then(never_ours));
        if let Some(why) = forgotten {
            self.journal(vec![Entry::Forgotten { address, uid, why }]).await?;
            return Ok(End::Removed);
        }
        let mut entries = Vec::new();
        let is_ours = record.node.class == Class::Owned;
        let is_unfinished = is_ours && record.open() == Some(Operation::Create);
        let stays = is_ours && record.node.on_delete == OnDelete::Retain;
        if is_unfinished || !stays {
            self.enter_container().await?;
        }
        if is_unfinished {
            let Some(created) = self.find_until_known(&Desired::from(&record.recorded())).await? else {
                let why = "its create came to nothing".to_owned();
                self.journal(vec![Entry::Forgotten { address, uid, why }]).await?;
                return Ok(End::Removed);
            };
            let id = created.id.clone();
            entries.push(Entry::Identified { address: address.clone(), uid: uid.clone(), id });
            record.id = Some(created.id);
            record.outputs = seal_outputs(&mark(&record.node, created.outputs), &self.setting.key);
        }
        if stays {
            let why = match &record.node.placement.container {
                None => "it is to be kept when it is no longer wanted".to_owned(),
                Some(container) => format!("it is to be kept for as long as {container} is there"),
            };
            entries.push(Entry::Retained { address, uid, why: why.clone() });
            self.journal(entries).await?;
            return Ok(End::Retained(why));
        }
        entries.push(Entry::DeleteBegins { address: address.clone(), uid: uid.clone() });
        self.journal(entries).await?;
        let deleted = self.delete_until_done(&record).await;
        let deleted = self.close(deleted, &address, &uid, Effect::Unknown).await?;
        let (entry, end) = match deleted {
            Deleted::Deleted => (Entry::Deleted { address, uid }, End::Removed),
            Deleted::Retained(why) => {
                let why = self.scrub.text(&why);
                (Entry::Retained { address, uid, why: why.clone() }, End::Retained(why))
            }
        };
        self.journal(vec![entry]).await?;
        Ok(end)
    }

    /// Deletes again and again; a failure for good is left to the caller to record.
    async fn delete_until_done(&mut self, record: &Record) -> Result<Deleted, Break> {
        let executor = Arc::clone(&self.setting.executor);
        let recorded = record.recorded();
        let desired = Desired::from(&recorded);
        let token = token(&record.uid, "delete", None);
        loop {
            let op = self.op(&desired, token.clone(), false);
            let error = match bounded(self.patience.deadline(), executor.delete(&op, &recorded)).await {
                Ok(deleted) => return Ok(deleted),
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(Deleted::Deleted),
                Err(error) => error,
            };
            match self.again(Call::Delete, false, record.uid.clone(), error).await {
                Err(Break::Failed(error))
                    if error.kind == ErrorKind::DependencyViolation
                        && record.node.on_delete == OnDelete::RetainIfInUse =>
                {
                    return Ok(Deleted::Retained(error.message));
                }
                result => result?,
            }
        }
    }
}
