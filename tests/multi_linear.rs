//! Linear rules over any number of arms against enumeration in exact arithmetic: values, bounds, ties, assignment bounds, and two arms
//! against the linear rule.

#[path = "common/arm_labellings.rs"]
mod arm_labellings;
#[path = "common/labellings.rs"]
mod labellings;

use arm_labellings::{best_arms, realisable};
use labellings::{Point, best_labelling};
use ndarray::Array2;
use prescribe::models::linear_rule::{Linear, LinearProblem};
use prescribe::models::multi_linear_rule::{MultiLinear, MultiLinearProblem, MultiLinearRule};
use prescribe::models::{AssignmentBound, Model, SideConstraint};
use prescribe::solve::pair_directions::PairDirections;
use prescribe::solve::{
    self, Formulation, Milp, Options, Report, Silent, Smooth, Solver, Stage, TerminationStatus,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

const INSTANCES: u64 = 120;
/// Covariates are whole multiples of one over this, so that enumeration is exact.
const GRID: f64 = 1_048_576.0;

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|j| format!("{prefix}{j}")).collect()
}

struct Instance {
    x: Vec<Vec<i128>>,
    rewards: Array2<f64>,
    random: ChaCha8Rng,
}

impl Instance {
    /// Continuous covariates or few-valued ones with many ties; rewards that sum without rounding, many of them equal.
    fn new(seed: u64, n: usize, p: usize, arms: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut value = |_| match seed % 3 {
            0 => random.random_range(-2_000_000..=2_000_000),
            _ => random.random_range(0..=if seed % 3 == 1 { 2 } else { 4 }) << 20,
        };
        let x = (0..n).map(|_| (0..p).map(&mut value).collect()).collect();
        let mut rewards = Array2::from_shape_fn((n, arms), |_| match random.random_range(0..4) {
            0 => f64::from(random.random_range(-2..=2)),
            _ => f64::from(random.random_range(-4000..=4000)) / 1024.0,
        });
        if seed.is_multiple_of(2) {
            // As inverse propensity weighting gives them: 0 but for the arm received.
            rewards.rows_mut().into_iter().for_each(|mut row| {
                let received = random.random_range(0..arms);
                row.indexed_iter_mut().filter(|(k, _)| *k != received).for_each(|(_, r)| *r = 0.0);
            });
        }
        Self { x, rewards, random }
    }

    fn small(seed: u64) -> (Self, String) {
        let mut random = ChaCha8Rng::seed_from_u64(10_000 + seed);
        let arms = [3, 3, 3, 2, 4][(seed % 5) as usize];
        let (n, p) = (random.random_range(3..=if arms == 4 { 6 } else { 8 }), random.random_range(1..=2));
        (Self::new(seed, n, p, arms), format!("seed {seed} (n {n}, p {p}, K {arms})"))
    }

    fn rows(&self) -> Vec<Vec<f64>> {
        self.rewards.rows().into_iter().map(|row| row.to_vec()).collect()
    }

    fn covariates(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.x.len(), self.x[0].len()), |(i, j)| self.x[i][j] as f64 / GRID)
    }

    fn problem(&self) -> MultiLinearProblem {
        let (p, arms) = (self.x[0].len(), self.rewards.ncols());
        let (x, rewards) = (self.covariates(), self.rewards.clone());
        MultiLinearProblem::new(MultiLinear { arms }, names("x", p), names("arm", arms), x, rewards).unwrap()
    }
}

fn solved<M: Model>(
    model: &M,
    solver: &dyn Solver<M>,
    start: Option<&M::Point>,
    what: &str,
) -> Report<M::Point> {
    solve::solve(model, solver, start, &Options::default(), &Silent).unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// The report proves `optimum`.
fn proves<P>(report: &Report<P>, optimum: f64, what: &str) {
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}: {:?}", report.certificate);
    assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
    let (value, bound) = (report.objective_value.unwrap(), report.objective_bound.unwrap());
    let close = |a: f64| (a - optimum).abs() <= 1e-6 * optimum.abs().max(1.0);
    assert!(
        (value - optimum).abs() <= 1e-9 * optimum.abs().max(1.0),
        "{what}: {value}, by enumeration {optimum}"
    );
    assert!(close(bound), "{what}: bound {bound}, by enumeration {optimum}");
}

