//! Clustered forests and the clustering of arms: against all partitions one by one, and on trials whose groups are known.

use ndarray::{Array2, Axis, array};
use prescribe::forest::clustering::{self, Choice, FoldForests, Groups, Start, Within};
use prescribe::forest::{Clustering, Forest, Settings, Trial};
use prescribe::models::InvalidModel;
use prescribe::models::arm_clustering::ArmClustering;
use prescribe::models::arm_groups::canonical;
use prescribe::solve::partition::{Branches, KMeans, Merging, SubsetRecursion, nearest};
use prescribe::solve::{self, Milp, Options, Promise, Silent, Solver, TerminationStatus};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Fitted values (n x K) of arms in three bundles; whole numbers where ties are wanted.
fn fitted(n: usize, arms: usize, tied: bool, seed: u64) -> Array2<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((n, arms), |(i, k)| match tied {
        true => f64::from(random.random_range(-1..=1)),
        false => (k % 3) as f64 * ((i % 2) as f64 - 0.5) + random.random_range(-0.8..0.8),
    })
}

fn weights(n: usize, arms: usize, seed: u64) -> Array2<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((n, arms), |(i, k)| match (i + k) % 5 {
        0 => 0.0,
        _ => random.random_range(0.1..2.0),
    })
}

/// The weighted squares within groups around their means, from the definition.
fn within(values: &Array2<f64>, weight: &Array2<f64>, of: &[usize]) -> f64 {
    let mut sum = 0.0;
    for group in 0..of.len() {
        for i in 0..values.nrows() {
            let arms: Vec<usize> =
                (0..of.len()).filter(|&k| of[k] == group && weight[[i, k]] > 0.0).collect();
            let mass: f64 = arms.iter().map(|&k| weight[[i, k]]).sum();
            let mean = arms.iter().map(|&k| weight[[i, k]] * values[[i, k]]).sum::<f64>() / mass;
            sum += arms.iter().map(|&k| weight[[i, k]] * (values[[i, k]] - mean).powi(2)).sum::<f64>();
        }
    }
    sum
}

/// The least of all partitions into at most `groups`.
fn brute_force(values: &Array2<f64>, weight: &Array2<f64>, groups: usize) -> f64 {
    fn extend(of: &mut Vec<usize>, arms: usize, used: usize, groups: usize, seen: &mut dyn FnMut(&[usize])) {
        if of.len() == arms {
            return seen(of);
        }
        for g in 0..(used + 1).min(groups) {
            of.push(g);
            extend(of, arms, used.max(g + 1), groups, seen);
            of.pop();
        }
    }
    let mut best = f64::INFINITY;
    extend(&mut Vec::new(), values.ncols(), 0, groups, &mut |of| best = best.min(within(values, weight, of)));
    best
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-7 * b.abs().max(1.0)
}

#[test]
fn exact_solvers_find_the_best_of_all_partitions_and_heuristics_nothing_better() {
    let exact: [Box<dyn Solver<ArmClustering>>; 3] =
        [Box::new(SubsetRecursion), Box::new(Branches), Box::new(Milp::default())];
    let heuristic: [Box<dyn Solver<ArmClustering>>; 2] = [Box::new(KMeans), Box::new(Merging)];
    for (arms, tied, seed) in [(1, false, 1), (2, false, 2), (5, true, 3), (7, false, 4), (8, false, 5)] {
        let values = fitted(12, arms, tied, seed);
        let (of_units, of_arms) = (weights(12, 1, seed + 10), weights(1, arms, seed + 20));
        let (units, by_arm) = (of_units.column(0).to_vec(), of_arms.row(0).to_vec());
        let cells = weights(12, arms, seed + 30);
        let product = Array2::from_shape_fn((12, arms), |(i, k)| units[i] * by_arm[k]);
        let even = Array2::from_elem((12, arms), 1.0 / 12.0);
        for groups in [1, 2, 3, 9] {
            let view = values.view();
            let posed = [
                (ArmClustering::new(view, None, None, groups).unwrap(), &even),
                (ArmClustering::new(view, Some(&units), Some(&by_arm), groups).unwrap(), &product),
                (ArmClustering::weighted(view, cells.view(), groups).unwrap(), &cells),
            ];
            for (kind, (model, weight)) in posed.iter().enumerate() {
                let best = brute_force(&values, weight, groups);
                for solver in exact.iter().chain(&heuristic) {
                    let Ok(promise) = solver.accepts(model) else { continue };
                    let what = format!("{} on kind {kind}, {arms} arms, {groups} groups", solver.name());
                    let report =
                        solve::solve(model, solver.as_ref(), None, &Options::default(), &Silent).unwrap();
                    let (of, value) = (report.point.unwrap(), report.objective_value.unwrap());
                    assert!(close(value, within(&values, weight, &of)), "{what}: {value} {of:?}");
                    assert!(value >= best - 1e-9, "{what}: {value} under {best}");
                    if promise == Promise::Exact {
                        assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}");
                        assert!(close(value, best), "{what}: {value}, not {best}");
                    }
                }
                let quick = nearest(model, &Options::default()).unwrap();
                assert!(close(quick.objective_value.unwrap(), best));
            }
        }
    }
}

