//! Trees of a trial's units whose leaves each choose one of many arms, valued by regularised means of the arms in the leaf.
//!
//! ```text
//! max over trees T of depth <= D with leaves of at least nu units   sum over leaves l of U_l(a_l)        a_l = argmax_k Yhat_kl, the first on ties
//!
//! Yhat_kl = shrunken means (lambda) or posterior means (joint)        U_l(k) = N_l Yhat_kl  (N)   or   N_kl / P_k Yhat_kl,  P_k = N_k / n  (P)
//! ```
//!
//! The value of a tree is the sum of utilities or, if asked, the evidence for it: log p(y | T) - (ln n / 2) (parameters + cuts), where y given its leaf and
//! arm is N(theta_kl, s2) and theta_k ~ N(mu, Sigma). A largest sum of utilities favours trees whose noise is largest; the evidence does not.
//!
//! Shrunken utilities add up over leaves. Posterior means depend on all leaves, by way of the prior, and so does the sampling variance s2, which is
//! that within the tree's leaves and arms. A shrunken mean of an arm without units in the leaf is never chosen; a posterior mean may be.
//! Source: forest.txt, section 3.1 (shrunken), section 6.3 (joint).

use ndarray::Array2;

use super::joint::{Joint, JointPrior};
use super::shrinkage::shrunken;
use super::sums::LeafSums;
use crate::exact::{Digested, sum};
use crate::model::{Model, Violation};
use crate::policy_problem::RuleClass;
use crate::programs::{InvalidModel, Sense};
use crate::tree_rule::{Node, Tree};

/// How the utility of a leaf is estimated from the mean of its arm (forest.txt, section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Units of the leaf times the mean.
    #[default]
    N,
    /// Units of the arm in the leaf, by the arm's share of all units, times the mean: the sum of its inverse-probability weighted outcomes.
    P,
}

/// What the leaves of a tree are worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LeafValue {
    /// Means of arms shrunken by `lambda` units to the leaf's weighted mean.
    Shrunken { lambda: f64, form: Form },
    /// Posterior means under joint empirical Bayes; the form is N.
    Joint(Joint),
    /// Arms by the same posterior means, trees by what speaks for them: the penalised likelihood of all utilities ([`JointPrior::evidence`]).
    Evidence(Joint),
}

/// The problem.
#[derive(Clone, Debug, PartialEq)]
pub struct LeafProblem {
    /// Trees of the depth and over the thresholds allowed.
    pub class: Tree,
    /// nu, fewest units of a leaf, at least 1.
    pub min_leaf: usize,
    pub value: LeafValue,
    x: Array2<f64>,
    arm: Vec<usize>,
    arms: usize,
    utility: Vec<f64>,
    /// N_k of all units.
    units_of_arm: Vec<f64>,
}

impl LeafProblem {
    /// Poses the problem over covariates `x` (n x p), the arm each unit received, of `arms`, and its utility. Refuses shapes that differ, arms that do
    /// not exist, numbers that are not finite, and fewer units than a leaf needs.
    pub fn new(
        class: Tree,
        (min_leaf, value): (usize, LeafValue),
        x: Array2<f64>,
        (arm, arms): (Vec<usize>, usize),
        utility: Vec<f64>,
    ) -> Result<Self, InvalidModel> {
        let refuse = |reason: String| Err(InvalidModel(reason));
        let n = x.nrows();
        if arm.len() != n || utility.len() != n {
            return refuse(format!(
                "{n} rows of covariates, {} arms received and {} utilities; give one of each a unit",
                arm.len(),
                utility.len()
            ));
        }
        if let Some(i) = arm.iter().position(|k| *k >= arms) {
            return refuse(format!("unit {i} received arm {}, of {arms} numbered from 0", arm[i]));
        }
        if let Some(((i, j), v)) = x.indexed_iter().find(|(_, v)| !v.is_finite()) {
            return refuse(format!("covariate in row {i}, column {j} is {v}; only finite numbers are taken"));
        }
        if let Some(i) = utility.iter().position(|v| !v.is_finite()) {
            return refuse(format!(
                "the utility of unit {i} is {}; only finite numbers are taken",
                utility[i]
            ));
        }
        if min_leaf == 0 || n < min_leaf {
            return refuse(format!("leaves of at least {min_leaf} units, of {n}; ask for 1 to {n}"));
        }
        if let LeafValue::Shrunken { lambda, .. } = value
            && !(lambda >= 0.0 && lambda.is_finite())
        {
            return refuse(format!("shrinkage lambda {lambda}; give a number of at least 0"));
        }
        class.check(x.ncols(), arms)?;
        let x = x.mapv(|v| v + 0.0).as_standard_layout().into_owned();
        let mut units_of_arm = vec![0.0; arms];
        arm.iter().for_each(|&k| units_of_arm[k] += 1.0);
        Ok(Self { class, min_leaf, value, x, arm, arms, utility, units_of_arm })
    }

