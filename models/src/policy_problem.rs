//! The policy problem: which rule of a class earns most?
//!
//! ```text
//! max over rules d in the class of   sum_i Gamma[i, d(x_i)]     subject to the side constraints
//! ```
//!
//! `Gamma` is the reward matrix (n units x K arms, larger is better; doubly robust scores, for example), x_i the
//! covariates of unit i. Two arms with gains g_i are the matrix with columns 0 and g_i.
//! Source: Athey and Wager (2021), Policy Learning with Observational Data; interference.txt, equation (18).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write};

use ndarray::{Array2, ArrayView1};

use crate::exact::{Digested, sum};
use crate::model::{Model, Violation};
use crate::programs::{InvalidModel, Sense};
use crate::side_constraints::{AssignmentBound, SideConstraint, Sign, Standing, integer_slack, largest};

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

    /// The covariates that `rule` looks at, ascending: with a coefficient other than 0, or with a split.
    fn used(&self, rule: &Self::Rule) -> Vec<usize>;

    /// The coefficients of `rule`, where its class has any.
    fn coefficients<'r>(&self, _rule: &'r Self::Rule) -> &'r [f64] {
        &[]
    }

    /// Whether `rule` speaks of p covariates and K arms. One that does not (from a file, say) cannot be evaluated.
    fn fits(&self, rule: &Self::Rule, covariates: usize, arms: usize) -> bool;

    /// What makes `rule` no member of the class.
    fn violations(&self, rule: &Self::Rule) -> Vec<Violation>;

    /// The rule that gives `arm` to everyone.
    fn constant(&self, covariates: usize, arm: usize) -> Self::Rule;

    /// Writes the class's parameters as text, for the model's hash.
    fn parameters(&self, to: &mut dyn std::fmt::Write) -> std::fmt::Result;
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