#[test]
fn recursion_branches_and_set_partitioning_agree_on_more_arms() {
    for (arms, groups, seed) in [(10, 3, 41), (12, 4, 42), (15, 5, 43)] {
        let values = fitted(60, arms, false, seed);
        let model = ArmClustering::new(values.view(), None, None, groups).unwrap();
        let solvers: [Box<dyn Solver<ArmClustering>>; 3] =
            [Box::new(SubsetRecursion), Box::new(Branches), Box::new(Milp::default())];
        let of: Vec<Vec<usize>> = solvers
            .iter()
            .filter(|solver| solver.accepts(&model).is_ok())
            .map(|solver| {
                let report =
                    solve::solve(&model, solver.as_ref(), None, &Options::default(), &Silent).unwrap();
                assert_eq!(report.termination_status, TerminationStatus::Optimal);
                report.point.unwrap()
            })
            .collect();
        assert!(of.len() >= 2 && of.iter().all(|one| *one == of[0]), "{of:?}");
    }
}

#[test]
fn branches_that_are_cut_off_bound_the_optimum() {
    let values = fitted(30, 16, false, 51);
    let model = ArmClustering::new(values.view(), None, None, 4).unwrap();
    let best = solve::solve(&model, &SubsetRecursion, None, &Options::default(), &Silent).unwrap();
    let best = best.objective_value.unwrap();
    for nodes in [1, 20, 60, 200] {
        let options = Options { mip_max_nodes: Some(nodes), ..Options::default() };
        let report = solve::solve(&model, &Branches, None, &options, &Silent).unwrap();
        assert!(report.objective_bound.unwrap() <= best * (1.0 + 1e-9), "{nodes} nodes");
        assert!(report.objective_value.unwrap() >= best * (1.0 - 1e-9), "{nodes} nodes");
    }
}

#[test]
fn the_groups_of_arms_in_another_order_are_the_same() {
    let values = fitted(200, 30, false, 61);
    let mut order: Vec<usize> = (0..30).rev().collect();
    order.swap(3, 17);
    let shuffled = values.select(Axis(1), &order);
    let of = |values: &Array2<f64>| {
        let model = ArmClustering::new(values.view(), None, None, 3).unwrap();
        nearest(&model, &Options::default()).unwrap().point.unwrap()
    };
    let (plain, permuted) = (of(&values), of(&shuffled));
    assert_eq!(canonical(&order.iter().map(|&k| plain[k]).collect::<Vec<_>>()), permuted);
    // The bundles that the values were drawn in.
    assert_eq!(plain, (0..30).map(|k| k % 3).collect::<Vec<_>>());
}

#[test]
fn senseless_models_are_refused() {
    let values = array![[1.0, 2.0], [0.0, 4.0]];
    let refused = |model: Result<ArmClustering, InvalidModel>, word: &str| match model {
        Err(error) => assert!(error.to_string().contains(word), "{error}"),
        Ok(_) => panic!("{word}"),
    };
    refused(ArmClustering::new(values.view(), None, None, 0), "0 groups");
    refused(ArmClustering::new(Array2::zeros((3, 0)).view(), None, None, 1), "no arms");
    refused(ArmClustering::new(values.view(), Some(&[1.0]), None, 1), "1 units");
    refused(ArmClustering::new(values.view(), None, Some(&[1.0, -1.0]), 1), "-1");
    refused(ArmClustering::new(array![[f64::NAN, 0.0]].view(), None, None, 1), "NaN");
}

