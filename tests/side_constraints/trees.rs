//! Constraints on trees: eligibility, few covariates, received arms in leaves, alone and in pairs, against all trees.

use std::collections::BTreeSet;

use ndarray::Array2;
use prescribe::models::tree_rule::{Candidates, Tree, TreeProblem};
use prescribe::models::{MinimumArmInLeaf, SideConstraint};
use prescribe::solve::greedy::Greedy;
use prescribe::solve::{self, Formulation, Milp, Options, Silent, Solver, solve_started};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{Holds, INSTANCES, agrees, assignment, covariates, eligibility, names, reward};

/// Whether a leaf may hold these units.
type LeafHolds = Box<dyn Fn(&[usize]) -> bool>;

/// What a tree must satisfy, as the enumeration sees it.
#[derive(Default)]
struct Demands {
    most: Option<u32>,
    assignment: Vec<Holds>,
    leaves: Vec<LeafHolds>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Most,
    Eligible,
    ArmInLeaf,
    LeafSize,
    Assignment,
}

const KINDS: [Kind; 5] = [Kind::Most, Kind::Eligible, Kind::ArmInLeaf, Kind::LeafSize, Kind::Assignment];

impl Demands {
    /// Adds one random constraint.
    fn add(&mut self, kind: Kind, problem: TreeProblem, random: &mut ChaCha8Rng) -> TreeProblem {
        let (n, arms) = problem.rewards().dim();
        let constraint = match kind {
            Kind::Most => {
                let most = random.random_range(0..problem.covariates.len() as u32);
                self.most = Some(self.most.map_or(most, |other| other.min(most)));
                SideConstraint::MaximumCovariates(most as usize)
            }
            Kind::Eligible => {
                let (eligible, holds) = eligibility(random, n, arms);
                self.assignment.push(holds);
                SideConstraint::Eligibility(eligible)
            }
            Kind::ArmInLeaf => {
                let received: Vec<usize> = (0..n).map(|_| random.random_range(0..arms)).collect();
                let (known, least) = (received.clone(), random.random_range(1..=2));
                let holds = move |units: &[usize]| {
                    let some = (0..arms).filter(|k| known.contains(k));
                    some.into_iter().all(|k| units.iter().filter(|&&i| known[i] == k).count() >= least)
                };
                self.leaves.push(Box::new(holds));
                SideConstraint::MinimumArmInLeaf(MinimumArmInLeaf { received, least })
            }
            Kind::LeafSize => {
                let least = random.random_range(1..=4);
                self.leaves.push(Box::new(move |units| units.len() >= least));
                SideConstraint::MinimumLeafSize(least)
            }
            Kind::Assignment => {
                let (constraint, holds) = assignment::constraint(random, n, arms);
                self.assignment.push(holds);
                constraint
            }
        };
        problem.with(constraint).unwrap()
    }

    fn holds(&self, (d, used): &(Vec<usize>, u32)) -> bool {
        let few = self.most.is_none_or(|most| used.count_ones() <= most);
        few && self.assignment.iter().all(|holds| holds(d))
    }

    /// The assignments of `units` (laid over `base`) by all trees of depth at most `depth` whose leaves hold what they must, each
    /// with the set of covariates that the tree splits by.
    fn trees(&self, x: &Array2<f64>, units: &[usize], depth: usize, arms: usize, base: &[usize]) -> Found {
        let mut found = BTreeSet::new();
        if self.leaves.iter().all(|holds| holds(units)) {
            found.extend((0..arms).map(|k| {
                let mut d = base.to_vec();
                units.iter().for_each(|&i| d[i] = k);
                (d, 0)
            }));
        }
        for j in (0..x.ncols()).filter(|_| depth > 0) {
            let values: BTreeSet<u64> = units.iter().map(|&i| x[[i, j]].to_bits()).collect();
            for t in values.into_iter().map(f64::from_bits) {
                let (left, right): (Vec<usize>, Vec<usize>) = units.iter().partition(|&&i| x[[i, j]] <= t);
                if right.is_empty() {
                    continue;
                }
                for (half, on_left) in self.trees(x, &left, depth - 1, arms, base) {
                    let whole = self.trees(x, &right, depth - 1, arms, &half);
                    found.extend(whole.into_iter().map(|(d, on_right)| (d, on_left | on_right | 1 << j)));
                }
            }
        }
        found
    }
}

type Found = BTreeSet<(Vec<usize>, u32)>;

/// Poses a random instance under `kinds` and holds both forms against all trees.
fn instance(seed: u64, kinds: &[Kind]) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (n, p) = (random.random_range(2..=8), random.random_range(1..=3));
    let (arms, depth) = (random.random_range(2..=3), random.random_range(1..=2));
    let x = covariates(&mut random, n, p);
    let rewards = Array2::from_shape_simple_fn((n, arms), || reward(&mut random));
    let class = Tree::over(&x, depth, Candidates::All);
    let mut problem =
        TreeProblem::new(class, names("x", p), names("a", arms), x.clone(), rewards.clone()).unwrap();
    let mut demands = Demands::default();
    for kind in kinds {
        problem = demands.add(*kind, problem, &mut random);
    }
    let units: Vec<usize> = (0..n).collect();
    let all = demands.trees(&x, &units, depth, arms, &vec![0; n]);
    let value = |(d, _): &(Vec<usize>, u32)| d.iter().enumerate().map(|(i, &k)| rewards[[i, k]]).sum::<f64>();
    let optimum = all.iter().filter(|tree| demands.holds(tree)).map(value).reduce(f64::max);
    for formulation in [Formulation::Extended, Formulation::Flow] {
        let solver = Milp { formulation: Some(formulation) };
        let report = solve_started(&problem, &solver, None, &Options::default(), &Silent).unwrap();
        agrees(&report, optimum, &format!("seed {seed}, {kinds:?}, {formulation:?}"));
    }
    greedy_agrees(&problem, kinds, optimum, seed);
}

/// Greedy takes demands on leaves alone: what it finds satisfies them, and it finds something where anything does.
fn greedy_agrees(problem: &TreeProblem, kinds: &[Kind], optimum: Option<f64>, seed: u64) {
    let on_leaves = kinds.iter().all(|kind| matches!(kind, Kind::ArmInLeaf | Kind::LeafSize));
    if on_leaves {
        let report = solve::solve(problem, &Greedy, None, &Options::default(), &Silent).unwrap();
        assert_eq!(report.objective_value.is_some(), optimum.is_some(), "seed {seed}");
        assert!(report.certificate.verified || optimum.is_none(), "seed {seed}: {:?}", report.certificate);
        assert!(report.objective_value <= optimum, "seed {seed}");
    } else if kinds.iter().any(|kind| matches!(kind, Kind::Most | Kind::Assignment)) {
        assert!(Solver::<TreeProblem>::accepts(&Greedy, problem).is_err());
    }
}

#[test]
fn each_constraint_equals_enumeration() {
    (0..KINDS.len() as u64 * INSTANCES).into_par_iter().for_each(|seed| {
        instance(seed, &[KINDS[(seed / INSTANCES) as usize]]);
    });
}

#[test]
fn pairs_of_constraints_equal_enumeration() {
    (0..3 * INSTANCES).into_par_iter().for_each(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(100_000 + seed);
        let pair = [(); 2].map(|()| KINDS[random.random_range(0..KINDS.len())]);
        instance(200_000 + seed, &pair);
    });
}
