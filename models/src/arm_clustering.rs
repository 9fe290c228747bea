//! Which arms are near each other: the partition of K arms' vectors of fitted values into at most M groups of least within-group sum of squares
//! (forest.txt, sections 3.4 and 6.4; k-means).
//!
//! ```text
//! min over partitions P of {1..K}, |P| <= M   sum_{g in P} SS(g)
//! SS(g) = sum_i sum_{k in g} w_ik (y_ik - m_ig)^2        m_ig = sum_{k in g} w_ik y_ik / sum_{k in g} w_ik
//! ```
//!
//! y_ik is what arm k is fitted to do for unit i, w_ik how much that counts. Where w_ik = v_i u_k, only the distances of the arms matter,
//!
//! ```text
//! SS(g) = sum_{j < k in g} u_j u_k d_jk^2 / sum_{k in g} u_k        d_jk^2 = sum_i v_i (y_ij - y_ik)^2
//! ```
//!
//! so that the problem does not grow with the number of units. It is `arm_partition` with a column for every unit. (Where all
//! vectors lie on a line, the groups are intervals, which dynamic programming finds; nothing here supposes so.)

use ndarray::{Array2, ArrayView2};

use crate::arm_groups::{Grouping, Partition};
use crate::exact::sha256;
use crate::model::{Model, Violation};
use crate::programs::{InvalidModel, Sense};

/// A squared length of this share of the largest is rounding.
const ROUNDING: f64 = 1e-12;

/// Arms, by their fitted values, and the most groups they may form.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmClustering {
    likeness: Likeness,
    groups: usize,
}

/// What sums of squares are read from.
#[derive(Clone, Debug, PartialEq)]
enum Likeness {
    /// d^2 (K x K) and u (K).
    Distances { squares: Array2<f64>, weight: Vec<f64> },
    /// y and w (K x n).
    Cells { values: Array2<f64>, weight: Array2<f64> },
}

impl ArmClustering {
    /// Arms with fitted values `values` (n x K), where unit i counts v_i (n, none: 1 / n) and arm k counts u_k (K, none: 1).
    ///
    /// # Errors
    /// No arms, no groups, weights of another number than units or arms, numbers that are not finite, and negative weights.
    pub fn new(
        values: ArrayView2<f64>,
        units: Option<&[f64]>,
        arms: Option<&[f64]>,
        groups: usize,
    ) -> Result<Self, InvalidModel> {
        let (n, k) = values.dim();
        let of_units = units.map_or_else(|| vec![1.0 / n.max(1) as f64; n], <[f64]>::to_vec);
        let weight = arms.map_or_else(|| vec![1.0; k], <[f64]>::to_vec);
        refuse_sizes((n, k), (of_units.len(), weight.len()), groups)?;
        refuse_numbers(values.iter(), of_units.iter().chain(&weight))?;
        let mut squares = Array2::zeros((k, k));
        for (row, v) in values.rows().into_iter().zip(&of_units) {
            for a in 0..k {
                for b in 0..a {
                    squares[[a, b]] += v * (row[a] - row[b]).powi(2);
                }
            }
        }
        (0..k).for_each(|a| (0..a).for_each(|b| squares[[b, a]] = squares[[a, b]]));
        Ok(Self { likeness: Likeness::Distances { squares, weight }, groups })
    }

    /// Arms with fitted values `values` (n x K), where what unit i says of arm k counts `weight` (n x K).
    ///
    /// # Errors
    /// As [`ArmClustering::new`].
    pub fn weighted(
        values: ArrayView2<f64>,
        weight: ArrayView2<f64>,
        groups: usize,
    ) -> Result<Self, InvalidModel> {
        refuse_sizes(values.dim(), weight.dim(), groups)?;
        refuse_numbers(values.iter(), weight.iter())?;
        let by_arm = |cells: ArrayView2<f64>| cells.t().as_standard_layout().into_owned();
        Ok(Self { likeness: Likeness::Cells { values: by_arm(values), weight: by_arm(weight) }, groups })
    }

    /// The same arms in at most so many groups.
    ///
    /// # Errors
    /// No groups.
    pub fn with_groups(self, groups: usize) -> Result<Self, InvalidModel> {
        refuse_sizes((0, self.arms()), (0, self.arms()), groups)?;
        Ok(Self { groups, ..self })
    }

    /// Points (K x K) as far from each other as the arms, where distances say all and all arms count the same; trailing columns are 0 where
    /// the points lie in fewer dimensions.
    pub fn points(&self) -> Option<Array2<f64>> {
        match &self.likeness {
            Likeness::Distances { squares, weight } if weight.iter().all(|u| *u == weight[0]) => {
                Some(embedded(squares))
            }
            _ => None,
        }
    }
}

/// Points of these squared distances from the first one's place: the pivoted Cholesky root of G_jk = (d_1j^2 + d_1k^2 - d_jk^2) / 2.
fn embedded(squares: &Array2<f64>) -> Array2<f64> {
    let k = squares.nrows();
    let mut points = Array2::<f64>::zeros((k, k));
    let gram = |a: usize, b: usize| (squares[[0, a]] + squares[[0, b]] - squares[[a, b]]) / 2.0;
    let mut left: Vec<f64> = (0..k).map(|a| gram(a, a)).collect();
    let least = ROUNDING * left.iter().copied().fold(0.0, f64::max);
    for axis in 0..k {
        let pivot = (0..k).fold(0, |best, a| if left[a] > left[best] { a } else { best });
        if left[pivot] <= least {
            break;
        }
        let length = left[pivot].sqrt();
        for a in 0..k {
            let before: f64 = (0..axis).map(|j| points[[a, j]] * points[[pivot, j]]).sum();
            points[[a, axis]] = (gram(a, pivot) - before) / length;
            left[a] -= points[[a, axis]].powi(2);
        }
        left[pivot] = 0.0;
    }
    points
}

