//! What the units that a tree was not grown on say about every arm in every leaf: sums and masses, from which estimates follow for any
//! shrinkage (forest.txt, section 3.2, honest estimation).

use ndarray::{Array2, ArrayView1};
use prescribe_models::leaf_utility::{Towards, shrunken, shrunken_across};

use super::Trial;
use crate::solve::growth::{Node, Tree};

/// Sums of utilities and masses of the units of each leaf and arm (L x K).
#[derive(Clone, Debug, PartialEq)]
pub struct LeafTable {
    pub sums: Array2<f64>,
    pub masses: Array2<f64>,
}

impl LeafTable {
    /// The table of these units. A leaf that none of them falls into gets the sums of its nearest ancestor that has any.
    pub fn of(tree: &Tree, trial: &Trial, units: impl Iterator<Item = usize>) -> LeafTable {
        let mut table = LeafTable::empty(tree.leaves(), trial.arms);
        for i in units {
            let leaf = tree.leaf_of(|j| trial.x[[i, j]]);
            let (k, mass) = (trial.arm[i] as usize, trial.mass(i));
            table.sums[[leaf, k]] += mass * trial.utility[i];
            table.masses[[leaf, k]] += mass;
        }
        if (0..tree.leaves()).any(|leaf| table.is_empty(leaf)) {
            table.fill_from_ancestors(tree);
        }
        table
    }

    pub fn leaves(&self) -> usize {
        self.sums.nrows()
    }

    /// The estimates of the arms in each leaf (L x K), shrunken by lambda; 0 in a table without units.
    pub fn means(&self, lambda: f64) -> Array2<f64> {
        let mut means = Array2::zeros(self.sums.raw_dim());
        for (leaf, mut row) in means.rows_mut().into_iter().enumerate() {
            let (sums, masses) = (self.sums.row(leaf), self.masses.row(leaf));
            if let (Some(sums), Some(masses), Some(row)) =
                (sums.as_slice(), masses.as_slice(), row.as_slice_mut())
            {
                shrunken(sums, masses, lambda, row);
            }
        }
        means
    }

    /// The same shrunken by a lambda for each arm (K), towards leaves, arms, or both.
    pub fn means_across(&self, lambda: &[f64], towards: Towards) -> Array2<f64> {
        let mut means = Array2::zeros(self.sums.raw_dim());
        if let (Some(sums), Some(masses), Some(means)) =
            (self.sums.as_slice(), self.masses.as_slice(), means.as_slice_mut())
        {
            shrunken_across(sums, masses, lambda, towards, means);
        }
        means
    }

    /// Squared deviations of units from the means of their leaf and arm, summed by arm, and their degrees of freedom (2 x K).
    pub fn within(&self, tree: &Tree, trial: &Trial, units: impl Iterator<Item = usize>) -> Array2<f64> {
        let mut within = Array2::zeros((2, trial.arms));
        let mut counts = Array2::<f64>::zeros(self.sums.raw_dim());
        for i in units {
            let (leaf, k) = (tree.leaf_of(|j| trial.x[[i, j]]), trial.arm[i] as usize);
            let mean = self.sums[[leaf, k]] / self.masses[[leaf, k]];
            within[[0, k]] += trial.mass(i) * (trial.utility[i] - mean).powi(2);
            counts[[leaf, k]] += 1.0;
        }
        for (cell, count) in counts.indexed_iter() {
            within[[1, cell.1]] += (count - 1.0).max(0.0);
        }
        within
    }

    fn empty(leaves: usize, arms: usize) -> LeafTable {
        LeafTable { sums: Array2::zeros((leaves, arms)), masses: Array2::zeros((leaves, arms)) }
    }

    fn is_empty(&self, leaf: usize) -> bool {
        self.masses.row(leaf).iter().all(|mass| *mass == 0.0)
    }

    fn fill_from_ancestors(&mut self, tree: &Tree) {
        let mut nodes = LeafTable::empty(tree.nodes.len(), self.sums.ncols());
        for (node, kind) in tree.nodes.iter().enumerate().rev() {
            match *kind {
                Node::Leaf { leaf } => nodes.copy(node, self.row(leaf as usize)),
                Node::Split { left, right, .. } => {
                    let sums = &nodes.sums.row(left as usize) + &nodes.sums.row(right as usize);
                    let masses = &nodes.masses.row(left as usize) + &nodes.masses.row(right as usize);
                    nodes.copy(node, (sums.view(), masses.view()));
                }
            }
        }
        // Parents come first, so that what they were given goes on to their children.
        for (node, kind) in tree.nodes.iter().enumerate() {
            match *kind {
                Node::Leaf { leaf } => self.copy(leaf as usize, nodes.row(node)),
                Node::Split { left, right, .. } => {
                    for child in [left as usize, right as usize] {
                        if nodes.is_empty(child) {
                            let parent = (nodes.sums.row(node).to_owned(), nodes.masses.row(node).to_owned());
                            nodes.copy(child, (parent.0.view(), parent.1.view()));
                        }
                    }
                }
            }
        }
    }

    fn row(&self, row: usize) -> (ArrayView1<'_, f64>, ArrayView1<'_, f64>) {
        (self.sums.row(row), self.masses.row(row))
    }

    fn copy(&mut self, row: usize, (sums, masses): (ArrayView1<f64>, ArrayView1<f64>)) {
        self.sums.row_mut(row).assign(&sums);
        self.masses.row_mut(row).assign(&masses);
    }
}
