//! Partitions of arms against all partitions, one by one, and against set partitioning by HiGHS.

mod common;

use ndarray::Array2;
use prescribe::fusion::partition::{self as fusion, Choice};
use prescribe::models::Model;
use prescribe::models::arm_moments::Moments;
use prescribe::models::arm_partition::{ArmPartition, canonical};
use prescribe::simulate::{Design, fused_arms};
use prescribe::solve::partition::{self, Columns, Merging, SubsetRecursion};
use prescribe::solve::{self, Milp, Options, Promise, Silent, Solver, TerminationStatus};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What is odd about the arms.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain,
    /// Outcomes -1, 0 and 1 on covariates of the same few values.
    Tied,
    /// Every other arm is the one before it again.
    Duplicates,
    /// The last column is the sum of the others.
    Dependent,
    /// The last arm weighs nothing.
    Weightless,
    /// Fewer units than columns in the first arm.
    Thin,
}

const KINDS: [Kind; 6] =
    [Kind::Plain, Kind::Tied, Kind::Duplicates, Kind::Dependent, Kind::Weightless, Kind::Thin];

fn arms(kind: Kind, k: usize, p: usize, seed: u64) -> Vec<Moments> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut all: Vec<Moments> = Vec::new();
    for a in 0..k {
        if kind == Kind::Duplicates && a % 2 == 1 {
            all.push(all[a - 1].clone());
            continue;
        }
        let n = if kind == Kind::Thin && a == 0 { p - 1 } else { 12 };
        let number = |random: &mut ChaCha8Rng| match kind {
            Kind::Tied => f64::from(random.random_range(-1..=1)),
            _ => random.random_range(-1.0..1.0),
        };
        let mut design =
            Array2::from_shape_fn((n, p), |(_, j)| if j == 0 { 1.0 } else { number(&mut random) });
        if kind == Kind::Dependent {
            (0..n).for_each(|i| design[[i, p - 1]] = (0..p - 1).map(|j| design[[i, j]]).sum());
        }
        let shift = (a % 3) as f64 * 0.7;
        let outcome: Vec<f64> = (0..n).map(|i| number(&mut random) + shift * design[[i, 1]]).collect();
        let weight = if kind == Kind::Weightless && a + 1 == k { 0.0 } else { 1.0 / n as f64 };
        all.extend(Moments::by_arm(&design, &outcome, &vec![weight; n], &vec![0; n], 1));
    }
    all
}

/// The least residual sum over all partitions into at most `groups`, each group fitted anew.
fn brute_force(model: &ArmPartition) -> f64 {
    fn extend(model: &ArmPartition, of: &mut Vec<usize>, used: usize, best: &mut f64) {
        if of.len() == model.arms() {
            let rss = (0..used).map(|g| model.rss((0..of.len()).filter(|a| of[*a] == g))).sum();
            *best = best.min(rss);
            return;
        }
        for g in 0..(used + 1).min(model.groups()) {
            of.push(g);
            extend(model, of, used.max(g + 1), best);
            of.pop();
        }
    }
    let mut best = f64::INFINITY;
    extend(model, &mut Vec::new(), 0, &mut best);
    best
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * b.abs().max(1.0)
}

#[test]
fn exact_solvers_find_the_best_of_all_partitions() {
    let solvers: [Box<dyn Solver<ArmPartition>>; 2] = [Box::new(SubsetRecursion), Box::new(Columns)];
    let mut taken = 0;
    for kind in KINDS {
        for (k, p, seed) in [(1, 3, 1), (2, 3, 2), (5, 2, 3), (7, 3, 4), (8, 3, 5)] {
            for groups in [1, 2, 3, 5, 9] {
                let model = ArmPartition::new(arms(kind, k, p, seed), groups).unwrap();
                let best = brute_force(&model);
                for solver in solvers.iter().filter(|solver| solver.accepts(&model).is_ok()) {
                    let report =
                        solve::solve(&model, solver.as_ref(), None, &Options::default(), &Silent).unwrap();
                    let what = format!("{} on {kind:?}, {k} arms, {groups} groups", solver.name());
                    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}");
                    assert!(close(report.objective_value.unwrap(), best), "{what}: {best} {report:?}");
                    assert!(report.objective_bound.unwrap() <= best + 1e-9, "{what}");
                    let of = report.point.unwrap();
                    assert_eq!(of, canonical(&of), "{what}");
                    taken += 1;
                }
                let merged = solve::solve(&model, &Merging, None, &Options::default(), &Silent).unwrap();
                assert!(merged.objective_value.unwrap() >= best - 1e-9);
            }
        }
    }
    assert!(taken > 200, "{taken} solves");
}

