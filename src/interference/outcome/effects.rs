//! What outcome models say of clusters: the mean without treatment, and what treating each unit adds to it (5).

use ndarray::Array2;

use crate::interference::Clusters;

/// g of each cluster and unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    /// g_i0 (n).
    pub baseline: Vec<f64>,
    /// g_ij (N).
    pub effect: Vec<f64>,
}

impl Effects {
    /// The mean of cluster i under an assignment.
    pub(in crate::interference) fn under(&self, clusters: &Clusters, i: usize, assignment: &[bool]) -> f64 {
        let treated = clusters.members[i].iter().filter(|u| assignment[**u]);
        self.baseline[i] + treated.map(|&u| self.effect[u]).sum::<f64>()
    }

    /// The mean of cluster i as it was treated.
    pub(in crate::interference) fn fitted(&self, clusters: &Clusters, i: usize) -> f64 {
        self.under(clusters, i, &clusters.treated)
    }

    /// From the columns (g0, g) of the units (N x 2); where units of a cluster differ in g0, their mean is taken.
    pub fn of_units(clusters: &Clusters, columns: &Array2<f64>) -> Effects {
        Effects { baseline: clusters.means(|u| columns[[u, 0]]), effect: columns.column(1).to_vec() }
    }

    /// The columns (g0, g) of the units (N x 2).
    pub fn to_units(&self, clusters: &Clusters) -> Array2<f64> {
        let mut columns = Array2::zeros((self.effect.len(), 2));
        for (units, &baseline) in clusters.members.iter().zip(&self.baseline) {
            for &u in units {
                (columns[[u, 0]], columns[[u, 1]]) = (baseline, self.effect[u]);
            }
        }
        columns
    }
}
