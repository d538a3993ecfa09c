//! [`simulate`]: runs a whole platform in milliseconds.

use std::future::Future;
use std::io;
use std::thread;

/// Runs a future on virtual time: on a thread and current-thread runtime of its own, whose clock is paused and jumps
/// ahead whenever everything waits.
///
/// ```
/// use std::time::Duration;
///
/// let passed = skyplat_mock::simulate(|| async {
///     let start = tokio::time::Instant::now();
///     tokio::time::sleep(Duration::from_mins(30)).await;
///     start.elapsed()
/// })?;
/// assert!(passed >= Duration::from_mins(30));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// The future is made on that thread, so it need not be `Send`. A panic inside goes on outside.
///
/// # Errors
/// When no thread or runtime can be made.
pub fn simulate<F, Fut>(make: F) -> io::Result<Fut::Output>
where
    F: FnOnce() -> Fut + Send,
    Fut: Future,
    Fut::Output: Send,
{
    thread::scope(|scope| {
        let run = || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
            Ok(runtime.block_on(make()))
        };
        let thread = thread::Builder::new().name("skyplat-simulate".into()).spawn_scoped(scope, run)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::simulate;

    #[test]
    fn half_an_hour_takes_milliseconds() {
        let real = Instant::now();
        let passed = simulate(|| async {
            let start = tokio::time::Instant::now();
            tokio::time::sleep(Duration::from_mins(30)).await;
            start.elapsed()
        });
        assert!(passed.unwrap() >= Duration::from_mins(30));
        assert!(real.elapsed() < Duration::from_secs(5), "{:?}", real.elapsed());
    }

    #[test]
    #[should_panic(expected = "inside")]
    fn a_panic_goes_on_outside() {
        simulate(|| async { panic!("inside") }).unwrap();
    }
}