/// The forms that close an instance of this size in a blink.
fn forms(n: usize) -> Vec<Formulation> {
    let all = [Formulation::Radon, Formulation::Facets, Formulation::FacetsRadon];
    all[..if n <= 5 { 3 } else { 1 }].to_vec()
}

#[test]
fn enumeration_itself_is_right_on_known_sets() {
    // On a line three arms give three intervals at most: of 4 points labelled a b c a no rule, a a b c a rule.
    let line: Vec<Vec<i128>> = (0..4).map(|v| vec![v]).collect();
    assert!(realisable(&line, &[0, 0, 1, 2], 3) && realisable(&line, &[2, 0, 0, 1], 3));
    assert!(!realisable(&line, &[0, 1, 2, 0], 3));
    // Orders of the arms times places to cut: 3 constant, 6 x 3 of two intervals, 6 x 3 of three.
    let labels = |code: usize| [code % 3, code / 3 % 3, code / 9 % 3, code / 27];
    assert_eq!((0..81).filter(|&code| realisable(&line, &labels(code), 3)).count(), 3 + 18 + 18);
    // Two points at one place get one arm.
    assert!(!realisable(&[vec![1], vec![1]], &[0, 1], 3));
    let rewards = vec![vec![1.0, 0.0, 0.0], vec![0.0, 4.0, 0.0], vec![0.0, 0.0, 2.0], vec![2.0, 0.0, 1.0]];
    assert_eq!(best_arms(&line, &rewards, &|_| true), Some(8.0));
    assert_eq!(best_arms(&line, &rewards, &|labels| labels[0] == 2), Some(4.0 + 2.0));
}

#[test]
fn rules_equal_enumeration() {
    (0..INSTANCES).into_par_iter().for_each(|seed| {
        let (mut instance, what) = Instance::small(seed);
        let problem = instance.problem();
        let optimum = best_arms(&instance.x, &instance.rows(), &|_| true).unwrap();
        let smooth = solved(&problem, &Smooth { stage: Stage::Polished }, None, &what);
        assert!(smooth.objective_value.unwrap() <= optimum, "{what}");
        let start = smooth.point.filter(|_| seed % 2 == 0);
        proves(
            &solved(&problem, &PairDirections, start.as_ref(), &what),
            optimum,
            &format!("{what} directions"),
        );
        for formulation in forms(instance.x.len()) {
            let milp = Milp { formulation: Some(formulation) };
            proves(
                &solved(&problem, &milp, start.as_ref(), &what),
                optimum,
                &format!("{what} {formulation:?}"),
            );
        }
        // Rules of small whole numbers tie at many units; ties give no rule more than the optimum.
        for _ in 0..50 {
            let mut whole = || f64::from(instance.random.random_range(-1..=1));
            let arms = problem.arms.len();
            let rule = MultiLinearRule {
                intercepts: (0..arms).map(|_| whole()).collect(),
                coefficients: (0..arms)
                    .map(|_| problem.covariates.iter().map(|_| whole()).collect())
                    .collect(),
            };
            assert!(problem.objective(&rule) <= optimum, "{what}: {rule:?}");
        }
    });
}

#[test]
fn two_arms_are_the_linear_rule() {
    (0..60).into_par_iter().for_each(|seed| {
        let instance = Instance::new(seed, 4 + (seed % 9) as usize, 1 + (seed % 3) as usize, 2);
        let gain = |i: usize| instance.rewards[[i, 1]] - instance.rewards[[i, 0]];
        let points: Vec<Point> = instance.x.iter().enumerate().map(|(i, x)| (x.clone(), gain(i))).collect();
        let optimum = best_labelling(&points) + instance.rewards.column(0).sum();
        let what = format!("two arms {seed}");
        let p = instance.x[0].len();
        let (x, rewards) = (instance.covariates(), instance.rewards.clone());
        let linear = LinearProblem::new(Linear, names("x", p), names("arm", 2), x, rewards).unwrap();
        proves(&solved(&linear, &Milp::default(), None, &what), optimum, &what);
        let problem = instance.problem();
        proves(&solved(&problem, &PairDirections, None, &what), optimum, &what);
        proves(&solved(&problem, &Milp::default(), None, &what), optimum, &what);
    });
}

