//! Joint empirical Bayes (forest.txt, section 6.3): one small tree whose cuts are chosen by the evidence for them and whose leaves hold posterior
//! means; and posterior means as the leaf values of a forest.
//!
//! ```text
//! tree      max over trees T of log p(y | T) - (ln n / 2)(parameters + cuts)        y_i ~ N(theta_kl, s2),  theta_k ~ N(mu, Sigma) over T's leaves
//! estimate  fhat_k(x) = E[theta_kl(x) | ybar_k]
//! ```
//!
//! The evidence reads the data of every arm where the utility of a tree reads those of the arms it assigns, so that it finds the cuts that part arms'
//! effects (and those that part the baseline) where the largest utility finds noise. No unit is held out: the prior does the shrinking.

use ndarray::{Array2, ArrayView2};
use prescribe_models::leaf_utility::{Joint, LeafProblem, LeafSums, LeafValue};
use prescribe_models::tree_rule;
use prescribe_models::{InvalidModel, Model};

use super::fit::Estimator;
use super::{Forest, LeafTable, Trial};
use crate::solve::growth::{Node, Tree};
use crate::solve::{Options, Silent, SolveError, Solver, solve};

/// How the tree is sought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointSettings {
    /// Most splits on the way to a leaf.
    pub depth: usize,
    /// Fewest units of a leaf.
    pub min_leaf: usize,
    pub candidates: tree_rule::Candidates,
    pub joint: Joint,
}

impl Default for JointSettings {
    /// The control, arm 0, keeps its own level.
    fn default() -> Self {
        let joint = Joint { apart: Some(0), ..Joint::default() };
        Self { depth: 4, min_leaf: 30, candidates: tree_rule::Candidates::All, joint }
    }
}

/// A tree with the posterior means of its leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct JointTree {
    pub tree: Tree,
    /// E[theta_kl | ybar_k] (L x K).
    pub means: Array2<f64>,
    /// Cov[theta_k | ybar_k] has the diagonal `variances[l, k]` (L x K).
    pub variances: Array2<f64>,
    /// s2.
    pub noise: f64,
    /// The penalised log likelihood of all utilities.
    pub evidence: f64,
}

impl JointSettings {
    /// The search for the tree as a model, for solvers.
    ///
    /// # Errors
    /// Units that have masses or weights, which the likelihood has no place for; what [`LeafProblem::new`] refuses.
    pub fn problem(&self, trial: &Trial) -> Result<LeafProblem, InvalidModel> {
        if trial.mass.is_some() || trial.weight.is_some() {
            return Err(InvalidModel("joint empirical Bayes takes units without masses or weights".into()));
        }
        let class = tree_rule::Tree::over(&trial.x, self.depth, self.candidates);
        let arm = trial.arm.iter().map(|&k| k as usize).collect();
        let value = LeafValue::Evidence(self.joint);
        LeafProblem::new(
            class,
            (self.min_leaf, value),
            trial.x.clone(),
            (arm, trial.arms),
            trial.utility.clone(),
        )
    }
}

impl JointTree {
    /// Learns the tree by `solver`: [`LeafSearch`](crate::solve::leaf_utility::LeafSearch) for the best of depth 1 or 2,
    /// [`LeafGreedy`](crate::solve::leaf_utility::LeafGreedy) for one grown until no cut is worth its cost.
    ///
    /// # Errors
    /// Those of [`JointSettings::problem`] and of the solver.
    pub fn learn(
        trial: &Trial,
        settings: &JointSettings,
        solver: &dyn Solver<LeafProblem>,
        options: &Options,
    ) -> Result<JointTree, SolveError> {
        let problem = settings.problem(trial)?;
        let point = solve(&problem, solver, None, options, &Silent)?.point;
        let found = point.ok_or_else(|| SolveError::Backend {
            solver: solver.name().into(),
            reason: "no tree was found in the time given".into(),
        })?;
        let sums = problem.sums(&found);
        let noise = sums.noise();
        let prior = settings.joint.fit(&sums, noise);
        let shape = (sums.leaves(), sums.arms());
        let means = prior.posterior_means(&sums);
        let variances: Vec<Vec<f64>> =
            (0..shape.1).map(|k| prior.posterior_covariance(&sums, k).diag().to_vec()).collect();
        Ok(JointTree {
            tree: numbered(&found),
            means: Array2::from_shape_fn(shape, |(l, k)| means[k * shape.0 + l]),
            variances: Array2::from_shape_fn(shape, |(l, k)| variances[k][l]),
            noise,
            evidence: problem.objective(&found),
        })
    }

    /// Estimated utilities (n x K) of every arm for units with covariates x (n x p).
    pub fn predict(&self, x: ArrayView2<f64>) -> Array2<f64> {
        Estimator::new(vec![&self.tree], vec![self.means.clone()]).predict(x)
    }
}

impl Forest {
    /// The forest's estimates with posterior means in the leaves in place of shrunken ones, each tree with a prior of its own; `noise` is the variance
    /// of an arm's utilities within a leaf.
    pub fn joint_estimator(&self, joint: &Joint, noise: f64) -> Estimator<'_> {
        use rayon::prelude::*;
        let values = self.trees.par_iter().map(|fitted| fitted.table.posterior_means(joint, noise)).collect();
        Estimator::new(self.trees.iter().map(|fitted| &fitted.tree).collect(), values)
    }
}

impl LeafTable {
    /// E[theta_kl | ybar_k] (L x K) under a joint prior of the table's own.
    pub fn posterior_means(&self, joint: &Joint, noise: f64) -> Array2<f64> {
        let (leaves, arms) = self.sums.dim();
        let mut sums = LeafSums::zero(leaves, arms);
        sums.counts = self.masses.t().iter().copied().collect();
        sums.sums = self.sums.t().iter().copied().collect();
        let means = joint.fit(&sums, noise).posterior_means(&sums);
        Array2::from_shape_fn((leaves, arms), |(l, k)| means[k * leaves + l])
    }
}

/// The same tree with its nodes in a list and its leaves numbered from the left.
fn numbered(tree: &tree_rule::Node) -> Tree {
    fn place(tree: &tree_rule::Node, at: usize, nodes: &mut Vec<Node>, leaves: &mut u32) {
        match tree {
            tree_rule::Node::Leaf { .. } => {
                nodes[at] = Node::Leaf { leaf: *leaves };
                *leaves += 1;
            }
            tree_rule::Node::Split { covariate, threshold, left, right } => {
                let (first, second) = (nodes.len(), nodes.len() + 1);
                nodes.extend([Node::Leaf { leaf: 0 }; 2]);
                nodes[at] = Node::Split {
                    covariate: *covariate as u32,
                    threshold: *threshold,
                    left: first as u32,
                    right: second as u32,
                };
                place(left, first, nodes, leaves);
                place(right, second, nodes, leaves);
            }
        }
    }
    let mut nodes = vec![Node::Leaf { leaf: 0 }];
    place(tree, 0, &mut nodes, &mut 0);
    Tree { nodes }
}
