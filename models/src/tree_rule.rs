//! Policy trees: axis-parallel decision trees of depth at most D over K arms.
//!
//! ```text
//! max over trees T of depth <= D   sum_i Gamma[i, arm of the leaf of T that x_i falls into]
//! ```
//!
//! A unit with `x_j <= threshold` goes left (policytree's convention). Thresholds come from a list of candidates for
//! each covariate: all observed values (but the largest, which splits nothing), or quantiles among them.
//! Source: Athey and Wager (2021); Zhou, Athey and Wager (2023), section 5.
//!
//! Forms as programs: [`Extended`] (depth <= 2, closes at the root), [`Flow`] (any depth).

mod extended;
mod flow;
pub mod splits;

pub use extended::Extended;
pub use flow::Flow;

use serde::{Deserialize, Serialize};

use crate::model::Violation;
use crate::policy_problem::{PolicyProblem, RuleClass};
use crate::programs::{InvalidModel, MixedIntegerProgram, Row};

/// A node of a tree; covariates and arms by index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Node {
    /// `x[covariate] <= threshold` goes left.
    Split {
        covariate: usize,
        threshold: f64,
        left: Box<Node>,
        right: Box<Node>,
    },
    Leaf {
        arm: usize,
    },
}

impl Node {
    pub fn split(covariate: usize, threshold: f64, left: Node, right: Node) -> Self {
        Node::Split { covariate, threshold, left: Box::new(left), right: Box::new(right) }
    }

    /// Number of splits on the longest path.
    pub fn depth(&self) -> usize {
        match self {
            Node::Leaf { .. } => 0,
            Node::Split { left, right, .. } => 1 + left.depth().max(right.depth()),
        }
    }

    /// Arm of the leaf of `x`.
    fn arm(&self, x: &[f64]) -> usize {
        let mut node = self;
        loop {
            match node {
                Node::Leaf { arm } => return *arm,
                Node::Split { covariate, threshold, left, right } => {
                    node = if x[*covariate] <= *threshold { left } else { right };
                }
            }
        }
    }

    /// Number of the leaf of `x`, leaves counted from the left.
    fn leaf(&self, x: &[f64]) -> usize {
        match self {
            Node::Leaf { .. } => 0,
            Node::Split { covariate, threshold, left, .. } if x[*covariate] <= *threshold => left.leaf(x),
            Node::Split { left, right, .. } => left.leaves() + right.leaf(x),
        }
    }

    pub fn leaves(&self) -> usize {
        match self {
            Node::Leaf { .. } => 1,
            Node::Split { left, right, .. } => left.leaves() + right.leaves(),
        }
    }

    /// The same assignment with fewer splits: a split whose two sides are one and the same leaf is a leaf.
    pub fn simplified(self) -> Self {
        let Node::Split { covariate, threshold, left, right } = self else {
            return self;
        };
        let (left, right) = (left.simplified(), right.simplified());
        if matches!(left, Node::Leaf { .. }) && left == right {
            left
        } else {
            Self::split(covariate, threshold, left, right)
        }
    }

    pub(crate) fn splits(&self) -> Vec<(usize, f64)> {
        match self {
            Node::Leaf { .. } => Vec::new(),
            Node::Split { covariate, threshold, left, right } => {
                [vec![(*covariate, *threshold)], left.splits(), right.splits()].concat()
            }
        }
    }
}

/// Adds columns u_j ("the tree may split by j", or by a view of j) and rows that let at most `most` be 1; in each of `choices`
/// (columns of which at most one is chosen, with their splits) those that split by j need u_j.
fn limit_covariates(
    problem: &TreeProblem,
    program: &mut MixedIntegerProgram,
    most: usize,
    choices: &[Vec<(usize, Option<splits::Split>)>],
) {
    let used: Vec<usize> =
        problem.covariates.iter().map(|name| program.binary(format!("use[{name}]"), 0.0)).collect();
    let terms = used.iter().map(|&u| (u, 1.0)).collect();
    program.rows.push(Row::at_most("maximum_covariates", most as f64, terms));
    for (number, columns) in choices.iter().enumerate() {
        for (j, &u) in used.iter().enumerate() {
            let views = |split: splits::Split| problem.class.views_of[split.covariate] == j;
            let by_j = columns.iter().filter(|(_, split)| split.is_some_and(views));
            let terms: Vec<(usize, f64)> = by_j.map(|&(column, _)| (column, 1.0)).collect();
            if !terms.is_empty() {
                let name = format!("use[{number}.{}]", problem.covariates[j]);
                program.rows.push(Row::at_most(name, 0.0, [terms, vec![(u, -1.0)]].concat()));
            }
        }
    }
}

