//! What a cluster is worth at labels of its units, and the most it can be worth with some of them open.

use super::{Cluster, Interaction};

impl Cluster {
    /// f(p) - c(sum p) at the labels `treated` (M).
    pub fn value(&self, treated: &[bool]) -> f64 {
        let agrees = || self.received.iter().zip(treated).map(|(received, treated)| received == treated);
        let earned = match &self.interaction {
            Interaction::Unknown { weight } => {
                if agrees().all(|agrees| agrees) {
                    *weight
                } else {
                    0.0
                }
            }
            Interaction::Polynomial { weight, order, chances } => {
                let rho = agrees().zip(chances).map(|(agrees, chance)| rho(agrees, *chance));
                weight * symmetric(rho, *order)
            }
            Interaction::Anonymous { weights } => match count(treated) == count(&self.received) {
                true => agrees().zip(weights).filter(|(agrees, _)| *agrees).map(|(_, weight)| weight).sum(),
                false => 0.0,
            },
        };
        earned - self.joint_cost.get(count(treated)).unwrap_or(&0.0)
    }

    /// A number that f(p) - c(sum p) does not exceed under any labels that agree with those that are `fixed` (M): the maximum where units are
    /// unknown or anonymous and joint decisions cost nothing.
    pub fn most(&self, fixed: &[Option<bool>]) -> f64 {
        let open = fixed.iter().filter(|label| label.is_none()).count();
        let may_agree =
            || self.received.iter().zip(fixed).all(|(a, label)| label.is_none_or(|label| label == *a));
        let earned = match &self.interaction {
            Interaction::Unknown { weight } if may_agree() && (open == 0 || *weight > 0.0) => *weight,
            Interaction::Unknown { .. } => 0.0,
            Interaction::Polynomial { weight, order, chances } => {
                let range = |((received, label), chance): ((&bool, &Option<bool>), &f64)| match label {
                    Some(label) => [rho(label == received, *chance); 2],
                    None => [false, true].map(|agrees| rho(agrees, *chance)),
                };
                let ranges = self.received.iter().zip(fixed).zip(chances).map(range);
                symmetric_range(ranges, *order).map(|end| weight * end).into_iter().fold(f64::MIN, f64::max)
            }
            Interaction::Anonymous { weights } => self.most_of_units(weights, fixed, open),
        };
        let sure = fixed.iter().filter(|label| **label == Some(true)).count();
        let least = self.joint_cost.iter().skip(sure).take(open + 1).copied().fold(f64::INFINITY, f64::min);
        earned - if self.joint_cost.is_empty() { 0.0 } else { least }
    }

    /// The most that `weights` of agreeing units add up to where as many are treated as received it, or 0 where another number is possible.
    fn most_of_units(&self, weights: &[f64], fixed: &[Option<bool>], open: usize) -> f64 {
        let otherwise = if open > 0 { 0.0 } else { f64::NEG_INFINITY };
        let sure = fixed.iter().filter(|label| **label == Some(true)).count();
        let wanted = count(&self.received);
        if wanted < sure || wanted > sure + open {
            return 0.0;
        }
        // Treating nobody who is open, and what treating each of them changes.
        let (mut total, mut changes) = (0.0, Vec::with_capacity(open));
        for ((received, label), weight) in self.received.iter().zip(fixed).zip(weights) {
            total += if label.unwrap_or(false) == *received { *weight } else { 0.0 };
            changes.extend(label.is_none().then_some(if *received { *weight } else { -weight }));
        }
        changes.sort_unstable_by(|a, b| b.total_cmp(a));
        (total + changes[..wanted - sure].iter().sum::<f64>()).max(otherwise)
    }
}

pub(super) fn count(labels: &[bool]) -> usize {
    labels.iter().filter(|label| **label).count()
}

pub(super) fn rho(agrees: bool, chance: f64) -> f64 {
    if agrees { 1.0 / chance - 1.0 } else { -1.0 }
}

/// sum_{k <= order} e_k
pub(super) fn symmetric(values: impl Iterator<Item = f64>, order: usize) -> f64 {
    let mut polynomials = vec![0.0; order + 1];
    polynomials[0] = 1.0;
    for value in values {
        for k in (1..=order).rev() {
            polynomials[k] += value * polynomials[k - 1];
        }
    }
    polynomials.iter().sum()
}

/// An interval that holds sum_{k <= order} e_k over values in intervals.
pub(super) fn symmetric_range(ranges: impl Iterator<Item = [f64; 2]>, order: usize) -> [f64; 2] {
    let mut polynomials = vec![[0.0; 2]; order + 1];
    polynomials[0] = [1.0; 2];
    for [low, high] in ranges {
        for k in (1..=order).rev() {
            let [a, b] = polynomials[k - 1];
            let products = [low * a, low * b, high * a, high * b];
            polynomials[k][0] += products.iter().copied().fold(f64::INFINITY, f64::min);
            polynomials[k][1] += products.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        }
    }
    polynomials.iter().fold([0.0; 2], |[low, high], [a, b]| [low + a, high + b])
}
