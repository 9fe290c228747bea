//! Learning an assignment from a trial, by whichever method: the one entry that commands and experiments call.
//!
//! ```text
//! trial (utilities as they are) -> residualise -> tune -> choose -> learn on all units -> Learned: estimates of every arm at any x
//! ```
//!
//! | [`Method`] | what is learned |
//! |---|---|
//! | `Forest` | the regularised joint assignment forest (forest.txt, section 3.2) |
//! | `Clustered` | the same grown on groups of arms (section 3.4) |
//! | `JointTree` | a small tree by the evidence for it, with posterior means under joint empirical Bayes (section 6.3) |
//! | `JointForest` | the forest with such posterior means in the leaves of each tree |
//! | `Auto` | the one of these with the largest gain on units unseen ([`super::value`]) |
//!
//! Parameters are tuned for the forest, and the other methods take them over. Residuals come from cross-fitting over all units once: what baseline a unit
//! outside a fold has may depend on units inside, but all arms share it.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use rayon::prelude::*;

use super::clustering::{self, ClusteringError};
use super::value::{Calibrated, Split, Unseen};
use super::{
    Baseline, Clustered, Clustering, Estimator, Fitting, Forest, Grid, InvalidSettings, JointSettings,
    JointTree, NoBaseline, Residualize, Settings, Trial, Tuning, residualize, tune,
};
use crate::evaluate::Estimate;
use crate::solve::leaf_utility::LeafGreedy;
use crate::solve::{Options, SolveError};

/// How an assignment is learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    Forest,
    Clustered,
    JointTree,
    JointForest,
    #[default]
    Auto,
}

impl Method {
    /// As files and flags have it.
    pub fn title(self) -> &'static str {
        match self {
            Method::Forest => "forest",
            Method::Clustered => "clustered",
            Method::JointTree => "joint-tree",
            Method::JointForest => "joint-forest",
            Method::Auto => "auto",
        }
    }

    /// Those that [`Method::Auto`] chooses among; the first on ties. Joint empirical Bayes takes units of one mass and weight only.
    fn choices(trial: &Trial) -> &'static [Method] {
        let all = &[Method::Forest, Method::Clustered, Method::JointTree, Method::JointForest];
        if trial.mass.is_none() && trial.weight.is_none() { all } else { &all[..2] }
    }
}

/// What to learn and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    pub method: Method,
    /// How trees are grown.
    pub forest: Settings,
    /// How arms are clustered, where they are.
    pub clustering: Clustering,
    /// What is taken away from utilities first.
    pub residualize: Residualize,
    /// The parameters to choose among, in place of those of `forest`.
    pub tuning: Option<Grid>,
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            method: Method::default(),
            forest: Settings::default(),
            clustering: Clustering::default(),
            residualize: Residualize::default(),
            tuning: None,
            seed: 1,
        }
    }
}

/// What was learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// The method that the model is of.
    pub method: Method,
    /// The parameters that it was learned with.
    pub settings: Settings,
    pub model: Model,
    /// What was taken away from utilities, at any x.
    pub baseline: Baseline,
    /// How the parameters were chosen.
    pub tuning: Option<Tuning>,
    /// What the methods are worth that there was a choice among; empty where it was given.
    pub choice: Vec<Compared>,
}

/// A method and what it is worth on units unseen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    pub method: Method,
    /// How estimates hold on units unseen: 1 as they are, below where they are too far apart.
    pub slope: f64,
    /// The calibrated value, net of the baseline.
    pub value: Estimate,
    /// What the choice is by.
    pub gain: Estimate,
    /// The gain less that of the method chosen, paired.
    pub less_chosen: Estimate,
}

