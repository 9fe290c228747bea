//! Linear rules from the gains of units, by several learners, and the choice among them.
//!
//! ```text
//! value           max over (b0, b)   (1/n) sum_u gain_u 1{b0 + x_u'b >= 0}                                          (20), (48)
//! least squares   min over (b0, b)   sum_u (1/M_i) (M_i gain_u - b0 - x_u'b)^2
//! bagged          mean over draws d of clusters with replacement of v_d / |v_d|, v_d = (b0, b) of the largest value on the draw
//! ```
//!
//! with b over standardised covariates in the mean of directions. Maximising the estimated value follows the noise of the gains; least squares (a convex
//! surrogate) and averaging (Breiman 1996, "Bagging predictors") do so less. Least squares is consistent where the effect is linear in x; where it is not, its
//! rule may be far from the best linear rule, which value maximisation finds in the end. [`choose`] decides by values on clusters that the learner has not seen.

mod choice;
mod directions;

pub use choice::{Choice, Judged, choose};
pub use directions::Bagging;

use std::fmt;
use std::str::FromStr;

use ndarray::{Array2, ArrayView2, Axis};
use prescribe_models::gain_regression::GainRegression;
use prescribe_models::linear_rule::{LinearProblem, LinearRule};
use serde::{Deserialize, Serialize};

use super::{Clusters, Effects, Interference, folds, gains};
use crate::solve::{self, NormalEquations, Options, Silent, Smooth, SolveError, Solver, Stage};

/// How a rule is learned from gains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learner {
    /// The largest estimated value.
    #[default]
    Value,
    /// The sign of a least-squares fit.
    LeastSquares,
    /// The mean of value-maximising directions over draws of clusters.
    Bagged,
    /// The choice among the others by cross-fitted value.
    Auto,
}

impl Learner {
    /// The learners that [`Learner::Auto`] chooses among: the default, then its challengers.
    pub const CHOICES: [Learner; 3] = [Learner::LeastSquares, Learner::Bagged, Learner::Value];

    /// Whether this is what is done where nobody says otherwise.
    pub(crate) fn is_value(&self) -> bool {
        *self == Learner::Value
    }
}

impl FromStr for Learner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "value" => Ok(Self::Value),
            "least-squares" => Ok(Self::LeastSquares),
            "bagged" => Ok(Self::Bagged),
            "auto" => Ok(Self::Auto),
            _ => Err("give value, least-squares, bagged or auto".into()),
        }
    }
}

impl fmt::Display for Learner {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Value => "value",
            Self::LeastSquares => "least-squares",
            Self::Bagged => "bagged",
            Self::Auto => "auto",
        })
    }
}

/// Clusters to learn from, all of a study's or some of them.
#[derive(Clone, Debug)]
pub struct Part {
    pub clusters: Clusters,
    /// Covariates of the rule (N x p).
    pub x: Array2<f64>,
    /// What treating a unit costs (N), in the direction of the outcome.
    pub costs: Vec<f64>,
    /// Which clusters of the whole these are (n).
    pub kept: Vec<usize>,
    /// Which units of the whole these are (N).
    pub units: Vec<usize>,
}

impl Part {
    /// All of a study: covariates x (N x p), costs (N).
    pub fn whole(clusters: Clusters, x: Array2<f64>, costs: Vec<f64>) -> Part {
        let (kept, units) = ((0..clusters.count()).collect(), (0..clusters.units()).collect());
        Part { clusters, x, costs, kept, units }
    }

    /// The clusters at these positions.
    fn among(&self, positions: &[usize]) -> Part {
        let (clusters, units) = self.clusters.among(positions);
        Part {
            clusters,
            x: self.x.select(Axis(0), &units),
            costs: units.iter().map(|&u| self.costs[u]).collect(),
            kept: positions.iter().map(|&i| self.kept[i]).collect(),
            units: units.iter().map(|&u| self.units[u]).collect(),
        }
    }
}

/// Outcome models of the clusters of a part, each learned outside the cluster's fold (n); none leaves the estimator without them.
pub type OutcomeModel<'m> = dyn Fn(&Part, &[usize]) -> Result<Option<Effects>, SolveError> + Sync + 'm;

/// What the learners are given beside the clusters.
pub struct Learners<'s> {
    /// `Additive` or `None`: values that are sums of gains.
    pub interference: Interference,
    pub outcome_model: &'s OutcomeModel<'s>,
    /// Of the value, and of every draw of bagging.
    pub maximiser: &'s dyn Solver<LinearProblem>,
    pub member: &'s dyn Solver<LinearProblem>,
    /// Draws of clusters.
    pub draws: usize,
    /// Folds of the choice.
    pub folds: usize,
    /// Folds of outcome models among the clusters that a rule is learned from: where clusters are few, each more of them shows in the gains.
    pub outcome_folds: usize,
    pub seed: u64,
}

