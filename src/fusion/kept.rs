//! A path that outlives the program: the lambdas that are done, beside the iterations of the one under way.

use std::time::Instant;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::solve::SolveError;
use crate::solve::admm::{Checkpoint, Kept, Saved};

/// What a path puts into its checkpoint.
#[derive(Serialize, Deserialize)]
struct Luggage {
    /// What tells one path from another.
    path: String,
    /// Coefficients at the lambdas that are done, in the order in which they are computed.
    done: Vec<Array2<f64>>,
    /// Where the next one starts.
    start: Option<Array2<f64>>,
}

/// Where a path goes on.
#[derive(Default)]
pub(super) struct Resumed {
    pub done: Vec<Array2<f64>>,
    pub start: Option<(Array2<f64>, Saved)>,
}

/// The path's side of a checkpoint, if there is one.
pub(super) struct PathKeeper<'c> {
    checkpoint: Option<&'c Checkpoint>,
    path: String,
    written: Instant,
}

impl<'c> PathKeeper<'c> {
    /// Reads what is there of the path.
    ///
    /// # Errors
    /// A file that cannot be read, or that belongs to another path.
    pub fn open(checkpoint: Option<&'c Checkpoint>, path: String) -> Result<(Self, Resumed), SolveError> {
        let mut resumed = Resumed::default();
        if let Some(checkpoint) = checkpoint.filter(|checkpoint| checkpoint.resume)
            && let Some(Kept { luggage, sweeps, .. }) = checkpoint.read()?
        {
            let luggage: Luggage = serde_json::from_value(luggage).map_err(|_| checkpoint.foreign())?;
            if luggage.path != path {
                return Err(checkpoint.foreign());
            }
            resumed = Resumed { done: luggage.done, start: luggage.start.zip(sweeps) };
        }
        Ok((Self { checkpoint, path, written: Instant::now() }, resumed))
    }

    /// The checkpoint of iterations that keep themselves; those of the `first` lambda that is not done go on from there.
    pub fn within(&self, done: impl FnOnce() -> Vec<Array2<f64>>, first: bool) -> Option<Checkpoint> {
        let checkpoint = self.checkpoint?;
        let luggage = json!(Luggage { path: self.path.clone(), done: done(), start: None });
        Some(Checkpoint { resume: first && checkpoint.resume, luggage, ..checkpoint.clone() })
    }

    /// Keeps where a lambda starts, now and then, and where it was left half done.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn between(
        &mut self,
        done: impl FnOnce() -> Vec<Array2<f64>>,
        start: Option<(Array2<f64>, Saved)>,
        stopped: bool,
    ) -> Result<(), SolveError> {
        let Some(checkpoint) = self.checkpoint else { return Ok(()) };
        if !stopped && self.written.elapsed().as_secs_f64() < checkpoint.seconds {
            return Ok(());
        }
        let (start, sweeps) = start.unzip();
        let luggage = json!(Luggage { path: self.path.clone(), done: done(), start });
        self.written = Instant::now();
        checkpoint.keep(&Kept { hash: self.path.clone(), luggage, sweeps, run: None })
    }
}
