//! Fusing arms: which of many treatments do the same, so that they can be learned about together.
//!
//! ```text
//! Y_i - M0(X_i) = D_i'zeta_a + noise in arm a,  D = (1, X)          zeta_a = zeta_b: arms a and b have the same effects
//! ```
//!
//! Weights bring every arm to the same covariates ([`crate::balance`]) and a main effect M0 takes what all arms have in common
//! ([`main_effect`]). Then either the partition of the arms of least residual sum of squares is found for each number of groups ([`mod@partition`]),
//! or the coefficients of the arms are drawn together along a grid of lambda ([`path`]) and arms nearer than a threshold form [`Groups`].
//! A criterion with refitted groups chooses among the groupings ([`Criteria`]). Source: fusion.txt, sections 2.3 and 3, Algorithm 1.

mod analysis;
mod chosen;
mod comparison;
mod criteria;
mod drawn;
mod drawn_loss;
mod exact;
mod groups;
mod kept;
pub mod loss;
mod main_effect;
mod pairs;
pub mod partition;
mod path;
mod posed;
mod proof;
mod scale;
mod settings;
mod stability;

use ndarray::{Array2, Axis};
use prescribe_models::arm_moments::Moments;
use serde::{Deserialize, Serialize};

pub use analysis::{Fused, Group, compare, fuse};
pub use chosen::{At, Kind, PathPoint};
pub use comparison::{Compared, Outcome};
pub use criteria::{Criteria, Criterion, criteria};
pub use groups::Groups;
pub use main_effect::{MainEffect, main_effect, pooled_fit};
pub use pairs::pair_weights;
pub use path::{PathSettings, Problem, Step, grid, path, path_kept};
pub use scale::Scale;
pub use settings::{Choice, FusionError, Settings, Weighting};

use posed::Posed;
use stability::stability;

/// What fusion reads.
#[derive(Clone, Debug)]
pub struct Data {
    /// D = (1, X) (n x p).
    pub design: Array2<f64>,
    /// Y - M0 (n).
    pub outcome: Vec<f64>,
    /// Weights that sum to 1 in every arm (n).
    pub weights: Vec<f64>,
    /// The arm of each unit (n).
    pub arm: Vec<usize>,
    pub arms: usize,
}

impl Data {
    /// The sums of each arm.
    pub fn moments(&self) -> Vec<Moments> {
        Moments::by_arm(&self.design, &self.outcome, &self.weights, &self.arm, self.arms)
    }

    /// The same units, over some of the columns.
    pub fn over(&self, columns: &[usize]) -> Data {
        Data { design: self.design.select(Axis(1), columns), ..self.clone() }
    }
}

/// How the coefficients of two arms are drawn together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// The number of groups itself.
    #[default]
    L0,
    /// `lambda ||difference||_1`.
    Lasso,
    /// The same over `||difference||_1` of the arms' own fits.
    Adaptive,
    /// The same over the Wald statistic of the difference of the arms' own fits, scaled to a mean of 1 over pairs.
    Wald,
    /// The minimax concave penalty of the norm.
    Mcp,
    /// The smoothly clipped absolute deviation of the norm.
    Scad,
    /// The truncated norm.
    Tlp,
}

impl Penalty {
    pub const ALL: [Penalty; 7] =
        [Self::L0, Self::Lasso, Self::Adaptive, Self::Wald, Self::Mcp, Self::Scad, Self::Tlp];
}

/// Columns that are no combination of earlier ones, over all units with a weight: (1, X) without constants and copies.
pub fn independent(design: &Array2<f64>, weights: &[f64]) -> Vec<usize> {
    /// Length that is left of a dependent column, relative to its own.
    const DEPENDENT: f64 = 1e-8;
    let mut kept: Vec<usize> = Vec::new();
    let mut basis: Vec<ndarray::Array1<f64>> = Vec::new();
    for (j, column) in design.columns().into_iter().enumerate() {
        let mut rest: ndarray::Array1<f64> = column.iter().zip(weights).map(|(x, w)| x * w.sqrt()).collect();
        let length = rest.dot(&rest).sqrt();
        // Twice is enough (Kahan).
        for axis in basis.iter().chain(&basis) {
            let along = axis.dot(&rest);
            rest.scaled_add(-along, axis);
        }
        let left = rest.dot(&rest).sqrt();
        if left > DEPENDENT * length {
            kept.push(j);
            basis.push(rest / left);
        }
    }
    kept
}
