//! How arms are assigned after one draw of a trial with many arms (forest.txt, section 4.3), and what the assignment is worth.
//!
//! ```text
//! value       the mean effect, net of the baseline, of the arms assigned to test units
//! best arm    the share of the test units that are assigned their best arm
//! ```

use std::str::FromStr;

use ndarray::Array2;
use prescribe_models::RuleClass;
use prescribe_models::leaf_utility::{Form, LeafProblem, LeafValue};
use prescribe_models::tree_rule::{Candidates, Tree};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::ReproduceError;
use crate::forest::baselines::{CausalForest, CausalSettings, SeparateSettings, separate_forests};
use crate::forest::clustering::{self, Clustering};
use crate::forest::{
    Fitting, Forest, Grid, JointSettings, JointTree, Residualize, Settings, Split, Trial, assign,
    residualize, tune,
};
use crate::random::stream;
use crate::simulate::{ManyArmsDesign, ManyArmsPopulation, many_arms};
use crate::solve::leaf_utility::{LeafGreedy, LeafSearch};
use crate::solve::{Options, Silent, solve};

/// Folds of the cross-validation of settings.
const FOLDS: usize = 5;

/// Trees of the forest of an arm, and of a causal forest: fewer than usual, for the sake of time.
const SEPARATE_TREES: usize = 200;
const CAUSAL_TREES: usize = 500;

/// How arms are assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// A regression forest for each arm, on outcomes as they are.
    #[serde(rename = "separate-forests")]
    Separate,
    /// The multi-arm causal forest, which centres outcomes itself.
    #[serde(rename = "causal-forest")]
    Causal,
    /// The joint assignment forest.
    #[serde(rename = "joint-forest")]
    Forest,
    /// The same on clusters of arms.
    #[serde(rename = "clustered-forest")]
    Clustered,
    /// The tree by evidence, with posterior leaf means.
    #[serde(rename = "bayes-tree")]
    JointTree,
    /// The joint assignment forest with posterior leaf means.
    #[serde(rename = "bayes-forest")]
    JointForest,
    /// The exact tree of depth 1 by leaf means.
    #[serde(rename = "exact-stump")]
    Stump,
    /// The exact tree of depth 2 by leaf means, over fewer thresholds.
    #[serde(rename = "exact-depth-2")]
    DepthTwo,
    /// The arm of the best mean for all.
    #[serde(rename = "global-best")]
    GlobalBest,
    /// An arm at random, the control excepted.
    #[serde(rename = "random")]
    Random,
    /// The truly best arm.
    #[serde(rename = "oracle")]
    Oracle,
}

impl Method {
    /// In the paper's order, then those that the paper does not have, then the simple ones.
    pub const ALL: [Method; 11] = [
        Self::Separate,
        Self::Causal,
        Self::Forest,
        Self::Clustered,
        Self::JointTree,
        Self::JointForest,
        Self::Stump,
        Self::DepthTwo,
        Self::GlobalBest,
        Self::Random,
        Self::Oracle,
    ];

    /// Whose difference in value is reported, draw by draw.
    pub(super) const PAIRS: [(Method, Method); 8] = [
        (Self::Forest, Self::Separate),
        (Self::Forest, Self::Causal),
        (Self::Clustered, Self::Causal),
        (Self::Clustered, Self::Forest),
        (Self::JointTree, Self::Causal),
        (Self::JointTree, Self::Clustered),
        (Self::JointTree, Self::JointForest),
        (Self::JointTree, Self::Stump),
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Separate => "separate-forests",
            Self::Causal => "causal-forest",
            Self::Forest => "joint-forest",
            Self::Clustered => "clustered-forest",
            Self::JointTree => "bayes-tree",
            Self::JointForest => "bayes-forest",
            Self::Stump => "exact-stump",
            Self::DepthTwo => "exact-depth-2",
            Self::GlobalBest => "global-best",
            Self::Random => "random",
            Self::Oracle => "oracle",
        }
    }

    /// Whether settings are chosen for it.
    pub(super) fn is_tuned(self) -> bool {
        matches!(self, Self::Forest | Self::Clustered | Self::JointForest)
    }

    /// Whether outcomes lose their baseline first.
    fn takes_residuals(self) -> bool {
        !matches!(self, Self::Separate | Self::Causal | Self::GlobalBest | Self::Random | Self::Oracle)
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|method| method.title() == text);
        found.ok_or_else(|| format!("give some of {}", Self::ALL.map(Self::title).join(", ")))
    }
}

/// What was chosen for a design on a training draw of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    pub settings: Settings,
    pub cpu_seconds: f64,
}

/// One assignment in one draw.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    pub value: f64,
    pub best_arm_rate: f64,
    /// What it took to learn and assign, the baseline included where it is taken off; the only part that is not the same twice. Known where
    /// nothing else ran at the time.
    pub cpu_seconds: Option<f64>,
}

/// A draw to learn from.
pub(super) struct Study {
    trial: Trial,
    /// The same without the baseline.
    residual: Trial,
    /// What it took to take that off.
    cpu_seconds: f64,
    seed: u64,
}