/// Estimates of the utility of every arm, net of the baseline.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    Forest(Forest),
    Clustered(Clustered),
    JointTree(JointTree),
    /// A forest with the values (L x K) of each tree's leaves.
    JointForest(Forest, Vec<Array2<f64>>),
}

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
pub enum NotLearned {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error(transparent)]
    Baseline(#[from] NoBaseline),
    #[error(transparent)]
    Clustering(#[from] ClusteringError),
    #[error(transparent)]
    Solve(#[from] SolveError),
}

/// Folds that parameters and methods are compared on.
const FOLDS: usize = 5;
/// Trees of the forests by which methods are compared, at most.
const COMPARED_TREES: usize = 200;

impl Learned {
    /// Estimated utilities of every arm (n x K), the baseline included, for units with covariates x (n x p); a row's depend on no other row.
    pub fn predict(&self, x: ArrayView2<f64>) -> Array2<f64> {
        let mut estimates = self.effects(x);
        let baseline = self.baseline.predict(x);
        estimates.axis_iter_mut(Axis(0)).zip(baseline).for_each(|(mut row, base)| row += base);
        estimates
    }

    /// The same net of the baseline.
    pub fn effects(&self, x: ArrayView2<f64>) -> Array2<f64> {
        self.model.predict(x)
    }

    /// The plan with all that was chosen on the way given: it learns the same from the same trial.
    pub fn plan(&self, plan: &Plan) -> Plan {
        Plan { method: self.method, forest: self.settings.clone(), tuning: None, ..plan.clone() }
    }
}

impl Model {
    fn fit(method: Method, trial: &Trial, settings: &Settings, plan: &Plan) -> Result<Model, NotLearned> {
        Ok(match method {
            Method::Clustered => {
                Model::Clustered(clustering::grow(trial, settings, &plan.clustering, plan.seed)?)
            }
            Method::JointTree => Model::JointTree(joint_tree(trial)?),
            Method::JointForest => {
                let forest = Forest::grow(trial, settings, None, plan.seed);
                let (joint, noise) = (JointSettings::default().joint, joint_tree(trial)?.noise);
                let values = forest.trees.par_iter().map(|tree| tree.table.posterior_means(&joint, noise));
                let values = values.collect();
                Model::JointForest(forest, values)
            }
            Method::Forest | Method::Auto => Model::Forest(Forest::grow(trial, settings, None, plan.seed)),
        })
    }

    /// Every tree with the estimates of its leaves: of groups of arms where a unit gets any arm of a group.
    pub(super) fn estimator(&self) -> Estimator<'_> {
        match self {
            Model::Forest(forest) | Model::Clustered(Clustered { forest, .. }) => {
                forest.estimator(forest.settings.lambda2)
            }
            Model::JointTree(tree) => tree.estimator(),
            Model::JointForest(forest, values) => {
                Estimator::new(forest.trees.iter().map(|fitted| &fitted.tree).collect(), values.clone())
            }
        }
    }

    /// Estimated utilities of every arm (n x K).
    pub fn predict(&self, x: ArrayView2<f64>) -> Array2<f64> {
        match self {
            Model::Clustered(clustered) => clustered.predict(x),
            model => model.estimator().predict(x),
        }
    }
}

/// The tree of joint empirical Bayes; the variance of utilities in its leaves is what a forest takes for noise.
fn joint_tree(trial: &Trial) -> Result<JointTree, SolveError> {
    // Growth, which looks at all thresholds, answers in the time that it takes to read them.
    JointTree::learn(
        trial,
        &JointSettings::default(),
        &LeafGreedy,
        &Options { threads: 1, ..Options::default() },
    )
}

/// Learns an assignment from a trial. Runs on the current pool of threads, on whose number nothing depends.
///
/// # Errors
/// A parameter that makes no sense for the trial, or a baseline that cannot be estimated from it.
pub fn learn(trial: &Trial, plan: &Plan) -> Result<Learned, NotLearned> {
    plan.forest.check()?;
    if let Some(grid) = &plan.tuning {
        grid.check(&plan.forest)?;
    }
    let fitting = Fitting::usual(plan.seed);
    let residuals = residualize(trial, &plan.residualize, trial.baseline.as_deref(), fitting)?;
    let net = trial.with_utility(residuals.utility);
    let split = Split::new(&net, FOLDS, plan.seed);
    let tuning = plan.tuning.as_ref().map(|grid| tune(&net, &split, (&plan.forest, grid), None, plan.seed));
    let settings = tuning.as_ref().map_or(&plan.forest, |tuning| &tuning.chosen).clone();
    let choice = match plan.method {
        Method::Auto => compare(&net, &split, &settings, plan)?,
        _ => Vec::new(),
    };
    let method = choice.first().map_or(plan.method, |best| best.method);
    let model = Model::fit(method, &net, &settings, plan)?;
    Ok(Learned { method, settings, model, baseline: residuals.predictor, tuning, choice })
}

/// What each method is worth on units unseen, the best first.
fn compare(
    trial: &Trial,
    split: &Split,
    settings: &Settings,
    plan: &Plan,
) -> Result<Vec<Compared>, NotLearned> {
    let fewer = Settings { trees: settings.trees.min(COMPARED_TREES), ..settings.clone() };
    let value = |method: Method| -> Result<(Method, Calibrated), NotLearned> {
        let mut unseen = Unseen::of(trial.units());
        for part in split.parts() {
            let model = Model::fit(method, &part.outside, &fewer, plan)?;
            unseen.note(trial, &part.inside, &model.predict(part.x.view()));
        }
        Ok((method, unseen.value(trial)))
    };
    let mut values =
        Method::choices(trial).iter().map(|&method| value(method)).collect::<Result<Vec<_>, _>>()?;
    values.sort_by(|(_, a), (_, b)| b.gain.total.total_cmp(&a.gain.total));
    let compared = |(method, value): &(Method, Calibrated)| Compared {
        method: *method,
        slope: value.slope,
        value: value.value.estimate(trial),
        gain: value.gain.estimate(trial),
        less_chosen: value.gain.less(&values[0].1.gain, trial),
    };
    Ok(values.iter().map(compared).collect())
}
