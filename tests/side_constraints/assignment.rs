//! Bounds on who gets what: budgets, shares, capacities, parity.

use ndarray::Array2;
use prescribe::models::linear_rule::LinearProblem;
use prescribe::models::tree_rule::{Candidates, Tree, TreeProblem};
use prescribe::models::{AssignmentBound, SideConstraint};
use prescribe::solve::greedy::Greedy;
use prescribe::solve::{
    self, Chosen, Formulation, Milp, Options, Silent, Smooth, Solver, solve_explained, solve_started,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{Holds, INSTANCES, agrees, covariates, labellings, names, reward};

/// A budget in eighths, a share, a capacity, parity of two groups or the share of one: the constraint, and its test on an assignment written out by hand.
pub fn constraint(random: &mut ChaCha8Rng, n: usize, arms: usize) -> (SideConstraint, Holds) {
    let limit = random.random_range(0..=n / 2);
    let (bound, holds): (AssignmentBound, Holds) = match random.random_range(0..5) {
        4 => {
            let members: Vec<bool> = (0..n).map(|i| i == 0 || random.random()).collect();
            let (a, b) = (random.random_range(0..=4), random.random_range(0..=4));
            let (low, high) = (f64::from(a.min(b)) / 4.0, f64::from(a.max(b)) / 4.0);
            let group = members.clone();
            let holds = move |d: &[usize]| {
                let size = group.iter().filter(|m| **m).count();
                let treated = (0..n).filter(|&i| group[i] && d[i] > 0).count();
                4 * treated >= a.min(b) as usize * size && 4 * treated <= a.max(b) as usize * size
            };
            (AssignmentBound::subgroup_share("group", &members, arms, low, high), Box::new(holds))
        }
        3 => {
            let first: Vec<bool> = (0..n).map(|i| i == 0 || (i > 1 && random.random())).collect();
            let delta = f64::from(random.random_range(0..=4)) / 8.0 + 1e-9;
            let (group, size) = (first.clone(), first.iter().filter(|m| **m).count() as f64);
            let share = move |d: &[usize], of: bool| {
                let treated = (0..n).filter(|&i| group[i] == of && d[i] > 0).count() as f64;
                treated / if of { size } else { n as f64 - size }
            };
            let holds = move |d: &[usize]| (share(d, true) - share(d, false)).abs() <= delta;
            (AssignmentBound::parity("group", &first, arms, delta), Box::new(holds))
        }
        0 => {
            let costs =
                Array2::from_shape_simple_fn((n, arms), || f64::from(random.random_range(0..16)) / 8.0);
            let most = random.random_range(0..=8 * n) as f64 / 8.0;
            let known = costs.clone();
            let total = move |d: &[usize]| d.iter().enumerate().map(|(i, &k)| known[[i, k]]).sum::<f64>();
            (AssignmentBound::budget(costs, most), Box::new(move |d| total(d) <= most))
        }
        1 => {
            let share = limit as f64 / n as f64;
            let treated = |d: &[usize]| d.iter().filter(|k| **k > 0).count();
            (AssignmentBound::budget_share(n, arms, share), Box::new(move |d| treated(d) <= limit))
        }
        _ => {
            let given = move |d: &[usize]| d.iter().filter(|k| **k == arms - 1).count();
            let bound = AssignmentBound::capacity(n, arms, arms - 1, "last", limit);
            (bound, Box::new(move |d| given(d) <= limit))
        }
    };
    (SideConstraint::Assignment(bound), holds)
}

#[test]
fn constrained_linear_rules_equal_enumeration() {
    (0..INSTANCES).into_par_iter().for_each(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (n, p) = (random.random_range(3..=8), random.random_range(1..=2));
        let x = covariates(&mut random, n, p);
        let gains: Vec<f64> = (0..n).map(|_| reward(&mut random)).collect();
        let (constraint, holds) = constraint(&mut random, n, 2);
        let rows: Vec<Vec<i128>> =
            x.rows().into_iter().map(|x| x.iter().map(|v| *v as i128).collect()).collect();
        let labels = |mask: u32| (0..n).map(|i| (mask >> i & 1) as usize).collect::<Vec<_>>();
        let together = |mask: u32| {
            (0..n).all(|i| (0..n).all(|j| rows[i] != rows[j] || (mask >> i ^ mask >> j) & 1 == 0))
        };
        let masks = (0..1u32 << n).filter(|m| together(*m) && holds(&labels(*m)) && separable(&rows, *m));
        let gain = |mask: u32| (0..n).filter(|i| mask >> i & 1 == 1).map(|i| gains[i]).sum::<f64>();
        let optimum = masks.map(gain).reduce(f64::max);
        let problem = LinearProblem::from_gains(names("x", p), x, &gains).unwrap().with(constraint).unwrap();
        for formulation in [Formulation::Facets, Formulation::Radon] {
            let solver = Milp { formulation: Some(formulation) };
            let report = solve_started(&problem, &solver, None, &Options::default(), &Silent).unwrap();
            agrees(&report, optimum, &format!("seed {seed}, {formulation:?}"));
        }
        assert!(Solver::accepts(&Smooth::default(), &problem).is_err());
    });
}

