//! The smooth approximation for simulations, which solve thousands of problems: few starts at the first bandwidth, line searches from their
//! ends, and no kicks.

use serde_json::json;

use super::{BANDWIDTHS, Best, SmoothModel, Smoothed, Smoothing, descend, random_direction};
use crate::random::stream;
use crate::solve::line_search::climb;
use crate::solve::{Answer, Options, Promise, SolveError, Solver, Unsupported, Watch};

/// The best of so many runs: the first from b = 0, the others from random directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FewStarts {
    pub starts: u64,
}

impl<M: SmoothModel> Solver<M> for FewStarts {
    fn name(&self) -> &'static str {
        "few_starts"
    }

    fn version(&self) -> String {
        format!("prescribe {}, L-BFGS of argmin", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &M) -> Result<Promise, Unsupported> {
        problem.check().map(|()| Promise::Local)
    }

    fn search(
        &self,
        problem: &M,
        start: Option<&M::Point>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<M::Point>, SolveError> {
        let units = problem.merged();
        let smoothing = Smoothing { bandwidth: BANDWIDTHS[0], plain: true };
        let mut best = Best::of(problem, start);
        for k in 0..self.starts {
            let from = match k {
                0 => vec![0.0; units.dimension()],
                _ => random_direction(stream(options.random_seed, &format!("start {k}")), units.dimension()),
            };
            let end = descend(&units, from, smoothing, watch);
            best.offer(&units, std::slice::from_ref(&end));
            if watch.stop().is_none() {
                best.offer(&units, &[climb(&units, end, &[]).0]);
            }
        }
        let mut answer = best.answer(watch);
        answer.statistics.insert("starts".into(), json!(self.starts));
        Ok(answer)
    }
}