impl<'s> Learners<'s> {
    /// Smoothed solvers, 25 draws, five folds for the choice and 20 for outcome models.
    pub fn new(interference: Interference, outcome_model: &'s OutcomeModel<'s>, seed: u64) -> Self {
        let maximiser = &Smooth { stage: Stage::MultiStart };
        let member = &Smooth { stage: Stage::Surrogate };
        Self { interference, outcome_model, maximiser, member, draws: 25, folds: 5, outcome_folds: 20, seed }
    }

    /// The gains net of costs (N), with outcome models cross-fitted within the part.
    pub fn gains(&self, part: &Part) -> Result<Vec<f64>, SolveError> {
        let clusters = &part.clusters;
        let effects = (self.outcome_model)(part, &folds(clusters, self.outcome_folds, self.seed))?;
        let mut gains = gains(clusters, self.interference, effects.as_ref()).ok_or_else(|| {
            let reason = format!(
                "the value under {} interference is no sum of gains; only additive and none are",
                self.interference
            );
            SolveError::Backend { solver: "learners".into(), reason }
        })?;
        for units in &clusters.members {
            units.iter().for_each(|&u| gains[u] -= part.costs[u] / units.len() as f64);
        }
        Ok(gains)
    }

    fn options(&self) -> Options {
        Options { threads: 1, random_seed: self.seed, ..Options::default() }
    }
}

/// A learned rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    pub rule: LinearRule,
    /// Who learned it: not `Auto`.
    pub learner: Learner,
    /// How it was chosen, by `Auto`.
    pub choice: Option<Choice>,
}

/// The rule that `learner` makes of a part of n >= 2 clusters (`Auto`: at least two clusters in every fold).
///
/// # Errors
/// Interference whose value is no sum of gains; numbers that are not finite.
pub fn learn_rule(learners: &Learners, part: &Part, learner: Learner) -> Result<Learned, SolveError> {
    let choice = match learner {
        Learner::Auto => Some(choose(learners, part)?),
        _ => None,
    };
    let learner = choice.as_ref().map_or(learner, |choice| choice.learner);
    let rule = from_gains(learners, part, &learners.gains(part)?, learner)?;
    Ok(Learned { rule, learner, choice })
}

/// The rule of a learner other than `Auto`.
fn from_gains(
    learners: &Learners,
    part: &Part,
    gains: &[f64],
    learner: Learner,
) -> Result<LinearRule, SolveError> {
    match learner {
        Learner::LeastSquares => {
            let model = regression(&part.clusters, part.x.view(), gains)?;
            best(&model, &NormalEquations, &learners.options())
        }
        Learner::Bagged => directions::bagged(learners, part, gains),
        Learner::Value | Learner::Auto => {
            let problem = problem(part.x.clone(), gains, part.clusters.count())?;
            best(&problem, learners.maximiser, &learners.options())
        }
    }
}

/// The regression of gains (N), net of costs, on covariates (N x p).
///
/// # Errors
/// Numbers that are not finite.
pub fn regression(
    clusters: &Clusters,
    x: ArrayView2<f64>,
    gains: &[f64],
) -> Result<GainRegression, SolveError> {
    let (mut target, mut weights) = (vec![0.0; gains.len()], vec![0.0; gains.len()]);
    for units in &clusters.members {
        let size = units.len() as f64;
        units.iter().for_each(|&u| (target[u], weights[u]) = (size * gains[u], 1.0 / size));
    }
    Ok(GainRegression::new(x.to_owned(), target, weights)?)
}

/// The linear-rule problem of gains, worth what rules add to the value of treating nobody.
fn problem(x: Array2<f64>, gains: &[f64], clusters: usize) -> Result<LinearProblem, SolveError> {
    let gains: Vec<f64> = gains.iter().map(|gain| gain / clusters as f64).collect();
    let names = (1..=x.ncols()).map(|j| format!("x{j}")).collect();
    Ok(LinearProblem::from_gains(names, x, &gains)?)
}

fn best<M: prescribe_models::Model<Point = LinearRule>>(
    model: &M,
    solver: &dyn Solver<M>,
    options: &Options,
) -> Result<LinearRule, SolveError> {
    let report = solve::solve(model, solver, None, options, &Silent)?;
    report.point.ok_or_else(|| SolveError::Backend {
        solver: solver.name().into(),
        reason: format!("no rule ({})", report.raw_status),
    })
}
