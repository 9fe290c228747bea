//! The policy problem: which rule of a class earns most?
//!
//! ```text
//! max over rules d in the class of   sum_i Gamma[i, d(x_i)]     subject to the side constraints
//! ```
//!
//! `Gamma` is the reward matrix (n units x K arms, larger is better; doubly robust scores, for example), x_i the
//! covariates of unit i. Two arms with gains g_i are the matrix with columns 0 and g_i.
//! Source: Athey and Wager (2021), Policy Learning with Observational Data; interference.txt, equation (18).

use std::fmt::Debug;

use ndarray::{Array2, ArrayView1};

use crate::exact::{sha256, sum};
use crate::model::{Model, Violation};
use crate::programs::{InvalidModel, Sense};
use crate::side_constraints::{AssignmentBound, SideConstraint, Standing};

/// A class of rules: how a rule assigns an arm to a unit.
pub trait RuleClass: Clone + Debug + Send + Sync {
    type Rule: Clone + Debug + PartialEq + Send + Sync;

    /// Name of the problem over this class, for example `tree_rule`.
    fn name(&self) -> &'static str;

    /// Refuses a problem whose shape (p covariates, K arms) the class cannot take.
    fn check(&self, covariates: usize, arms: usize) -> Result<(), InvalidModel>;

    /// The arm (0..K) that `rule` gives to a unit with covariates `x`.
    fn assign(&self, rule: &Self::Rule, x: &[f64]) -> usize;

    /// The cell of the covariate space that `x` falls into: a leaf of a tree, a side of a hyperplane.
    fn cell(&self, rule: &Self::Rule, x: &[f64]) -> usize;

    /// Whether `rule` speaks of p covariates and K arms. One that does not (from a file, say) cannot be evaluated.
    fn fits(&self, rule: &Self::Rule, covariates: usize, arms: usize) -> bool;

    /// What makes `rule` no member of the class.
    fn violations(&self, rule: &Self::Rule) -> Vec<Violation>;

    /// The rule that gives `arm` to everyone.
    fn constant(&self, covariates: usize, arm: usize) -> Self::Rule;

    /// The class's parameters as text, for the model's hash.
    fn parameters(&self) -> String;
}

/// Class, objective and side constraints.
#[derive(Clone, Debug)]
pub struct PolicyProblem<C> {
    pub class: C,
    /// Names of the p covariates.
    pub covariates: Vec<String>,
    /// Labels of the K arms.
    pub arms: Vec<String>,
    x: Array2<f64>,
    rewards: Array2<f64>,
    side: Vec<SideConstraint>,
}

impl<C: RuleClass> PolicyProblem<C> {
    /// Poses the problem over `x` (n x p) and `rewards` (n x K); refuses shapes that differ and numbers that are not finite.
    pub fn new(
        class: C,
        covariates: Vec<String>,
        arms: Vec<String>,
        x: Array2<f64>,
        rewards: Array2<f64>,
    ) -> Result<Self, InvalidModel> {
        let refuse = |reason: String| Err(InvalidModel(reason));
        if x.nrows() != rewards.nrows() {
            return refuse(format!(
                "{} rows of covariates but {} rows of rewards; give one row a unit in both",
                x.nrows(),
                rewards.nrows()
            ));
        }
        if x.nrows() == 0 || x.ncols() == 0 {
            return refuse("a policy problem needs at least one unit and one covariate".into());
        }
        if covariates.len() != x.ncols() || arms.len() != rewards.ncols() {
            return refuse("one name is needed for every covariate and every arm".into());
        }
        for (what, matrix) in [("covariate", &x), ("reward", &rewards)] {
            if let Some(((row, column), value)) = matrix.indexed_iter().find(|(_, v)| !v.is_finite()) {
                return refuse(format!(
                    "{what} in row {row}, column {column} is {value}; only finite numbers are taken"
                ));
            }
        }
        class.check(x.ncols(), rewards.ncols())?;
        // -0.0 and 0.0 are one value everywhere that follows.
        let (x, rewards) = (x.mapv(|v| v + 0.0), rewards.mapv(|v| v + 0.0));
        let (x, rewards) = (x.as_standard_layout().into_owned(), rewards.as_standard_layout().into_owned());
        Ok(Self { class, covariates, arms, x, rewards, side: Vec::new() })
    }

    /// The same problem under one more side constraint; refuses one over other units or arms.
    pub fn with(mut self, constraint: SideConstraint) -> Result<Self, InvalidModel> {
        constraint.check(self.x.nrows(), self.arms.len())?;
        self.side.push(constraint);
        Ok(self)
    }

    /// The same problem under those of its side constraints (by position) that `kept` keeps.
    pub fn keeping(&self, kept: impl Fn(usize) -> bool) -> Self {
        let side = (0..self.side.len()).filter(|&c| kept(c)).map(|c| self.side[c].clone()).collect();
        Self { side, ..self.clone() }
    }

    pub fn side(&self) -> &[SideConstraint] {
        &self.side
    }

    /// The constraints that bound a sum over the assignment.
    pub fn assignment_bounds(&self) -> impl Iterator<Item = &AssignmentBound> {
        self.side.iter().filter_map(|constraint| match constraint {
            SideConstraint::Assignment(bound) => Some(bound),
            SideConstraint::MinimumLeafSize(_) => None,
        })
    }

