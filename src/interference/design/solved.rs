//! E^+ of a cluster, by the eigenvectors of E scaled to a unit diagonal, and what of a rule lies in its range.

use ndarray::{Array1, Array2};

use super::moments::Sets;
use super::{Cluster, NotEstimable};
use crate::nuisance::Directions;

/// Eigenvalues below this share of the largest are rounding error: the design never varies in their direction.
const EMPTY: f64 = 1e-9;
/// A vector with no larger a share outside the range lies in it.
const OUTSIDE: f64 = 1e-6;

pub(super) struct Solved {
    sets: Sets,
    gram: Array2<f64>,
    /// The roots of the diagonal of E.
    scale: Array1<f64>,
    directions: Directions,
    /// Eigenvalues, in the order of the directions.
    values: Array1<f64>,
    /// E^+ a(A) of the cluster at hand.
    dual: Array1<f64>,
}

impl Solved {
    /// # Errors
    /// Where E has a negative eigenvalue: no treatments have such moments.
    pub fn new(sets: Sets, gram: Array2<f64>, cluster: usize) -> Result<Solved, NotEstimable> {
        let scale = gram.diag().mapv(|value| if value > 0.0 { value.sqrt() } else { 1.0 });
        let scaled = Array2::from_shape_fn(gram.dim(), |(s, t)| gram[[s, t]] / (scale[s] * scale[t]));
        let directions = Directions::above(scaled.view(), EMPTY);
        let values: Array1<f64> =
            directions.v.columns().into_iter().zip(directions.w.columns()).map(|(v, w)| v.dot(&w)).collect();
        if values.iter().any(|value| *value < 0.0) {
            return Err(NotEstimable::NoDistribution { cluster });
        }
        let dual = Array1::zeros(scale.len());
        Ok(Solved { sets, gram, scale, directions, values, dual })
    }

    pub fn is_of(&self, sets: &Sets, gram: &Array2<f64>) -> bool {
        self.sets == *sets && self.gram == *gram
    }

    /// Takes in what a cluster received.
    ///
    /// # Errors
    /// Where that cannot be under the design.
    pub fn receive(&mut self, cluster: &Cluster) -> Result<(), NotEstimable> {
        let received = self.scaled(cluster, &cluster.clusters.treated);
        if let Some(outside) = self.outside(&received) {
            return Err(self.never(cluster, &outside, &cluster.clusters.treated, true));
        }
        let v = &self.directions.v;
        self.dual = v.dot(&(v.t().dot(&received) / &self.values)) / &self.scale;
        Ok(())
    }

    /// W of a rule in the cluster at hand.
    ///
    /// # Errors
    /// Where a(pi) is not in the range of E.
    pub fn weight(&self, cluster: &Cluster, assignment: &[bool]) -> Result<f64, NotEstimable> {
        let scaled = self.scaled(cluster, assignment);
        match self.outside(&scaled) {
            Some(outside) => Err(self.never(cluster, &outside, assignment, false)),
            None => Ok((scaled * &self.scale).dot(&self.dual)),
        }
    }

    /// C^+ (A - p) (M), of sets of at most one unit.
    pub fn slopes(&self, units: usize) -> Vec<f64> {
        self.dual.iter().skip(1).take(units).copied().collect()
    }

    fn scaled(&self, cluster: &Cluster, treated: &[bool]) -> Array1<f64> {
        Array1::from(self.sets.products(cluster, treated)) / &self.scale
    }

    /// What of a vector is not in the range, if more than rounding error.
    fn outside(&self, vector: &Array1<f64>) -> Option<Array1<f64>> {
        let v = &self.directions.v;
        let outside = vector - &v.dot(&v.t().dot(vector));
        (outside.dot(&outside) > OUTSIDE * OUTSIDE * vector.dot(vector)).then_some(outside)
    }

    /// The combination of treatments that never varies, with what it always is and what the assignment makes of it.
    fn never(
        &self,
        cluster: &Cluster,
        outside: &Array1<f64>,
        assignment: &[bool],
        received: bool,
    ) -> NotEstimable {
        let coefficients = outside / &self.scale;
        let singles = 1..=cluster.units.len();
        let in_singles = singles.clone().map(|s| outside[s].powi(2)).sum::<f64>();
        // A direction of single units is the plainest to say; products of more only come in with a higher order.
        let plain = in_singles > (1.0 - OUTSIDE) * outside.dot(outside);
        let largest = singles
            .clone()
            .map(|s| coefficients[s])
            .fold(0.0_f64, |most, c| if c.abs() > most.abs() { c } else { most });
        let terms: Vec<(usize, f64)> = singles
            .map(|s| (cluster.units[s - 1], coefficients[s] / largest))
            .filter(|(_, coefficient)| plain && coefficient.abs() > OUTSIDE)
            .collect();
        let sum = |of: &dyn Fn(usize) -> f64| terms.iter().map(|&(u, c)| c * of(u)).sum::<f64>();
        NotEstimable::Never {
            cluster: cluster.index,
            received,
            always: sum(&|u| cluster.clusters.propensity[u]),
            becomes: sum(&|u| f64::from(u8::from(assignment[u]))),
            terms,
        }
    }
}