impl Study {
    pub(super) fn draw(design: &ManyArmsDesign, units: usize, seed: u64) -> Result<Study, ReproduceError> {
        let drawn = many_arms(design, units, seed)?;
        let arm = drawn.arm.iter().map(|&k| k as u16).collect();
        let trial = Trial::new(drawn.x, arm, design.arms + 1, drawn.outcome);
        let cpu = cpu_time::ThreadTime::now();
        let residuals = residualize(&trial, &Residualize::Weighted, None, Fitting::usual(seed))?;
        let residual = trial.with_utility(residuals.utility);
        Ok(Study { trial, residual, cpu_seconds: cpu.elapsed().as_secs_f64(), seed })
    }

    /// Settings by cross-validation on this draw, for forests of so many trees.
    pub(super) fn tuned(&self, base: Settings) -> Tuned {
        let cpu = cpu_time::ThreadTime::now();
        let split = Split::new(&self.residual, FOLDS, self.seed);
        let tuning = tune(&self.residual, &split, (&base, &Grid::default()), None, self.seed);
        Tuned { settings: tuning.chosen, cpu_seconds: cpu.elapsed().as_secs_f64() }
    }

    pub(super) fn tried(
        &self,
        method: Method,
        tuned: &Tuned,
        test: &ManyArmsPopulation,
        alone: bool,
    ) -> Result<Tried, ReproduceError> {
        // Of all threads: solvers work on their own.
        let cpu = cpu_time::ProcessTime::now();
        let assigned = self.assigned(method, tuned, test)?;
        let baseline = if method.takes_residuals() { self.cpu_seconds } else { 0.0 };
        let cpu_seconds = alone.then(|| baseline + cpu.elapsed().as_secs_f64());
        Ok(Tried { value: test.value(&assigned), best_arm_rate: test.best_arm_rate(&assigned), cpu_seconds })
    }

    fn assigned(
        &self,
        method: Method,
        tuned: &Tuned,
        test: &ManyArmsPopulation,
    ) -> Result<Vec<usize>, ReproduceError> {
        let (x, settings, seed) = (test.x.view(), &tuned.settings, self.seed);
        Ok(match method {
            Method::Separate => {
                let usual = SeparateSettings { trees: SEPARATE_TREES, ..SeparateSettings::usual(x.ncols()) };
                assign(&separate_forests(&self.trial, &usual, x, seed))
            }
            Method::Causal => {
                let usual = CausalSettings { trees: CAUSAL_TREES, ..CausalSettings::usual(x.ncols()) };
                assign(&CausalForest::grow(&self.trial, &usual, seed).effects(x))
            }
            Method::Forest => assign(&Forest::grow(&self.residual, settings, None, seed).predict(x)),
            Method::Clustered => {
                let clustering = Clustering::default();
                assign(&clustering::grow(&self.residual, settings, &clustering, seed)?.predict(x))
            }
            Method::JointTree => assign(&self.joint_tree()?.predict(x)),
            Method::JointForest => {
                let noise = self.joint_tree()?.noise;
                let forest = Forest::grow(&self.residual, settings, None, seed);
                assign(&forest.joint_estimator(&JointSettings::default().joint, noise).predict(x))
            }
            Method::Stump => self.by_tree((1, Candidates::All), test)?,
            Method::DepthTwo => self.by_tree((2, Candidates::Quantiles(15)), test)?,
            Method::GlobalBest => vec![assign(&self.means())[0]; test.x.nrows()],
            Method::Random => {
                let mut random = stream(seed, "arms at random");
                (0..test.x.nrows()).map(|_| random.random_range(1..self.trial.arms)).collect()
            }
            Method::Oracle => test.oracle.clone(),
        })
    }

    fn joint_tree(&self) -> Result<JointTree, ReproduceError> {
        let alone = Options { threads: 1, ..Options::default() };
        Ok(JointTree::learn(&self.residual, &JointSettings::default(), &LeafGreedy, &alone)?)
    }

    /// By the tree of a depth over candidate thresholds with the largest leaf means.
    fn by_tree(
        &self,
        (depth, candidates): (usize, Candidates),
        test: &ManyArmsPopulation,
    ) -> Result<Vec<usize>, ReproduceError> {
        let Trial { x, arm, arms, utility, .. } = &self.residual;
        let value = LeafValue::Shrunken { lambda: 0.0, form: Form::N };
        let class = Tree::over(x, depth, candidates);
        let arm = arm.iter().map(|&k| usize::from(k)).collect();
        let problem = LeafProblem::new(class, (1, value), x.clone(), (arm, *arms), utility.clone())?;
        let alone = Options { threads: 1, ..Options::default() };
        let report = solve(&problem, &LeafSearch, None, &alone, &Silent)?;
        // A search without a limit ends with a tree.
        let Some(tree) = report.point else { return Ok(vec![0; test.x.nrows()]) };
        Ok(test.x.rows().into_iter().map(|row| problem.class.assign(&tree, &row.to_vec())).collect())
    }

    /// Mean utilities of the arms (1 x K); arms without units have none.
    fn means(&self) -> Array2<f64> {
        let mut sums = vec![(0.0, 0.0); self.trial.arms];
        for (&k, y) in self.trial.arm.iter().zip(&self.trial.utility) {
            let (sum, count) = &mut sums[k as usize];
            *sum += y;
            *count += 1.0;
        }
        let mean = |(sum, count): (f64, f64)| if count > 0.0 { sum / count } else { f64::NEG_INFINITY };
        Array2::from_shape_fn((1, self.trial.arms), |(_, k)| mean(sums[k]))
    }
}
