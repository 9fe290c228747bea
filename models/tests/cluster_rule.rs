//! Values of clusters against their definitions over all labels: expectations, gradients, bounds.

use ndarray::Array2;
use prescribe_models::Model;
use prescribe_models::cluster_rule::{Cluster, ClusterProblem, Counting, Interaction};
use prescribe_models::linear_rule::LinearProblem;

const SHARES: [f64; 5] = [0.15, 0.8, 0.35, 0.55, 0.7];
const RECEIVED: [bool; 5] = [true, false, false, true, false];

/// Clusters of five units under every interference, of either sign, with and without a joint cost.
fn clusters() -> Vec<Cluster> {
    let chances = vec![0.3, 0.6, 0.75, 0.4, 0.5];
    let mut interactions = vec![
        Interaction::Unknown { weight: 2.5 },
        Interaction::Unknown { weight: -0.75 },
        Interaction::Anonymous { weights: vec![1.0, -2.0, 0.5, 3.0, -0.25] },
    ];
    interactions.extend([1, 2, 3, 5].map(|order| Interaction::Polynomial {
        weight: if order == 2 { -1.5 } else { 0.8 },
        order,
        chances: chances.clone(),
    }));
    let costs = [Vec::new(), vec![0.0, 0.1, 0.25, 0.6, 1.1, 1.7]];
    let cluster = |interaction: &Interaction, joint_cost: &Vec<f64>| Cluster {
        units: (0..5).collect(),
        received: RECEIVED.to_vec(),
        interaction: interaction.clone(),
        joint_cost: joint_cost.clone(),
    };
    interactions.iter().flat_map(|i| costs.iter().map(|c| cluster(i, c)).collect::<Vec<_>>()).collect()
}

fn all_labels() -> impl Iterator<Item = Vec<bool>> {
    (0..32).map(|mask: usize| (0..5).map(|j| mask >> j & 1 == 1).collect())
}

/// The probability of labels where units are treated independently.
fn chance(labels: &[bool], shares: &[f64]) -> f64 {
    labels.iter().zip(shares).map(|(treated, s)| if *treated { *s } else { 1.0 - s }).product()
}

#[test]
fn values_are_as_defined_by_hand() {
    let value = |interaction: Interaction, joint_cost: Vec<f64>, labels: [bool; 3]| {
        let cluster =
            Cluster { units: vec![0, 1, 2], received: vec![true, false, false], interaction, joint_cost };
        cluster.value(&labels)
    };
    let unknown = || Interaction::Unknown { weight: 4.0 };
    assert_eq!(value(unknown(), vec![], [true, false, false]), 4.0);
    assert_eq!(value(unknown(), vec![], [true, true, false]), 0.0);
    assert_eq!(value(unknown(), vec![0.0, 1.0, 3.0, 6.0], [true, true, false]), -3.0);
    // One is treated in place of the other: only the third unit kept its treatment, among as many neighbours treated.
    let anonymous = || Interaction::Anonymous { weights: vec![1.0, 10.0, 100.0] };
    assert_eq!(value(anonymous(), vec![], [false, true, false]), 100.0);
    assert_eq!(value(anonymous(), vec![], [true, false, false]), 111.0);
    assert_eq!(value(anonymous(), vec![], [true, true, false]), 0.0);
    // rho = (1, -1, 3): 1 + 3 + (-1 + 3 - 3) = 3.
    let chances = vec![0.5, 0.25, 0.25];
    let second = Interaction::Polynomial { weight: 2.0, order: 2, chances };
    assert_eq!(value(second, vec![], [true, true, false]), 6.0);
}

#[test]
fn expectations_are_means_over_all_labels() {
    for cluster in clusters().iter().filter(|cluster| cluster.joint_cost.is_empty()) {
        let mean: f64 = all_labels().map(|l| chance(&l, &SHARES) * cluster.value(&l)).sum();
        let found = cluster.expected(&SHARES, Counting::Binomial).value;
        assert!((found - mean).abs() < 1e-12, "{cluster:?}: {found} {mean}");
    }
}

#[test]
fn expectations_at_labels_are_values() {
    for cluster in clusters() {
        for labels in all_labels() {
            let shares: Vec<f64> = labels.iter().map(|l| f64::from(*l)).collect();
            let (found, value) =
                (cluster.expected(&shares, Counting::Binomial).value, cluster.value(&labels));
            assert!((found - value).abs() < 1e-12, "{cluster:?} {labels:?}: {found} {value}");
        }
    }
}

