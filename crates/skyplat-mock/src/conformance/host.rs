//! [`Host`]: the engine's side of a call, which notes what it is asked and may hold a call where it asks.

use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use skyplat_core::executor::{ExecError, OpHost};
use skyplat_core::object::Placement;

/// Where a call is held for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Hold {
    /// Nowhere.
    #[default]
    Nowhere,
    /// Where it asks for a permit.
    AtPermit,
    /// Where it reports an id.
    AtId,
}

/// What a call asked and said.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) permits: usize,
    pub(super) ids: Vec<String>,
    pub(super) progress: Vec<String>,
}

/// Notes what a call asks and says.
#[derive(Debug, Default)]
pub(super) struct Host {
    hold: Hold,
    said: Mutex<Said>,
    held: Notify,
}

impl Host {
    pub(super) fn holding(hold: Hold) -> Self {
        Self { hold, ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn said(&self) -> Said {
        self.lock().clone()
    }

    /// Waits until the call is held.
    pub(super) async fn held(&self) {
        self.held.notified().await;
    }

    async fn hold_if(&self, at: Hold) {
        if self.hold == at {
            self.held.notify_one();
            pending::<()>().await;
        }
    }
}

#[async_trait]
impl OpHost for Host {
    async fn permit(&self, _service: &str, _placement: &Placement) {
        self.hold_if(Hold::AtPermit).await;
        self.lock().permits += 1;
    }

    async fn identified(&self, id: &str) -> Result<(), ExecError> {
        self.lock().ids.push(id.to_owned());
        self.hold_if(Hold::AtId).await;
        Ok(())
    }

    fn progress(&self, message: &str) {
        self.lock().progress.push(message.to_owned());
    }
}
