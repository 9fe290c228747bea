//! Watching a solve from outside: progress, the time limit, interruption.
//!
//! Back ends ask [`Watch::stop`] wherever they can stop and tell [`Watch::tell`] what they have. The watch is the library's
//! own watchdog: it does not rely on the time limit of the solver beneath.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use super::TerminationStatus;

/// Where a solve stands, in the model's own objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub seconds: f64,
    /// What is being done, for example `facet age=+1 (3 of 6)`.
    pub phase: String,
    pub incumbent: Option<f64>,
    pub bound: Option<f64>,
    pub nodes: u64,
}

/// An observer's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Continue,
    Stop,
}

/// Seconds of work that an observer is told of beforehand.
const WORTH_TELLING: f64 = 10.0;

/// Sees progress and may stop the solve. Called often and from any thread: be quick.
pub trait Observer: Sync {
    fn progress(&self, progress: &Progress) -> Control;

    /// Told before the work begins where it may take long: about how many seconds on one core.
    fn forecast(&self, _seconds: f64) {}

    /// Asked where there is nothing new to tell.
    fn wants_stop(&self) -> bool {
        false
    }
}

/// The observer that looks away.
pub struct Silent;

impl Observer for Silent {
    fn progress(&self, _progress: &Progress) -> Control {
        Control::Continue
    }
}

/// Why a solve was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    TimeLimit,
    Interrupted,
}

/// The clock and the observer of one solve.
pub struct Watch<'o> {
    started: Instant,
    deadline: Option<Instant>,
    observer: &'o dyn Observer,
    stopped: AtomicU8,
}

impl<'o> Watch<'o> {
    /// Starts the clock; `time_limit` in seconds.
    pub fn start(time_limit: Option<f64>, observer: &'o dyn Observer) -> Self {
        let started = Instant::now();
        // A limit too long for the clock is no limit.
        let deadline =
            time_limit.and_then(|s| Duration::try_from_secs_f64(s).ok()).and_then(|d| started.checked_add(d));
        Self { started, deadline, observer, stopped: AtomicU8::new(0) }
    }

    /// Seconds since the start.
    pub fn elapsed(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Seconds that are left; none where there is no limit.
    pub fn remaining(&self) -> Option<f64> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).as_secs_f64())
    }

    /// Whether to stop, and why; once stopped it stays so.
    pub fn stop(&self) -> Option<Stop> {
        if self.stopped.load(Ordering::Relaxed) == 0 {
            if self.observer.wants_stop() {
                self.stopped.store(2, Ordering::Relaxed);
            } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.stopped.store(1, Ordering::Relaxed);
            }
        }
        match self.stopped.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Stop::TimeLimit),
            _ => Some(Stop::Interrupted),
        }
    }

    /// Whether [`Watch::stop`] has said so before; as cheap as reading a number.
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) != 0
    }

    /// What a search that ends without a proof says of itself.
    pub fn termination(&self) -> TerminationStatus {
        match self.stop() {
            Some(Stop::TimeLimit) => TerminationStatus::TimeLimit,
            Some(Stop::Interrupted) => TerminationStatus::Interrupted,
            None => TerminationStatus::LocallySolved,
        }
    }

    /// Tells the observer of work that may take long.
    pub fn forecast(&self, seconds: f64) {
        if seconds > WORTH_TELLING {
            self.observer.forecast(seconds);
        }
    }

    /// Tells the observer, who may stop the solve.
    pub fn tell(&self, phase: &str, incumbent: Option<f64>, bound: Option<f64>, nodes: u64) {
        let progress = Progress { seconds: self.elapsed(), phase: phase.into(), incumbent, bound, nodes };
        if self.observer.progress(&progress) == Control::Stop {
            self.stopped.store(2, Ordering::Relaxed);
        }
    }
}