#[test]
fn subsets_columns_and_set_partitioning_agree() {
    for (k, groups, seed) in [(10, 3, 11), (12, 4, 12), (12, 2, 13)] {
        let model = ArmPartition::new(arms(Kind::Plain, k, 3, seed), groups).unwrap();
        let solvers: [Box<dyn Solver<ArmPartition>>; 3] =
            [Box::new(SubsetRecursion), Box::new(Columns), Box::new(Milp::default())];
        let values: Vec<f64> = solvers
            .iter()
            .map(|solver| {
                assert_eq!(solver.accepts(&model), Ok(Promise::Exact));
                let report =
                    solve::solve(&model, solver.as_ref(), None, &Options::default(), &Silent).unwrap();
                assert_eq!(report.termination_status, TerminationStatus::Optimal, "{}", solver.name());
                report.objective_value.unwrap()
            })
            .collect();
        assert!(values.iter().all(|value| close(*value, values[0])), "{values:?}");
    }
}

#[test]
fn a_search_that_is_cut_off_bounds_the_optimum() {
    let model = ArmPartition::new(arms(Kind::Plain, 14, 3, 21), 4).unwrap();
    let best = solve::solve(&model, &SubsetRecursion, None, &Options::default(), &Silent).unwrap();
    let best = best.objective_value.unwrap();
    for time_limit in [0.0, 0.01, 0.05, 0.2] {
        let options = Options { time_limit: Some(time_limit), ..Options::default() };
        let report = solve::solve(&model, &Columns, None, &options, &Silent).unwrap();
        assert!(report.objective_bound.unwrap() <= best * (1.0 + 1e-9), "{time_limit} s: {report:?}");
        assert!(report.objective_value.unwrap() >= best * (1.0 - 1e-9), "{time_limit} s");
    }
}

#[test]
fn the_path_is_that_of_the_single_solves() {
    let moments = arms(Kind::Plain, 9, 3, 31);
    let path = partition::path(&moments, 12).unwrap();
    assert_eq!(path.len(), 9);
    for step in &path {
        let model = ArmPartition::new(moments.clone(), step.groups).unwrap();
        assert!(
            step.proved && close(step.rss, brute_force(&model)) && close(step.rss, model.objective(&step.of))
        );
    }
}

/// With more arms than the recursion takes: partitions of the heuristic, whose choice is proved where there is time.
#[test]
fn the_choice_among_many_arms_is_proved_where_there_is_time() {
    let moments = arms(Kind::Plain, 18, 2, 32);
    let limit = Options { time_limit: Some(120.0), ..Options::default() };
    for choice in [Choice::Ebic, Choice::Bic, Choice::Groups(3)] {
        let quick = fusion::partition(&moments, 400, choice, &Options::default(), &Silent).unwrap();
        let proved = fusion::partition(&moments, 400, choice, &limit, &Silent).unwrap();
        assert!(
            proved.choice_proved && proved.steps[proved.chosen].proved && !quick.choice_proved,
            "{choice:?}"
        );
        for (quick, proved) in quick.steps.iter().zip(&proved.steps) {
            let order = [quick.bound, proved.bound, proved.rss, quick.rss];
            assert!(order.is_sorted_by(|a, b| *a <= b + 1e-9), "{quick:?} {proved:?}");
        }
    }
}