    /// Covariates, n x p.
    pub fn x(&self) -> &Array2<f64> {
        &self.x
    }

    /// Rewards, n x K.
    pub fn rewards(&self) -> &Array2<f64> {
        &self.rewards
    }

    /// Covariates of unit `i`.
    pub fn unit(&self, i: usize) -> &[f64] {
        let p = self.x.ncols();
        &self.x.as_slice().unwrap_or_default()[i * p..(i + 1) * p]
    }

    /// The arm that `rule` gives to each unit.
    pub fn assignment(&self, rule: &C::Rule) -> Vec<usize> {
        (0..self.x.nrows()).map(|i| self.class.assign(rule, self.unit(i))).collect()
    }

    /// Sum of `rewards` when everyone gets one arm, for each arm.
    pub fn constant_values(&self) -> Vec<f64> {
        self.rewards.columns().into_iter().map(|column| sum(column.iter().copied())).collect()
    }

    /// The constant rules that satisfy the side constraints, with their values.
    fn constants(&self) -> Vec<(C::Rule, f64)> {
        let rules = (0..self.arms.len()).map(|arm| self.class.constant(self.x.ncols(), arm));
        let kept = rules.zip(self.constant_values()).filter(|(rule, _)| self.violations(rule).is_empty());
        kept.collect()
    }

    /// The rule that gives everyone the best single arm (the lowest of equals), where the side constraints allow any.
    pub fn best_constant(&self) -> Option<C::Rule> {
        let better = |best: (C::Rule, f64), next: (C::Rule, f64)| if next.1 > best.1 { next } else { best };
        self.constants().into_iter().reduce(better).map(|(rule, _)| rule)
    }

    /// The minimum leaf size asked for; 1 where none is.
    pub fn minimum_leaf_size(&self) -> usize {
        let sizes = self.side.iter().map(|constraint| match constraint {
            SideConstraint::MinimumLeafSize(least) => *least,
            SideConstraint::Assignment(_) => 1,
        });
        sizes.max().unwrap_or(1).max(1)
    }

    fn fits(&self, rule: &C::Rule) -> bool {
        self.class.fits(rule, self.covariates.len(), self.arms.len())
    }

    fn smallest_cell(&self, rule: &C::Rule) -> usize {
        let mut sizes = std::collections::BTreeMap::new();
        for i in 0..self.x.nrows() {
            *sizes.entry(self.class.cell(rule, self.unit(i))).or_insert(0usize) += 1;
        }
        sizes.into_values().min().unwrap_or(0)
    }
}

impl<C: RuleClass> Model for PolicyProblem<C> {
    type Point = C::Rule;

    fn name(&self) -> &'static str {
        self.class.name()
    }

    fn sense(&self) -> Sense {
        Sense::Maximize
    }

    fn units(&self) -> usize {
        self.x.nrows()
    }

    /// NaN for a rule over other covariates or arms.
    fn objective(&self, rule: &C::Rule) -> f64 {
        if !self.fits(rule) {
            return f64::NAN;
        }
        let reward = |i: usize| self.rewards[[i, self.class.assign(rule, self.unit(i))]];
        sum((0..self.x.nrows()).map(reward))
    }

    fn violations(&self, rule: &C::Rule) -> Vec<Violation> {
        if !self.fits(rule) {
            return vec![Violation { constraint: "shape".into(), amount: 1.0 }];
        }
        let mut found = self.class.violations(rule);
        let broken = self.standings(rule).into_iter().filter(|standing| standing.slack < 0.0);
        found.extend(broken.map(|s| Violation { constraint: s.constraint, amount: -s.slack }));
        found
    }

    fn standings(&self, rule: &C::Rule) -> Vec<Standing> {
        let assignment = self.assignment(rule);
        let standing = |constraint: &SideConstraint| {
            let (value, slack) = match constraint {
                SideConstraint::MinimumLeafSize(least) => {
                    let smallest = self.smallest_cell(rule) as f64;
                    (smallest, smallest - *least as f64)
                }
                SideConstraint::Assignment(bound) => {
                    let value = bound.value(&assignment);
                    (value, bound.slack(value))
                }
            };
            Standing { constraint: constraint.name().into(), value, slack }
        };
        self.side.iter().map(standing).collect()
    }

    fn reference_value(&self) -> Option<f64> {
        self.constants().into_iter().map(|(_, value)| value).reduce(f64::max)
    }

    fn trivial_bound(&self) -> f64 {
        let best = |row: ArrayView1<f64>| row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        sum(self.rewards.rows().into_iter().map(best))
    }

    fn model_hash(&self) -> String {
        let text =
            format!("{} {} {:?} {}", self.name(), self.class.parameters(), self.side, self.data_hash());
        sha256([text.as_bytes()])
    }

    fn data_hash(&self) -> String {
        let names = format!("{:?} {:?} {}", self.covariates, self.arms, self.x.nrows());
        let numbers = self.x.iter().chain(&self.rewards).flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        sha256([names.as_bytes(), &numbers])
    }
}
