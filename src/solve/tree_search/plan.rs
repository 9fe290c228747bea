//! What a search of a node brings back: a tree in ranks, its value, and a bound.

use std::sync::Arc;

use prescribe_models::tree_rule::{Node, TreeProblem};

/// A tree whose thresholds are ranks.
#[derive(Debug, PartialEq)]
pub enum Plan {
    Leaf {
        arm: usize,
    },
    /// Ranks of `covariate` up to `cut` go left.
    Split {
        covariate: usize,
        cut: u32,
        left: Arc<Plan>,
        right: Arc<Plan>,
    },
}

impl Plan {
    /// The covariates of the splits, from the root down.
    pub fn covariates(&self) -> Vec<usize> {
        match self {
            Plan::Leaf { .. } => Vec::new(),
            Plan::Split { covariate, left, right, .. } => {
                [vec![*covariate], left.covariates(), right.covariates()].concat()
            }
        }
    }

    /// The same tree over the problem's thresholds.
    pub fn tree(&self, problem: &TreeProblem) -> Node {
        match self {
            Plan::Leaf { arm } => Node::Leaf { arm: *arm },
            Plan::Split { covariate, cut, left, right } => {
                let threshold = problem.class.thresholds[*covariate][*cut as usize];
                Node::split(*covariate, threshold, left.tree(problem), right.tree(problem))
            }
        }
    }
}

/// A tree and what it earns, in whole numbers.
#[derive(Clone, Debug)]
pub struct Found {
    pub value: f64,
    pub plan: Arc<Plan>,
}

/// What is known about the best tree over some units, when those that earn less than some need are of no interest.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// No tree earns more. A whole number, or minus infinity where no tree is allowed.
    pub upper: f64,
    /// The best tree seen: the best of all where it earns at least the need and the search was not stopped.
    pub found: Option<Found>,
}

impl Outcome {
    /// No tree is allowed.
    pub const NONE: Self = Self { upper: f64::NEG_INFINITY, found: None };

    /// The best tree.
    pub fn best(value: f64, plan: Plan) -> Self {
        Self { upper: value, found: Some(Found { value, plan: Arc::new(plan) }) }
    }

    /// What the tree found earns.
    pub fn value(&self) -> f64 {
        self.found.as_ref().map_or(f64::NEG_INFINITY, |found| found.value)
    }

    /// Both sides of a cut as one tree.
    pub fn joined(covariate: usize, cut: u32, left: Outcome, right: Outcome) -> Self {
        let found = left.found.zip(right.found).map(|(left, right)| Found {
            value: left.value + right.value,
            plan: Arc::new(Plan::Split { covariate, cut, left: left.plan, right: right.plan }),
        });
        Self { upper: left.upper + right.upper, found }
    }
}