    /// Covariates (n x p).
    pub fn x(&self) -> &Array2<f64> {
        &self.x
    }

    /// The arm of each unit (n).
    pub fn arm(&self) -> &[usize] {
        &self.arm
    }

    pub fn arms(&self) -> usize {
        self.arms
    }

    /// y (n).
    pub fn utility(&self) -> &[f64] {
        &self.utility
    }

    /// Covariates of one unit.
    pub fn unit(&self, i: usize) -> &[f64] {
        let p = self.x.ncols();
        &self.x.as_slice().unwrap_or_default()[i * p..(i + 1) * p]
    }

    /// What a tree's leaves hold, leaves counted from the left.
    pub fn sums(&self, tree: &Node) -> LeafSums {
        let leaf: Vec<usize> = (0..self.arm.len()).map(|i| self.class.cell(tree, self.unit(i))).collect();
        LeafSums::of(&leaf, &self.arm, &self.utility, tree.leaves(), self.arms)
    }

    /// Yhat_kl of every arm and leaf (arms x leaves, an arm's together); negative infinity where an arm may not be chosen.
    pub fn means(&self, sums: &LeafSums) -> Vec<f64> {
        match &self.value {
            LeafValue::Joint(joint) | LeafValue::Evidence(joint) => prior(joint, sums).posterior_means(sums),
            LeafValue::Shrunken { lambda, .. } => shrunken_means(sums, *lambda),
        }
    }

    /// U_l(k), from the means of all arms and leaves.
    fn worth(&self, sums: &LeafSums, means: &[f64], (leaf, k): (usize, usize)) -> f64 {
        let mean = means[k * sums.leaves() + leaf];
        match self.value {
            LeafValue::Shrunken { form: Form::P, .. } => {
                sums.counts_of(k)[leaf] * self.arm.len() as f64 / self.units_of_arm[k].max(1.0) * mean
            }
            _ => sums.mass(leaf) * mean,
        }
    }

    /// a_l of every leaf, from the means of all arms and leaves.
    fn best_arms(&self, leaves: usize, means: &[f64]) -> Vec<usize> {
        let first = |l: usize| {
            let better = |best: usize, k: usize| match means[k * leaves + l] > means[best * leaves + l] {
                true => k,
                false => best,
            };
            (0..self.arms).fold(0, better)
        };
        (0..leaves).map(first).collect()
    }

    /// The value of a tree with these sums whose leaves have their best arms.
    pub fn value(&self, sums: &LeafSums) -> f64 {
        if let LeafValue::Evidence(joint) = &self.value {
            return prior(joint, sums).evidence(sums);
        }
        let means = self.means(sums);
        let arms = self.best_arms(sums.leaves(), &means);
        sum(arms.into_iter().enumerate().map(|leaf_arm| self.worth(sums, &means, leaf_arm)))
    }

    /// The tree with every leaf given its best arm.
    pub fn assigned(&self, tree: &Node) -> Node {
        let sums = self.sums(tree);
        let arms = self.best_arms(sums.leaves(), &self.means(&sums));
        with_arms(tree, &mut arms.into_iter())
    }
}

fn prior(joint: &Joint, sums: &LeafSums) -> JointPrior {
    joint.fit(sums, sums.noise())
}

fn shrunken_means(sums: &LeafSums, lambda: f64) -> Vec<f64> {
    let (leaves, arms) = (sums.leaves(), sums.arms());
    let mut means = vec![f64::NEG_INFINITY; leaves * arms];
    let mut out = vec![0.0; arms];
    for l in 0..leaves {
        let counts: Vec<f64> = (0..arms).map(|k| sums.counts_of(k)[l]).collect();
        let totals: Vec<f64> = (0..arms).map(|k| sums.sums_of(k)[l]).collect();
        shrunken(&totals, &counts, lambda, &mut out);
        (0..arms).filter(|&k| counts[k] > 0.0).for_each(|k| means[k * leaves + l] = out[k]);
    }
    means
}