/// Arms 1 to 4 are good where x > 0 and bad elsewhere, 5 to 8 the other way round; arm 0, the control, is nothing.
fn trial(n: usize, seed: u64) -> Trial {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let x = Array2::from_shape_fn((n, 2), |_| random.random_range(-1.0..1.0));
    let arm: Vec<u16> = (0..n).map(|i| (i % 9) as u16).collect();
    let utility = (0..n).map(|i| effect(arm[i], x[[i, 0]]) + random.random_range(-2.0..2.0)).collect();
    Trial::new(x, arm, 9, utility)
}

fn effect(arm: u16, x: f64) -> f64 {
    let side = if x > 0.0 { 1.0 } else { -1.0 };
    match arm {
        0 => 0.0,
        1..=4 => side,
        _ => -side,
    }
}

fn quick() -> Settings {
    Settings { trees: 40, epsilon: 0.02, lambda1: 1.0, ..Settings::default() }
}

fn of(groups: Groups) -> Clustering {
    Clustering { groups, fold_trees: 30, ..Clustering::default() }
}

#[test]
fn the_groups_of_a_trial_are_found_and_every_arm_is_estimated() {
    let trial = trial(1800, 1);
    let known = vec![0, 1, 1, 1, 1, 2, 2, 2, 2];
    for groups in [Groups::Fixed(2), Groups::Auto(Choice::Elbow), Groups::Auto(Choice::Silhouette)] {
        let found = clustering::grow(&trial, &quick(), &of(groups), 1).unwrap();
        assert_eq!(found.groups, known, "{groups:?}");
        assert_eq!(found.candidates.is_empty(), groups == Groups::Fixed(2));
        let again = Forest::grow(&trial, &quick(), Some(&known), 1);
        assert_eq!(found.forest, again);
        assert_eq!(found.predict(trial.x.view()).ncols(), 9);
    }
    let with_control = Clustering { keep_control: false, ..of(Groups::Fixed(3)) };
    assert_eq!(clustering::grow(&trial, &quick(), &with_control, 1).unwrap().groups, known);
    let weighted = Clustering { weighted: true, ..of(Groups::Fixed(2)) };
    assert_eq!(clustering::grow(&trial, &quick(), &weighted, 1).unwrap().groups, known);
    let by_chance = Clustering { start: Start::Random, rounds: 6, ..of(Groups::Fixed(2)) };
    let by_chance = clustering::grow(&trial, &quick(), &by_chance, 2).unwrap();
    assert!(by_chance.groups == known, "{:?} after {} rounds", by_chance.groups, by_chance.rounds);
    assert!(by_chance.rounds > 1);
}

#[test]
fn the_value_chooses_among_numbers_of_groups_by_units_held_out() {
    let trial = trial(900, 2);
    let found = clustering::grow(&trial, &quick(), &of(Groups::Auto(Choice::Value)), 1).unwrap();
    let numbers: Vec<usize> = found.candidates.iter().map(|candidate| candidate.groups).collect();
    assert_eq!(numbers, (2..=8).collect::<Vec<_>>());
    // The truth is 1 for the best arm everywhere; values do not promise much more.
    assert!(found.candidates.iter().all(|candidate| candidate.score > 0.4 && candidate.score < 1.4));
    let best = found.candidates.iter().max_by(|a, b| a.score.total_cmp(&b.score)).unwrap();
    let groups = *found.groups.iter().max().unwrap() as usize;
    let chosen = found.candidates.iter().find(|candidate| candidate.groups == groups).unwrap();
    assert!(chosen.groups <= best.groups && best.score - chosen.score < 0.2, "{:?}", found.candidates);
    assert!(found.candidates.windows(2).all(|pair| pair[1].within <= pair[0].within + 1e-9));
}

