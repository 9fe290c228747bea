//! Constraints inside the tree search: received arms in leaves, eligibility, few covariates, leaf sizes, alone and in pairs, against a
//! recursion over all trees and against the program.

use std::sync::atomic::{AtomicI64, Ordering};

use ndarray::Array2;
use prescribe::models::tree_rule::{Candidates, Node, Tree, TreeProblem};
use prescribe::models::{MinimumArmInLeaf, Model, SideConstraint};
use prescribe::simulate::{Covariates, tree_rewards};
use prescribe::solve::{
    self, Control, Lookahead, Milp, Observer, Options, Progress, Report, Silent, Solver, TerminationStatus,
    TreeSearch,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{agrees, names};

/// Random instances, a third at each depth.
const RANDOM: u64 = 2400;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Most,
    Eligible,
    ArmInLeaf,
    LeafSize,
}

const KINDS: [Kind; 4] = [Kind::Most, Kind::Eligible, Kind::ArmInLeaf, Kind::LeafSize];

/// An instance as the recursion sees it.
struct Units {
    x: Array2<f64>,
    rewards: Array2<f64>,
    eligible: Array2<bool>,
    received: Vec<usize>,
    /// Units of each received arm in a leaf.
    least: usize,
    size: usize,
    /// Covariates that a tree may look at.
    most: usize,
    /// What covariates are views of.
    views: Vec<usize>,
}

impl Units {
    fn draw(seed: u64, depth: usize, kinds: &[Kind]) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let kind = random.random_range(0..5);
        let most = if matches!(kind, 1 | 2) { [60, 200, 80] } else { [60, 24, 12] };
        let n = random.random_range(1..=most[depth - 1]);
        let p = random.random_range(1..=[6, 4, 3][depth - 1]);
        let arms = random.random_range(2..=4);
        let x = Array2::from_shape_fn((n, p), |(_, j)| match (kind, j % 2) {
            (0, _) | (3, 0) => random.random_range(-1.0..1.0),
            (1, _) => f64::from(random.random_range(0..4)),
            (2, _) | (3, _) => f64::from(random.random_range(0..2)),
            _ => f64::from(random.random_range(-9..9)) / 4.0,
        });
        let style = random.random_range(0..3);
        let rewards = Array2::from_shape_simple_fn((n, arms), || match style {
            0 => f64::from(random.random_range(-2..=2)),
            1 => 1e3 + f64::from(random.random_range(-99..=99)) / 64.0,
            _ => f64::from(random.random_range(-400..=400)) / 128.0,
        });
        // Who is barred depends on a covariate, now and then on nothing, or is everyone from one arm.
        let (bar, share) = (random.random_range(0..arms), [0.0, 0.02, 0.2][random.random_range(0..3)]);
        let (by, limit) = (random.random_range(0..p), random.random_range(-1.0..2.0));
        let barred = |random: &mut ChaCha8Rng, i: usize, k: usize| {
            (k == bar && x[[i, by]] > limit) || random.random_bool(share)
        };
        let eligible = Array2::from_shape_fn((n, arms), |(i, k)| !barred(&mut random, i, k));
        let received = (0..n).map(|_| random.random_range(0..arms)).collect();
        let views = (0..p).map(|j| if j > 0 && random.random_range(0..5) == 0 { j - 1 } else { j }).collect();
        let mut units = Self { x, rewards, eligible, received, least: 0, size: 1, most: p, views };
        for j in 1..p {
            units.views[j] = units.views[units.views[j]];
        }
        for kind in kinds {
            match kind {
                Kind::Most => units.most = random.random_range(0..=p.min(3)),
                Kind::ArmInLeaf => units.least = random.random_range(1..=3),
                Kind::LeafSize => units.size = random.random_range(2..=4),
                Kind::Eligible => {}
            }
        }
        if !kinds.contains(&Kind::Eligible) {
            units.eligible.fill(true);
        }
        units
    }

    fn problem(&self, depth: usize, kinds: &[Kind]) -> TreeProblem {
        let (p, arms) = (self.x.ncols(), self.rewards.ncols());
        let class = Tree { views_of: self.views.clone(), ..Tree::over(&self.x, depth, Candidates::All) };
        let problem =
            TreeProblem::new(class, names("x", p), names("a", arms), self.x.clone(), self.rewards.clone());
        kinds.iter().fold(problem.unwrap(), |problem, kind| {
            let constraint = match kind {
                Kind::Most => SideConstraint::MaximumCovariates(self.most),
                Kind::Eligible => SideConstraint::Eligibility(self.eligible.clone()),
                Kind::LeafSize => SideConstraint::MinimumLeafSize(self.size),
                Kind::ArmInLeaf => SideConstraint::MinimumArmInLeaf(MinimumArmInLeaf {
                    received: self.received.clone(),
                    least: self.least,
                }),
            };
            problem.with(constraint).unwrap()
        })
    }

    /// The largest total reward over all trees that are allowed; none where there is none.
    fn optimum(&self, depth: usize) -> Option<f64> {
        let everyone: Vec<usize> = (0..self.x.nrows()).collect();
        let sets = (0..1_u32 << self.x.ncols()).filter(|set| set.count_ones() as usize <= self.most);
        sets.filter_map(|set| self.best(&everyone, depth, set)).reduce(f64::max)
    }

    /// The best tree over `units` that looks at views in `set` alone.
    fn best(&self, units: &[usize], depth: usize, set: u32) -> Option<f64> {
        let arms = 0..self.rewards.ncols();
        let enough = |arm: usize| {
            let of = |units: &[usize]| units.iter().filter(|&&i| self.received[i] == arm).count();
            !self.received.contains(&arm) || of(units) >= self.least
        };
        if units.len() < self.size || !arms.clone().all(enough) {
            return None;
        }
        let total = |k: usize| units.iter().map(|&i| self.rewards[[i, k]]).sum::<f64>();
        let allowed = arms.filter(|&k| units.iter().all(|&i| self.eligible[[i, k]]));
        let mut best = allowed.map(total).reduce(f64::max);
        let looks = |j: &usize| depth > 0 && set >> self.views[*j] & 1 == 1;
        for j in (0..self.x.ncols()).filter(looks) {
            let mut values: Vec<f64> = units.iter().map(|&i| self.x[[i, j]]).collect();
            values.sort_by(f64::total_cmp);
            values.dedup();
            for &threshold in &values[..values.len() - 1] {
                let (left, right): (Vec<_>, Vec<_>) =
                    units.iter().partition(|&&i| self.x[[i, j]] <= threshold);
                let sides = self.best(&left, depth - 1, set).zip(self.best(&right, depth - 1, set));
                best = best.into_iter().chain(sides.map(|(l, r)| l + r)).reduce(f64::max);
            }
        }
        best
    }
}

