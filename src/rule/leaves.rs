//! The leaves of a rule: the parts of the population that it treats alike, numbered from the left.
//!
//! A tree's leaves are its own. A linear rule has two, the side of the first arm and then that of the second, as has a conjunction
//! of linear rules; one over several
//! arms has one for each arm, where its score is the highest.

use serde::{Deserialize, Serialize};

use super::text::score;
use super::{Node, Rule, RuleError, RuleFile, Side, Test};

/// Who is in a leaf, and what the rule gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafPath {
    /// The way from the root in words, such as `age <= 37 and age > 22`; `everyone` where there is no question.
    pub path: String,
    pub arm: String,
}

impl RuleFile {
    /// The leaf of each unit, given its covariates in the order of the header.
    ///
    /// # Errors
    /// As [`RuleFile::assign`].
    pub fn leaf_of<'x>(&self, units: impl Iterator<Item = &'x [f64]>) -> Result<Vec<usize>, RuleError> {
        // The rule whose arms are the numbers of its leaves says which leaf a unit is in.
        let mut numbered = self.clone();
        numbered.header.arms = (0..self.leaf_paths().len()).map(|leaf| leaf.to_string()).collect();
        match &mut numbered.rule {
            Rule::Constant { arm } => *arm = "0".into(),
            Rule::Linear { arms, .. } | Rule::MultiLinear { arms, .. } | Rule::Conjunction { arms, .. } => {
                *arms = numbered.header.arms.clone()
            }
            Rule::Tree { root } => {
                number(root, 0);
            }
        }
        numbered.assign(units)
    }

    /// The path and the arm of each leaf, in the order of [`RuleFile::leaf_of`].
    pub fn leaf_paths(&self) -> Vec<LeafPath> {
        match &self.rule {
            Rule::Constant { arm } => vec![leaf(&[], arm)],
            Rule::Linear { arms, intercept, coefficients } => {
                let score = score(*intercept, coefficients, &self.term_names());
                let side = |(arm, sign): (&String, &str)| leaf(&[format!("{score} {sign}")], arm);
                arms.iter().zip(["< 0", ">= 0"]).map(side).collect()
            }
            Rule::Conjunction { arms, intercepts, coefficients } => {
                let score = |k: usize| score(intercepts[k], &coefficients[k], &self.term_names());
                let (first, second) = (score(0), score(1));
                let paths =
                    [format!("{first} < 0 or {second} < 0"), format!("{first} >= 0 and {second} >= 0")];
                arms.iter().zip(paths).map(|(arm, path)| leaf(&[path], arm)).collect()
            }
            Rule::MultiLinear { arms, intercepts, coefficients } => {
                let score = |k: usize| score(intercepts[k], &coefficients[k], &self.term_names());
                let highest =
                    |(k, arm): (usize, &String)| leaf(&[format!("{} is the highest", score(k))], arm);
                arms.iter().enumerate().map(highest).collect()
            }
            Rule::Tree { root } => {
                let mut leaves = Vec::new();
                walk(root, &mut Vec::new(), &mut leaves);
                leaves
            }
        }
    }
}

/// Calls the leaves below `node` by their numbers, from `first` on; the number after the last.
fn number(node: &mut Node, first: usize) -> usize {
    match node {
        Node::Leaf { arm } => {
            *arm = first.to_string();
            first + 1
        }
        Node::Split { left, right, .. } => {
            let next = number(left, first);
            number(right, next)
        }
    }
}

/// Collects the leaves below `node`, from the left.
fn walk(node: &Node, way: &mut Vec<String>, leaves: &mut Vec<LeafPath>) {
    match node {
        Node::Leaf { arm } => leaves.push(leaf(way, arm)),
        Node::Split { covariate, test, missing, left, right } => {
            for (child, side) in [(left, Side::Left), (right, Side::Right)] {
                way.push(condition(covariate, test, *missing, side));
                walk(child, way, leaves);
                way.pop();
            }
        }
    }
}

/// Who goes to this side of a split.
fn condition(covariate: &str, test: &Test, missing: Option<Side>, side: Side) -> String {
    let left = side == Side::Left;
    let known = match test {
        // Nobody who has a value goes left here.
        Test::AtMost { threshold } if *threshold == f64::MIN => None,
        Test::AnyOf { levels } if levels.is_empty() => None,
        Test::AtMost { threshold } => {
            Some(format!("{covariate} {} {threshold}", if left { "<=" } else { ">" }))
        }
        Test::AnyOf { levels } => {
            Some(format!("{covariate} is {}{}", if left { "" } else { "not " }, levels.join(" or ")))
        }
    };
    match (known, missing == Some(side)) {
        (None, true) => format!("{covariate} is missing"),
        (None, false) => format!("{covariate} is not missing"),
        (Some(known), true) => format!("({known} or missing)"),
        (Some(known), false) => known,
    }
}

fn leaf(way: &[String], arm: &str) -> LeafPath {
    let path = if way.is_empty() { "everyone".into() } else { way.join(" and ") };
    LeafPath { path, arm: arm.into() }
}
