//! The leaves of a rule: the parts of the population that it treats alike, numbered from the left.
//!
//! A tree's leaves are its own. A linear rule has two, the side of the first arm and then that of the second.

use prescribe_models::RuleClass;
use prescribe_models::linear_rule::Linear;
use prescribe_models::tree_rule::Tree;
use serde::{Deserialize, Serialize};

use super::text::score;
use super::{NamedClass, Node, Rule, RuleError, RuleFile};

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
        let (covariates, arms) = (&self.header.covariates, &self.header.arms);
        if let Rule::Linear { .. } = &self.rule {
            let rule = Linear.indexed(&self.rule, covariates, arms)?;
            return Ok(units.map(|x| Linear.cell(&rule, x)).collect());
        }
        let class = Tree { depth: usize::MAX, thresholds: Vec::new() };
        let tree = class.indexed(&self.rule, covariates, arms)?;
        Ok(units.map(|x| class.cell(&tree, x)).collect())
    }

    /// The path and the arm of each leaf, in the order of [`RuleFile::leaf_of`].
    pub fn leaf_paths(&self) -> Vec<LeafPath> {
        match &self.rule {
            Rule::Constant { arm } => vec![leaf(&[], arm)],
            Rule::Linear { arms, intercept, coefficients } => {
                let score = score(*intercept, coefficients, &self.header.covariates);
                let side = |(arm, sign): (&String, &str)| leaf(&[format!("{score} {sign}")], arm);
                arms.iter().zip(["< 0", ">= 0"]).map(side).collect()
            }
            Rule::Tree { root } => {
                let mut leaves = Vec::new();
                walk(root, &mut Vec::new(), &mut leaves);
                leaves
            }
        }
    }
}

/// Collects the leaves below `node`, from the left.
fn walk(node: &Node, way: &mut Vec<String>, leaves: &mut Vec<LeafPath>) {
    let Node::Split { covariate, threshold, left, right } = node else {
        if let Node::Leaf { arm } = node {
            leaves.push(leaf(way, arm));
        }
        return;
    };
    for (child, sign) in [(left, "<="), (right, ">")] {
        way.push(format!("{covariate} {sign} {threshold}"));
        walk(child, way, leaves);
        way.pop();
    }
}

fn leaf(way: &[String], arm: &str) -> LeafPath {
    let path = if way.is_empty() { "everyone".into() } else { way.join(" and ") };
    LeafPath { path, arm: arm.into() }
}
