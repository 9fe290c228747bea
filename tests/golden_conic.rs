//! The hand-solved conic programs of `models/golden/conic`: posed, written, read back by Clarabel, and solved to the values found by hand.
//!
//! Each `<model>_<n>.json` holds the instance, columns of the program and the optimum of the model, each with the reason;
//! `<model>_<n>.program` holds the program as JSON: min v'Pv/2 + q'v + offset subject to A v + s = b, s in the cones, entries of P (upper
//! triangle) and A as [row, column, value]. `PRESCRIBE_BLESS=1` writes the programs anew, and fails so that they get reviewed.

mod common;

use std::path::PathBuf;

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};
use ndarray::{Array1, Array2};
use prescribe::models::arm_moments::Moments;
use prescribe::models::calibration::{Calibration, Discrepancy};
use prescribe::models::fused_lasso::FusedLasso;
use prescribe::models::gain_regression::GainRegression;
use prescribe::models::linear_rule::LinearRule;
use prescribe::models::programs::Cone;
use prescribe::models::{ConicForm, ConicProgram};
use prescribe::solve::registry::Solvable;
use prescribe::solve::{self, Options, Silent, TerminationStatus};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(tag = "model", rename_all = "snake_case", deny_unknown_fields)]
enum Golden {
    Calibration {
        features: Vec<Vec<f64>>,
        target: Vec<f64>,
        discrepancy: f64,
        tolerance: Option<Vec<f64>>,
        lower: Option<f64>,
        upper: Option<f64>,
        program: Columns,
        solution: Solution<Vec<f64>>,
    },
    FusedLasso {
        /// Of the units of each arm, whose means are fitted.
        outcomes: Vec<Vec<f64>>,
        lambda: f64,
        program: Columns,
        solution: Solution<Vec<Vec<f64>>>,
    },
    GainRegression {
        covariates: Vec<Vec<f64>>,
        target: Vec<f64>,
        weights: Vec<f64>,
        program: Columns,
        solution: Solution<LinearRule>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Columns {
    columns: Vec<f64>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Solution<P> {
    objective: f64,
    point: P,
    why: String,
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

impl Golden {
    /// The program, and the objective found by hand; all that the instance says holds.
    fn pose(&self) -> (ConicProgram, f64) {
        match self {
            Self::Calibration {
                features,
                target,
                discrepancy,
                tolerance,
                lower,
                upper,
                program,
                solution,
            } => {
                let mut model =
                    Calibration::new(matrix(features), target.clone().into(), Discrepancy(*discrepancy))
                        .unwrap();
                if let Some(tolerance) = tolerance {
                    model = model.with_tolerance(Array1::from(tolerance.clone())).unwrap();
                }
                check(&model.with_bounds(*lower, *upper).unwrap(), program, &solution.point, solution)
            }
            Self::FusedLasso { outcomes, lambda, program, solution } => {
                let arm = |y: &Vec<f64>| {
                    let ones = Array2::ones((y.len(), 1));
                    Moments::by_arm(&ones, y, &vec![1.0; y.len()], &vec![0; y.len()], 1).remove(0)
                };
                let model = FusedLasso::plain(outcomes.iter().map(arm).collect(), *lambda).unwrap();
                check(&model, program, &matrix(&solution.point), solution)
            }
            Self::GainRegression { covariates, target, weights, program, solution } => {
                let model = GainRegression::new(matrix(covariates), target.clone(), weights.clone()).unwrap();
                check(&model, program, &solution.point, solution)
            }
        }
    }
}

/// The point and the columns found by hand are feasible and worth what is said, and every solver finds that value.
fn check<M: ConicForm + Solvable, P>(
    model: &M,
    columns: &Columns,
    point: &M::Point,
    solution: &Solution<P>,
) -> (ConicProgram, f64) {
    assert!(!columns.why.is_empty() && !solution.why.is_empty());
    assert!(model.violations(point).is_empty(), "{:?}", model.violations(point));
    let expected = solution.objective;
    assert!((model.objective(point) - expected).abs() < 1e-14);
    let program = model.conic();
    assert!((objective(&program, &columns.columns) - expected).abs() < 1e-12);
    assert!(outside(&program, &columns.columns) < 1e-12);
    let back = model.point(&columns.columns);
    assert!((model.objective(&back) - expected).abs() < 1e-12);
    for solver in M::solvers() {
        let report = solve::solve(model, solver.as_ref(), None, &Options::default(), &Silent).unwrap();
        assert_eq!(report.termination_status, TerminationStatus::Optimal);
        let found = report.objective_value.unwrap();
        assert!((found - expected).abs() < 1e-8, "{}: {found} for {expected}", report.solver);
    }
    (program, expected)
}

fn objective(program: &ConicProgram, v: &[f64]) -> f64 {
    let quadratic =
        |&(r, c, value): &(usize, usize, f64)| value * v[r] * v[c] / if r == c { 2.0 } else { 1.0 };
    let linear: f64 = program.q.iter().zip(v).map(|(q, v)| q * v).sum();
    program.p.iter().map(quadratic).sum::<f64>() + linear + program.offset
}

/// By how much b - A v leaves the cones.
fn outside(program: &ConicProgram, v: &[f64]) -> f64 {
    let mut s = program.b.clone();
    program.a.iter().for_each(|&(row, column, value)| s[row] -= value * v[column]);
    let mut rest = s.as_slice();
    let mut most = 0.0_f64;
    for cone in &program.cones {
        let (s, others) = rest.split_at(cone.dimension());
        rest = others;
        let off = match *cone {
            Cone::Zero(_) => s.iter().fold(0.0, |most: f64, x| most.max(x.abs())),
            Cone::Nonnegative(_) => s.iter().fold(0.0, |most: f64, x| most.max(-x)),
            Cone::SecondOrder(_) => s[1..].iter().map(|x| x * x).sum::<f64>().sqrt() - s[0],
            Cone::Exponential => s[1] * (s[0] / s[1]).exp() - s[2],
            Cone::Power(a) => s[2].abs() - s[0].powf(a) * s[1].powf(1.0 - a),
        };
        most = most.max(off);
    }
    most
}

/// Every instance, by its path.
fn instances() -> Vec<(PathBuf, Golden)> {
    let entries = std::fs::read_dir(common::file("models/golden/conic")).unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let golden = serde_json::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, golden)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn files_are_the_programs() {
    let bless = std::env::var_os("PRESCRIBE_BLESS").is_some_and(|value| value == "1");
    assert_eq!(instances().len(), 9);
    for (path, golden) in instances() {
        let text = serde_json::to_string(&golden.pose().0).unwrap() + "\n";
        let path = path.with_extension("program");
        if bless {
            std::fs::write(&path, text).unwrap();
            continue;
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == text, "{} differs from what the library writes:\n{text}", path.display());
    }
    assert!(!bless, "files were written anew: review them, then test without PRESCRIBE_BLESS");
}

#[test]
fn clarabel_reads_the_files_and_finds_the_hand_solved_optimum() {
    for (path, golden) in instances() {
        let expected = golden.pose().1;
        let text = std::fs::read_to_string(path.with_extension("program")).unwrap();
        let program: ConicProgram = serde_json::from_str(&text).unwrap();
        program.check().unwrap();
        let sparse = |rows: usize, entries: &[(usize, usize, f64)]| {
            let (mut r, mut c, mut v) = (vec![], vec![], vec![]);
            for &(row, column, value) in entries {
                r.push(row);
                c.push(column);
                v.push(value);
            }
            CscMatrix::new_from_triplets(rows, program.q.len(), r, c, v)
        };
        let cone = |cone: &Cone| match *cone {
            Cone::Zero(m) => SupportedConeT::ZeroConeT(m),
            Cone::Nonnegative(m) => SupportedConeT::NonnegativeConeT(m),
            Cone::SecondOrder(m) => SupportedConeT::SecondOrderConeT(m),
            Cone::Exponential => SupportedConeT::ExponentialConeT(),
            Cone::Power(a) => SupportedConeT::PowerConeT(a),
        };
        let cones: Vec<SupportedConeT<f64>> = program.cones.iter().map(cone).collect();
        let settings = DefaultSettings { verbose: false, max_threads: 1, ..DefaultSettings::default() };
        let (p, a) = (sparse(program.q.len(), &program.p), sparse(program.b.len(), &program.a));
        let mut solver = DefaultSolver::new(&p, &program.q, &a, &program.b, &cones, settings).unwrap();
        solver.solve();
        assert_eq!(solver.solution.status, SolverStatus::Solved, "{}", path.display());
        let found = solver.solution.obj_val + program.offset;
        assert!((found - expected).abs() < 1e-6, "{}: {found}", path.display());
    }
}
