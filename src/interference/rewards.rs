//! Sums of unit gains as the rewards of a policy problem over two arms.
//!
//! ```text
//! Gamma_u0 = +-psi_i(nobody) / M_i,     Gamma_u1 = Gamma_u0 +- gain_u - c_u / M_i         unit u of cluster i      (20), (28), (48)
//! (1/n) sum_u Gamma_{u, pi_u} = +-V(pi) - (1/n) sum_i (1/M_i) sum_{u in i} c_u pi_u
//! ```
//!
//! over all units of n whole clusters, + where outcomes are maximised and - where they are minimised; c_u is what treating costs beyond not
//! treating. Source: interference.txt, sections 3.3 and 4.2.

use ndarray::Array2;

use super::{Clusters, Effects, Interference, Valued, gains, influence, treated};
use crate::data::{DataError, Study};
use crate::score::Direction;

/// Whether the value is a sum of gains of units; else it is one of clusters, and rewards hold the costs alone.
pub fn sums_gains(interference: Interference) -> bool {
    matches!(interference, Interference::None | Interference::Additive)
}

/// Gamma (N x 2), without psi and gains where the value is no sum of gains ([`sums_gains`]). A unit that may not get an arm has the reward of
/// the other.
///
/// # Errors
/// Kind `Data` where a reward is not finite.
pub fn rewards(
    study: &Study,
    clusters: &Clusters,
    interference: Interference,
    effects: Option<&Effects>,
    direction: Direction,
) -> Result<Array2<f64>, DataError> {
    let valued = Valued { clusters, interference, effects, sign: direction.sign(), costs: &costs(study) };
    let if_treated = valued.rewards();
    let may_be = [0, 1].map(|arm| treated(study, &vec![arm; clusters.units()]));
    let reward = |(u, arm): (usize, usize)| if_treated[[u, usize::from(may_be[arm][u])]];
    let rewards = Array2::from_shape_fn((clusters.units(), 2), reward);
    study.check_matrix("the reward matrix", &rewards)?;
    Ok(rewards)
}

impl Valued<'_> {
    /// Gamma (N x 2) where every unit may get either arm.
    pub(super) fn rewards(&self) -> Array2<f64> {
        let Valued { clusters, interference, effects, sign, costs } = *self;
        let units = clusters.units();
        let (gains, nobody) = match gains(clusters, interference, effects) {
            Some(gains) => (gains, influence(clusters, interference, effects, &vec![false; units]).psi),
            None => (vec![0.0; units], vec![0.0; clusters.count()]),
        };
        let mut rewards = Array2::zeros((units, 2));
        for (units, psi) in clusters.members.iter().zip(nobody) {
            let size = units.len() as f64;
            for &u in units {
                rewards[[u, 0]] = sign * psi / size;
                rewards[[u, 1]] = rewards[[u, 0]] + sign * gains[u] - costs[u] / size;
            }
        }
        rewards
    }
}

/// What treating each unit costs beyond not treating it (N).
pub fn costs(study: &Study) -> Vec<f64> {
    (0..study.units()).map(|u| study.costs[[u, 1]] - study.costs[[u, 0]]).collect()
}
