//! Growing trees and forests: gains against their formulas, samples that keep apart, and threads that change nothing.

use ndarray::{Array2, s};
use prescribe::forest::baselines::{CausalForest, CausalSettings, SeparateSettings, separate_forests};
use prescribe::forest::regression::cross_fitted;
use prescribe::forest::{Forest, RegressionForest, RegressionSettings, Settings, Trial, assign};
use prescribe::models::leaf_utility::Form;
use prescribe::simulate::{ManyArmsDesign, many_arms, many_arms_population};
use prescribe::solve::growth::{CausalGradients, Criterion, JointAssignment, Units};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

const DESIGN: ManyArmsDesign = ManyArmsDesign { arms: 9, gamma: 10.0, sigma: 20.0 };

fn on_threads<T: Send>(threads: usize, what: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(what)
}

fn mean_square(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / left.len() as f64
}

#[test]
fn a_regression_forest_finds_the_baseline_out_of_bag_and_across_folds() {
    let trial = many_arms(&DESIGN, 5_000, 1).expect("a design");
    let mean: Vec<f64> =
        trial.x.rows().into_iter().map(|x| DESIGN.baseline(&x.to_vec()) - x[0] * x[0]).collect();
    let settings = RegressionSettings::usual(3);
    let forest = RegressionForest::grow(trial.x.view(), &trial.outcome, None, &settings, (1, "baseline"));
    let out_of_bag = mean_square(&forest.out_of_bag(trial.x.view()), &mean);
    let folds: Vec<usize> = (0..5_000).map(|i| i % 5).collect();
    let fitted = cross_fitted(trial.x.view(), &trial.outcome, None, &folds, &settings, (1, "baseline"));
    let across = mean_square(&fitted, &mean);
    let raw = mean_square(&vec![0.0; 5_000], &mean);
    // The baseline's variance is 500; noise and effects of 440 a unit are averaged over some 50 units at a point.
    println!("out of bag {out_of_bag:.1}, across folds {across:.1}, nothing {raw:.1}");
    assert!(raw > 450.0 && out_of_bag < 40.0 && across < 40.0, "{raw} {out_of_bag} {across}");
}

#[test]
fn no_unit_is_predicted_by_its_own_outcome() {
    let trial = many_arms(&DESIGN, 400, 2).expect("a design");
    let settings = RegressionSettings { trees: 50, min_leaf: 1, ..RegressionSettings::usual(3) };
    let folds: Vec<usize> = (0..400).map(|i| i % 4).collect();
    let x = trial.x.view();
    let both = |outcome: &[f64]| {
        let forest = RegressionForest::grow(x, outcome, None, &settings, (1, "a"));
        (forest.out_of_bag(x)[7], cross_fitted(x, outcome, None, &folds, &settings, (1, "a"))[7])
    };
    let mut outcome = trial.outcome.clone();
    let before = both(&outcome);
    outcome[7] += 1e6;
    assert_eq!(before, both(&outcome));
}

#[test]
fn weights_count_as_copies_of_units() {
    // Two covariate values, so that trees of one split are the two means: weights 3 and 1 on the left.
    let x = Array2::from_shape_fn((40, 1), |(i, _)| f64::from(u8::from(i >= 20)));
    let target: Vec<f64> = (0..40).map(|i| if i >= 20 { 5.0 } else { f64::from(i % 2) }).collect();
    let weight: Vec<f64> = (0..40).map(|i| if i < 20 && i % 2 == 1 { 3.0 } else { 1.0 }).collect();
    let settings = RegressionSettings { trees: 1, min_leaf: 1, share: 1.0, covariates: 1 };
    let forest = RegressionForest::grow(x.view(), &target, Some(&weight), &settings, (1, "a"));
    let predictions = forest.predict(x.view());
    assert!(
        (predictions[0] - 0.75).abs() < 1e-12 && (predictions[39] - 5.0).abs() < 1e-12,
        "{predictions:?}"
    );
    // No tree is out of bag: the mean of all, (15 + .. + 100) / 60.
    assert!((forest.out_of_bag(x.view())[0] - (30.0 + 100.0) / 60.0).abs() < 1e-12);
}

