//! Constraints on linear rules: signs, few covariates, whole coefficients, eligibility, alone and in pairs.
//!
//! Enumeration: covariates are whole numbers over a grid (1, 1/8 or 2^-20). A rule with one or two covariates changes its order of the units only
//! at directions orthogonal to a difference of two units; those directions, the axes and all sums of two of them include one
//! inside every arc between. So these directions that satisfy the constraints, each with every threshold, give every labelling.
//! Whole coefficients are enumerated as they are.

use std::collections::BTreeSet;

use ndarray::Array2;
use prescribe::models::linear_rule::LinearProblem;
use prescribe::models::{CoefficientSign, SideConstraint, Sign};
use prescribe::solve::{Directions, Formulation, Milp, Options, Silent, Smooth, Solver, solve_started};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{Holds, INSTANCES, agrees, assignment, covariates, eligibility, names, reward};

/// What a rule must satisfy, as the enumeration sees it.
#[derive(Default)]
struct Demands {
    /// Covariates with the sign -1 or 1.
    signs: Vec<(usize, i128)>,
    most: Option<usize>,
    reach: Option<i128>,
    assignment: Vec<Holds>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Sign,
    Most,
    Integer,
    Eligible,
    Assignment,
}

const KINDS: [Kind; 5] = [Kind::Sign, Kind::Most, Kind::Integer, Kind::Eligible, Kind::Assignment];

impl Demands {
    /// Adds one random constraint.
    fn add(&mut self, kind: Kind, problem: LinearProblem, random: &mut ChaCha8Rng) -> LinearProblem {
        let (n, p) = problem.x().dim();
        let constraint = match kind {
            Kind::Sign => {
                let covariate = random.random_range(0..p);
                let sign = if random.random() { Sign::Nonnegative } else { Sign::Nonpositive };
                self.signs.push((covariate, if sign == Sign::Nonnegative { 1 } else { -1 }));
                SideConstraint::Sign(CoefficientSign::new("x", covariate, sign))
            }
            Kind::Most => {
                let most = random.random_range(0..=2.min(p - 1));
                self.most = Some(self.most.map_or(most, |other| other.min(most)));
                SideConstraint::MaximumCovariates(most)
            }
            Kind::Integer => {
                let reach = random.random_range(1..=3_u8);
                let whole = i128::from(reach);
                self.reach = Some(self.reach.map_or(whole, |other| other.min(whole)));
                SideConstraint::IntegerCoefficients(u32::from(reach))
            }
            Kind::Eligible => {
                let (eligible, holds) = eligibility(random, n, 2);
                self.assignment.push(holds);
                SideConstraint::Eligibility(eligible)
            }
            Kind::Assignment => {
                let (constraint, holds) = assignment::constraint(random, n, 2);
                self.assignment.push(holds);
                constraint
            }
        };
        problem.with(constraint).unwrap()
    }

    fn allows(&self, b: &[i128]) -> bool {
        let signs = self.signs.iter().all(|(j, sign)| b[*j] * sign >= 0);
        signs && self.most.is_none_or(|most| b.iter().filter(|b| **b != 0).count() <= most)
    }

    /// Every labelling of the units `x` by a rule that satisfies the demands, as an assignment.
    fn assignments(&self, x: &[Vec<i128>]) -> BTreeSet<Vec<usize>> {
        let directions = match self.reach {
            Some(reach) => whole_vectors(x[0].len(), reach),
            None => directions(x).into_iter().collect(),
        };
        let mut found = BTreeSet::from([vec![0; x.len()], vec![1; x.len()]]);
        for b in directions.iter().filter(|b| self.allows(b)) {
            let heights: Vec<i128> = x.iter().map(|x| x.iter().zip(b).map(|(v, b)| v * b).sum()).collect();
            let labels = |least: &i128| heights.iter().map(|h| usize::from(h >= least)).collect();
            found.extend(heights.iter().map(labels));
        }
        found.retain(|d| self.assignment.iter().all(|holds| holds(d)));
        found
    }
}

/// All vectors with entries from -reach to reach.
fn whole_vectors(p: usize, reach: i128) -> Vec<Vec<i128>> {
    let longer =
        |short: &Vec<i128>| (-reach..=reach).map(|v| [&short[..], &[v]].concat()).collect::<Vec<_>>();
    (0..p).fold(vec![Vec::new()], |vectors, _| vectors.iter().flat_map(longer).collect())
}

/// Directions over at most two covariates, at least one of each order of the units that such a direction gives.
fn directions(x: &[Vec<i128>]) -> BTreeSet<Vec<i128>> {
    let p = x[0].len();
    let pairs = (0..p).flat_map(|j| (0..p).map(move |l| (j, l)));
    let mut found = BTreeSet::new();
    for (j, l) in pairs.filter(|(j, l)| j < l || p == 1) {
        let mut critical = BTreeSet::from([(1, 0), (-1, 0), (0, 1), (0, -1)]);
        for a in x {
            critical.extend(x.iter().map(|b| (b[l] - a[l], a[j] - b[j])).filter(|d| *d != (0, 0)));
        }
        let sums = critical.iter().flat_map(|a| critical.iter().map(|b| (a.0 + b.0, a.1 + b.1)));
        found.extend(sums.chain(critical.iter().copied()).map(|(on_j, on_l)| {
            let mut b = vec![0; p];
            b[l] = on_l;
            b[j] = on_j;
            b
        }));
    }
    found
}

