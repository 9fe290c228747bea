//! Propensities and weights of a study in forests (forest.txt, section 6.1), and what else a study says: costs, eligibility, clusters.

use std::fmt::Write;

use ndarray::{Array2, arr2};
use prescribe::data::{CostRole, PropensityRole, Roles, Study, Table};
use prescribe::forest::{Forest, Settings, Towards, Trial, assign, assign_among, served};
use prescribe::models::leaf_utility::Form;
use prescribe::nuisance::{Estimation, Folds, estimate};
use prescribe::score::Direction;
use prescribe::solve::growth::{Criterion, JointAssignment, Units};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// A study of three arms: x1 decides who gets which arm by chance, and the outcome.
fn confounded(n: usize, seed: u64) -> Table {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut text = String::from("x1,x2,p0,p1,p2,v,arm,y\n");
    for _ in 0..n {
        let (x1, x2): (f64, f64) = (random.sample(StandardNormal), random.sample(StandardNormal));
        let odds = [1.0, (1.2 * x1).exp(), (-1.2 * x1).exp()];
        let p = odds.map(|odd| odd / odds.iter().sum::<f64>());
        let u: f64 = random.random();
        let arm = usize::from(u > p[0]) + usize::from(u > p[0] + p[1]);
        let v = if x2 > 0.0 { 0.5 } else { 2.0 };
        let y = truth(arm, x1, x2) + random.sample::<f64, _>(StandardNormal);
        let [p0, p1] = [p[0], p[1]];
        let _ = writeln!(text, "{x1},{x2},{p0},{p1},{},{v},{arm},{y}", 1.0 - p0 - p1);
    }
    Table::parse("confounded.csv", text.as_bytes()).expect("a table")
}

/// Arm 0 is the best for all together, by 1 and 1.5; arm 1 is received by those with good outcomes. Of those with x2 <= 0, arm 2 is the best.
fn truth(arm: usize, x1: f64, x2: f64) -> f64 {
    let low = f64::from(u8::from(x2 <= 0.0));
    3.0 * x1 + [1.5, 0.5, 6.0 * low - 3.0][arm]
}

fn roles(propensity: PropensityRole) -> Roles {
    let covariates = ["x1", "x2"].map(String::from);
    Roles { propensity, ..Roles::new("y", "arm", &covariates) }
}

fn known() -> PropensityRole {
    PropensityRole::Columns((0..3).map(|k| (k.to_string(), format!("p{k}"))).collect())
}

fn study(n: usize, seed: u64, roles: &Roles) -> Study {
    Study::from_table(&confounded(n, seed), roles).expect("a study")
}

/// The arm that a forest gives that never splits.
fn best_for_all(trial: &Trial) -> usize {
    let settings = Settings { trees: 20, epsilon: 1e6, lambda2: 0.0, ..Settings::default() };
    let forest = Forest::grow(trial, &settings, None, 1);
    assign(&forest.predict(trial.x.view()))[0]
}

/// U^N and U^P of giving arm a to some units, as section 6.1 has them.
fn directly(study: &Study, units: &[u32], a: usize) -> (f64, f64) {
    let v = |i: usize| study.weights.as_ref().map_or(1.0, |weights| weights[i]);
    let units = || units.iter().map(|&i| i as usize);
    let received = || units().filter(|&i| study.arm[i] == a);
    let per = |i: usize| v(i) / study.propensity[[i, a]];
    let outcomes: f64 = received().map(|i| per(i) * study.outcome[i]).sum();
    (units().map(v).sum::<f64>() / received().map(per).sum::<f64>() * outcomes, outcomes)
}