#[test]
fn regression_forests_are_the_same_on_any_number_of_threads_and_take_no_covariates() {
    let trial = many_arms(&DESIGN, 300, 3).expect("a design");
    let settings = RegressionSettings { trees: 20, ..RegressionSettings::usual(3) };
    let grow = |x: &Array2<f64>| {
        RegressionForest::grow(x.view(), &trial.outcome, None, &settings, (1, "a")).predict(x.view())
    };
    assert_eq!(on_threads(1, || grow(&trial.x)), on_threads(4, || grow(&trial.x)));
    let mean = grow(&Array2::zeros((300, 0)));
    let constant = grow(&Array2::zeros((300, 2)));
    assert_eq!(mean, constant);
    assert!(mean.iter().all(|m| *m == mean[0]));
}

/// Units of a small trial with masses and weights.
#[derive(Clone, Debug)]
struct Drawn {
    arm: Vec<u16>,
    utility: Vec<f64>,
    mass: Option<Vec<f64>>,
    weight: Option<Vec<f64>>,
}

const ARMS: usize = 12;

fn drawn() -> impl Strategy<Value = Drawn> {
    let of = |n: usize| {
        let numbers = |low: f64, high: f64| prop::collection::vec(low..high, n);
        // Few different utilities make ties.
        let utility = prop_oneof![
            numbers(-9.0, 9.0),
            numbers(-2.0, 2.0).prop_map(|y| y.iter().map(|y| y.round()).collect())
        ];
        let arm = prop::collection::vec(0..ARMS as u16, n);
        let masses = || prop::option::of(numbers(0.2, 3.0));
        (arm, utility, masses(), masses()).prop_map(|(arm, utility, mass, weight)| Drawn {
            arm,
            utility,
            mass,
            weight,
        })
    };
    (4usize..60).prop_flat_map(of)
}

/// The arm of the largest shrunken mean among those allowed and its utility, by the formulas of section 3.1.
fn direct(
    drawn: &Drawn,
    units: &[u32],
    lambda: f64,
    form: Form,
    allowed: &[bool],
    share: &[f64],
) -> Option<(usize, f64)> {
    let of = |values: &Option<Vec<f64>>, i: u32| values.as_ref().map_or(1.0, |values| values[i as usize]);
    let (mut mass, mut sum) = ([0.0; ARMS], [0.0; ARMS]);
    for &i in units {
        let k = drawn.arm[i as usize] as usize;
        mass[k] += of(&drawn.mass, i);
        sum[k] += of(&drawn.mass, i) * drawn.utility[i as usize];
    }
    let present: Vec<usize> = (0..ARMS).filter(|&k| mass[k] > 0.0).collect();
    let ratio = |top: [f64; ARMS]| present.iter().map(|&k| top[k] / (mass[k] + lambda)).sum::<f64>();
    let target = ratio(sum) / ratio(mass);
    let mean = |k: usize| (sum[k] + lambda * target) / (mass[k] + lambda);
    let best =
        present.into_iter().filter(|&k| allowed[k]).reduce(|a, b| if mean(b) > mean(a) { b } else { a })?;
    let size = match form {
        Form::N => units.iter().map(|&i| of(&drawn.weight, i)).sum(),
        Form::P => mass[best] / share[best],
    };
    Some((best, size * mean(best)))
}

