//! How rules are learned from one draw of clusters.
//!
//! ```text
//! rule      max over (b0, b) of the value that the estimator gives 1{b0 + x'b >= 0}, smoothed: L-BFGS from five starts, line searches from
//!           their ends; or another learner on the gains of addDR
//! oracle    the same with the true mean outcomes of the n clusters in place of estimates
//! ```
//!
//! In scenario B the oracle's value has the convex term S (S - 1) / (M (M - 1)) for each cluster; it is bounded below by its tangent at the
//! S of the last rule, and what is then a sum of gains is maximised, again and again until the value stays (Hunter and Lange 2004,
//! "A tutorial on MM algorithms").

use std::str::FromStr;

use prescribe_models::InvalidModel;
use prescribe_models::Model;
use prescribe_models::linear_rule::{LinearProblem, LinearRule};
use serde::{Deserialize, Serialize};

use super::ReproduceError;
use crate::interference::{
    Interference, Learner, Learners, Part, RuleProblem, Valued, cluster_regression, folds, learn_rule,
};
use crate::simulate::{ClusterDesign, InterferingClusters, Scenario, interfering_clusters};
use crate::solve::{self, Directions, FewStarts, Options, Silent, SolveError, Solver, TerminationStatus};

/// Folds of cross-fitting.
const FOLDS: usize = 5;
/// Runs of the smoothed solver.
const STARTS: u64 = 5;
/// Tangents of the oracle in scenario B, at most.
const TANGENTS: usize = 20;

/// How a rule is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Learned {
    /// True mean outcomes.
    #[serde(rename = "oracle")]
    Oracle,
    #[serde(rename = "addDR")]
    AddDr,
    #[serde(rename = "addIPW")]
    AddIpw,
    /// Unknown interference.
    #[serde(rename = "IPW")]
    Ipw,
    #[serde(rename = "anonymous")]
    Anonymous,
    #[serde(rename = "none")]
    None,
    /// Learners on the gains of addDR that do not maximise the value.
    #[serde(rename = "least-squares")]
    LeastSquares,
    #[serde(rename = "bagged")]
    Bagged,
    #[serde(rename = "auto")]
    Auto,
}

impl Learned {
    /// Those of the figure.
    pub const FIGURE: [Learned; 6] =
        [Self::Oracle, Self::AddDr, Self::AddIpw, Self::Ipw, Self::Anonymous, Self::None];

    pub const ALL: [Learned; 9] = [
        Self::Oracle,
        Self::AddDr,
        Self::AddIpw,
        Self::Ipw,
        Self::Anonymous,
        Self::None,
        Self::LeastSquares,
        Self::Bagged,
        Self::Auto,
    ];

    /// Whose difference in value is reported, draw by draw.
    pub(super) const PAIRS: [(Learned, Learned); 7] = [
        (Self::AddDr, Self::AddIpw),
        (Self::AddIpw, Self::Ipw),
        (Self::Ipw, Self::Anonymous),
        (Self::Ipw, Self::None),
        (Self::LeastSquares, Self::AddDr),
        (Self::Bagged, Self::AddDr),
        (Self::Auto, Self::AddDr),
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Oracle => "oracle",
            Self::AddDr => "addDR",
            Self::AddIpw => "addIPW",
            Self::Ipw => "IPW",
            Self::Anonymous => "anonymous",
            Self::None => "none",
            Self::LeastSquares => "least-squares",
            Self::Bagged => "bagged",
            Self::Auto => "auto",
        }
    }
}

impl FromStr for Learned {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|method| method.title() == text);
        found.ok_or_else(|| format!("give some of {}", Self::ALL.map(Self::title).join(", ")))
    }
}

/// The exact optimum of the same estimated value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exact {
    /// By how much it beats the smoothed rule, in estimated value.
    pub gap: f64,
    pub proved: bool,
    /// What its rule is worth.
    pub value: f64,
}

/// One rule in one draw.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// What it is worth.
    pub value: f64,
    /// What it took to learn; the only part that is not the same twice.
    pub cpu_seconds: f64,
    pub exact: Option<Exact>,
}

/// A draw to learn from.
pub(super) struct Study {
    drawn: InterferingClusters,
    scenario: Scenario,
    seed: u64,
}

impl Study {
    pub(super) fn draw(design: &ClusterDesign, seed: u64) -> Result<Study, InvalidModel> {
        Ok(Study { drawn: interfering_clusters(design, seed)?, scenario: design.scenario, seed })
    }

    pub(super) fn tried(
        &self,
        method: Learned,
        test: &InterferingClusters,
        exactly: bool,
    ) -> Result<Tried, ReproduceError> {
        let cpu = cpu_time::ThreadTime::now();
        let (rule, problem) = self.learn(method)?;
        let cpu_seconds = cpu.elapsed().as_secs_f64();
        let worth = |rule: &LinearRule| test.value(&test.assignment(|x| rule.treats(x)));
        let exact = match problem.filter(|_| exactly) {
            None => None,
            Some(problem) => {
                let report = solve::solve(&problem, &Directions, Some(&rule), &alone(), &Silent)?;
                let best = report.point.as_ref().unwrap_or(&rule);
                let smoothed = problem.objective(&rule);
                Some(Exact {
                    gap: report.objective_value.unwrap_or(smoothed) - smoothed,
                    proved: report.termination_status == TerminationStatus::Optimal,
                    value: worth(best),
                })
            }
        };
        Ok(Tried { value: worth(&rule), cpu_seconds, exact })
    }

