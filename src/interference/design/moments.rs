//! E[a_S a_T] of a cluster, for sets of units S and T.
//!
//! ```text
//! Bernoulli   prod_{j in S or T} E[(A_j - p_j)^c_j]                     c_j: in how many of S and T unit j is
//! drawn       prod over strata of  [z^s] prod_j (f_j(0) + f_j(1) z)  P(s given units of k are treated),   f_j(A) = (A - p_j)^c_j
//!             P = (m)_s (M - m)_{k-s} / (M)_k                            m of the stratum's M units are treated, k of them in S or T
//! joint       P(A_j = A_k = 1) - p_j p_k                                 sets of one unit only
//! ```

use ndarray::Array2;

use super::{Cluster, Design, NotEstimable};

/// The sets of at most b units of a cluster, by positions within it; the empty one first, then those of one unit in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sets {
    pub order: usize,
    pub sets: Vec<Vec<usize>>,
}

impl Sets {
    /// More than this take too long: at order 1, where large clusters are common, and at higher ones, where each size needs its own.
    const MOST: [usize; 2] = [1000, 400];

    pub fn of(cluster: &Cluster, order: usize) -> Result<Sets, NotEstimable> {
        let (mut sets, mut start): (Vec<Vec<usize>>, usize) = (vec![Vec::new()], 0);
        for _ in 0..order {
            let end = sets.len();
            for at in start..end {
                let next = sets[at].last().map_or(0, |last| last + 1);
                for unit in next..cluster.units.len() {
                    sets.push(sets[at].iter().copied().chain([unit]).collect());
                }
                if sets.len() > Self::MOST[usize::from(order > 1)] {
                    let units = cluster.units.len();
                    return Err(NotEstimable::TooManySets { cluster: cluster.index, units, order });
                }
            }
            start = end;
        }
        Ok(Sets { order, sets })
    }

    /// a(A) of the units treated.
    pub fn products(&self, cluster: &Cluster, treated: &[bool]) -> Vec<f64> {
        let centred = |j: &usize| {
            let u = cluster.units[*j];
            f64::from(u8::from(treated[u])) - cluster.clusters.propensity[u]
        };
        self.sets.iter().map(|set| set.iter().map(centred).product()).collect()
    }
}

/// E of a cluster (sets x sets).
pub(super) fn gram(design: &Design, cluster: &Cluster, sets: &Sets) -> Result<Array2<f64>, NotEstimable> {
    let treatments = match design {
        Design::Bernoulli => Treatments::Independent,
        Design::Drawn(stratum) => Treatments::Drawn(Strata::of(cluster, stratum)?),
        Design::Joint(_) if sets.order > 1 => return Err(NotEstimable::OnlyPairs),
        Design::Joint(matrices) => Treatments::Joint(&matrices[cluster.index]),
    };
    let size = sets.sets.len();
    let mut gram = Array2::zeros((size, size));
    for s in 0..size {
        for t in 0..=s {
            let value = treatments.moment(cluster, &powers(&sets.sets[s], &sets.sets[t]));
            (gram[[s, t]], gram[[t, s]]) = (value, value);
        }
    }
    Ok(gram)
}

/// How the treatments of one cluster were drawn.
enum Treatments<'a> {
    Independent,
    Drawn(Strata),
    Joint(&'a Array2<f64>),
}

impl Treatments<'_> {
    /// E[prod_j (A_j - p_j)^c_j]
    fn moment(&self, cluster: &Cluster, powers: &[(usize, i32)]) -> f64 {
        match self {
            Self::Independent => powers.iter().map(|&(j, c)| alone(cluster, j, c)).product(),
            Self::Drawn(strata) => strata.moment(cluster, powers),
            Self::Joint(joint) => pair(cluster, joint, powers),
        }
    }
}

/// The units of two sets, each with the number of sets it is in.
fn powers(first: &[usize], second: &[usize]) -> Vec<(usize, i32)> {
    let mut powers: Vec<(usize, i32)> =
        first.iter().map(|j| (*j, 1 + i32::from(second.contains(j)))).collect();
    powers.extend(second.iter().filter(|j| !first.contains(j)).map(|&j| (j, 1)));
    powers
}

