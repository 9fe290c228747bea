//! Joint empirical Bayes on trials whose truth is known.

use ndarray::{Array2, s};
use prescribe::forest::{Forest, JointSettings, JointTree, Settings, Trial, assign};
use prescribe::models::leaf_utility::{Covariance, Joint};
use prescribe::models::tree_rule::Candidates;
use prescribe::simulate::{ManyArmsDesign, ManyArmsPopulation, many_arms, many_arms_population};
use prescribe::solve::leaf_utility::{LeafGreedy, LeafSearch};
use prescribe::solve::{Options, SolveError};

const HIGH_NOISE: ManyArmsDesign = ManyArmsDesign { arms: 49, gamma: 10.0, sigma: 20.0 };

/// Units with their residual outcomes (the baseline known), and new ones.
fn drawn(design: &ManyArmsDesign, n: usize, seed: u64) -> (Trial, ManyArmsPopulation) {
    let drawn = many_arms(design, n, seed).unwrap();
    let residual = |i: usize| drawn.outcome[i] - drawn.baseline[i];
    let arm = drawn.arm.iter().map(|k| *k as u16).collect();
    let trial = Trial::new(drawn.x.clone(), arm, design.arms + 1, (0..n).map(residual).collect());
    (trial, many_arms_population(design, 4_000, seed).unwrap())
}

fn learned(trial: &Trial) -> JointTree {
    JointTree::learn(trial, &JointSettings::default(), &LeafGreedy, &Options::default()).unwrap()
}

#[test]
fn the_tree_finds_the_cut_and_assigns_nearly_as_well_as_arms_can_be_told_apart() {
    let (trial, population) = drawn(&HIGH_NOISE, 5_000, 2);
    let tree = learned(&trial);
    let value = population.value(&assign(&tree.predict(population.x.view())));
    // About 100 units an arm tell effects apart to 2: out of 49 between -10 and 10 the largest estimates are on average worth about 9.1.
    assert!(value > 7.8, "{value}");
    // The noise is that of the design, and units on the two sides of X3 = 0 have other leaves.
    assert!((tree.noise - 400.0).abs() < 30.0, "{}", tree.noise);
    let leaf = |x3: f64| tree.tree.leaf_of(|j| if j == 2 { x3 } else { 0.1 });
    assert_ne!(leaf(-0.1), leaf(0.1));
    // The exact stump cuts at the quantile next to 0.
    let settings =
        JointSettings { depth: 1, candidates: Candidates::Quantiles(19), ..JointSettings::default() };
    let stump = JointTree::learn(&trial, &settings, &LeafSearch, &Options::default()).unwrap();
    assert_eq!(stump.tree.leaves(), 2);
    assert!(
        stump.evidence <= tree.evidence + 1e-6 * tree.evidence.abs(),
        "{} {}",
        stump.evidence,
        tree.evidence
    );
}

#[test]
fn without_effects_nothing_is_cut() {
    let (trial, _) = drawn(&ManyArmsDesign { gamma: 0.0, ..HIGH_NOISE }, 2_000, 3);
    // The control does depend on X1: without it nothing does.
    let kept: Vec<usize> = (0..2_000).filter(|&i| trial.arm[i] > 0).collect();
    assert_eq!(learned(&trial.select(&kept)).tree.leaves(), 1);
}

#[test]
fn a_row_alone_is_predicted_as_among_others() {
    let (trial, population) = drawn(&HIGH_NOISE, 1_000, 4);
    let tree = learned(&trial);
    let together = tree.predict(population.x.view());
    for i in [0, 17, 3_999] {
        assert_eq!(together.slice(s![i..=i, ..]), tree.predict(population.x.slice(s![i..=i, ..])));
    }
}

#[test]
fn posterior_means_make_deep_leaves_of_many_arms_safe() {
    let (trial, population) = drawn(&HIGH_NOISE, 5_000, 5);
    let settings = Settings { trees: 20, lambda1: 20.0, epsilon: 0.02, ..Settings::default() };
    let forest = Forest::grow(&trial, &settings, None, 1);
    let value = |estimates: Array2<f64>| population.value(&assign(&estimates));
    let joint = Joint { covariance: Covariance::Common(1), ..JointSettings::default().joint };
    let posterior = value(forest.joint_estimator(&joint, 400.0).predict(population.x.view()));
    let shrunken = value(forest.predict(population.x.view()));
    assert!(posterior > shrunken, "{posterior} {shrunken}");
}

#[test]
fn masses_are_refused() {
    let (mut trial, _) = drawn(&HIGH_NOISE, 100, 6);
    trial.mass = Some(vec![1.0; 100]);
    let refused = JointTree::learn(&trial, &JointSettings::default(), &LeafGreedy, &Options::default());
    assert!(
        matches!(refused, Err(SolveError::InvalidModel(reason)) if reason.to_string().contains("masses"))
    );
}