/// Poses a random instance under `kinds` and holds every form that takes it against enumeration.
fn instance(seed: u64, kinds: &[Kind]) -> bool {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (few, whole) = (kinds.contains(&Kind::Most), kinds.contains(&Kind::Integer));
    let (n, p) = (random.random_range(3..=8), random.random_range(1..=if few || whole { 3 } else { 2 }));
    let (x, grid) = match random.random_range(0..4) {
        0 => (Array2::from_shape_simple_fn((n, p), || random.random_range(0..2_000_000) as f64), 1_048_576.0),
        1 => (covariates(&mut random, n, p), 8.0),
        _ => (covariates(&mut random, n, p), 1.0),
    };
    let gains: Vec<f64> = (0..n).map(|_| reward(&mut random)).collect();
    let rows: Vec<Vec<i128>> = x.rows().into_iter().map(|x| x.iter().map(|v| *v as i128).collect()).collect();
    let mut problem = LinearProblem::from_gains(names("x", p), x / grid, &gains).unwrap();
    let mut demands = Demands::default();
    for kind in kinds {
        problem = demands.add(*kind, problem, &mut random);
    }
    let value = |d: &Vec<usize>| d.iter().zip(&gains).filter(|(k, _)| **k == 1).map(|(_, g)| g).sum::<f64>();
    let all = demands.assignments(&rows);
    let optimum = all.iter().map(value).reduce(f64::max);
    let forms: &[Formulation] = match whole {
        true => &[Formulation::Scorecard, Formulation::Listed],
        false => &[Formulation::Facets, Formulation::Radon, Formulation::FacetsRadon],
    };
    for formulation in forms {
        let solver = Milp { formulation: Some(*formulation) };
        let report = solve_started(&problem, &solver, None, &Options::default(), &Silent).unwrap();
        agrees(&report, optimum, &format!("seed {seed}, {kinds:?}, {formulation:?}"));
    }
    if !whole {
        let report = solve_started(&problem, &Directions, None, &Options::default(), &Silent).unwrap();
        agrees(&report, optimum, &format!("seed {seed}, {kinds:?}, directions"));
    }
    let binds = problem.side().iter().any(SideConstraint::binds);
    assert_eq!(Solver::accepts(&Smooth::default(), &problem).is_err(), binds);
    // The enumeration without the constraints on coefficients: whether they bound anything.
    let free = Demands { assignment: demands.assignment, ..Demands::default() };
    optimum < free.assignments(&rows).iter().map(value).reduce(f64::max)
}

#[test]
fn each_constraint_equals_enumeration() {
    for (k, kind) in KINDS.into_iter().enumerate() {
        let seeds = 10_000 * k as u64..10_000 * k as u64 + INSTANCES;
        let binding = seeds.into_par_iter().filter(|seed| instance(*seed, &[kind])).count();
        let on_coefficients = matches!(kind, Kind::Sign | Kind::Most | Kind::Integer);
        assert!(!on_coefficients || binding > 3, "{kind:?} binds in {binding} instances only");
    }
}

#[test]
fn pairs_of_constraints_equal_enumeration() {
    (0..3 * INSTANCES).into_par_iter().for_each(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(100_000 + seed);
        let pair = [(); 2].map(|()| KINDS[random.random_range(0..KINDS.len())]);
        instance(200_000 + seed, &pair);
    });
}

/// Many units on few points, so that most leaves of a search are tied: every one of them must be resolved.
#[test]
fn discrete_instances_under_assignment_bounds_are_proved() {
    let binding = (0..400_u64).into_par_iter().filter(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(400_000 + seed);
        let (n, p) = (random.random_range(20..=100), random.random_range(1..=2));
        let most = random.random_range(1..=4);
        let x = Array2::from_shape_simple_fn((n, p), || f64::from(random.random_range(0..=most)));
        let rows: Vec<Vec<i128>> =
            x.rows().into_iter().map(|x| x.iter().map(|v| *v as i128).collect()).collect();
        let gains: Vec<f64> = (0..n).map(|_| reward(&mut random)).collect();
        let mut problem = LinearProblem::from_gains(names("x", p), x, &gains).unwrap();
        let mut demands = Demands::default();
        for _ in 0..random.random_range(1..=2) {
            problem = demands.add(Kind::Assignment, problem, &mut random);
        }
        let value =
            |d: &Vec<usize>| d.iter().zip(&gains).filter(|(k, _)| **k == 1).map(|(_, g)| g).sum::<f64>();
        let optimum = demands.assignments(&rows).iter().map(value).reduce(f64::max);
        let report = solve_started(&problem, &Directions, None, &Options::default(), &Silent).unwrap();
        agrees(&report, optimum, &format!("discrete instance {seed} (n {n}, p {p})"));
        optimum < Demands::default().assignments(&rows).iter().map(value).reduce(f64::max)
    });
    assert!(binding.count() > 100);
}
