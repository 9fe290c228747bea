//! The influence value of each cluster, whose mean estimates the value of a rule, and the gain of treating each unit.
//!
//! ```text
//! additive       psi_i = Ybar_i W_i,   W_i = 1 + sum_j rho_ij                                                       (8)
//! order b        psi_i = Ybar_i sum_{k <= b} e_k(rho_i1, .., rho_iM)         e_k: elementary symmetric polynomial    (14)-(16)
//! unknown        psi_i = Ybar_i prod_j 1{A_ij = pi_ij} / e_ij(A_ij)                                                  (4)
//! anonymous      psi_i = (1/M_i) sum_j Y_ij 1{A_ij = pi_ij, s_ij = t_ij} / (e_ij(A_ij) P(sum_{k != j} A_ik = s_ij))
//! none           psi_i = (1/M_i) sum_j Y_ij 1{A_ij = pi_ij} / e_ij(A_ij)
//! with outcome models   psi_i = g_i0 + sum_j g_ij pi_ij + (Ybar_i - g_i0 - sum_j g_ij A_ij) W_i                      (22)
//! ```
//!
//! with s_ij, t_ij the numbers of others who are treated, and whom the rule treats. Order M is `unknown`, as is every order in smaller
//! clusters. Sums of unit gains are all there is to `additive` and `none`: V(pi) = V(nobody) + (1/n) sum_ij gain_ij pi_ij (20), (48).

use super::{Clusters, Effects, Interference};

/// What the clusters say of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Influence {
    /// psi_i (n).
    pub psi: Vec<f64>,
    /// The weights that outcomes get: of each cluster (n), or of each unit (N) where interference is none or anonymous.
    pub weights: Vec<f64>,
}

impl Influence {
    /// (sum w)^2 / sum w^2; 0 where all weights are 0.
    pub fn effective_size(&self) -> f64 {
        // Relative to the largest, squares stay finite.
        let largest = self.weights.iter().fold(0.0_f64, |most, w| most.max(w.abs()));
        if largest == 0.0 {
            return 0.0;
        }
        let scaled = || self.weights.iter().map(|w| w / largest);
        scaled().sum::<f64>().powi(2) / scaled().map(|w| w * w).sum::<f64>()
    }
}

/// The influence values of the rule that treats unit u where `assignment[u]`; `effects` are read where interference is additive.
pub fn influence(
    clusters: &Clusters,
    interference: Interference,
    effects: Option<&Effects>,
    assignment: &[bool],
) -> Influence {
    match interference {
        Interference::None => by_unit(clusters, assignment, |_, _| 1.0),
        Interference::Anonymous => {
            by_unit(clusters, assignment, |units, j| others(clusters, assignment, units, j))
        }
        _ => by_cluster(clusters, interference, effects, assignment),
    }
}

/// The gain of treating each unit (N): what it adds to psi of its cluster.
pub fn gains(clusters: &Clusters, interference: Interference, effects: Option<&Effects>) -> Option<Vec<f64>> {
    let mut gains = vec![0.0; clusters.units()];
    let means = clusters.means(|u| clusters.outcome[u]);
    for (i, units) in clusters.members.iter().enumerate() {
        let residual = means[i] - effects.map_or(0.0, |effects| effects.fitted(clusters, i));
        for &u in units {
            let p = clusters.propensity[u];
            let contrast = if clusters.treated[u] { 1.0 / p } else { -1.0 / (1.0 - p) };
            gains[u] = match interference {
                Interference::None => clusters.outcome[u] / units.len() as f64 * contrast,
                Interference::Additive => {
                    residual * contrast + effects.map_or(0.0, |effects| effects.effect[u])
                }
                _ => return None,
            };
        }
    }
    Some(gains)
}

