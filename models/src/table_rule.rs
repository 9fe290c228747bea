//! Decision tables: every unit answers the same few questions, and each combination of answers (a cell) has an arm.
//!
//! ```text
//! max over questions (j_1, t_1), .., (j_D, t_D) and arms a: {0, 1}^D -> {1, .., K}   sum_i Gamma[i, a(1{x_i j_1 <= t_1}, .., 1{x_i j_D <= t_D})]
//! ```
//!
//! at most D questions, thresholds t from a list of candidates for each covariate. Two questions may be about one covariate, which then has three
//! ranges. A tree that asks no more than D different questions, wherever it asks them, is such a table, and every table is one: it asks all of
//! them on every path. So a table is kept as that tree, without the splits that decide nothing, and the class is
//!
//! ```text
//! { trees of depth <= D over the candidates that ask at most D different questions }
//! ```
//!
//! A table may not ask a second question of some units only, which a tree of the same depth may: D = 2 has at most one pair of questions where a tree
//! has three. Cells, and with them demands on their size, are those of all its questions together; cells without units are free.
//! Source: interference.txt, section 2.2 (decision tables as a class of rules).
//!
//! Form as a program: [`Listed`], a column for every set of questions.

mod listed;

pub use listed::Listed;

use std::collections::BTreeSet;

use crate::model::Violation;
use crate::policy_problem::{PolicyProblem, RuleClass};
use crate::programs::InvalidModel;
use crate::tree_rule::splits::Split;
use crate::tree_rule::{Node, Tree, TreeProblem};

/// The class of tables of at most `trees.depth` questions over candidate thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The trees among which the tables are: their depth is the number of questions.
    pub trees: Tree,
}

/// The table-rule problem.
pub type TableProblem = PolicyProblem<Table>;

/// So many questions have more cells than any study has units.
const MOST_QUESTIONS: usize = 16;

impl Table {
    /// The table over `questions` that gives a cell `arms[c]`, where bit l of c is 1 if the answer to question l is no (`x > threshold`); a cell
    /// that needs no arm has none.
    pub fn node(questions: &[Split], arms: &[Option<usize>]) -> Option<Node> {
        fn below(questions: &[Split], cell: usize, level: usize, arms: &[Option<usize>]) -> Option<Node> {
            let Some(question) = questions.get(level) else {
                return arms[cell].map(|arm| Node::Leaf { arm });
            };
            let left = below(questions, cell, level + 1, arms);
            let right = below(questions, cell | 1 << level, level + 1, arms);
            match (left, right) {
                (Some(left), Some(right)) => {
                    Some(Node::split(question.covariate, question.threshold, left, right))
                }
                (left, right) => left.or(right),
            }
        }
        below(questions, 0, 0, arms).map(Node::simplified)
    }
}

/// The different questions of a rule: covariate, and threshold by its bits.
fn questions(rule: &Node) -> BTreeSet<(usize, u64)> {
    rule.splits().into_iter().map(|(covariate, threshold)| (covariate, (threshold + 0.0).to_bits())).collect()
}

impl RuleClass for Table {
    type Rule = Node;

    fn name(&self) -> &'static str {
        "table_rule"
    }

    fn check(&self, covariates: usize, arms: usize) -> Result<(), InvalidModel> {
        if self.trees.depth > MOST_QUESTIONS {
            return Err(InvalidModel(format!("a table asks at most {MOST_QUESTIONS} questions")));
        }
        self.trees.check(covariates, arms)
    }

    fn assign(&self, rule: &Node, x: &[f64]) -> usize {
        self.trees.assign(rule, x)
    }

    fn cell(&self, rule: &Node, x: &[f64]) -> usize {
        let no = |&(j, threshold): &(usize, u64)| usize::from(x[j] > f64::from_bits(threshold));
        questions(rule).iter().fold(0, |cell, question| cell << 1 | no(question))
    }

    fn used(&self, rule: &Node) -> Vec<usize> {
        self.trees.used(rule)
    }

    fn fits(&self, rule: &Node, covariates: usize, arms: usize) -> bool {
        self.trees.fits(rule, covariates, arms)
    }

    fn violations(&self, rule: &Node) -> Vec<Violation> {
        let mut found = self.trees.violations(rule);
        let asked = questions(rule).len();
        if asked > self.trees.depth {
            found.push(Violation {
                constraint: "questions".into(),
                amount: (asked - self.trees.depth) as f64,
            });
        }
        found
    }

    fn constant(&self, covariates: usize, arm: usize) -> Node {
        self.trees.constant(covariates, arm)
    }

    fn parameters(&self, to: &mut dyn std::fmt::Write) -> std::fmt::Result {
        self.trees.parameters(to)
    }
}

impl TableProblem {
    /// The same problem over all trees of as many levels as there are questions: none of the tables earns more than the best of them.
    pub fn trees(&self) -> TreeProblem {
        self.over_class(self.class.trees.clone())
    }
}