proptest! {
    #[test]
    fn gains_are_those_of_the_formulas(
        drawn in drawn(), lambda in prop_oneof![Just(0.0), 0.1f64..3.0], floor in -20.0f64..20.0, all in any::<bool>(), p in any::<bool>(),
    ) {
        // Of arms with equal means, rounding decides which; in the form P, that changes the gain.
        prop_assume!(!p || !tied(&drawn));
        let n = drawn.arm.len() as u32;
        let share: Vec<f64> = (0..ARMS).map(|k| 0.01 + 0.01 * k as f64).collect();
        let form = if p { Form::P } else { Form::N };
        let units = Units {
            arm: &drawn.arm, arms: ARMS, utility: &drawn.utility, mass: drawn.mass.as_deref(), weight: drawn.weight.as_deref(), share: &share,
        };
        let sampled = if all { ARMS } else { 5 };
        let mut criterion = JointAssignment::new(units, lambda, form, sampled);
        let everyone: Vec<u32> = (0..n).collect();
        // What the criterion draws where it may not assign every arm.
        let mut allowed = vec![all; ARMS];
        if !all {
            sample(&mut ChaCha8Rng::seed_from_u64(3), ARMS, 5).iter().for_each(|k| allowed[k] = true);
        }
        criterion.open(&everyone, &mut ChaCha8Rng::seed_from_u64(3));
        let utility = |units: &[u32]| direct(&drawn, units, lambda, form, &allowed, &share);
        let parent = utility(&everyone).map_or(0.0, |(_, utility)| utility);
        for order in [everyone.clone(), everyone.iter().rev().copied().collect()] {
            criterion.rewind();
            for left in 1..n as usize {
                criterion.cross(order[left - 1]);
                // Ties between arms and gains at the floor are decided by rounding.
                let expected = utility(&order[..left]).zip(utility(&order[left..])).map(|(l, r)| (l.0 != r.0, l.1 + r.1 - parent));
                match (criterion.gain(floor), expected) {
                    (Some(gain), Some((_, expected))) => prop_assert!((gain - expected).abs() < 1e-9, "{gain} {expected}"),
                    (None, Some((apart, expected))) => prop_assert!(
                        !apart || expected < floor + 1e-9 || tied(&drawn), "{expected} over {floor}, {left}"
                    ),
                    (found, expected) => prop_assert!(found.is_none() && expected.is_none(), "{found:?} {expected:?}"),
                }
            }
        }
    }
}

/// Whether two units share a utility, so that means of arms may be equal but for rounding.
fn tied(drawn: &Drawn) -> bool {
    let mut utilities = drawn.utility.clone();
    utilities.sort_by(f64::total_cmp);
    utilities.windows(2).any(|pair| pair[0] == pair[1])
}

#[test]
fn causal_gradients_gain_what_least_squares_says() {
    let trial = many_arms(&ManyArmsDesign { arms: 3, ..DESIGN }, 60, 4).expect("a design");
    let arm: Vec<u16> = trial.arm.iter().map(|&k| k as u16).collect();
    let everyone: Vec<u32> = (0..60).collect();
    let mut criterion = CausalGradients::new(&arm, 4, &trial.outcome, (1, 0.0));
    criterion.open(&everyone, &mut ChaCha8Rng::seed_from_u64(1));
    criterion.rewind();
    // rho_i = A^-1 (W_i - p) e_i with A = diag(p) - p p', solved as (A is symmetric) the vector v with A v = (W_i - p) e_i.
    let count = |k: usize| arm.iter().filter(|&&a| a as usize == k).count() as f64;
    let p: Vec<f64> = (0..4).map(|k| count(k) / 60.0).collect();
    let mean = |k: usize| {
        (0..60).filter(|&i| arm[i] as usize == k).map(|i| trial.outcome[i]).sum::<f64>() / count(k)
    };
    let rho: Vec<Vec<f64>> = (0..60)
        .map(|i| {
            let (k, e) = (arm[i] as usize, trial.outcome[i] - mean(arm[i] as usize));
            (1..4)
                .map(|a| {
                    if k == 0 {
                        -e / p[0]
                    } else if k == a {
                        e / p[a]
                    } else {
                        0.0
                    }
                })
                .collect()
        })
        .collect();
    for (i, rho) in rho.iter().enumerate() {
        let inner: f64 = (1..4).map(|k| p[k] * rho[k - 1]).sum();
        for k in 1..4 {
            let indicator = f64::from(u8::from(arm[i] as usize == k));
            let right = (indicator - p[k]) * (trial.outcome[i] - mean(arm[i] as usize));
            assert!((p[k] * rho[k - 1] - p[k] * inner - right).abs() < 1e-9);
        }
    }
    let mut splits = 0;
    for left in 1..60 {
        criterion.cross(left as u32 - 1);
        let norm = |units: std::ops::Range<usize>| {
            let n = units.len() as f64;
            (0..3).map(|k| units.clone().map(|i| rho[i][k]).sum::<f64>().powi(2)).sum::<f64>() / n
        };
        let has_all = |units: &[u16]| (0..4).all(|k| units.contains(&k));
        let allowed = has_all(&arm[..left]) && has_all(&arm[left..]);
        let gain = criterion.gain(f64::NEG_INFINITY);
        assert_eq!(gain.is_some(), allowed);
        if let Some(gain) = gain {
            let expected = norm(0..left) + norm(left..60);
            assert!((gain - expected).abs() < 1e-9 * expected, "{gain} {expected}");
            splits += 1;
        }
    }
    assert!(splits > 20);
}

