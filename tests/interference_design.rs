//! Treatments that are not drawn independently, against every treatment vector of small clusters.

use ndarray::Array2;
use prescribe::interference::{Clusters, Design, Effects, Interference, NotEstimable, gains, influence};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One cluster whose treatment vectors (bits) have these chances.
struct Drawn {
    units: usize,
    chances: Vec<f64>,
}

impl Drawn {
    /// All vectors for which `allowed`, equally likely.
    fn evenly(units: usize, allowed: impl Fn(usize) -> bool) -> Drawn {
        let count = (0..1 << units).filter(|&set| allowed(set)).count() as f64;
        let chance = |set: usize| if allowed(set) { 1.0 / count } else { 0.0 };
        Drawn { units, chances: (0..1 << units).map(chance).collect() }
    }

    fn chance(&self, of: impl Fn(usize) -> bool) -> f64 {
        self.chances.iter().enumerate().filter(|(set, _)| of(*set)).map(|(_, chance)| chance).sum()
    }

    fn joint(&self) -> Array2<f64> {
        let both = |j: usize, k: usize| self.chance(|set| set >> j & 1 == 1 && set >> k & 1 == 1);
        Array2::from_shape_fn((self.units, self.units), |(j, k)| both(j, k))
    }

    fn cluster(&self, treated: usize, outcome: &[f64]) -> Clusters {
        Clusters {
            members: vec![(0..self.units).collect()],
            treated: bits(treated, self.units),
            propensity: self.joint().diag().to_vec(),
            outcome: vec![outcome[treated]; self.units],
        }
    }

    /// The mean of psi over treatment vectors.
    fn expected(
        &self,
        design: &Design,
        interference: Interference,
        outcome: &[f64],
        policy: usize,
    ) -> Result<f64, NotEstimable> {
        let possible = (0..self.chances.len()).filter(|&set| self.chances[set] > 0.0);
        possible
            .map(|treated| {
                let clusters = self.cluster(treated, outcome);
                let found = design.influence(&clusters, interference, None, &bits(policy, self.units))?;
                Ok(self.chances[treated] * found.psi[0])
            })
            .sum()
    }

    /// What the closed form for independent treatments gives on average.
    fn by_closed_form(&self, interference: Interference, outcome: &[f64], policy: usize) -> f64 {
        let of = |treated: usize| {
            let clusters = self.cluster(treated, outcome);
            self.chances[treated] * influence(&clusters, interference, None, &bits(policy, self.units)).psi[0]
        };
        (0..self.chances.len()).filter(|&set| self.chances[set] > 0.0).map(of).sum()
    }
}

fn bits(set: usize, units: usize) -> Vec<bool> {
    (0..units).map(|u| set >> u & 1 == 1).collect()
}

/// The mean outcome of each treatment vector, where sets of at most `order` treated units count.
fn outcomes(units: usize, order: u32, random: &mut ChaCha8Rng) -> Vec<f64> {
    let add: Vec<f64> = (0..1_usize << units)
        .map(|set| if set.count_ones() <= order { random.random_range(-1.0..1.0) } else { 0.0 })
        .collect();
    (0..1_usize << units).map(|set| (0..add.len()).filter(|s| s & !set == 0).map(|s| add[s]).sum()).collect()
}

