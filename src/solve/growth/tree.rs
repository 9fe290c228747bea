//! A partition of the covariate space by axis-parallel splits.

use serde::{Deserialize, Serialize};

/// A node; children come after their parent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Node {
    /// `x[covariate] <= threshold` goes to node `left`, the rest to node `right`.
    Split { covariate: u32, threshold: f64, left: u32, right: u32 },
    /// The number of the leaf, from 0.
    Leaf { leaf: u32 },
}

/// A tree; node 0 is the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tree {
    pub nodes: Vec<Node>,
}

impl Tree {
    /// One leaf.
    pub fn leaf() -> Tree {
        Tree { nodes: vec![Node::Leaf { leaf: 0 }] }
    }

    pub fn leaves(&self) -> usize {
        self.nodes.len().div_ceil(2)
    }

    /// The leaf of a unit with these covariates.
    pub fn leaf_of(&self, x: impl Fn(usize) -> f64) -> usize {
        let mut node = 0;
        loop {
            match self.nodes[node] {
                Node::Leaf { leaf } => return leaf as usize,
                Node::Split { covariate, threshold, left, right } => {
                    node = if x(covariate as usize) <= threshold { left } else { right } as usize;
                }
            }
        }
    }

    /// Splits a leaf in two and returns its children: the left one keeps the leaf's number, the right one gets the next.
    pub(super) fn split(&mut self, node: usize, covariate: usize, threshold: f64) -> (usize, usize) {
        let (left, right) = (self.nodes.len(), self.nodes.len() + 1);
        let next = self.leaves() as u32;
        self.nodes.push(self.nodes[node]);
        self.nodes.push(Node::Leaf { leaf: next });
        self.nodes[node] =
            Node::Split { covariate: covariate as u32, threshold, left: left as u32, right: right as u32 };
        (left, right)
    }
}