/// A trial of units with few covariate values.
fn trial(units: usize, arms: usize, seed: u64) -> Trial {
    let drawn = many_arms(&ManyArmsDesign { arms: arms - 1, ..DESIGN }, units, seed).expect("a design");
    let x = drawn.x.mapv(|x| (2.0 * x).round());
    Trial::new(x, drawn.arm.iter().map(|&k| k as u16).collect(), arms, drawn.outcome)
}

#[test]
fn forests_are_the_same_on_any_number_of_threads_and_row_by_row() {
    let trial = trial(600, 5, 5);
    let settings = Settings { trees: 30, epsilon: 0.0, kappa: 0.6, delta: 0.5, ..Settings::default() };
    let forest = |threads| on_threads(threads, || Forest::grow(&trial, &settings, None, 7));
    assert_eq!(forest(1), forest(4));
    let forest = forest(2);
    let together = forest.predict(trial.x.view());
    for i in [0, 127, 128, 599] {
        assert_eq!(forest.predict(trial.x.slice(s![i..=i, ..])).row(0), together.row(i));
    }
    let causal = |threads| {
        let settings = CausalSettings { trees: 40, centring_trees: 20, ..CausalSettings::usual(3) };
        on_threads(threads, || CausalForest::grow(&trial, &settings, 7).effects(trial.x.view()))
    };
    assert_eq!(causal(1), causal(4));
}

#[test]
fn leaves_say_what_the_units_held_out_say() {
    // Utilities of units in a tree's own sample must not matter to its table: tables of two trials that differ in one unit's utility differ
    // only in trees that hold it out or whose splits it changed; with one leaf, only where it is held out.
    let one = trial(200, 4, 6);
    let mut utility = one.utility.clone();
    utility[11] += 1.0;
    let two = one.with_utility(utility);
    let settings = Settings { trees: 40, epsilon: 1e9, ..Settings::default() };
    let (one, two) = (Forest::grow(&one, &settings, None, 1), Forest::grow(&two, &settings, None, 1));
    let held_out = one.trees.iter().zip(&two.trees).filter(|(a, b)| a != b).count();
    assert!((8..=32).contains(&held_out), "{held_out} of 40");
    assert!(one.trees.iter().all(|fitted| (98.0..=102.0).contains(&fitted.table.masses.sum())));
}

#[test]
fn empty_arms_and_covariates_without_variation_leave_forests_standing() {
    let settings = Settings { trees: 10, epsilon: 0.0, ..Settings::default() };
    let mut few = trial(200, 6, 8);
    few.arm.iter_mut().for_each(|k| *k %= 2);
    let estimates = Forest::grow(&few, &settings, None, 1).predict(few.x.view());
    assert!(estimates.iter().all(|value| value.is_finite()));
    // Arms 2 to 5 have no units: they get the mean of the leaf, which the better of the others is above.
    assert!(assign(&estimates).iter().all(|&k| k < 2));
    let constant = Trial { x: Array2::ones((200, 2)), ..few };
    let forest = Forest::grow(&constant, &settings, None, 1);
    assert!(forest.trees.iter().all(|fitted| fitted.tree.leaves() == 1));
}

#[test]
fn peers_learn_from_a_clear_trial() {
    let design = ManyArmsDesign { arms: 9, gamma: 10.0, sigma: 10.0 };
    let drawn = many_arms(&design, 5_000, 9).expect("a design");
    let trial = Trial::new(drawn.x, drawn.arm.iter().map(|&k| k as u16).collect(), 10, drawn.outcome);
    let test = many_arms_population(&design, 2_000, 10).expect("a design");
    let settings = CausalSettings { trees: 100, ..CausalSettings::usual(3) };
    let causal = test.value(&assign(&CausalForest::grow(&trial, &settings, 1).effects(test.x.view())));
    let settings = SeparateSettings { trees: 50, ..SeparateSettings::usual(3) };
    let separate = separate_forests(&trial, &settings, test.x.view(), 1);
    let separate = test.value(&assign(&separate));
    println!("causal {causal:.2}, separate {separate:.2}");
    assert!(causal > 8.5 && separate > 5.5, "{causal} {separate}");
}
