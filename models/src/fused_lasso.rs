//! Least squares within arms, whose coefficients are drawn together pair by pair.
//!
//! ```text
//! min over zeta in R^(K x p)   (1/2) sum_a (s_a - 2 c_a'zeta_a + zeta_a'G_a zeta_a) + sum_{a<b} t_ab ||zeta_a - zeta_b||_1
//! ```
//!
//! with the sums G_a, c_a, s_a of each arm ([`Moments`]) and limits t_ab >= 0: lambda for the plain lasso, lambda T_ab where pairs have
//! weights (adaptive, Wald). Source: fusion.txt, objective (3), without its factor 1/(2n), which divides lambda by n. Convex.
//!
//! The dual over v_ab in [-t_ab, t_ab]^p, with q_a = sum_{b>a} v_ab - sum_{b<a} v_ba in c_a + range(G_a):
//!
//! ```text
//! (1/2) sum_a s_a - (1/2) sum_a (c_a - q_a)' G_a^+ (c_a - q_a)  <=  the optimum
//! ```

use ndarray::Array2;

use crate::arm_moments::Moments;
use crate::exact::sum;
use crate::model::{ConicForm, Model};
use crate::pair_fusion::{self, PairFusion, bytes, coefficients, penalise, penalty};
use crate::programs::{Cone, ConicProgram, InvalidModel};

pub use crate::pair_fusion::{distance, pairs};

/// The problem; limits stand in the order (0, 1), (0, 2), .., (1, 2), ..
#[derive(Clone, Debug, PartialEq)]
pub struct FusedLasso {
    moments: Vec<Moments>,
    limits: Vec<f64>,
}

impl FusedLasso {
    /// # Errors
    /// Fewer than two arms, arms of different width, limits that are not one for each pair, a number that is not finite, a
    /// negative limit, a negative diagonal entry of some G_a.
    pub fn new(moments: Vec<Moments>, limits: Vec<f64>) -> Result<Self, InvalidModel> {
        check(&moments, &limits)?;
        Ok(Self { moments, limits })
    }

    /// The same limit lambda for every pair.
    ///
    /// # Errors
    /// As [`FusedLasso::new`].
    pub fn plain(moments: Vec<Moments>, lambda: f64) -> Result<Self, InvalidModel> {
        let limits = vec![lambda; pairs(moments.len()).count()];
        Self::new(moments, limits)
    }

    pub fn moments(&self) -> &[Moments] {
        &self.moments
    }

    pub fn limits(&self) -> &[f64] {
        &self.limits
    }

    /// Number of arms and of columns.
    pub fn shape(&self) -> (usize, usize) {
        shape(&self.moments)
    }
}

/// The terms of the loss.
pub(crate) fn loss<'m>(moments: &'m [Moments], zeta: &'m Array2<f64>) -> impl Iterator<Item = f64> + 'm {
    moments.iter().zip(zeta.rows()).map(|(arm, row)| arm.rss_at(&row.to_owned()) / 2.0)
}

pub(crate) fn shape(moments: &[Moments]) -> (usize, usize) {
    (moments.len(), moments.first().map_or(0, |arm| arm.cross.len()))
}

pub(crate) fn check(moments: &[Moments], limits: &[f64]) -> Result<(), InvalidModel> {
    let refuse = |what: String| Err(InvalidModel(what));
    let (arms, p) = shape(moments);
    if let Some(a) = moments.iter().position(|arm| arm.cross.len() != p || arm.gram.dim() != (p, p)) {
        return refuse(format!("arm {a} has other columns than arm 0"));
    }
    pair_fusion::check((arms, p), limits)?;
    for (a, arm) in moments.iter().enumerate() {
        let numbers = arm.gram.iter().chain(&arm.cross).chain([&arm.square]);
        if let Some(value) = numbers.copied().find(|value| !value.is_finite()) {
            return refuse(format!("a sum of arm {a} is {value}"));
        }
        if arm.gram.diag().iter().any(|&d| d < 0.0) {
            return refuse(format!("arm {a} has a negative sum of squares; weights must be at least 0"));
        }
    }
    Ok(())
}