fn refuse_sizes((n, k): (usize, usize), weights: (usize, usize), groups: usize) -> Result<(), InvalidModel> {
    let refuse = |what: String| Err(InvalidModel(format!("a clustering of arms: {what}")));
    match groups {
        _ if k == 0 => refuse("there are no arms".into()),
        0 => refuse("0 groups were asked for; ask for at least 1".into()),
        _ if weights != (n, k) => {
            refuse(format!("weights of {} units and {} arms for {n} and {k}", weights.0, weights.1))
        }
        _ => Ok(()),
    }
}

fn refuse_numbers<'n>(
    mut values: impl Iterator<Item = &'n f64>,
    mut weights: impl Iterator<Item = &'n f64>,
) -> Result<(), InvalidModel> {
    let refuse = |what: String| Err(InvalidModel(format!("a clustering of arms: {what}")));
    match (values.find(|value| !value.is_finite()), weights.find(|w| !w.is_finite() || **w < 0.0)) {
        (Some(value), _) => refuse(format!("a fitted value is {value}")),
        (_, Some(weight)) => refuse(format!("a weight is {weight}; give finite ones of at least 0")),
        _ => Ok(()),
    }
}

impl Model for ArmClustering {
    type Point = Partition;

    fn name(&self) -> &'static str {
        "arm_clustering"
    }

    fn sense(&self) -> Sense {
        Sense::Minimize
    }

    fn units(&self) -> usize {
        self.arms()
    }

    /// NaN for a partition of another number of arms.
    fn objective(&self, of: &Partition) -> f64 {
        self.total(of)
    }

    fn violations(&self, of: &Partition) -> Vec<Violation> {
        self.excess(of)
    }

    /// All arms in one group.
    fn reference_value(&self) -> Option<f64> {
        Some(self.cost_of(0..self.arms()))
    }

    /// Every arm by itself.
    fn trivial_bound(&self) -> f64 {
        0.0
    }

    fn model_hash(&self) -> String {
        let groups = self.groups.to_string();
        sha256([self.name().as_bytes(), groups.as_bytes(), self.data_hash().as_bytes()])
    }

    fn data_hash(&self) -> String {
        sha256([format!("{:?}", self.likeness).as_bytes()])
    }
}

/// What the sum of squares of a group of arms is read from.
#[derive(Clone, Debug)]
pub enum Spread {
    /// The arms, sum_k u_k and sum_{j < k} u_j u_k d_jk^2.
    Pairs { arms: Vec<usize>, weight: f64, apart: f64 },
    /// sum_k w_ik and m_ig of each unit (n), and SS itself.
    Cells { weight: Vec<f64>, mean: Vec<f64>, within: f64 },
}

impl Grouping for ArmClustering {
    type Sums = Spread;

    fn arms(&self) -> usize {
        match &self.likeness {
            Likeness::Distances { weight, .. } => weight.len(),
            Likeness::Cells { values, .. } => values.nrows(),
        }
    }

    fn groups(&self) -> usize {
        self.groups
    }

    fn sums(&self, arm: usize) -> Spread {
        match &self.likeness {
            Likeness::Distances { weight, .. } => {
                Spread::Pairs { arms: vec![arm], weight: weight[arm], apart: 0.0 }
            }
            Likeness::Cells { values, weight } => Spread::Cells {
                weight: weight.row(arm).to_vec(),
                mean: values.row(arm).to_vec(),
                within: 0.0,
            },
        }
    }

    fn pooled(&self, one: &Spread, other: &Spread) -> Spread {
        match (&self.likeness, one, other) {
            (
                Likeness::Distances { squares, weight },
                Spread::Pairs { arms: left, weight: u, apart: a },
                Spread::Pairs { arms: right, weight: v, apart: b },
            ) => {
                let across = left
                    .iter()
                    .map(|&j| weight[j] * right.iter().map(|&k| weight[k] * squares[[j, k]]).sum::<f64>());
                let apart = a + b + across.sum::<f64>();
                Spread::Pairs { arms: [left.as_slice(), right].concat(), weight: u + v, apart }
            }
            (
                _,
                Spread::Cells { weight: u, mean: m, within: a },
                Spread::Cells { weight: v, mean: l, within: b },
            ) => merged_cells((u, m, *a), (v, l, *b)),
            // Sums of one model are all of one kind.
            _ => one.clone(),
        }
    }

    fn cost(&self, sums: &Spread) -> f64 {
        match sums {
            Spread::Pairs { weight, apart, .. } if *weight > 0.0 => apart / weight,
            Spread::Pairs { .. } => 0.0,
            Spread::Cells { within, .. } => *within,
        }
    }
}

/// Means of both, and the squares between them: u v / (u + v) (m - l)^2 for each unit.
fn merged_cells((u, m, a): (&[f64], &[f64], f64), (v, l, b): (&[f64], &[f64], f64)) -> Spread {
    let n = u.len();
    let (mut weight, mut mean, mut between) = (vec![0.0; n], vec![0.0; n], 0.0);
    for i in 0..n {
        weight[i] = u[i] + v[i];
        let part = if weight[i] > 0.0 { v[i] / weight[i] } else { 0.5 };
        mean[i] = m[i] + part * (l[i] - m[i]);
        between += u[i] * part * (l[i] - m[i]).powi(2);
    }
    Spread::Cells { weight, mean, within: a + b + between }
}
