//! Lives that are cut: where the id is reported, in the midst of waits, by a stop, by a deadline, without a permit.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use skyplat_core::executor::{Created, Desired, ErrorKind, ExecError, Op, Recorded};

use super::Check;
use super::bench::{Bench, PATIENCE, PAUSE, may_pass};
use super::checks::{Times, brief, ensure};
use super::host::{Hold, Host};

/// What takes less may be the requests alone, which need not end when the run does.
const SHORTEST_WAIT: Duration = Duration::from_secs(5);

/// How long a call may take at most to notice that it has to end.
const REACTION: Duration = Duration::from_secs(5);

/// How long a call is given to do what it may not do without a permit.
const TEMPTATION: Duration = Duration::from_secs(10);

/// What ends a call before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Stop,
    Deadline,
}

impl Cut {
    fn check(self) -> Check {
        match self {
            Self::Stop => Check::Stopped,
            Self::Deadline => Check::Deadline,
        }
    }
}

impl Bench<'_> {
    /// A create that is cut short where it reports its id leaves a thing that is found and made once.
    pub(super) async fn life_cut_at_its_id(&mut self) -> Result<(), String> {
        let (wanted, begin) = (self.next_life()?, Instant::now());
        let whole = loop {
            let host = Arc::new(Host::holding(Hold::AtId));
            let op = self.op(&wanted, Arc::clone(&host));
            let cut = async {
                tokio::select! {
                    biased;
                    result = self.executor.create(&op, &wanted) => Some(result),
                    () = host.held() => None,
                }
            };
            let whole = self.once("create", &host, async { Ok(cut.await) }).await;
            if !matches!(&whole.result, Ok(Some(Err(error))) if may_pass(error)) || begin.elapsed() > PATIENCE
            {
                break whole;
            }
            sleep(PAUSE).await;
        };
        // The specimen had a life that ended with a delete just before this one.
        if let Ok(Some(Err(error))) = &whole.result
            && error.kind == ErrorKind::AlreadyExists
        {
            let early = "the natural key was still taken when the delete before had ended";
            self.judge(Check::DeleteWaits, Err(early.to_owned()));
        }
        if !matches!(whole.result, Ok(None)) {
            self.judge(Check::Identified, Err("a create ended without an id that was reported".to_owned()));
        }
        let was_there = self.ends_as_one(&wanted, &whole.said.ids).await?;
        let kept = ensure(was_there || whole.said.ids.is_empty(), || {
            "find gives none of a thing whose id was reported".to_owned()
        });
        self.judge(Check::CutShort, kept);
        Ok(())
    }

    /// Calls that are cut in the midst of a wait.
    pub(super) async fn lives_cut_in_waits(&mut self, times: Times) -> Result<(), String> {
        if times.create < SHORTEST_WAIT {
            self.skip(Check::Stopped, "a create waits for nothing");
            self.skip(Check::Deadline, "a create waits for nothing");
        } else {
            self.life_cut_in_its_wait(times.create / 2).await?;
            for cut in [Cut::Stop, Cut::Deadline] {
                let wanted = self.next_life()?;
                let create = async |op: &Op| self.executor.create(op, &wanted).await.map(drop);
                self.is_cut(cut, "create", &wanted, times.create / 2, create).await;
                self.ends_as_one(&wanted, &[]).await?;
            }
        }
        if times.update.max(times.delete) < SHORTEST_WAIT {
            return Ok(());
        }
        for cut in [Cut::Stop, Cut::Deadline] {
            let (wanted, record) = self.made().await?;
            if let Some(changed) = self.specimen.changed.as_ref().filter(|_| times.update >= SHORTEST_WAIT) {
                let changed = self.desired(&self.specimen.node, changed, 0)?;
                let changed = Desired { uid: wanted.uid.clone(), ..changed };
                let update = async |op: &Op| self.executor.update(op, &record, &changed).await.map(drop);
                self.is_cut(cut, "update", &changed, times.update / 2, update).await;
            }
            if times.delete >= SHORTEST_WAIT {
                let delete = async |op: &Op| self.executor.delete(op, &record).await.map(drop);
                self.is_cut(cut, "delete", &Desired::from(&record), times.delete / 2, delete).await;
            }
            self.deletes(Check::RepeatedDelete, &record).await?;
            self.is_nowhere(Check::RepeatedDelete, &wanted).await;
        }
        Ok(())
    }

    /// A create whose process dies in the midst of its wait has told the id by then.
    async fn life_cut_in_its_wait(&mut self, after: Duration) -> Result<(), String> {
        let wanted = self.next_life()?;
        let host = Arc::new(Host::default());
        let op = self.op(&wanted, Arc::clone(&host));
        drop(timeout(after, self.executor.create(&op, &wanted)).await);
        let ids = host.said().ids;
        let was_there = self.ends_as_one(&wanted, &ids).await?;
        let late = || "a thing is there that is being waited for, and its id was not reported".to_owned();
        self.judge(Check::Identified, ensure(!was_there || !ids.is_empty(), late));
        Ok(())
    }

    /// Looks for what a cut create has left, makes the rest, and deletes it. Returns whether it was found.
    async fn ends_as_one(&mut self, wanted: &Desired, ids: &[String]) -> Result<bool, String> {
        let found = self.find(wanted).await.result;
        let kept = found.as_ref().map(drop).map_err(|_| format!("find gives {}", brief(&found)));
        self.judge(Check::CutShort, kept);
        let found = found.ok().flatten();
        let created = self.create(wanted).await.result;
        let created = created.map_err(|error| format!("what was cut short cannot be made: {error}"));
        self.judge(Check::CutShort, created.as_ref().map(drop).map_err(Clone::clone));
        let created: Created = created?;
        let is_one = found.as_ref().is_none_or(|found| found.id == created.id)
            && ids.iter().all(|id| found.is_none() || *id == created.id);
        let twice = || "what was found, reported and made has more than one id".to_owned();
        self.judge(Check::CutShort, ensure(is_one, twice));
        let record = self.recorded(wanted, &created);
        self.deletes(Check::Delete, &record).await?;
        self.is_nowhere(Check::CutShort, wanted).await;
        Ok(found.is_some())
    }

    /// A call that is cut ends soon, and says that it may have had its effect.
    async fn is_cut(
        &mut self,
        cut: Cut,
        call: &str,
        object: &Desired,
        after: Duration,
        run: impl AsyncFn(&Op) -> Result<(), ExecError>,
    ) {
        let first = Instant::now();
        // Half of what is left of it is no reaction, but its own end.
        let limit = after + REACTION.min(after / 2);
        let ended = loop {
            let host = Arc::new(Host::default());
            let mut op = self.op(object, host);
            let begin = Instant::now();
            if cut == Cut::Deadline {
                op.deadline = begin + after;
            }
            let stop = async {
                if cut == Cut::Stop {
                    sleep(after).await;
                    op.cancel.cancel();
                }
            };
            let whole = async { (timeout(limit, run(&op)).await, begin.elapsed()) };
            let ((ended, took), ()) = tokio::join!(whole, stop);
            if let Ok(Err(error)) = &ended {
                self.hear(call, format!("{error} {error:?}"));
            }
            // It failed on its own before it was cut.
            let on_its_own = matches!(&ended, Ok(Err(error)) if took < after && may_pass(error));
            if !on_its_own || first.elapsed() > PATIENCE {
                break ended;
            }
            sleep(PAUSE).await;
        };
        let kept = match ended {
            Ok(Err(error)) => {
                let is_open = error.kind == ErrorKind::Retryable;
                ensure(is_open, || format!("a {call} ends with an error of the kind \"{}\"", error.kind))
            }
            // It was faster this time, and came to its end.
            Ok(Ok(())) => Ok(()),
            Err(_) => Err(format!("a {call} goes on")),
        };
        self.judge(cut.check(), kept);
    }

    /// Calls that get no permit do nothing.
    pub(super) async fn life_without_permits(&mut self) -> Result<(), String> {
        let wanted = self.next_life()?;
        let create = async |op: &Op| self.executor.create(op, &wanted).await.map(drop);
        self.is_held("create", &wanted, create).await;
        let find = async |op: &Op| self.executor.find(op, &wanted).await.map(drop);
        self.is_held("find", &wanted, find).await;
        self.is_nowhere(Check::Permits, &wanted).await;

        let created = self.create(&wanted).await.result;
        let created = created.map_err(|error| format!("it cannot be made: {error}"))?;
        let record = self.recorded(&wanted, &created);
        if let Some(changed) = &self.specimen.changed {
            let changed = self.desired(&self.specimen.node, changed, 0)?;
            let changed = Desired { uid: wanted.uid.clone(), ..changed };
            let update = async |op: &Op| self.executor.update(op, &record, &changed).await.map(drop);
            self.is_held("update", &changed, update).await;
        }
        let delete = async |op: &Op| self.executor.delete(op, &record).await.map(drop);
        self.is_held("delete", &wanted, delete).await;
        let one = std::slice::from_ref(&record);
        let read =
            async |op: &Op| self.executor.read(op, one).await.pop().map_or(Ok(()), |read| read.map(drop));
        self.is_held("read", &wanted, read).await;
        self.sees(Check::Permits, &record, &wanted, &created.outputs).await;
        self.deletes(Check::Delete, &record).await.map(drop)
    }

    async fn is_held(
        &mut self,
        call: &str,
        object: &Desired,
        run: impl AsyncFn(&Op) -> Result<(), ExecError>,
    ) {
        let op = self.op(object, Arc::new(Host::holding(Hold::AtPermit)));
        let ended = timeout(TEMPTATION, run(&op)).await;
        // A refusal before anything is sent needs no permit.
        let is_held = !matches!(ended, Ok(Ok(())));
        self.judge(Check::Permits, ensure(is_held, || format!("a {call} ends well without a permit")));
    }

    /// Makes the specimen for another life.
    async fn made(&mut self) -> Result<(Desired, Recorded), String> {
        let wanted = self.next_life()?;
        let created = self.create(&wanted).await.result;
        let created = created.map_err(|error| format!("it cannot be made: {error}"))?;
        let record = self.recorded(&wanted, &created);
        Ok((wanted, record))
    }
}
