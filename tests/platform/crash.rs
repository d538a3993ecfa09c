//! Runs that end in the middle: the next one finishes them, and nothing is lost, left behind or made twice.

use async_trait::async_trait;
use skyplat::mock::inspect;
use skyplat::state::{Entry, State, StateError, StoreSession};
use tokio::sync::oneshot;

use crate::harness::{README, STARTER, Stand, edited, readme_with, simulate, without_us_east_1};

/// A session that writes so many entries and then tells that it is over, and never comes back.
#[derive(Debug)]
struct Mortal {
    inner: Box<dyn StoreSession>,
    left: usize,
    /// Whether what was not synced is lost: the machine loses power; else the process is killed.
    loses: bool,
    over: Option<oneshot::Sender<()>>,
}

#[async_trait]
impl StoreSession for Mortal {
    fn state(&self) -> &State {
        self.inner.state()
    }

    async fn write(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        let written = entries.len().min(self.left);
        self.left -= written;
        self.inner.write(&entries[..written]).await?;
        if written == entries.len() {
            return Ok(());
        }
        if !self.loses {
            self.inner.sync().await?;
        }
        // Whoever waits for this drops the run, and this call with it.
        drop(self.over.take());
        std::future::pending().await
    }

    async fn sync(&mut self) -> Result<(), StateError> {
        self.inner.sync().await
    }

    async fn compact(&mut self) -> Result<(), StateError> {
        self.inner.compact().await
    }
}

impl Stand {
    /// Applies, or destroys without a configuration, and is killed when so many entries were written; of an odd number
    /// what was not synced is lost. Returns whether it got to its end.
    pub(crate) async fn killed_after(&self, text: Option<&str>, entries: usize) -> bool {
        let prepared = self.try_plan(text).await.unwrap();
        let (tell, over) = oneshot::channel();
        let mut session =
            Mortal { inner: self.session().await, left: entries, loses: entries % 2 == 1, over: Some(tell) };
        tokio::select! {
            biased;
            report = self.try_apply(&prepared, &mut session) => report.map(|_| true).unwrap(),
            _ = over => false,
        }
    }
}

/// Every so manieth entry, beginning with none, and each time at another place of an object's life.
fn cuts(every: usize) -> impl Iterator<Item = usize> {
    (0..).map(move |at| at * every)
}

#[test]
fn an_apply_that_was_killed_is_finished_by_the_next() {
    simulate(|| async {
        let whole = Stand::standing(README).await;
        let mut killed = 0;
        for entries in cuts(137) {
            let stand = Stand::new().await;
            if stand.killed_after(Some(README), entries).await {
                break;
            }
            stand.up(README).await;
            let differences = inspect::diff(&whole.cloud.world(), &stand.cloud.world());
            assert!(differences.is_empty(), "after {entries} entries: {differences:#?}");
            killed += 1;
        }
        assert!(killed > 5, "{killed}");
    });
}

#[test]
fn a_destroy_that_was_killed_is_finished_by_the_next() {
    simulate(|| async {
        let whole = Stand::standing(README).await;
        let retained = whole.retained().await;
        let mut killed = 0;
        for entries in cuts(137) {
            let stand = whole.fork().await;
            if stand.killed_after(None, entries).await {
                break;
            }
            stand.down_to(&retained).await;
            killed += 1;
        }
        assert!(killed > 5, "{killed}");
    });
}

/// Kills an edit again and again, each time further on, and finishes it from there.
fn an_edit_that_was_killed_is_finished(from: &str, to: &str, every: usize) {
    simulate(|| async {
        let before = Stand::standing(from).await;
        let whole = before.fork().await;
        whole.up(to).await;
        let mut killed = 0;
        for entries in cuts(every) {
            let stand = before.fork().await;
            if stand.killed_after(Some(to), entries).await {
                break;
            }
            stand.up(to).await;
            let differences = inspect::diff(&whole.cloud.world(), &stand.cloud.world());
            assert!(differences.is_empty(), "after {entries} entries: {differences:#?}");
            killed += 1;
        }
        assert!(killed > 2, "{killed}");
    });
}

#[test]
fn a_spoke_that_goes() {
    an_edit_that_was_killed_is_finished(README, &without_us_east_1(), 83);
}

#[test]
fn tables_that_change() {
    an_edit_that_was_killed_is_finished(README, &readme_with("nat: per_az"), 71);
}

#[test]
fn replaces_of_both_orders() {
    let other = edited(README, "skypilot.example.com", "sky.example.com");
    an_edit_that_was_killed_is_finished(README, &other, 7);
}

#[test]
fn a_cluster_that_is_made_anew() {
    let other = format!("name: other\n{STARTER}");
    an_edit_that_was_killed_is_finished(STARTER, &other, 67);
}