#[test]
fn utilities_are_those_of_the_paper() {
    let roles = Roles { weights: Some("v".into()), ..roles(known()) };
    let study = study(120, 1, &roles);
    let trial = Trial::of(&study, Direction::Maximize);
    let shares = trial.shares();
    let units = Units {
        arm: &trial.arm,
        arms: 3,
        utility: &trial.utility,
        mass: trial.mass.as_deref(),
        weight: trial.weight.as_deref(),
        share: &shares,
    };
    let all: Vec<u32> = (0..120).collect();
    for form in [Form::N, Form::P] {
        let best = |part: &[u32]| {
            let arms = (0..3).filter(|&k| part.iter().any(|&i| study.arm[i as usize] == k));
            let values = arms.map(|k| (k, directly(&study, part, k)));
            let better = |a: (usize, (f64, f64)), b: (usize, (f64, f64))| {
                let mean = |part: (f64, f64)| part.0;
                if mean(b.1) > mean(a.1) { b } else { a }
            };
            let (arm, (n, p)) = values.reduce(better).expect("some arm");
            (arm, if form == Form::N { n } else { p })
        };
        let mut criterion = JointAssignment::new(units, 0.0, form, 3);
        criterion.open(&all, &mut ChaCha8Rng::seed_from_u64(1));
        criterion.rewind();
        let mut checked = 0;
        for left in 1..120 {
            criterion.cross(left as u32 - 1);
            let (parent, l, r) = (best(&all), best(&all[..left]), best(&all[left..]));
            let expected = (l.0 != r.0).then_some(l.1 + r.1 - parent.1);
            let found = criterion.gain(f64::NEG_INFINITY);
            assert_eq!(found.is_some(), expected.is_some(), "{form:?}, {left}");
            if let (Some(found), Some(expected)) = (found, expected) {
                assert!(
                    (found - expected).abs() < 1e-8 * (1.0 + expected.abs()),
                    "{form:?}: {found} {expected}"
                );
                checked += 1;
            }
        }
        assert!(checked > 20, "{form:?}: {checked} splits");
    }
}

#[test]
fn utilities_p_are_unbiased_under_propensities_that_vary() {
    let (mut sums, draws) = ([0.0; 3], 400);
    let mut naive = [0.0; 3];
    for seed in 0..draws {
        let trial = Trial::of(&study(300, 100 + seed, &roles(known())), Direction::Maximize);
        let shares = trial.shares();
        for i in 0..300 {
            let k = trial.arm[i] as usize;
            sums[k] += trial.mass(i) * trial.utility[i] / shares[k] / 300.0 / draws as f64;
            naive[k] += trial.utility[i] / shares[k] / 300.0 / draws as f64;
        }
    }
    // Standard errors are about .04.
    for (k, mean) in [1.5, 0.5, 0.0].into_iter().enumerate() {
        assert!((sums[k] - mean).abs() < 0.2, "{k}: {} {mean}", sums[k]);
    }
    assert!(naive[1] > naive[0] + 0.3, "{naive:?}");
}

#[test]
fn propensities_find_the_best_arm_where_shares_do_not() {
    let of = |propensity| Trial::of(&study(6_000, 2, &roles(propensity)), Direction::Maximize);
    assert_eq!(best_for_all(&of(PropensityRole::ObservedShares)), 1);
    assert_eq!(best_for_all(&of(known())), 0);
}

#[test]
fn weights_decide_whose_best_arm_counts() {
    let of = |weights| {
        let roles = Roles { weights, ..roles(known()) };
        Trial::of(&study(6_000, 3, &roles), Direction::Maximize)
    };
    assert_eq!(best_for_all(&of(None)), 0);
    // Nine in ten with x2 <= 0: then arm 2 is worth .9 * 3 - .1 * 3 = 2.4, the others what they were.
    let mut study = study(6_000, 3, &Roles { weights: Some("v".into()), ..roles(known()) });
    let weights = study.weights.as_mut().expect("weights");
    weights.iter_mut().zip(study.x.column(1)).for_each(|(v, x2)| *v = if *x2 > 0.0 { 0.2 } else { 1.8 });
    assert_eq!(best_for_all(&Trial::of(&study, Direction::Maximize)), 2);
}

#[test]
fn estimated_propensities_find_the_best_arm_too() {
    for propensity in [PropensityRole::Logit, PropensityRole::Forest] {
        let roles = roles(propensity);
        let read = study(6_000, 4, &roles);
        let how = Estimation { clip: None, trim: None, outcome: false, seed: 1 };
        let nuisances = estimate(read, &roles, how, |study| Folds::new(study, 5, 1)).expect("propensities");
        let trial = Trial::of(&nuisances.study, Direction::Maximize);
        assert_eq!(best_for_all(&trial), 0, "{:?}", roles.propensity);
        // With splits, the confounder is what leaves differ by, and half of the units are better off with arm 2.
        let settings = Settings { trees: 100, min_leaf: 100, ..Settings::default() };
        let forest = Forest::grow(&trial, &settings, None, 1);
        let x = arr2(&[[0.0, 1.0], [0.0, -1.0]]);
        assert_eq!(assign(&forest.predict(x.view())), [0, 2], "{:?}", roles.propensity);
    }
}

