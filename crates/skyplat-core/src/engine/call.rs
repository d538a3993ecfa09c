//! One call of an executor, kept in bounds: it ends by its deadline, and its panic is its own failure.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use tokio::time::{Instant, timeout_at};

use crate::executor::{ErrorKind, ExecError};

/// Runs a call to its end, its panic, or the deadline. After a panic or at the deadline the effect is unknown.
pub(super) async fn bounded<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, ExecError>>,
) -> Result<T, ExecError> {
    let mut call = pin!(call);
    // The future is never polled again after a panic, so a broken invariant inside it is never seen.
    let caught = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(result)) => Poll::Ready(result),
        Err(panic) => Poll::Ready(Err(ExecError::new(
            ErrorKind::Fatal,
            format!("the executor panicked: {}", message_of(&*panic)),
        ))),
    });
    timeout_at(deadline, caught)
        .await
        .unwrap_or_else(|_| Err(ExecError::new(ErrorKind::Retryable, "the time for this step is used up")))
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_failure_for_good() {
        let deadline = Instant::now() + Duration::from_secs(1);
        let error = bounded::<()>(deadline, async { panic!("oh {}", "no") }).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Fatal);
        assert!(error.message.ends_with("oh no"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_by_its_deadline() {
        let start = Instant::now();
        let deadline = start + Duration::from_secs(9);
        let error = bounded::<()>(deadline, std::future::pending()).await.unwrap_err();
        assert_eq!((error.kind, start.elapsed()), (ErrorKind::Retryable, Duration::from_secs(9)));
    }
}