#[test]
fn assignment_bounds_equal_enumeration() {
    (0..60).into_par_iter().for_each(|seed| {
        let (mut instance, what) = Instance::small(seed);
        let (n, arms) = instance.rewards.dim();
        let bound = match seed % 3 {
            0 => AssignmentBound::budget_share(n, arms, 0.4),
            1 => AssignmentBound::capacity(n, arms, 0, "arm0", n / 3),
            _ => {
                let weights =
                    Array2::from_shape_fn((n, arms), |_| f64::from(instance.random.random_range(-2..=2)));
                AssignmentBound { name: "weights".into(), weights, lower: -1.0, upper: 2.0 }
            }
        };
        let kept = |labels: &[usize]| {
            let value = bound.value(labels);
            bound.lower <= value && value <= bound.upper
        };
        let optimum = best_arms(&instance.x, &instance.rows(), &kept);
        let problem = instance.problem().with(SideConstraint::Assignment(bound.clone())).unwrap();
        for formulation in forms(n) {
            let what = format!("{what} {} {formulation:?}", bound.name);
            let report = solved(&problem, &Milp { formulation: Some(formulation) }, None, &what);
            match optimum {
                Some(optimum) => proves(&report, optimum, &what),
                None => assert_eq!(report.termination_status, TerminationStatus::Infeasible, "{what}"),
            }
        }
        for solver in [&Smooth::default() as &dyn Solver<MultiLinearProblem>, &PairDirections] {
            let refusal = solver.accepts(&problem).unwrap_err().to_string();
            assert!(refusal.contains(&bound.name), "{refusal}");
        }
    });
}

/// Points that differ by less than the solver's tolerances: what is called optimal is, the rest is called something else.
#[test]
fn nearly_tied_units_are_proved_or_not_called_optimal() {
    let proved = (0..40).into_par_iter().map(|seed| {
        let mut random = ChaCha8Rng::seed_from_u64(5000 + seed);
        let (n, p) = (random.random_range(4..=7), random.random_range(1..=2));
        let mut instance = Instance::new(seed, n, p, 3);
        instance.x.iter_mut().flatten().for_each(|v| {
            let (whole, step): (i128, i128) = (random.random_range(0..=2), random.random_range(-2..=2));
            *v = (whole << 40) + (step << (seed % 4 * 7));
        });
        let problem = instance.problem();
        let optimum = best_arms(&instance.x, &instance.rows(), &|_| true).unwrap();
        let radon = Milp { formulation: Some(Formulation::Radon) };
        let solvers = [&PairDirections as &dyn Solver<MultiLinearProblem>, &radon];
        let optimal = solvers.map(|solver| {
            let what = format!("nearly tied {seed} by {}", solver.name());
            let report = solved(&problem, solver, None, &what);
            let (value, bound) = (report.objective_value.unwrap(), report.objective_bound.unwrap());
            assert!(value <= optimum && optimum <= bound + 1e-6, "{what}: {value} {optimum} {bound}");
            let optimal = report.termination_status == TerminationStatus::Optimal;
            if optimal {
                proves(&report, optimum, &what);
            }
            usize::from(optimal)
        });
        optimal.iter().sum::<usize>()
    });
    let proved: usize = proved.sum();
    assert!(proved >= 30, "{proved} of 80");
}

/// The two exact solvers on instances beyond enumeration, which the search has to divide.
#[test]
fn search_and_program_agree() {
    (0..48).into_par_iter().for_each(|seed| {
        let (n, p, arms) =
            [(16, 2, 3), (14, 2, 3), (14, 3, 3), (14, 1, 4), (18, 2, 2), (18, 1, 3)][(seed % 6) as usize];
        // Seeds of all kinds of covariates and rewards at each size.
        let instance = Instance::new(seed / 6, n, p, arms);
        let problem = instance.problem();
        let what = format!("search and program {seed} (n {n}, p {p}, K {arms})");
        let start = solved(&problem, &Smooth::default(), None, &what).point;
        let radon = Milp { formulation: Some(Formulation::Radon) };
        let program = solved(&problem, &radon, start.as_ref(), &what);
        let optimum = program.objective_value.unwrap();
        proves(&program, optimum, &what);
        proves(&solved(&problem, &PairDirections, None, &what), optimum, &what);
    });
}
