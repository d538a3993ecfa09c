//! The checks in order: the whole of one life of the specimen, call by call.

use std::time::Duration;

use skyplat_core::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Observed, OutputMap, Recorded,
};
use skyplat_core::object::{Class, OnDelete};
use skyplat_core::plan::drift;
use skyplat_core::value::{Key, Secret, Tree};

use super::bench::{Bench, Ended};
use super::{Check, Report};

/// How much longer a look may take after a delete than before it.
const SLACK: Duration = Duration::from_secs(5);

/// What stands in nonsensical inputs, and must not come back in an error.
const CANARY: &str = "conformance-canary-6e1f";

/// How long the calls of the first life took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) create: Duration,
    pub(super) update: Duration,
    pub(super) delete: Duration,
}

/// Says what is wrong unless something holds.
pub(super) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Shows a result without what it holds: that may be a secret.
pub(super) fn brief<T>(result: &Result<T, ExecError>) -> String {
    match result {
        Ok(_) => "success".to_owned(),
        Err(error) => format!("an error of the kind \"{}\"", error.kind),
    }
}

impl Bench<'_> {
    /// Makes every check.
    pub(super) async fn run(mut self) -> Report {
        let supports = self.executor.supports(&self.specimen.node.kind);
        self.judge(Check::Supported, ensure(supports, || "the executor says that it does not".to_owned()));
        if !supports {
            self.report.close("the kind is not supported");
            return self.report;
        }
        let ended = match self.prepare().await {
            Ok(()) if self.specimen.node.class == Class::Owned => Box::pin(self.owned()).await,
            Ok(()) => self.not_owned().await,
            Err(why) => {
                self.judge(Check::Prerequisites, Err(why.clone()));
                Err(why)
            }
        };
        let cleaned = self.clean().await;
        self.judge(Check::Prerequisites, cleaned);
        let leaked = self.leaked();
        self.judge(Check::Secrets, leaked.map_or(Ok(()), |(call, leak)| Err(format!("of a {call}: {leak}"))));
        let class = self.specimen.node.class;
        let nothing = if class == Class::Owned { "nothing to look at" } else { "nothing is made of it" };
        self.report.close(&ended.err().unwrap_or_else(|| nothing.to_owned()));
        self.report
    }

    /// A gate or a lookup makes nothing; it can be asked again, and passes on the way down.
    async fn not_owned(&mut self) -> Result<(), String> {
        let wanted = self.next_life()?;
        let first = self.create(&wanted).await;
        let created = first.result.map_err(|error| format!("it cannot be made: {error}"));
        self.judge(Check::Agreement, created.as_ref().map(drop).map_err(Clone::clone));
        let created = created?;
        self.keep_secrets(&created.outputs);
        let again = self.create(&wanted).await.result;
        let same = again.as_ref().is_ok_and(|again| again.outputs == created.outputs);
        self.judge(Check::RepeatedCreate, ensure(same, || format!("again gives {}", brief(&again))));
        let record = self.recorded(&wanted, &created);
        self.sees(Check::Agreement, &record, &wanted, &created.outputs).await;
        self.deletes(Check::Delete, &record).await.map(drop)
    }

    /// Everything about what we make.
    async fn owned(&mut self) -> Result<(), String> {
        let times = self.whole_life().await?;
        // The first of these lives follows a delete at once: where a name is taken until the thing is gone, it shows.
        self.life_cut_at_its_id().await?;
        self.lives_cut_in_waits(times).await?;
        self.life_without_permits().await?;
        self.life_of_nonsense().await
    }

    async fn whole_life(&mut self) -> Result<Times, String> {
        let wanted = self.next_life()?;
        self.keep_secret(&wanted.inputs);
        let nothing = self.find(&wanted).await.result;
        let is_nothing = matches!(nothing, Ok(None));
        self.judge(Check::NothingBefore, ensure(is_nothing, || format!("find gives {}", brief(&nothing))));

        let made = self.create(&wanted).await;
        let times = Times { create: made.took, ..Times::default() };
        self.judge(Check::Identified, identified(&made));
        self.judge(Check::Permits, permitted("create", &made));
        let created = made.result.map_err(|error| format!("it cannot be made: {error}"));
        self.judge(Check::Agreement, created.as_ref().map(drop).map_err(Clone::clone));
        let created = created?;
        self.keep_secrets(&created.outputs);
        let record = self.recorded(&wanted, &created);
        self.agrees(&record, &wanted, &created).await;

        let again = self.create(&wanted).await.result;
        let same = again.as_ref().is_ok_and(|again| *again == created);
        let other = || format!("again gives {}, and not what is there", brief(&again));
        self.judge(Check::RepeatedCreate, ensure(same, other));

        self.has_no_twin(&record, &wanted, &created).await?;
        self.is_retained(&record, &wanted, &created).await;
        let (record, update) = self.is_updated(record, &wanted, &created).await?;
        self.answers_in_order(&record).await?;
        let looked = self.read(&record).await.took;
        let deleted = self.deletes(Check::Delete, &record).await?;

        // Nothing was waited for between the end of the delete and this look.
        let look = self.read(&record).await;
        let is_gone = look.took <= looked + SLACK;
        let early = || format!("a look after the delete took {:?}: it was not gone", look.took);
        self.judge(Check::DeleteWaits, ensure(is_gone, early));
        let is_missing = matches!(look.result, Ok(Observed::Missing));
        self.judge(Check::Delete, ensure(is_missing, || format!("read gives {}", seen(&look.result))));
        self.is_nowhere(Check::Delete, &wanted).await;
        let again = self.delete(&record).await.result;
        let is_deleted = again == Ok(Deleted::Deleted);
        self.judge(Check::RepeatedDelete, ensure(is_deleted, || format!("again gives {}", brief(&again))));
        // What an update of nothing does is not said; but an error that says that nothing was done has to be right.
        if let Err(error) = self.update(&record, &wanted).await.result
            && error.kind.had_no_effect()
        {
            self.is_nowhere(Check::NoEffect, &wanted).await;
        } else {
            self.delete(&record).await.result.map_err(|error| format!("it cannot be deleted: {error}"))?;
        }
        Ok(Times { update, delete: deleted.took, ..times })
    }

    /// What was made, what is found and what is read agree with each other and with what was sent.
    async fn agrees(&mut self, record: &Recorded, wanted: &Desired, created: &Created) {
        let found = self.find(wanted).await;
        self.judge(Check::Permits, permitted("find", &found));
        let same = matches!(&found.result, Ok(Some(found)) if found == created);
        let other = || format!("find gives {}, and not what was made", brief(&found.result));
        self.judge(Check::Agreement, ensure(same, other));
        let echoes = &self.specimen.node.echoes;
        let wrong = echoes.iter().find(|(output, path)| {
            wanted.inputs.at(path).is_some_and(|input| created.outputs.get(*output) != Some(input))
        });
        let kept = wrong.map_or(Ok(()), |(output, path)| Err(format!("{output} does not repeat {path}")));
        self.judge(Check::Agreement, kept);
        self.sees(Check::Agreement, record, wanted, &created.outputs).await;
    }

    /// A read shows these inputs and outputs.
    pub(super) async fn sees(
        &mut self,
        check: Check,
        record: &Recorded,
        wanted: &Desired,
        outputs: &OutputMap,
    ) {
        let read = self.read(record).await;
        if record.class == Class::Owned {
            self.judge(Check::Permits, permitted("read", &read));
        }
        let kept = match &read.result {
            Ok(Observed::Present { inputs, outputs: seen }) => {
                let rules = &self.specimen.node.rules;
                let drifted = drift(&self.seal(inputs), &self.seal(&wanted.inputs), rules);
                let paths: Vec<String> = drifted.iter().map(|change| change.path.to_string()).collect();
                ensure(paths.is_empty(), || format!("read gives other fields: {}", paths.join(", ")))
                    .and_then(|()| {
                        ensure(seen == outputs, || {
                            "read gives other outputs than were given before".to_owned()
                        })
                    })
            }
            _ => Err(format!("read gives {}", seen(&read.result))),
        };
        self.judge(check, kept);
    }

    /// Neither find nor anything else knows of it.
    pub(super) async fn is_nowhere(&mut self, check: Check, wanted: &Desired) {
        let found = self.find(wanted).await.result;
        let is_nothing = matches!(found, Ok(None));
        self.judge(check, ensure(is_nothing, || format!("find gives {}, and not none", brief(&found))));
    }

    /// Deletes a thing; when that fails the trial cannot go on.
    pub(super) async fn deletes(
        &mut self,
        check: Check,
        record: &Recorded,
    ) -> Result<Ended<Deleted>, String> {
        let deleted = self.delete(record).await;
        let is_deleted = deleted.result == Ok(Deleted::Deleted);
        self.judge(check, ensure(is_deleted, || format!("delete gives {}", brief(&deleted.result))));
        if record.class == Class::Owned {
            self.judge(Check::Permits, permitted("delete", &deleted));
        }
        ensure(is_deleted, || "it cannot be deleted".to_owned()).map(|()| deleted)
    }

    async fn has_no_twin(
        &mut self,
        record: &Recorded,
        wanted: &Desired,
        created: &Created,
    ) -> Result<(), String> {
        if wanted.natural_key.is_none() {
            self.skip(Check::Twin, "it has no natural key");
            return Ok(());
        }
        if self.specimen.shared {
            self.skip(Check::Twin, "all who ask for it get the same thing");
            return Ok(());
        }
        let twin = self.next_life()?;
        let result = self.create(&twin).await.result;
        let is_refused = matches!(&result, Err(error) if error.kind == ErrorKind::AlreadyExists);
        let other = || format!("it gives {}, and not one of the kind \"already exists\"", brief(&result));
        self.judge(Check::Twin, ensure(is_refused, other));
        match result {
            Ok(twice) if twice.id != created.id => {
                let twin = self.recorded(&twin, &twice);
                self.deletes(Check::Twin, &twin).await?;
            }
            Err(error) if error.kind.had_no_effect() => {
                self.is_nowhere(Check::NoEffect, &twin).await;
                self.sees(Check::NoEffect, record, wanted, &created.outputs).await;
            }
            _ => {}
        }
        Ok(())
    }

    async fn is_retained(&mut self, record: &Recorded, wanted: &Desired, created: &Created) {
        let retained = Recorded { on_delete: OnDelete::Retain, ..record.clone() };
        let result = self.delete(&retained).await.result;
        let is_retained = matches!(result, Ok(Deleted::Retained(_)));
        let other = || format!("delete gives {}, and not that it was retained", brief(&result));
        self.judge(Check::Retained, ensure(is_retained, other));
        self.sees(Check::Retained, record, wanted, &created.outputs).await;
    }

    /// Changes the thing in place, twice; returns how it is recorded then, and how long that took.
    async fn is_updated(
        &mut self,
        record: Recorded,
        wanted: &Desired,
        created: &Created,
    ) -> Result<(Recorded, Duration), String> {
        let Some(changed) = &self.specimen.changed else {
            for check in [Check::Update, Check::RepeatedUpdate] {
                self.skip(check, "the specimen says of no change in place");
            }
            return Ok((record, Duration::ZERO));
        };
        let changed = self.desired(&self.specimen.node, changed, 0)?;
        self.keep_secret(&changed.inputs);
        let changed = Desired { uid: wanted.uid.clone(), ..changed };
        let first = self.update(&record, &changed).await;
        self.judge(Check::Permits, permitted("update", &first));
        let failed =
            |error: &ExecError| format!("update gives an error of the kind \"{}\": {error}", error.kind);
        let kept = first.result.as_ref().map(drop).map_err(failed);
        self.judge(Check::Update, kept);
        let Ok(outputs) = first.result else { return Ok((record, first.took)) };
        self.keep_secrets(&outputs);
        self.sees(Check::Update, &record, &changed, &outputs).await;
        // A run that was cut off repeats an update with what it knew before it.
        let again = self.update(&record, &changed).await.result;
        let same = again.as_ref() == Ok(&outputs);
        self.judge(Check::RepeatedUpdate, ensure(same, || format!("again gives {}", brief(&again))));
        self.sees(Check::RepeatedUpdate, &record, &changed, &outputs).await;
        let updated = Created { id: created.id.clone(), outputs };
        Ok((self.recorded(&changed, &updated), first.took))
    }

    async fn answers_in_order(&mut self, record: &Recorded) -> Result<(), String> {
        let answers = self.read_all(&[]).await;
        self.judge(Check::Batch, ensure(answers.is_empty(), || "no things have answers".to_owned()));
        let alone = self.read(record).await.result;
        let Some(node) = &self.specimen.beside else {
            let answers = self.read_all(&[record.clone(), record.clone()]).await;
            let same = answers == [alone.clone(), alone];
            self.judge(
                Check::Batch,
                ensure(same, || "one thing twice has other answers than alone".to_owned()),
            );
            return Ok(());
        };
        let other = self.desired(node, &node.inputs, 0)?;
        self.keep_secret(&other.inputs);
        let made = self.create(&other).await.result;
        let made = made.map_err(|error| format!("the one beside it cannot be made: {error}"))?;
        self.keep_secrets(&made.outputs);
        let other = self.recorded(&other, &made);
        let other_alone = self.read(&other).await.result;
        // Another one from behind than from the front.
        let batch = [record.clone(), other.clone(), record.clone(), record.clone()];
        let answers = self.read_all(&batch).await;
        let expected = [alone.clone(), other_alone, alone.clone(), alone.clone()];
        let differs = || "a batch of two things has other answers than each alone".to_owned();
        self.judge(Check::Batch, ensure(answers == expected, differs));
        self.deletes(Check::Delete, &other).await?;
        let answers = self.read_all(&batch).await;
        let expected = [alone.clone(), Ok(Observed::Missing), alone.clone(), alone];
        let differs = || "a batch with a thing that is gone has other answers than each alone".to_owned();
        self.judge(Check::Batch, ensure(answers == expected, differs));
        Ok(())
    }

    /// Sends what no API takes: an error says honestly what was done, and does not repeat what was sent.
    async fn life_of_nonsense(&mut self) -> Result<(), String> {
        self.keep_secret(&Tree::Secret(Secret::new(CANARY)));
        let wanted = self.next_life()?;
        let nonsense = Desired { inputs: nonsense(&wanted.inputs), ..wanted.clone() };
        match self.create(&nonsense).await.result {
            Ok(created) => {
                let record = self.recorded(&nonsense, &created);
                self.deletes(Check::Delete, &record).await?;
            }
            Err(error) if error.kind.had_no_effect() => self.is_nowhere(Check::NoEffect, &nonsense).await,
            Err(_) => {
                if let Some(found) = self.find(&nonsense).await.result.ok().flatten() {
                    let record = self.recorded(&nonsense, &found);
                    self.deletes(Check::Delete, &record).await?;
                }
            }
        }
        let wanted = self.next_life()?;
        let created =
            self.create(&wanted).await.result.map_err(|error| format!("it cannot be made: {error}"))?;
        let record = self.recorded(&wanted, &created);
        let nonsense = Desired { inputs: self::nonsense(&wanted.inputs), ..wanted.clone() };
        if let Err(error) = self.update(&record, &nonsense).await.result
            && error.kind.had_no_effect()
        {
            self.sees(Check::NoEffect, &record, &wanted, &created.outputs).await;
        }
        self.deletes(Check::Delete, &record).await?;
        self.is_nowhere(Check::Delete, &wanted).await;
        Ok(())
    }
}