fn by_cluster(
    clusters: &Clusters,
    interference: Interference,
    effects: Option<&Effects>,
    assignment: &[bool],
) -> Influence {
    let means = clusters.means(|u| clusters.outcome[u]);
    let weight = |units: &Vec<usize>| match interference {
        Interference::Unknown => product(clusters, assignment, units),
        Interference::Polynomial(order) if order >= units.len() => product(clusters, assignment, units),
        Interference::Polynomial(order) => {
            symmetric(units.iter().map(|&u| rho(clusters, assignment, u)), order)
        }
        _ => 1.0 + units.iter().map(|&u| rho(clusters, assignment, u)).sum::<f64>(),
    };
    let weights: Vec<f64> = clusters.members.iter().map(weight).collect();
    let psi = |(i, weight): (usize, &f64)| match effects {
        None => means[i] * weight,
        Some(effects) => {
            effects.under(clusters, i, assignment) + (means[i] - effects.fitted(clusters, i)) * weight
        }
    };
    Influence { psi: weights.iter().enumerate().map(psi).collect(), weights }
}

fn by_unit(clusters: &Clusters, assignment: &[bool], factor: impl Fn(&[usize], usize) -> f64) -> Influence {
    let mut weights = vec![0.0; clusters.units()];
    for units in &clusters.members {
        for (j, &u) in units.iter().enumerate().filter(|(_, u)| clusters.treated[**u] == assignment[**u]) {
            weights[u] = factor(units, j) / clusters.chance(u);
        }
    }
    Influence { psi: clusters.means(|u| clusters.outcome[u] * weights[u]), weights }
}

fn rho(clusters: &Clusters, assignment: &[bool], unit: usize) -> f64 {
    let agrees = clusters.treated[unit] == assignment[unit];
    if agrees { 1.0 / clusters.chance(unit) - 1.0 } else { -1.0 }
}

/// 1 over the chance of what a cluster received; 0 where the rule says otherwise.
fn product(clusters: &Clusters, assignment: &[bool], units: &[usize]) -> f64 {
    if units.iter().any(|&u| clusters.treated[u] != assignment[u]) {
        return 0.0;
    }
    1.0 / received_chance(clusters, units)
}

/// The chance of what a cluster received, by logarithms.
pub(super) fn received_chance(clusters: &Clusters, units: &[usize]) -> f64 {
    units.iter().map(|&u| clusters.chance(u).ln()).sum::<f64>().exp()
}

/// sum_{k <= order} e_k
fn symmetric(values: impl Iterator<Item = f64>, order: usize) -> f64 {
    let mut polynomials = vec![0.0; order + 1];
    polynomials[0] = 1.0;
    for value in values {
        for k in (1..=order).rev() {
            polynomials[k] += value * polynomials[k - 1];
        }
    }
    polynomials.iter().sum()
}

/// 1{s_ij = t_ij} / P(sum_{k != j} A_ik = s_ij)
fn others(clusters: &Clusters, assignment: &[bool], units: &[usize], j: usize) -> f64 {
    let number = |labels: &[bool]| units.iter().enumerate().filter(|(k, u)| *k != j && labels[**u]).count();
    if number(assignment) != number(&clusters.treated) {
        return 0.0;
    }
    1.0 / neighbours_chance(clusters, units, j)
}

/// P(sum_{k != j} A_ik = s_ij)
pub(super) fn neighbours_chance(clusters: &Clusters, units: &[usize], j: usize) -> f64 {
    let rest = || units.iter().enumerate().filter(move |(k, _)| *k != j).map(|(_, &u)| u);
    let treated = rest().filter(|&u| clusters.treated[u]).count();
    // The distribution of the number of treated, one unit after the other.
    let mut chances = vec![0.0; treated + 1];
    chances[0] = 1.0;
    for u in rest() {
        let p = clusters.propensity[u];
        for s in (0..=treated).rev() {
            let fewer = if s > 0 { chances[s - 1] } else { 0.0 };
            chances[s] = chances[s] * (1.0 - p) + fewer * p;
        }
    }
    chances[treated]
}
