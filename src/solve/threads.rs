//! Work on a pool of threads of its own.

use super::SolveError;

/// Runs `work` on a pool of `threads` (0: all there are) for the solver called `solver`.
///
/// The pool is entered from a fresh thread: a caller that is itself a worker of some pool would, waiting for this one, begin its
/// next piece of work on the same stack.
pub fn on_threads<T: Send>(
    solver: &str,
    threads: usize,
    work: impl FnOnce() -> T + Send,
) -> Result<T, SolveError> {
    let failed = |reason: String| SolveError::Backend { solver: solver.into(), reason };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| failed(error.to_string()))?;
    std::thread::scope(|scope| scope.spawn(|| pool.install(work)).join())
        .map_err(|_| failed("a thread of the search panicked".into()))
}