#[test]
fn independent_treatments_have_the_closed_form() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for units in 1..=6_usize {
        let propensity: Vec<f64> = (0..units).map(|_| random.random_range(0.1..0.9)).collect();
        let of = |set: usize| (0..units).map(|u| chance(set, u, &propensity)).product();
        let drawn = Drawn { units, chances: (0..1 << units).map(of).collect() };
        let clusters = drawn.cluster(random.random_range(0..1 << units), &outcomes(units, 6, &mut random));
        let effects = Effects { baseline: vec![0.3], effect: (0..units).map(|u| u as f64 - 1.0).collect() };
        let joint = Design::Joint(vec![drawn.joint()]);
        for policy in 0..1 << units {
            for effects in [None, Some(&effects)] {
                let assignment = bits(policy, units);
                let closed = influence(&clusters, Interference::Additive, effects, &assignment);
                let found = joint.influence(&clusters, Interference::Additive, effects, &assignment).unwrap();
                assert!((found.psi[0] - closed.psi[0]).abs() < 1e-10, "{units} {policy:b}");
                assert!((found.weights[0] - closed.weights[0]).abs() < 1e-10);
                let (nobody, gain) = joint.gains(&clusters, effects).unwrap();
                let sum = nobody[0] + (0..units).filter(|&u| assignment[u]).map(|u| gain[u]).sum::<f64>();
                assert!((sum - closed.psi[0]).abs() < 1e-10);
                let by_closed_form = gains(&clusters, Interference::Additive, effects).unwrap();
                assert!(gain.iter().zip(by_closed_form).all(|(gain, closed)| (gain - closed).abs() < 1e-10));
            }
        }
    }
}

fn chance(set: usize, unit: usize, propensity: &[f64]) -> f64 {
    if set >> unit & 1 == 1 { propensity[unit] } else { 1.0 - propensity[unit] }
}

