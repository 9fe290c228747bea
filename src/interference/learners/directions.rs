//! The mean of directions that maximise the value on draws of clusters.

use ndarray::ArrayView2;
use prescribe_models::linear_rule::{LinearProblem, LinearRule};
use rand::Rng;
use rayon::prelude::*;
use serde_json::Map;

use super::{Learners, Part, best, problem};
use crate::random::stream;
use crate::solve::{Answer, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch};

/// Bagging of the gains (N) of a part as a solver of the linear-rule problem: it promises nothing about the value.
pub struct Bagging<'b> {
    pub learners: &'b Learners<'b>,
    pub part: &'b Part,
    pub gains: &'b [f64],
}

impl Solver<LinearProblem> for Bagging<'_> {
    fn name(&self) -> &'static str {
        "bagged"
    }

    fn version(&self) -> String {
        format!(
            "prescribe {}, {} draws by {}",
            env!("CARGO_PKG_VERSION"),
            self.learners.draws,
            self.learners.member.name()
        )
    }

    fn accepts(&self, _problem: &LinearProblem) -> Result<Promise, Unsupported> {
        Ok(Promise::Heuristic)
    }

    /// The draws are not stopped on the way.
    fn search(
        &self,
        _problem: &LinearProblem,
        _start: Option<&LinearRule>,
        _options: &Options,
        _watch: &Watch,
    ) -> Result<Answer<LinearRule>, SolveError> {
        Ok(Answer {
            point: Some(bagged(self.learners, self.part, self.gains)?),
            claimed: None,
            bound: None,
            termination: TerminationStatus::LocallySolved,
            raw_status: "draws done".into(),
            nodes: None,
            iterations: None,
            statistics: Map::new(),
        })
    }
}

/// The bagged rule of gains (N).
pub(super) fn bagged(learners: &Learners, part: &Part, gains: &[f64]) -> Result<LinearRule, SolveError> {
    let standard = Standard::of(part.x.view());
    let member = |draw: usize| {
        let counts = counts(part.clusters.count(), learners.seed, draw);
        let drawn: Vec<usize> = (0..counts.len()).filter(|&i| counts[i] > 0).collect();
        let units: Vec<usize> =
            drawn.iter().flat_map(|&i| part.clusters.members[i].iter().copied()).collect();
        let times =
            drawn.iter().flat_map(|&i| part.clusters.members[i].iter().map(move |_| i)).map(|i| counts[i]);
        let gains: Vec<f64> = units.iter().zip(times).map(|(&u, times)| gains[u] * times as f64).collect();
        let problem = problem(part.x.select(ndarray::Axis(0), &units), &gains, part.clusters.count())?;
        Ok(standard.direction(&best(&problem, learners.member, &learners.options())?))
    };
    let members: Vec<Vec<f64>> =
        (0..learners.draws).into_par_iter().map(member).collect::<Result<_, SolveError>>()?;
    let mut mean = vec![0.0; 1 + part.x.ncols()];
    for direction in &members {
        mean.iter_mut().zip(direction).for_each(|(mean, v)| *mean += v / members.len() as f64);
    }
    Ok(standard.rule(&mean))
}

/// How often each of n clusters is drawn.
fn counts(n: usize, seed: u64, draw: usize) -> Vec<usize> {
    let mut random = stream(seed, &format!("bagged draw {draw}"));
    let mut counts = vec![0; n];
    (0..n).for_each(|_| counts[random.random_range(0..n)] += 1);
    counts
}

/// Means and standard deviations of covariates: the scale on which directions are compared.
struct Standard {
    mean: Vec<f64>,
    /// 1 where a covariate is constant.
    deviation: Vec<f64>,
}

impl Standard {
    fn of(x: ArrayView2<f64>) -> Standard {
        let n = x.nrows() as f64;
        // About the first value, a constant has a deviation of exactly 0.
        let about = |column: ndarray::ArrayView1<f64>| {
            let shift = column.iter().map(|v| (v - column[0]) / n).sum::<f64>();
            let square = column.iter().map(|v| (v - column[0] - shift).powi(2) / n).sum::<f64>();
            (column[0] + shift, if square > 0.0 { square.sqrt() } else { 1.0 })
        };
        let (mean, deviation) = x.columns().into_iter().map(about).unzip();
        Standard { mean, deviation }
    }

    /// (b0, b) over standardised covariates, of length 1.
    fn direction(&self, rule: &LinearRule) -> Vec<f64> {
        let centred: f64 = rule.coefficients.iter().zip(&self.mean).map(|(b, mean)| b * mean).sum();
        let slopes = rule.coefficients.iter().zip(&self.deviation).map(|(b, deviation)| b * deviation);
        let v: Vec<f64> = std::iter::once(rule.intercept + centred).chain(slopes).collect();
        // Relative to the largest, squares neither overflow nor vanish.
        let largest = v.iter().fold(0.0_f64, |most, v| most.max(v.abs())).max(f64::MIN_POSITIVE);
        let length = v.iter().map(|v| (v / largest).powi(2)).sum::<f64>().sqrt() * largest;
        v.iter().map(|v| v / length.max(f64::MIN_POSITIVE)).collect()
    }

    /// Back to the covariates' own units.
    fn rule(&self, v: &[f64]) -> LinearRule {
        let coefficients: Vec<f64> =
            v[1..].iter().zip(&self.deviation).map(|(b, deviation)| b / deviation).collect();
        let centred: f64 = coefficients.iter().zip(&self.mean).map(|(b, mean)| b * mean).sum();
        LinearRule { intercept: v[0] - centred, coefficients }
    }
}