#[test]
fn exponential_weights_are_those_of_the_formula() {
    let weights = [1.0, -2.0, 0.5, 3.0, -0.25];
    let cluster = Cluster {
        units: (0..5).collect(),
        received: RECEIVED.to_vec(),
        interaction: Interaction::Anonymous { weights: weights.to_vec() },
        joint_cost: Vec::new(),
    };
    let mut expected = 0.0;
    for j in 0..5 {
        let others: Vec<usize> = (0..5).filter(|k| *k != j).collect();
        let received = others.iter().filter(|k| RECEIVED[**k]).count() as f64;
        let mean: f64 = others.iter().map(|k| SHARES[*k]).sum();
        let of = |a: f64| (-(a - mean).powi(2)).exp();
        let share = if RECEIVED[j] { SHARES[j] } else { 1.0 - SHARES[j] };
        expected += weights[j] * share * of(received) / (0..=4).map(|a| of(f64::from(a))).sum::<f64>();
    }
    let found = cluster.expected(&SHARES, Counting::Exponential).value;
    assert!((found - expected).abs() < 1e-14, "{found} {expected}");
}

#[test]
fn gradients_equal_finite_differences() {
    const STEP: f64 = 1e-6;
    for cluster in clusters() {
        for counting in [Counting::Binomial, Counting::Exponential] {
            let gradient = cluster.expected(&SHARES, counting).gradient;
            for (j, found) in gradient.iter().enumerate() {
                let at = |step: f64| {
                    let mut shares = SHARES;
                    shares[j] += step;
                    cluster.expected(&shares, counting).value
                };
                let slope = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                assert!(
                    (found - slope).abs() < 1e-7 * slope.abs().max(1.0),
                    "{cluster:?} {j}: {found} {slope}"
                );
            }
        }
    }
}

#[test]
fn bounds_with_open_labels_hold_and_are_exact_where_promised() {
    for cluster in clusters() {
        let exact = cluster.joint_cost.is_empty()
            && !matches!(cluster.interaction, Interaction::Polynomial { order: 2.., .. });
        for code in 0..243_u32 {
            let digit = |j: u32| code / 3_u32.pow(j) % 3;
            let fixed: Vec<Option<bool>> =
                (0..5).map(|j| [None, Some(false), Some(true)][digit(j) as usize]).collect();
            let agrees = |l: &Vec<bool>| l.iter().zip(&fixed).all(|(l, f)| f.is_none_or(|f| f == *l));
            let best =
                all_labels().filter(agrees).map(|l| cluster.value(&l)).fold(f64::NEG_INFINITY, f64::max);
            let bound = cluster.most(&fixed);
            assert!(bound >= best - 1e-12, "{cluster:?} {fixed:?}: {bound} {best}");
            assert!(!exact || bound <= best + 1e-12, "{cluster:?} {fixed:?}: {bound} {best}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let linear = || {
        let x = Array2::from_shape_fn((3, 1), |(i, _)| i as f64);
        LinearProblem::from_gains(vec!["x".into()], x, &[0.0; 3]).unwrap()
    };
    let cluster = |units: Vec<usize>, interaction: Interaction, joint_cost: Vec<f64>| {
        let received = vec![true; units.len()];
        ClusterProblem::new(linear(), vec![Cluster { units, received, interaction, joint_cost }])
    };
    let unknown = |weight: f64| Interaction::Unknown { weight };
    assert!(cluster(vec![0, 2], unknown(1.0), vec![0.0, 1.0, 2.5]).is_ok());
    for (units, interaction, cost, word) in [
        (vec![], unknown(1.0), vec![], "0 units"),
        (vec![0, 3], unknown(1.0), vec![], "unit 3"),
        (vec![0], unknown(f64::INFINITY), vec![], "weight is inf"),
        (vec![0, 1], unknown(1.0), vec![0.0, 2.0, 3.0], "convex"),
        (vec![0, 1], unknown(1.0), vec![0.0, 2.0], "cost for 0 to 2"),
        (vec![0, 1], Interaction::Anonymous { weights: vec![1.0] }, vec![], "each of 2"),
        (vec![0], Interaction::Polynomial { weight: 1.0, order: 2, chances: vec![0.0] }, vec![], "chance"),
        (vec![0], Interaction::Polynomial { weight: 1.0, order: 0, chances: vec![0.5] }, vec![], "order"),
    ] {
        let error = cluster(units, interaction, cost).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn the_hash_knows_every_cluster() {
    let x = Array2::from_shape_fn((5, 1), |(i, _)| i as f64);
    let hash = |cluster: Cluster| {
        let linear = LinearProblem::from_gains(vec!["x".into()], x.clone(), &[0.0; 5]).unwrap();
        ClusterProblem::new(linear, vec![cluster]).unwrap().model_hash()
    };
    let hashes: std::collections::BTreeSet<String> = clusters().into_iter().map(hash).collect();
    assert_eq!(hashes.len(), clusters().len());
}