/// The class of trees of depth at most `depth` over candidate thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    pub depth: usize,
    /// For each covariate the thresholds allowed, ascending.
    pub thresholds: Vec<Vec<f64>>,
    /// For each covariate what it is a view of, as the first such covariate; views of the same thing count as one where
    /// the number of covariates is limited.
    pub views_of: Vec<usize>,
}

/// Which observed values may serve as thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Candidates {
    /// Every observed value but the largest.
    All,
    /// The observed values at the levels 1/(Q+1), .., Q/(Q+1).
    Quantiles(usize),
}

/// The tree-rule problem.
pub type TreeProblem = PolicyProblem<Tree>;

impl Tree {
    /// Trees of depth at most `depth` over the candidate thresholds found in the columns of `x` (n x p).
    pub fn over(x: &ndarray::Array2<f64>, depth: usize, candidates: Candidates) -> Self {
        let thresholds =
            x.columns().into_iter().map(|c| splits::thresholds(c.to_vec(), candidates)).collect();
        Self { depth, thresholds, views_of: (0..x.ncols()).collect() }
    }
}

impl RuleClass for Tree {
    type Rule = Node;

    fn name(&self) -> &'static str {
        "tree_rule"
    }

    fn check(&self, covariates: usize, arms: usize) -> Result<(), InvalidModel> {
        let refuse = |reason: &str| Err(InvalidModel(reason.into()));
        match () {
            _ if self.depth == 0 => refuse("a tree needs a depth of at least 1"),
            _ if arms < 2 => refuse("a rule chooses among at least two arms"),
            _ if self.thresholds.len() != covariates => {
                refuse("one list of thresholds is needed for every covariate")
            }
            _ if self.views_of.len() != covariates
                || self.views_of.iter().enumerate().any(|(j, &v)| v > j) =>
            {
                refuse("a covariate is a view of itself or of an earlier one")
            }
            _ if self.thresholds.iter().flatten().any(|t| !t.is_finite()) => {
                refuse("thresholds must be finite")
            }
            _ if self.thresholds.iter().any(|list| list.windows(2).any(|pair| pair[0] >= pair[1])) => {
                refuse("the thresholds of a covariate must ascend, each named once")
            }
            _ => Ok(()),
        }
    }

    fn assign(&self, rule: &Node, x: &[f64]) -> usize {
        rule.arm(x)
    }

    fn cell(&self, rule: &Node, x: &[f64]) -> usize {
        rule.leaf(x)
    }

    fn used(&self, rule: &Node) -> Vec<usize> {
        let viewed = |split: &(usize, f64)| self.views_of.get(split.0).copied().unwrap_or(split.0);
        let covariates: std::collections::BTreeSet<usize> = rule.splits().iter().map(viewed).collect();
        covariates.into_iter().collect()
    }

    fn fits(&self, rule: &Node, covariates: usize, arms: usize) -> bool {
        match rule {
            Node::Leaf { arm } => *arm < arms,
            Node::Split { covariate, left, right, .. } => {
                *covariate < covariates
                    && self.fits(left, covariates, arms)
                    && self.fits(right, covariates, arms)
            }
        }
    }

    fn violations(&self, rule: &Node) -> Vec<Violation> {
        let mut found = Vec::new();
        if rule.depth() > self.depth {
            found.push(Violation { constraint: "depth".into(), amount: (rule.depth() - self.depth) as f64 });
        }
        let foreign =
            |&(j, t): &(usize, f64)| !self.thresholds.get(j).is_some_and(|allowed| allowed.contains(&t));
        let strangers = rule.splits().iter().filter(|split| foreign(split)).count();
        if strangers > 0 {
            found.push(Violation { constraint: "candidate_thresholds".into(), amount: strangers as f64 });
        }
        found
    }

    fn constant(&self, _covariates: usize, arm: usize) -> Node {
        Node::Leaf { arm }
    }

    fn parameters(&self, to: &mut dyn std::fmt::Write) -> std::fmt::Result {
        write!(to, "depth {} thresholds {:?} views {:?}", self.depth, self.thresholds, self.views_of)
    }
}