fn search(problem: &TreeProblem, solver: &dyn Solver<TreeProblem>, threads: usize) -> Report<Node> {
    let options = Options { threads, ..Options::default() };
    solve::solve(problem, solver, None, &options, &Silent).unwrap()
}

/// Whether the instance has a tree that is allowed, and whether the constraints cost anything.
fn instance(seed: u64, kinds: &[Kind]) -> (bool, bool) {
    let depth = 1 + (seed % 3) as usize;
    let units = Units::draw(seed, depth, kinds);
    let problem = units.problem(depth, kinds);
    let optimum = units.optimum(depth);
    let (n, p) = units.x.dim();
    let what = format!("seed {seed}, {kinds:?}, depth {depth}, n {n}, p {p}");
    let report = search(&problem, &TreeSearch::default(), 1);
    agrees(&report, optimum, &what);
    if let (Some(bound), Some(optimum)) = (report.objective_bound, optimum) {
        assert!(bound <= optimum + 1e-9 * optimum.abs().max(1.0), "{what}: bound {bound} on {optimum}");
    }
    let again = search(&problem, &TreeSearch::default(), 4);
    assert_eq!(
        (&again.point, again.objective_bound, again.nodes),
        (&report.point, report.objective_bound, report.nodes)
    );
    for search_depth in 1..=depth {
        let found = search(&problem, &Lookahead { search_depth: Some(search_depth) }, 1);
        assert_eq!(found.point.is_some(), optimum.is_some(), "{what}: lookahead {search_depth}");
        let Some(value) = found.objective_value else {
            assert_eq!(found.termination_status, TerminationStatus::Infeasible, "{what}");
            continue;
        };
        assert!(found.certificate.verified, "{what}: {:?}", found.certificate);
        let slack = 1e-9 * value.abs().max(1.0);
        assert!(Some(value) <= optimum.map(|optimum| optimum + slack), "{what}: {value}");
        assert!(
            found.objective_bound >= optimum.map(|optimum| optimum - slack),
            "{what}: {:?}",
            found.objective_bound
        );
        if search_depth == depth {
            assert!(Some(value) >= optimum.map(|optimum| optimum - slack), "{what}: {value}");
        }
    }
    let free = Units {
        least: 0,
        size: 1,
        most: p,
        eligible: Array2::from_elem(units.eligible.dim(), true),
        ..units
    };
    (optimum.is_some(), optimum.is_some_and(|optimum| free.optimum(depth) > Some(optimum)))
}

#[test]
fn each_constraint_in_the_search_equals_all_trees() {
    for (number, kind) in (0..).zip(KINDS) {
        let seeds = (number * RANDOM..number * RANDOM + RANDOM / 4).into_par_iter();
        let seen: Vec<(bool, bool)> = seeds.map(|seed| instance(seed, &[kind])).collect();
        let (allowed, dear) = (seen.iter().filter(|s| s.0).count(), seen.iter().filter(|s| s.1).count());
        assert!(allowed >= 150 && dear >= 100, "{kind:?}: {allowed} can be met, {dear} cost something");
    }
}