    /// The rule of a method, with its problem where that is a sum of gains.
    pub(super) fn learn(
        &self,
        method: Learned,
    ) -> Result<(LinearRule, Option<LinearProblem>), ReproduceError> {
        let (interference, effects) = match method {
            Learned::Oracle => return Ok((self.oracle()?, None)),
            Learned::LeastSquares => return Ok((self.otherwise(Learner::LeastSquares)?, None)),
            Learned::Bagged => return Ok((self.otherwise(Learner::Bagged)?, None)),
            Learned::Auto => return Ok((self.otherwise(Learner::Auto)?, None)),
            Learned::AddDr => {
                let fold = folds(&self.drawn.clusters, FOLDS, self.seed);
                let effects = cluster_regression(&self.drawn.clusters, self.drawn.x.view(), &fold);
                (Interference::Additive, Some(effects))
            }
            Learned::AddIpw => (Interference::Additive, None),
            Learned::Ipw => (Interference::Unknown, None),
            Learned::Anonymous => (Interference::Anonymous, None),
            Learned::None => (Interference::None, None),
        };
        let (clusters, free) = (&self.drawn.clusters, vec![0.0; self.drawn.clusters.units()]);
        let valued = Valued { clusters, interference, effects: effects.as_ref(), sign: 1.0, costs: &free };
        match valued.problem(self.names(), self.drawn.x.clone())? {
            RuleProblem::Units(problem) => Ok((self.maximised(&problem, STARTS, None)?, Some(problem))),
            RuleProblem::Clusters(problem) => Ok((self.maximised(&problem, STARTS, None)?, None)),
        }
    }

    /// By another learner on the gains of addDR.
    fn otherwise(&self, learner: Learner) -> Result<LinearRule, ReproduceError> {
        let outcome_model =
            |part: &Part, fold: &[usize]| Ok(Some(cluster_regression(&part.clusters, part.x.view(), fold)));
        let learners = Learners {
            maximiser: &FewStarts { starts: STARTS },
            member: &FewStarts { starts: 1 },
            folds: FOLDS,
            ..Learners::new(Interference::Additive, &outcome_model, self.seed)
        };
        let free = vec![0.0; self.drawn.clusters.units()];
        let part = Part::whole(self.drawn.clusters.clone(), self.drawn.x.clone(), free);
        Ok(learn_rule(&learners, &part, learner)?.rule)
    }

    /// The rule of the largest true value on the clusters of the draw.
    fn oracle(&self) -> Result<LinearRule, ReproduceError> {
        let clusters = &self.drawn.clusters;
        let mut assignment = vec![false; clusters.units()];
        let mut best: Option<(LinearRule, f64)> = None;
        for tangent in 0..TANGENTS {
            let mut gains = self.drawn.additive().effect.clone();
            if self.scenario == Scenario::B {
                for units in &clusters.members {
                    let (size, count) = (units.len() as f64, treated(units, &assignment) as f64);
                    units.iter().for_each(|&u| gains[u] += (2.0 * count - 1.0) / (size * (size - 1.0)));
                }
            }
            let starts = if tangent == 0 { STARTS } else { 1 };
            let last = best.as_ref().map(|(rule, _)| rule);
            let rule = self.maximised(&self.problem(&gains)?, starts, last)?;
            assignment = self.drawn.assignment(|x| rule.treats(x));
            let value = self.drawn.value(&assignment);
            let done = best.as_ref().is_some_and(|(_, before)| value <= *before);
            if !done {
                best = Some((rule, value));
            }
            if done || self.scenario == Scenario::A {
                break;
            }
        }
        Ok(best.expect("there was a tangent").0)
    }

    /// The problem of gains (N), on the scale of values.
    fn problem(&self, gains: &[f64]) -> Result<LinearProblem, InvalidModel> {
        let n = self.drawn.clusters.count() as f64;
        let gains: Vec<f64> = gains.iter().map(|gain| gain / n).collect();
        LinearProblem::from_gains(self.names(), self.drawn.x.clone(), &gains)
    }

    fn names(&self) -> Vec<String> {
        (1..=self.drawn.x.ncols()).map(|j| format!("X{j}")).collect()
    }

    fn maximised<M: Model<Point = LinearRule>>(
        &self,
        problem: &M,
        starts: u64,
        start: Option<&LinearRule>,
    ) -> Result<LinearRule, ReproduceError>
    where
        FewStarts: Solver<M>,
    {
        let options = Options { random_seed: self.seed, ..alone() };
        let solver = FewStarts { starts };
        let report = solve::solve(problem, &solver, start, &options, &Silent)?;
        report.point.ok_or_else(|| {
            let (solver, reason) = (Solver::<M>::name(&solver).into(), "no rule was found".into());
            SolveError::Backend { solver, reason }.into()
        })
    }
}

fn treated(units: &[usize], assignment: &[bool]) -> usize {
    units.iter().filter(|u| assignment[**u]).count()
}

fn alone() -> Options {
    Options { threads: 1, ..Options::default() }
}