#[test]
fn forests_of_folds_know_nothing_of_their_fold() {
    let plain = trial(450, 3);
    let grow = |trial: &Trial| FoldForests::grow(trial, &quick(), 5, None, (1, "test"));
    let folds = grow(&plain);
    let unit = 123;
    let mut other = plain.clone();
    other.utility[unit] += 1e3;
    let changed = grow(&other);
    assert_eq!(folds.fold_of, changed.fold_of);
    for fold in 0..5 {
        assert_eq!(folds.forests[fold] == changed.forests[fold], fold == folds.fold_of[unit], "fold {fold}");
    }
    let (before, after) = (folds.fitted(plain.x.view()), changed.fitted(plain.x.view()));
    for i in 0..450 {
        let same = before.row(i) == after.row(i);
        assert_eq!(same, folds.fold_of[i] == folds.fold_of[unit], "unit {i}");
    }
}

#[test]
fn an_arm_of_one_unit_is_clustered_by_what_the_other_folds_say() {
    let mut trial = trial(900, 4);
    // All units of arm 8 but one go to arm 7.
    let kept = trial.arm.iter().position(|k| *k == 8).unwrap();
    let others = trial.arm.iter_mut().enumerate().filter(|(i, k)| *i != kept && **k == 8);
    others.for_each(|(_, k)| *k = 7);
    let found = clustering::grow(&trial, &quick(), &of(Groups::Fixed(3)), 1).unwrap();
    assert_eq!(found.groups.len(), 9);
    assert!(found.predict(trial.x.view()).iter().all(|value| value.is_finite()));
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let trial = trial(90, 5);
    let refused = |clustering: Clustering, words: &str| {
        let error = clustering::grow(&trial, &quick(), &clustering, 1).unwrap_err().to_string();
        assert_eq!(error, words);
    };
    refused(of(Groups::Fixed(9)), "clusters 9: give at most as many as there are arms to cluster");
    refused(of(Groups::Fixed(0)), "clusters 0: give at least 1");
    let plain = || of(Groups::Fixed(2));
    refused(Clustering { folds: 1, ..plain() }, "folds 1: give at least 2");
    refused(Clustering { folds: 91, ..plain() }, "folds 91: give at most one for each unit");
    refused(Clustering { rounds: 0, ..plain() }, "rounds 0: give at least 1");
    refused(Clustering { fold_trees: 0, ..plain() }, "fold_trees 0: give at least 1");
    let every = clustering::grow(&trial, &quick(), &of(Groups::Fixed(8)), 1).unwrap();
    assert_eq!(every.groups, (0..9).collect::<Vec<_>>());
    let none = clustering::grow(&trial, &quick(), &of(Groups::None), 1).unwrap();
    assert_eq!(none.forest, Forest::grow(&trial, &quick(), None, 1));
    assert_eq!(every.forest, none.forest);
}

#[test]
fn any_arm_of_the_best_group_is_drawn_alike_and_the_same_for_the_same_id() {
    let trial = trial(1800, 6);
    let clustering = Clustering { within: Within::Random, ..of(Groups::Fixed(2)) };
    let found = clustering::grow(&trial, &quick(), &clustering, 1).unwrap();
    let x = Array2::from_shape_fn((4000, 2), |(i, j)| if j == 0 { (i % 2) as f64 - 0.5 } else { 0.0 });
    let estimates = found.predict(x.view());
    for row in estimates.rows() {
        assert!((1..5).all(|k| row[k] == row[1]) && (5..9).all(|k| row[k] == row[5]));
    }
    let ids: Vec<String> = (0..4000).map(|i| format!("unit {i}")).collect();
    let arms = found.assign(&estimates, &ids, 1);
    let mut counts = [0; 9];
    arms.iter().enumerate().for_each(|(i, &k)| {
        assert_eq!(effect(k as u16, x[[i, 0]]), 1.0, "unit {i}");
        counts[k] += 1;
    });
    // 500 each, give or take five standard deviations.
    assert!(counts[1..].iter().all(|count| (395..605).contains(count)), "{counts:?}");
    let few: Vec<usize> = (0..4000).step_by(7).collect();
    let few_ids: Vec<String> = few.iter().map(|&i| ids[i].clone()).collect();
    let again = found.assign(&estimates.select(Axis(0), &few), &few_ids, 1);
    assert_eq!(again, few.iter().map(|&i| arms[i]).collect::<Vec<_>>());
    assert_ne!(found.assign(&estimates, &ids, 2), arms);
}