#[test]
fn pairs_of_constraints_in_the_search_equal_all_trees() {
    let pairs: Vec<[Kind; 2]> = (0..4).flat_map(|a| (0..a).map(move |b| [KINDS[a], KINDS[b]])).collect();
    (0..RANDOM / 2).into_par_iter().for_each(|seed| {
        instance(1_000_000 + seed, &pairs[(seed / 3) as usize % pairs.len()]);
    });
    (0..RANDOM / 8).into_par_iter().for_each(|seed| {
        instance(2_000_000 + seed, &KINDS);
    });
}

/// Sizes that the recursion does not reach, where the program proves depth 2.
#[test]
fn larger_instances_equal_the_program() {
    let covariates = [Covariates::Continuous, Covariates::Mixed, Covariates::Binary];
    (0..24_u64).into_par_iter().for_each(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let kinds: Vec<Kind> = (0..3).filter(|b| (1 + seed % 7) >> b & 1 == 1).map(|b| KINDS[b]).collect();
        let arms = 2 + seed as usize % 3;
        let drawn = tree_rewards(covariates[seed as usize % 3], 300, 5, arms, seed).unwrap();
        let mut problem = drawn.problem(2, Candidates::Quantiles(9)).unwrap();
        for kind in &kinds {
            let (x, n) = (problem.x().clone(), problem.units());
            problem = problem
                .with(match kind {
                    Kind::Most => SideConstraint::MaximumCovariates(1 + seed as usize % 2),
                    Kind::Eligible => {
                        let may = |(i, k): (usize, usize)| k + 1 < arms || x[[i, 1]] <= 0.3;
                        SideConstraint::Eligibility(Array2::from_shape_fn((n, arms), may))
                    }
                    _ => SideConstraint::MinimumArmInLeaf(MinimumArmInLeaf {
                        received: (0..n).map(|_| random.random_range(0..arms)).collect(),
                        least: 15,
                    }),
                })
                .unwrap();
        }
        let program = search(&problem, &Milp::default(), 1);
        agrees(
            &search(&problem, &TreeSearch::default(), 1),
            program.objective_value,
            &format!("{seed}, {kinds:?}"),
        );
    });
}

/// Stops when it has been asked so often.
struct Patience(AtomicI64);

impl Observer for Patience {
    fn progress(&self, _progress: &Progress) -> Control {
        Control::Continue
    }

    fn wants_stop(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

/// Wherever the search is interrupted or ends at its number of cuts, its rule is allowed and its bound holds.
#[test]
fn unfinished_searches_bound_the_optimum() {
    let mut unfinished = 0;
    for (number, (n, depth)) in [(2000, 2), (2000, 2), (150, 3), (150, 3)].into_iter().enumerate() {
        let drawn = tree_rewards(Covariates::Continuous, n, 4, 3, 5).unwrap();
        let mut problem = drawn.problem(depth, Candidates::All).unwrap();
        let x = problem.x().clone();
        let may = Array2::from_shape_fn((n, 3), |(i, k)| k < 2 || x[[i, 1]] <= 0.3);
        let received = MinimumArmInLeaf { received: (0..n).map(|i| i % 3).collect(), least: 3 };
        problem = problem.with(SideConstraint::Eligibility(may)).unwrap();
        problem = problem.with(SideConstraint::MinimumArmInLeaf(received)).unwrap();
        if number % 2 == 1 {
            problem = problem.with(SideConstraint::MaximumCovariates(2)).unwrap();
        }
        let optimum = search(&problem, &TreeSearch::default(), 0).objective_value.unwrap();
        for patience in (0..8).chain((8..80).step_by(9)) {
            let cuts = (patience % 3 == 0).then_some(patience as u64);
            let options = Options { threads: 2, mip_max_nodes: cuts, ..Options::default() };
            let observer = Patience(AtomicI64::new(patience));
            for solver in [&TreeSearch::default() as &dyn Solver<TreeProblem>, &Lookahead::default()] {
                let report = solve::solve(&problem, solver, None, &options, &observer).unwrap();
                let what = format!("n {n} depth {depth} patience {patience} {}", solver.name());
                unfinished += usize::from(report.termination_status != TerminationStatus::Optimal);
                assert_ne!(report.termination_status, TerminationStatus::Infeasible, "{what}");
                let Some(value) = report.objective_value else { continue };
                assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
                let bound = report.objective_bound.unwrap();
                assert!(
                    value <= optimum + 1e-9 && optimum <= bound + 1e-9,
                    "{what}: {value} {optimum} {bound}"
                );
            }
        }
    }
    assert!(unfinished >= 60, "{unfinished}");
}