#[test]
fn clipped_scores_are_told() {
    let roles = roles(PropensityRole::Logit);
    let how = Estimation { clip: Some(0.2), trim: None, outcome: false, seed: 1 };
    let read = study(1_000, 5, &roles);
    let study = estimate(read, &roles, how, |study| Folds::new(study, 5, 1)).expect("propensities").study;
    assert!(study.warnings.iter().any(|warning| warning.contains("0.2")), "{:?}", study.warnings);
    let mass = Trial::of(&study, Direction::Maximize).mass.expect("masses");
    assert!(mass.iter().all(|mass| *mass <= 1.0 / 0.15), "{mass:?}");
}

#[test]
fn propensities_of_very_many_arms_are_estimated() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut text = String::from("x1,x2,arm,y\n");
    for i in 0..1_200 {
        let [x1, x2, y] = [(); 3].map(|()| random.sample::<f64, _>(StandardNormal));
        let _ = writeln!(text, "{x1},{x2},{},{y}", i % 120);
    }
    let roles = roles(PropensityRole::Logit);
    let read = Study::from_table(&Table::parse("arms.csv", text.as_bytes()).expect("a table"), &roles);
    let how = Estimation { clip: None, trim: None, outcome: false, seed: 1 };
    let folds = |study: &Study| Folds::new(study, 5, 1);
    let study = estimate(read.expect("a study"), &roles, how, folds).expect("propensities").study;
    let mass = Trial::of(&study, Direction::Maximize).mass.expect("masses");
    assert!(mass.iter().all(|mass| *mass > 0.0 && *mass <= 3.0), "{mass:?}");
}

#[test]
fn constant_propensities_are_those_of_a_plain_trial() {
    let constants = (0..3).map(|k| (k.to_string(), [0.5, 0.25, 0.25][k])).collect();
    for propensity in [PropensityRole::ObservedShares, PropensityRole::Constants(constants)] {
        let trial = Trial::of(&study(200, 6, &roles(propensity)), Direction::Minimize);
        assert_eq!((&trial.mass, &trial.weight, &trial.cluster), (&None, &None, &None));
    }
}

#[test]
fn what_an_arm_costs_counts_against_it() {
    let costs = CostRole::PerArm([("0".to_string(), 2.5)].into());
    let dear = Roles { costs, ..roles(known()) };
    assert_eq!(best_for_all(&Trial::of(&study(8_000, 7, &dear), Direction::Maximize)), 1);
    let study = study(50, 7, &dear);
    for direction in [Direction::Maximize, Direction::Minimize] {
        let trial = Trial::of(&study, direction);
        for i in 0..50 {
            let cost = if study.arm[i] == 0 { 2.5 } else { 0.0 };
            assert_eq!(trial.utility[i], direction.sign() * study.outcome[i] - cost);
        }
    }
}

#[test]
fn nobody_is_assigned_an_arm_that_is_not_for_them() {
    let estimates = arr2(&[[1.0, 3.0, 2.0], [1.0, 3.0, 2.0], [5.0, 5.0, 5.0]]);
    let may = arr2(&[[true, true, true], [true, false, true], [false, true, true]]);
    assert_eq!(assign(&estimates), [1, 1, 0]);
    assert_eq!(assign_among(&estimates, |i, k| may[[i, k]]), [1, 2, 1]);
}

#[test]
fn studies_that_forests_do_not_serve_are_refused() {
    let plain = study(50, 8, &roles(PropensityRole::ObservedShares));
    assert_eq!(served(&plain), Ok(None));
    let mut weighted = plain.clone();
    weighted.weights = Some((0..50).map(|i| if i == 3 { 0.0 } else { 50.0 / 49.0 }).collect());
    assert_eq!(served(&weighted), Ok(Some((0..50).filter(|&i| i != 3).collect())));
    let mut scored = plain.clone();
    scored.given_scores = Some(Array2::zeros((50, 3)));
    assert!(served(&scored).expect_err("scores").to_string().contains("--rewards"));
    assert!(served(&plain.over(&[])).expect_err("no covariates").to_string().contains("--covariates"));
}

