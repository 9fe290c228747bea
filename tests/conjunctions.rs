//! Conjunctions of two linear rules against enumeration: every pair of labellings that lines give to points with whole coordinates.

#[path = "common/labellings.rs"]
mod labellings;

use ndarray::{Array1, Array2};
use prescribe::models::conjunction_rule::{Conjunction, ConjunctionProblem, ConjunctionRule};
use prescribe::models::linear_rule::{LinearProblem, LinearRule};
use prescribe::models::{AssignmentBound, Model, SideConstraint};
use prescribe::solve::{
    self, Alternating, Formulation, Milp, Options, Programmed, Promise, Report, Silent, Solvable, Solver,
    TerminationStatus,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn pose(x: Array2<f64>, gains: &[f64]) -> ConjunctionProblem {
    let covariates = (1..=x.ncols()).map(|j| format!("x{j}")).collect();
    let rewards = Array2::from_shape_fn((gains.len(), 2), |(i, k)| if k == 1 { gains[i] } else { 0.0 });
    ConjunctionProblem::new(Conjunction, covariates, vec!["no".into(), "yes".into()], x, rewards).unwrap()
}

fn solved(
    problem: &ConjunctionProblem,
    solver: &dyn Solver<ConjunctionProblem>,
    threads: usize,
) -> Report<ConjunctionRule> {
    let options = Options { threads, ..Options::default() };
    solve::solve(problem, solver, None, &options, &Silent).unwrap()
}

/// Points on a small grid, some of them twice, with whole gains.
fn draw(seed: u64) -> (Vec<Vec<i128>>, Vec<f64>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let p = 1 + (seed % 2) as usize;
    let side = if p == 1 { 6 } else { 3 };
    let n = random.random_range(5..=8);
    let points = (0..n).map(|_| (0..p).map(|_| random.random_range(0..=side)).collect()).collect();
    let gains = (0..n).map(|_| f64::from(random.random_range(-5..=5))).collect();
    (points, gains)
}

/// The largest gain over all pairs of labellings.
fn best(points: &[Vec<i128>], gains: &[f64]) -> f64 {
    let all: Vec<u32> =
        (0..1_u32 << points.len()).filter(|&mask| labellings::separable(points, mask)).collect();
    let gain = |mask: u32| -> f64 { (0..gains.len()).filter(|i| mask >> i & 1 == 1).map(|i| gains[i]).sum() };
    all.iter().flat_map(|a| all.iter().map(move |b| gain(a & b))).fold(0.0, f64::max)
}

fn matrix(points: &[Vec<i128>]) -> Array2<f64> {
    Array2::from_shape_fn((points.len(), points[0].len()), |(i, j)| points[i][j] as f64)
}

#[test]
fn every_form_finds_the_best_pair_of_labellings() {
    let (mut beyond_linear, mut missed) = (0, 0);
    for seed in 0..24 {
        let (points, gains) = draw(seed);
        let (problem, best) = (pose(matrix(&points), &gains), best(&points, &gains));
        for formulation in [Formulation::Radon, Formulation::Facets, Formulation::FacetsRadon] {
            let report = solved(&problem, &Milp { formulation: Some(formulation) }, 1);
            let what = format!("seed {seed}, {formulation:?}: {best}");
            assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}");
            assert!(report.certificate.verified, "{what}");
            let found = report.objective_value.unwrap();
            assert!((found - best).abs() < 1e-9, "{what}, found {found}");
        }
        let points: Vec<_> = points.into_iter().zip(gains).collect();
        beyond_linear += usize::from(best > labellings::best_labelling(&points));
        let local = solved(&problem, &Alternating, 1);
        assert_eq!(local.promise, Promise::Local);
        let local = local.objective_value.unwrap();
        assert!(local <= best, "seed {seed}: {local} beats {best}");
        missed += usize::from(local < best);
    }
    assert!(beyond_linear >= 6, "{beyond_linear} of 24 instances tell conjunctions from linear rules");
    assert!(missed <= 2, "alternation missed {missed} of 24");
}

#[test]
fn an_interval_that_no_line_gives_is_found_among_many_units() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let x = Array2::from_shape_simple_fn((600, 2), || random.random_range(-1.0..1.0));
    // A strip across both covariates.
    let inside = |x: ndarray::ArrayView1<f64>| (x[0] + 0.5 * x[1]).abs() <= 0.4;
    let gains: Array1<f64> = x.rows().into_iter().map(|x| if inside(x) { 1.0 } else { -1.0 }).collect();
    let wanted: f64 = gains.iter().filter(|gain| **gain > 0.0).sum();
    let problem = pose(x, gains.as_slice().unwrap());
    let report = solved(&problem, &Alternating, 0);
    assert_eq!(report.objective_value, Some(wanted));
    let linear: LinearProblem = problem.linear();
    let line = solve::solve(&linear, &solve::Directions, None, &Options::default(), &Silent).unwrap();
    assert!(line.objective_bound.unwrap() < 0.5 * wanted);
    let one = solved(&problem, &Alternating, 1);
    assert_eq!(one.point, report.point, "whatever the threads");
}

#[test]
fn one_rule_given_the_other_is_a_linear_problem_of_the_same_value() {
    let (points, gains) = draw(3);
    let problem = pose(matrix(&points), &gains);
    let other = LinearRule { intercept: 1.0, coefficients: vec![-1.0, 0.5] };
    let rule = LinearRule { intercept: -1.0, coefficients: vec![1.0, 1.0] };
    let linear = problem.given(&other).unwrap();
    let by_hand: f64 = points
        .iter()
        .zip(&gains)
        .map(|(x, gain)| {
            let (x, y) = (x[0] as f64, x[1] as f64);
            if x + y >= 1.0 && 1.0 - x + 0.5 * y >= 0.0 { *gain } else { 0.0 }
        })
        .sum();
    assert_eq!(linear.objective(&rule), by_hand);
    assert_eq!(problem.objective(&ConjunctionRule { both: [rule, other] }), by_hand);
}

#[test]
fn constraints_and_more_arms_are_refused_by_name() {
    let (points, gains) = draw(0);
    let units = gains.len();
    let budget = SideConstraint::Assignment(AssignmentBound::budget_share(units, 2, 0.5));
    let bounded = pose(matrix(&points), &gains).with(budget).unwrap();
    for solver in ConjunctionProblem::solvers() {
        let refusal = solver.accepts(&bounded).unwrap_err();
        assert!(refusal.to_string().contains("budget_share"), "{refusal}");
        assert_eq!(refusal.solver, solver.name());
    }
    let unknown = Programmed::accepts(&pose(matrix(&points), &gains), Some(Formulation::Flow)).unwrap_err();
    assert!(unknown.to_string().contains("radon"), "{unknown}");
    let names = |count: usize| (0..count).map(|j| format!("n{j}")).collect::<Vec<String>>();
    let refused =
        ConjunctionProblem::new(Conjunction, names(1), names(3), Array2::ones((2, 1)), Array2::ones((2, 3)));
    assert!(refused.unwrap_err().to_string().contains("two arms"));
}