/// E[(A_j - p_j)^c]
fn alone(cluster: &Cluster, j: usize, c: i32) -> f64 {
    let p = cluster.clusters.propensity[cluster.units[j]];
    if c == 1 { 0.0 } else { p * (1.0 - p) }
}

fn pair(cluster: &Cluster, joint: &Array2<f64>, powers: &[(usize, i32)]) -> f64 {
    let p = |j: usize| cluster.clusters.propensity[cluster.units[j]];
    match *powers {
        [] => 1.0,
        [(j, c)] => alone(cluster, j, c),
        [(j, _), (k, _), ..] => joint[[j, k]] - p(j) * p(k),
    }
}

/// The strata of a cluster.
pub(super) struct Strata {
    /// The stratum of each unit of the cluster (M), from 0.
    of: Vec<usize>,
    /// Units, and treated ones, of each stratum.
    sizes: Vec<(usize, usize)>,
}

impl Strata {
    /// # Errors
    /// Where the propensity of a unit is not the share of its stratum that was treated.
    pub fn of(cluster: &Cluster, stratum: &[usize]) -> Result<Strata, NotEstimable> {
        /// Propensities typed with few digits are not the shares.
        const TOLERANCE: f64 = 1e-9;
        let mut names: Vec<usize> = cluster.units.iter().map(|&u| stratum[u]).collect();
        names.sort_unstable();
        names.dedup();
        let of: Vec<usize> =
            cluster.units.iter().map(|&u| names.partition_point(|&name| name < stratum[u])).collect();
        let mut sizes = vec![(0, 0); names.len()];
        for (&s, &u) in of.iter().zip(cluster.units) {
            sizes[s].0 += 1;
            sizes[s].1 += usize::from(cluster.clusters.treated[u]);
        }
        for (&s, &u) in of.iter().zip(cluster.units) {
            let ((units, treated), propensity) = (sizes[s], cluster.clusters.propensity[u]);
            if (treated as f64 / units as f64 - propensity).abs() > TOLERANCE {
                return Err(NotEstimable::Share { unit: u, units, treated, propensity });
            }
        }
        Ok(Strata { of, sizes })
    }

    /// In how many ways as many units can be treated in each stratum.
    pub fn draws(&self) -> f64 {
        let of_stratum = |&(units, treated): &(usize, usize)| {
            (0..treated).map(|i| (units - i) as f64 / (treated - i) as f64).product::<f64>()
        };
        self.sizes.iter().map(of_stratum).product()
    }

    fn moment(&self, cluster: &Cluster, powers: &[(usize, i32)]) -> f64 {
        let of_stratum = |s: usize| {
            let (units, treated) = self.sizes[s];
            // By how many of the units in question are treated.
            let mut coefficients = vec![1.0];
            for &(j, c) in powers.iter().filter(|(j, _)| self.of[*j] == s) {
                let p = cluster.clusters.propensity[cluster.units[j]];
                let (without, with) = ((-p).powi(c), (1.0 - p).powi(c));
                let mut next = vec![0.0; coefficients.len() + 1];
                for (k, coefficient) in coefficients.iter().enumerate() {
                    next[k] += without * coefficient;
                    next[k + 1] += with * coefficient;
                }
                coefficients = next;
            }
            let k = coefficients.len() - 1;
            let chance = |s: usize| falling(treated, s) * falling(units - treated, k - s) / falling(units, k);
            coefficients.iter().enumerate().map(|(s, coefficient)| coefficient * chance(s)).sum::<f64>()
        };
        (0..self.sizes.len()).map(of_stratum).product()
    }
}

/// n (n - 1) .. (n - k + 1)
fn falling(n: usize, k: usize) -> f64 {
    (0..k).map(|i| n as f64 - i as f64).map(|factor| factor.max(0.0)).product()
}