/// Two of four, or one of the first two and two of the last three: only rules that keep the numbers can be valued, and without bias.
#[test]
fn fixed_numbers_are_unbiased_for_rules_that_keep_them_and_refused_for_others() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let four = |set: usize| set.count_ones() == 2;
    let strata = |set: usize| (set & 3).count_ones() == 1 && (set >> 2).count_ones() == 2;
    let mut differing = 0;
    for (drawn, stratum, keeps) in [
        (Drawn::evenly(4, four), vec![0; 4], &four as &dyn Fn(usize) -> bool),
        (Drawn::evenly(5, strata), vec![7, 7, 3, 3, 3], &strata),
    ] {
        let design = Design::Drawn(stratum);
        for order in 1..=3 {
            let outcome = outcomes(drawn.units, order as u32, &mut random);
            for policy in 0..1 << drawn.units {
                let interference = Interference::Polynomial(order);
                match drawn.expected(&design, interference, &outcome, policy) {
                    Ok(found) => {
                        assert!(keeps(policy), "{policy:b}");
                        assert!((found - outcome[policy]).abs() < 1e-9, "order {order}: {found}");
                        let closed = drawn.by_closed_form(interference, &outcome, policy);
                        differing += usize::from((closed - outcome[policy]).abs() > 1e-3);
                    }
                    Err(NotEstimable::Never { received: false, terms, always, becomes, .. }) => {
                        assert!(!keeps(policy) && !terms.is_empty() && (always - becomes).abs() > 1e-6);
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
    assert!(differing > 20, "the closed form is another estimator: {differing}");
}

/// Any interference at all, and outcomes that depend on a unit's own treatment beside the number of others treated.
#[test]
fn fixed_numbers_serve_unknown_and_anonymous_interference() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let strata = |set: usize| (set & 3).count_ones() == 1 && (set >> 2).count_ones() == 2;
    let drawn = Drawn::evenly(5, strata);
    let design = Design::Drawn(vec![0, 0, 1, 1, 1]);
    let outcome = outcomes(5, 5, &mut random);
    let own: Vec<[f64; 2]> = (0..5).map(|_| [0, 1].map(|_| random.random_range(-1.0..1.0))).collect();
    let of = |set: usize| (0..5).map(|u| own[u][set >> u & 1]).collect::<Vec<f64>>();
    for policy in 0..32 {
        let unknown = drawn.expected(&design, Interference::Unknown, &outcome, policy);
        let anonymous = (0..32).filter(|&set| strata(set)).try_fold(0.0, |sum, set| {
            let clusters = Clusters { outcome: of(set), ..drawn.cluster(set, &outcome) };
            let found = design.influence(&clusters, Interference::Anonymous, None, &bits(policy, 5))?;
            Ok::<f64, NotEstimable>(sum + drawn.chances[set] * found.psi[0])
        });
        if !strata(policy) {
            assert!(unknown.is_err() && anonymous.is_err(), "{policy:b}");
            continue;
        }
        assert!((unknown.unwrap() - outcome[policy]).abs() < 1e-12);
        assert!((anonymous.unwrap() - of(policy).iter().sum::<f64>() / 5.0).abs() < 1e-12);
    }
}

#[test]
fn what_is_fixed_is_named() {
    let drawn = Drawn::evenly(4, |set| set.count_ones() == 2);
    let clusters = drawn.cluster(0b0011, &[1.0; 16]);
    let refused = Design::complete(&clusters)
        .influence(&clusters, Interference::Polynomial(2), None, &bits(0b0111, 4))
        .unwrap_err();
    let NotEstimable::Never { cluster: 0, received: false, terms, always, becomes } = refused else {
        panic!("{refused:?}")
    };
    assert!(terms.len() == 4 && terms.iter().all(|(_, coefficient)| (coefficient - 1.0).abs() < 1e-9));
    assert!((always - 2.0).abs() < 1e-9 && (becomes - 3.0).abs() < 1e-9);
}

/// Draws of one, two or three of four units, each number by a chance of its own: every rule can be valued.
#[test]
fn a_number_that_varies_leaves_every_rule_estimable() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let of = |set: usize| match set.count_ones() {
        1 => 0.2 / 4.0,
        2 => 0.5 / 6.0,
        3 => 0.3 / 4.0,
        _ => 0.0,
    };
    let drawn = Drawn { units: 4, chances: (0..16).map(of).collect() };
    let design = Design::Joint(vec![drawn.joint()]);
    let (outcome, mut largest) = (outcomes(4, 1, &mut random), 0.0_f64);
    for policy in 0..16 {
        let found = drawn.expected(&design, Interference::Additive, &outcome, policy).unwrap();
        assert!((found - outcome[policy]).abs() < 1e-10, "{policy:b}");
        let closed = drawn.by_closed_form(Interference::Additive, &outcome, policy);
        largest = largest.max((closed - outcome[policy]).abs());
    }
    assert!(largest > 0.05, "the closed form is biased here: {largest}");
}

/// The pseudo-inverse gives a number for every rule. Where the rule treats all of a pair of which one is always treated, the number is
/// far from the value on average.
#[test]
fn the_pseudo_inverse_alone_would_be_biased() {
    let drawn = Drawn::evenly(2, |set| set.count_ones() == 1);
    // Nobody, the first, the second, both.
    let outcome = [-1.0, -0.406, 0.4, 0.994];
    // E of (1, A1, A2), and E^+ of [1 .5 .5; .5 .5 0; .5 0 .5] by hand: its range is spanned by (1, 1, 0) and (1, 0, 1).
    let inverse = [[2.0, 1.0, 1.0], [1.0, 5.0, -4.0], [1.0, -4.0, 5.0]].map(|row| row.map(|v| v / 9.0 * 2.0));
    let e = [[1.0, 0.5, 0.5], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5]];
    let product = |a: [[f64; 3]; 3], b: [[f64; 3]; 3]| -> [[f64; 3]; 3] {
        std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
    };
    let again = product(product(e, inverse), e);
    assert!((0..3).all(|i| (0..3).all(|j| (again[i][j] - e[i][j]).abs() < 1e-12)), "{again:?}");
    let plugged: f64 = [0b01, 0b10]
        .iter()
        .map(|&set| {
            let a = [1.0, f64::from(set & 1), f64::from(set >> 1 & 1)];
            let weight: f64 = (0..3).map(|i| (0..3).map(|j| inverse[i][j] * a[j]).sum::<f64>()).sum();
            0.5 * outcome[set as usize] * weight
        })
        .sum();
    assert!((plugged - outcome[3]).abs() > 0.5, "{plugged}");
    for design in [Design::Drawn(vec![0, 0]), Design::Joint(vec![drawn.joint()])] {
        let refused = drawn.expected(&design, Interference::Additive, &outcome, 0b11);
        assert!(matches!(refused, Err(NotEstimable::Never { received: false, .. })), "{refused:?}");
        let kept = drawn.expected(&design, Interference::Additive, &outcome, 0b10).unwrap();
        assert!((kept - outcome[2]).abs() < 1e-12);
    }
}

#[test]
fn what_cannot_be_the_design_is_refused() {
    let drawn = Drawn::evenly(3, |set| set.count_ones() == 1);
    let at = |treated: usize, design: &Design| {
        design.influence(&drawn.cluster(treated, &[0.0; 8]), Interference::Additive, None, &bits(1, 3))
    };
    // Two of three treated, where it is always one.
    let joint = Design::Joint(vec![drawn.joint()]);
    assert!(matches!(at(0b011, &joint), Err(NotEstimable::Never { received: true, .. })));
    assert!(matches!(
        at(0b011, &Design::Drawn(vec![0; 3])),
        Err(NotEstimable::Share { units: 3, treated: 2, .. })
    ));
    // Every pair more often apart than three units can be.
    let apart = Array2::from_shape_fn((3, 3), |(j, k)| if j == k { 1.0 / 3.0 } else { -0.1 });
    assert!(matches!(at(1, &Design::Joint(vec![apart])), Err(NotEstimable::NoDistribution { cluster: 0 })));
    let clusters = drawn.cluster(1, &[0.0; 8]);
    for (interference, expected) in [
        (Interference::Unknown, NotEstimable::OnlyPairs),
        (Interference::Anonymous, NotEstimable::OnlyPairs),
        (Interference::Polynomial(2), NotEstimable::OnlyPairs),
    ] {
        assert_eq!(joint.influence(&clusters, interference, None, &bits(1, 3)), Err(expected));
    }
}

/// Under no interference, only each unit's own chance counts.
#[test]
fn no_interference_reads_no_joint_chances() {
    let drawn = Drawn::evenly(4, |set| set.count_ones() == 2);
    let clusters = drawn.cluster(0b0110, &[0.7; 16]);
    let rule = bits(0b1111, 4);
    let found = Design::complete(&clusters).influence(&clusters, Interference::None, None, &rule);
    assert_eq!(found.unwrap(), influence(&clusters, Interference::None, None, &rule));
}

/// A large cluster at order 1 is quick, and at order 3 refused.
#[test]
fn large_clusters() {
    let units = 120;
    let clusters = Clusters {
        members: vec![(0..units).collect()],
        treated: (0..units).map(|u| u % 3 == 0).collect(),
        propensity: vec![1.0 / 3.0; units],
        outcome: vec![1.0; units],
    };
    let design = Design::complete(&clusters);
    let rule: Vec<bool> = (0..units).map(|u| u < 40).collect();
    let found = design.influence(&clusters, Interference::Additive, None, &rule).unwrap();
    // C is (m (M - m) / (M (M - 1))) (I - 11'/M): W = 1 + (M - 1) M / (m (M - m)) (agreeing treated - m^2 / M).
    let (m, all) = (40.0, 120.0);
    let agreeing = (0..40).filter(|u| u % 3 == 0).count() as f64;
    let by_hand = 1.0 + (all - 1.0) * all / (m * (all - m)) * (agreeing - m * m / all);
    assert!((found.weights[0] - by_hand).abs() < 1e-9, "{} {by_hand}", found.weights[0]);
    let refused = design.influence(&clusters, Interference::Polynomial(3), None, &rule).unwrap_err();
    assert_eq!(refused, NotEstimable::TooManySets { cluster: 0, units, order: 3 });
}