#[test]
fn senseless_models_are_refused() {
    assert!(ArmPartition::new(vec![], 1).is_err());
    assert!(ArmPartition::new(arms(Kind::Plain, 2, 2, 41), 0).is_err());
    let mixed = vec![arms(Kind::Plain, 1, 2, 42).remove(0), arms(Kind::Plain, 1, 3, 43).remove(0)];
    assert!(ArmPartition::new(mixed, 1).is_err());
    let mut broken = arms(Kind::Plain, 2, 2, 44);
    broken[1].square = f64::NAN;
    assert!(ArmPartition::new(broken, 1).unwrap_err().to_string().contains("arm 1"));
    let many = ArmPartition::new(arms(Kind::Plain, 17, 2, 45), 2).unwrap();
    assert!(SubsetRecursion.accepts(&many).unwrap_err().to_string().contains("17 arms"));
    let thin = ArmPartition::new(arms(Kind::Thin, 4, 3, 46), 2).unwrap();
    assert!(Columns.accepts(&thin).is_err());
}

/// Partition, criteria and choice on Appendix B.2's design, where the fits are right: the criteria are written out anew, and find the four latent groups.
#[test]
fn the_criterion_finds_the_latent_groups() {
    let design = Design { noise: 1.0, ..Design::linear() };
    let study = fused_arms(&design, 1).unwrap();
    let n = study.arm.len();
    let ones = Array2::ones((n, 1));
    let columns = ndarray::concatenate![ndarray::Axis(1), ones, study.x];
    let weights: Vec<f64> = study.arm.iter().map(|a| 1.0 / design.units(*a) as f64).collect();
    let moments = Moments::by_arm(&columns, &study.outcome, &weights, &study.arm, 16);
    let fused = fusion::partition(&moments, n, Choice::Ebic, &Options::default(), &Silent).unwrap();
    assert_eq!(fused.steps.len(), fusion::MOST_GROUPS);
    assert_eq!(fused.steps[fused.chosen].of, study.group);
    for step in &fused.steps {
        let free = 4 * step.groups;
        let choose: f64 = (0..free).map(|j| ((64 - j) as f64 / (free - j) as f64).ln()).sum();
        let bic = n as f64 * (step.rss / 16.0).ln() + free as f64 * (n as f64).ln();
        assert!((step.bic - bic).abs() < 1e-8 && (step.ebic - bic - 2.0 * choose).abs() < 1e-8, "{step:?}");
        assert!(step.proved && step.bound == step.rss);
        assert!(step.ebic >= fused.steps[fused.chosen].ebic);
    }
    let three = fusion::partition(&moments, n, Choice::Groups(3), &Options::default(), &Silent).unwrap();
    assert_eq!((three.chosen, three.steps[2].of.iter().max()), (2, Some(&2)));
}

/// The oracle's draw of Table 5's design (tests/oracles/fusion): arms 1-4, 5-8, 9-12 and 13-16 are the latent groups.
#[test]
fn the_criterion_finds_the_groups_of_the_oracle() {
    let mut reader =
        csv::Reader::from_path(common::file("tests/oracles/fusion/ds1_exp_K16/data.csv")).unwrap();
    let rows: Vec<Vec<f64>> = reader
        .records()
        .map(|row| row.unwrap().iter().map(|field| field.parse().unwrap()).collect())
        .collect();
    let arm: Vec<usize> = rows.iter().map(|row| row[1] as usize - 1).collect();
    let outcome: Vec<f64> = rows.iter().map(|row| row[0]).collect();
    let design = Array2::from_shape_fn((rows.len(), 4), |(i, j)| if j == 0 { 1.0 } else { rows[i][j + 1] });
    let units = |a: usize| arm.iter().filter(|b| **b == a).count() as f64;
    let weights: Vec<f64> = arm.iter().map(|a| 1.0 / units(*a)).collect();
    let moments = Moments::by_arm(&design, &outcome, &weights, &arm, 16);
    let fused = fusion::partition(&moments, rows.len(), Choice::Ebic, &Options::default(), &Silent).unwrap();
    assert_eq!(fused.steps[fused.chosen].of, (0..16).map(|a| a / 4).collect::<Vec<_>>());
}
