//! What of an outcome does not depend on the arm, as a function of the covariates: small enough to be written beside a forest, so that new rows
//! need nothing else.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::solve::growth::{Node, Tree};

/// fbar(x), in utility units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Baseline {
    /// 0 everywhere.
    Zero,
    /// intercept + sum_j coefficients_j x_j
    Linear { intercept: f64, coefficients: Vec<f64> },
    /// The mean over trees of the number in the leaf of x.
    Forest { trees: Vec<PackedTree> },
}

impl Baseline {
    /// fbar of units with covariates x (n x p); a row's depends on no other row.
    pub fn predict(&self, x: ArrayView2<f64>) -> Vec<f64> {
        (0..x.nrows()).into_par_iter().map(|i| self.at(x.row(i))).collect()
    }

    fn at(&self, x: ArrayView1<f64>) -> f64 {
        match self {
            Baseline::Zero => 0.0,
            Baseline::Linear { intercept, coefficients } => {
                intercept + coefficients.iter().zip(x).map(|(coefficient, x)| coefficient * x).sum::<f64>()
            }
            Baseline::Forest { trees } => {
                trees.iter().map(|tree| tree.at(x)).sum::<f64>() / trees.len() as f64
            }
        }
    }
}

/// A regression tree whose nodes stand level by level, so that the children of its m-th split (from 0) are the nodes 2m + 1 and 2m + 2. Numbers
/// have nine digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct PackedTree {
    nodes: Vec<PackedNode>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum PackedNode {
    /// `x[covariate] <= threshold` goes to node `left`, the rest to the next.
    Split {
        covariate: u32,
        threshold: f64,
        left: u32,
    },
    Leaf {
        mean: f64,
    },
}

/// A tree as files have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The covariate that each node splits by, from 0; -1 in a leaf.
    covariates: Vec<i64>,
    /// The threshold of a split, of which x <= threshold goes to the first child; the prediction of a leaf.
    numbers: Vec<f64>,
}

impl PackedTree {
    /// `means` are those of the leaves by their numbers.
    pub(super) fn of(tree: &Tree, means: &[f64]) -> PackedTree {
        let (mut nodes, mut queue) = (Vec::with_capacity(tree.nodes.len()), vec![0]);
        while let Some(&node) = queue.get(nodes.len()) {
            nodes.push(match tree.nodes[node as usize] {
                Node::Leaf { leaf } => PackedNode::Leaf { mean: short(means[leaf as usize]) },
                Node::Split { covariate, threshold, left, right } => {
                    queue.extend([left, right]);
                    let left = queue.len() as u32 - 2;
                    PackedNode::Split { covariate, threshold: short_above(threshold), left }
                }
            });
        }
        PackedTree { nodes }
    }

    fn at(&self, x: ArrayView1<f64>) -> f64 {
        let mut node = 0;
        loop {
            match self.nodes[node] {
                PackedNode::Leaf { mean } => return mean,
                PackedNode::Split { covariate, threshold, left } => {
                    node = left as usize + usize::from(x[covariate as usize] > threshold);
                }
            }
        }
    }
}

impl From<PackedTree> for Written {
    fn from(tree: PackedTree) -> Written {
        let pair = |node: &PackedNode| match *node {
            PackedNode::Split { covariate, threshold, .. } => (i64::from(covariate), threshold),
            PackedNode::Leaf { mean } => (-1, mean),
        };
        let (covariates, numbers) = tree.nodes.iter().map(pair).unzip();
        Written { covariates, numbers }
    }
}

impl TryFrom<Written> for PackedTree {
    type Error = String;

    fn try_from(written: Written) -> Result<PackedTree, String> {
        let Written { covariates, numbers } = written;
        let splits = covariates.iter().filter(|j| **j >= 0).count();
        if covariates.len() != numbers.len() || covariates.len() != 2 * splits + 1 {
            return Err(format!(
                "a tree of {splits} splits has {} covariates and {} numbers in place of {}",
                covariates.len(),
                numbers.len(),
                2 * splits + 1
            ));
        }
        let mut left = 1;
        let node = |(j, number)| match u32::try_from(j) {
            Err(_) => PackedNode::Leaf { mean: number },
            Ok(covariate) => {
                left += 2;
                PackedNode::Split { covariate, threshold: number, left: left - 2 }
            }
        };
        let nodes: Vec<PackedNode> = covariates.into_iter().zip(numbers).map(node).collect();
        // A child before its parent would be walked to for ever.
        let forward = |(i, node): (usize, &PackedNode)| match *node {
            PackedNode::Split { left, .. } => left as usize > i,
            PackedNode::Leaf { .. } => true,
        };
        if nodes.iter().enumerate().all(forward) {
            Ok(PackedTree { nodes })
        } else {
            Err("a tree whose nodes do not stand level by level".to_owned())
        }
    }
}

/// The number with nine digits.
fn short(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

/// A number of nine digits that is not below this one: what was on the left of a threshold stays there.
fn short_above(value: f64) -> f64 {
    let short_value = short(value);
    if short_value >= value { short_value } else { short(value + 1e-8 * value.abs()).max(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_thresholds_not_below() {
        for value in [1.0 / 3.0, -2.0 / 3.0, 0.1, 123456.7890123, -1e-300, 5e-324, 1e300, 0.0] {
            assert!((short(value) - value).abs() <= 1e-8 * value.abs(), "{value}");
            assert!(
                short_above(value) >= value && short_above(value) - value <= 2e-8 * value.abs(),
                "{value}"
            );
        }
    }
}