fn with_arms(tree: &Node, arms: &mut impl Iterator<Item = usize>) -> Node {
    match tree {
        Node::Leaf { .. } => Node::Leaf { arm: arms.next().unwrap_or(0) },
        Node::Split { covariate, threshold, left, right } => {
            let left = with_arms(left, arms);
            Node::split(*covariate, *threshold, left, with_arms(right, arms))
        }
    }
}

fn arms_of(tree: &Node) -> Vec<usize> {
    match tree {
        Node::Leaf { arm } => vec![*arm],
        Node::Split { left, right, .. } => [arms_of(left), arms_of(right)].concat(),
    }
}

impl Model for LeafProblem {
    type Point = Node;

    fn name(&self) -> &'static str {
        "leaf_utility"
    }

    fn sense(&self) -> Sense {
        Sense::Maximize
    }

    fn units(&self) -> usize {
        self.arm.len()
    }

    /// NaN for a tree over other covariates or arms, and for one with a leaf whose arm may not be chosen.
    fn objective(&self, tree: &Node) -> f64 {
        if !self.class.fits(tree, self.x.ncols(), self.arms) {
            return f64::NAN;
        }
        let sums = self.sums(tree);
        if let LeafValue::Evidence(_) = self.value {
            return self.value(&sums);
        }
        let means = self.means(&sums);
        let chosen = arms_of(tree).into_iter().enumerate();
        let value = sum(chosen.map(|leaf_arm| self.worth(&sums, &means, leaf_arm)));
        if value.is_finite() { value } else { f64::NAN }
    }

    fn violations(&self, tree: &Node) -> Vec<Violation> {
        let broken = |constraint: &str, amount: f64| Violation { constraint: constraint.into(), amount };
        if !self.class.fits(tree, self.x.ncols(), self.arms) {
            return vec![broken("shape", 1.0)];
        }
        let mut found = self.class.violations(tree);
        let sums = self.sums(tree);
        let least = (0..sums.leaves()).map(|l| sums.mass(l)).fold(f64::INFINITY, f64::min);
        if least < self.min_leaf as f64 {
            found.push(broken("minimum_leaf_size", self.min_leaf as f64 - least));
        }
        let means = self.means(&sums);
        let mean = |l: usize, k: usize| means[k * sums.leaves() + l];
        let best = |l: usize| (0..self.arms).map(|k| mean(l, k)).fold(f64::NEG_INFINITY, f64::max);
        let short = arms_of(tree).into_iter().enumerate().map(|(l, k)| best(l) - mean(l, k));
        let short = short.fold(0.0, f64::max);
        if short > 0.0 {
            found.push(broken("largest_mean", short));
        }
        found
    }

    /// The tree of one leaf.
    fn reference_value(&self) -> Option<f64> {
        Some(self.value(&self.sums(&Node::Leaf { arm: 0 })))
    }

    /// No mean is above the largest utility; of posterior means and likelihoods nothing is known beforehand.
    fn trivial_bound(&self) -> f64 {
        let largest = self.utility.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let n = self.arm.len() as f64;
        match self.value {
            LeafValue::Shrunken { form: Form::N, .. } => n * largest,
            // A leaf's arm counts at most as n units.
            LeafValue::Shrunken { form: Form::P, .. } => {
                n * largest.max(0.0) * f64::from(2_u32.pow(self.class.depth.min(31) as u32))
            }
            LeafValue::Joint(_) | LeafValue::Evidence(_) => f64::INFINITY,
        }
    }

    fn model_hash(&self) -> String {
        use std::fmt::Write;
        let mut digest = Digested::default();
        let written = write!(digest, "{} {} {:?} ", self.name(), self.min_leaf, self.value)
            .and_then(|()| self.class.parameters(&mut digest))
            .and_then(|()| write!(digest, " {}", self.data_hash()));
        // A digest takes all text.
        debug_assert!(written.is_ok());
        digest.text()
    }

    fn data_hash(&self) -> String {
        let mut digest = Digested::default();
        digest.add(format!("{} {} {:?}", self.arms, self.arm.len(), self.arm).as_bytes());
        self.x.iter().chain(&self.utility).for_each(|v| digest.add(&v.to_le_bytes()));
        digest.text()
    }
}
