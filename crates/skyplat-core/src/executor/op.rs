//! [`Op`]: what an executor has at hand during one call.
//!
//! An executor reaches the engine only through here: it asks for permits, reports ids and progress, sleeps on the
//! engine's clock, and learns the current outputs of the cluster an object lives in. Time is tokio's, so that a paused
//! clock runs a whole platform in milliseconds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{ErrorKind, ExecError, OutputMap, decode};
use crate::object::{Object, Placement};
use crate::value::{Address, Key, Tree};

/// What the engine does for a call; tests and conformance suites bring their own.
#[async_trait]
pub trait OpHost: Send + Sync {
    /// Waits until one more call to `service` at `placement` is within the rate limit.
    async fn permit(&self, service: &str, placement: &Placement);

    /// Makes the API's id of the object durable.
    ///
    /// # Errors
    /// When it could not be written; the call must then end.
    async fn identified(&self, id: &str) -> Result<(), ExecError>;

    /// Tells people what is being waited for.
    fn progress(&self, message: &str);
}

/// The context of one call on one object.
#[derive(Clone)]
pub struct Op {
    /// Which attempt of the step this is, from 1.
    pub attempt: u32,
    /// When the step gives up.
    pub deadline: Instant,
    /// Cancelled when the run must stop now.
    pub cancel: CancellationToken,
    /// The same for every attempt at one change of one object: makes a create idempotent where the API can.
    pub client_token: String,
    /// The tags every object of this stack carries (`skyplat:stack`, `skyplat:object`, `skyplat:address`).
    pub tags: BTreeMap<String, String>,
    /// Where the object is.
    pub placement: Placement,
    /// The current outputs of the object that this one is inside of.
    pub container: Option<OutputMap>,
    /// The engine's side.
    pub host: Arc<dyn OpHost>,
}

impl Op {
    /// Waits until one more call to `service` is within the rate limit of this object's account and region.
    pub async fn permit(&self, service: &str) {
        self.host.permit(service, &self.placement).await;
    }

    /// Reports the API's id as soon as there is one; it is durable when this returns.
    ///
    /// # Errors
    /// When it could not be written; the call must then end with this error.
    pub async fn identified(&self, id: &str) -> Result<(), ExecError> {
        self.host.identified(id).await
    }

    /// Tells people what is being waited for.
    pub fn progress(&self, message: &str) {
        self.host.progress(message);
    }

    /// Sleeps on the engine's clock.
    ///
    /// # Errors
    /// [`ErrorKind::Retryable`] when the run is stopped or the deadline passes meanwhile.
    pub async fn sleep(&self, duration: Duration) -> Result<(), ExecError> {
        let wake = Instant::now() + duration;
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(ExecError::new(ErrorKind::Retryable, "stopped while waiting")),
            () = tokio::time::sleep_until(wake.min(self.deadline)) => {
                if wake > self.deadline {
                    return Err(ExecError::new(ErrorKind::Retryable, "the time for this step is used up"));
                }
                Ok(())
            }
        }
    }

    /// Returns the current outputs of the object that this one is inside of, such as its cluster.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the object is inside of nothing, or of something else.
    pub fn container<O: Object>(&self) -> Result<O::Outputs, ExecError> {
        let outputs = self.container.as_ref().ok_or_else(|| {
            ExecError::new(ErrorKind::Invalid, format!("it is not inside of any {}", O::KIND))
        })?;
        let tree =
            Tree::Map(outputs.iter().map(|(name, tree)| (Key::from(name.as_str()), tree.clone())).collect());
        decode(self.placement.container.as_ref().unwrap_or(&Address::new("container")), &tree)
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Op")
            .field("attempt", &self.attempt)
            .field("client_token", &self.client_token)
            .field("placement", &self.placement)
            .finish_non_exhaustive()
    }
}