#[test]
fn trees_are_grown_on_whole_clusters() {
    // Arm 0: five clusters of three. Arms 1 and 2: 20 clusters with one unit each of both, whose utility is all the cluster's.
    let arm: Vec<u16> = (0..55).map(|i| if i < 15 { 0 } else { 1 + i % 2 }).collect();
    let cluster: Vec<usize> = (0..55).map(|i| if i < 15 { i / 3 } else { 5 + (i - 15) / 2 }).collect();
    let utility = cluster.iter().map(|c| (*c as f64).sqrt()).collect();
    let x = Array2::from_shape_fn((55, 1), |(i, _)| i as f64);
    let trial = Trial { cluster: Some(cluster), ..Trial::new(x, arm, 3, utility) };
    let settings = Settings { trees: 20, epsilon: 1e6, ..Settings::default() };
    let held_out = |trial: &Trial| {
        Forest::grow(trial, &settings, None, 1)
            .trees
            .into_iter()
            .map(|fitted| fitted.table)
            .collect::<Vec<_>>()
    };
    for table in held_out(&trial) {
        assert_eq!(table.masses, arr2(&[[6.0, 10.0, 10.0]]));
        assert!((table.sums[[0, 1]] - table.sums[[0, 2]]).abs() < 1e-12);
    }
    let independent = held_out(&Trial { cluster: None, ..trial });
    assert!(independent.iter().all(|table| (table.sums[[0, 1]] - table.sums[[0, 2]]).abs() > 1e-9));
}

/// A trial of noise, of sd 3 in arm 1 and 1 in others, about effects of arms and signs of covariates.
fn noisy(n: usize, seed: u64) -> Trial {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let x = Array2::from_shape_fn((n, 2), |_| random.sample::<f64, _>(StandardNormal));
    let arm: Vec<u16> = (0..n as u16).map(|i| i % 4).collect();
    let utility = (0..n).map(|i| {
        let k = f64::from(arm[i]);
        let noise = if arm[i] == 1 { 3.0 } else { 1.0 };
        k * x[[i, 0]].signum() + noise * random.sample::<f64, _>(StandardNormal)
    });
    Trial::new(x.clone(), arm.clone(), 4, utility.collect())
}

#[test]
fn variances_of_arms_are_found() {
    let settings = Settings { trees: 50, min_leaf: 50, arm_variances: true, ..Settings::default() };
    let forest = Forest::grow(&noisy(4_000, 1), &settings, None, 1);
    let found = forest.variances.expect("variances");
    // 9 and three times 1: 3 on average.
    for (found, expected) in found.iter().zip([1.0 / 3.0, 3.0, 1.0 / 3.0, 1.0 / 3.0]) {
        assert!((found - expected).abs() < 0.2 * expected, "{found} {expected}");
    }
    assert_eq!(Forest::grow(&noisy(200, 1), &Settings::default(), None, 1).variances, None);
}

#[test]
fn estimates_are_shrunken_as_the_settings_say() {
    let trial = noisy(400, 2);
    let plain = Settings { trees: 30, lambda2: 4.0, ..Settings::default() };
    let estimates = |towards, arm_variances| {
        let settings = Settings { shrink_towards: towards, arm_variances, ..plain.clone() };
        let forest = Forest::grow(&trial, &settings, None, 3);
        let relative = forest.variances.clone().unwrap_or(vec![1.0; 4]);
        let lambda: Vec<f64> = relative.iter().map(|relative| 4.0 * relative).collect();
        let found = forest.predict(trial.x.view());
        // The mean over trees of the leaf's estimates.
        let mut expected = Array2::<f64>::zeros(found.raw_dim());
        for fitted in &forest.trees {
            let means = fitted.table.means_across(&lambda, towards);
            for (i, mut row) in expected.rows_mut().into_iter().enumerate() {
                row += &means.row(fitted.tree.leaf_of(|j| trial.x[[i, j]]));
            }
        }
        expected /= 30.0;
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-12, "{towards:?}: {a} {b}");
        }
        found
    };
    let leaf = estimates(Towards::Leaf, false);
    for (towards, arm_variances) in [(Towards::Leaf, true), (Towards::Arm, false), (Towards::Both, true)] {
        let other = estimates(towards, arm_variances);
        assert!(leaf.iter().zip(&other).any(|(a, b)| (a - b).abs() > 1e-3), "{towards:?}, {arm_variances}");
    }
}
