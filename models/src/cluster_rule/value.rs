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
    /// unknown or anonymous, or of order 2 and positive weight, and joint decisions cost nothing.
    pub fn most(&self, fixed: &[Option<bool>]) -> f64 {
        let open = fixed.iter().filter(|label| label.is_none()).count();
        let earned = match &self.interaction {
            Interaction::Unknown { weight } if self.may_agree(fixed) && (open == 0 || *weight > 0.0) => {
                *weight
            }
            Interaction::Unknown { .. } => 0.0,
            Interaction::Polynomial { weight, order, chances } => {
                let range = |((received, label), chance): ((&bool, &Option<bool>), &f64)| match label {
                    Some(label) => [rho(label == received, *chance); 2],
                    None => [false, true].map(|agrees| rho(agrees, *chance)),
                };
                let ranges: Vec<[f64; 2]> = self.received.iter().zip(fixed).zip(chances).map(range).collect();
                match (order, *weight > 0.0) {
                    (2, true) => weight * most_of_pairs(&ranges),
                    (2, false) => weight * least_of_pairs(&ranges),
                    (_, positive) => weight * symmetric_range(&ranges, *order)[usize::from(positive)],
                }
            }
            Interaction::Anonymous { weights } => self.most_of_units(weights, fixed, open),
        };
        let sure = fixed.iter().filter(|label| **label == Some(true)).count();
        let least = self.joint_cost.iter().skip(sure).take(open + 1).copied().fold(f64::INFINITY, f64::min);
        earned - if self.joint_cost.is_empty() { 0.0 } else { least }
    }

    /// Whether the labels that are not `fixed` (M) change nothing.
    pub fn is_settled(&self, fixed: &[Option<bool>]) -> bool {
        let open = fixed.iter().filter(|label| label.is_none()).count();
        let sure = fixed.iter().filter(|label| **label == Some(true)).count();
        let wanted = count(&self.received);
        open == 0
            || self.joint_cost.is_empty()
                && match &self.interaction {
                    Interaction::Unknown { .. } => !self.may_agree(fixed),
                    Interaction::Anonymous { .. } => wanted < sure || wanted > sure + open,
                    Interaction::Polynomial { .. } => false,
                }
    }

    fn may_agree(&self, fixed: &[Option<bool>]) -> bool {
        self.received.iter().zip(fixed).all(|(received, label)| label.is_none_or(|label| label == *received))
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
pub(super) fn symmetric_range(ranges: &[[f64; 2]], order: usize) -> [f64; 2] {
    let mut polynomials = vec![[0.0; 2]; order + 1];
    polynomials[0] = [1.0; 2];
    for &[low, high] in ranges {
        for k in (1..=order).rev() {
            let [a, b] = polynomials[k - 1];
            let products = [low * a, low * b, high * a, high * b];
            polynomials[k][0] += products.iter().copied().fold(f64::INFINITY, f64::min);
            polynomials[k][1] += products.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        }
    }
    polynomials.iter().fold([0.0; 2], |[low, high], [a, b]| [low + a, high + b])
}

/// The largest 1 + S + e_2 = 1 + S + (S^2 - Q) / 2 over values at the ends of `ranges`, S their sum and Q that of their squares. It is convex
/// in S, so some tangent in S has the same maximum, and that takes the upper ends of those ranges whose ends add up to least.
fn most_of_pairs(ranges: &[[f64; 2]]) -> f64 {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable_by(|a, b| (a[0] + a[1]).total_cmp(&(b[0] + b[1])));
    let mut sum: f64 = sorted.iter().map(|[low, _]| low).sum();
    let mut squares: f64 = sorted.iter().map(|[low, _]| low * low).sum();
    let value = |sum: f64, squares: f64| 1.0 + sum + (sum * sum - squares) / 2.0;
    let mut most = value(sum, squares);
    for [low, high] in sorted {
        sum += high - low;
        squares += high * high - low * low;
        most = most.max(value(sum, squares));
    }
    most
}

/// A number that the same is never below: for every s, (S + 1)^2 >= 2 s (S + 1) - s^2 leaves a sum over units, least at one of its ends for
/// each. The best s is where units change ends, or is S + 1.
fn least_of_pairs(ranges: &[[f64; 2]]) -> f64 {
    let end = |s: f64, [low, high]: [f64; 2]| {
        let at = |value: f64| s * value - value * value / 2.0;
        if at(low) <= at(high) { low } else { high }
    };
    let bound = |s: f64| {
        let of_unit = |range: &[f64; 2]| {
            let value = end(s, *range);
            s * value - value * value / 2.0
        };
        0.5 + s - s * s / 2.0 + ranges.iter().map(of_unit).sum::<f64>()
    };
    let changes = ranges.iter().map(|[low, high]| (low + high) / 2.0);
    let sums = changes.clone().flat_map(|s| {
        // The units' ends on both sides of the change.
        let near = |s: f64| 1.0 + ranges.iter().map(|range| end(s, *range)).sum::<f64>();
        [near(s.next_down()), near(s.next_up())]
    });
    changes.clone().chain(sums).map(bound).fold(f64::NEG_INFINITY, f64::max)
}