/// At least `least` of the units `counted` (n) in every leaf that holds a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct LeafDemand {
    pub counted: Vec<bool>,
    pub least: usize,
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

    /// The same problem under one more side constraint; refuses one over other units, covariates or arms.
    pub fn with(mut self, constraint: SideConstraint) -> Result<Self, InvalidModel> {
        constraint.check(self.x.nrows(), self.covariates.len(), self.arms.len())?;
        self.side.push(constraint);
        Ok(self)
    }

    /// The same problem under those of its side constraints (by position) that `kept` keeps.
    pub fn keeping(&self, kept: impl Fn(usize) -> bool) -> Self {
        let side = (0..self.side.len()).filter(|&c| kept(c)).map(|c| self.side[c].clone()).collect();
        Self { side, ..self.clone() }
    }

    /// The same problem over other covariates `x`, of the same shape and finite.
    pub fn over(&self, x: Array2<f64>) -> Result<Self, InvalidModel> {
        let (class, names, arms) = (self.class.clone(), self.covariates.clone(), self.arms.clone());
        let side = self.side.clone();
        Ok(Self { side, ..Self::new(class, names, arms, x, self.rewards.clone())? })
    }

    /// The same data and side constraints over another class, of which the shape is known to be right.
    pub(crate) fn over_class<D>(&self, class: D) -> PolicyProblem<D> {
        PolicyProblem {
            class,
            covariates: self.covariates.clone(),
            arms: self.arms.clone(),
            x: self.x.clone(),
            rewards: self.rewards.clone(),
            side: self.side.clone(),
        }
    }

    pub fn side(&self) -> &[SideConstraint] {
        &self.side
    }

    /// The constraints that bound a sum over the assignment.
    pub fn assignment_bounds(&self) -> impl Iterator<Item = &AssignmentBound> {
        self.side.iter().filter_map(|constraint| match constraint {
            SideConstraint::Assignment(bound) => Some(bound),
            _ => None,
        })
    }

    /// Whether unit `i` may get arm `k`.
    pub fn may_get(&self, i: usize, k: usize) -> bool {
        self.side.iter().all(|constraint| match constraint {
            SideConstraint::Eligibility(eligible) => eligible[[i, k]],
            _ => true,
        })
    }

    /// The directions that the coefficient of covariate `j` may take: (-1, 1), (0, 1), (-1, 0) or (0, 0).
    pub fn directions(&self, j: usize) -> (f64, f64) {
        let signs = self.side.iter().filter_map(|constraint| match constraint {
            SideConstraint::Sign(sign) if sign.covariate == j => Some(sign.sign),
            _ => None,
        });
        signs.fold((-1.0, 1.0), |(low, high), sign| match sign {
            Sign::Nonnegative => (0.0, high),
            Sign::Nonpositive => (low, 0.0),
        })
    }

    /// The most covariates that a rule may look at.
    pub fn most_covariates(&self) -> Option<usize> {
        let most = self.side.iter().filter_map(|constraint| match constraint {
            SideConstraint::MaximumCovariates(most) => Some(*most),
            _ => None,
        });
        most.min()
    }

    /// The largest size of a coefficient, where coefficients must be whole.
    pub fn integer_reach(&self) -> Option<u32> {
        let reaches = self.side.iter().filter_map(|constraint| match constraint {
            SideConstraint::IntegerCoefficients(reach) => Some(*reach),
            _ => None,
        });
        reaches.min()
    }

    /// What every leaf that holds a unit must hold: first one unit (or the minimum leaf size) of all, then the minimum of those
    /// who received each arm.
    pub fn leaf_demands(&self) -> Vec<LeafDemand> {
        let mut demands =
            vec![LeafDemand { counted: vec![true; self.x.nrows()], least: self.minimum_leaf_size() }];
        for constraint in &self.side {
            let SideConstraint::MinimumArmInLeaf(demand) = constraint else { continue };
            for arm in observed(&demand.received) {
                let counted = demand.received.iter().map(|k| *k == arm).collect();
                demands.push(LeafDemand { counted, least: demand.least });
            }
        }
        demands
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
            _ => 1,
        });
        sizes.max().unwrap_or(1).max(1)
    }

    fn fits(&self, rule: &C::Rule) -> bool {
        self.class.fits(rule, self.covariates.len(), self.arms.len())
    }

    /// The number of units in the smallest cell that holds one.
    fn smallest_cell(&self, rule: &C::Rule) -> usize {
        self.cells(rule).into_values().map(|units| units.len()).min().unwrap_or(0)
    }

    /// The fewest units in any cell that holds one that received an arm, over the arms that someone received.
    fn fewest_received(&self, rule: &C::Rule, received: &[usize]) -> usize {
        let arms = observed(received);
        let count = |units: &[usize], arm: usize| units.iter().filter(|&&i| received[i] == arm).count();
        let cells = self.cells(rule);
        let counts = cells.values().flat_map(|units| arms.iter().map(|&arm| count(units, arm)));
        counts.min().unwrap_or(0)
    }

    /// The units of each cell that holds any.
    fn cells(&self, rule: &C::Rule) -> BTreeMap<usize, Vec<usize>> {
        let mut cells: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for i in 0..self.x.nrows() {
            cells.entry(self.class.cell(rule, self.unit(i))).or_default().push(i);
        }
        cells
    }

    /// Value and slack of `rule`, which gives `assignment`, with a constraint.
    fn standing(&self, constraint: &SideConstraint, rule: &C::Rule, assignment: &[usize]) -> (f64, f64) {
        let at_least = |value: usize, least: usize| (value as f64, value as f64 - least as f64);
        match constraint {
            SideConstraint::MinimumLeafSize(least) => at_least(self.smallest_cell(rule), *least),
            SideConstraint::MinimumArmInLeaf(demand) => {
                at_least(self.fewest_received(rule, &demand.received), demand.least)
            }
            SideConstraint::Assignment(bound) => {
                let value = bound.value(assignment);
                (value, bound.slack(value))
            }
            SideConstraint::Eligibility(eligible) => {
                let refused = assignment.iter().enumerate().filter(|&(i, &k)| !eligible[[i, k]]).count();
                (refused as f64, 0.0 - refused as f64)
            }
            SideConstraint::Sign(sign) => {
                let b = self.class.coefficients(rule).get(sign.covariate).copied().unwrap_or(0.0);
                (b, sign.slack(b))
            }
            SideConstraint::MaximumCovariates(most) => {
                let used = self.class.used(rule).len() as f64;
                (used, *most as f64 - used)
            }
            SideConstraint::IntegerCoefficients(reach) => {
                let coefficients = self.class.coefficients(rule);
                (largest(coefficients), integer_slack(coefficients, *reach))
            }
        }
    }
}

/// The arms that someone received, ascending.
fn observed(received: &[usize]) -> Vec<usize> {
    received.iter().copied().collect::<BTreeSet<usize>>().into_iter().collect()
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
            let (value, slack) = self.standing(constraint, rule, &assignment);
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
        // In the alternate form no element of a long matrix is left out.
        let mut digest = Digested::default();
        let written = write!(digest, "{} ", self.name())
            .and_then(|()| self.class.parameters(&mut digest))
            .and_then(|()| write!(digest, " {:#?} {}", self.side, self.data_hash()));
        // A digest takes all text.
        debug_assert!(written.is_ok());
        digest.text()
    }

    fn data_hash(&self) -> String {
        let names = format!("{:?} {:?} {}", self.covariates, self.arms, self.x.nrows());
        let mut digest = Digested::default();
        digest.add(names.as_bytes());
        self.x.iter().chain(&self.rewards).for_each(|v| digest.add(&v.to_le_bytes()));
        digest.text()
    }
}
