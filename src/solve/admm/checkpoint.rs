//! Iterations that outlive the program: where they stand, in a file.
//!
//! The file is written whole, now and then and where the watch says stop, and read at the start. It belongs to one problem, by its hash. What it
//! holds leads to the same numbers as if nobody had stopped; limits, goal and watch are those of the run that reads it.

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use argmin::core::checkpointing::{Checkpoint as Keeps, CheckpointingFrequency};
use argmin::core::{Error, State};
use ndarray::Array2;
use prescribe_models::Model;
use prescribe_models::arm_moments::Moments;
use prescribe_models::fused_lasso::FusedLasso;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sweeps::{Saved, Sweeps};
use super::{Goal, Iterate, LOOKS, Run};
use crate::solve::SolveError;

/// Where iterations are kept.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub file: PathBuf,
    /// Seconds between two writings.
    pub seconds: f64,
    /// Writes a file all or nothing.
    pub write: fn(&Path, &[u8]) -> io::Result<()>,
    /// Whether to go on from what the file holds; if not it is written over.
    pub resume: bool,
    /// What the caller wants to find there.
    pub luggage: Value,
}

/// What is in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Of the problem that `sweeps` are at.
    pub hash: String,
    pub luggage: Value,
    pub sweeps: Option<Saved>,
    /// Where a run was under way.
    pub run: Option<Progress>,
}

/// The rest of a run's state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    looks: u64,
    look: f64,
    best: Option<(f64, Array2<f64>)>,
    bound: Option<f64>,
}

impl Checkpoint {
    /// What the file holds; none where there is no file.
    ///
    /// # Errors
    /// A file that cannot be read or is something else.
    pub fn read(&self) -> Result<Option<Kept>, SolveError> {
        let text = match std::fs::read(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => {
                other.map_err(|error| self.failure(&format!("{error}; name a file that can be read")))?
            }
        };
        let wrong =
            |error| self.failure(&format!("it is no checkpoint ({error}); name another file, or delete it"));
        serde_json::from_slice(&text).map(Some).map_err(wrong)
    }

    /// # Errors
    /// A file that cannot be written.
    pub fn keep(&self, kept: &Kept) -> Result<(), SolveError> {
        let bytes = serde_json::to_vec(kept).map_err(|error| self.failure(&error.to_string()))?;
        let failed = |error: io::Error| self.failure(&format!("{error}; name a file that can be written"));
        (self.write)(&self.file, &bytes).map_err(failed)
    }

    /// The refusal of a file that belongs to other data or settings.
    pub fn foreign(&self) -> SolveError {
        self.failure("it belongs to another problem; name another file, or delete it")
    }

    fn failure(&self, reason: &str) -> SolveError {
        SolveError::Checkpoint { file: self.file.clone(), reason: reason.into() }
    }
}

/// argmin's side of a checkpoint.
pub(super) struct Keeper {
    checkpoint: Checkpoint,
    hash: String,
    moments: Vec<Moments>,
    limits: Vec<f64>,
    goal: Goal,
    written: Cell<Instant>,
}

impl Keeper {
    pub fn new(checkpoint: &Checkpoint, model: &FusedLasso, goal: Goal) -> Self {
        Self {
            checkpoint: checkpoint.clone(),
            hash: model.model_hash(),
            moments: model.moments().to_vec(),
            limits: model.limits().to_vec(),
            goal,
            written: Cell::new(Instant::now()),
        }
    }
}

impl Keeps<Run, Iterate> for Keeper {
    fn save(&self, run: &Run, state: &Iterate) -> Result<(), Error> {
        let progress = Progress {
            looks: state.get_iter(),
            look: run.look,
            best: run.best.clone(),
            bound: Some(run.bound).filter(|bound| bound.is_finite()),
        };
        self.checkpoint.keep(&Kept {
            hash: self.hash.clone(),
            luggage: self.checkpoint.luggage.clone(),
            sweeps: Some(run.sweeps.saved()),
            run: Some(progress),
        })?;
        self.written.set(Instant::now());
        Ok(())
    }

    fn save_cond(&self, run: &Run, state: &Iterate, _iter: u64) -> Result<(), Error> {
        let due = self.written.get().elapsed().as_secs_f64() >= self.checkpoint.seconds;
        if (due || run.stopped) && !run.done { self.save(run, state) } else { Ok(()) }
    }

    fn load(&self) -> Result<Option<(Run, Iterate)>, Error> {
        let kept = if self.checkpoint.resume { self.checkpoint.read()? } else { None };
        let Some(kept) = kept else { return Ok(None) };
        let foreign = || Error::from(self.checkpoint.foreign());
        let progress = kept.run.filter(|_| kept.hash == self.hash).ok_or_else(foreign)?;
        let restored = kept.sweeps.and_then(|saved| Sweeps::restored(&self.moments, &self.limits, saved));
        let sweeps = restored.ok_or_else(foreign)?;
        let run = Run {
            sweeps,
            goal: self.goal,
            look: progress.look,
            best: progress.best,
            bound: progress.bound.unwrap_or(f64::NEG_INFINITY),
            done: false,
            stopped: false,
        };
        // The limit of this program, not of the one that wrote.
        let mut state = Iterate::new().max_iters(LOOKS);
        state.iter = progress.looks;
        Ok(Some((run, state)))
    }

    fn frequency(&self) -> CheckpointingFrequency {
        CheckpointingFrequency::Always
    }
}