/// Replaces every field that is no text, or every field when all are texts, by a secret text.
fn nonsense(inputs: &Tree) -> Tree {
    let Tree::Map(map) = inputs else { return Tree::Secret(Secret::new(CANARY)) };
    let is_text = |value: &Tree| matches!(value, Tree::String(_) | Tree::Secret(_));
    let all = map.values().all(is_text);
    let spoil = |(key, value): (&Key, &Tree)| {
        let spoilt = if all || !is_text(value) { Tree::Secret(Secret::new(CANARY)) } else { value.clone() };
        (key.clone(), spoilt)
    };
    Tree::Map(map.iter().map(spoil).collect())
}

/// The id was reported, and is the one that was given back.
fn identified(made: &Ended<Created>) -> Result<(), String> {
    let Ok(created) = &made.result else { return Ok(()) };
    match made.said.ids.as_slice() {
        [] => Err("no id was reported".to_owned()),
        ids => ensure(ids.iter().all(|id| *id == created.id), || {
            "another id was reported than given back".to_owned()
        }),
    }
}

/// A call asked for a permit.
fn permitted<T>(call: &str, ended: &Ended<T>) -> Result<(), String> {
    ensure(ended.said.permits > 0 || ended.result.is_err(), || format!("a {call} asked for no permit"))
}

/// Shows an answer without what it holds.
fn seen(answer: &Result<Observed, ExecError>) -> String {
    match answer {
        Ok(Observed::Present { .. }) => "that it is there".to_owned(),
        Ok(Observed::Missing) => "that it is missing".to_owned(),
        Err(_) => brief(answer),
    }
}
