//! Treatments of a cluster that were not drawn independently: weights from the true second moments of treatments.
//!
//! ```text
//! a_S(A) = prod_{j in S} (A_j - p_j)     S: the sets of at most b units of a cluster, the empty one among them       (15)
//! E = E[a(A) a(A)'],   W_i = a(pi)' E^+ a(A_i),   psi_i = Ybar_i W_i                                                 (12), (13), (16)
//! ```
//!
//! Products of centred treatments span what products of treatments do, so that these are the paper's weights. Independent treatments have a
//! diagonal E, and W is the closed form of [`influence`](super::influence); with b = 1, W = 1 + (pi - p)' C^+ (A - p), C = Cov(A).
//!
//! What a design never varies, it cannot tell: where v'a(A) = 0 always, but v'a(pi) is not 0, no weights are unbiased, and the
//! pseudo-inverse gives a number all the same. So a(pi) has to lie in the range of E. Source: interference.txt, section 3.3 and 3.4, where
//! the condition is left out.

mod given;
mod moments;
mod problem;
mod solved;

pub use given::DesignRole;
pub use problem::NotEstimable;

use ndarray::Array2;

use self::moments::{Sets, Strata, gram};
use self::solved::Solved;
use super::{Clusters, Effects, Influence, Interference};

/// How the treatments of a cluster were drawn; clusters are independent.
#[derive(Clone, Debug, PartialEq)]
pub enum Design {
    /// Each unit by itself.
    Bernoulli,
    /// As many units of each stratum of a cluster as were treated in it, all sets equally likely (the stratum of each unit, N).
    Drawn(Vec<usize>),
    /// P(A_j = A_k = 1) for the units of each cluster (n matrices, M_i x M_i), P(A_j = 1) on the diagonal.
    Joint(Vec<Array2<f64>>),
}

/// What a design knows of one cluster.
pub(super) struct Cluster<'a> {
    pub index: usize,
    pub units: &'a [usize],
    pub clusters: &'a Clusters,
}

impl Design {
    /// As many units of each cluster as were treated in it, all sets equally likely.
    pub fn complete(clusters: &Clusters) -> Design {
        Design::Drawn(vec![0; clusters.units()])
    }

    /// The influence values of the rule that treats unit u where `assignment[u]`, by the closed form where treatments are independent.
    /// `effects` are read where interference is additive.
    ///
    /// # Errors
    /// [`NotEstimable`], where the rule treats in a way that the design says nothing of, and where treatments cannot be of that design.
    pub fn influence(
        &self,
        clusters: &Clusters,
        interference: Interference,
        effects: Option<&Effects>,
        assignment: &[bool],
    ) -> Result<Influence, NotEstimable> {
        match (self, interference) {
            (Design::Bernoulli, _) | (_, Interference::None) => {
                Ok(super::influence(clusters, interference, effects, assignment))
            }
            (Design::Joint(_), Interference::Anonymous | Interference::Unknown) => {
                Err(NotEstimable::OnlyPairs)
            }
            (Design::Drawn(stratum), Interference::Anonymous | Interference::Unknown) => {
                // Rules that keep the numbers are those in the range of first moments.
                self.weights(clusters, |_| 1, assignment)?;
                self.of_numbers(clusters, stratum, interference, assignment)
            }
            _ => {
                let order = |units: usize| interference.order(units);
                let weights = self.weights(clusters, order, assignment).map_err(|error| {
                    // What single units violate is plainer to say.
                    self.weights(clusters, |_| 1, assignment).err().unwrap_or(error)
                })?;
                Ok(super::influence::weighted(clusters, effects, assignment, weights))
            }
        }
    }

    /// Of a rule that treats as many of each stratum as were treated: 1 over the chance of what a cluster received, where that is what the rule
    /// says; or of what a unit received, whose number of treated others is then the rule's.
    fn of_numbers(
        &self,
        clusters: &Clusters,
        stratum: &[usize],
        interference: Interference,
        assignment: &[bool],
    ) -> Result<Influence, NotEstimable> {
        if interference == Interference::Anonymous {
            return Ok(super::influence(clusters, Interference::None, None, assignment));
        }
        let mut weights = Vec::with_capacity(clusters.count());
        for (index, units) in clusters.members.iter().enumerate() {
            let agrees = units.iter().all(|&u| clusters.treated[u] == assignment[u]);
            let strata = Strata::of(&Cluster { index, units, clusters }, stratum)?;
            weights.push(if agrees { strata.draws() } else { 0.0 });
        }
        Ok(super::influence::weighted(clusters, None, assignment, weights))
    }

    /// psi_i of treating nobody (n), and the gain of treating each unit (N), under additive interference: psi_i of a rule is their sum over
    /// the units it treats. Where the design says nothing of a rule, the sum means nothing: ask [`Design::influence`] of the rule learned.
    ///
    /// # Errors
    /// [`NotEstimable`], where treatments cannot be of the design.
    pub fn gains(
        &self,
        clusters: &Clusters,
        effects: Option<&Effects>,
    ) -> Result<(Vec<f64>, Vec<f64>), NotEstimable> {
        let means = clusters.means(|u| clusters.outcome[u]);
        let (mut nobody, mut gains) = (Vec::new(), vec![0.0; clusters.units()]);
        self.each(
            clusters,
            |_| 1,
            |cluster, solved| {
                let i = cluster.index;
                let residual = means[i] - effects.map_or(0.0, |effects| effects.fitted(clusters, i));
                // W is 1 + (pi - p)'s.
                let slopes = solved.slopes(cluster.units.len());
                let at_none: f64 =
                    cluster.units.iter().zip(&slopes).map(|(&u, s)| clusters.propensity[u] * s).sum();
                nobody.push(effects.map_or(0.0, |effects| effects.baseline[i]) + residual * (1.0 - at_none));
                for (&u, slope) in cluster.units.iter().zip(slopes) {
                    gains[u] = residual * slope + effects.map_or(0.0, |effects| effects.effect[u]);
                }
                Ok(())
            },
        )?;
        Ok((nobody, gains))
    }

    /// W of each cluster (n), with sets of at most `order(M_i)` units.
    fn weights(
        &self,
        clusters: &Clusters,
        order: impl Fn(usize) -> usize,
        assignment: &[bool],
    ) -> Result<Vec<f64>, NotEstimable> {
        let mut weights = Vec::with_capacity(clusters.count());
        self.each(clusters, order, |cluster, solved| {
            weights.push(solved.weight(cluster, assignment)?);
            Ok(())
        })?;
        Ok(weights)
    }

    /// Visits the clusters in their order; what equal moments have in common is computed once.
    fn each(
        &self,
        clusters: &Clusters,
        order: impl Fn(usize) -> usize,
        mut visit: impl FnMut(&Cluster, &mut Solved) -> Result<(), NotEstimable>,
    ) -> Result<(), NotEstimable> {
        let mut known: Vec<Solved> = Vec::new();
        for (index, units) in clusters.members.iter().enumerate() {
            let cluster = Cluster { index, units, clusters };
            let sets = Sets::of(&cluster, order(units.len()).min(units.len()))?;
            let gram = gram(self, &cluster, &sets)?;
            let at = match known.iter().position(|solved| solved.is_of(&sets, &gram)) {
                Some(at) => at,
                None => {
                    known.push(Solved::new(sets, gram, index)?);
                    known.len() - 1
                }
            };
            known[at].receive(&cluster)?;
            visit(&cluster, &mut known[at])?;
        }
        Ok(())
    }
}
