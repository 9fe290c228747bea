//! Many problems at once, each solved in one thread.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::solve::{Control, Observer, Options, Progress, Watch};

/// `work(i)` for i from 0 to `count` - 1, on as many threads as `options` say; the results are in order, so that they do not
/// depend on the number of threads. `work` gets the options and the observer for its own solve; `observer` is told how many
/// of the `count` things called `what` are done.
pub(crate) fn each<T: Send, E: Send>(
    count: usize,
    what: &str,
    options: &Options,
    observer: &dyn Observer,
    work: impl Fn(usize, &Options, &dyn Observer) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let inner = Options { threads: 1, ..options.clone() };
    let (done, quiet, watch) = (AtomicUsize::new(0), Quiet(observer), Watch::start(None, observer));
    let one = |i| {
        let result = work(i, &inner, &quiet);
        let done = 1 + done.fetch_add(1, Ordering::Relaxed);
        watch.tell(&format!("{done} of {count} {what}"), None, None, 0);
        result
    };
    let next = AtomicUsize::new(0);
    let share = || {
        let numbers =
            std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&i| i < count));
        numbers.map(|i| (i, one(i))).collect::<Vec<_>>()
    };
    let threads = if options.threads > 0 { options.threads } else { rayon::current_num_threads() };
    // Plain threads: a worker of a pool that waits for an inner pool takes up further outer work on the same stack, without end.
    let mut results = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(share)).collect();
        let mut results = share();
        for other in others {
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    });
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Hears nothing of the single solves, but passes the wish to stop on to them.
struct Quiet<'o>(&'o dyn Observer);

impl Observer for Quiet<'_> {
    fn progress(&self, _progress: &Progress) -> Control {
        if self.0.wants_stop() { Control::Stop } else { Control::Continue }
    }

    fn wants_stop(&self) -> bool {
        self.0.wants_stop()
    }
}