/// Distinct points only: `mask` must not separate equal ones, which the caller has checked.
fn separable(rows: &[Vec<i128>], mask: u32) -> bool {
    let mut distinct: Vec<Vec<i128>> = Vec::new();
    let mut reduced = 0;
    for (i, row) in rows.iter().enumerate() {
        if !distinct.contains(row) {
            reduced |= (mask >> i & 1) << distinct.len();
            distinct.push(row.clone());
        }
    }
    labellings::separable(&distinct, reduced)
}

#[test]
fn constrained_trees_equal_enumeration() {
    (0..INSTANCES).into_par_iter().for_each(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(1000 + seed);
        let (n, p) = (random.random_range(2..=8), random.random_range(1..=2));
        let (arms, depth) = (random.random_range(2..=3), random.random_range(1..=2));
        let x = covariates(&mut random, n, p);
        let rewards = Array2::from_shape_simple_fn((n, arms), || reward(&mut random));
        let (constraint, holds) = constraint(&mut random, n, arms);
        let least = random.random_range(1..=2);
        let units: Vec<usize> = (0..n).collect();
        let value = |d: &Vec<usize>| d.iter().enumerate().map(|(i, &k)| rewards[[i, k]]).sum::<f64>();
        let all = assignments(&x, &units, depth, arms, least, &vec![0; n]);
        let optimum = all.iter().filter(|d| n >= least && holds(d)).map(value).reduce(f64::max);
        let class = Tree::over(&x, depth, Candidates::All);
        let problem = TreeProblem::new(class, names("x", p), names("a", arms), x.clone(), rewards.clone());
        let problem = problem.unwrap().with(SideConstraint::MinimumLeafSize(least)).unwrap();
        let problem = problem.with(constraint).unwrap();
        for formulation in [Formulation::Extended, Formulation::Flow] {
            let solver = Milp { formulation: Some(formulation) };
            let report = solve_started(&problem, &solver, None, &Options::default(), &Silent).unwrap();
            agrees(&report, optimum, &format!("seed {seed}, {formulation:?}"));
        }
        assert!(Solver::<TreeProblem>::accepts(&Greedy, &problem).is_err());
    });
}