/// The least squares of each arm alone.
pub(crate) fn least_loss(moments: &[Moments]) -> f64 {
    sum(moments.iter().map(|arm| arm.rss() / 2.0))
}

/// The bytes of the sums.
pub(crate) fn data(moments: &[Moments]) -> Vec<u8> {
    bytes(moments.iter().flat_map(|arm| arm.gram.iter().chain(&arm.cross).chain([&arm.square])))
}

impl PairFusion for FusedLasso {
    const NAME: &'static str = "fused_lasso";

    fn dimensions(&self) -> (usize, usize) {
        self.shape()
    }

    fn value(&self, zeta: &Array2<f64>) -> f64 {
        sum(loss(&self.moments, zeta).chain(penalty(&self.limits, zeta)))
    }

    fn least_loss(&self) -> f64 {
        least_loss(&self.moments)
    }

    fn parameters(&self) -> Vec<u8> {
        bytes(&self.limits)
    }

    fn data(&self) -> Vec<u8> {
        data(&self.moments)
    }
}

impl ConicForm for FusedLasso {
    /// Columns are zeta, arm by arm, then `|zeta_aj - zeta_bj| <= h_abj` for each pair with a limit above 0.
    fn conic(&self) -> ConicProgram {
        let (_, p) = self.shape();
        let mut program = ConicProgram {
            name: self.name().into(),
            p: Vec::new(),
            q: Vec::new(),
            a: Vec::new(),
            b: Vec::new(),
            cones: Vec::new(),
            offset: sum(self.moments.iter().map(|arm| arm.square / 2.0)),
        };
        for (k, arm) in self.moments.iter().enumerate() {
            let upper = (0..p).flat_map(|i| (i..p).map(move |j| (i, j)));
            program.p.extend(upper.map(|(i, j)| (k * p + i, k * p + j, arm.gram[[i, j]])));
            program.q.extend(arm.cross.iter().map(|c| -c));
        }
        let rows = penalise(&mut program, self.shape(), &self.limits);
        program.cones.push(Cone::Nonnegative(rows));
        program
    }

    fn point(&self, columns: &[f64]) -> Array2<f64> {
        coefficients(self.shape(), columns)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};

    use super::*;

    /// An arm of `weight` with mean `mean` and sum of squares about it `rest`.
    fn mean(weight: f64, mean: f64, rest: f64) -> Moments {
        Moments {
            gram: array![[weight]],
            cross: Array1::from(vec![weight * mean]),
            square: weight * mean * mean + rest,
        }
    }

    #[test]
    fn the_objective_is_the_formula() {
        let model = FusedLasso::plain(vec![mean(2.0, 1.0, 3.0), mean(4.0, -1.0, 1.0)], 0.5).unwrap();
        // (1/2)(3 + 2 (1 - 2)^2) + (1/2)(1 + 4 (-1 - 0)^2) + 0.5 |2 - 0|
        assert_eq!(model.objective(&array![[2.0], [0.0]]), 2.5 + 2.5 + 1.0);
        assert!(model.objective(&array![[2.0]]).is_nan());
        assert_eq!(model.violations(&array![[2.0]])[0].constraint, "shape");
    }

    #[test]
    fn what_is_no_problem_is_refused() {
        let arms = || vec![mean(1.0, 0.0, 0.0), mean(1.0, 1.0, 0.0)];
        let refusal = |result: Result<FusedLasso, InvalidModel>| result.unwrap_err().to_string();
        assert!(refusal(FusedLasso::new(arms(), vec![1.0; 2])).contains("2 limits for 1 pairs"));
        assert!(refusal(FusedLasso::plain(arms(), -1.0)).contains("at least 0"));
        assert!(refusal(FusedLasso::plain(arms(), f64::NAN)).contains("NaN"));
        assert!(refusal(FusedLasso::plain(arms()[..1].to_vec(), 1.0)).contains("two arms"));
        assert!(
            refusal(FusedLasso::plain(vec![mean(1.0, f64::NAN, 0.0), mean(1.0, 0.0, 0.0)], 1.0))
                .contains("arm 0")
        );
    }
}
