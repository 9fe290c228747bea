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

use super::{Clusters, Effects, Interference, gains, influence, treated};
use crate::data::{DataError, Study};
use crate::score::Direction;

/// Gamma (N x 2); none where the value is no sum of gains. A unit that may not get an arm has the reward of the other.
///
/// # Errors
/// Kind `Data` where a reward is not finite.
pub fn rewards(
    study: &Study,
    clusters: &Clusters,
    interference: Interference,
    effects: Option<&Effects>,
    direction: Direction,
) -> Result<Option<Array2<f64>>, DataError> {
    let Some(gains) = gains(clusters, interference, effects) else { return Ok(None) };
    let nobody = influence(clusters, interference, effects, &vec![false; clusters.units()]).psi;
    let costs = costs(study);
    let may_be = [0, 1].map(|arm| treated(study, &vec![arm; clusters.units()]));
    let mut rewards = Array2::zeros((clusters.units(), 2));
    for (units, psi) in clusters.members.iter().zip(nobody) {
        let size = units.len() as f64;
        for &u in units {
            let without = direction.sign() * psi / size;
            let with = without + direction.sign() * gains[u] - costs[u] / size;
            for (arm, may_be) in may_be.iter().enumerate() {
                rewards[[u, arm]] = if may_be[u] { with } else { without };
            }
        }
    }
    study.check_matrix("the reward matrix", &rewards)?;
    Ok(Some(rewards))
}

/// What treating each unit costs beyond not treating it (N).
pub fn costs(study: &Study) -> Vec<f64> {
    (0..study.units()).map(|u| study.costs[[u, 1]] - study.costs[[u, 0]]).collect()
}