/// Every assignment of `units` by a tree of depth at most `depth` whose leaves hold at least `least` units.
fn assignments(
    x: &Array2<f64>,
    units: &[usize],
    depth: usize,
    arms: usize,
    least: usize,
    base: &[usize],
) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = (0..arms)
        .map(|k| {
            let mut d = base.to_vec();
            units.iter().for_each(|&i| d[i] = k);
            d
        })
        .collect();
    if depth == 0 {
        return found;
    }
    for j in 0..x.ncols() {
        let mut values: Vec<f64> = units.iter().map(|&i| x[[i, j]]).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values.pop();
        for t in values {
            let (left, right): (Vec<usize>, Vec<usize>) = units.iter().partition(|&&i| x[[i, j]] <= t);
            if left.len() < least || right.len() < least {
                continue;
            }
            for half in assignments(x, &left, depth - 1, arms, least, base) {
                found.extend(assignments(x, &right, depth - 1, arms, least, &half));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Three constraints at a time: each price is the difference of two enumerations, each conflict a smallest one.
#[test]
fn prices_and_conflicts_equal_enumeration() {
    let conflicts: usize = (0..INSTANCES).into_par_iter().map(priced_instance).sum();
    assert!(conflicts > 5, "only {conflicts} instances were infeasible");
}

/// 1 where the instance is infeasible.
fn priced_instance(seed: u64) -> usize {
    let mut random = ChaCha8Rng::seed_from_u64(2000 + seed);
    let (n, arms) = (random.random_range(4..=8), 2);
    let x = covariates(&mut random, n, 1);
    let rewards = Array2::from_shape_simple_fn((n, arms), || reward(&mut random));
    let units: Vec<usize> = (0..n).collect();
    let all = assignments(&x, &units, 1, arms, 1, &vec![0; n]);
    let mut problem = TreeProblem::new(
        Tree::over(&x, 1, Candidates::All),
        names("x", 1),
        names("a", arms),
        x,
        rewards.clone(),
    )
    .unwrap();
    let mut tests: Vec<(String, Holds)> = Vec::new();
    for c in 0..3 {
        let (given, holds) = constraint(&mut random, n, arms);
        let SideConstraint::Assignment(mut bound) = given else { unreachable!() };
        bound.name = format!("c{c}");
        problem = problem.with(SideConstraint::Assignment(bound)).unwrap();
        tests.push((format!("c{c}"), holds));
    }
    let best = |kept: &[usize]| {
        let feasible = all.iter().filter(|d| kept.iter().all(|&c| tests[c].1(d)));
        feasible.map(|d| d.iter().enumerate().map(|(i, &k)| rewards[[i, k]]).sum::<f64>()).reduce(f64::max)
    };
    let report = solve_explained(
        &problem,
        &Chosen::Named(Box::new(Milp::default())),
        None,
        &Options::default(),
        &Silent,
    )
    .unwrap();
    let Some(optimum) = best(&[0, 1, 2]) else {
        let smallest = [vec![0], vec![1], vec![2], vec![0, 1], vec![0, 2], vec![1, 2], vec![0, 1, 2]];
        let conflict = smallest.into_iter().find(|kept| best(kept).is_none()).unwrap();
        let named = report.statistics["conflict"].as_array().unwrap();
        assert_eq!(named.len(), conflict.len(), "seed {seed}: {named:?}, by enumeration {conflict:?}");
        let named: Vec<usize> = named.iter().map(|c| c.as_str().unwrap()[1..].parse().unwrap()).collect();
        assert!(best(&named).is_none(), "seed {seed}: {named:?} can be met together");
        return 1;
    };
    agrees(&report, Some(optimum), &format!("seed {seed}"));
    for (c, kept) in [[1, 2], [0, 2], [0, 1]].iter().enumerate() {
        let price = &report.statistics["prices"][c];
        assert_eq!(price["constraint"], format!("c{c}"));
        let expected = best(kept).unwrap() - optimum;
        assert!((price["price"].as_f64().unwrap() - expected).abs() < 1e-9, "seed {seed}: {price}");
    }
    0
}

#[test]
fn a_constraint_over_other_units_is_refused() {
    let x = ndarray::array![[0.0], [1.0]];
    let problem = LinearProblem::from_gains(names("x", 1), x, &[1.0, -1.0]).unwrap();
    let foreign = SideConstraint::Assignment(AssignmentBound::budget_share(3, 2, 0.5));
    assert!(problem.with(foreign).is_err());
}

/// Treating everybody is fair to groups of 3 and 7 exactly, although 3/3 - 7/7 is summed in thirds and sevenths.
#[test]
fn exact_parity_admits_treating_everybody() {
    for n in 4..=23_u8 {
        let x = Array2::from_shape_fn((usize::from(n), 1), |(i, _)| i as f64);
        let first: Vec<bool> = (0..n).map(|i| i % 3 == 0).collect();
        let gains = vec![1.0; usize::from(n)];
        let parity = SideConstraint::Assignment(AssignmentBound::parity("group", &first, 2, 0.0));
        let problem = LinearProblem::from_gains(names("x", 1), x, &gains).unwrap().with(parity).unwrap();
        for formulation in [Formulation::Facets, Formulation::Radon] {
            let solver = Milp { formulation: Some(formulation) };
            let report = solve_started(&problem, &solver, None, &Options::default(), &Silent).unwrap();
            agrees(&report, Some(f64::from(n)), &format!("{n} units, {formulation:?}"));
        }
    }
}

/// Two units must not be treated together although both would gain: the budget binds, and the price is the smaller gain.
#[test]
fn a_binding_budget_costs_what_it_must() {
    let x = ndarray::array![[0.0], [1.0], [2.0]];
    let problem = LinearProblem::from_gains(names("x", 1), x, &[3.0, -5.0, 2.0]).unwrap();
    let half = SideConstraint::Assignment(AssignmentBound::budget_share(3, 2, 0.34));
    let report =
        solve::solve(&problem.with(half).unwrap(), &Milp::default(), None, &Options::default(), &Silent);
    let report = report.unwrap();
    agrees(&report, Some(3.0), "one of three");
    assert_eq!(report.statistics["constraints"][0]["value"], 1.0);
    assert_eq!(report.model, "linear_rule");
}
